//! A raw client: builds and signs requests without any of the crate's code, so that a mistake is not
//! made on both sides.

use std::fmt;
use std::sync::{LazyLock, Mutex};

use axum::Router;
use axum::extract::Request;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use purgit::clock::Clock;
use purgit::emulator::azure_china_cdn::{
    AzureChinaCdn, ENDPOINT_ID, KEY_ID, KEY_VALUE, SUBSCRIPTION_ID,
};
use purgit::emulator::{Emulator, Running, Settings};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;

/// The time of the published vectors, and of every emulator here.
pub(crate) const NOW: &str = "2024-01-02T13:04:05Z";
/// The same as a request's date.
pub(crate) const DATE: &str = "2024-01-02 13:04:05";

/// A clock that moves when told to.
#[derive(Debug)]
pub(crate) struct HandClock(Mutex<DateTime<Utc>>);

impl HandClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(NOW.parse().unwrap()))
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for HandClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// Settings whose clock stands at [`NOW`].
pub(crate) fn settings() -> Settings {
    Settings {
        clock: std::sync::Arc::new(HandClock::new()),
        ..Settings::default()
    }
}

/// Starts the usual API.
pub(crate) async fn start(settings: Settings) -> Running {
    start_with(settings, AzureChinaCdn::default()).await
}

pub(crate) async fn start_with(settings: Settings, api: AzureChinaCdn) -> Running {
    Emulator::start(settings, Box::new(api)).await.unwrap()
}

/// `/subscriptions/…0001/endpoints/…0002` and what follows.
pub(crate) fn path(tail: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION_ID}/endpoints/{ENDPOINT_ID}{tail}")
}

/// An HTTP client without time-outs, which would make a paused clock jump, and without idle
/// connections, so that all tests and their runtimes can share it: it is dear to build.
pub(crate) fn http() -> reqwest::Client {
    static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
        reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap()
    });
    HTTP.clone()
}

/// What goes into the `Authorization` header.
#[derive(Debug, Clone)]
pub(crate) enum Authorization {
    /// What the documents say.
    Signed,
    Absent,
    Given(String),
}

/// A request to be signed, with every part open to be spoilt.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) query: &'static str,
    /// What stands for the query in the string to sign.
    pub(crate) signed_query: &'static str,
    /// What stands for the path in the string to sign; empty for the path itself.
    pub(crate) signed_path: String,
    pub(crate) key_id: &'static str,
    pub(crate) key_value: &'static str,
    pub(crate) date: Option<String>,
    pub(crate) authorization: Authorization,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: String,
}

impl Raw {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            query: "apiVersion=1.0",
            signed_query: "apiVersion:1.0",
            signed_path: String::new(),
            key_id: KEY_ID,
            key_value: KEY_VALUE,
            date: Some(DATE.to_owned()),
            authorization: Authorization::Signed,
            content_type: None,
            body: String::new(),
        }
    }

    pub(crate) fn post(path: impl Into<String>, body: impl fmt::Display) -> Self {
        Self {
            method: "POST",
            content_type: Some("application/json"),
            body: body.to_string(),
            ..Self::get(path)
        }
    }

    /// A purge of these files and directories.
    pub(crate) fn purge(files: &[&str], directories: &[&str]) -> Self {
        let body = serde_json::json!({ "Files": files, "Directories": directories });
        Self::post(path("/purges"), body)
    }

    pub(crate) fn signature(&self) -> String {
        let path = if self.signed_path.is_empty() {
            &self.path
        } else {
            &self.signed_path
        };
        let text = format!(
            "{path}\r\n{}\r\n{}\r\n{}",
            self.signed_query,
            self.date.as_deref().unwrap_or_default(),
            self.method
        );
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key_value.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        let mut digits = String::new();
        for byte in mac.finalize().into_bytes() {
            fmt::Write::write_fmt(&mut digits, format_args!("{byte:02X}")).unwrap();
        }
        digits
    }

    /// Sends it; an error is a broken connection.
    pub(crate) async fn try_send(&self, running: &Running) -> Result<Seen, reqwest::Error> {
        let url = format!("{}{}?{}", running.api_url(), self.path, self.query);
        let mut request = http().request(self.method.parse().unwrap(), url);
        if let Some(date) = &self.date {
            request = request.header("x-azurecdn-request-date", date);
        }
        let authorization = match &self.authorization {
            Authorization::Signed => Some(format!("AzureCDN {}:{}", self.key_id, self.signature())),
            Authorization::Absent => None,
            Authorization::Given(text) => Some(text.clone()),
        };
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        if let Some(content_type) = self.content_type {
            request = request.header("Content-Type", content_type);
        }
        if !self.body.is_empty() {
            request = request.body(self.body.clone());
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        Ok(Seen {
            status,
            headers,
            json: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    pub(crate) async fn send(&self, running: &Running) -> Seen {
        self.try_send(running).await.unwrap()
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Seen {
    /// `ErrorInfo.Type`, or what came instead.
    pub(crate) fn error(&self) -> &str {
        self.json["ErrorInfo"]["Type"]
            .as_str()
            .unwrap_or(&self.text)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// `TaskTrackId` of an accepted purge.
    pub(crate) fn task(&self) -> String {
        assert_eq!(self.status, 202, "{}", self.text);
        self.json["AsyncInfo"]["TaskTrackId"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The status words of all URLs, files first.
    pub(crate) fn words(&self) -> Vec<&str> {
        let list = |name: &str| self.json[name].as_array().into_iter().flatten();
        list("Files")
            .chain(list("Directories"))
            .map(|item| item["Status"].as_str().unwrap())
            .collect()
    }
}

/// How far a purge is.
pub(crate) async fn query(running: &Running, task: &str) -> Seen {
    Raw::get(path(&format!("/purges/{task}")))
        .send(running)
        .await
}

/// An origin that marks each page with the tags that its path names.
pub(crate) async fn tagged_origin() -> String {
    let app = Router::new().fallback(async |request: Request| {
        let tags = request.uri().path().trim_matches('/').replace('/', ", ");
        ([("cache-tag", tags)], "a page")
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    format!("http://{address}")
}
