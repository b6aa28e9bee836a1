//! A CDN that does not exist and differs from Azure China CDN in every respect: credentials are
//! exchanged for a token, a request purges one cache tag, tags that differ in case are one item,
//! requests have an id by which the CDN knows them again, only so much may be in progress at once,
//! and each answer about a task says where to ask next, and not before when. Some of its accounts have
//! no tasks: there the answer to a purge is the last word.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use purgit::credential::{CredentialRef, Credentials};
use purgit::entry::{Target, TargetKind};
use purgit::operation::{Item, Operation, Task};
use purgit::provider::{
    Answer, ApiError, Auth, Budget, Counts, DayStart, Effect, Exchange, Granted, ItemReport, Left,
    Limits, Progress, Provider, ProviderKind, Quotas, Tasks, Token, Unsupported, Window,
};
use purgit::secret::Secret;
use purgit::transport::retry::RetryClass;
use purgit::transport::{HeaderValue, Method, Request, Response};
use serde_json::{Value, json};

use super::samples::{KEY_VALUE, Sample, afternoon};
use super::{operation, response, targets, with_header};

static KIND: ProviderKind = ProviderKind {
    name: "tag-cdn",
    field: "tagCdn",
    read: |_, _| None,
    schema: || Value::Null,
    default_limits: || Limits {
        files_per_day: 0,
        directories_per_day: 0,
        day_starts_at: DayStart::default(),
        items_per_request: 1,
        requests_per_second: 50.0,
        concurrent_requests: 3,
        reserve: None,
    },
    template: "",
};

pub(crate) const API: &str = "https://api.tag-cdn.example";
const LOGIN: &str = "https://login.tag-cdn.example";

const TAGS: Counts = Counts::Items(&[TargetKind::Tag]);

/// One account of it.
#[derive(Debug)]
pub(crate) struct TagCdn {
    secret: CredentialRef,
    /// Quotas of its account.
    quotas: Vec<Budget>,
}

impl TagCdn {
    pub(crate) fn new() -> Self {
        Self {
            secret: CredentialRef::Env("TAG_CDN_SECRET".to_owned()),
            quotas: Vec::new(),
        }
    }

    /// An account with a quota.
    pub(crate) fn counting(quota: Budget) -> Self {
        Self {
            quotas: vec![quota],
            ..Self::new()
        }
    }
}

