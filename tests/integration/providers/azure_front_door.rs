//! Azure Front Door: requests, the ways to a token, and what each answer means.

use std::time::Duration;

use purgit::credential::{CredentialRef, Credentials};
use purgit::entry::{Target, TargetKind};
use purgit::operation::Task;
use purgit::provider::azure_front_door::config::{
    Config, Credentials as Ways, Federated, ManagedIdentity, Product,
};
use purgit::provider::azure_front_door::{AzureFrontDoor, Cloud};
use purgit::provider::{
    Answer, ApiError, Auth, Effect, Granted, ItemReport, Progress, Provider, Tasks, Token,
};
use purgit::secret::Secret;
use purgit::transport::retry::RetryClass;
use purgit::transport::{Request, Response};
use serde_json::{Value, json};

use super::samples::{KEY_VALUE, afternoon, client_secret, front_door, front_door_config};
use super::{operation, response, targets, with_header};

const ARM: &str = "https://management.azure.com";

fn usual() -> AzureFrontDoor {
    front_door(front_door_config(client_secret()))
}

fn token(text: &str) -> Token {
    Token {
        value: Secret::new(text),
        expires_at: afternoon(),
    }
}

fn submit(cdn: &AzureFrontDoor, targets: &[Target]) -> Request {
    let auth = Auth {
        credentials: &Credentials::default(),
        token: Some(&token("not-a-real-token")),
        now: afternoon(),
    };
    cdn.submit(&operation(cdn, targets), auth)
}

fn body(cdn: &AzureFrontDoor, kind: TargetKind, texts: &[&str]) -> Value {
    serde_json::from_slice(&submit(cdn, &targets(kind, texts)).body).unwrap()
}

#[test]
fn paths_go_with_the_domain_that_their_url_names() {
    let cdn = usual();
    let request = submit(&cdn, &targets(TargetKind::Host, &["www.example.com"]));
    let path = "subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Cdn/profiles/p/afdEndpoints/e/purge?api-version=2024-02-01";
    assert_eq!(request.url, format!("{ARM}/{path}"));
    let www = json!(["www.example.com"]);
    for (kind, texts, paths, domains) in [
        (
            TargetKind::File,
            // Case and query tell nothing apart, and the first spelling goes out.
            &["https://www.example.com/B?q=1", "http://www.example.com/b"][..],
            json!(["/b"]),
            &www,
        ),
        (
            TargetKind::Directory,
            &["https://www.example.com/", "https://www.example.com/js/"],
            json!(["/*", "/js/*"]),
            &www,
        ),
        (
            TargetKind::File,
            &["https://a.img.example.com/x"],
            json!(["/x"]),
            &json!(["a.img.example.com"]),
        ),
        (TargetKind::Host, &["www.example.com"], json!(["/*"]), &www),
        (
            TargetKind::Everything,
            &[""],
            json!(["/*"]),
            &json!(["img.example.com", "www.example.com"]),
        ),
    ] {
        let sent = body(&cdn, kind, texts);
        let mut domains_sent = sent["domains"].as_array().unwrap().clone();
        domains_sent.sort_by_key(ToString::to_string);
        assert_eq!(sent["contentPaths"], paths, "{texts:?}");
        assert_eq!(json!(domains_sent), *domains, "{texts:?}");
    }
}

