//! The plan id: the same for the same inputs, another for any other.

use std::collections::BTreeSet;

use proptest::prelude::*;
use purgit::plan::select::Selection;

use super::{Paper, directories, file, files, purge};

/// Something done to a plan's inputs.
type Edit = fn(&mut Paper);

fn paper() -> Paper {
    let mut paper = Paper::new(vec![
        purge("autumn", files(3), directories(1)),
        purge("spring", files(5), directories(2)),
    ]);
    "00000000-0000-0000-0000-000000000001".clone_into(&mut paper.state.lineage);
    paper.state.serial = 7;
    paper.confirm(&files(2), "r1");
    paper
}

#[test]
fn it_is_a_digest() {
    let id = paper().plan().id;
    let hex = id.strip_prefix("sha256:").unwrap();
    assert_eq!(hex.len(), 64);
    assert!(hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[test]
fn whatever_decides_what_is_carried_out_changes_it() {
    let changes: [(&str, Edit); 11] = [
        ("nothing", |_| {}),
        ("a URL more", |paper| {
            paper.project.purges[0].targets.push(file("/new"));
        }),
        ("a URL less", |paper| {
            drop(paper.project.purges[1].targets.remove(0));
        }),
        ("a revision", |paper| {
            paper.project.purges[0].revision = Some("r3".to_owned());
        }),
        ("a name", |paper| {
            paper.project.purges[0].name = "winter".into();
        }),
        ("a batch size", |paper| {
            paper.www().limits.items_per_request = 2;
        }),
        ("a quota", |paper| paper.www().limits.files_per_day = 1999),
        ("what is confirmed", |paper| {
            paper.confirm(&files(3), "r1");
        }),
        ("the line of descent", |paper| paper.state.lineage.push('0')),
        ("a suspension", |paper| {
            paper.project.purges[0].suspension =
                Some(purgit::manifest::resource::Suspension::default());
        }),
        ("a selection", |paper| {
            paper.selection = Selection::new(&["purge/spring".to_owned()], &[]).unwrap();
        }),
    ];
    let ids: BTreeSet<_> = changes
        .iter()
        .map(|(_, change)| {
            let mut paper = paper();
            change(&mut paper);
            paper.plan().id
        })
        .collect();
    assert_eq!(ids.len(), changes.len());
}

#[test]
fn what_decides_nothing_leaves_it() {
    let id = paper().plan().id;
    let changes: [fn(&mut Paper); 5] = [
        |paper| paper.force("max-urls"),
        |paper| paper.state.serial += 1,
        |paper| paper.project.purges.reverse(),
        |paper| paper.project.purges[1].targets.reverse(),
        |paper| {
            let again = paper.project.purges[0].targets[0].clone();
            paper.project.purges[0].targets.push(again);
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut paper = paper();
        change(&mut paper);
        assert_eq!(paper.plan().id, id, "change {number}");
    }
}

#[test]
fn an_empty_plan_has_one_too_and_it_tells_states_apart() {
    let empty = |generation: &str| {
        let mut paper = Paper::new(vec![purge("spring", files(3), Vec::new())]);
        paper.project.purges[0].revision = Some(generation.to_owned());
        paper.confirm(&files(3), generation);
        let plan = paper.plan();
        assert!(plan.is_empty());
        plan.id
    };
    assert_eq!(empty("r1"), empty("r1"));
    assert_ne!(empty("r1"), empty("r2"));
}

proptest! {
    #[test]
    fn the_order_of_everything_is_without_influence(
        order in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle(),
        swap in any::<bool>(),
    ) {
        let ordered = Paper::new(vec![
            purge("autumn", files(12), directories(12)),
            purge("spring", files(12), Vec::new()),
        ]);
        let mut shuffled = ordered.clone();
        for purge in &mut shuffled.project.purges {
            let sorted = purge.targets.clone();
            let places = purge.targets.iter_mut().zip(&order);
            places.for_each(|(place, number)| *place = sorted[*number].clone());
        }
        shuffled.project.purges[0].targets.reverse();
        if swap {
            shuffled.project.purges.swap(0, 1);
        }
        prop_assert_eq!(ordered.plan(), shuffled.plan());
    }
}
