//! The emulated Azure Front Door: what it refuses, how an operation goes on, and what a purge takes out.

use purgit::emulator::azure_front_door::{
    AzureFrontDoor, CLIENT_ID, CLIENT_SECRET, ENDPOINT, FEDERATED_TOKEN, GITHUB_TOKEN, PROFILE,
    RESOURCE_GROUP, SUBSCRIPTION_ID, TENANT_ID,
};
use purgit::emulator::{Bucket, Emulator, Running, Settings};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::time::{Duration, advance};

use super::client::http;

fn strict() -> AzureFrontDoor {
    AzureFrontDoor {
        hosts: vec!["www.example.com".to_owned()],
        ..AzureFrontDoor::default()
    }
}

async fn start(api: AzureFrontDoor, latency: u64) -> Running {
    let settings = Settings {
        latency: Duration::from_secs(latency),
        ..Settings::default()
    };
    Emulator::start(settings, Box::new(api)).await.unwrap()
}

async fn login(running: &Running, tenant: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", "https://management.azure.com/.default")
        .extend_pairs(fields)
        .finish();
    let url = format!("{}/{tenant}/oauth2/v2.0/token", running.api_url());
    let answer = http().post(url).body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

async fn token(running: &Running) -> String {
    let fields = [("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    let (_, answer) = login(running, TENANT_ID, &fields).await;
    answer["access_token"].as_str().unwrap().to_owned()
}

fn path() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{RESOURCE_GROUP}/providers/Microsoft.Cdn/profiles/{PROFILE}/afdEndpoints/{ENDPOINT}/purge?api-version=2024-02-01"
    )
}

async fn post(running: &Running, path: &str, token: &str, body: &Value) -> Response {
    let request = http().post(format!("{}{path}", running.api_url()));
    let request = request.header("authorization", format!("Bearer {token}"));
    request.body(body.to_string()).send().await.unwrap()
}

#[tokio::test]
async fn what_the_identity_may_not_do_is_refused() {
    let running = start(
        AzureFrontDoor {
            denied: vec![
                "Microsoft.Cdn/profiles/afdEndpoints/purge/action",
                "Microsoft.Cdn/profiles/afdEndpoints/read",
            ],
            ..strict()
        },
        0,
    )
    .await;
    let token = token(&running).await;
    let body = json!({ "contentPaths": ["/*"], "domains": ["www.example.com"] });
    let refused = post(&running, &path(), &token, &body).await;
    assert_eq!(refused.status(), 403);
    let place = |below: &str, version: &str| {
        let endpoint = path().replace("/purge?api-version=2024-02-01", "");
        format!(
            "{}{endpoint}{below}?api-version={version}",
            running.api_url()
        )
    };
    let (status, text) = ask(&place("", "2024-02-01"), &token).await;
    assert!(
        status == 403 && text.contains("AuthorizationFailed"),
        "{text}"
    );
    let permissions = "/providers/Microsoft.Authorization/permissions";
    let (status, text) = ask(&place(permissions, "2022-04-01"), &token).await;
    assert!(
        status == 200 && text.contains("afdEndpoints/purge/action"),
        "{text}"
    );
    assert_eq!(ask(&place(permissions, "2024-02-01"), &token).await.0, 400);
    let (status, text) = ask(&place("/routes", "2024-02-01"), &token).await;
    assert!(status == 200 && text.contains("www-example-com"), "{text}");
}

async fn ask(url: &str, token: &str) -> (u16, String) {
    let request = http().get(url);
    let request = request.header("authorization", format!("Bearer {token}"));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn code(text: &str) -> String {
    let body: Value = serde_json::from_str(text).unwrap();
    body["error"]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_may_have_a_token() {
    let running = start(strict(), 0).await;
    let jwt = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let assertion = |token| {
        [
            ("client_id", CLIENT_ID),
            ("client_assertion", token),
            ("client_assertion_type", jwt),
        ]
    };
    let secret = |client, secret| [("client_id", client), ("client_secret", secret)];
    for (tenant, fields, expected) in [
        ("other", &secret(CLIENT_ID, CLIENT_SECRET)[..], 90_002),
        (TENANT_ID, &secret("other", CLIENT_SECRET), 700_016),
        (TENANT_ID, &secret(CLIENT_ID, "other"), 7_000_215),
        (TENANT_ID, &assertion("other"), 70_021),
        (TENANT_ID, &[("client_id", CLIENT_ID)], 7_000_216),
    ] {
        let (status, answer) = login(&running, tenant, fields).await;
        assert!(status >= 400);
        assert_eq!(answer["error_codes"], json!([expected]));
    }
    let (status, answer) = login(&running, TENANT_ID, &assertion(FEDERATED_TOKEN)).await;
    assert_eq!((status, &answer["expires_in"]), (200, &json!(3599)));
}

#[tokio::test]
async fn github_and_a_machine_have_services_of_their_own() {
    let running = start(strict(), 0).await;
    let github = format!("{}/github/token?a=b&audience=", running.api_url());
    let known = format!("{github}api%3A%2F%2FAzureADTokenExchange");
    assert_eq!(ask(&known, "other").await.0, 401);
    let (_, answer) = ask(&known, GITHUB_TOKEN).await;
    let (_, other) = ask(&format!("{github}x"), GITHUB_TOKEN).await;
    let jwt = |text: &str| {
        let body: Value = serde_json::from_str(text).unwrap();
        body["value"].as_str().unwrap().to_owned()
    };
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    for (jwt, status) in [(jwt(&answer), 200), (jwt(&other), 401)] {
        let fields = [
            ("client_id", CLIENT_ID),
            ("client_assertion", &*jwt),
            ("client_assertion_type", kind),
        ];
        assert_eq!(login(&running, TENANT_ID, &fields).await.0, status);
    }
    let machine = format!(
        "{}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=r",
        running.api_url()
    );
    assert_eq!(ask(&machine, "").await.0, 400);
    let asked = http().get(machine).header("metadata", "true");
    let answer = asked.send().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["expires_in"], json!("3599"));
    let token = answer["access_token"].as_str().unwrap();
    let all = json!({ "contentPaths": ["/*"] });
    let purged = post(&running, &path(), token, &all).await;
    assert_eq!(purged.status().as_u16(), 202);
}

#[tokio::test]
async fn every_refusal_has_its_code() {
    let running = start(strict(), 0).await;
    let token = token(&running).await;
    let all = json!({ "contentPaths": ["/*"] });
    let instead = |old: &str, new: &str| path().replace(old, new);
    for (path, token, body, expected) in [
        (path(), "other", &all, (401, "InvalidAuthenticationToken")),
        (
            instead("?api-version=2024-02-01", ""),
            &token,
            &all,
            (400, "MissingApiVersionParameter"),
        ),
        (
            instead("2024-02-01", "2001-01-01"),
            &token,
            &all,
            (400, "NoRegisteredProviderFound"),
        ),
        (
            instead(SUBSCRIPTION_ID, "x"),
            &token,
            &all,
            (404, "SubscriptionNotFound"),
        ),
        (
            instead("/rg/", "/x/"),
            &token,
            &all,
            (404, "ResourceGroupNotFound"),
        ),
        (
            instead("/profile/", "/x/"),
            &token,
            &all,
            (404, "ParentResourceNotFound"),
        ),
        (
            instead("/www/", "/x/"),
            &token,
            &all,
            (404, "ResourceNotFound"),
        ),
    ] {
        let answer = post(&running, &path, token, body).await;
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        assert_eq!((status, &*code(&text)), expected, "{path}");
    }
    for body in [
        json!({}),
        json!({ "contentPaths": [] }),
        json!({ "contentPaths": vec!["/a"; 101] }),
        json!({ "contentPaths": ["a"] }),
        json!({ "contentPaths": ["https://www.example.com/a"] }),
        json!({ "contentPaths": ["/*.js"] }),
        json!({ "contentPaths": ["/a?b"] }),
        json!({ "contentPaths": ["/a"], "domains": ["*.example.com"] }),
        json!({ "contentPaths": ["/a"], "domains": ["other.example.com"] }),
    ] {
        let answer = post(&running, &path(), &token, &body).await;
        assert_eq!(answer.status().as_u16(), 400, "{body}");
        assert_eq!(code(&answer.text().await.unwrap()), "BadRequest");
    }
    assert!(running.purge_log().is_empty());
}

#[tokio::test(start_paused = true)]
async fn writes_are_throttled() {
    let running = start(
        AzureFrontDoor {
            writes: Bucket::of_second(1.0),
            ..strict()
        },
        0,
    )
    .await;
    let token = token(&running).await;
    let all = json!({ "contentPaths": ["/*"] });
    assert_eq!(
        post(&running, &path(), &token, &all)
            .await
            .status()
            .as_u16(),
        202
    );
    let refused = post(&running, &path(), &token, &all).await;
    assert_eq!(refused.status().as_u16(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
}

#[tokio::test(start_paused = true)]
async fn an_operation_goes_on_over_time_and_can_be_asked_in_two_ways() {
    let running = start(strict(), 100).await;
    let token = token(&running).await;
    let body = json!({ "contentPaths": ["/a", "/b/*"], "domains": ["www.example.com"] });
    let accepted = post(&running, &path(), &token, &body).await;
    assert_eq!(accepted.status().as_u16(), 202);
    let place = |name: &str| accepted.headers()[name].to_str().unwrap().to_owned();
    let (status, result) = (place("azure-asyncoperation"), place("location"));
    assert!(status.len() > 2000);
    let word = async |url: &str| {
        let (_, text) = ask(url, &token).await;
        let body: Value = serde_json::from_str(&text).unwrap();
        (body["status"].clone(), body["error"]["code"].clone())
    };
    assert_eq!(word(&status).await, (json!("NotStarted"), json!("None")));
    advance(Duration::from_secs(50)).await;
    assert_eq!(word(&status).await, (json!("InProgress"), json!("None")));
    assert_eq!(ask(&result, &token).await, (202, String::new()));
    advance(Duration::from_secs(50)).await;
    assert_eq!(word(&status).await, (json!("Succeeded"), json!("None")));
    assert_eq!(ask(&result, &token).await, (200, String::new()));
    let (cut, _) = status.split_at(status.len() - 1);
    assert_eq!(ask(cut, &token).await.0, 404);
    assert_eq!(running.purge_log()[0].items.len(), 2);
}

#[tokio::test]
async fn paths_take_out_every_case_and_query_and_domains_default_to_the_own_host() {
    let running = start(strict(), 0).await;
    let token = token(&running).await;
    let purge = async |body: Value| {
        let answer = post(&running, &path(), &token, &body).await;
        assert_eq!(answer.status().as_u16(), 202);
        let mut log = running.purge_log();
        log.pop().unwrap().items.remove(0).evicts
    };
    let www = |path: &str| json!({ "contentPaths": [path], "domains": ["www.example.com"] });
    let file = purge(www("/Docs/A.html")).await;
    assert!(file.takes("www.example.com", "/docs/a.HTML?v=1", &[]));
    assert!(!file.takes("www.example.com", "/docs/a.html/b", &[]));
    assert!(!file.takes("www.azurefd.net", "/docs/a.html", &[]));
    let directory = purge(www("/docs/*")).await;
    assert!(directory.takes("www.example.com", "/DOCS/x", &[]));
    assert!(!directory.takes("www.example.com", "/docs", &[]));
    let own = purge(json!({ "contentPaths": ["/*"] })).await;
    assert!(own.takes("www.azurefd.net", "/", &[]));
    assert!(!own.takes("www.example.com", "/", &[]));
}
