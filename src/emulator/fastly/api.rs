//! Connects this API to the emulator.

use super::calls::{self, OPERATIONS};
use super::errors::{self as E, ErrorCode};
use super::settings::{API_TOKEN, Fastly, SERVICE_ID};
use crate::emulator::api::{Api, ApiKind, ApiOptions};
use crate::emulator::backend::Backend;
use crate::emulator::exchange::{ApiRequest, Reply, Trouble};
use crate::emulator::operation::ApiOperation;

pub const KIND: ApiKind = ApiKind {
    name: "fastly",
    operations: OPERATIONS,
    errors: ErrorCode::WORDS,
    request_id_header: None,
    defaults: "--items-per-request 256",
    build,
};

fn build(options: &ApiOptions) -> Result<Box<dyn Api>, String> {
    options.no_quota("Fastly")?;
    options.no_dates("Fastly")?;
    let mut api = Fastly::default();
    api.purges = options.bucket()?.unwrap_or(api.purges);
    api.keys_per_request = options.items_per_request.unwrap_or(api.keys_per_request);
    api.hosts = options.served();
    Ok(Box::new(api))
}

impl Api for Fastly {
    fn kind(&self) -> &'static ApiKind {
        &KIND
    }

    fn operation(&self, request: &ApiRequest) -> Option<ApiOperation> {
        calls::route(request).map(|route| route.operation)
    }

    fn answer(&mut self, request: &ApiRequest, backend: &mut Backend<'_>) -> Reply {
        let reply = self.call(request, backend);
        reply.unwrap_or_else(|refusal| refusal)
    }

    fn refuse(&self, _request: &ApiRequest, trouble: &Trouble) -> Reply {
        match trouble {
            Trouble::Throttled(wait) => E::RATE_LIMIT.usual().retry_after(*wait),
            Trouble::Exhausted => E::RATE_LIMIT.usual(),
            Trouble::Expired => E::NO_TOKEN.usual(),
            Trouble::TooLarge => Reply {
                status: 413,
                ..E::BAD_BATCH.usual()
            },
            Trouble::Documented { name, message } => {
                ErrorCode::named(name).unwrap_or(E::MALFORMED).with(message)
            }
        }
    }

    fn hosts(&self) -> Vec<String> {
        self.hosts.clone()
    }

    fn endpoint(&self, api_url: &str) -> String {
        format!(
            "  fastly:
    serviceId: {SERVICE_ID}
    apiUrl: {api_url}
    credentials:
      apiToken: {{ env: FASTLY_API_TOKEN }}
"
        )
    }

    fn credentials(&self) -> Vec<(&'static str, String)> {
        vec![("FASTLY_API_TOKEN", API_TOKEN.to_owned())]
    }
}
