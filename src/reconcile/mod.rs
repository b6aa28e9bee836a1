//! All stages of a run; the only place that knows their order.
//!
//! ```text
//!  sides (listed) ─┐
//!  state ─▶ view ──┴▶ both sides as entries ─▶ diff ─▶ plan ─▶ origins ─▶ execute ─▶ record ─▶ status
//! ```
//! `apply`, `purge`, `status --refresh` and `watch` call [`Reconciler::run`] with different arguments;
//! `plan` and `status` use its first stages only: [`look`], [`plan`].

mod baseline;
mod before;
mod carry;
mod deferring;
mod gating;
mod outcome;
mod ports;
mod proving;
mod questions;
pub mod quota;
mod run;
mod work;

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::credential::source::CredentialSource;
use crate::diff::{Change, diff};
use crate::entry::EntryKey;
use crate::execute::{Observer, Waiting};
use crate::manifest::resource::Project;
use crate::observed::observed;
use crate::plan::build::{self, Inputs};
use crate::plan::checks::Force;
use crate::plan::explain::{Explanation, Known, NoEntry};
use crate::plan::select::Selection;
use crate::plan::{Plan, PlanError};
use crate::state::{Holder, Origin, State};
use crate::status::file::StatusSink;
use crate::transport::Transport;
use crate::transport::fetch::Fetch;
use crate::view::{Detail, StateView, Views};
use crate::workspace::sides::{BothSides, Sides};
pub use baseline::Adopted;
pub use outcome::{ReconcileError, Reconciled, Verdict};
pub use ports::{Approval, Gate, Interruption};
pub use proving::{Approved, Inquiry, Name, Verified};

#[derive(Debug, Clone)]
pub enum Intent<'a> {
    /// What the manifests declare, against the state or against a revision.
    Manifests(&'a Sides),
    /// These changes, even if confirmed, and nothing that manifests declare: `purgit purge`.
    OneOff(Vec<Change>),
    /// Only ask about pending operations: `purgit status --refresh`.
    Refresh(&'a Sides),
}

#[derive(Debug)]
pub struct Reconciler<'a> {
    pub project: &'a Project,
    pub manifests_digest: String,
    pub views: &'a Views,
    pub holder: Holder,
    /// Where the run comes from, for the history.
    pub origin: Origin,
    pub lock_timeout: Duration,
    /// Entries to purge again even if confirmed: for a while, something else was served.
    pub again: Vec<EntryKey>,
    /// What to ask the edges before planning.
    pub inquiry: Option<Inquiry>,
    pub selection: Selection,
    pub forces: Vec<Force>,
    /// Whether the reserve of quotas may be spent.
    pub urgent: bool,
    pub waiting: Waiting,
    /// Asked for the exit code after a cancellation.
    pub interruption: &'a dyn Interruption,
    pub transport: &'a dyn Transport,
    /// Fetches as users do.
    pub fetch: &'a dyn Fetch,
    /// Whether to verify purges at endpoints with a `verify` block.
    pub prove: bool,
    /// Whether to stop purging what stays stale however often it is purged: for runs without an operator.
    pub gives_up: bool,
    pub clock: &'a dyn Clock,
    pub credentials: &'a dyn CredentialSource,
    pub observer: &'a dyn Observer,
    pub gate: &'a dyn Gate,
    pub status: &'a dyn StatusSink,
    /// Gives ids of intents, and the state's lineage.
    pub new_id: fn() -> String,
}

/// The state, and both sides as entries, in as much detail as `detail` asks for.
pub fn look(
    project: &Project,
    views: &Views,
    sides: &Sides,
    detail: Detail,
    now: DateTime<Utc>,
) -> Result<(StateView, BothSides), ReconcileError> {
    let mut view = views.read(project)?;
    let both = sides.compare(project, &mut view, detail, now)?;
    Ok((view, both))
}

/// The detail that a plan needs: a selection may name any entry.
pub fn detail(selection: &Selection) -> Detail {
    match selection.is_all() {
        true => Detail::Differences,
        false => Detail::Everything,
    }
}

/// The plan for both sides. No network, no credentials, no lock.
pub fn plan(
    project: &Project,
    manifests_digest: &str,
    both: &BothSides,
    view: &StateView,
    selection: &Selection,
    forces: &[Force],
    now: DateTime<Utc>,
) -> Result<Plan, PlanError> {
    let digest = view.digest();
    let base = base(both, &view.state);
    let inputs = Inputs {
        project,
        manifests_digest,
        desired: &both.desired,
        state: &base,
        state_digest: digest.as_deref(),
        revisions: both.since.as_ref().map(|since| &since.revisions),
        looked: both.looked.as_ref(),
        selection,
        forces,
        urgent: false,
        now,
    };
    let difference = diff(inputs.desired, inputs.state).served_by(project);
    build::plan_changes(inputs, difference)
}

/// What counts as purged: the state, what the edges say of it, and what was wanted at a revision.
fn base<'s>(both: &BothSides, state: &'s State) -> Cow<'s, State> {
    let looked = both.looked.as_ref();
    let looked = looked.map(|looked| looked.applied(state));
    let state = looked.map_or(Cow::Borrowed(state), Cow::Owned);
    match &both.since {
        Some(since) => Cow::Owned(observed(since, &both.desired, &state)),
        None => state,
    }
}

/// Why the entries of an address are in a plan, or are not. `both` holds every entry.
pub fn explain(
    project: &Project,
    plan: &Plan,
    both: &BothSides,
    view: &StateView,
    address: &str,
) -> Result<Vec<Explanation>, NoEntry> {
    let base = base(both, &view.state);
    let known = Known {
        project,
        plan,
        desired: &both.desired,
        base: &base,
        state: &view.state,
    };
    known.explain(address)
}
