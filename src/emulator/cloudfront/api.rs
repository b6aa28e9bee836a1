//! Connects this API to the emulator.

use super::calls::{self, OPERATIONS};
use super::errors::{self as E, ErrorCode};
use super::settings::{ACCESS_KEY_ID, Cloudfront, DISTRIBUTION_ID, SECRET_ACCESS_KEY};
use crate::emulator::api::{Api, ApiKind, ApiOptions};
use crate::emulator::backend::Backend;
use crate::emulator::exchange::{ApiRequest, Reply, Trouble};
use crate::emulator::operation::ApiOperation;

pub const KIND: ApiKind = ApiKind {
    name: "cloudfront",
    operations: OPERATIONS,
    errors: ErrorCode::WORDS,
    request_id_header: Some("x-amzn-requestid"),
    defaults: "--items-per-request 3000 --window 5m",
    build,
};

fn build(options: &ApiOptions) -> Result<Box<dyn Api>, String> {
    options.no_quota("CloudFront")?;
    let mut api = Cloudfront::default();
    api.creates = options.bucket()?.unwrap_or(api.creates);
    api.paths_per_request = options.items_per_request.unwrap_or(api.paths_per_request);
    api.window = options.window.unwrap_or(api.window);
    api.hosts = options.served();
    Ok(Box::new(api))
}

impl Api for Cloudfront {
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
            Trouble::Throttled(wait) => E::THROTTLING.usual().retry_after(*wait),
            Trouble::Exhausted => E::TOO_MANY.usual(),
            Trouble::Expired => E::BAD_SIGNATURE.with("Signature expired: it is too old."),
            Trouble::TooLarge => E::TOO_LARGE.usual(),
            Trouble::Documented { name, message } => {
                let named = ErrorCode::named(name).unwrap_or(E::INVALID_ARGUMENT);
                named.with(message)
            }
        }
    }

    fn hosts(&self) -> Vec<String> {
        self.hosts.clone()
    }

    fn endpoint(&self, api_url: &str) -> String {
        format!(
            "  cloudfront:
    distributionId: {DISTRIBUTION_ID}
    apiUrl: {api_url}
    credentials:
      keys:
        accessKeyId: {{ env: AWS_ACCESS_KEY_ID }}
        secretAccessKey: {{ env: AWS_SECRET_ACCESS_KEY }}
"
        )
    }

    fn credentials(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
        ]
    }
}