/// Where a purge is answered with a task.
pub(super) fn with_tasks() -> Sample {
    let moved = |place: &str, body| {
        let answer = with_header(response(202, body), "location", &format!("{API}{place}"));
        with_header(answer, "retry-after", "7")
    };
    Sample {
        left: None,
        provider: Arc::new(TagCdn::new()),
        targets: targets(TargetKind::Tag, &["news", "sports"]),
        identity: |tag| tag.as_str().to_lowercase(),
        accepted: moved("/tasks/7/1", r#"{"purged":[],"failed":[]}"#),
        reported: vec![
            moved("/tasks/7/2", r#"{"purged":["news"],"failed":[]}"#),
            response(200, r#"{"purged":["sports"],"failed":[]}"#),
        ],
    }
}

/// Where the answer to a purge is the last word.
pub(super) fn without_tasks() -> Sample {
    Sample {
        left: None,
        accepted: response(200, r#"{"purged":["news","sports"],"failed":[]}"#),
        reported: Vec::new(),
        ..with_tasks()
    }
}

/// Where the CDN tells what is left of its quota.
pub(super) fn counting() -> Sample {
    let quota = Budget {
        scope: format!("{API} one").into(),
        counts: Counts::Requests,
        amount: 50,
        window: Window::Day(DayStart::default()),
    };
    let left = r#"{"purged":[],"quota":{"requests":{"limit":40,"left":30}}}"#;
    Sample {
        provider: Arc::new(TagCdn::counting(quota)),
        left: Some(response(200, left)),
        ..with_tasks()
    }
}

/// The JSON of a success.
fn read(response: &Response) -> Result<Value, ApiError> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let is_success = matches!(response.status, 200 | 202) && body["purged"].is_array();
    match is_success {
        true => Ok(body),
        false => Err(refused(response)),
    }
}

/// A refusal has a word in `error`; without one, something in between may have answered.
fn refused(response: &Response) -> ApiError {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let (retry, effect) = match (response.status, body["error"].as_str()) {
        (401, _) => (RetryClass::Never, Effect::Credentials),
        (402, Some(_)) => {
            let until = body["until"].as_str().and_then(|until| until.parse().ok());
            (RetryClass::Never, Effect::Exhausted { until })
        }
        (404, Some("no such task")) => (RetryClass::Never, Effect::Forgotten),
        (409, Some(_)) => (RetryClass::Never, Effect::Items),
        (423, Some(_)) => (RetryClass::Never, Effect::Full),
        (429, _) => (RetryClass::Throttled, Effect::Step),
        (400..=499, Some(_)) => (RetryClass::Never, Effect::Step),
        _ => (RetryClass::Transient, Effect::InDoubt),
    };
    ApiError {
        summary: format!("HTTP {} {}", response.status, body["error"]),
        retry,
        effect,
        hint: None,
        correlation_id: None,
        retry_after: retry_after(response),
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.header("retry-after")?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn reports(body: &Value) -> Vec<ItemReport> {
    let tags = |name: &str| {
        let tags = body[name].as_array().cloned().unwrap_or_default();
        let texts = tags.into_iter();
        texts.filter_map(|tag| tag.as_str().map(str::to_owned))
    };
    let purged = tags("purged").map(|tag| ItemReport::item(tag, Progress::Succeeded));
    let failed = tags("failed").map(|tag| ItemReport {
        message: Some("the tag is locked".to_owned()),
        ..ItemReport::item(tag, Progress::Failed)
    });
    purged.chain(failed).collect()
}

fn answer(response: &Response) -> Result<Answer, ApiError> {
    let known = reports(&read(response)?);
    if response.status == 200 {
        return Ok(Answer::Settled(known));
    }
    let place = response.header("location").filter(|place| is_ours(place));
    let place = place.ok_or_else(|| refused(response))?;
    Ok(Answer::Running {
        task: Task {
            id: place.rsplit('/').nth(1).unwrap_or_default().to_owned(),
            details: json!(place),
        },
        known,
        ask_after: retry_after(response),
    })
}

fn is_ours(place: &str) -> bool {
    place.strip_prefix(API).is_some_and(|rest| {
        rest.starts_with("/tasks/") && rest.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

fn bearer(auth: Auth<'_>) -> (&'static str, HeaderValue) {
    let token = auth.token.map_or("", |token| token.value.expose());
    (
        "authorization",
        HeaderValue::secret(format!("Bearer {token}")),
    )
}

impl Tasks for TagCdn {
    fn poll(&self, task: &Task, auth: Auth<'_>) -> Request {
        let place = task.details.as_str().filter(|place| is_ours(place));
        Request {
            method: Method::Get,
            url: place.map_or_else(|| format!("{API}/tasks/"), ToOwned::to_owned),
            headers: vec![bearer(auth)],
            body: Vec::new(),
        }
    }

    fn polled(&self, _: &Task, response: &Response) -> Result<Answer, ApiError> {
        answer(response)
    }
}

impl Provider for TagCdn {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn identity(&self) -> Value {
        json!({ "api": API, "login": LOGIN })
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        vec![("secret", &self.secret)]
    }

    fn lower(&self, target: &Target) -> Result<Item, Unsupported> {
        match target {
            Target::Tag(tag) => Ok(Item {
                group: "tags".into(),
                key: tag.as_str().to_lowercase().into(),
                target: target.clone(),
            }),
            Target::File(_) | Target::Directory(_) | Target::Host(_) | Target::Everything => {
                Err(Unsupported {
                    message: format!("this CDN purges cache tags, and no {}", target.kind()),
                    hint: "list cache tags under `tags`".to_owned(),
                })
            }
        }
    }

    fn budgets(&self, limits: &Limits) -> Vec<Budget> {
        let budget = |counts, amount, window| Budget {
            scope: format!("{API} one").into(),
            counts,
            amount,
            window,
        };
        let (rate, second) = Window::per_second(limits.requests_per_second);
        let mut budgets = vec![
            budget(TAGS, limits.items_per_request as u64, Window::Request),
            budget(TAGS, limits.concurrent_requests as u64, Window::InProgress),
            budget(TAGS, rate, second),
        ];
        budgets.extend(self.quotas.iter().cloned());
        budgets
    }

    fn exchange(&self) -> Option<&dyn Exchange> {
        Some(self)
    }

    fn submit(&self, operation: &Operation, auth: Auth<'_>) -> Request {
        let tags: Vec<_> = operation.items.iter().map(|item| &*item.key).collect();
        Request {
            method: Method::Put,
            url: format!("{API}/purges/{}", operation.id),
            headers: vec![bearer(auth), ("content-type", "application/json".into())],
            body: json!({ "tags": tags }).to_string().into_bytes(),
        }
    }

    fn submitted(&self, _: &Operation, response: &Response) -> Result<Answer, ApiError> {
        answer(response)
    }

    fn tasks(&self) -> Option<&dyn Tasks> {
        Some(self)
    }

    fn quotas(&self) -> Option<&dyn Quotas> {
        (!self.quotas.is_empty()).then_some(self as &dyn Quotas)
    }
}

impl Quotas for TagCdn {
    fn ask(&self, auth: Auth<'_>) -> Request {
        Request {
            method: Method::Get,
            url: format!("{API}/quota"),
            headers: vec![bearer(auth)],
            body: Vec::new(),
        }
    }

    fn told(&self, response: &Response) -> Result<Vec<Left>, ApiError> {
        let body = read(response)?;
        let of = |counts: Counts, name: &str| {
            let row = &body["quota"][name];
            let (limit, left) = (row["limit"].as_u64()?, row["left"].as_u64()?);
            Some(Left {
                counts,
                limit,
                left,
            })
        };
        let all = [of(Counts::Requests, "requests"), of(TAGS, "tags")];
        match all {
            [None, None] => Err(refused(response)),
            all => Ok(all.into_iter().flatten().collect()),
        }
    }
}

impl Exchange for TagCdn {
    fn request(&self, credentials: &Credentials, _: Option<&Token>, _: DateTime<Utc>) -> Request {
        Request {
            method: Method::Post,
            url: format!("{LOGIN}/token"),
            headers: vec![("content-type", "application/json".into())],
            body: json!({ "secret": credentials.get("secret") })
                .to_string()
                .into_bytes(),
        }
    }

    fn token(
        &self,
        response: &Response,
        _: Option<&Token>,
        now: DateTime<Utc>,
    ) -> Result<Granted, ApiError> {
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        match (response.status, body["token"].as_str()) {
            (200, Some(token)) => Ok(Granted::Token(Token {
                value: Secret::new(token),
                expires_at: now + Duration::from_secs(body["seconds"].as_u64().unwrap_or(0)),
            })),
            _ => Err(refused(response)),
        }
    }
}

#[test]
fn credentials_become_a_token_and_a_token_a_purge() {
    let cdn = TagCdn::new();
    let credentials = Credentials::new([("secret", Secret::new(KEY_VALUE))]);
    let exchange = cdn.exchange().unwrap();
    let request = exchange.request(&credentials, None, afternoon());
    assert_eq!(request.url, format!("{LOGIN}/token"));
    let granted = response(200, r#"{"token":"not-a-real-token","seconds":60}"#);
    let Ok(Granted::Token(token)) = exchange.token(&granted, None, afternoon()) else {
        panic!("no token");
    };
    assert_eq!(token.expires_at, afternoon() + Duration::from_secs(60));
    assert!(!format!("{token:?}{granted:?}{request:?}").contains("not-a-real"));

    let auth = Auth {
        credentials: &credentials,
        token: Some(&token),
        now: afternoon(),
    };
    let operation = operation(&cdn, &targets(TargetKind::Tag, &["News", "news"]));
    let purge = cdn.submit(&operation, auth);
    assert_eq!(purge.body, br#"{"tags":["news"]}"#);
    assert_eq!(purge.url, format!("{API}/purges/{}", operation.id));
    assert!(purge.headers.contains(&bearer(auth)));
}

#[test]
fn the_place_to_ask_survives_the_way_through_the_state() {
    let Sample {
        provider,
        accepted,
        targets,
        ..
    } = with_tasks();
    let operation = operation(&*provider, &targets);
    let Ok(Answer::Running { task, .. }) = provider.submitted(&operation, &accepted) else {
        panic!("not accepted");
    };
    let kept = serde_json::to_string(&task).unwrap();
    let auth = Auth {
        credentials: &Credentials::default(),
        token: None,
        now: afternoon(),
    };
    let question = provider
        .tasks()
        .unwrap()
        .poll(&serde_json::from_str(&kept).unwrap(), auth);
    assert_eq!(question.url, format!("{API}/tasks/7/1"));
}
