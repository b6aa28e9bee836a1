//! `kind: Endpoint`: a place to purge, with its provider, hosts, limits and polling.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::broaden::Broaden;
use crate::credential::CredentialRef;
use crate::credential::reference::shown_reference;
use crate::diagnostic::{listed, shown};
use crate::entry::Target;
use crate::field::{
    Block as _, Fields, Found, Member, Need, Row, Shape, block, duration, field, given, group,
    list_of, long, mapping, nested, wrong,
};
use crate::origin;
use crate::provider::{Budget, Limits, Provider, ProviderKind, REGISTRY};
use crate::url::{HostPattern, UrlError};
use crate::verify::Settings;
use crate::yaml::problem::{Problem, Problems};

/// Pauses between questions: with a shorter one, the last answer is still on its way.
const PAUSES: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60 * 60);
/// Waits for a task: at most a day, after which quotas are renewed.
const WAITS: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);

block! {
    /// A place to purge: one CDN endpoint, with its hosts, provider and limits.
    pub struct Endpoint(EndpointDraft, check_hosts) {
        /// `metadata.name`.
        name: Arc<str> = given(),
        /// Host names of the URLs it serves. `*.` in front stands for exactly one more label.
        hosts: Vec<HostPattern> = field("hosts", hosts()),
        /// The CDN behind it, configured.
        provider: Arc<dyn Provider> = provider(),
        /// What the CDN lets through.
        limits: Limits = limits(),
        /// When directories are purged in place of files.
        broaden: Broaden = field("broaden", nested()).or(Broaden::default()),
        /// How to wait for the CDN.
        poll: Poll = field("poll", nested()).or(Poll::default()),
        /// Where files come from. Without it, purges do not wait for them to be there.
        origin: Option<origin::Settings> = field("origin", nested()).optional(),
        /// What is asked of the edges after a purge, to prove what users get. Without it, nothing is asked.
        verify: Option<Settings> = field("verify", nested()).optional().undigested(),
    }
}

// A purge takes minutes, so asking more often is useless; half an hour is three times the only duration
// ever published (10 min).
block! {
    /// How to wait for the CDN.
    #[derive(Copy, PartialEq, Eq)]
    pub struct Poll(PollDraft, check_intervals): Default {
        /// Pause before the first question about a task.
        interval: Duration = field("interval", duration(PAUSES)).or(Duration::from_secs(5)),
        /// Longest pause between two questions.
        max_interval: Duration = field("maxInterval", duration(PAUSES)).or(Duration::from_secs(30)),
        /// How long to wait for a task before leaving it to the next run.
        timeout: Duration = field("timeout", duration(WAITS)).or(Duration::from_secs(30 * 60)),
    }
}

impl Endpoint {
    pub fn budgets(&self) -> Vec<Budget> {
        self.provider.budgets(&self.limits)
    }

    /// What its requests need, including those to the origin.
    pub fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        let of_origin = self.origin.iter().flat_map(origin::Settings::credentials);
        self.provider
            .credentials()
            .into_iter()
            .chain(of_origin)
            .collect()
    }

    pub fn variables(&self) -> Vec<&str> {
        let references = self.credentials().into_iter();
        references.filter_map(|(_, from)| from.variable()).collect()
    }

    /// Whether a target's host is one of this endpoint's, or it has none.
    pub fn serves(&self, target: &Target) -> bool {
        let serves = |host| self.hosts.iter().any(|pattern| pattern.matches(host));
        target.host().is_none_or(serves)
    }
}

fn hosts() -> Shape<Vec<HostPattern>> {
    let parse = |text: &str| {
        let hint = "write a host name, such as `www.example.com` or `*.example.com`, without scheme, port or path";
        HostPattern::parse(text).map_err(|_| match UrlError::may_hold_password(text) {
            true => wrong("this is not a host", hint),
            false => wrong(format!("`{}` is not a host", shown(text)), hint),
        })
    };
    let host = long("host", parse)
        .pattern("^[^/:@?# ]+$|^\\[")
        .with("examples", json!(["www.example.com", "*.img.example.com"]));
    let hint = "list the host names of the URLs it serves";
    // Their order does not matter, so they are shown sorted.
    list_of(host, 1..=usize::MAX, hint).via(Some, |hosts| {
        let hosts: BTreeSet<_> = hosts.iter().cloned().collect();
        hosts.into_iter().collect()
    })
}

