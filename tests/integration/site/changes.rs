//! What becomes of files that change.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, SystemTime};

use purgit::diff::Reason;
use purgit::plan::checks::Force;
use purgit::plan::{CheckName, CheckStatus, Plan};
use purgit::state::{Outcome, State};
use purgit::status::{Listed, document};

use super::fixture::{Folder, all, now, settle, shown, site};

const A: &str = "https://www.example.com/a";
const B: &str = "https://www.example.com/b";

fn status_of(plan: &Plan, check: CheckName) -> CheckStatus {
    plan.checks
        .iter()
        .find(|found| found.name == check)
        .unwrap()
        .status
}

/// Whether a plan says that it forgets entries.
fn forgets(plan: &Plan) -> bool {
    let mut notes = plan.diagnostics.iter();
    notes.any(|note| note.message.contains("forgotten"))
}

#[test]
fn a_generation_is_what_git_hash_object_says() {
    let folder = Folder::new("");
    folder.write(".gitattributes", "* text eol=lf\n");
    folder.write("public/a", "one\r\ntwo\r\n");
    let path = folder.path().join("public/a");
    let git = Command::new("git")
        .args(["hash-object", "--no-filters"])
        .arg(path)
        .output();
    let Ok(git) = git else {
        return crate::git::fixture::skipped("there is no `git` to run");
    };
    let expected = String::from_utf8(git.stdout).unwrap();
    assert_eq!(
        folder.desired().entries[0].generation.as_str(),
        expected.trim()
    );
}

#[test]
fn the_second_plan_is_empty() {
    let folder = Folder::new("redirect: true");
    folder.publish(&["index.html", "a/index.html", "b"]);
    let plan = folder.plan(&State::default());
    assert_eq!(plan.changes.len(), 6);
    assert!(all(&plan.changes, Reason::Added));
    let plan = folder.plan(&folder.purged());
    assert_eq!((shown(&plan.changes), plan.noop), (vec![], 6));
}

#[test]
fn changed_removed_renamed() {
    let folder = Folder::new("");
    folder.publish(&["a", "b", "c"]);
    let state = folder.purged();
    folder.write("public/a", "other");
    folder.rename("public/b", "public/d");
    assert_eq!(
        folder.changes(&state),
        [
            "added https://www.example.com/d".to_owned(),
            format!("content_changed {A}"),
            format!("content_deleted {B}"),
        ]
    );
}

#[test]
fn a_touched_file_has_not_changed() {
    let folder = Folder::new("");
    folder.publish(&["a", "b"]);
    let state = folder.purged();
    let file = File::options()
        .append(true)
        .open(folder.path().join("public/a"))
        .unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(60))
        .unwrap();
    // Written again, the same.
    folder.publish(&["b"]);
    assert_eq!(folder.changes(&state), [""; 0]);
}

#[test]
fn a_file_of_the_same_size_and_times_is_found_by_its_content() {
    let folder = Folder::new("");
    folder.write("public/a", "one");
    let state = folder.purged();
    let path = folder.path().join("public/a");
    let before = path.metadata().unwrap().modified().unwrap();
    folder.write("public/a", "two");
    File::options()
        .append(true)
        .open(path)
        .unwrap()
        .set_modified(before)
        .unwrap();
    assert_eq!(folder.changes(&state), [format!("content_changed {A}")]);
}

#[test]
fn a_purge_that_failed_stays_planned() {
    let folder = Folder::new("");
    folder.publish(&["a", "b"]);
    let mut state = folder.purged();
    folder.write("public/a", "other");
    folder.remove("public/b");
    for (outcome, a, b) in [
        (Outcome::Failed, "previous_failed", "content_deleted"),
        (Outcome::Unknown, "previous_unknown", "content_deleted"),
        (Outcome::Failed, "previous_failed", "content_deleted"),
    ] {
        let changes = folder.plan(&state).changes;
        assert_eq!(changes.len(), 2);
        settle(&mut state, &changes, |_| outcome);
        assert_eq!(
            folder.changes(&state),
            [format!("{b} {B}"), format!("{a} {A}")],
            "{outcome}"
        );
    }
    // Undone meanwhile: who knows what the edge holds.
    folder.publish(&["a", "b"]);
    assert_eq!(
        folder.changes(&state),
        [
            format!("previous_failed {A}"),
            format!("previous_failed {B}")
        ]
    );
    let changes = folder.plan(&state).changes;
    settle(&mut state, &changes, |_| Outcome::Succeeded);
    assert_eq!(folder.changes(&state), [""; 0]);
}

