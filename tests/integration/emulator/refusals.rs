//! Every documented error type, and what is let through.

use purgit::emulator::azure_china_cdn::{
    AzureChinaCdn, DISABLED_KEY_ID, ENDPOINT_ID, EndpointSpelling, ErrorType, INACTIVE_ENDPOINT_ID,
    KEY_ID, OTHER_ENDPOINT_ID, OTHER_KEY_ID, OTHER_SUBSCRIPTION_ID, READ_ONLY_KEY_ID,
    SUBSCRIPTION_ID,
};
use purgit::emulator::{MAX_REQUEST_BYTES, Running, Settings};
use serde_json::json;

use super::client::{Authorization, DATE, Raw, path, settings, start, start_with};

const URL: &str = "http://www.example.com/a.png";

/// A request that meets an error type on an emulator with default settings.
fn provoke(error: ErrorType) -> Raw {
    let list = Raw::get(format!("/subscriptions/{SUBSCRIPTION_ID}/endpoints"));
    let at = |subscription: &str, endpoint: &str| {
        let path = format!("/subscriptions/{subscription}/endpoints/{endpoint}/purges");
        Raw {
            path,
            ..Raw::purge(&[URL], &[])
        }
    };
    match error {
        ErrorType::CredentialInvalid => Raw {
            key_id: OTHER_KEY_ID,
            ..list
        },
        ErrorType::ParameterMissing => Raw {
            query: "",
            signed_query: "",
            ..list
        },
        ErrorType::ParameterInvalid => Raw {
            query: "apiVersion=2.0",
            signed_query: "apiVersion:2.0",
            ..list
        },
        ErrorType::MissingAuthorizationHeader => Raw {
            authorization: Authorization::Absent,
            ..list
        },
        ErrorType::InvalidRequestDateHeader => Raw {
            date: Some("yesterday".into()),
            ..list
        },
        ErrorType::MissingRequestDateHeader => Raw { date: None, ..list },
        ErrorType::AuthorizationHeaderExpired => Raw {
            date: Some("2024-01-02 12:00:00".into()),
            ..list
        },
        ErrorType::InvalidAuthorizationHeader => Raw {
            authorization: Authorization::Given("Bearer x".into()),
            ..list
        },
        ErrorType::ApiKeyNotFound => Raw {
            key_id: "00000000-0000-0000-0000-0000000000ff",
            ..list
        },
        ErrorType::InvalidApiKey => Raw {
            key_id: DISABLED_KEY_ID,
            ..list
        },
        ErrorType::WrongSignature => Raw {
            key_value: "another-key",
            ..list
        },
        ErrorType::SubscriptionNotFound => at("00000000-0000-0000-0000-000000000009", ENDPOINT_ID),
        ErrorType::EndpointDoesNotBelongToSubscription => at(SUBSCRIPTION_ID, OTHER_ENDPOINT_ID),
        ErrorType::EndpointNotInActiveState => at(SUBSCRIPTION_ID, INACTIVE_ENDPOINT_ID),
        ErrorType::EndpointNotFound => at(SUBSCRIPTION_ID, "00000000-0000-0000-0000-000000000009"),
        ErrorType::MaliciousItemPathDetected => Raw::purge(&["http://www.example.com/../etc"], &[]),
        ErrorType::PermissionDenied => Raw {
            key_id: READ_ONLY_KEY_ID,
            ..Raw::purge(&[URL], &[])
        },
        // 501 directories, all at once.
        ErrorType::RequestThrottled => {
            let directories: Vec<_> = (0..501)
                .map(|n| format!("http://www.example.com/{n}/"))
                .collect();
            Raw::post(path("/purges"), json!({ "Directories": directories }))
        }
    }
}

async fn refused(running: &Running, raw: Raw) -> String {
    let seen = raw.send(running).await;
    assert!(seen.status >= 400, "{raw:?}: {}", seen.text);
    seen.error().to_owned()
}