fn check_hosts(draft: &EndpointDraft, fields: &Fields<'_>) {
    let mut seen = BTreeSet::new();
    let Some(found) = &draft.hosts else { return };
    for (host, span) in found.value.iter().zip(&found.items) {
        if !seen.insert(host) {
            let message = format!("the host `{host}` is listed twice");
            fields.problems().push(Problem::warning(*span, message));
        }
    }
    if let Some(origin) = fields.peek("origin") {
        origin::Settings::check_hosts(origin, &found.value, fields.problems());
    }
}

fn check_intervals(draft: &PollDraft, fields: &Fields<'_>) {
    let poll = Poll::over(draft.clone(), Poll::default());
    let found = draft.interval.as_ref().or(draft.max_interval.as_ref());
    if let Some(found) = found.filter(|_| poll.interval > poll.max_interval) {
        let [first, longest] = [poll.interval, poll.max_interval].map(humantime::format_duration);
        let message = format!("`interval` ({first}) is longer than `maxInterval` ({longest})");
        fields.problems().push(Problem::error(found.span, message));
    }
}

/// The block of exactly one provider.
fn provider() -> Member<Arc<dyn Provider>> {
    let row = |kind: &&ProviderKind| Row {
        key: kind.field,
        need: Need::OneOf,
        schema: (kind.schema)(),
    };
    let rows = move || REGISTRY.iter().map(row).collect();
    group(rows, find_provider, |provider, show| {
        // A different reference may mean a different account or another command to run.
        let references = provider.credentials().into_iter();
        let references =
            references.map(|(name, reference)| json!([name, shown_reference(reference)]));
        show("provider", json!(provider.kind().name));
        show("identity", provider.identity());
        show("credentials", references.collect());
    })
}

fn find_provider(fields: &mut Fields<'_>) -> Option<Found<Arc<dyn Provider>>> {
    let mut given = Vec::new();
    for kind in REGISTRY {
        given.extend(fields.optional(kind.field).map(|value| (kind, value)));
    }
    let names = listed(REGISTRY.iter().map(|kind| kind.field));
    if given.is_empty() {
        let problem = Problem::error(fields.span(), "the endpoint has no provider");
        let hint = format!("add the block of its provider: {names}");
        fields.problems().push(problem.hint(hint));
    }
    for (_, value) in given.iter().skip(1) {
        let hint = format!("keep one of {names}");
        value.push::<()>("the endpoint has more than one provider", Some(hint));
    }
    let (kind, value) = *given.first()?;
    let found = peeked_hosts(fields);
    Some(Found {
        value: mapping(value, |fields| (kind.read)(fields, &found))??,
        span: value.span(),
        items: Vec::new(),
    })
}

/// The hosts; their problems are reported where they are read as a field.
fn peeked_hosts(fields: &Fields<'_>) -> Vec<HostPattern> {
    let ignored = Problems::default();
    let value = fields.peek("hosts");
    let found = value.and_then(|value| hosts().read(value.reporting_to(&ignored)));
    found.map(|found| found.value).unwrap_or_default()
}

/// The declared limits, with the provider's defaults.
fn limits() -> Member<Limits> {
    let row = || Row {
        key: "limits",
        need: Need::Optional,
        schema: Limits::schema(),
    };
    group(
        move || vec![row()],
        find_limits,
        |limits, show| {
            show("limits", nested().show(limits));
        },
    )
}

fn find_limits(fields: &mut Fields<'_>) -> Option<Found<Limits>> {
    // Without a provider they are still read, to report their problems.
    let named = REGISTRY
        .iter()
        .find(|kind| fields.peek(kind.field).is_some());
    let kind = named.or(REGISTRY.first())?;
    let (value, provider) = (fields.optional("limits"), fields.peek(kind.field));
    let draft = value.and_then(|value| mapping(value, Limits::draft));
    // The provider's problems are reported where it is read as a field.
    let ignored = Problems::default();
    let provider = provider.and_then(|value| {
        let value = value.reporting_to(&ignored);
        mapping(value, |fields| (kind.read)(fields, &[]))?
    });
    let defaults = provider.map_or_else(kind.default_limits, |provider| provider.default_limits());
    let draft = draft.unwrap_or_default();
    let day = draft.day_starts_at.as_ref().map(|day| day.span);
    let reserve = draft.reserve.clone();
    let limits = Limits::over(draft, defaults);
    limits.check_reserve(reserve.as_ref(), fields);
    Some(Found {
        // Endpoints of an account may disagree about the start of the day.
        span: day.unwrap_or(fields.span()),
        value: limits,
        items: Vec::new(),
    })
}
