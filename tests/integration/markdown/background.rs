//! What git tells of a plan: the commits that changed the files, and the manifests' own change.

use purgit::output::markdown::{Limit, plan};
use serde_json::Value;

use super::document::document;
use crate::git::fixture::{Repo, files, write};
use crate::history::fixture::{
    declare, plan as planned, plan_in, project, publish, purge, two_commits, withdraw,
};
use crate::site::fixture::{NO_API, root_file, run, site};

fn commit_of<'j>(json: &'j Value, path: &str) -> &'j Value {
    let changes = json["changes"].as_array().unwrap();
    let change = changes
        .iter()
        .find(|change| change["address"] == format!("site/docs/{path}"));
    &change.unwrap_or_else(|| panic!("{json:#}"))["commit"]
}

#[test]
fn each_file_has_the_commit_that_changed_it() {
    let repo = Repo::new();
    let mut files = project(&[("a", "1"), ("b", "1"), ("c", "1"), ("gone", "1")]);
    let base = repo.commit(&files).to_string();
    publish(&mut files, "a", "2");
    let first = repo.commit(&files).to_string();
    publish(&mut files, "b", "2");
    withdraw(&mut files, "gone");
    let second = repo.commit(&files).to_string();
    repo.check_out();
    let json = planned(&repo, &["--since", &base]).json();
    assert_eq!(*commit_of(&json, "a"), first);
    assert_eq!(*commit_of(&json, "b"), second);
    assert_eq!(*commit_of(&json, "gone"), second);
    assert_eq!(json["base"]["commit"], second);
    assert_eq!(json["commits"].as_array().unwrap().len(), 2);

    // What is not committed as it is, is of no commit; what is compared with the state is of any.
    let mut dirty = files.clone();
    publish(&mut dirty, "a", "3");
    write(repo.path(), &dirty);
    let json = planned(&repo, &[]).json();
    assert_eq!(*commit_of(&json, "a"), Value::Null);
    assert_eq!(*commit_of(&json, "c"), base);
    // Then the plan is of no commit either.
    assert_eq!(json["base"]["commit"], Value::Null);
    repo.check_out();
    assert_eq!(planned(&repo, &[]).json()["base"]["commit"], second);
    declare(&mut files, &site("stripExtensions: [.html]"));
    write(repo.path(), &files);
    assert_eq!(planned(&repo, &[]).json()["base"]["commit"], Value::Null);
}

/// The order of commits is not only that of their times, which a rebase makes the same.
#[test]
fn the_last_of_many_commits_counts() {
    let repo = Repo::new();
    let mut files = project(&[("a", "0"), ("b", "0")]);
    repo.commit(&files);
    let mut commits = Vec::new();
    for number in 1..20 {
        publish(&mut files, "a", &number.to_string());
        publish(&mut files, &format!("c{number:02}"), "new");
        commits.push(repo.commit(&files).to_string());
    }
    repo.check_out();
    let json = planned(&repo, &[]).json();
    assert_eq!(*commit_of(&json, "a"), *commits.last().unwrap());
    for (number, commit) in (1..20).zip(&commits) {
        assert_eq!(*commit_of(&json, &format!("c{number:02}")), **commit);
    }
    let told = json["commits"].as_array().unwrap().iter();
    let told: Vec<_> = told.map(|commit| commit["id"].as_str().unwrap()).collect();
    commits.reverse();
    assert_eq!(told[..19], commits, "the latest first");
}

#[test]
fn plans_outside_of_git_have_none_and_ids_do_not_depend_on_it() {
    let repo = two_commits();
    let with = planned(&repo, &[]).json();
    assert_ne!(*commit_of(&with, "a"), Value::Null);
    let elsewhere = tempfile::tempdir().unwrap();
    write(elsewhere.path(), &{
        let mut files = project(&[("a", "1"), ("b", "1")]);
        publish(&mut files, "a", "2");
        files
    });
    let without = plan_in(elsewhere.path(), &[]).json();
    assert_eq!(*commit_of(&without, "a"), Value::Null);
    assert_eq!(without["base"]["commit"], Value::Null);
    assert_eq!(with["plan_id"], without["plan_id"]);
}

#[test]
fn the_manifests_own_change_is_a_diff() {
    let repo = Repo::new();
    let mut all = project(&[("a", "1")]);
    declare(&mut all, &format!("{}---\n{}", site(""), purge("one")));
    let base = repo.commit(&all).to_string();
    declare(&mut all, &format!("{}---\n{}", site(""), purge("two")));
    all.extend(files(&[(
        "purges/new.yaml",
        &purge("three").replace("sale", "other"),
    )]));
    repo.commit(&all);
    repo.check_out();
    for arguments in [
        vec!["--since", &base],
        vec!["--since", &base, "--to", "HEAD"],
    ] {
        let ran = planned(&repo, &arguments);
        let json = ran.json();
        let changes = json["manifest_changes"].as_array().unwrap();
        let files: Vec<_> = changes
            .iter()
            .map(|change| change["file"].as_str().unwrap())
            .collect();
        assert_eq!(files.len(), 2, "{json:#}");
        let lines: Vec<_> = changes
            .iter()
            .flat_map(|change| change["diff"].as_array().unwrap())
            .collect();
        for line in ["-  revision: one", "+  revision: two", "+  revision: three"] {
            assert!(lines.iter().any(|shown| **shown == line), "{lines:#?}");
        }
        let markdown = plan(&document(&json), Limit::COMMENT);
        assert!(
            markdown.contains("<summary>2 manifest files changed</summary>"),
            "{markdown}"
        );
        assert!(
            markdown.contains("\n-  revision: one\n+  revision: two\n"),
            "{markdown}"
        );
    }
}

/// The state says no revision, but the commit that recorded it does.
#[test]
fn a_key_that_once_stood_in_a_manifest_is_not_shown() {
    const STATE: &str = ".purgit/state.json";
    let repo = Repo::new();
    let mut all = project(&[("a", "1")]);
    write(repo.path(), &all);
    let ran = run(repo.path(), &["state", "baseline"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let state = std::fs::read_to_string(repo.path().join(STATE)).unwrap();
    let root = root_file(NO_API);
    let leaked = root.replace("{ env: KEY_VALUE }", "not-a-real-key");
    all.extend(files(&[("purgit.yaml", &leaked), (STATE, &state)]));
    repo.commit(&all);
    all.extend(files(&[("purgit.yaml", &root)]));
    publish(&mut all, "a", "2");
    repo.commit(&all);
    repo.check_out();
    for format in ["json", "markdown"] {
        let ran = run(repo.path(), &["plan", "--format", format]);
        assert!(ran.stdout.contains("KEY_VALUE"), "{ran:?}");
        assert!(!ran.stdout.contains("not-a-real-key"), "{ran:?}");
    }
}
