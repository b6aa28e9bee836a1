//! Azure Front Door (Standard and Premium) and the classic CDN from Microsoft, through Azure Resource
//! Manager, in the global, China (21Vianet) and US Government clouds.
//!
//! Nothing here was checked against the live service: `[D]` is documented, `[O]` was observed in the
//! vendor's clients and recordings, `[I]` is inferred, `[?]` is unknown.

mod answers;
mod cloud;
pub mod config;
mod errors;
mod inspect;
mod requests;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::credential::CredentialRef;
use crate::entry::{Target, TargetKind};
use crate::field::Block as _;
use crate::operation::{Item, Operation, Task};
use crate::provider::{
    Answer, ApiError, Auth, Budget, Counts, DayStart, Exchange, Inspection, Limits, Provider,
    ProviderKind, Tasks, Unsupported, Window,
};
use crate::transport::{Request, Response};
use crate::url::{CdnUrl, HostPattern};
pub use cloud::Cloud;
use config::{Config, Product};
use tokens::Login;

pub static KIND: ProviderKind = ProviderKind {
    name: "azure-front-door",
    field: "azureFrontDoor",
    read: |fields, hosts| {
        let config = Config::read(fields)?;
        Some(Arc::new(AzureFrontDoor::new(config, hosts)))
    },
    schema: Config::schema,
    default_limits,
    template: include_str!("template.yaml"),
};

/// 100 paths per request are documented; a daily quota is not. Resource Manager allows 10 writes per second,
/// after a burst of 200 `[D]`.
fn default_limits() -> Limits {
    Limits {
        files_per_day: Limits::NO_QUOTA,
        directories_per_day: Limits::NO_QUOTA,
        day_starts_at: DayStart::utc(),
        items_per_request: 100,
        requests_per_second: 10.0,
        concurrent_requests: 4,
        reserve: None,
    }
}

/// Purges of a classic profile that may be in progress at once `[D]`.
const CLASSIC_IN_PROGRESS: u64 = 50;

/// However they are expressed.
const PATHS: Counts = Counts::Items(&[TargetKind::File, TargetKind::Directory, TargetKind::Host]);

#[derive(Debug)]
pub struct AzureFrontDoor {
    config: Config,
    login: Login,
    api_url: String,
    login_url: String,
    /// Sent for targets without a host of their own.
    domains: Vec<String>,
}

impl AzureFrontDoor {
    pub fn new(config: Config, hosts: &[HostPattern]) -> Self {
        let cloud = config.cloud;
        let or = |url: &Option<String>, host| url.clone().unwrap_or(format!("https://{host}"));
        let exact = hosts.iter().map(ToString::to_string);
        let exact = exact.filter(|host| !host.starts_with('*'));
        Self {
            login: Login::new(&config.credentials),
            api_url: or(&config.api_url, cloud.arm_host()),
            login_url: or(&config.login_url, cloud.login_host()),
            domains: match config.domains.is_empty() {
                true => exact.collect(),
                false => config.domains.clone(),
            },
            config,
        }
    }
}

/// The path that purges a URL with all its variants. What a query would do is unknown `[?]`.
fn path(url: &CdnUrl) -> Result<&str, Unsupported> {
    match url.path() {
        path if path.contains('*') => Err(Unsupported::new(
            "Azure Front Door treats `*` in a path as a wildcard",
            "list the directory under `directories`",
        )),
        path => Ok(path),
    }
}

impl Provider for AzureFrontDoor {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn identity(&self) -> serde_json::Value {
        let config = &self.config;
        json!({
            "apiUrl": self.api_url,
            "loginUrl": self.login_url,
            "login": self.login.identity(),
            "product": config.product.as_str(),
            "subscriptionId": config.subscription_id,
            "resourceGroup": config.resource_group,
            "profile": config.profile,
            "endpoint": config.endpoint,
            "domains": self.domains,
            "apiVersion": config.api_version,
        })
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        self.login.references()
    }

