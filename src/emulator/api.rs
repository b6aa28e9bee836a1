//! The port: what the emulator needs from the API of one CDN.

use std::fmt;
use std::time::Duration;

use super::backend::Backend;
use super::budgets::Bucket;
use super::exchange::{ApiRequest, Reply, Trouble};
use super::operation::ApiOperation;

/// The host in printed manifests unless something else sets it.
pub(super) const EXAMPLE_HOST: &str = "www.example.com";

#[derive(Debug)]
pub struct ApiKind {
    /// The CDN's name, as in [`ProviderKind::name`](crate::provider::ProviderKind::name).
    pub name: &'static str,
    pub operations: &'static [ApiOperation],
    /// The names of its documented errors, as faults use them.
    pub errors: &'static [&'static str],
    pub request_id_header: Option<&'static str>,
    /// Its default limits, as flags of the command line.
    pub defaults: &'static str,
    /// Builds the API as the CDN documents it, with these options; fails if they make no sense.
    pub build: fn(&ApiOptions) -> Result<Box<dyn Api>, String>,
}

/// Options of the command line; `None` keeps what the CDN documents.
#[derive(Debug, Clone, Default)]
pub struct ApiOptions {
    pub files_per_day: Option<u32>,
    pub directories_per_day: Option<u32>,
    pub items_per_request: Option<usize>,
    /// Requests per second, above 0.
    pub requests_per_second: Option<f64>,
    pub window: Option<Duration>,
    /// Hosts that the endpoint serves; empty for any.
    pub hosts: Vec<String>,
    /// Whether to refuse everything that is not documented.
    pub strict: bool,
}

impl ApiOptions {
    pub(super) fn bucket(&self) -> Result<Option<Bucket>, String> {
        match self.requests_per_second {
            Some(rate) if !(rate.is_finite() && rate > 0.0) => {
                Err(format!("the request rate {rate} is not a number above 0"))
            }
            rate => Ok(rate.map(Bucket::of_second)),
        }
    }

    /// Refuses a daily quota, for a CDN that has none.
    pub(super) fn no_quota(&self, cdn: &str) -> Result<(), String> {
        match (self.files_per_day, self.directories_per_day) {
            (None, None) => Ok(()),
            _ => Err(format!("{cdn} has no quota of the day")),
        }
    }

    /// Refuses a window for dates, for a CDN whose requests have no date.
    pub(super) fn no_dates(&self, cdn: &str) -> Result<(), String> {
        match self.window {
            None => Ok(()),
            Some(_) => Err(format!("{cdn}'s requests have no date to be off")),
        }
    }

    /// The hosts that the endpoint serves; empty for any, which `*` means too.
    pub(super) fn served(&self) -> Vec<String> {
        match self.hosts.iter().any(|host| host == "*") {
            true => Vec::new(),
            false => self.hosts.clone(),
        }
    }
}

/// Whether one of these hosts matches; an empty list matches every host.
pub(super) fn serves(hosts: &[String], host: &str) -> bool {
    let is_served = |own: &String| match own.strip_prefix("*.") {
        Some(parent) => {
            let label = host.strip_suffix(parent);
            label.is_some_and(|label| label.len() > 1 && label.ends_with('.'))
        }
        None => host.eq_ignore_ascii_case(own),
    };
    hosts.is_empty() || hosts.iter().any(is_served)
}

/// The same for a host with a port, which may be any.
pub(super) fn serves_on_any_port(hosts: &[String], host: &str) -> bool {
    serves(hosts, host.rsplit_once(':').map_or(host, |(name, _)| name))
}

/// The hosts that an API reports; the example host if it serves any.
pub(super) fn named(hosts: &[String]) -> Vec<String> {
    match hosts {
        [] => vec![EXAMPLE_HOST.to_owned()],
        hosts => hosts.to_vec(),
    }
}

pub trait Api: fmt::Debug + Send {
    fn kind(&self) -> &'static ApiKind;

    /// `None` if the request is for no operation.
    fn operation(&self, request: &ApiRequest) -> Option<ApiOperation>;

    fn answer(&mut self, request: &ApiRequest, backend: &mut Backend<'_>) -> Reply;

    /// Refuses a request with one of the API's own errors.
    fn refuse(&self, request: &ApiRequest, trouble: &Trouble) -> Reply;

    fn hosts(&self) -> Vec<String>;

    /// The block of `Endpoint.spec` for this API at `api_url`, indented by two blanks.
    fn endpoint(&self, api_url: &str) -> String;

    /// Credentials with all permissions: the variables that the manifest names, and their values.
    fn credentials(&self) -> Vec<(&'static str, String)>;
}
