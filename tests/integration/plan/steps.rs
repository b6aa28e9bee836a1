//! Batching: within the limits of a request, in stable order, each item once, and every change served.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use purgit::entry::{Target, TargetKind};
use purgit::operation::{Item, Operation};
use purgit::plan::{Plan, PlanError, Step};
use purgit::provider::{Budget, Counts, Window};

use super::{
    BOTH, FILES, Paper, PaperCdn, budget, directories, directory, endpoint, file, files, of_cdn,
    purge,
};

/// Numbers of files and directories of each step.
fn shape(steps: &[Step]) -> Vec<(usize, usize)> {
    steps
        .iter()
        .map(|step| {
            let of_kind = |kind| {
                let items = step.items.iter();
                items.filter(|item| item.target.kind() == kind).count()
            };
            (of_kind(TargetKind::File), of_kind(TargetKind::Directory))
        })
        .collect()
}

fn targets(step: &Step) -> Vec<Target> {
    step.items.iter().map(|item| item.target.clone()).collect()
}

fn steps(of_files: usize, of_directories: usize, size: usize, mixed: bool) -> Vec<Step> {
    let purge = purge("spring", files(of_files), directories(of_directories));
    let mut paper = Paper::new(vec![purge]);
    *paper.www() = endpoint("www", mixed);
    paper.www().limits.items_per_request = size;
    paper.plan().steps
}

