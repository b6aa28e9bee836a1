//! What can be set of this API. A `[?]` is a question the documents leave open; its default is a guess.

use std::collections::BTreeMap;
use std::time::Duration;

use super::account::Account;
use super::errors::ErrorType;
use crate::provider::DayStart;

/// The emulated API; by default strict, with one account.
#[derive(Debug, Clone)]
pub struct AzureChinaCdn {
    pub account: Account,
    /// How far a request's date may be off, each way `[?]`. Other clouds with signed requests allow
    /// 15 min.
    pub window: Duration,
    /// Whether a signature in lower-case hexadecimal is good. The documents and all samples write
    /// upper case `[D]`, so the default is no.
    pub lower_case_signatures: bool,
    /// Whether dates as in RFC 3339 (`2024-01-02T13:04:05Z`) are good. One of the vendor's samples
    /// sends them, against the tables of all pages; existing clients must work, so the default is
    /// yes.
    pub rfc3339_dates: bool,
    /// Requests a second over all keys of a subscription, above 0, with bursts of one second's worth;
    /// without limit by default `[?]`.
    pub requests_per_second: Option<f64>,
    /// URLs in one request `[?]`; the successor's limit is 100.
    pub items_per_request: usize,
    /// Whether a directory must end in `/`. All documented examples do, and nobody says what else
    /// would happen `[?]`; one published client sends them without, so the default is no.
    pub directory_slash: bool,
    /// File purges per subscription and day `[D]`.
    pub files_per_day: u32,
    /// Directory purges per subscription and day `[D]`.
    pub directories_per_day: u32,
    /// Preloads per subscription and day `[D]`.
    pub preloads_per_day: u32,
    /// When the day starts `[?]`.
    pub day_starts_at: DayStart,
    /// The word for a URL that is done. Pages show `Succeed`; one list says `Succeeded`.
    pub success_word: &'static str,
    /// What stands for an empty list in query purge `[?]`.
    pub empty_list: EmptyList,
    /// Spelling of endpoint lists: documents and real output differ.
    pub endpoint_spelling: EndpointSpelling,
    /// HTTP codes other than [`ErrorType::default_status`] `[?]`.
    pub error_status: BTreeMap<ErrorType, u16>,
    /// HTTP code and type for a task id that is not known; no type exists for it `[?]`.
    pub unknown_task: (u16, ErrorType),
    /// HTTP code and type for an exhausted quota; no type exists for it `[?]`.
    pub quota_exhausted: (u16, ErrorType),
}

impl Default for AzureChinaCdn {
    fn default() -> Self {
        Self {
            account: Account::default(),
            window: Duration::from_secs(15 * 60),
            lower_case_signatures: false,
            rfc3339_dates: true,
            requests_per_second: None,
            items_per_request: 100,
            directory_slash: false,
            files_per_day: 2000,
            directories_per_day: 500,
            preloads_per_day: 2000,
            day_starts_at: DayStart::default(),
            success_word: "Succeed",
            empty_list: EmptyList::Empty,
            endpoint_spelling: EndpointSpelling::Observed,
            error_status: BTreeMap::new(),
            unknown_task: (404, ErrorType::ParameterInvalid),
            quota_exhausted: (429, ErrorType::RequestThrottled),
        }
    }
}

/// What stands for an empty list of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyList {
    /// `[]`
    Empty,
    Null,
    /// No key at all.
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointSpelling {
    /// `EndpointId`, `Settings`, real booleans, as in published real output `[O]`.
    Observed,
    /// `EndpointID`, `Setting`, booleans as text, as on the pages `[D]`.
    Documented,
}
