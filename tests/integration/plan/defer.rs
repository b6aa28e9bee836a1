//! What does not fit a quota waits for another window, and what matters most goes first.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use purgit::diff::Reason;
use purgit::entry::{EntryKey, Generation, Owner, Target};
use purgit::plan::{CheckName, CheckStatus, Plan};
use purgit::provider::{Counts, DayStart, Reserve, Window};
use purgit::state::{Attempt, Observed, Outcome, Record};

use super::{Paper, PaperCdn, at, budget, directories, file, files, of_cdn, purge};
use crate::state_fixture::confirmed;

fn key(target: Target) -> EntryKey {
    EntryKey {
        owner: Owner::Purge("spring".into()),
        path: None,
        target,
        endpoint: "www".into(),
    }
}

/// What is sent, by path.
fn sent(plan: &Plan) -> Vec<&str> {
    let items = plan.steps.iter().flat_map(|step| &step.items);
    items
        .map(|item| item.target.url().unwrap().path())
        .collect()
}

fn failed() -> Observed {
    Observed {
        generation: Some(Generation::recorded("r2")),
        confirmed_at: Some(at(-100)),
        attempt: Some(Attempt {
            generation: Some(Generation::recorded("r2")),
            outcome: Outcome::Failed,
            at: at(-50),
            message: None,
        }),
    }
}

/// One file that failed before, two that changed, and three that are new, of which one sorts first.
fn paper(of_files: u32) -> Paper {
    let all = [
        "/a-new",
        "/b-changed",
        "/c-new",
        "/d-changed",
        "/e-failed",
        "/f-new",
    ]
    .map(file);
    let mut paper = Paper::new(vec![purge("spring", all.to_vec(), Vec::new())]);
    paper.confirm(&[file("/b-changed"), file("/d-changed")], "r1");
    paper.state.entries.insert(key(file("/e-failed")), failed());
    paper.www().limits.files_per_day = of_files;
    paper
}

#[test]
fn what_matters_most_goes_first() {
    let rows: [(u32, &[&str]); 4] = [
        (1, &["/e-failed"]),
        (2, &["/b-changed", "/e-failed"]),
        (4, &["/a-new", "/b-changed", "/d-changed", "/e-failed"]),
        (
            6,
            &[
                "/a-new",
                "/b-changed",
                "/c-new",
                "/d-changed",
                "/e-failed",
                "/f-new",
            ],
        ),
    ];
    for (of_files, expected) in rows {
        let plan = paper(of_files).plan();
        assert_eq!(sent(&plan), expected);
        assert_eq!(
            (plan.changes.len(), plan.deferred.len()),
            (6, 6 - expected.len())
        );
        assert!(plan.is_applyable());
        let (_, until) = DayStart::default().period(at(0));
        assert!(plan.deferred.values().all(|at| *at == until));
    }
    let plan = paper(4).plan();
    let quota = &plan.quota[0];
    assert_eq!(
        (quota.planned, quota.deferred, quota.limit, quota.left()),
        (4, 2, 4, 0)
    );
}

#[test]
fn a_reserve_is_kept_for_what_is_urgent() {
    let mut paper = paper(4);
    paper.www().limits.reserve = Some(Reserve {
        files: 3,
        directories: 0,
    });
    let plan = paper.plan();
    assert_eq!(sent(&plan), ["/e-failed"]);
    assert_eq!((plan.quota[0].reserve, plan.quota[0].left()), (3, 3));
    let check = paper.check(CheckName::Quota);
    assert_eq!(
        check.detail,
        "[www] 1 file a day, limit 4 with a reserve of 3, 5 deferred until 2026-11-18 16:00Z; 0 directories a day, limit 500"
    );
    paper.urgent = true;
    assert_eq!(sent(&paper.plan()).len(), 4);
    paper.urgent = false;
    // A reserve of everything leaves room for nothing, on no day.
    paper.www().limits.reserve = Some(Reserve {
        files: 4,
        directories: 0,
    });
    assert_eq!(paper.check(CheckName::Quota).status, CheckStatus::Failed);
    paper.urgent = true;
    assert!(paper.plan().is_applyable());
}

#[test]
fn what_was_used_is_not_there_and_all_may_wait() {
    let mut paper = paper(4);
    let (window, turn) = DayStart::default().period(at(0));
    paper.state.apply(Record::Spend {
        scope: "www".into(),
        counts: "file".into(),
        window,
        amount: 4,
    });
    let plan = paper.plan();
    assert!(plan.steps.is_empty() && plan.is_applyable() && !plan.is_empty());
    assert_eq!(plan.deferred.len(), 6);
    // The next window has room.
    let id = plan.id;
    paper.now = turn;
    assert_eq!(paper.plan().steps.len(), 1);
    assert_ne!(paper.plan().id, id);
}

