//! Batching: within the limit of a request, in stable order, each URL once.

use std::collections::BTreeSet;

use proptest::prelude::*;
use purgit::entry::TargetKind;
use purgit::plan::Step;

use super::{Paper, directories, directory, endpoint, file, files, purge};

/// Numbers of files and directories of each step.
fn shape(steps: &[Step]) -> Vec<(usize, usize)> {
    steps
        .iter()
        .map(|step| {
            let of_kind = |kind| step.urls(kind).count();
            (of_kind(TargetKind::File), of_kind(TargetKind::Directory))
        })
        .collect()
}

fn steps(of_files: usize, of_directories: usize, size: usize, mixed: bool) -> Vec<Step> {
    let purge = purge("spring", files(of_files), directories(of_directories));
    let mut paper = Paper::new(vec![purge]);
    *paper.www() = endpoint("www", mixed);
    paper.www().limits.items_per_request = size;
    paper.plan().steps
}

#[test]
fn files_go_first_and_share_their_last_request_with_directories() {
    let rows = [
        (0, 0, vec![]),
        (3, 2, vec![(3, 2)]),
        (5, 5, vec![(5, 0), (0, 5)]),
        (7, 2, vec![(5, 0), (2, 2)]),
        (7, 4, vec![(5, 0), (2, 3), (0, 1)]),
        (0, 6, vec![(0, 5), (0, 1)]),
        (12, 9, vec![(5, 0), (5, 0), (2, 3), (0, 5), (0, 1)]),
    ];
    for (of_files, of_directories, expected) in rows {
        assert_eq!(shape(&steps(of_files, of_directories, 5, true)), expected);
    }
}

#[test]
fn kinds_stay_apart_where_the_cdn_wants_it() {
    assert_eq!(shape(&steps(7, 4, 5, false)), [(5, 0), (2, 0), (0, 4)]);
    assert_eq!(shape(&steps(1, 1, 5, false)), [(1, 0), (0, 1)]);
}

#[test]
fn steps_are_sorted_by_endpoint_and_url_whoever_wants_them() {
    let mut one = purge(
        "autumn",
        vec![file("/b"), file("/a")],
        vec![directory("/d/")],
    );
    let mut other = purge(
        "spring",
        vec![file("/a"), file("/c")],
        vec![directory("/d/")],
    );
    let here = Paper::new(vec![one.clone(), other.clone()]).plan().steps;
    assert_eq!(here.len(), 1);
    let sorted = [file("/a"), file("/b"), file("/c"), directory("/d/")];
    assert_eq!(here[0].targets, sorted);

    one.endpoint = "img".into();
    other.targets.reverse();
    let mut paper = Paper::new(vec![other, one]);
    paper
        .project
        .endpoints
        .insert("img".into(), endpoint("img", true));
    let names: Vec<_> = paper
        .plan()
        .steps
        .into_iter()
        .map(|step| step.endpoint)
        .collect();
    assert_eq!(names, ["img".into(), "www".into()]);
}

#[test]
fn halves_of_a_step_have_all_of_it_between_them() {
    for (of_files, of_directories) in [(1, 1), (3, 0), (0, 5), (4, 3), (1, 6), (50, 50)] {
        let whole = &steps(of_files, of_directories, 100, true)[0];
        let (one, other) = whole.halves();
        assert_eq!(one.len(), whole.len() / 2);
        assert!(!one.is_empty() && !other.is_empty());
        let joined: Vec<_> = one.targets.iter().chain(&other.targets).collect();
        let all: BTreeSet<_> = whole.targets.iter().collect();
        assert_eq!(joined.len(), whole.len());
        assert_eq!(joined.into_iter().collect::<BTreeSet<_>>(), all);
    }
}

proptest! {
    #[test]
    fn every_url_is_sent_once_in_as_few_requests_as_can_be(
        of_files in 0_usize..60,
        of_directories in 0_usize..60,
        size in 1_usize..13,
        mixed in any::<bool>(),
    ) {
        let steps = steps(of_files, of_directories, size, mixed);
        let items: Vec<_> = steps.iter().flat_map(|step| &step.targets).collect();
        let once: BTreeSet<_> = items.iter().collect();
        prop_assert_eq!(items.len(), of_files + of_directories);
        prop_assert_eq!(once.len(), items.len());
        prop_assert!(steps.iter().all(|step| !step.is_empty() && step.len() <= size));
        let fewest = if mixed {
            (of_files + of_directories).div_ceil(size)
        } else {
            of_files.div_ceil(size) + of_directories.div_ceil(size)
        };
        prop_assert_eq!(steps.len(), fewest);
    }
}