#[test]
fn the_classic_cdn_has_no_domains() {
    let cdn = front_door(Config {
        product: Product::ClassicCdn,
        ..front_door_config(client_secret())
    });
    let request = submit(
        &cdn,
        &targets(TargetKind::File, &["https://www.example.com/a"]),
    );
    assert!(request.url.contains("/profiles/p/endpoints/e/purge?"));
    assert_eq!(request.body, br#"{"contentPaths":["/a"]}"#);
    let host = targets(TargetKind::Host, &["www.example.com"]).remove(0);
    assert!(cdn.lower(&host).is_err());
}

#[test]
fn what_the_cdn_would_take_for_something_else_is_refused() {
    let star = targets(TargetKind::File, &["https://www.example.com/a*b"]).remove(0);
    let refused = usual().lower(&star).unwrap_err();
    assert!(refused.message.contains("wildcard"), "{refused}");
    let nowhere = AzureFrontDoor::new(front_door_config(client_secret()), &[]);
    let refused = nowhere.lower(&Target::Everything).unwrap_err();
    assert!(refused.hint.contains("azureFrontDoor.domains"));
}

fn ways(federated: Option<Federated>, machine: Option<ManagedIdentity>) -> Ways {
    Ways {
        client_secret: None,
        federated,
        managed_identity: machine,
        token: None,
    }
}

fn federated(token: Option<CredentialRef>) -> Ways {
    let federated = Federated {
        tenant_id: "t".to_owned(),
        client_id: "c".to_owned(),
        github: token.is_none(),
        token,
    };
    ways(Some(federated), None)
}

fn fields(request: &Request) -> Vec<(String, String)> {
    let fields = url::form_urlencoded::parse(&request.body);
    fields.into_owned().collect()
}

/// The request of a step, in the cloud in China.
fn step(ways: Ways, given: Option<&Token>) -> Request {
    let cdn = front_door(Config {
        cloud: Cloud::China,
        ..front_door_config(ways)
    });
    let values = cdn.credentials().into_iter().map(|(name, _)| {
        let value = match name.contains("URL") {
            true => "https://github.example/token?a=b",
            false => KEY_VALUE,
        };
        (name, Secret::new(value))
    });
    let credentials = Credentials::new(values);
    let exchange = cdn.exchange().unwrap();
    exchange.request(&credentials, given, afternoon())
}

#[test]
fn a_secret_and_an_assertion_go_to_the_clouds_login_service() {
    let scope = "https://management.chinacloudapi.cn/.default";
    let secret = step(client_secret(), None);
    assert_eq!(
        secret.url,
        "https://login.partner.microsoftonline.cn/contoso.example/oauth2/v2.0/token"
    );
    let sent = fields(&secret);
    for pair in [
        ("grant_type", "client_credentials"),
        ("scope", scope),
        ("client_secret", KEY_VALUE),
    ] {
        assert!(
            sent.contains(&(pair.0.to_owned(), pair.1.to_owned())),
            "{pair:?}"
        );
    }
    let file = CredentialRef::File("/var/run/token".into());
    let sent = fields(&step(federated(Some(file)), None));
    assert!(sent.contains(&("client_assertion".to_owned(), KEY_VALUE.to_owned())));
    assert!(!sent.iter().any(|(name, _)| name == "client_secret"));
}

#[test]
fn github_is_asked_first_and_its_token_exchanged() {
    let first = step(federated(None), None);
    assert_eq!(
        first.url,
        "https://github.example/token?a=b&audience=api%3A%2F%2FAzureADTokenExchangeChina"
    );
    let cdn = front_door(front_door_config(federated(None)));
    let exchange = cdn.exchange().unwrap();
    let answer = response(200, r#"{"value":"a.b.c"}"#);
    let Ok(Granted::Next(jwt)) = exchange.token(&answer, None, afternoon()) else {
        panic!("no token to exchange");
    };
    let second = step(federated(None), Some(&jwt));
    assert!(fields(&second).contains(&("client_assertion".to_owned(), "a.b.c".to_owned())));
    let last = response(200, r#"{"access_token":"t","expires_in":3599}"#);
    assert!(matches!(
        exchange.token(&last, Some(&jwt), afternoon()),
        Ok(Granted::Token(_))
    ));
}

#[test]
fn a_machine_asks_its_metadata_service_and_nobody_else() {
    let machine = ManagedIdentity {
        client_id: Some("c".to_owned()),
    };
    let request = step(ways(None, Some(machine)), None);
    assert_eq!(
        request.url,
        "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.chinacloudapi.cn&client_id=c"
    );
    assert!(purgit::transport::destination::destination(&request).is_ok());
}

#[test]
fn a_token_is_renewed_before_its_end() {
    let cdn = usual();
    let exchange = cdn.exchange().unwrap();
    let minutes = |seconds: &str| {
        let body = format!(r#"{{"access_token":"t","expires_in":{seconds}}}"#);
        match exchange.token(&response(200, &body), None, afternoon()) {
            Ok(Granted::Token(token)) => (token.expires_at - afternoon()).num_minutes(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(minutes("3600"), 55);
    // As the metadata service writes it.
    assert_eq!(minutes("\"3600\""), 55);
    assert_eq!(minutes("120"), 1);
}

#[test]
fn a_refused_exchange_says_what_to_check() {
    let cdn = usual();
    let exchange = cdn.exchange().unwrap();
    let refused = |status, body: &str| {
        let answer = response(status, body);
        exchange.token(&answer, None, afternoon()).unwrap_err()
    };
    let body = |code: u64| {
        json!({
            "error": "invalid_client",
            "error_description": format!("AADSTS{code}: No. Trace ID: 1"),
            "error_codes": [code],
        })
        .to_string()
    };
    for (code, hint) in [
        (7_000_215, "check `secret`"),
        (7_000_222, "expired"),
        (700_016, "check `clientId`"),
        (90_002, "no such tenant"),
        (70_021, "issuer, subject and audience"),
    ] {
        let error = refused(401, &body(code));
        assert_eq!(
            (error.retry, error.effect),
            (RetryClass::Never, Effect::Credentials)
        );
        assert!(error.hint.unwrap().contains(hint), "{code}");
        assert_eq!(
            error.summary,
            format!("no token: invalid_client: AADSTS{code}: No.")
        );
    }
    assert_eq!(refused(503, &body(90_033)).retry, RetryClass::Transient);
}

#[test]
fn a_token_as_az_prints_it_is_used_and_never_shown() {
    let given = CredentialRef::Command(vec!["az".to_owned()]);
    let cdn = front_door(front_door_config(Ways {
        token: Some(given),
        ..ways(None, None)
    }));
    assert!(cdn.exchange().is_none());
    let long = "e".repeat(50);
    let printed = json!({ "accessToken": long, "tokenType": "Bearer" }).to_string();
    for (text, expected) in [
        (&*printed, &long),
        ("plain-token", &"plain-token".to_owned()),
    ] {
        let secret = Secret::new(text);
        let credentials = Credentials::new([("token", secret.clone())]);
        let auth = Auth {
            credentials: &credentials,
            token: None,
            now: afternoon(),
        };
        let everything = operation(&cdn, &[Target::Everything]);
        let request = cdn.submit(&everything, auth);
        assert_eq!(request.headers[0].1.expose(), format!("Bearer {expected}"));
        let redactor = purgit::secret::Redactor::new([&secret]);
        assert!(
            !redactor
                .redact(&format!("no: {expected}!"))
                .contains(expected)
        );
    }
}

fn place(path: &str) -> String {
    format!(
        "{ARM}/subscriptions/s/resourcegroups/rg/providers/Microsoft.Cdn/operationresults/{path}"
    )
}

fn accepted(header: &str, place: &str) -> Result<Answer, ApiError> {
    let cdn = usual();
    let answer = with_header(response(202, ""), header, place);
    cdn.submitted(&operation(&cdn, &[Target::Everything]), &answer)
}

fn task(header: &str, place: &str) -> Task {
    match accepted(header, place) {
        Ok(Answer::Running { task, .. }) => task,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_place_to_ask_is_kept_byte_for_byte_and_on_the_same_host() {
    let signed = place(&format!("7?api-version=V&s={}%2b", "a".repeat(3000)));
    let task = task("azure-asyncoperation", &signed);
    assert_eq!(task.id, "7");
    let kept: Task = serde_json::from_str(&serde_json::to_string(&task).unwrap()).unwrap();
    let auth = Auth {
        credentials: &Credentials::default(),
        token: Some(&token("t")),
        now: afternoon(),
    };
    assert_eq!(usual().poll(&kept, auth).url, signed);
    for foreign in [
        "https://evil.example/operationresults/7",
        "https://management.azure.com.evil.example/x",
        "https://management.azure.com@evil.example/x",
        "http://management.azure.com/x",
    ] {
        let refused = accepted("azure-asyncoperation", foreign).unwrap_err();
        assert_eq!(refused.effect, Effect::InDoubt, "{foreign}");
    }
}

#[test]
fn a_task_of_another_cdn_is_not_asked_about() {
    let task = |details| Task {
        id: "00000000-0000-0000-0000-000000000003".to_owned(),
        details,
    };
    let cdn = usual();
    assert!(!cdn.knows(&task(Value::Null)));
    assert!(!cdn.knows(&task(json!({ "url": "https://evil.example/x" }))));
    assert!(cdn.knows(&task(json!({ "url": place("7") }))));
}

fn polled(header: &str, status: u16, body: &str) -> Result<Answer, ApiError> {
    let task = task(header, &place("7?s=1"));
    let answer = with_header(response(status, body), "x-ms-request-id", "id");
    usual().polled(&task, &answer)
}

fn settled(answer: Result<Answer, ApiError>) -> Progress {
    match answer {
        Ok(Answer::Settled(reports)) => reports[0].progress,
        Ok(Answer::Running { .. }) => Progress::Running,
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn the_status_word_decides_and_unknown_words_go_on() {
    for (word, expected) in [
        ("Succeeded", Progress::Succeeded),
        ("succeeded", Progress::Succeeded),
        ("Failed", Progress::Failed),
        ("Canceled", Progress::Failed),
        ("Cancelled", Progress::Failed),
        ("InProgress", Progress::Running),
        ("Discombobulating", Progress::Running),
    ] {
        let body = format!(r#"{{"status":"{word}","error":{{"code":"None","message":null}}}}"#);
        assert_eq!(
            settled(polled("azure-asyncoperation", 200, &body)),
            expected,
            "{word}"
        );
    }
    let failed = r#"{"status":"Failed","error":{"code":"InternalError","message":"Oh."}}"#;
    let Ok(Answer::Settled(reports)) = polled("azure-asyncoperation", 200, failed) else {
        panic!("not over");
    };
    let report = ItemReport {
        message: Some("InternalError: Oh.".to_owned()),
        ..ItemReport::rest(Progress::Failed)
    };
    assert_eq!(reports, [report]);
    assert!(polled("azure-asyncoperation", 200, "{}").is_err());
}

#[test]
fn without_a_status_word_the_http_status_decides() {
    assert_eq!(settled(polled("location", 202, "")), Progress::Running);
    for (status, body) in [(204, ""), (200, ""), (200, r#"{"id":"x"}"#)] {
        assert_eq!(
            settled(polled("location", status, body)),
            Progress::Succeeded
        );
    }
    assert!(polled("location", 200, "<html>sign in</html>").is_err());
}

#[test]
fn only_the_services_own_word_forgets_a_task() {
    let own = r#"{"error":{"code":"ResourceNotFound","message":"gone"}}"#;
    let effect = |body| {
        polled("azure-asyncoperation", 404, body)
            .unwrap_err()
            .effect
    };
    assert_eq!(effect(own), Effect::Forgotten);
    assert_eq!(effect("<html>404</html>"), Effect::InDoubt);
}

fn refused(status: u16, code: &str) -> ApiError {
    let cdn = usual();
    let body = json!({ "error": { "code": code, "message": "m" } }).to_string();
    let answer = with_header(response(status, &body), "retry-after", "10");
    let answer = with_header(answer, "x-ms-request-id", "id");
    cdn.submitted(&operation(&cdn, &[Target::Everything]), &answer)
        .unwrap_err()
}

#[test]
fn each_refusal_has_its_meaning() {
    for (status, code, retry, effect) in [
        (
            401,
            "ExpiredAuthenticationToken",
            RetryClass::Never,
            Effect::Credentials,
        ),
        (
            403,
            "AuthorizationFailed",
            RetryClass::Never,
            Effect::Credentials,
        ),
        (404, "ResourceNotFound", RetryClass::Never, Effect::Endpoint),
        (
            404,
            "SubscriptionNotFound",
            RetryClass::Never,
            Effect::Endpoint,
        ),
        (
            400,
            "NoRegisteredProviderFound",
            RetryClass::Never,
            Effect::Endpoint,
        ),
        (400, "BadRequest", RetryClass::Never, Effect::Items),
        (409, "Conflict", RetryClass::Transient, Effect::Step),
        (
            429,
            "SubscriptionRequestsThrottled",
            RetryClass::Throttled,
            Effect::Step,
        ),
        (429, "Whatever", RetryClass::Throttled, Effect::Step),
        (
            500,
            "InternalServerError",
            RetryClass::Transient,
            Effect::Step,
        ),
    ] {
        let error = refused(status, code);
        assert_eq!(
            (error.retry, error.effect),
            (retry, effect),
            "{status} {code}"
        );
        assert_eq!(
            error.summary,
            format!("the CDN refused the request with {code}: m")
        );
        assert_eq!(error.retry_after, Some(Duration::from_secs(10)));
        assert_eq!(error.correlation_id.as_deref(), Some("id"));
    }
}

#[test]
fn done_at_once_is_done_if_the_service_says_it() {
    let cdn = usual();
    let all = operation(&cdn, &[Target::Everything]);
    let done: Response = with_header(response(200, ""), "x-ms-request-id", "id");
    assert_eq!(settled(cdn.submitted(&all, &done)), Progress::Succeeded);
    let someone = cdn.submitted(&all, &response(200, "")).unwrap_err();
    assert_eq!(someone.effect, Effect::InDoubt);
}

#[test]
fn the_endpoint_tells_its_state() {
    let cdn = usual();
    let body = r#"{"properties":{"hostName":"e.azurefd.net","enabledState":"Disabled","deploymentStatus":"Succeeded"}}"#;
    let said = cdn.inspected(&[], &response(200, body)).unwrap();
    assert_eq!(said.enabled, Some(false));
    assert_eq!(
        said.words,
        ["its own host is e.azurefd.net", "deployment Succeeded"]
    );
    assert!(cdn.inspected(&[], &response(200, "{}")).is_err());
    let gone = r#"{"error":{"code":"ResourceNotFound","message":"m"}}"#;
    let refused = cdn.inspected(&[], &response(404, gone)).unwrap_err();
    assert_eq!(refused.effect, Effect::Endpoint);
    // Who may purge need not be allowed to look.
    let forbidden = r#"{"error":{"code":"AuthorizationFailed","message":"m"}}"#;
    let said = cdn.inspected(&[], &response(403, forbidden)).unwrap();
    assert_eq!(said.remarks.len(), 1);
    let page = cdn.inspected(&[], &response(403, "<html>")).unwrap_err();
    assert_eq!(page.effect, Effect::Credentials);
}

#[test]
fn a_role_has_the_right_to_purge_unless_it_is_taken_away() {
    let cdn = usual();
    let endpoint = [response(200, "{}")];
    let of = |roles: &str| {
        cdn.inspected(
            &endpoint,
            &response(200, &format!(r#"{{"value":[{roles}]}}"#)),
        )
    };
    for roles in [
        r#"{"actions":["*"],"notActions":[]}"#,
        r#"{"actions":["microsoft.cdn/profiles/*"]}"#,
        r#"{"actions":["*/read"]},{"actions":["Microsoft.Cdn/profiles/afdEndpoints/purge/action"]}"#,
    ] {
        assert_eq!(
            of(roles).unwrap().words,
            ["the identity may purge it"],
            "{roles}"
        );
    }
    for roles in [
        "",
        r#"{"actions":["*/read"]}"#,
        r#"{"actions":["Microsoft.Cdn/profiles/endpoints/*"]}"#,
        r#"{"actions":["*"],"notActions":["Microsoft.Cdn/*/purge/action"]}"#,
    ] {
        let error = of(roles).unwrap_err();
        assert_eq!(error.effect, Effect::Credentials, "{roles}");
        assert!(error.hint.is_some());
    }
}

#[test]
fn hosts_are_the_domains_that_the_routes_name() {
    let cdn = usual();
    let endpoint = response(200, r#"{"properties":{"hostName":"e.azurefd.net"}}"#);
    let domains = r#"{"value":[
        {"id":"/p/customDomains/www","properties":{"hostName":"www.example.com","domainValidationState":"Approved"}},
        {"id":"/p/customDomains/other","properties":{"hostName":"other.example.com","domainValidationState":"Pending"}}]}"#;
    let roles = response(200, r#"{"value":[{"actions":["*"]}]}"#);
    let domains = response(200, domains);
    let before = [endpoint, roles, domains];
    let said = cdn.inspected(&before[..2], &before[2]).unwrap();
    let remark = "the domain other.example.com is not validated: Pending";
    assert_eq!(said.remarks[0].message, remark);
    let hosts = |routes: &str| {
        let routes = response(200, &format!(r#"{{"value":[{routes}]}}"#));
        cdn.inspected(&before, &routes).unwrap()
    };
    let route = r#"{"properties":{"linkToDefaultDomain":"Enabled","customDomains":[{"id":"/P/customdomains/WWW"}]}}"#;
    assert_eq!(hosts(route).hosts, ["www.example.com", "e.azurefd.net"]);
    assert_eq!(
        hosts(&route.replace("Enabled", "Disabled")).hosts,
        ["www.example.com"]
    );
    assert!(hosts("").remarks[0].message.contains("no route"));
    // Of a list that goes on, nothing is concluded.
    let more = response(
        200,
        &format!(r#"{{"value":[{route}],"nextLink":"https://x"}}"#),
    );
    assert!(cdn.inspected(&before, &more).unwrap().hosts.is_empty());
}
