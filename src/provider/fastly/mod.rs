//! Fastly: purges a URL, surrogate keys, or everything that a service serves.
//!
//! Nothing here was checked against the live service: `[D]` is documented, `[O]` was observed in clients or
//! published output, `[I]` is inferred, `[?]` is unknown.

mod answers;
pub mod config;
mod inspect;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize as _;
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
use config::{API_TOKEN, Config};
use requests::Purge;

pub static KIND: ProviderKind = ProviderKind {
    name: "fastly",
    field: "fastly",
    read: |fields, _| {
        let config = Config::read(fields)?;
        Some(Arc::new(Fastly { config }))
    },
    schema: Config::schema,
    default_limits,
    template: include_str!("template.yaml"),
};

/// Keys in one request `[D]`.
const KEYS_PER_REQUEST: usize = 256;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Purges of URLs and keys per hour, on average `[O]`, and the burst: what is left must last for the rest
/// of the hour.
const PURGES: (u64, u64) = (100_000, 10_000);

/// Writes per hour; purges of everything are writes `[D]`.
const WRITES: u64 = 1000;

/// After this time the shield no longer refills the edge with old content `[O]`.
const SECOND_PASS: Duration = Duration::from_secs(2);
const SECOND_PASS_OF_EVERYTHING: Duration = Duration::from_secs(30);

/// There is no daily quota and no documented rate `[?]`. Each URL is a request, so a list of URLs needs some
/// connections, but no more than a browser opens.
fn default_limits() -> Limits {
    Limits {
        files_per_day: Limits::NO_QUOTA,
        directories_per_day: Limits::NO_QUOTA,
        day_starts_at: DayStart::utc(),
        items_per_request: KEYS_PER_REQUEST,
        requests_per_second: 50.0,
        concurrent_requests: 8,
        reserve: None,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fastly {
    config: Config,
}

impl Fastly {
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    fn second_pass(&self, purge: &Purge, id: &str) -> Answer {
        Answer::Running {
            task: Task {
                id: id.to_owned(),
                details: json!({ "service": self.config.service_id, "purge": purge }),
            },
            known: Vec::new(),
            ask_after: Some(match purge {
                Purge::Everything => SECOND_PASS_OF_EVERYTHING,
                Purge::Url(_) | Purge::Keys(_) => SECOND_PASS,
            }),
        }
    }

    /// The purge that a task of this service repeats.
    fn again(&self, task: &Task) -> Option<Purge> {
        let service = task.details.get("service")?.as_str()?;
        let purge = Purge::deserialize(task.details.get("purge")?).ok()?;
        (service == self.config.service_id).then_some(purge)
    }
}

impl Provider for Fastly {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn identity(&self) -> serde_json::Value {
        let config = &self.config;
        json!({
            "apiUrl": config.api_url,
            "serviceId": config.service_id,
            "soft": config.soft,
            "shielding": config.shielding,
        })
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        vec![(API_TOKEN, &self.config.credentials.api_token)]
    }

    /// Caches do not distinguish schemes `[I]`. Keys are case-sensitive `[I]`.
    fn lower(&self, target: &Target) -> Result<Item, Unsupported> {
        let (group, key): (_, Arc<str>) = match target {
            Target::File(url) if url.as_str().contains("%2F") => {
                return Err(Unsupported::new(
                    "Fastly accepts no URL with `%2F`",
                    "list a surrogate key of the origin under `tags`",
                ));
            }
            Target::File(url) => ("urls", place::without_scheme(url).into()),
            Target::Tag(tag) => ("keys", tag.as_str().into()),
            Target::Everything if self.config.soft => {
                return Err(Unsupported::new(
                    "Fastly has no soft purge of everything",
                    "list under `tags` a surrogate key that the origin gives to everything",
                ));
            }
            Target::Everything => ("everything", TargetKind::Everything.as_str().into()),
            Target::Directory(_) => {
                return Err(Unsupported::new(
                    "Fastly cannot purge a directory",
                    "list URLs under `files`, or a surrogate key of the origin under `tags`",
                ));
            }
            Target::Host(_) => {
                return Err(Unsupported::new(
                    "Fastly cannot purge a single host",
                    "write `everything: true`, or list a surrogate key of the origin under `tags`",
                ));
            }
        };
        Ok(Item {
            group: group.into(),
            key,
            target: target.clone(),
        })
    }

    /// Treats all endpoints as one customer, because a manifest names only services: a cautious choice.
    fn budgets(&self, limits: &Limits) -> Vec<Budget> {
        const FILES: Counts = Counts::Items(&[TargetKind::File]);
        const KEYS: Counts = Counts::Items(&[TargetKind::Tag]);
        const PURGED: Counts = Counts::Items(&[TargetKind::File, TargetKind::Tag]);
        const WRITTEN: Counts = Counts::RequestsWith(&[TargetKind::Everything]);
        let customer: Arc<str> = self.config.api_url.as_str().into();
        let budget = |counts, amount, window| Budget::new(&customer, counts, amount, window);
        let keys = limits.items_per_request.min(KEYS_PER_REQUEST) as u64;
        let hourly = |burst| Window::Rate { per: HOUR, burst };
        let mut budgets = vec![
            budget(FILES, 1, Window::Request),
            budget(KEYS, keys, Window::Request),
            budget(PURGED, PURGES.0, hourly(PURGES.1)),
            budget(WRITTEN, WRITES, hourly(WRITES)),
        ];
        budgets.extend(Budget::requests(limits, &customer));
        let service: Arc<str> = format!("{customer} {}", self.config.service_id).into();
        budgets.extend(Budget::quotas(limits, &service).filter(|quota| quota.counts == FILES));
        budgets
    }

    fn submit(&self, operation: &Operation, auth: Auth<'_>) -> Request {
        Purge::of(&operation.items).request(&self.config, auth)
    }

    fn submitted(&self, operation: &Operation, response: &Response) -> Result<Answer, ApiError> {
        let purge = Purge::of(&operation.items);
        let done = answers::purged(&purge, response)?;
        Ok(match self.config.shielding {
            true => {
                let id = answers::correlation_id(response);
                self.second_pass(&purge, id.as_deref().unwrap_or(&operation.id))
            }
            false => Answer::Settled(done),
        })
    }

    fn tasks(&self) -> Option<&dyn Tasks> {
        self.config.shielding.then_some(self)
    }

    fn inspect(&self, auth: Auth<'_>) -> Vec<Request> {
        let service = format!("/service/{}/details", self.config.service_id);
        let paths = ["/tokens/self", &service];
        paths
            .map(|path| requests::get(&self.config, path, auth))
            .into()
    }

    fn inspected(&self, before: &[Response], response: &Response) -> Result<Inspection, ApiError> {
        match before {
            [] => inspect::token(&self.config, response),
            _ => inspect::service(response),
        }
    }

    fn correlation_id(&self, response: &Response) -> Option<String> {
        answers::correlation_id(response)
    }
}

/// A task is the second pass of a purge: polling it sends the purge again.
impl Tasks for Fastly {
    fn knows(&self, task: &Task) -> bool {
        self.again(task).is_some()
    }

    fn poll(&self, task: &Task, auth: Auth<'_>) -> Request {
        match self.again(task) {
            Some(purge) => purge.request(&self.config, auth),
            // Never sent, see `knows`; and this request purges nothing.
            None => requests::get(&self.config, "/tokens/self", auth),
        }
    }

    fn polled(&self, task: &Task, response: &Response) -> Result<Answer, ApiError> {
        let purge = self.again(task).unwrap_or(Purge::Keys(Vec::new()));
        answers::purged(&purge, response).map(Answer::Settled)
    }
}
