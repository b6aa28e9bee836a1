//! Scenarios as folders: manifests and maybe a state, and the plan that is to come of them.
//!
//! `UPDATE=1 cargo test scenarios` writes the expected plans anew; read the diff before committing.

use std::fs;
use std::path::{Path, PathBuf};

use purgit::desired::desired;
use purgit::manifest;
use purgit::output::layout::Layout;
use purgit::output::{PlanReport, text};
use purgit::plan::select::Selection;
use purgit::state::StateStore as _;
use purgit::state::file::FileStore;
use purgit::workspace::caches::Caches;
use purgit::workspace::disk;

/// When all scenarios take place; it decides what is suspended.
const NOW: &str = "2026-11-20T00:00:00Z";

const EXPECTED: &str = "expected-plan.txt";

/// Fewer would mean that the walk goes wrong.
const LEAST_SCENARIOS: usize = 12;

#[test]
fn every_scenario_comes_out_as_expected() {
    let update = std::env::var_os("UPDATE").is_some();
    let scenarios = scenarios();
    assert!(scenarios.len() >= LEAST_SCENARIOS);
    let mut wrong = Vec::new();
    for folder in scenarios {
        let plan = plan(&folder);
        let expected = folder.join(EXPECTED);
        if update {
            fs::write(&expected, &plan).unwrap();
        } else if fs::read_to_string(&expected).ok().as_deref() != Some(plan.as_str()) {
            wrong.push(format!("{}:\n{plan}", folder.display()));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

#[test]
fn every_scenario_says_in_one_sentence_what_it_is_about() {
    for folder in scenarios() {
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        let sentence = readme.trim_end();
        assert!(
            sentence.ends_with('.') && !sentence.contains('\n') && sentence.len() > 20,
            "{}: {readme}",
            folder.display()
        );
    }
}

fn scenarios() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenarios");
    let mut folders: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders
}

/// The plan for people, without styles.
fn plan(folder: &Path) -> String {
    let parsed = manifest::load(folder).unwrap();
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    let project = parsed.project.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut caches = Caches::new(elsewhere.path());
    let now = NOW.parse().unwrap();
    let (contents, _) = disk::contents(&project, folder, &mut caches, now).unwrap();
    let wanted = desired(&project, &contents, now).unwrap();
    let known = FileStore::new(folder.join("state.json"))
        .load()
        .unwrap()
        .into();
    let plan = purgit::reconcile::plan(
        &project,
        &manifest::digest(&project),
        &wanted.into(),
        &known,
        &Selection::default(),
        &[],
        now,
    )
    .unwrap();
    let report = PlanReport {
        plan: &plan,
        timestamp: now,
    };
    anstream::adapter::strip_str(text::plan(report, Layout::default()).as_str()).to_string()
}
