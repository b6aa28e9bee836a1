//! The operations and their answers.

use std::time::Duration;

use serde_json::{Value, json};

use super::errors as E;
use super::items;
use super::settings::{
    API_TOKEN, Fastly, OTHER_SERVICE_TOKEN, READ_ONLY_TOKEN, SELECT_TOKEN, SERVICE_ID,
};
use crate::emulator::api::named;
use crate::emulator::backend::Backend;
use crate::emulator::edge::Eviction;
use crate::emulator::exchange::{ApiRequest, Reply};
use crate::emulator::operation::{ApiOperation, operations};
use crate::emulator::tasks::AcceptedItem;
use crate::entry::TargetKind;

operations! {
    PURGE_URL = "purge-url", Purge;
    PURGE_KEY = "purge-key", Purge;
    PURGE_KEYS = "purge-keys", Purge;
    PURGE_ALL = "purge-all", Purge;
    TOKEN = "token", Other;
    SERVICE = "service", Other;
    DETAILS = "details", Other;
}

/// The service id, and the URL or key in the path; empty if it has none.
pub(super) struct Route<'a> {
    pub(super) operation: ApiOperation,
    service: &'a str,
    text: &'a str,
}

/// A URL after `/purge/` contains slashes of its own.
pub(super) fn route(request: &ApiRequest) -> Option<Route<'_>> {
    let route = |operation, service, text| {
        Some(Route {
            operation,
            service,
            text,
        })
    };
    let path = request.path();
    if let Some(url) = path.strip_prefix("/purge/") {
        return (request.method() == "POST").then(|| route(PURGE_URL, "", url))?;
    }
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method(), &*segments) {
        ("POST", ["service", id, "purge"]) => route(PURGE_KEYS, id, ""),
        ("POST", ["service", id, "purge", key]) => route(PURGE_KEY, id, key),
        ("POST", ["service", id, "purge_all"]) => route(PURGE_ALL, id, ""),
        ("GET", ["tokens", "self"]) => route(TOKEN, "", ""),
        ("GET", ["service", id]) => route(SERVICE, id, ""),
        ("GET", ["service", id, "details"]) => route(DETAILS, id, ""),
        _ => None,
    }
}

/// What a token may do, in the service's words `[D]`.
struct Rights {
    scopes: &'static [&'static str],
    services: &'static [&'static str],
}

impl Rights {
    fn of(request: &ApiRequest) -> Result<Self, Reply> {
        let token = request.header("fastly-key").unwrap_or_default();
        let (scopes, services): (&[_], &[_]) = match token {
            API_TOKEN => (&["global"], &[]),
            SELECT_TOKEN => (&["purge_select"], &[]),
            READ_ONLY_TOKEN => (&["global:read"], &[]),
            OTHER_SERVICE_TOKEN => (&["global"], &["SU0000000000000000000B"]),
            _ => return Err(E::NO_TOKEN.usual()),
        };
        Ok(Self { scopes, services })
    }

    fn check(&self, scope: &str) -> Result<(), Reply> {
        let has = |wanted: &str| self.scopes.contains(&wanted);
        let is_here = self.services.is_empty() || self.services.contains(&SERVICE_ID);
        match is_here && (has("global") || has(scope)) {
            true => Ok(()),
            false => Err(E::NOT_ALLOWED.usual()),
        }
    }
}

impl Fastly {
    /// The order of the checks is unknown `[?]`.
    pub(super) fn call(
        &mut self,
        request: &ApiRequest,
        backend: &mut Backend<'_>,
    ) -> Result<Reply, Reply> {
        let rights = Rights::of(request)?;
        let route = route(request).ok_or_else(|| E::NO_RECORD.with("There is nothing here"))?;
        let scope = match route.operation {
            TOKEN => return Ok(Self::token(&rights)),
            PURGE_ALL => "purge_all",
            SERVICE | DETAILS => "global:read",
            _ => "purge_select",
        };
        rights.check(scope)?;
        if route.operation != PURGE_URL && route.service != SERVICE_ID {
            let message = format!("Couldn't find Service '{}'", route.service);
            return Err(E::NO_RECORD.with(&message));
        }
        match route.operation {
            SERVICE => Ok(Reply::json(200, &self.service())),
            DETAILS => Ok(Reply::json(200, &self.details())),
            PURGE_ALL => self.purge_all(backend),
            _ => self.purge(request, &route, backend),
        }
    }