#[tokio::test]
async fn every_error_type_can_be_met() {
    let api = AzureChinaCdn {
        items_per_request: 1000,
        ..AzureChinaCdn::default()
    };
    let running = start_with(settings(), api).await;
    for &error in ErrorType::ALL {
        let seen = provoke(error).send(&running).await;
        assert_eq!(seen.error(), error.to_string());
        assert_eq!(seen.status, error.default_status(), "{error}");
        assert_eq!(seen.json["Succeeded"], json!(false));
        assert!(
            !seen.json["ErrorInfo"]["Message"]
                .as_str()
                .unwrap()
                .is_empty()
        );
        assert_eq!(seen.header("x-correlation-id").len(), 36);
        assert!(seen.header("content-type").starts_with("application/json"));
        let record = running.requests().pop().unwrap();
        assert_eq!(record.status, Some(seen.status));
        assert!(record.error.unwrap().starts_with(&format!("{error}: ")));
        assert_eq!(
            record.request_id.to_string(),
            seen.header("x-correlation-id")
        );
    }
    assert!(running.purge_log().is_empty());
}

#[tokio::test]
async fn the_http_code_of_an_error_is_a_setting() {
    let api = AzureChinaCdn {
        error_status: [(ErrorType::WrongSignature, 200)].into(),
        unknown_task: (410, ErrorType::EndpointNotFound),
        ..AzureChinaCdn::default()
    };
    let running = start_with(settings(), api).await;
    let seen = provoke(ErrorType::WrongSignature).send(&running).await;
    assert_eq!((seen.status, seen.error()), (200, "WrongSignature"));
    let seen = Raw::get(path("/purges/00000000-0000-0000-0000-000000000003"))
        .send(&running)
        .await;
    assert_eq!((seen.status, seen.error()), (410, "EndpointNotFound"));
}

#[tokio::test]
async fn headers_are_checked_to_the_letter() {
    let running = start(settings()).await;
    let list = || Raw::get(format!("/subscriptions/{SUBSCRIPTION_ID}/endpoints"));
    let good = list().signature();
    let key = KEY_ID;
    for (authorization, error) in [
        (
            format!("AzureCDN {key}:{}", good.to_lowercase()),
            "WrongSignature",
        ),
        (
            format!("azurecdn {key}:{good}"),
            "InvalidAuthorizationHeader",
        ),
        (
            format!("AzureCDN {key} {good}"),
            "InvalidAuthorizationHeader",
        ),
        (
            format!("AzureCDN {key}:{}", &good[1..]),
            "InvalidAuthorizationHeader",
        ),
        (
            format!("AzureCDN {key}:{}x", &good[1..]),
            "InvalidAuthorizationHeader",
        ),
        (format!("AzureCDN :{good}"), "InvalidAuthorizationHeader"),
        (String::new(), "InvalidAuthorizationHeader"),
    ] {
        let raw = Raw {
            authorization: Authorization::Given(authorization.clone()),
            ..list()
        };
        assert_eq!(refused(&running, raw).await, error, "{authorization}");
    }
    // A date other than the signed one, and both edges of the window.
    let raw = Raw {
        date: Some("2024-01-02 13:04:06".into()),
        authorization: Authorization::Given(format!("AzureCDN {key}:{good}")),
        ..list()
    };
    assert_eq!(refused(&running, raw).await, "WrongSignature");
    for (date, status) in [
        ("2024-01-02 12:49:05", 200),
        ("2024-01-02 12:49:04", 401),
        ("2024-01-02 13:19:05", 200),
        ("2024-01-02 13:19:06", 401),
        // The 12-hour reading of `hh`.
        ("2024-01-02 01:04:05", 401),
        ("2024-1-2 13:4:5", 200),
        ("2024-01-02T13:04:05Z", 200),
    ] {
        let raw = Raw {
            date: Some(date.into()),
            ..list()
        };
        assert_eq!(raw.send(&running).await.status, status, "{date}");
    }
    for date in [
        "2024-01-02",
        "2024-13-02 13:04:05",
        "2024-01-02 24:04:05",
        "2024-01-02  13:04:05",
        "2024-01-02 01:04:05 PM",
        "24-01-02 13:04:05",
        "+024-01-02 13:04:05",
    ] {
        let raw = Raw {
            date: Some(date.into()),
            ..list()
        };
        let error = refused(&running, raw).await;
        assert_eq!(error, "InvalidRequestDateHeader", "{date}");
    }
    // Neither header: the documents' own example of a failure.
    let raw = Raw {
        date: None,
        authorization: Authorization::Absent,
        ..list()
    };
    assert_eq!(refused(&running, raw).await, "MissingAuthorizationHeader");
}

