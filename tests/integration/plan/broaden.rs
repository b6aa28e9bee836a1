//! Directories in place of files: when they are chosen, what they may throw away, and what goes out then.

use std::collections::BTreeMap;

use purgit::desired::{Served, Unchanged};
use purgit::entry::{Owner, Target};
use purgit::manifest::resource::{Broaden, Weigh, When};
use purgit::plan::build::{Inputs, plan};
use purgit::plan::{CheckName, CheckStatus, Plan, broaden};
use purgit::state::{LedgerKey, Record};

use super::{Paper, PaperCdn, at, directory, endpoint, file, of_cdn, purge};

/// Files `0` and on, in a directory.
fn in_directory(path: &str, count: usize) -> Vec<Target> {
    (0..count)
        .map(|number| file(&format!("{path}{number:03}")))
        .collect()
}

/// Of `/en/`, which is known: 4 of 5 files of `/en/a/` change, 3 of 9 of `/en/b/`, and one of two beside.
fn paper(of_files: u32, of_directories: u32) -> Paper {
    let (a, b) = (in_directory("/en/a/", 5), in_directory("/en/b/", 9));
    let all = [a.clone(), b.clone(), vec![file("/en/c"), file("/en/d")]].concat();
    let mut paper = Paper::new(vec![purge("spring", all.clone(), vec![directory("/en/")])]);
    paper.confirm(
        &[&a[4..], &b[3..], &[file("/en/d"), directory("/en/")]].concat(),
        "r2",
    );
    paper.www().limits.files_per_day = of_files;
    paper.www().limits.directories_per_day = of_directories;
    paper.www().broaden.max_collateral = Some(100);
    paper.project.safety.max_change_percent = 100;
    paper
}

/// `directory covers collateral`
fn cover(plan: &Plan) -> Vec<String> {
    let cover = plan.cover.iter();
    let text = |one: &purgit::plan::Covered| {
        format!("{} {} {}", one.directory.path(), one.covers, one.collateral)
    };
    cover.map(text).collect()
}

/// What is sent, files without their directory.
fn sent(plan: &Plan) -> Vec<String> {
    let items = plan.steps.iter().flat_map(|step| &step.items);
    items
        .map(|item| item.target.url().unwrap().path().to_owned())
        .collect()
}

fn served(plan: &Plan) -> usize {
    plan.steps.iter().map(|step| step.serves.len()).sum()
}

#[test]
fn files_that_fit_are_files() {
    let plan = paper(8, 500).plan();
    assert_eq!((cover(&plan).len(), sent(&plan).len()), (0, 8));
    assert!(
        plan.checks
            .iter()
            .all(|check| check.name != CheckName::MaxCollateral)
    );
}

#[test]
fn what_does_not_fit_goes_with_the_directories_that_throw_away_least() {
    let plan = paper(4, 500).plan();
    assert_eq!(cover(&plan), ["/en/a/ 4 1"]);
    assert_eq!(
        sent(&plan),
        ["/en/b/000", "/en/b/001", "/en/b/002", "/en/c", "/en/a/"]
    );
    assert_eq!(
        (served(&plan), plan.changes.len(), plan.cover_gap),
        (8, 8, Some(0))
    );
    assert!(plan.is_applyable());
    let by = plan.covered_by();
    let is_covered = |change: &&purgit::diff::Change| by.contains_key(&change.key);
    assert_eq!(plan.changes.iter().filter(is_covered).count(), 4);

    let plan = paper(1, 2).plan();
    assert_eq!(cover(&plan), ["/en/a/ 4 1", "/en/b/ 3 6"]);
    // One directory only: the file beside is covered, too.
    let plan = paper(1, 1).plan();
    assert_eq!(cover(&plan), ["/en/ 8 8"]);
}

#[test]
fn what_was_used_already_is_not_left() {
    let mut paper = paper(8, 500);
    let www = paper.project.endpoints["www"].budgets();
    let (window, _) = www[0].period(at(0)).unwrap();
    paper.state.apply(Record::Spend {
        scope: "www".into(),
        counts: "file".into(),
        window,
        amount: 4,
    });
    let key = LedgerKey {
        scope: "www".into(),
        counts: "file".into(),
        window,
    };
    assert_eq!(paper.state.spent(&key), 4);
    assert_eq!(cover(&paper.plan()), ["/en/a/ 4 1"]);
}