    /// A request purges all its paths on all its domains, so it is for one host. Paths are case-insensitive
    /// `[D]`. Without a domain, only the endpoint's own host would be purged `[D]`.
    fn lower(&self, target: &Target) -> Result<Item, Unsupported> {
        let group = match (self.config.product, target.host()) {
            (Product::FrontDoor, Some(host)) => host.into(),
            (Product::FrontDoor, None) | (Product::ClassicCdn, _) => Arc::from(""),
        };
        let key: String = match target {
            Target::File(url) => path(url)?.to_ascii_lowercase(),
            Target::Directory(url) => format!("{}*", path(url)?).to_ascii_lowercase(),
            Target::Tag(_) => {
                return Err(Unsupported::new(
                    "Azure Front Door has no cache tags",
                    "list URLs under `files` or `directories`",
                ));
            }
            Target::Host(_) if self.config.product == Product::ClassicCdn => {
                return Err(Unsupported::new(
                    "the classic CDN purges paths on all hosts of the endpoint",
                    "write `everything: true`",
                ));
            }
            Target::Everything
                if self.domains.is_empty() && self.config.product == Product::FrontDoor =>
            {
                return Err(Unsupported::new(
                    "Azure Front Door purges named domains, and all hosts of the endpoint have a `*`",
                    "list the domains under `azureFrontDoor.domains`",
                ));
            }
            Target::Host(_) | Target::Everything => target.kind().as_str().to_owned(),
        };
        Ok(Item {
            group,
            key: key.into(),
            target: target.clone(),
        })
    }

    /// `/a/*` is the folder and everything below, with every query and in any case `[D]`; in the classic CDN
    /// on every host.
    fn place(&self, target: &Target) -> Option<String> {
        let (Target::File(url) | Target::Directory(url)) = target else {
            return None;
        };
        let host = match self.config.product {
            Product::FrontDoor => url.host(),
            Product::ClassicCdn => "",
        };
        Some(format!("https://{host}{}", url.path().to_ascii_lowercase()))
    }

    /// Resource Manager counts per subscription and caller `[D]`.
    fn budgets(&self, limits: &Limits) -> Vec<Budget> {
        let config = &self.config;
        let account: Arc<str> = format!("{} {}", self.api_url, config.subscription_id).into();
        let profile: Arc<str> =
            format!("{account} {} {}", config.resource_group, config.profile).into();
        let per_request = limits.items_per_request as u64;
        let mut budgets = vec![Budget::new(&account, PATHS, per_request, Window::Request)];
        budgets.extend(Budget::requests(limits, &account));
        if config.product == Product::ClassicCdn {
            budgets.push(Budget::new(
                &profile,
                Counts::Requests,
                CLASSIC_IN_PROGRESS,
                Window::InProgress,
            ));
        }
        budgets.extend(Budget::quotas(limits, &account));
        budgets
    }

    fn exchange(&self) -> Option<&dyn Exchange> {
        self.login.is_exchanged().then_some(self)
    }

    fn submit(&self, operation: &Operation, auth: Auth<'_>) -> Request {
        requests::purge(self, &operation.items, auth)
    }

    fn submitted(&self, _: &Operation, response: &Response) -> Result<Answer, ApiError> {
        answers::submitted(&self.api_url, response)
    }

    fn tasks(&self) -> Option<&dyn Tasks> {
        Some(self)
    }

    fn inspect(&self, auth: Auth<'_>) -> Vec<Request> {
        inspect::requests(self, auth)
    }

    fn inspected(&self, before: &[Response], response: &Response) -> Result<Inspection, ApiError> {
        inspect::inspected(self.config.product, before, response)
    }

    fn correlation_id(&self, response: &Response) -> Option<String> {
        errors::DIALECT.correlation_id(response)
    }
}

impl Tasks for AzureFrontDoor {
    fn knows(&self, task: &Task) -> bool {
        answers::polling_url(&self.api_url, task).is_some()
    }

    fn poll(&self, task: &Task, auth: Auth<'_>) -> Request {
        let url = answers::polling_url(&self.api_url, task);
        requests::get(url.as_deref().unwrap_or(&self.api_url), auth)
    }

    fn polled(&self, task: &Task, response: &Response) -> Result<Answer, ApiError> {
        answers::polled(&self.api_url, task, response)
    }
}

/// A token is renewed this long before it expires, as the vendor's clients do `[O]`.
const RENEWED_BEFORE: Duration = Duration::from_secs(300);