    fn purge(
        &mut self,
        request: &ApiRequest,
        route: &Route<'_>,
        backend: &mut Backend<'_>,
    ) -> Result<Reply, Reply> {
        let items = match route.operation {
            PURGE_URL => {
                let query = request.query();
                let text = match query.is_empty() {
                    true => route.text.to_owned(),
                    false => format!("{}?{query}", route.text),
                };
                vec![items::url(&text, self)?]
            }
            PURGE_KEY => vec![items::key(route.text)?],
            _ => items::batch(request.header("surrogate-key"), request.body(), self)?,
        };
        let count = f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX));
        let taken = backend
            .budgets
            .take("purges", count, self.purges, backend.instant);
        // No header with the time to wait is known [?].
        taken.map_err(|_| E::RATE_LIMIT.usual())?;
        let id = self.next_id(backend.now);
        let reply = match route.operation {
            // The edge answers, without a content type [O].
            PURGE_KEYS => {
                let ids = items.iter().zip(1_u32..).map(|(item, nth)| {
                    let key = Value::from(item.text.as_str());
                    format!("{key}: \"{id}-{nth}\"")
                });
                let body = format!("{{ {} }}", ids.collect::<Vec<_>>().join(", "));
                Reply {
                    status: 200,
                    body,
                    ..Reply::default()
                }
                .header("fastly-surrogate-key-count", items.len().to_string())
            }
            _ => Reply::json(200, &json!({ "status": "ok", "id": id })),
        };
        Self::start(route.operation, id, items, backend);
        Ok(reply)
    }

    /// Always a hard purge, whatever the header says `[D]`.
    fn purge_all(&mut self, backend: &mut Backend<'_>) -> Result<Reply, Reply> {
        let (left, reset) = self.write(backend.now);
        let reset = reset.to_string();
        let name = "fastly-ratelimit-reset";
        let Some(left) = left else {
            let refused = E::RATE_LIMIT.usual().header(name, reset);
            return Err(refused.header("fastly-ratelimit-remaining", "0"));
        };
        let everything = Eviction::everything();
        let item = AcceptedItem::new(TargetKind::Everything, String::new(), everything);
        let id = self.next_id(backend.now);
        Self::start(PURGE_ALL, id, vec![item], backend);
        let reply = Reply::json(200, &json!({ "status": "ok" })).header(name, reset);
        Ok(reply.header("fastly-ratelimit-remaining", left.to_string()))
    }

    fn start(
        operation: ApiOperation,
        id: String,
        items: Vec<AcceptedItem>,
        backend: &mut Backend<'_>,
    ) {
        // The answer is final [D].
        backend.latency = Duration::ZERO;
        backend.start(operation, id, SERVICE_ID, items);
    }

    /// Without an expiry date: the vendor's Python client fails on `"expires_at": null`.
    fn token(rights: &Rights) -> Reply {
        let body = json!({
            "id": "0000000000000000000001", "customer_id": "0000000000000000000002", "name": "emulated",
            "scope": rights.scopes.join(" "), "scopes": rights.scopes, "services": rights.services,
        });
        Reply::json(200, &body)
    }

    fn service(&self) -> Value {
        json!({
            "id": SERVICE_ID, "name": "emulated", "type": "vcl", "paused": self.paused,
            "versions": [{ "number": 1, "active": true, "locked": true }],
        })
    }

    fn details(&self) -> Value {
        let domains = named(&self.hosts).into_iter();
        let domains = domains.map(|host| json!({ "name": host }));
        let domains: Vec<_> = domains.collect();
        let mut service = self.service();
        service["active_version"] = json!({ "number": 1, "active": true, "domains": domains });
        service
    }
}