/// A plan for a CDN with a budget more.
fn with(more: Budget, of_files: usize, of_directories: usize) -> Plan {
    let purge = purge("spring", files(of_files), directories(of_directories));
    let mut paper = Paper::new(vec![purge]);
    let cdn = PaperCdn {
        mixed_kinds: true,
        account: "account",
        more: vec![more],
    };
    *paper.www() = of_cdn("www", cdn);
    paper.www().limits.items_per_request = 5;
    paper.plan()
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
fn groups_stay_apart() {
    assert_eq!(
        shape(&steps(7, 4, 5, false)),
        [(0, 4), (5, 0), (2, 0)],
        "groups go in their order"
    );
    assert_eq!(shape(&steps(1, 1, 5, false)), [(0, 1), (1, 0)]);
}

#[test]
fn every_limit_of_a_request_holds_and_no_other() {
    let shape = |counts, amount, window| shape(&with(budget(counts, amount, window), 7, 2).steps);
    let apart = [(2, 0), (2, 0), (2, 0), (1, 2)];
    assert_eq!(shape(FILES, 2, Window::Request), apart);
    // What may not be in progress at once cannot go out together.
    assert_eq!(shape(FILES, 2, Window::InProgress), apart);
    let usual = [(5, 0), (2, 2)];
    let per = Duration::from_secs(1);
    for window in [Window::Unanswered, Window::Rate { per, burst: 1 }] {
        assert_eq!(shape(FILES, 2, window), usual);
    }
    assert_eq!(shape(Counts::Requests, 1, Window::InProgress), usual);
    // A limit that nothing keeps to still lets one item through at a time.
    assert_eq!(
        shape(BOTH, 0, Window::Request),
        [(1, 0); 7]
            .iter()
            .copied()
            .chain([(0, 1); 2])
            .collect::<Vec<_>>()
    );
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
    assert_eq!(targets(&here[0]), sorted);
    // Both who want them are served.
    let served: Vec<_> = here[0].serves.iter().map(|serve| serve.item).collect();
    assert_eq!(served, [0, 0, 1, 2, 3, 3]);

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
fn targets_that_the_cdn_does_not_tell_apart_are_one_item() {
    let spring = purge(
        "spring",
        vec![file("/b"), file("/A"), file("/a")],
        Vec::new(),
    );
    let plan = Paper::new(vec![spring]).plan();
    assert_eq!(plan.changes.len(), 3);
    let [step] = &plan.steps[..] else {
        panic!("{:?}", plan.steps);
    };
    assert_eq!(targets(step), [file("/A"), file("/b")]);
    let served = step.serves.iter();
    let served: Vec<_> = served
        .map(|serve| (serve.key.target.clone(), serve.item))
        .collect();
    assert_eq!(served, [(file("/A"), 0), (file("/a"), 0), (file("/b"), 1)]);
    // It is purged, and counted, once.
    assert_eq!(plan.quota[0].planned, 2);
}

#[test]
fn a_target_that_the_cdn_does_not_have_is_no_plan() {
    let mut spring = purge("spring", files(1), Vec::new());
    spring
        .targets
        .push(Target::parse(TargetKind::Tag, "news").unwrap());
    let error = Paper::new(vec![spring]).try_plan().unwrap_err();
    assert_eq!(
        error.to_string(),
        "endpoint `www` cannot purge `purge/spring/tag/news`"
    );
    let PlanError::Unsupported { source, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(
        (source.message.as_str(), source.hint.as_str()),
        ("paper has no tag", "list URLs")
    );
}

#[test]
fn requests_a_day_are_forecast_as_requests() {
    let day = Window::Day(purgit::provider::DayStart::default());
    let plan = with(budget(Counts::Requests, 3, day), 7, 2);
    let requests = plan.quota.iter().find(|quota| quota.kind == "request");
    assert_eq!(
        requests.map(|quota| (quota.planned, quota.limit)),
        Some((2, 3))
    );
}

/// The operation of the first step.
fn operation(of_files: usize, of_directories: usize) -> Operation {
    steps(of_files, of_directories, 100, true)[0].operation("id".to_owned())
}

proptest! {
    #[test]
    fn parts_of_an_operation_have_all_of_it_between_them(
        of_files in 0_usize..20,
        of_directories in 1_usize..20,
        first in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let whole = operation(of_files, of_directories);
        let served = |operation: &Operation| -> BTreeSet<_> {
            let serves = operation.serves.iter();
            serves
                .map(|serve| (serve.key.address(), operation.items[serve.item].target.clone()))
                .collect()
        };
        let (all, items) = (served(&whole), whole.items.clone());
        let (one, other) = whole.split(|index, _| first[index]);
        prop_assert_eq!((one.id.as_str(), other.id.as_str()), ("id.1", "id.2"));
        let of = |is_first: bool| -> Vec<Item> {
            let numbered = items.iter().zip(&first);
            numbered.filter(|(_, first)| **first == is_first).map(|(item, _)| item.clone()).collect()
        };
        prop_assert_eq!(&one.items, &of(true));
        prop_assert_eq!(&other.items, &of(false));
        let (ones, others) = (served(&one), served(&other));
        prop_assert!(ones.is_disjoint(&others));
        prop_assert_eq!(ones.union(&others).cloned().collect::<BTreeSet<_>>(), all);
        for (address, target) in ones.iter().chain(&others) {
            prop_assert!(address.ends_with(target.as_str()), "{address} is served by {target}");
        }
    }

    #[test]
    fn every_url_is_sent_once_in_as_few_requests_as_can_be(
        of_files in 0_usize..60,
        of_directories in 0_usize..60,
        size in 1_usize..13,
        mixed in any::<bool>(),
    ) {
        let steps = steps(of_files, of_directories, size, mixed);
        let items: Vec<_> = steps.iter().flat_map(|step| &step.items).collect();
        let once: BTreeSet<_> = items.iter().collect();
        prop_assert_eq!(items.len(), of_files + of_directories);
        prop_assert_eq!(once.len(), items.len());
        prop_assert!(steps.iter().all(|step| (1..=size).contains(&step.items.len())));
        let fewest = if mixed {
            (of_files + of_directories).div_ceil(size)
        } else {
            of_files.div_ceil(size) + of_directories.div_ceil(size)
        };
        prop_assert_eq!(steps.len(), fewest);
        for step in &steps {
            let served: Vec<_> = step.serves.iter().map(|serve| serve.item).collect();
            prop_assert_eq!(served, (0..step.items.len()).collect::<Vec<_>>());
        }
    }
}