#[test]
fn what_would_throw_away_too_much_is_left_out_and_waits() {
    let mut paper = paper(4, 500);
    paper.www().broaden.max_collateral = Some(0);
    let plan = paper.plan();
    assert!(plan.is_applyable() && cover(&plan).is_empty());
    assert_eq!((sent(&plan).len(), plan.deferred.len()), (4, 4));
    assert_eq!(plan.cover_gap, None);
    let check = paper.check(CheckName::MaxCollateral);
    assert_eq!(check.status, CheckStatus::Passed);
    assert_eq!(
        check.detail,
        "[www] 0 unchanged URLs below chosen directories, limit 0; 1 directory with 1 more left out"
    );
    let note = "[www] 1 directory with 1 unchanged URL left out, over `maxCollateral`; `--force=max-collateral:www` purges them";
    assert_eq!(plan.diagnostics[0].message, note);
    paper.force("max-collateral");
    assert_eq!(cover(&paper.plan()), ["/en/a/ 4 1"]);
    assert!(paper.plan().deferred.is_empty());
    assert_eq!(
        paper.check(CheckName::MaxCollateral).status,
        CheckStatus::Forced
    );
    // Without a number it is a share of the entries: 1 of 17.
    paper.www().broaden.max_collateral = None;
    paper.forces.clear();
    assert_eq!(cover(&paper.plan()), ["/en/a/ 4 1"]);
    let check = paper.check(CheckName::MaxCollateral);
    assert_eq!(check.status, CheckStatus::Passed);
    let text = "[www] 1 unchanged URL below chosen directories, limit 1 (10% of 17 entries)";
    assert_eq!(check.detail, text);
}

#[test]
fn a_full_quota_of_files_leaves_room_for_the_directories_beside() {
    let mut paper = paper(4, 500);
    // Just the files; the directory that is chosen is checked by what it throws away.
    paper.project.safety.max_urls = 4;
    paper.project.safety.max_directories = 0;
    let plan = paper.plan();
    assert_eq!(sent(&plan).len(), 5);
    assert!(plan.is_applyable(), "{:?}", plan.checks);
    paper.project.safety.max_urls = 3;
    let check = paper.check(CheckName::MaxUrls);
    assert_eq!(check.status, CheckStatus::Failed);
    assert!(
        check.detail.contains("4 URLs in one plan, limit 3"),
        "{}",
        check.detail
    );
    // One that was declared counts.
    paper.project.safety.max_urls = 4;
    paper.project.purges[0].targets.push(directory("/en/x/"));
    let check = paper.check(CheckName::MaxDirectories);
    assert_eq!(check.status, CheckStatus::Failed);
}

#[test]
fn what_cannot_fit_is_said_in_numbers() {
    let mut paper = paper(1, 1);
    paper.project.purges[0].targets.push(file("/top"));
    paper.project.purges[0].targets.push(file("/top2"));
    let plan = paper.plan();
    // What directories can do is done.
    assert_eq!(
        (cover(&plan), sent(&plan)),
        (
            vec!["/en/ 8 8".to_owned()],
            vec!["/top".to_owned(), "/en/".to_owned()]
        )
    );
    assert_eq!(plan.deferred.len(), 1);
    let quota = paper.check(CheckName::Quota);
    assert_eq!(quota.status, CheckStatus::Passed);
    assert_eq!(
        quota.detail,
        "[www] 1 file a day, limit 1, 1 deferred until 2026-11-18 16:00Z; 1 directory a day, limit 1"
    );
    assert_eq!(
        plan.diagnostics[0].message,
        "[www] no directories make it fit: needs 1 more file"
    );
    paper.www().limits.directories_per_day = 0;
    let plan = paper.plan();
    let note = &plan.diagnostics[0].message;
    assert!(
        note.contains("needs 9 more files, or one more directory: /en/ with 8 unchanged URLs"),
        "{note}"
    );
    // Forced, everything goes as it is.
    paper.www().limits.directories_per_day = 1;
    paper.force("quota");
    let plan = paper.plan();
    assert_eq!((cover(&plan).len(), sent(&plan).len()), (0, 10));
    assert_eq!(paper.check(CheckName::Quota).status, CheckStatus::Forced);
}