#[test]
fn a_deletion_is_forgotten_once_it_is_confirmed() {
    let folder = Folder::new("");
    folder.publish(&["a", "b"]);
    let mut state = folder.purged();
    folder.remove("public/b");
    let changes = folder.plan(&state).changes;
    settle(&mut state, &changes, |_| Outcome::Succeeded);
    assert_eq!((folder.changes(&state), state.entries.len()), (vec![], 1));
}

#[test]
fn a_deletion_can_be_ignored() {
    let folder = Folder::new("onDelete: ignore");
    folder.publish(&["a", "b"]);
    let state = folder.purged();
    folder.remove("public/b");
    let plan = folder.plan(&state);
    assert_eq!(shown(&plan.changes), [""; 0]);
    assert!(forgets(&plan));
}

#[test]
fn a_suspended_site_is_left_alone() {
    let folder = Folder::new("");
    folder.publish(&["a", "b"]);
    let state = folder.purged();
    folder.write("public/a", "other");
    folder.remove("public/b");
    folder.manifests(&site("suspend: true\nsuspendReason: sale"));
    assert_eq!(folder.changes(&state), [""; 0]);
    folder.manifests(&site("suspend: true\nsuspendUntil: 2026-11-20T00:00:00Z"));
    assert_eq!(folder.changes(&state).len(), 2);
}

#[test]
fn a_site_that_is_no_longer_declared_is_forgotten() {
    let folder = Folder::new("");
    folder.publish(&["a", "b"]);
    let state = folder.purged();
    folder.manifests(&site("").replace("docs", "other"));
    folder.remove("public/a");
    folder.remove("public/b");
    let plan = folder.plan(&state);
    assert_eq!(shown(&plan.changes), [""; 0]);
    assert!(forgets(&plan));
}

#[test]
fn moved_to_another_base_url_both_places_are_purged() {
    let folder = Folder::new("");
    folder.publish(&["a"]);
    let state = folder.purged();
    folder.manifests(&site("baseUrl: https://www.example.com/new/"));
    assert_eq!(
        folder.changes(&state),
        [
            "added https://www.example.com/new/a".to_owned(),
            format!("content_deleted {A}")
        ]
    );
}

/// A second endpoint, for the same host.
const OTHER: &str = "\
apiVersion: purgit/v1alpha1
kind: Endpoint
metadata: { name: other }
spec:
  hosts: [www.example.com]
  azureChinaCdn:
    subscriptionId: 00000000-0000-0000-0000-000000000001
    endpointId: 00000000-0000-0000-0000-000000000003
    credentials: { keyId: { env: KEY_ID }, keyValue: { env: KEY_VALUE } }
";

#[test]
fn moved_to_another_endpoint_both_are_purged() {
    let folder = Folder::with(&format!("{OTHER}---\n{}", site("")));
    folder.publish(&["a"]);
    let state = folder.purged();
    folder.manifests(&format!("{OTHER}---\n{}", site("endpoint: other")));
    let plan = folder.plan(&state);
    let found: Vec<_> = plan
        .changes
        .iter()
        .map(|change| format!("{} {}", change.key.endpoint, change.reason.as_str()))
        .collect();
    assert_eq!(found, ["other added", "www content_deleted"]);
    assert_eq!(plan.steps.len(), 2);
}

#[test]
fn what_an_endpoint_served_that_is_gone_is_forgotten_with_it() {
    let folder = Folder::with(&format!("{OTHER}---\n{}", site("endpoint: other")));
    folder.publish(&["a"]);
    let state = folder.purged();
    folder.manifests(&site(""));
    let plan = folder.plan(&state);
    assert_eq!(shown(&plan.changes), [format!("added {A}")]);
    assert!(forgets(&plan));
}

