//! Batching changes into requests within the CDN's limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{PlanError, Step};
use crate::diff::Change;
use crate::manifest::resource::{Endpoint, Project};
use crate::operation::{Item, Serve, itemize};
use crate::provider::{Budget, Window};

#[derive(Debug, Default)]
pub(super) struct Load {
    /// By group, then by target; each key of a group once.
    pub(super) items: Vec<Item>,
    pub(super) serves: Vec<Serve>,
}

/// What each endpoint is asked to purge. An endpoint that the project does not have is left out;
/// manifests that name one are refused before.
///
/// # Errors
/// [`PlanError::Unsupported`] for a target that the endpoint's CDN does not have.
pub(super) fn loads<'p>(
    project: &'p Project,
    changes: &[Change],
) -> Result<BTreeMap<Arc<str>, (&'p Endpoint, Load)>, PlanError> {
    let mut lowered: BTreeMap<&Arc<str>, Vec<_>> = BTreeMap::new();
    for change in changes {
        let name = &change.key.endpoint;
        let Some(endpoint) = project.endpoints.get(name) else {
            continue;
        };
        let item = endpoint.provider.lower(&change.key.target);
        let item = item.map_err(|source| PlanError::Unsupported {
            address: change.key.address(),
            endpoint: name.clone(),
            source,
        })?;
        let entry = (item, change.key.clone(), change.after.clone());
        lowered.entry(name).or_default().push(entry);
    }
    let loads = lowered.into_iter().filter_map(|(name, entries)| {
        let (items, serves) = itemize(entries);
        Some((
            name.clone(),
            (project.endpoints.get(name)?, Load { items, serves }),
        ))
    });
    Ok(loads.collect())
}

/// How many items go into each request of an endpoint.
pub(super) fn batches(endpoint: &Endpoint, items: &[Item]) -> Vec<usize> {
    // What may not be in progress at once cannot go out together either.
    let limits = endpoint.budgets().into_iter().filter(|budget| {
        matches!(budget.window, Window::Request | Window::InProgress)
            && !budget.counts.is_requests()
    });
    let limits: Vec<Budget> = limits.collect();
    let mut counts = vec![0; limits.len()];
    let (mut batches, mut size) = (Vec::new(), 0);
    for (index, item) in items.iter().enumerate() {
        let adds = |limit: &Budget| limit.counts.of(std::slice::from_ref(item));
        let is_over = |(limit, count): (&Budget, &u64)| count + adds(limit) > limit.amount;
        let group = index.checked_sub(1).map(|previous| &items[previous].group);
        let starts = group.is_some_and(|group| *group != item.group)
            || limits.iter().zip(&counts).any(is_over);
        if starts && size > 0 {
            batches.push(std::mem::take(&mut size));
            counts.fill(0);
        }
        size += 1;
        for (limit, count) in limits.iter().zip(&mut counts) {
            *count += adds(limit);
        }
    }
    batches.extend((size > 0).then_some(size));
    batches
}

/// The requests of one endpoint, in stable order.
pub(super) fn steps(endpoint: &Endpoint, load: Load) -> Vec<Step> {
    let batches = batches(endpoint, &load.items);
    let mut items = load.items.into_iter();
    let mut serves = load.serves.into_iter().peekable();
    let mut first = 0;
    let step = |size| {
        let next = first + size;
        let mine = std::iter::from_fn(|| serves.next_if(|serve| serve.item < next));
        let mine = mine.map(|serve| Serve {
            item: serve.item - first,
            ..serve
        });
        let step = Step {
            endpoint: endpoint.name.clone(),
            items: items.by_ref().take(size).collect(),
            serves: mine.collect(),
        };
        first = next;
        step
    };
    batches.into_iter().map(step).collect()
}
