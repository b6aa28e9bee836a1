//! From changes to a plan. Pure: the same inputs give the same plan on any machine.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::broaden::{Permits, broaden};
use super::checks::{self, Share};
use super::defer;
pub use super::inputs::Inputs;
use super::notes::notes;
use super::steps::{self, Load, Loads};
use super::{Base, CheckName, Cost, Plan, PlanError, Quota, StateBase, id};
use crate::diff::{Change, Difference, Reason, diff};
use crate::entry::EntryKey;
use crate::manifest::resource::Endpoint;
use crate::state::{LedgerKey, State};
use crate::verify::Evidence;

pub fn plan(inputs: Inputs<'_>) -> Result<Plan, PlanError> {
    let difference = diff(inputs.desired, inputs.state).served_by(inputs.project);
    plan_changes(inputs, difference)
}

pub fn plan_changes(inputs: Inputs<'_>, difference: Difference) -> Result<Plan, PlanError> {
    let Inputs { project, state, .. } = inputs;
    let found = difference.changes.len();
    let wanted = inputs
        .desired
        .entries
        .iter()
        .map(|entry| entry.key.address());
    let known = wanted.chain(state.entries.keys().map(EntryKey::address));
    let changes = inputs.selection.apply(difference.changes, known)?;
    let complete = changes.len() == found;

    let is_forced = |check, endpoint: &str| {
        let mut forces = inputs.forces.iter();
        forces.any(|force| force.covers(check, endpoint))
    };
    let permits = Permits {
        any_quota: &|endpoint| is_forced(CheckName::Quota, endpoint),
        any_collateral: &|endpoint| is_forced(CheckName::MaxCollateral, endpoint),
        approved: &|change| is_approved(change, state),
    };
    let mut loads = steps::loads(project, &changes, &BTreeMap::new())?;
    let mut quota = forecast(&loads, inputs);
    let desired = inputs.desired;
    let mut broadened = broaden(project, desired, &changes, &loads, &quota, permits);
    if !broadened.chosen.is_empty() {
        loads = steps::loads(project, &changes, &broadened.chosen)?;
        quota = forecast(&loads, inputs);
        broadened.count(&loads);
    }
    let deferred = defer::waiting(&loads, &changes, &quota, permits.any_quota);
    let mut sent = Loads::new();
    if !deferred.is_empty() {
        sent = parts(&loads, |key| !deferred.contains_key(key));
        let of_all = std::mem::replace(&mut quota, forecast(&sent, inputs));
        for (row, of_all) in quota.iter_mut().zip(of_all) {
            row.deferred = of_all.planned.saturating_sub(row.planned);
        }
    }
    let (mut steps, mut checks) = (Vec::new(), Vec::new());
    let unapproved = unapproved(&changes, state);
    let checked: Option<HashSet<_>> = unapproved
        .as_ref()
        .map(|some| some.iter().map(|change| &change.key).collect());
    let charged = if deferred.is_empty() { &loads } else { &sent };
    let costs = costs(charged, state, inputs.now);
    for (name, (endpoint, load)) in loads {
        let of_checked = checked.as_ref();
        let of_checked = of_checked.map(|keys| load.of(|key| keys.contains(key)));
        let share = Share {
            endpoint,
            load: of_checked.as_ref().unwrap_or(&load),
            broadened: &broadened,
            changes: unapproved.as_deref().unwrap_or(&changes),
            desired: inputs.desired,
            state,
            quota: &quota,
            may_exceed_quota: (permits.any_quota)(&name),
            has_sites: project
                .sites
                .iter()
                .any(|site| site.endpoint == endpoint.name),
        };
        checks.extend(checks::checks(&share, &project.safety, inputs.forces));
        let load = sent.remove(&name).map_or(load, |(_, part)| part);
        steps.extend(steps::steps(endpoint, load));
    }
    let base = base(inputs);
    let mut notes = notes(inputs, &steps, found - changes.len(), &difference.forgotten);
    if !deferred.is_empty() {
        notes.extend(broadened.notes());
    }
    Ok(Plan {
        id: id::plan_id(
            &base,
            complete,
            &changes,
            &steps,
            &quota,
            &deferred,
            inputs.looked,
        ),
        evidence: evidence(inputs, &changes),
        looked: inputs.looked.cloned(),
        diagnostics: notes,
        cover_gap: broadened.left_out.is_empty().then_some(broadened.gap),
        cover: broadened.sent(&steps),
        base,
        changes,
        steps,
        deferred,
        quota,
        costs,
        checks,
        noop: difference.noop,
        in_progress: difference.in_progress,
        complete,
    })
}