#[tokio::test]
async fn published_vectors_are_accepted() {
    let running = start(settings()).await;
    for (raw, signature, status) in [
        (
            Raw::purge(&[URL], &[]),
            "77DFCE9EFB891DA4A47EEA9F3AF9FEABA89EF2D1FEE713C7C25F44B4CFF1381C",
            202,
        ),
        (
            Raw::get(path("/purges/00000000-0000-0000-0000-000000000003")),
            "B97EFD82E795C6541BA3C9952EF431AD28C370FC30D56BCB217832FC67AA36EC",
            404,
        ),
    ] {
        let authorization = format!("AzureCDN {KEY_ID}:{signature}");
        let raw = Raw {
            authorization: Authorization::Given(authorization),
            date: Some(DATE.into()),
            ..raw
        };
        assert_eq!(raw.send(&running).await.status, status);
    }
    let early = Settings {
        clock_offset: chrono::TimeDelta::hours(-10),
        ..settings()
    };
    let running = start(early).await;
    let raw = Raw {
        date: Some("2024-1-2 3:4:5".into()),
        authorization: Authorization::Given(format!(
            "AzureCDN {KEY_ID}:80314B54DEA0BA404AC5A5E08E7B7B490F8469362536B0295D298E007A1AAE7C"
        )),
        ..Raw::get(format!("/subscriptions/{SUBSCRIPTION_ID}/endpoints"))
    };
    assert_eq!(raw.send(&running).await.status, 200);
}

#[tokio::test]
async fn bodies_are_checked() {
    let mut api = AzureChinaCdn {
        directory_slash: true,
        ..AzureChinaCdn::default()
    };
    let hosts = ["www.example.com", "*.img.example.com"];
    api.account.set_hosts(&hosts);
    let running = start_with(settings(), api).await;
    for (body, error) in [
        (json!({}), "ParameterMissing"),
        (json!({"Files": [], "Directories": []}), "ParameterMissing"),
        (
            json!({"Files": null, "Directories": null}),
            "ParameterMissing",
        ),
        (json!([]), "ParameterInvalid"),
        (json!({"Files": URL}), "ParameterInvalid"),
        (json!({"Files": [1]}), "ParameterInvalid"),
        (json!({"Files": ["/a.png"]}), "ParameterInvalid"),
        (
            json!({"Files": ["http://example.org/a.png"]}),
            "ParameterInvalid",
        ),
        (
            json!({"Files": ["http://img.example.com/"]}),
            "ParameterInvalid",
        ),
        (
            json!({"Files": ["http://*.img.example.com/"]}),
            "ParameterInvalid",
        ),
        (
            json!({"Directories": ["http://www.example.com/a"]}),
            "ParameterInvalid",
        ),
        (json!({"Files": vec![URL; 101]}), "ParameterInvalid"),
        (
            json!({"Files": [URL, "http://www.example.com/%2e%2e/a"]}),
            "MaliciousItemPathDetected",
        ),
    ] {
        assert_eq!(
            refused(&running, Raw::post(path("/purges"), &body)).await,
            error,
            "{body}"
        );
    }
    assert_eq!(
        refused(&running, Raw::post(path("/purges"), "{")).await,
        "ParameterInvalid"
    );
    for content_type in [None, Some("text/plain")] {
        let raw = Raw {
            content_type,
            ..Raw::purge(&[URL], &[])
        };
        assert_eq!(refused(&running, raw).await, "ParameterInvalid");
    }
    for body in [
        json!({"Files": [URL]}),
        json!({"Files": [URL], "Directories": null}),
        json!({"Directories": ["http://a.img.example.com/x/"]}),
        json!({"Files": vec![URL; 100], "Other": 1}),
    ] {
        Raw::post(path("/purges"), body).send(&running).await.task();
    }
    assert_eq!(running.purge_log().len(), 4);
}