#[test]
fn a_directory_that_nothing_declared_knows_is_never_chosen() {
    let mut paper = paper(4, 500);
    let declared = |target: &Target| *target != directory("/en/");
    paper.project.purges[0].targets.retain(declared);
    assert!(cover(&paper.plan()).is_empty());
    assert_eq!(paper.plan().deferred.len(), 4);
    // What is below it is no better known than it is.
    paper.project.purges[0].targets.push(directory("/en/b/"));
    paper.confirm(&[directory("/en/b/")], "r2");
    paper.www().limits.files_per_day = 5;
    assert_eq!(cover(&paper.plan()), ["/en/b/ 3 6"]);
}

#[test]
fn the_root_of_a_host_is_never_chosen() {
    let files: Vec<_> = (0..9).map(|number| file(&format!("/{number}"))).collect();
    let mut paper = Paper::new(vec![purge("spring", files, vec![directory("/")])]);
    paper.confirm(&[directory("/")], "r2");
    paper.www().limits.files_per_day = 3;
    assert!(cover(&paper.plan()).is_empty());
}

#[test]
fn never_is_never() {
    let mut paper = paper(4, 500);
    paper.www().broaden.when = When::Never;
    let plan = paper.plan();
    assert_eq!((cover(&plan).len(), sent(&plan).len()), (0, 4));
    assert_eq!(plan.deferred.len(), 4);
}

#[test]
fn a_directory_that_is_cheaper_throws_nothing_away() {
    let all = [in_directory("/en/a/", 50), in_directory("/en/b/", 60)].concat();
    let mut paper = Paper::new(vec![purge("spring", all.clone(), vec![directory("/en/")])]);
    paper.confirm(&[directory("/en/")], "r2");
    paper.confirm(&all[50..51], "r2");
    paper.www().broaden.when = When::Cheaper;
    // 2,000 files and 500 directories a day: a directory is worth four files.
    let plan = paper.plan();
    assert_eq!(cover(&plan), ["/en/a/ 50 0"]);
    assert_eq!(sent(&plan).len(), 60);
    paper.www().limits.directories_per_day = 20;
    assert!(
        cover(&paper.plan()).is_empty(),
        "a directory is worth a hundred files"
    );
}

#[test]
fn what_is_below_a_directory_that_is_purged_anyway_is_not_sent_again() {
    let files = in_directory("/d/", 3);
    let inner = directory("/d/e/");
    let all = vec![directory("/d/"), inner, directory("/f/")];
    let plan = Paper::new(vec![purge(
        "spring",
        [files, vec![file("/g")]].concat(),
        all,
    )])
    .plan();
    assert_eq!(sent(&plan), ["/g", "/d/", "/f/"]);
    assert_eq!((plan.changes.len(), served(&plan)), (7, 7));
    let operation = plan.steps[0].operation("1".to_owned());
    let directories: Vec<_> = operation
        .directories()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(directories, ["https://www.example.com/d/"]);
}

#[test]
fn endpoints_of_one_account_share_what_is_left() {
    let of = |name: &'static str, host: &str, count: usize| {
        let url = |path: &str| format!("https://{host}{path}");
        let target = |kind, path: &str| Target::parse(kind, &url(path)).unwrap();
        let files = (0..count)
            .map(|number| target(purgit::entry::TargetKind::File, &format!("/d/{number}")));
        let known = target(purgit::entry::TargetKind::Directory, "/d/");
        let mut one = purge(name, files.collect(), vec![known.clone()]);
        one.endpoint = name.into();
        let cdn = PaperCdn {
            mixed_kinds: true,
            account: "one",
            more: Vec::new(),
        };
        let mut endpoint = of_cdn(name, cdn);
        endpoint.limits.files_per_day = 10;
        (one, endpoint, known)
    };
    let (small, small_endpoint, _) = of("a", "a.example.com", 3);
    let (large, large_endpoint, _) = of("b", "b.example.com", 9);
    let mut paper = Paper::new(vec![small, large]);
    paper.project.endpoints =
        BTreeMap::from([("a".into(), small_endpoint), ("b".into(), large_endpoint)]);
    // So that the directories themselves are not purged.
    for purge in paper.project.purges.clone() {
        let key = purgit::entry::EntryKey {
            owner: Owner::Purge(purge.name.clone()),
            path: None,
            target: purge.targets.last().unwrap().clone(),
            endpoint: purge.endpoint.clone(),
        };
        paper
            .state
            .entries
            .insert(key, crate::state_fixture::confirmed("r2"));
    }
    let plan = paper.plan();
    assert_eq!(cover(&plan), ["/d/ 9 0"]);
    assert_eq!(&*plan.cover[0].endpoint, "b");
    assert!(plan.is_applyable());
}