/// What the edges said about changes, now or when they were proven stale.
fn evidence(inputs: Inputs<'_>, changes: &[Change]) -> BTreeMap<EntryKey, Evidence> {
    let of = |change: &Change| {
        let seen = inputs.looked.and_then(|looked| looked.of(&change.key));
        let known = || {
            let proof = inputs.state.proofs.get(&change.key);
            let proof = proof.filter(|_| change.reason == Reason::StaleAtEdge);
            proof.and_then(|proof| proof.evidence.clone())
        };
        let evidence = seen.map(|seen| seen.evidence.clone()).or_else(known);
        Some((change.key.clone(), evidence?))
    };
    changes.iter().filter_map(of).collect()
}

fn base(inputs: Inputs<'_>) -> Base {
    let state = inputs.state;
    Base {
        state: inputs.state_digest.map(|digest| StateBase {
            lineage: state.lineage.clone(),
            serial: state.serial,
            digest: digest.to_owned(),
        }),
        git: inputs.revisions.cloned(),
        manifests_digest: inputs.manifests_digest.to_owned(),
    }
}

fn parts<'p>(loads: &Loads<'p>, includes: impl Fn(&EntryKey) -> bool) -> Loads<'p> {
    let part = |(name, (endpoint, load)): (&Arc<str>, &(&'p Endpoint, Load))| {
        (name.clone(), (*endpoint, load.of(&includes)))
    };
    loads.iter().map(part).collect()
}

/// The changes to check; `None` for all. Changes forced before are not checked again until confirmed.
fn unapproved(changes: &[Change], state: &State) -> Option<Vec<Change>> {
    if !state.due.values().any(|due| due.forced) {
        return None;
    }
    let unapproved = changes.iter().filter(|change| !is_approved(change, state));
    Some(unapproved.cloned().collect())
}

/// Whether a change was forced before and is not confirmed yet.
fn is_approved(change: &Change, state: &State) -> bool {
    let due = state.due.get(&change.key);
    due.is_some_and(|due| due.forced && due.generation == change.after)
}

/// What the plan uses of each budget that the calendar renews.
fn forecast(loads: &Loads<'_>, inputs: Inputs<'_>) -> Vec<Quota> {
    let of = |(endpoint, load): &(&Endpoint, Load)| {
        let budgets = endpoint.budgets().into_iter();
        let quota = budgets.filter_map(|budget| {
            let standing = inputs.state.standing(&budget, inputs.now)?;
            let reserve = match inputs.urgent {
                true => 0,
                false => budget.counts.reserve(&endpoint.limits),
            };
            let planned = match budget.counts.is_requests() {
                true => {
                    let is_counted = |item: &&crate::operation::Item| {
                        budget.counts.of(std::slice::from_ref(item)) > 0
                    };
                    let items: Vec<_> = load.items.iter().filter(is_counted).cloned().collect();
                    steps::batches(endpoint, &items).len() as u64
                }
                false => budget.counts.of(&load.items),
            };
            Some(Quota {
                endpoint: endpoint.name.clone(),
                counts: budget.counts,
                kind: budget.counts.word(),
                used: standing.used,
                planned,
                planned_in_account: planned,
                deferred: 0,
                limit: budget.amount,
                reserve,
                turns_at: standing.until,
                scope: budget.scope,
            })
        });
        quota.collect::<Vec<_>>()
    };
    let mut forecast: Vec<_> = loads.values().flat_map(of).collect();
    let mut accounts: BTreeMap<(Arc<str>, String), u64> = BTreeMap::new();
    for quota in &forecast {
        let account = (quota.scope.clone(), quota.kind.clone());
        *accounts.entry(account).or_default() += quota.planned;
    }
    for quota in &mut forecast {
        let account = (quota.scope.clone(), quota.kind.clone());
        quota.planned_in_account = accounts[&account];
    }
    forecast
}

/// The free purges of an account go to its endpoints in order.
fn costs(loads: &Loads<'_>, state: &State, now: DateTime<Utc>) -> Vec<Cost> {
    let mut free: BTreeMap<Arc<str>, u64> = BTreeMap::new();
    let cost = |(endpoint, load): &(&Endpoint, Load)| {
        let price = endpoint.provider.price()?;
        let used = state.spent(&LedgerKey::charged(&price, now));
        let left = free.entry(price.scope.clone());
        let left = left.or_insert(price.free_a_month.saturating_sub(used));
        let charged = price.counts.of(&load.items);
        let free = std::mem::replace(left, left.saturating_sub(charged));
        Some(Cost {
            endpoint: endpoint.name.clone(),
            charged,
            used,
            free,
            price,
        })
    };
    loads.values().filter_map(cost).collect()
}