#[tokio::test]
async fn urls_are_checked() {
    let mut api = AzureChinaCdn::default();
    api.account
        .set_hosts(&["www.example.com", "*.Img.Example.com"]);
    let running = start_with(settings(), api).await;
    let below = |path: &str| format!("http://www.example.com/{path}");
    let malicious = ["../x", "a/..", "%2e%2e/x", ".%2E/x", "%252e%252e/x"];
    let malicious = malicious.iter().chain(&["a\\b", "a%5cb", "a%00", "a\nb"]);
    for url in malicious.map(|path| below(path)) {
        let error = refused(&running, Raw::purge(&[&url], &[])).await;
        assert_eq!(error, "MaliciousItemPathDetected", "{url}");
    }
    for url in [
        "/a.png",
        "www.example.com/a",
        "ftp://www.example.com/a",
        "http:///a",
        "http://example.org/a",
        "http://www.example.com/*",
        "http://u@www.example.com/",
        "http://www.example.com/#a",
        "http://www.example.com/a b",
        "http://badimg.example.com/",
        "http://.img.example.com/",
    ] {
        let error = refused(&running, Raw::purge(&[url], &[])).await;
        assert_eq!(error, "ParameterInvalid", "{url}");
    }
    for url in [below("a/?x/"), below("*/")] {
        let error = refused(&running, Raw::purge(&[], &[&url])).await;
        assert_eq!(error, "ParameterInvalid", "{url}");
    }
    let files = [
        "http://www.example.com/a.png",
        "HTTPS://WWW.example.com/a%20b?x=..",
        "http://www.example.com",
        "http://www.example.com:8080/",
        "http://www.example.com/a..b",
        "http://www.example.com/图",
        "http://a.img.example.com/",
    ];
    let purge = Raw::purge(&files, &[&below("a/"), &below("a")]);
    purge.send(&running).await.task();
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_read() {
    let running = start(settings()).await;
    let raw = Raw::post(path("/purges"), "x".repeat(MAX_REQUEST_BYTES + 1));
    // The server may close before the client has sent everything, which the client may see first.
    if let Ok(seen) = raw.try_send(&running).await {
        assert_eq!((seen.status, seen.error()), (413, "ParameterInvalid"));
    }
    assert_eq!(running.requests()[0].status, Some(413));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_answered_in_json() {
    let running = start(settings()).await;
    let seen = Raw::get("/").send(&running).await;
    assert_eq!((seen.status, seen.error()), (404, "ParameterInvalid"));
    let seen = Raw::get(path("/purges")).send(&running).await;
    assert_eq!((seen.status, seen.error()), (405, "ParameterInvalid"));
    let mut raw = Raw::get(path("/purges/00000000-0000-0000-0000-000000000003"));
    raw.method = "DELETE";
    assert_eq!(raw.send(&running).await.status, 405);
    for tail in ["/purges/P/x", "/purges/", "/bandwidth", "//purges"] {
        assert_eq!(
            Raw::get(path(tail)).send(&running).await.status,
            404,
            "{tail}"
        );
    }
    // A path below `/` whose version is doubled.
    let raw = Raw {
        query: "apiVersion=1.0&apiVersion=1.0",
        signed_query: "apiVersion:1.0, apiVersion:1.0",
        ..Raw::get(path(""))
    };
    assert_eq!(refused(&running, raw).await, "ParameterInvalid");
}

#[tokio::test]
async fn endpoints_are_listed_in_both_spellings() {
    let running = start(settings()).await;
    let list = Raw::get(format!("/subscriptions/{SUBSCRIPTION_ID}/endpoints"));
    let seen = list.send(&running).await;
    assert_eq!(seen.json[0]["EndpointId"], ENDPOINT_ID);
    assert_eq!(seen.json[0]["Status"]["Enabled"], true);
    assert_eq!(seen.json[0]["Settings"]["CustomDomain"], "www.example.com");
    assert_eq!(seen.json[1]["EndpointId"], INACTIVE_ENDPOINT_ID);
    let one = Raw::get(path("")).send(&running).await;
    assert_eq!(one.json, seen.json[0]);
    let foreign = Raw {
        key_id: OTHER_KEY_ID,
        ..Raw::get(format!("/subscriptions/{OTHER_SUBSCRIPTION_ID}/endpoints"))
    };
    assert_eq!(
        foreign.send(&running).await.json[0]["EndpointId"],
        OTHER_ENDPOINT_ID
    );

    let api = AzureChinaCdn {
        endpoint_spelling: EndpointSpelling::Documented,
        ..AzureChinaCdn::default()
    };
    let running = start_with(settings(), api).await;
    let seen = list.send(&running).await;
    assert_eq!(seen.json[0]["EndpointID"], ENDPOINT_ID);
    assert_eq!(seen.json[0]["Status"]["Enabled"], "true");
}
