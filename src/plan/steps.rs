//! Batching changes into requests within the CDN's limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{PlanError, Step};
use crate::diff::Change;
use crate::manifest::resource::{Endpoint, Project};
use crate::operation::{Item, Serve, itemize};
use crate::provider::{Budget, Counts, Window};

/// All that one endpoint is asked to purge.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// By group, then by target; each key of a group once.
    pub(super) items: Vec<Item>,
    /// Every change, by item.
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

/// The requests of one endpoint, in stable order.
pub(super) fn steps(endpoint: &Endpoint, load: Load) -> Vec<Step> {
    let limits: Vec<_> = endpoint
        .budgets()
        .into_iter()
        .filter(|budget| budget.window == Window::Request)
        .collect();
    let mut serves = load.serves.into_iter().peekable();
    let empty = || Step {
        endpoint: endpoint.name.clone(),
        items: Vec::new(),
        serves: Vec::new(),
    };
    let (mut steps, mut step) = (Vec::new(), empty());
    let mut filled = Filled::new(&limits);
    for (index, item) in load.items.into_iter().enumerate() {
        let group = step.items.first().map(|item| &item.group);
        if group.is_some_and(|group| *group != item.group) || !filled.has_room(&item) {
            filled = Filled::new(&limits);
            steps.push(std::mem::replace(&mut step, empty()));
        }
        filled.add(&item);
        let position = step.items.len();
        step.items.push(item);
        while let Some(serve) = serves.next_if(|serve| serve.item == index) {
            step.serves.push(Serve {
                item: position,
                ..serve
            });
        }
    }
    steps.push(step);
    steps.retain(|step| !step.items.is_empty());
    steps
}

/// How full a request is.
struct Filled<'b> {
    limits: &'b [Budget],
    counts: Vec<u64>,
}

impl<'b> Filled<'b> {
    fn new(limits: &'b [Budget]) -> Self {
        Self {
            limits,
            counts: vec![0; limits.len()],
        }
    }

    fn has_room(&self, item: &Item) -> bool {
        let mut filled = self.limits.iter().zip(&self.counts);
        filled.all(|(limit, count)| count + adds(limit.counts, item) <= limit.amount)
    }

    fn add(&mut self, item: &Item) {
        for (limit, count) in self.limits.iter().zip(&mut self.counts) {
            *count += adds(limit.counts, item);
        }
    }
}

fn adds(counts: Counts, item: &Item) -> u64 {
    counts.of(std::slice::from_ref(item))
}
