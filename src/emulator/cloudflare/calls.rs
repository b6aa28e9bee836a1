//! The operations and their answers.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::errors::{self as E, Refusal};
use super::items;
use super::settings::{
    ACCOUNT_TOKEN, API_TOKEN, Cloudflare, ENVIRONMENT_ID, PURGE_ONLY_TOKEN, READ_ONLY_TOKEN,
    ZONE_ID,
};
use crate::emulator::backend::Backend;
use crate::emulator::exchange::{ApiRequest, Reply};
use crate::emulator::operation::{ApiOperation, Role, operations};
use crate::entry::TargetKind;

/// The prefix of every path `[D]`.
const BASE: &str = "/client/v4";

operations! {
    PURGE = "purge", Purge;
    INVALIDATE = "invalidate", Purge;
    VERIFY = "verify", Other;
    ZONE = "zone", Other;
    ENVIRONMENTS = "environments", Other;
}

pub(super) struct Route<'a> {
    pub(super) operation: ApiOperation,
    /// Empty if the call has none.
    zone: &'a str,
    environment: Option<&'a str>,
}

/// A purge by `DELETE`, which old clients send `[O]`, is not documented and refused.
pub(super) fn route(request: &ApiRequest) -> Option<Route<'_>> {
    let path = request.path().strip_prefix(BASE)?;
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let route = |operation, zone, environment| {
        Some(Route {
            operation,
            zone,
            environment,
        })
    };
    match (request.method(), &*segments) {
        ("POST", ["zones", zone, "purge_cache"]) => route(PURGE, zone, None),
        ("POST", ["zones", zone, "invalidate_cache"]) => route(INVALIDATE, zone, None),
        ("POST", ["zones", zone, "environments", id, "purge_cache"]) => {
            route(PURGE, zone, Some(*id))
        }
        ("POST", ["zones", zone, "environments", id, "invalidate_cache"]) => {
            route(INVALIDATE, zone, Some(*id))
        }
        ("GET", ["user", "tokens", "verify"]) => route(VERIFY, "", None),
        ("GET", ["zones", zone]) => route(ZONE, zone, None),
        ("GET", ["zones", zone, "environments"]) => route(ENVIRONMENTS, zone, None),
        _ => None,
    }
}

fn good(result: &Value) -> Reply {
    let body = json!({ "success": true, "errors": [], "messages": [], "result": result });
    Reply::json(200, &body)
}

impl Cloudflare {
    pub(super) fn call(
        &self,
        request: &ApiRequest,
        backend: &mut Backend<'_>,
    ) -> Result<Reply, (Refusal, Option<Duration>)> {
        let at_once = |refusal| (refusal, None);
        let no_route = || {
            let path = request.path();
            at_once(E::NO_ROUTE.with(format!(
                "Could not route to {path}, perhaps your object identifier is invalid?"
            )))
        };
        let route = route(request).ok_or_else(no_route)?;
        let rights = Rights::of(request, route.operation == VERIFY).map_err(at_once)?;
        if route.operation == VERIFY {
            let status = json!({ "id": ZONE_ID, "status": "active" });
            return Ok(good(&status));
        }
        let is_id = route.zone.len() <= ZONE_ID.len()
            && route.zone.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            return Err(no_route());
        }
        // The zone of another account gets the same refusal as a wrong token [O].
        if !route.zone.eq_ignore_ascii_case(ZONE_ID) {
            return Err(at_once(E::NOT_ALLOWED.usual()));
        }
        let is_allowed = match route.operation {
            ZONE | ENVIRONMENTS => rights.read,
            _ => rights.purge,
        };
        if !is_allowed {
            return Err(at_once(E::NOT_ALLOWED.usual()));
        }
        if route.operation == ZONE {
            let name = self.hosts.first().map_or("example.com", String::as_str);
            return Ok(good(
                &json!({ "id": ZONE_ID, "name": name, "status": "active" }),
            ));
        }
        if route.operation == ENVIRONMENTS {
            let environment = json!({ "name": "staging", "ref": ENVIRONMENT_ID, "version": 1 });
            return Ok(good(&json!({ "environments": [environment] })));
        }
        let is_environment = |id: &str| id.eq_ignore_ascii_case(ENVIRONMENT_ID);
        if !route.environment.is_none_or(is_environment) {
            return Err(no_route());
        }
        let items = items::read(request.body(), self).map_err(at_once)?;
        let is_files = items.iter().any(|item| item.kind == TargetKind::File);
        if is_files && route.environment.is_some() && self.visitor_rules {
            return Err(at_once(E::VISITOR_RULE.usual()));
        }
        let number = f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX));
        let (pool, count, bucket) = match is_files {
            true => ("urls", number, self.urls),
            false => ("others", 1.0, self.others),
        };
        let taken = backend.budgets.take(pool, count, bucket, backend.instant);
        taken.map_err(|wait| (E::RATE_LIMIT.usual(), Some(wait)))?;
        let operation = match route.environment {
            None => route.operation,
            // An environment's cache is not the edge's.
            Some(_) => ApiOperation {
                role: Role::Other,
                ..route.operation
            },
        };
        // The answer is final, and purges are instant [D].
        backend.latency = Duration::ZERO;
        backend.start(operation, Uuid::new_v4().to_string(), ZONE_ID, items);
        // The id is the zone's; there is no task [O].
        Ok(good(&json!({ "id": ZONE_ID })))
    }
}

struct Rights {
    purge: bool,
    read: bool,
}

impl Rights {
    fn of(request: &ApiRequest, is_verify: bool) -> Result<Self, Refusal> {
        let malformed = || {
            let chain = "Invalid format for Authorization header";
            E::BAD_HEADERS.usual().because(6111, chain)
        };
        let header = request.header("authorization").ok_or_else(malformed)?;
        let (purge, read) = match header.strip_prefix("Bearer ").map(str::trim) {
            Some("") | None => return Err(malformed()),
            Some(API_TOKEN) => (true, true),
            Some(ACCOUNT_TOKEN) if !is_verify => (true, true),
            Some(PURGE_ONLY_TOKEN) => (true, false),
            Some(READ_ONLY_TOKEN) => (false, true),
            Some(token) if is_verify && token != ACCOUNT_TOKEN => {
                return Err(E::INVALID_TOKEN.usual());
            }
            Some(_) => return Err(E::NOT_ALLOWED.usual()),
        };
        Ok(Self { purge, read })
    }
}
