//! A plan is a pure function of what is declared and confirmed, and its steps are within limits.

use std::collections::BTreeSet;

use crate::common::memory_store::MemoryStore;
use proptest::prelude::*;
use purgit::entry::TargetKind;
use purgit::manifest;
use purgit::manifest::resource::Project;
use purgit::output::PlanReport;
use purgit::output::json::v1;
use purgit::plan::Plan;
use purgit::plan::select::Selection;
use purgit::state::{State, StateStore as _};

use super::{NOW, World, any_world, documents, project, purge, wanted};
use crate::state_fixture::any_state;

fn plan(project: &Project, state: &State) -> Plan {
    let known = MemoryStore::with(state).load().unwrap().into();
    purgit::reconcile::plan(
        project,
        &manifest::digest(project),
        &wanted(project).into(),
        &known,
        &Selection::default(),
        &[],
        NOW.parse().unwrap(),
    )
    .unwrap()
}

fn json(plan: &Plan) -> String {
    let report = PlanReport {
        plan,
        timestamp: NOW.parse().unwrap(),
    };
    serde_json::to_string(&v1::plan(report)).unwrap()
}

/// The same declarations in other files, in another order.
fn rearranged(world: &World, items: usize, joined: usize) -> Project {
    let mut head = documents(world, items);
    head.truncate(2);
    let purges = world.iter().rev();
    let purges: Vec<_> = purges
        .map(|(name, declared)| purge(*name, declared, true))
        .collect();
    let (beside, apart) = purges.split_at(joined.min(purges.len()));
    let mut root = vec![head[1].clone()];
    root.extend_from_slice(beside);
    root.push(head[0].clone());
    let mut texts = vec![root.join("---\n")];
    texts.extend_from_slice(apart);
    project(texts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_plan_depends_on_nothing_but_its_inputs(
        world in any_world(),
        state in any_state(),
        items in 1..4_usize,
        joined in 0..4_usize,
    ) {
        let first = plan(&project(documents(&world, items)), &state);
        let second = plan(&rearranged(&world, items, joined), &state);
        prop_assert_eq!(json(&first), json(&second));
    }

    #[test]
    fn steps_keep_the_limit_and_cover_each_url_once(world in any_world(), items in 1..5_usize) {
        let project = project(documents(&world, items));
        let plan = plan(&project, &State::default());
        let declared: BTreeSet<_> = plan
            .changes
            .iter()
            .map(|change| change.key.target.clone())
            .collect();
        let mut sent = Vec::new();
        for step in &plan.steps {
            prop_assert!((1..=items).contains(&step.items.len()));
            sent.extend(step.items.iter().map(|item| item.target.clone()));
            for serve in &step.serves {
                prop_assert_eq!(&serve.key.target, &step.items[serve.item].target);
            }
        }
        prop_assert_eq!(plan.steps.len(), declared.len().div_ceil(items));
        let each: BTreeSet<_> = sent.iter().cloned().collect();
        prop_assert_eq!(sent.len(), each.len());
        prop_assert_eq!(&each, &declared);

        let entries: usize = world.values().map(|(_, files, dirs)| files.len() + dirs.len()).sum();
        prop_assert_eq!(plan.changes.len(), entries);
        let files = declared.iter().filter(|target| target.kind() == TargetKind::File).count();
        let planned = |kind| plan.quota.iter().filter(|q| q.kind == kind).map(|q| q.planned).sum::<u64>();
        prop_assert_eq!(planned("file"), files as u64);
        prop_assert_eq!(planned("directory"), (declared.len() - files) as u64);
        let served: usize = plan.steps.iter().map(|step| step.serves.len()).sum();
        prop_assert_eq!(served, entries, "every change is served once");
    }
}
