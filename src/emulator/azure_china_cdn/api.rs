//! Connects this API to the emulator.

use super::account::{AccountEndpoint, ENDPOINT_ID, KEY_ID, KEY_VALUE, SUBSCRIPTION_ID};
use super::errors::{ApiRefusal, ErrorType as E, refuse};
use super::routes::{self, OPERATIONS};
use super::settings::AzureChinaCdn;
use crate::emulator::api::{Api, ApiKind, ApiOptions};
use crate::emulator::backend::Backend;
use crate::emulator::exchange::{ApiRequest, Reply, Trouble};
use crate::emulator::operation::ApiOperation;
use crate::emulator::server::MAX_REQUEST_BYTES;

pub const KIND: ApiKind = ApiKind {
    name: "azure-china-cdn",
    operations: OPERATIONS,
    errors: E::WORDS,
    // Its support asks for it [D].
    request_id_header: Some("x-correlation-id"),
    defaults: "--files-per-day 2000 --directories-per-day 500 --items-per-request 100 --window 15m",
    build,
};

fn build(options: &ApiOptions) -> Result<Box<dyn Api>, String> {
    options.bucket()?;
    let usual = AzureChinaCdn::default();
    let directories = options.directories_per_day;
    let mut api = AzureChinaCdn {
        files_per_day: options.files_per_day.unwrap_or(usual.files_per_day),
        directories_per_day: directories.unwrap_or(usual.directories_per_day),
        items_per_request: options.items_per_request.unwrap_or(usual.items_per_request),
        requests_per_second: options.requests_per_second,
        window: options.window.unwrap_or(usual.window),
        directory_slash: options.strict,
        rfc3339_dates: !options.strict,
        ..usual
    };
    if !options.hosts.is_empty() {
        let hosts: Vec<_> = options.hosts.iter().map(String::as_str).collect();
        api.account.set_hosts(&hosts);
    }
    Ok(Box::new(api))
}

impl Api for AzureChinaCdn {
    fn kind(&self) -> &'static ApiKind {
        &KIND
    }

    fn operation(&self, request: &ApiRequest) -> Option<ApiOperation> {
        let route = routes::route(request.method(), request.path());
        route.ok().map(|route| route.call.operation())
    }

    fn answer(&mut self, request: &ApiRequest, backend: &mut Backend<'_>) -> Reply {
        let reply = self.call(request, backend);
        reply.unwrap_or_else(|refusal| self.refusal(refusal))
    }

    fn refuse(&self, _request: &ApiRequest, trouble: &Trouble) -> Reply {
        self.refusal(match trouble {
            Trouble::Throttled(wait) => ApiRefusal {
                retry_after: *wait,
                ..refuse(E::RequestThrottled, "Too many requests.")
            },
            Trouble::Exhausted => self.exhausted("The quota of the day is used up."),
            Trouble::Expired => {
                let message = "The request date is too far away.";
                refuse(E::AuthorizationHeaderExpired, message)
            }
            Trouble::TooLarge => {
                let message =
                    format!("The body is broken off or larger than {MAX_REQUEST_BYTES} bytes.");
                refuse(E::ParameterInvalid, message).with_status(413)
            }
            Trouble::Documented { name, message } => {
                let mut words = E::WORDS.iter().zip(E::ALL);
                let named = words.find(|(word, _)| word.eq_ignore_ascii_case(name));
                refuse(
                    named.map_or(E::ParameterInvalid, |(_, error)| *error),
                    message,
                )
            }
        })
    }

    fn hosts(&self) -> Vec<String> {
        let first = self.account.endpoints.first();
        let hosts = first.into_iter().flat_map(|endpoint| &endpoint.hosts);
        hosts.filter(|host| *host != "*").cloned().collect()
    }

    fn endpoint(&self, api_url: &str) -> String {
        let usual = AccountEndpoint::new(SUBSCRIPTION_ID, ENDPOINT_ID, "");
        let first = self.account.endpoints.first().unwrap_or(&usual);
        format!(
            "  azureChinaCdn:
    subscriptionId: {}
    endpointId: {}
    apiUrl: {api_url}
    credentials:
      keyId: {{ env: AZURE_CDN_KEY_ID }}
      keyValue: {{ env: AZURE_CDN_KEY_VALUE }}
",
            first.subscription, first.id
        )
    }

    fn credentials(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AZURE_CDN_KEY_ID", KEY_ID.to_owned()),
            ("AZURE_CDN_KEY_VALUE", KEY_VALUE.to_owned()),
        ]
    }
}
