//! Laws that hold for every registered provider, and for the test's own ones, which show that the
//! port has room for other kinds of CDN.

use std::collections::BTreeSet;

use proptest::prelude::*;
use purgit::credential::Credentials;
use purgit::operation::Task;
use purgit::plan::Step;
use purgit::provider::{
    Auth, Authentication, Inquiry, Polling, Progress, REGISTRY, Report, Submission, Token,
};
use purgit::secret::Secret;
use purgit::transport::destination::destination;
use purgit::transport::{HeaderValue, Request, Response};

use super::samples::{KEY_VALUE, Sample, afternoon, sample};
use super::{response, step, token_cdn};

/// Statuses a CDN or something in between may answer with.
const STATUSES: [u16; 14] = [
    200, 201, 202, 204, 301, 400, 401, 403, 404, 407, 429, 500, 502, 503,
];

/// A token in the tests; distinct from the credential.
const TOKEN: &str = "not-a-real-token";

fn all() -> Vec<Sample> {
    REGISTRY
        .iter()
        .map(|kind| sample(kind.name))
        .chain([token_cdn::polled(), token_cdn::unpolled()])
        .collect()
}

/// Every request a provider can build, the exchange of credentials last.
fn requests(sample: &Sample, step: &Step) -> Vec<Request> {
    let provider = &sample.provider;
    let credentials = credentials(sample);
    let token = Token {
        value: Secret::new(TOKEN),
        expires_at: afternoon(),
    };
    let auth = Auth {
        credentials: &credentials,
        token: match provider.capabilities().authentication {
            Authentication::Credentials => None,
            Authentication::Token => Some(&token),
        },
        now: afternoon(),
    };
    let mut requests = vec![provider.submit(step, auth)];
    match provider.capabilities().polling {
        Polling::None => {}
        Polling::PerTask => {
            let Ok(Submission::Accepted { task, .. }) = provider.submitted(&sample.accepted) else {
                panic!("a provider with polling needs an answer with a task");
            };
            for inquiry in [Inquiry::Items, Inquiry::Overall] {
                requests.push(provider.inquire(&task, inquiry, auth));
            }
        }
    }
    requests.extend(provider.token_request(&credentials));
    requests
}

fn credentials(sample: &Sample) -> Credentials {
    let names = sample.provider.credentials();
    Credentials::new(
        names
            .into_iter()
            .map(|(name, _)| (name, Secret::new(KEY_VALUE))),
    )
}

fn mixed_step() -> Step {
    step(
        &["https://www.example.com/a", "https://www.example.com/b?c=d"],
        &["https://www.example.com/e/"],
    )
}

#[test]
fn names_are_unique_and_well_formed() {
    let names: BTreeSet<_> = REGISTRY.iter().map(|kind| kind.name).collect();
    let fields: BTreeSet<_> = REGISTRY.iter().map(|kind| kind.field).collect();
    assert_eq!(
        (names.len(), fields.len()),
        (REGISTRY.len(), REGISTRY.len())
    );
    for kind in REGISTRY {
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(kind.name.chars().all(kebab), "{}", kind.name);
        assert!(
            kind.field.chars().all(|c| c.is_ascii_alphanumeric()),
            "{}",
            kind.field
        );
        assert_eq!(sample(kind.name).provider.kind().name, kind.name);
    }
}

#[test]
fn capabilities_and_limits_can_be_worked_with() {
    for sample in all() {
        let name = sample.provider.kind().name;
        assert!(!sample.provider.capabilities().kinds.is_empty(), "{name}");
        let limits = (sample.provider.kind().default_limits)();
        assert!(limits.files_per_day > 0, "{name}");
        assert!(limits.items_per_request > 0, "{name}");
        assert!(limits.concurrent_requests > 0, "{name}");
        let rate = limits.requests_per_second;
        assert!(rate > 0.0 && rate.is_finite(), "{name}");
        let exchanges = sample.provider.token_request(&credentials(&sample));
        match sample.provider.capabilities().authentication {
            Authentication::Credentials => assert!(exchanges.is_none(), "{name}"),
            Authentication::Token => assert!(exchanges.is_some(), "{name}"),
        }
    }
}

#[test]
fn the_same_inputs_give_the_same_requests() {
    for sample in all() {
        let step = mixed_step();
        assert_eq!(requests(&sample, &step), requests(&sample, &step));
    }
}

#[test]
fn requests_can_be_sent_as_they_are_and_go_where_the_identity_says() {
    for sample in all() {
        let identity = sample.provider.identity().to_string();
        for request in requests(&sample, &mixed_step()) {
            let url = destination(&request).unwrap();
            let origin = url.origin().ascii_serialization();
            assert!(identity.contains(&origin), "{origin} is not in {identity}");
            for (name, value) in &request.headers {
                assert_eq!(*name, name.to_ascii_lowercase());
                assert!(
                    value
                        .expose()
                        .bytes()
                        .all(|byte| (0x20..0x7f).contains(&byte))
                );
            }
        }
    }
}

#[test]
fn no_secret_stands_where_it_could_be_read() {
    for sample in all() {
        let exchange = sample.provider.token_request(&credentials(&sample));
        for request in requests(&sample, &mixed_step()) {
            for secret in [KEY_VALUE, TOKEN] {
                assert!(!format!("{request:?}").contains(secret));
                assert!(!request.url.contains(secret));
                let body = String::from_utf8_lossy(&request.body);
                // Where credentials are exchanged, they have to be in there.
                let exchanged = exchange.as_ref() == Some(&request);
                assert!(exchanged || !body.contains(secret), "{request:?}");
                for (name, value) in &request.headers {
                    let hidden = matches!(value, HeaderValue::Secret(_));
                    assert!(hidden || !value.expose().contains(secret), "{name}");
                }
            }
        }
        let shown = format!("{:?} {}", sample.provider, sample.provider.identity());
        assert!(!shown.contains(KEY_VALUE));
    }
}

