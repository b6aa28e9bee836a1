//! Two CDNs that do not exist, to prove that the port has room for them: one exchanges credentials
//! for a token and is polled at a `Location`, one takes a purge and says no more.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use purgit::credential::{CredentialRef, Credentials};
use purgit::entry::{Target, TargetKind};
use purgit::operation::Task;
use purgit::plan::Step;
use purgit::provider::{
    ApiError, Auth, Authentication, Capabilities, Effect, Inquiry, Polling, Progress, Provider,
    ProviderKind, Report, Submission, Token,
};
use purgit::provider::{DayStart, Limits};
use purgit::secret::Secret;
use purgit::transport::retry::RetryClass;
use purgit::transport::{HeaderValue, Method, Request, Response};
use serde_json::{Value, json};

use super::samples::{KEY_VALUE, Sample, afternoon};
use super::{response, step, with_header};

static KIND: ProviderKind = ProviderKind {
    name: "token-cdn",
    field: "tokenCdn",
    read: |_| None,
    schema: || Value::Null,
    default_limits: || Limits {
        files_per_day: 1000,
        directories_per_day: 1000,
        day_starts_at: DayStart::default(),
        items_per_request: 100,
        requests_per_second: 1.0,
        concurrent_requests: 1,
    },
};

const API: &str = "https://api.token-cdn.example";
const LOGIN: &str = "https://login.token-cdn.example";

#[derive(Debug)]
struct TokenCdn {
    secret: CredentialRef,
    polling: Polling,
}

pub(super) fn polled() -> Sample {
    let accepted = with_header(response(202, ""), "location", &format!("{API}/tasks/7"));
    Sample {
        provider: Arc::new(cdn(Polling::PerTask)),
        accepted,
        items: None,
        overall: Some(response(200, r#"{"status":"Succeeded"}"#)),
    }
}

pub(super) fn unpolled() -> Sample {
    Sample {
        provider: Arc::new(cdn(Polling::None)),
        accepted: response(200, ""),
        items: None,
        overall: None,
    }
}

fn cdn(polling: Polling) -> TokenCdn {
    TokenCdn {
        secret: CredentialRef::Env("TOKEN_CDN_SECRET".to_owned()),
        polling,
    }
}

fn refused(response: &Response) -> ApiError {
    ApiError {
        summary: format!("HTTP {}", response.status),
        retry: RetryClass::Never,
        effect: Effect::Step,
        hint: None,
        correlation_id: None,
        retry_after: None,
    }
}

fn bearer(auth: Auth<'_>) -> Vec<(&'static str, HeaderValue)> {
    let token = auth.token.map_or("", |token| token.value.expose());
    vec![(
        "authorization",
        HeaderValue::secret(format!("Bearer {token}")),
    )]
}

impl Provider for TokenCdn {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[TargetKind::File],
            mixed_kinds: false,
            polling: self.polling,
            authentication: Authentication::Token,
        }
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        vec![("secret", &self.secret)]
    }

    fn identity(&self) -> Value {
        json!({ "api": API, "login": LOGIN })
    }

    fn submit(&self, step: &Step, auth: Auth<'_>) -> Request {
        let paths: Vec<_> = step.targets.iter().map(Target::as_str).collect();
        let mut headers = bearer(auth);
        headers.push(("content-type", "application/json".into()));
        Request {
            method: Method::Post,
            url: format!("{API}/purge"),
            headers,
            body: json!({ "paths": paths }).to_string().into_bytes(),
        }
    }

    fn submitted(&self, response: &Response) -> Result<Submission, ApiError> {
        match (response.status, self.polling) {
            (200..=299, Polling::None) => Ok(Submission::Done),
            (202, Polling::PerTask) => {
                let location = response
                    .header("location")
                    .filter(|location| location.starts_with(&format!("{API}/")))
                    .ok_or_else(|| refused(response))?;
                Ok(Submission::Accepted {
                    task: Task {
                        id: location.to_owned(),
                        details: serde_json::json!(location.to_owned()),
                    },
                    settled: false,
                })
            }
            _ => Err(refused(response)),
        }
    }

    fn inquire(&self, task: &Task, _: Inquiry, auth: Auth<'_>) -> Request {
        let home = |location: &&str| location.starts_with(&format!("{API}/"));
        let location = task.details.as_str().filter(home);
        Request {
            method: Method::Get,
            url: location.map_or_else(|| format!("{API}/tasks"), ToOwned::to_owned),
            headers: bearer(auth),
            body: Vec::new(),
        }
    }

    fn reported(&self, _: Inquiry, response: &Response) -> Result<Report, ApiError> {
        let body: Value = serde_json::from_slice(&response.body).map_err(|_| refused(response))?;
        if response.status != 200 {
            return Err(refused(response));
        }
        let progress = match body["status"].as_str() {
            Some("Succeeded") => Progress::Succeeded,
            Some("InProgress") => Progress::Running,
            _ => Progress::Unknown,
        };
        Ok(Report::Overall {
            progress,
            message: None,
        })
    }

    fn token_request(&self, credentials: &Credentials) -> Option<Request> {
        Some(Request {
            method: Method::Post,
            url: format!("{LOGIN}/token"),
            headers: vec![("content-type", "application/json".into())],
            body: json!({ "secret": credentials.get("secret") })
                .to_string()
                .into_bytes(),
        })
    }

    fn token(&self, response: &Response, now: DateTime<Utc>) -> Result<Option<Token>, ApiError> {
        let body: Value = serde_json::from_slice(&response.body).map_err(|_| refused(response))?;
        let value = body["token"].as_str().ok_or_else(|| refused(response))?;
        let seconds = body["expires_in"].as_u64().unwrap_or(0);
        Ok(Some(Token {
            value: Secret::new(value),
            expires_at: now + Duration::from_secs(seconds),
        }))
    }
}

#[test]
fn credentials_become_a_token_and_a_token_a_purge() {
    let Sample {
        provider, accepted, ..
    } = polled();
    let credentials = Credentials::new([("secret", Secret::new(KEY_VALUE))]);
    let exchange = provider.token_request(&credentials).unwrap();
    assert_eq!(exchange.url, format!("{LOGIN}/token"));

    let granted = response(200, r#"{"token":"not-a-real-token","expires_in":60}"#);
    let token = provider.token(&granted, afternoon()).unwrap().unwrap();
    assert_eq!(token.expires_at, afternoon() + Duration::from_secs(60));
    assert!(!format!("{token:?}{granted:?}{exchange:?}").contains("not-a-real"));

    let auth = Auth {
        credentials: &credentials,
        token: Some(&token),
        now: afternoon(),
    };
    let purge = provider.submit(&step(&["https://www.example.com/a"], &[]), auth);
    let bearer = HeaderValue::secret("Bearer not-a-real-token");
    assert!(purge.headers.contains(&("authorization", bearer)));
    let Ok(Submission::Accepted { task, .. }) = provider.submitted(&accepted) else {
        panic!("not accepted");
    };
    // The task survives the way through the state.
    let kept = serde_json::to_string(&task).unwrap();
    let task = serde_json::from_str(&kept).unwrap();
    let question = provider.inquire(&task, Inquiry::Overall, auth);
    assert_eq!(question.url, format!("{API}/tasks/7"));
}

#[test]
fn without_polling_acceptance_is_the_end() {
    let Sample {
        provider, accepted, ..
    } = unpolled();
    assert_eq!(provider.submitted(&accepted), Ok(Submission::Done));
}