/// A plan of the same, where a site's unchanged files are known only as far as they were listed.
fn with_site(paper: &Paper, served: Option<Vec<Served>>) -> Plan {
    let mut desired = paper.desired();
    desired.unchanged.push(Unchanged {
        owner: Owner::Site("docs".into()),
        endpoint: "www".into(),
        entries: 40,
    });
    desired
        .served
        .extend(served.map(|served| ("www".into(), served)));
    plan(Inputs {
        project: &paper.project,
        manifests_digest: "",
        desired: &desired,
        state: &paper.state,
        state_digest: None,
        revisions: None,
        looked: None,
        selection: &paper.selection,
        forces: &paper.forces,
        urgent: false,
        now: at(0),
    })
    .unwrap()
}

fn urls(path: &str, count: usize, bytes: u64) -> Vec<Served> {
    let targets = in_directory(path, count).into_iter();
    let urls = targets.filter_map(|target| target.url().cloned());
    urls.map(|url| Served { url, bytes }).collect()
}

#[test]
fn nothing_is_thrown_away_that_was_not_counted() {
    let paper = paper(5, 500);
    assert!(cover(&with_site(&paper, None)).is_empty());
    // Many unchanged pages in one directory: the other one is chosen.
    let served = urls("/en/a/x", 20, 1);
    let plan = with_site(&paper, Some(served));
    assert_eq!(cover(&plan), ["/en/b/ 3 6"], "and one file more than fits");
}

#[test]
fn bytes_can_be_weighed() {
    let mut paper = paper(5, 500);
    let served = [urls("/en/a/", 5, 1_000_000), urls("/en/b/", 9, 10)].concat();
    assert_eq!(
        cover(&with_site(&paper, Some(served.clone()))),
        ["/en/a/ 4 1"]
    );
    paper.www().broaden.weigh = Weigh::Bytes;
    assert_eq!(cover(&with_site(&paper, Some(served))), ["/en/b/ 3 6"]);
}

#[test]
fn urls_are_listed_only_where_changes_may_not_fit() {
    let list = |paper: &Paper| {
        let desired = paper.desired();
        broaden::to_list(
            &paper.project,
            &desired,
            std::iter::empty(),
            &paper.state,
            at(0),
        )
        .len()
    };
    assert_eq!(list(&paper(2000, 500)), 0);
    assert_eq!(list(&paper(4, 500)), 1);
    let mut never = paper(4, 500);
    never.www().broaden = Broaden {
        when: When::Never,
        ..Broaden::default()
    };
    assert_eq!(list(&never), 0);
    let mut other = paper(4, 500);
    let cheaper = Broaden {
        when: When::Cheaper,
        ..Broaden::default()
    };
    *other.www() = endpoint("www", true);
    other.www().broaden = cheaper;
    assert_eq!(list(&other), 1);
}

#[test]
fn the_plan_is_the_same_whatever_the_order() {
    let paper = paper(4, 500);
    let mut reversed = paper.clone();
    reversed.project.purges[0].targets.reverse();
    assert_eq!(paper.plan().id, reversed.plan().id);
    // Another cover is another plan.
    let mut other = paper.clone();
    other.www().limits.files_per_day = 5;
    assert_ne!(paper.plan().id, other.plan().id);
}
