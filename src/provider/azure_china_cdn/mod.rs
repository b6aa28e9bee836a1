//! Azure China CDN (21Vianet), classic REST API.
//!
//! `config` reads the manifest's block, `requests` builds and signs, `answers` reads, `errors` and
//! `error_type` know what each refusal means. Nothing here could be checked against the live service, which
//! was retired: `[D]` is documented, `[O]` was observed in published output or working clients,
//! `[I]` is inferred.

mod answers;
pub mod config;
pub mod error_type;
pub mod errors;
mod requests;
pub mod signing;

use std::sync::Arc;

use serde_json::json;

use crate::credential::CredentialRef;
use crate::entry::TargetKind;
use crate::operation::Task;
use crate::plan::Step;
use crate::provider::{
    ApiError, Auth, Authentication, Capabilities, EndpointInfo, Inquiry, Polling, Provider,
    ProviderKind, Report, Submission,
};
use crate::provider::{DayStart, Limits};
use crate::transport::{Request, Response};
use config::Config;

/// Name of the credential with the id of the key.
pub const KEY_ID: &str = "keyId";

/// Name of the credential with the value of the key.
pub const KEY_VALUE: &str = "keyValue";

/// Registration of this CDN.
pub static KIND: ProviderKind = ProviderKind {
    name: "azure-china-cdn",
    field: "azureChinaCdn",
    read: |fields| {
        let config = config::read(fields)?;
        Some(Arc::new(AzureChinaCdn::new(config)))
    },
    schema: config::schema,
    default_limits,
};

/// The daily quotas are documented per subscription `[D]`; how many URLs a request and how many
/// requests a second the CDN takes is not. 100 is the batch that its successor documents; 20 a
/// second lets a whole day's quota out in a second or two, and a CDN that finds this too much says
/// `RequestThrottled`, which is waited for.
fn default_limits() -> Limits {
    Limits {
        files_per_day: 2000,
        directories_per_day: 500,
        day_starts_at: DayStart::default(),
        items_per_request: 100,
        requests_per_second: 20.0,
        concurrent_requests: 4,
    }
}

/// One endpoint of the classic Azure China CDN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureChinaCdn {
    config: Config,
}

impl AzureChinaCdn {
    /// A codec for the endpoint that `config` names. GUIDs are taken in lower case, see
    /// [`Config::subscription_id`].
    pub fn new(mut config: Config) -> Self {
        config.subscription_id.make_ascii_lowercase();
        config.endpoint_id.make_ascii_lowercase();
        Self { config }
    }

    /// The request that lists the subscription's endpoints.
    pub fn list_endpoints(&self, auth: Auth<'_>) -> Request {
        requests::list_endpoints(&self.config, auth)
    }

    /// Reads the answer to [`Self::list_endpoints`].
    ///
    /// # Errors
    /// What the CDN refused, or an answer that cannot be understood.
    pub fn read_endpoints(&self, response: &Response) -> Result<Vec<EndpointInfo>, ApiError> {
        answers::endpoints(response)
    }

    /// The request that asks for the configured endpoint.
    pub fn get_endpoint(&self, auth: Auth<'_>) -> Request {
        requests::get_endpoint(&self.config, auth)
    }

    /// Reads the answer to [`Self::get_endpoint`].
    ///
    /// # Errors
    /// What the CDN refused, or an answer that cannot be understood.
    pub fn read_endpoint(&self, response: &Response) -> Result<EndpointInfo, ApiError> {
        answers::endpoint(response)
    }
}

impl Provider for AzureChinaCdn {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[TargetKind::File, TargetKind::Directory],
            mixed_kinds: true,
            polling: Polling::PerTask,
            authentication: Authentication::Credentials,
        }
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        vec![
            (KEY_ID, &self.config.key_id),
            (KEY_VALUE, &self.config.key_value),
        ]
    }

    fn identity(&self) -> serde_json::Value {
        json!({
            "apiUrl": self.config.api_url,
            "subscriptionId": self.config.subscription_id,
            "endpointId": self.config.endpoint_id,
        })
    }

    fn submit(&self, step: &Step, auth: Auth<'_>) -> Request {
        requests::add_purge(&self.config, step, auth)
    }

    fn submitted(&self, response: &Response) -> Result<Submission, ApiError> {
        answers::submitted(response)
    }

    fn inquire(&self, task: &Task, inquiry: Inquiry, auth: Auth<'_>) -> Request {
        requests::inquire(&self.config, task, inquiry, auth)
    }

    fn reported(&self, inquiry: Inquiry, response: &Response) -> Result<Report, ApiError> {
        answers::reported(inquiry, response)
    }

    fn correlation_id(&self, response: &Response) -> Option<String> {
        errors::correlation_id(response)
    }
}
