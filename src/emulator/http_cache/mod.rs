//! A cache node that accepts purges like the Varnish of docs/http-caches.md; it was compared with a real one
//! `[R]`. The edge behind it is the node's cache; for several nodes, start several emulators.

mod calls;

use std::time::Duration;

use calls::OPERATIONS;

use super::api::{Api, ApiKind, ApiOptions};
use super::backend::Backend;
use super::exchange::{ApiRequest, Reply, Trouble};
use super::operation::ApiOperation;

pub const PURGE_TOKEN: &str = "not-a-real-key";

/// A node's refusals: the name for faults, the status and the reason.
const ERRORS: [(&str, u16, &str); 4] = [
    ("denied", 403, "denied"),
    ("missing-header", 400, "missing header"),
    ("not-allowed", 405, "Method Not Allowed"),
    ("backend-fetch-failed", 503, "Backend fetch failed"),
];

pub const KIND: ApiKind = ApiKind {
    name: "http-cache",
    operations: OPERATIONS,
    errors: &[ERRORS[0].0, ERRORS[1].0, ERRORS[2].0, ERRORS[3].0],
    request_id_header: Some("x-varnish"),
    defaults: "",
    build,
};

#[derive(Debug, Clone, Default)]
pub struct HttpCache {
    /// Hosts in the printed manifest; the cache itself accepts any.
    pub hosts: Vec<String>,
}

fn build(options: &ApiOptions) -> Result<Box<dyn Api>, String> {
    let limits = [
        options.files_per_day.is_some(),
        options.directories_per_day.is_some(),
        options.items_per_request.is_some(),
        options.requests_per_second.is_some(),
        options.window.is_some(),
    ];
    if limits.contains(&true) {
        return Err("a cache has no limits, and its requests no date".to_owned());
    }
    let hosts = options.served();
    Ok(Box::new(HttpCache { hosts }))
}

fn synth(status: u16, reason: &str) -> Reply {
    let page = format!("<!DOCTYPE html>\n<html><title>{status} {reason}</title></html>\n");
    let reply = Reply::new(status, "text/html; charset=utf-8", page).header("server", "Varnish");
    match status {
        200 => reply.header("cache-purge-result", reason),
        _ => Reply {
            error: Some(format!("{status}: {reason}")),
            ..reply
        },
    }
}

fn error(name: &str, message: Option<&str>) -> Reply {
    let mut known = ERRORS.iter();
    let found = known.find(|(known, ..)| known.eq_ignore_ascii_case(name));
    let (_, status, reason) = found.unwrap_or(&ERRORS[0]);
    synth(*status, message.unwrap_or(reason))
}

impl Api for HttpCache {
    fn kind(&self) -> &'static ApiKind {
        &KIND
    }

    fn operation(&self, request: &ApiRequest) -> Option<ApiOperation> {
        calls::operation(request)
    }

    fn answer(&mut self, request: &ApiRequest, backend: &mut Backend<'_>) -> Reply {
        // The answer is final.
        backend.latency = Duration::ZERO;
        calls::call(request, backend).unwrap_or_else(|refusal| refusal)
    }

    fn refuse(&self, _request: &ApiRequest, trouble: &Trouble) -> Reply {
        match trouble {
            Trouble::Throttled(wait) => error("backend-fetch-failed", None).retry_after(*wait),
            Trouble::Exhausted => error("backend-fetch-failed", None),
            Trouble::Expired => error("denied", None),
            Trouble::TooLarge => synth(413, "Payload Too Large"),
            Trouble::Documented { name, message } => error(name, Some(message)),
        }
    }

    fn hosts(&self) -> Vec<String> {
        self.hosts.clone()
    }

    /// One pass is enough: the edge does not store responses that were in progress during a purge.
    fn endpoint(&self, api_url: &str) -> String {
        format!(
            "  httpCache:
    preset: varnish
    nodes:
      static:
        - {api_url}
    headers:
      X-Purge-Token: {{ env: PURGE_TOKEN }}
    secondPass: 0s
"
        )
    }

    fn credentials(&self) -> Vec<(&'static str, String)> {
        vec![("PURGE_TOKEN", PURGE_TOKEN.to_owned())]
    }
}
