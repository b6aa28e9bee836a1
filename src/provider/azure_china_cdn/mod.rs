//! Azure China CDN (21Vianet), classic REST API.
//!
//! Nothing here was checked against the service, which was retired: `[D]` is documented, `[O]` was observed
//! in published output or working clients, `[I]` is inferred.

mod answers;
pub mod config;
pub mod error_type;
mod errors;
mod inspect;
mod requests;
pub mod signing;

use std::sync::Arc;

use serde_json::json;

use crate::credential::CredentialRef;
use crate::entry::{Target, TargetKind};
use crate::field::Block as _;
use crate::operation::{Item, Operation, Task};
use crate::provider::{
    Answer, ApiError, Auth, Budget, Counts, DayStart, Inspection, Limits, Provider, ProviderKind,
    Tasks, Unsupported, Window, place,
};
use crate::transport::{Request, Response};
use config::Config;
pub use config::{KEY_ID, KEY_VALUE};

pub static KIND: ProviderKind = ProviderKind {
    name: "azure-china-cdn",
    field: "azureChinaCdn",
    read: |fields, _| {
        let config = Config::read(fields)?;
        Some(Arc::new(AzureChinaCdn::new(config)))
    },
    schema: Config::schema,
    default_limits,
    template: include_str!("template.yaml"),
};

/// The daily quotas are documented per subscription `[D]`; URLs per request and requests per second are not.
/// 100 is the batch size that its successor documents. 20 per second sends a whole day's quota in a second
/// or two; if that is too fast, the CDN answers `RequestThrottled`, and we wait.
fn default_limits() -> Limits {
    Limits {
        files_per_day: 2000,
        directories_per_day: 500,
        day_starts_at: DayStart::default(),
        items_per_request: 100,
        requests_per_second: 20.0,
        concurrent_requests: 4,
        reserve: None,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureChinaCdn {
    config: Config,
}

impl AzureChinaCdn {
    /// GUIDs become lower case, see [`Config::subscription_id`].
    pub fn new(mut config: Config) -> Self {
        config.subscription_id.make_ascii_lowercase();
        config.endpoint_id.make_ascii_lowercase();
        Self { config }
    }
}

impl Provider for AzureChinaCdn {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn identity(&self) -> serde_json::Value {
        json!({
            "apiUrl": self.config.api_url,
            "subscriptionId": self.config.subscription_id,
            "endpointId": self.config.endpoint_id,
        })
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        vec![
            (KEY_ID, &self.config.credentials.key_id),
            (KEY_VALUE, &self.config.credentials.key_value),
        ]
    }

    fn lower(&self, target: &Target) -> Result<Item, Unsupported> {
        match target {
            Target::File(_) | Target::Directory(_) => Ok(Item {
                group: Arc::from(""),
                key: item_key(target),
                target: target.clone(),
            }),
            Target::Tag(_) => Err(Unsupported::new(
                "Azure China CDN has no cache tags",
                "list URLs under `files` or `directories`",
            )),
            Target::Host(host) => Err(Unsupported::new(
                "Azure China CDN cannot purge a whole host",
                format!("list `https://{host}/` under `directories`"),
            )),
            Target::Everything => Err(Unsupported::new(
                "Azure China CDN cannot purge everything at once",
                "list the root of each host under `directories`",
            )),
        }
    }

    /// A directory purge includes everything below `[I]`; whether it includes the directory's own URL is not
    /// documented.
    fn place(&self, target: &Target) -> Option<String> {
        match target {
            Target::File(url) => Some(place::beside(url.as_str())),
            Target::Directory(url) => Some(url.as_str().to_owned()),
            Target::Tag(_) | Target::Host(_) | Target::Everything => None,
        }
    }

    /// Quotas are per subscription `[D]`. That rate and concurrency are too is a cautious guess.
    fn budgets(&self, limits: &Limits) -> Vec<Budget> {
        let scope = format!("{} {}", self.config.api_url, self.config.subscription_id).into();
        let per_request = limits.items_per_request as u64;
        let mut budgets: Vec<_> = Budget::quotas(limits, &scope).collect();
        budgets.push(Budget::new(&scope, ITEMS, per_request, Window::Request));
        budgets.extend(Budget::requests(limits, &scope));
        budgets
    }

    fn submit(&self, operation: &Operation, auth: Auth<'_>) -> Request {
        requests::add_purge(&self.config, &operation.items, auth)
    }

    fn submitted(&self, _: &Operation, response: &Response) -> Result<Answer, ApiError> {
        answers::submitted(response)
    }

    fn tasks(&self) -> Option<&dyn Tasks> {
        Some(self)
    }

    fn inspect(&self, auth: Auth<'_>) -> Vec<Request> {
        vec![requests::get_endpoint(&self.config, auth)]
    }

    fn inspected(&self, _: &[Response], response: &Response) -> Result<Inspection, ApiError> {
        inspect::inspected(response)
    }

    fn correlation_id(&self, response: &Response) -> Option<String> {
        errors::DIALECT.correlation_id(response)
    }
}

impl Tasks for AzureChinaCdn {
    fn poll(&self, task: &Task, auth: Auth<'_>) -> Request {
        requests::poll(&self.config, task, auth)
    }

    fn polled(&self, task: &Task, response: &Response) -> Result<Answer, ApiError> {
        answers::polled(task, response)
    }
}

const ITEMS: Counts = Counts::Items(&[TargetKind::File, TargetKind::Directory]);

/// A URL may be purged both as a file and as a directory.
fn item_key(target: &Target) -> Arc<str> {
    format!("{} {target}", target.kind()).into()
}