#[test]
fn the_id_says_what_waits_but_not_until_when() {
    let mut paper = paper(4);
    let id = paper.plan().id;
    paper.now = at(86_400);
    let later = paper.plan();
    assert_eq!(later.id, id);
    assert_eq!(
        later.waiting().unwrap().1[0].to_rfc3339(),
        "2026-11-19T16:00:00+00:00"
    );
    paper.www().limits.files_per_day = 3;
    assert_ne!(paper.plan().id, id);
}

#[test]
fn directories_and_files_that_share_a_budget_go_by_urgency() {
    let all = [files(2), directories(2)].concat();
    let mut paper = Paper::new(vec![purge("spring", all.clone(), Vec::new())]);
    let both = Counts::Items(&[
        purgit::entry::TargetKind::File,
        purgit::entry::TargetKind::Directory,
    ]);
    let cdn = PaperCdn {
        mixed_kinds: true,
        account: "www",
        more: vec![budget(both, 3, Window::Day(DayStart::default()))],
    };
    *paper.www() = of_cdn("www", cdn);
    // What is broad serves more.
    assert_eq!(sent(&paper.plan()), ["/00000.png", "/00000/", "/00001/"]);
    paper.confirm(&all[..2], "r1");
    assert_eq!(sent(&paper.plan()), ["/00000.png", "/00001.png", "/00000/"]);
}

#[test]
fn what_a_day_has_no_requests_for_waits() {
    let day = Window::Day(DayStart::default());
    let cdn = |requests| PaperCdn {
        mixed_kinds: true,
        account: "one",
        more: vec![budget(Counts::Requests, requests, day)],
    };
    let mut other = purge("images", files(4), Vec::new());
    other.endpoint = "img".into();
    let mut paper = Paper::new(vec![purge("spring", files(5), Vec::new()), other]);
    for name in ["www", "img"] {
        let mut endpoint = of_cdn(name, cdn(3));
        endpoint.limits.items_per_request = 2;
        paper.project.endpoints.insert(name.into(), endpoint);
    }
    // Of 2 and 3 requests, 3: the items take turns.
    let plan = paper.plan();
    assert_eq!((plan.steps.len(), plan.deferred.len()), (3, 4));
    let planned: Vec<_> = plan
        .quota
        .iter()
        .filter(|row| row.kind == "request")
        .collect();
    assert_eq!(
        planned
            .iter()
            .map(|row| (&*row.endpoint, row.planned, row.deferred))
            .collect::<Vec<_>>(),
        [("img", 2, 0), ("www", 1, 2)]
    );
    for name in ["www", "img"] {
        let endpoint = of_cdn(name, cdn(0));
        paper.project.endpoints.insert(name.into(), endpoint);
    }
    let checks = paper.plan().checks;
    let quotas = checks.iter().filter(|check| check.name == CheckName::Quota);
    assert!(
        quotas
            .clone()
            .all(|check| check.status == CheckStatus::Failed),
        "{checks:?}"
    );
}

#[test]
fn what_was_forced_goes_whatever_is_left_and_others_of_the_account_wait() {
    let mut paper = paper(4);
    paper.force("quota");
    let plan = paper.plan();
    assert_eq!((sent(&plan).len(), plan.deferred.len()), (6, 0));
    assert_eq!(paper.check(CheckName::Quota).status, CheckStatus::Forced);
}

#[test]
fn checks_are_about_what_waits_too() {
    let mut paper = paper(2);
    paper.project.safety.max_urls = 5;
    let check = paper.check(CheckName::MaxUrls);
    assert_eq!(check.status, CheckStatus::Failed);
    assert!(
        check.detail.contains("6 URLs in one plan, limit 5"),
        "{}",
        check.detail
    );
    // What was forced once stays so on the days after.
    let changes = paper.plan().changes;
    let due = changes
        .iter()
        .map(|change| (change.key.clone(), change.after.clone()));
    paper.state.note_due(due.collect::<Vec<_>>(), true, at(0));
    let plan = paper.plan();
    assert!(plan.is_applyable());
    assert_eq!((sent(&plan).len(), plan.deferred.len()), (2, 4));
}

#[test]
fn an_approved_cover_stays_approved() {
    let inside: Vec<_> = (0..9).map(|number| file(&format!("/d/{number}"))).collect();
    let known = super::directory("/d/");
    let mut paper = Paper::new(vec![purge("spring", inside.clone(), vec![known.clone()])]);
    paper.confirm(&[known], "r2");
    paper.confirm(&inside[5..], "r2");
    paper.www().limits.files_per_day = 2;
    paper.www().broaden.max_collateral = Some(0);
    assert_eq!(
        (paper.plan().cover.len(), paper.plan().deferred.len()),
        (0, 3)
    );
    let changes = paper.plan().changes;
    let due = changes
        .iter()
        .map(|change| (change.key.clone(), change.after.clone()));
    paper.state.note_due(due.collect::<Vec<_>>(), true, at(0));
    let plan = paper.plan();
    assert_eq!((plan.cover.len(), plan.deferred.len()), (1, 0));
    assert!(plan.is_applyable());
}

