//! The port: what the emulator asks of the API of one CDN.

use std::fmt;
use std::time::Duration;

use super::backend::Backend;
use super::budgets::Bucket;
use super::exchange::{ApiRequest, Reply, Trouble};
use super::operation::ApiOperation;

/// The host of printed manifests where nothing else decides.
pub(super) const EXAMPLE_HOST: &str = "www.example.com";

#[derive(Debug)]
pub struct ApiKind {
    /// Its CDN's name, as in [`ProviderKind::name`](crate::provider::ProviderKind::name).
    pub name: &'static str,
    pub operations: &'static [ApiOperation],
    /// The names of the errors that it documents, as faults write them.
    pub errors: &'static [&'static str],
    /// The header with the CDN's id of a request, where it has one.
    pub request_id_header: Option<&'static str>,
    /// The limits that it has unless [`ApiOptions`] say otherwise, as flags of the command line.
    pub defaults: &'static str,
    /// An API as the CDN documents it but for these options, or why they make no sense.
    pub build: fn(&ApiOptions) -> Result<Box<dyn Api>, String>,
}

/// What the command line sets of an API; `None` leaves it as the CDN documents it.
#[derive(Debug, Clone, Default)]
pub struct ApiOptions {
    pub files_per_day: Option<u32>,
    pub directories_per_day: Option<u32>,
    pub items_per_request: Option<usize>,
    /// Requests a second, above 0.
    pub requests_per_second: Option<f64>,
    /// How far a request's date may be off, each way.
    pub window: Option<Duration>,
    /// Hosts that the endpoint serves; empty for any.
    pub hosts: Vec<String>,
    /// Whether to refuse what no document shows.
    pub strict: bool,
}

impl ApiOptions {
    /// The requests a second as a bucket; `None` where the CDN's own is meant.
    pub(super) fn bucket(&self) -> Result<Option<Bucket>, String> {
        match self.requests_per_second {
            Some(rate) if !(rate.is_finite() && rate > 0.0) => {
                Err(format!("the request rate {rate} is not a number above 0"))
            }
            rate => Ok(rate.map(Bucket::of_second)),
        }
    }

    /// Refuses a quota of the day, for a CDN that has none.
    pub(super) fn no_quota(&self, cdn: &str) -> Result<(), String> {
        match (self.files_per_day, self.directories_per_day) {
            (None, None) => Ok(()),
            _ => Err(format!("{cdn} has no quota of the day")),
        }
    }

    /// Refuses a window of dates, for a CDN whose requests have none.
    pub(super) fn no_dates(&self, cdn: &str) -> Result<(), String> {
        match self.window {
            None => Ok(()),
            Some(_) => Err(format!("{cdn}'s requests have no date to be off")),
        }
    }

    /// The hosts that the endpoint serves; empty for any, which `*` says too.
    pub(super) fn served(&self) -> Vec<String> {
        match self.hosts.iter().any(|host| host == "*") {
            true => Vec::new(),
            false => self.hosts.clone(),
        }
    }
}

/// Whether an API of these hosts serves one; none are any.
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

/// What an API of these hosts says they are: where it serves any, that of the examples.
pub(super) fn named(hosts: &[String]) -> Vec<String> {
    match hosts {
        [] => vec![EXAMPLE_HOST.to_owned()],
        hosts => hosts.to_vec(),
    }
}

/// The API of one CDN, with its settings and what it remembers of its callers.
pub trait Api: fmt::Debug + Send {
    fn kind(&self) -> &'static ApiKind;

    /// What a request asks; `None` where that does not exist.
    fn operation(&self, request: &ApiRequest) -> Option<ApiOperation>;

    fn answer(&mut self, request: &ApiRequest, backend: &mut Backend<'_>) -> Reply;

    /// Refuses a request, in the API's words.
    fn refuse(&self, request: &ApiRequest, trouble: &Trouble) -> Reply;

    /// Hosts whose targets it accepts; empty for any.
    fn hosts(&self) -> Vec<String>;

    /// The block of `Endpoint.spec` that uses this API at that URL, indented by two blanks.
    fn endpoint(&self, api_url: &str) -> String;

    /// The credentials that may do everything: the variables that the manifest names, with their
    /// values.
    fn credentials(&self) -> Vec<(&'static str, String)>;
}
