//! The settings of this API. A `[?]` is a question that the documents leave open; its default is a guess.

use std::collections::BTreeMap;
use std::time::Duration;

use super::account::Account;
use super::errors::ErrorType;
use crate::provider::DayStart;

/// The emulated API; by default strict, with one account.
#[derive(Debug, Clone)]
pub struct AzureChinaCdn {
    pub account: Account,
    /// How far a request's date may be off, in either direction `[?]`. Other clouds with signed requests allow
    /// 15 min.
    pub window: Duration,
    /// The documents and all samples use upper case `[D]`, so the default is no.
    pub lower_case_signatures: bool,
    /// Whether RFC 3339 dates (`2024-01-02T13:04:05Z`) are accepted. One of the vendor's samples sends them,
    /// against all documents. Existing clients must work, so the default is yes.
    pub rfc3339_dates: bool,
    /// Requests per second for all keys of a subscription, above 0, with bursts of one second's worth;
    /// unlimited by default `[?]`.
    pub requests_per_second: Option<f64>,
    /// URLs per request `[?]`; the successor's limit is 100.
    pub items_per_request: usize,
    /// Whether a directory must end in `/`. All documented examples do; what else would happen is unknown
    /// `[?]`. One published client omits it, so the default is no.
    pub directory_slash: bool,
    /// Per subscription and day `[D]`, like the next two.
    pub files_per_day: u32,
    pub directories_per_day: u32,
    pub preloads_per_day: u32,
    /// When the day starts `[?]`.
    pub day_starts_at: DayStart,
    /// The word for a finished URL. Pages show `Succeed`; one list says `Succeeded`.
    pub success_word: &'static str,
    /// How query purge writes an empty list `[?]`.
    pub empty_list: EmptyList,
    /// Spelling in endpoint lists: documents and real output differ.
    pub endpoint_spelling: EndpointSpelling,
    /// HTTP codes that override [`ErrorType::default_status`] `[?]`.
    pub error_status: BTreeMap<ErrorType, u16>,
    /// HTTP code and type for an unknown task id, which has no type of its own `[?]`.
    pub unknown_task: (u16, ErrorType),
    /// HTTP code and type for an exhausted quota, which has no type of its own `[?]`.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyList {
    Empty,
    Null,
    Absent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointSpelling {
    /// `EndpointId`, `Settings`, real booleans, as in published output `[O]`.
    Observed,
    /// `EndpointID`, `Setting`, booleans as text, as in the documents `[D]`.
    Documented,
}