const fn rank(reason: Reason) -> u8 {
    match reason {
        Reason::PreviousFailed | Reason::PreviousUnknown | Reason::StaleAtEdge | Reason::Forced => {
            0
        }
        Reason::ContentDeleted => 1,
        Reason::ContentChanged | Reason::RevisionChanged => 2,
        Reason::Added => 3,
    }
}

/// Two endpoints of one account, each with files of any rank.
fn of_any(ranks: &[(bool, u8)], limits: [u32; 2], reserve: u32) -> Paper {
    let mut paper = Paper::new(vec![
        purge("spring", Vec::new(), Vec::new()),
        purge("images", Vec::new(), Vec::new()),
    ]);
    paper.project.purges[1].endpoint = "img".into();
    paper.project.safety.max_change_percent = 100;
    for (number, (is_other, rank)) in ranks.iter().enumerate() {
        let purge = &mut paper.project.purges[usize::from(*is_other)];
        let target = file(&format!("/{number}"));
        purge.targets.push(target.clone());
        let key = EntryKey {
            owner: Owner::Purge(purge.name.clone()),
            path: None,
            target,
            endpoint: purge.endpoint.clone(),
        };
        match rank {
            0 => drop(paper.state.entries.insert(key, failed())),
            1 => drop(paper.state.entries.insert(key, confirmed("r1"))),
            _ => {}
        }
    }
    for (name, limit) in ["www", "img"].into_iter().zip(limits) {
        let cdn = PaperCdn {
            mixed_kinds: true,
            account: "one",
            more: Vec::new(),
        };
        let mut endpoint = of_cdn(name, cdn);
        endpoint.limits.files_per_day = limit;
        endpoint.limits.reserve = Some(Reserve {
            files: reserve,
            directories: 0,
        });
        paper.project.endpoints.insert(name.into(), endpoint);
    }
    paper
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn window_by_window_everything_is_purged_once(
        ranks in proptest::collection::vec((any::<bool>(), 0..3_u8), 0..40),
        limits in [4..12_u32, 4..12_u32],
        reserve in 0..4_u32,
        spent in 0..15_u64,
    ) {
        let mut paper = of_any(&ranks, limits, reserve);
        let mut purged: BTreeSet<EntryKey> = BTreeSet::new();
        let all = paper.plan().changes.len();
        let (window, _) = DayStart::default().period(paper.now);
        let book = |paper: &mut Paper, window, amount: i64| paper.state.apply(Record::Spend {
            scope: "one".into(),
            counts: "file".into(),
            window,
            amount,
        });
        book(&mut paper, window, i64::try_from(spent).unwrap());
        // A window purges one file at least.
        for day in 0..=all {
            let plan = paper.plan();
            prop_assert!(plan.is_applyable());
            let steps = || plan.steps.iter().flat_map(|step| &step.serves);
            let sent: BTreeSet<_> = steps().map(|serve| serve.key.clone()).collect();
            prop_assert_eq!(steps().count(), sent.len());
            // Nothing is dropped.
            prop_assert_eq!(sent.len() + plan.deferred.len(), plan.changes.len());
            prop_assert_eq!(purged.len() + plan.changes.len(), all);
            prop_assert!(sent.iter().all(|key| !plan.deferred.contains_key(key)));
            // No more than there is.
            let before = if day == 0 { spent } else { 0 };
            let amount = sent.len() as u64;
            let most = limits.iter().map(|limit| u64::from(limit - reserve)).max().unwrap();
            prop_assert!(amount == 0 || before + amount <= most, "{before} + {amount} > {most}");
            // What matters more does not wait for what matters less, at an endpoint.
            let mut worst_sent: BTreeMap<&str, u8> = BTreeMap::new();
            for change in plan.changes.iter().filter(|change| sent.contains(&change.key)) {
                let worst = worst_sent.entry(&change.key.endpoint).or_default();
                *worst = (*worst).max(rank(change.reason));
            }
            for change in plan.changes.iter().filter(|change| !sent.contains(&change.key)) {
                let worst = worst_sent.get(&*change.key.endpoint).copied().unwrap_or_default();
                prop_assert!(rank(change.reason) >= worst);
            }
            let (window, turn) = DayStart::default().period(paper.now);
            book(&mut paper, window, i64::try_from(amount).unwrap());
            for key in sent {
                paper.state.entries.insert(key.clone(), confirmed("r2"));
                prop_assert!(purged.insert(key), "purged twice");
            }
            prop_assert!(plan.deferred.values().all(|until| *until == turn));
            if purged.len() == all {
                break;
            }
            // In the same window, nothing more fits.
            let again = paper.plan();
            prop_assert!(again.steps.is_empty(), "{:?}", again.steps);
            paper.now = turn;
        }
        prop_assert_eq!(purged.len(), all);
        prop_assert!(paper.plan().is_empty());
    }
}
