//! Connects this API to the emulator.

use super::calls;
use super::errors::{self as E, ErrorCode};
use super::routes::{self, OPERATIONS};
use super::settings::{
    AzureFrontDoor, CLIENT_ID, CLIENT_SECRET, ENDPOINT, PROFILE, RESOURCE_GROUP, SUBSCRIPTION_ID,
    TENANT_ID,
};
use crate::emulator::api::{Api, ApiKind, ApiOptions};
use crate::emulator::backend::Backend;
use crate::emulator::exchange::{ApiRequest, Reply, Trouble};
use crate::emulator::operation::ApiOperation;

pub const KIND: ApiKind = ApiKind {
    name: "azure-front-door",
    operations: OPERATIONS,
    errors: ErrorCode::WORDS,
    request_id_header: Some("x-ms-request-id"),
    defaults: "--items-per-request 100",
    build,
};

fn build(options: &ApiOptions) -> Result<Box<dyn Api>, String> {
    options.no_quota("Azure Front Door")?;
    options.no_dates("Azure Front Door")?;
    let mut api = AzureFrontDoor::default();
    api.writes = options.bucket()?.unwrap_or(api.writes);
    api.paths_per_request = options.items_per_request.unwrap_or(api.paths_per_request);
    api.hosts = options.served();
    Ok(Box::new(api))
}

impl Api for AzureFrontDoor {
    fn kind(&self) -> &'static ApiKind {
        &KIND
    }

    fn operation(&self, request: &ApiRequest) -> Option<ApiOperation> {
        routes::route(request).map(|route| route.operation)
    }

    fn answer(&mut self, request: &ApiRequest, backend: &mut Backend<'_>) -> Reply {
        let reply = self.call(request, backend);
        reply.unwrap_or_else(|refusal| refusal)
    }

    fn refuse(&self, _request: &ApiRequest, trouble: &Trouble) -> Reply {
        match trouble {
            Trouble::Throttled(wait) => calls::throttled(*wait),
            Trouble::Exhausted => E::TOO_MANY.reply("Too many requests."),
            Trouble::Expired => E::OLD_TOKEN.reply("The access token has expired."),
            Trouble::TooLarge => Reply {
                status: 413,
                ..E::BAD_REQUEST.reply("The request is too large.")
            },
            Trouble::Documented { name, message } => {
                let named = ErrorCode::named(name).unwrap_or(E::BAD_REQUEST);
                named.reply(message)
            }
        }
    }

    fn hosts(&self) -> Vec<String> {
        self.hosts.clone()
    }

    fn endpoint(&self, api_url: &str) -> String {
        format!(
            "  azureFrontDoor:
    subscriptionId: {SUBSCRIPTION_ID}
    resourceGroup: {RESOURCE_GROUP}
    profile: {PROFILE}
    endpoint: {ENDPOINT}
    apiUrl: {api_url}
    loginUrl: {api_url}
    credentials:
      clientSecret:
        tenantId: {TENANT_ID}
        clientId: {CLIENT_ID}
        secret: {{ env: AZURE_CLIENT_SECRET }}
"
        )
    }

    fn credentials(&self) -> Vec<(&'static str, String)> {
        vec![("AZURE_CLIENT_SECRET", CLIENT_SECRET.to_owned())]
    }
}
