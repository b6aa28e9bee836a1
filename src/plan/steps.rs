//! Batching changes into requests within the CDN's limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{PlanError, Step};
use crate::diff::Change;
use crate::entry::{EntryKey, Target};
use crate::manifest::resource::{Endpoint, Project};
use crate::operation::{Item, Serve, itemize};
use crate::provider::place::Directories;
use crate::provider::{Budget, Window};

#[derive(Debug, Default)]
pub(super) struct Load {
    /// By group, then by target, without duplicates.
    pub(super) items: Vec<Item>,
    pub(super) serves: Vec<Serve>,
}

/// By endpoint.
pub(super) type Loads<'p> = BTreeMap<Arc<str>, (&'p Endpoint, Load)>;

impl Load {
    /// The part that serves some entries.
    pub(super) fn of(&self, includes: impl Fn(&EntryKey) -> bool) -> Self {
        let mut part = Self::default();
        let mut last = None;
        for serve in self.serves.iter().filter(|serve| includes(&serve.key)) {
            if last != Some(serve.item) {
                part.items.push(self.items[serve.item].clone());
                last = Some(serve.item);
            }
            let item = part.items.len() - 1;
            part.serves.push(Serve {
                item,
                ..serve.clone()
            });
        }
        part
    }
}

/// What each endpoint is asked to purge. A `chosen` or changed directory replaces everything below it.
/// Endpoints that the project does not have are left out; manifests that name one are refused earlier.
pub(super) fn loads<'p>(
    project: &'p Project,
    changes: &[Change],
    chosen: &BTreeMap<Arc<str>, Vec<Target>>,
) -> Result<Loads<'p>, PlanError> {
    let mut by_endpoint: BTreeMap<&Arc<str>, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        let of_endpoint = by_endpoint.entry(&change.key.endpoint);
        of_endpoint.or_default().push(change);
    }
    let mut loads = Loads::new();
    for (name, changes) in by_endpoint {
        let Some(endpoint) = project.endpoints.get(name) else {
            continue;
        };
        let declared = changes.iter().map(|change| &change.key.target);
        let chosen = chosen.get(name).into_iter().flatten();
        let directories = declared.chain(chosen).cloned();
        let directories = Directories::new(&*endpoint.provider, directories);
        let lowered = changes.into_iter().map(|change| {
            let own = &change.key.target;
            let target = directories.taking(own).unwrap_or(own);
            let item = endpoint.provider.lower(target);
            let item = item.map_err(|source| PlanError::Unsupported {
                address: change.key.address(),
                endpoint: name.clone(),
                source,
            })?;
            Ok((item, change.key.clone(), change.after.clone()))
        });
        let (items, serves) = itemize(lowered.collect::<Result<_, PlanError>>()?);
        loads.insert(name.clone(), (endpoint, Load { items, serves }));
    }
    Ok(loads)
}

/// How many items go into each request of an endpoint.
pub(super) fn batches(endpoint: &Endpoint, items: &[Item]) -> Vec<usize> {
    // Items that must not be in progress together must not be in one request either.
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
