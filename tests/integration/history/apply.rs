//! Purging what changed between revisions, on a CDN.

use std::collections::BTreeSet;

use purgit::desired::Desired;
use purgit::diff::diff;
use purgit::emulator::azure_china_cdn::AzureChinaCdn;
use purgit::emulator::{Emulator, Fault, Running, Settings};
use purgit::entry::{Entry, EntryKey, Generation, Owner, Target};
use purgit::observed::{Revisions, Since, observed};
use purgit::state::{Outcome, State};
use purgit::url::CdnUrl;
use tokio::task::block_in_place;

use super::fixture::{project, publish, withdraw};
use crate::git::fixture::{Files, Repo, files};
use crate::site::fixture::{Ran, now, root_file, run, run_without_credentials, shown};

/// A repository whose endpoint is an emulator.
pub(super) struct Scene {
    repo: Repo,
    cdn: Running,
    pub(super) files: Files,
}

impl Scene {
    pub(super) async fn new(of: &[(&str, &str)]) -> Self {
        let api = Box::<AzureChinaCdn>::default();
        let cdn = Emulator::start(Settings::default(), api).await.unwrap();
        let mut all = project(of);
        all.extend(files(&[("purgit.yaml", &root_file(&cdn.api_url()))]));
        // Checking out removes what git neither knows nor ignores.
        all.extend(files(&[(".gitignore", "/.purgit/\n/purgit.status.yaml\n")]));
        let scene = Self {
            repo: Repo::new(),
            cdn,
            files: all,
        };
        scene.commit();
        scene
    }

    pub(super) fn commit(&self) {
        self.repo.commit(&self.files);
        self.repo.check_out();
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        block_in_place(|| run(self.repo.path(), arguments))
    }

    pub(super) fn apply(&self, since: &str) -> Ran {
        self.run(&[
            "apply",
            "--since",
            since,
            "--auto-approve",
            "--force=max-change-percent",
        ])
    }

    /// The changes of a plan against the state, or a revision.
    pub(super) fn planned(&self, more: &[&str]) -> Vec<String> {
        self.run(&[&["plan", "--format", "json"], more].concat())
            .changes()
    }

    fn inject(&self, fault: &str) {
        self.cdn.inject(fault.parse::<Fault>().unwrap()).unwrap();
    }

    /// As [`Scene::run`], where no credential is set.
    pub(super) fn without_credentials(&self, arguments: &[&str]) -> Ran {
        block_in_place(|| run_without_credentials(self.repo.path(), arguments))
    }

    pub(super) fn path(&self) -> &std::path::Path {
        self.repo.path()
    }

    /// The state file and its journal.
    pub(super) fn state(&self) -> Vec<Option<Vec<u8>>> {
        let file = |name| std::fs::read(self.repo.path().join(name)).ok();
        [".purgit/state.json", ".purgit/state.json.journal"]
            .map(file)
            .into()
    }

    /// Purge requests so far.
    pub(super) fn requests(&self) -> usize {
        self.cdn.purge_log().len()
    }

    /// What was sent so far.
    pub(super) fn sent(&self) -> BTreeSet<String> {
        let log = self.cdn.purge_log();
        let items = log.into_iter().flat_map(|task| task.items);
        items.map(|item| item.text).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_purges_and_records() {
    let mut scene = Scene::new(&[("a", "1"), ("b", "1"), ("c", "1")]).await;
    publish(&mut scene.files, "a", "2");
    withdraw(&mut scene.files, "b");
    scene.commit();
    let ran = scene.apply("HEAD~1");
    assert_eq!(ran.code, 0, "{ran:?}");
    let url = |name| format!("https://www.example.com/{name}");
    assert_eq!(scene.sent(), BTreeSet::from([url("a"), url("b")]));
    // The state knows what was purged, and nothing of the rest.
    assert_eq!(scene.planned(&[]), ["added site/docs/c"]);
    assert_eq!(scene.planned(&["--since", "HEAD"]), [""; 0]);
    assert_eq!(scene.run(&["state", "baseline"]).code, 0);
    assert_eq!(scene.planned(&[]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_planned_again_from_a_later_base() {
    let mut scene = Scene::new(&[("a", "1"), ("b", "1"), ("c", "1")]).await;
    publish(&mut scene.files, "a", "2");
    withdraw(&mut scene.files, "b");
    scene.commit();
    scene.inject("fail-url=**");
    let ran = scene.apply("HEAD~1");
    assert_eq!(ran.code, 3, "{ran:?}");
    scene.cdn.clear_faults();
    publish(&mut scene.files, "c", "2");
    scene.commit();
    let expected = [
        "content_changed site/docs/c",
        "content_deleted site/docs/b",
        "previous_failed site/docs/a",
    ];
    assert_eq!(scene.planned(&["--since", "HEAD~1"]), expected);
    assert_eq!(scene.planned(&["--since", "HEAD"]), expected[1..]);
    assert_eq!(scene.apply("HEAD~1").code, 0);
    assert_eq!(scene.planned(&["--since", "HEAD"]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_planned_again_from_a_later_base() {
    let mut scene = Scene::new(&[("a", "1"), ("b", "1")]).await;
    publish(&mut scene.files, "a", "2");
    withdraw(&mut scene.files, "b");
    scene.commit();
    // Nobody is there, or lets no one in.
    scene.inject("status=403@purge*always");
    let ran = scene.apply("HEAD~1");
    assert!(matches!(ran.code, 3 | 7), "{ran:?}");
    scene.cdn.clear_faults();
    let planned = scene.planned(&["--since", "HEAD"]);
    let expected = ["content_deleted site/docs/b", "previous_failed site/docs/a"];
    assert_eq!(planned, expected, "{ran:?}");
    assert_eq!(scene.apply("HEAD").code, 0);
    assert_eq!(scene.planned(&["--since", "HEAD"]), [""; 0]);
}

#[test]
fn what_was_skipped_is_what_the_state_says_not_the_base() {
    let key = EntryKey {
        owner: Owner::Site("docs".into()),
        path: Some("a".into()),
        target: Target::File(CdnUrl::parse("https://www.example.com/a").unwrap()),
        endpoint: "www".into(),
    };
    let entry = Entry {
        key: key.clone(),
        generation: Generation::recorded("2"),
    };
    let wanted = Desired {
        entries: vec![entry],
        ..Desired::default()
    };
    let mut state = State::default();
    let skipped = [(key, Some(Generation::recorded("2")))];
    state.not_attempted(
        skipped,
        Outcome::Skipped,
        "the endpoint could not be used",
        now(),
    );
    // The base has it too, since the run that skipped it was about an earlier one.
    let since = Since {
        base: wanted.clone(),
        revisions: Revisions {
            from: "1".to_owned(),
            to: "1".to_owned(),
            dirty: false,
        },
    };
    let changes = diff(&wanted, &observed(&since, &wanted, &state)).changes;
    assert_eq!(shown(&changes), ["added https://www.example.com/a"]);
    let clean = observed(&since, &wanted, &State::default());
    assert_eq!(diff(&wanted, &clean).changes, []);
}