#[test]
fn an_empty_source_is_refused_unless_forced() {
    // Empty, or with folders only.
    for left in ["public", "public/sub"] {
        let folder = Folder::new("");
        folder.publish(&["a", "sub/b"]);
        let state = folder.purged();
        folder.remove("public");
        std::fs::create_dir_all(folder.path().join(left)).unwrap();
        let plan = folder.plan(&state);
        assert_eq!(plan.changes.len(), 2);
        assert_eq!(
            status_of(&plan, CheckName::EmptySource),
            CheckStatus::Failed
        );
        assert!(!plan.is_applyable());
        let check = plan
            .checks
            .iter()
            .find(|check| check.name == CheckName::EmptySource);
        let detail = &check.unwrap().detail;
        assert!(
            detail.contains("site/docs has no files, 2 entries would go"),
            "{detail}"
        );
        assert!(detail.ends_with("--force=empty-source:www"), "{detail}");
        for (force, applyable) in [
            ("empty-source", true),
            ("empty-source:www", true),
            ("empty-source:other", false),
            ("quota", false),
        ] {
            let forces = [force.parse::<Force>().unwrap()];
            let plan = forced(&folder, &state, &forces);
            assert_eq!(plan.is_applyable(), applyable, "{force}");
        }
    }
}

fn forced(folder: &Folder, state: &State, forces: &[Force]) -> Plan {
    let inputs = purgit::plan::build::Inputs {
        project: &folder.project(),
        manifests_digest: "",
        desired: &folder.desired(),
        state,
        state_digest: None,
        revisions: None,
        looked: None,
        selection: &purgit::plan::select::Selection::default(),
        forces,
        urgent: false,
        now: super::fixture::now(),
    };
    purgit::plan::build::plan(inputs).unwrap()
}

#[test]
fn a_site_that_never_had_files_is_no_empty_source() {
    let folder = Folder::new("");
    let plan = folder.plan(&State::default());
    assert!(plan.is_applyable() && plan.is_empty());
    assert_eq!(folder.run(&["plan"]).code, 0);
}

#[test]
fn emptied_to_the_last_file_is_no_empty_source() {
    let folder = Folder::new("");
    folder.publish(&["a", "b"]);
    let state = folder.purged();
    folder.remove("public/b");
    let plan = folder.plan(&state);
    assert_eq!(
        status_of(&plan, CheckName::EmptySource),
        CheckStatus::Passed
    );
}

#[test]
fn addresses_and_targets() {
    let folder = Folder::new("");
    folder.publish(&["a", "b/c", "b/d e", "bc"]);
    let entries = folder.desired().entries;
    let addresses: Vec<_> = entries.iter().map(|entry| entry.key.address()).collect();
    assert_eq!(
        addresses,
        [
            "site/docs/a",
            "site/docs/b/c",
            "site/docs/b/d e",
            "site/docs/bc"
        ]
    );
    for (target, expected) in [
        ("site/docs/a", &["added site/docs/a"][..]),
        (
            "site/docs/b",
            &["added site/docs/b/c", "added site/docs/b/d e"],
        ),
        ("site/docs/b/d e", &["added site/docs/b/d e"]),
    ] {
        let ran = folder.run(&["plan", "--format", "json", "--target", target]);
        assert_eq!(ran.changes(), expected, "{target}");
    }
    let ran = folder.run(&["plan", "--target", "site/docs/x"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr
            .contains("no entry has an address like `site/docs/x`"),
        "{ran:?}"
    );
}

#[test]
fn the_status_knows_sites() {
    let folder = Folder::new("");
    folder.publish(&["a", "b"]);
    let mut state = folder.purged();
    let (project, desired) = (folder.project(), folder.desired());
    let document_of = |state: &State| {
        document(
            &project,
            &desired,
            state,
            None,
            None,
            Listed::NotAsDeclared,
            now(),
        )
    };
    let ready = format!("{:?}", document_of(&state));
    folder.write("public/a", "other");
    let changes = folder.plan(&state).changes;
    settle(&mut state, &changes, |_| Outcome::Failed);
    let failed = format!("{:?}", document_of(&state));
    assert!(ready.contains("docs") && ready != failed, "{ready}");
}
