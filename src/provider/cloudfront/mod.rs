//! Amazon CloudFront: invalidations of a distribution (API 2020-05-31), in the global and China partitions.
//!
//! Nothing here was checked against the live service: `[D]` is documented, `[O]` was observed in the
//! vendor's clients and recordings, `[I]` is inferred, `[?]` is unknown.

mod answers;
pub mod config;
mod errors;
mod paths;
mod requests;
pub mod signing;
mod xml;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::credential::CredentialRef;
use crate::entry::{Target, TargetKind};
use crate::field::Block as _;
use crate::operation::{Item, Operation, Task};
use crate::provider::{
    Answer, ApiError, Auth, Budget, Counts, DayStart, Effect, Inspection, Limits, Price, Provider,
    ProviderKind, Tasks, Unsupported, Window,
};
use crate::transport::{Request, Response};
use config::{ACCESS_KEY_ID, CHAIN, Config, SECRET_ACCESS_KEY, SESSION_TOKEN, Ways};

pub static KIND: ProviderKind = ProviderKind {
    name: "cloudfront",
    field: "cloudfront",
    read: |fields, _| {
        let config = Config::read(fields)?;
        Some(Arc::new(Cloudfront::new(config)))
    },
    schema: Config::schema,
    default_limits,
    template: include_str!("template.yaml"),
};

/// There is no daily quota. A request takes a third of what may be in progress, so that a refusal costs
/// little. No limit of other calls is documented.
fn default_limits() -> Limits {
    Limits {
        files_per_day: Limits::NO_QUOTA,
        directories_per_day: Limits::NO_QUOTA,
        day_starts_at: DayStart::utc(),
        items_per_request: 1000,
        requests_per_second: 5.0,
        concurrent_requests: 4,
        reserve: None,
    }
}

/// Targets without a wildcard. That tags count among them is a guess `[?]`.
const PATHS: Counts = Counts::Items(&[TargetKind::File, TargetKind::Tag]);
const WILDCARDS: Counts = Counts::Items(&[TargetKind::Directory, TargetKind::Everything]);
const ANY: &[TargetKind] = &[
    TargetKind::File,
    TargetKind::Directory,
    TargetKind::Tag,
    TargetKind::Everything,
];

/// In progress at once, per distribution `[D]`.
const PATHS_IN_PROGRESS: u64 = 3000;
const WILDCARDS_IN_PROGRESS: u64 = 15;

/// Calls that create an invalidation: one per two seconds, after a small burst `[O]`.
const CREATES: Window = Window::Rate {
    per: Duration::from_secs(2),
    burst: 5,
};

/// Price of a path, wildcard or tag, in millionths of a US dollar `[D]`.
const MICRODOLLARS: u64 = 5000;
/// Free per month, for the whole account `[D]`.
const FREE_A_MONTH: u64 = 1000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloudfront {
    config: Config,
    references: Vec<(&'static str, CredentialRef)>,
}

impl Cloudfront {
    pub fn new(config: Config) -> Self {
        let references = match &config.credentials {
            Ways {
                keys: Some(keys), ..
            } => {
                let token = keys.session_token.clone();
                let token = token.map(|token| (SESSION_TOKEN, token));
                let keys = [
                    (ACCESS_KEY_ID, keys.access_key_id.clone()),
                    (SECRET_ACCESS_KEY, keys.secret_access_key.clone()),
                ];
                keys.into_iter().chain(token).collect()
            }
            Ways { chain, .. } => {
                let chain = chain.iter().map(|chain| CredentialRef::Aws {
                    profile: chain.profile.clone(),
                    region: config.region().to_owned(),
                });
                chain.map(|chain| (CHAIN, chain)).collect()
            }
        };
        Self { config, references }
    }
}

impl Provider for Cloudfront {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn identity(&self) -> serde_json::Value {
        json!({
            "apiUrl": self.config.api_url,
            "distributionId": self.config.distribution_id,
        })
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        let references = self.references.iter();
        references.map(|(name, found)| (*name, found)).collect()
    }

    fn lower(&self, target: &Target) -> Result<Item, Unsupported> {
        paths::lower(target, self.config.is_china())
    }

    /// `/a/*` is everything that starts like this, with every query, on all aliases `[D]`.
    fn place(&self, target: &Target) -> Option<String> {
        match target {
            Target::File(url) | Target::Directory(url) => {
                Some(format!("https://{}", url.path_and_query()))
            }
            Target::Tag(_) | Target::Host(_) | Target::Everything => None,
        }
    }

    /// Treats all endpoints as one account, because a manifest names only distributions: a cautious choice.
    fn budgets(&self, limits: &Limits) -> Vec<Budget> {
        let account: Arc<str> = self.config.api_url.as_str().into();
        let distribution: Arc<str> = format!("{account} {}", self.config.distribution_id).into();
        let per_request = limits.items_per_request as u64;
        let mut budgets = Vec::new();
        for (counts, most) in [
            (PATHS, PATHS_IN_PROGRESS),
            (WILDCARDS, WILDCARDS_IN_PROGRESS),
        ] {
            let budget = |amount, window| Budget::new(&distribution, counts, amount, window);
            budgets.extend([
                budget(per_request.min(most), Window::Request),
                budget(most, Window::InProgress),
            ]);
        }
        budgets.push(Budget::new(&account, Counts::RequestsWith(ANY), 1, CREATES));
        budgets.extend(Budget::requests(limits, &account));
        budgets.extend(Budget::quotas(limits, &distribution));
        budgets
    }

    fn price(&self) -> Option<Price> {
        Some(Price {
            scope: self.config.api_url.as_str().into(),
            counts: Counts::Items(ANY),
            microdollars: MICRODOLLARS,
            free_a_month: FREE_A_MONTH,
        })
    }

    /// By the caller reference, which is the operation's id `[D]`; that it is not billed again is inferred `[I]`.
    fn knows_resends(&self) -> bool {
        true
    }

    fn submit(&self, operation: &Operation, auth: Auth<'_>) -> Request {
        requests::create(self, operation, auth)
    }

    fn submitted(&self, _: &Operation, response: &Response) -> Result<Answer, ApiError> {
        answers::submitted(&self.config.distribution_id, response)
    }

    fn tasks(&self) -> Option<&dyn Tasks> {
        Some(self)
    }

    fn inspect(&self, auth: Auth<'_>) -> Vec<Request> {
        vec![requests::distribution(self, auth)]
    }

    fn inspected(&self, _: &[Response], response: &Response) -> Result<Inspection, ApiError> {
        answers::inspected(response)
    }

    fn correlation_id(&self, response: &Response) -> Option<String> {
        errors::DIALECT.correlation_id(response)
    }
}

impl Tasks for Cloudfront {
    fn knows(&self, task: &Task) -> bool {
        answers::is_of(task, &self.config.distribution_id)
    }

    fn poll(&self, task: &Task, auth: Auth<'_>) -> Request {
        // An unknown task is not polled.
        let id = if self.knows(task) { &*task.id } else { "" };
        requests::get(self, id, auth)
    }

    fn polled(&self, task: &Task, response: &Response) -> Result<Answer, ApiError> {
        let answer = answers::polled(&self.config.distribution_id, task, response);
        answer.map_err(|error| match errors::is("NoSuchInvalidation", response) {
            true => ApiError {
                effect: Effect::Forgotten,
                ..error
            },
            false => error,
        })
    }
}
