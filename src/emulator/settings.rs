//! What can be set, with the default of everything that nobody documents.
//!
//! A `[?]` here is a question the documents leave open; its default is a guess and says so.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::account::Account;
use super::edge::EdgeSettings;
use super::errors::ErrorType;
use super::faults::Fault;
use crate::clock::{Clock, SystemClock};
use crate::provider::DayStart;

/// How far a request's date may be from the service's clock, each way. Nobody documents it; other
/// clouds with signed requests allow 15 min.
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(15 * 60);
/// File purges per subscription and day `[D]`.
pub const DEFAULT_FILES_PER_DAY: u32 = 2000;
/// Directory purges per subscription and day `[D]`.
pub const DEFAULT_DIRECTORIES_PER_DAY: u32 = 500;
/// Preloads per subscription and day `[D]`.
pub const DEFAULT_PRELOADS_PER_DAY: u32 = 2000;
/// URLs in one request. Nobody documents it; the successor's limit is 100.
pub const DEFAULT_ITEMS_PER_REQUEST: usize = 100;

/// Everything about an emulator; the default is a service that is strict, has one account, finishes
/// tasks at once and misbehaves in no way.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the API listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether `listen` may be an address that other machines reach.
    pub allow_remote: bool,
    /// Keys, subscriptions and endpoints.
    pub account: Account,
    /// The wall clock, before `clock_offset`.
    pub clock: Arc<dyn Clock>,
    /// What the service's clock is ahead of `clock`; shows in the `Date` header and the window.
    pub clock_offset: TimeDelta,
    /// How signatures are checked.
    pub signing: SigningRules,
    /// How purge requests are checked.
    pub items: ItemRules,
    /// How long a task takes. Its URLs finish one after another in the second half of that time,
    /// the last exactly at the end.
    pub latency: Duration,
    /// What the service lets through.
    pub limits: Limits,
    /// How it words its answers.
    pub answers: Answers,
    /// What goes wrong from the start; more can be injected later.
    pub faults: Vec<Fault>,
    /// The caching edge, if wanted.
    pub edge: Option<EdgeSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            account: Account::default(),
            clock: Arc::new(SystemClock),
            clock_offset: TimeDelta::zero(),
            signing: SigningRules::default(),
            items: ItemRules::default(),
            latency: Duration::ZERO,
            limits: Limits::default(),
            answers: Answers::default(),
            faults: Vec::new(),
            edge: None,
        }
    }
}

/// How signatures are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRules {
    /// How far a request's date may be off, each way `[?]`.
    pub window: Duration,
    /// Whether a signature in lower-case hexadecimal is good. The documents and all samples write
    /// upper case `[D]`, so the default is no.
    pub lower_case: bool,
    /// Whether dates as in RFC 3339 (`2024-01-02T13:04:05Z`) are good. One of the vendor's samples
    /// sends them, against the tables of all pages; existing clients must work, so the default is
    /// yes.
    pub rfc3339_dates: bool,
}

impl Default for SigningRules {
    fn default() -> Self {
        Self {
            window: DEFAULT_WINDOW,
            lower_case: false,
            rfc3339_dates: true,
        }
    }
}

/// How purge requests are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRules {
    /// URLs in one request `[?]`.
    pub per_request: usize,
    /// Whether a directory must end in `/`. All documented examples do, and nobody says what else
    /// would happen `[?]`; one published client sends them without, so the default is no.
    pub directory_slash: bool,
}

impl Default for ItemRules {
    fn default() -> Self {
        Self {
            per_request: DEFAULT_ITEMS_PER_REQUEST,
            directory_slash: false,
        }
    }
}

/// What the service lets through, per subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// File purges a day `[D]`.
    pub files_per_day: u32,
    /// Directory purges a day `[D]`.
    pub directories_per_day: u32,
    /// Preloads a day `[D]`.
    pub preloads_per_day: u32,
    /// When the day starts `[?]`.
    pub day_starts_at: DayStart,
    /// Requests a second over all keys, above 0, with bursts of one second's worth; off by default
    /// `[?]`.
    pub requests_per_second: Option<f64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files_per_day: DEFAULT_FILES_PER_DAY,
            directories_per_day: DEFAULT_DIRECTORIES_PER_DAY,
            preloads_per_day: DEFAULT_PRELOADS_PER_DAY,
            day_starts_at: DayStart::default(),
            requests_per_second: None,
        }
    }
}

/// How the service words its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The word for a URL that is done. Pages show `Succeed`; one list says `Succeeded`.
    pub success_word: SuccessWord,
    /// What stands for an empty list in query purge `[?]`.
    pub empty_list: EmptyList,
    /// Spelling of endpoint lists: documents and real output differ.
    pub endpoints: EndpointSpelling,
    /// HTTP codes other than [`ErrorType::default_status`] `[?]`.
    pub error_status: BTreeMap<ErrorType, u16>,
    /// What a task id that is not known answers; no type exists for it `[?]`.
    pub unknown_task: Answer,
    /// What an exhausted quota answers; no type exists for it `[?]`.
    pub quota_exhausted: Answer,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            success_word: SuccessWord::Succeed,
            empty_list: EmptyList::Empty,
            endpoints: EndpointSpelling::Observed,
            error_status: BTreeMap::new(),
            unknown_task: Answer {
                status: 404,
                error: ErrorType::ParameterInvalid,
            },
            quota_exhausted: Answer {
                status: 429,
                error: ErrorType::RequestThrottled,
            },
        }
    }
}

impl Answers {
    /// The HTTP code of an error type.
    pub fn status_of(&self, error: ErrorType) -> u16 {
        self.error_status
            .get(&error)
            .copied()
            .unwrap_or_else(|| error.default_status())
    }
}

/// An error answer for a situation that has no type of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// HTTP code.
    pub status: u16,
    /// `ErrorInfo.Type`.
    pub error: ErrorType,
}

/// The word for a URL that is done, in query purge and query preload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuccessWord {
    /// `Succeed`, as most pages.
    Succeed,
    /// `Succeeded`, as one page's list.
    Succeeded,
}

/// What stands for an empty list of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyList {
    /// `[]`
    Empty,
    /// `null`
    Null,
    /// No key at all.
    Absent,
}

/// How endpoints are spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointSpelling {
    /// `EndpointId`, `Settings`, real booleans, as in published real output `[O]`.
    Observed,
    /// `EndpointID`, `Setting`, booleans as text, as on the pages `[D]`.
    Documented,
}