#[test]
fn good_answers_are_read() {
    for sample in all() {
        let provider = &sample.provider;
        assert!(provider.submitted(&sample.accepted).is_ok());
        for (inquiry, answer) in inquiries(&sample) {
            assert!(succeeds(&sample, inquiry, answer), "{answer:?}");
        }
    }
}

#[test]
fn a_good_body_under_a_bad_status_is_no_success() {
    for sample in all() {
        for status in STATUSES.into_iter().filter(|status| *status >= 300) {
            let bad = |answer: &Response| Response {
                status,
                ..answer.clone()
            };
            let refused = sample.provider.submitted(&bad(&sample.accepted));
            assert!(refused.is_err(), "{status}");
            for (inquiry, answer) in inquiries(&sample) {
                assert!(!succeeds(&sample, inquiry, &bad(answer)), "{status}");
            }
        }
    }
}

#[test]
fn answers_cut_short_are_no_success() {
    for sample in all() {
        let bodies = [Some(&sample.accepted), sample.items.as_ref()];
        for whole in bodies.into_iter().flatten().chain(&sample.overall) {
            for length in 0..whole.body.len() {
                let cut = Response {
                    body: whole.body[..length].to_vec(),
                    ..whole.clone()
                };
                assert_no_success(&sample, &cut);
            }
        }
    }
}

#[test]
fn pages_and_foreign_json_are_no_success() {
    let bodies = [
        "",
        " ",
        "<!doctype html><html><title>502 Bad Gateway</title></html>",
        "null",
        "true",
        "\"Succeeded\"",
        "[]",
        "{}",
        r#"{"Succeeded":true}"#,
        r#"{"error":{"code":"Bad"}}"#,
        r#"{"Succeeded":false,"ErrorInfo":null}"#,
        r#"{"Succeeded":false,"AsyncInfo":{"TaskTrackId":"00000000-0000-0000-0000-000000000003"}}"#,
    ];
    for sample in all() {
        for status in STATUSES {
            for body in bodies {
                assert_no_success(&sample, &response(status, body));
            }
        }
        let deep = "[".repeat(100_000);
        assert_no_success(&sample, &response(200, &deep));
    }
}

proptest! {
    #[test]
    fn garbage_is_no_success(
        status in 100_u16..600,
        body in proptest::collection::vec(any::<u8>(), 0..400),
        header in "[ -~]{0,40}",
    ) {
        for sample in all() {
            let garbage = Response {
                status,
                headers: ["location", "retry-after", "date", "x-correlation-id"]
                    .map(|name| (name.to_owned(), header.clone()))
                    .to_vec(),
                body: body.clone(),
            };
            assert_no_success(&sample, &garbage);
        }
    }
}

fn inquiries(sample: &Sample) -> impl Iterator<Item = (Inquiry, &Response)> {
    let items = sample.items.iter().map(|answer| (Inquiry::Items, answer));
    items.chain(
        sample
            .overall
            .iter()
            .map(|answer| (Inquiry::Overall, answer)),
    )
}

fn succeeds(sample: &Sample, inquiry: Inquiry, answer: &Response) -> bool {
    match sample.provider.reported(inquiry, answer) {
        Ok(Report::Items(items)) => items
            .iter()
            .any(|item| item.progress == Progress::Succeeded),
        Ok(Report::Overall { progress, .. }) => progress == Progress::Succeeded,
        Err(_) => false,
    }
}

/// What is no answer of the CDN must neither panic nor count as accepted, done or proven. Where
/// acceptance is all there is, the status alone may say so.
fn assert_no_success(sample: &Sample, answer: &Response) {
    let provider = &sample.provider;
    match provider.capabilities().polling {
        Polling::None => {
            let success = (200..=299).contains(&answer.status);
            assert!(success || provider.submitted(answer).is_err());
        }
        Polling::PerTask => assert!(provider.submitted(answer).is_err(), "{answer:?}"),
    }
    for inquiry in [Inquiry::Items, Inquiry::Overall] {
        assert!(!succeeds(sample, inquiry, answer), "{answer:?}");
    }
    let token = provider.token(answer, afternoon());
    assert!(!matches!(token, Ok(Some(_))), "{answer:?}");
    let id = provider.correlation_id(answer);
    assert!(id.is_none_or(|id| !id.is_empty() && id.len() < 1000));
}

#[test]
fn a_hostile_task_id_leads_nowhere_else() {
    for sample in all() {
        if sample.provider.capabilities().polling == Polling::None {
            continue;
        }
        let credentials = credentials(&sample);
        let token = Token {
            value: Secret::new(TOKEN),
            expires_at: afternoon(),
        };
        let auth = Auth {
            credentials: &credentials,
            token: Some(&token),
            now: afternoon(),
        };
        let identity = sample.provider.identity().to_string();
        for id in [
            "",
            "..",
            "../../x",
            "@evil.example/",
            "a?b#c",
            "a\r\nb: c",
            "é",
        ] {
            let task = Task {
                id: id.to_owned(),
                details: serde_json::json!(format!("https://evil.example/{id}")),
            };
            let request = sample.provider.inquire(&task, Inquiry::Overall, auth);
            // What a client would send differently is not sent at all.
            if let Ok(url) = destination(&request) {
                assert!(
                    identity.contains(&url.origin().ascii_serialization()),
                    "{url}"
                );
            }
        }
    }
}
