//! Connects this API to the emulator.

use super::calls::{self, OPERATIONS};
use super::errors::{self as E, ErrorCode};
use super::settings::{API_TOKEN, Cloudflare, ZONE_ID};
use crate::emulator::api::{Api, ApiKind, ApiOptions};
use crate::emulator::backend::Backend;
use crate::emulator::exchange::{ApiRequest, Reply, Trouble};
use crate::emulator::operation::ApiOperation;

pub const KIND: ApiKind = ApiKind {
    name: "cloudflare",
    operations: OPERATIONS,
    errors: ErrorCode::WORDS,
    request_id_header: Some("cf-ray"),
    defaults: "--items-per-request 100",
    build,
};

fn build(options: &ApiOptions) -> Result<Box<dyn Api>, String> {
    options.no_quota("Cloudflare")?;
    options.no_dates("Cloudflare")?;
    let mut api = Cloudflare::default();
    api.others = options.bucket()?.unwrap_or(api.others);
    api.urls_per_request = options.items_per_request.unwrap_or(api.urls_per_request);
    api.hosts = options.served();
    Ok(Box::new(api))
}

impl Api for Cloudflare {
    fn kind(&self) -> &'static ApiKind {
        &KIND
    }

    fn operation(&self, request: &ApiRequest) -> Option<ApiOperation> {
        calls::route(request).map(|route| route.operation)
    }

    fn answer(&mut self, request: &ApiRequest, backend: &mut Backend<'_>) -> Reply {
        let reply = self.call(request, backend);
        reply.unwrap_or_else(|(refusal, wait)| refusal.reply().retry_after(wait))
    }

    fn refuse(&self, _request: &ApiRequest, trouble: &Trouble) -> Reply {
        match trouble {
            Trouble::Throttled(wait) => E::RATE_LIMIT.usual().reply().retry_after(*wait),
            Trouble::Exhausted => E::RATE_LIMIT.usual().reply(),
            Trouble::Expired => E::NOT_ALLOWED.usual().reply(),
            Trouble::TooLarge => Reply {
                status: 413,
                ..E::NO_KIND.usual().reply()
            },
            Trouble::Documented { name, message } => {
                let named = ErrorCode::named(name).unwrap_or(E::NO_KIND);
                named.with(message).reply()
            }
        }
    }

    fn hosts(&self) -> Vec<String> {
        self.hosts.clone()
    }

    fn endpoint(&self, api_url: &str) -> String {
        format!(
            "  cloudflare:
    zoneId: {ZONE_ID}
    apiUrl: {api_url}
    credentials:
      apiToken: {{ env: CLOUDFLARE_API_TOKEN }}
"
        )
    }

    fn credentials(&self) -> Vec<(&'static str, String)> {
        vec![("CLOUDFLARE_API_TOKEN", API_TOKEN.to_owned())]
    }
}
