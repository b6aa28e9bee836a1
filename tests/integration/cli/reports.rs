//! What `apply` reports: one JSON document on every path, and each cause once.

use std::time::Duration;

use purgit::state::StateStore as _;
use serde_json::{Value, json};

use crate::common::{Output, World};
use crate::state_fixture::holder;

/// The one document on stdout, which is as its schema says.
#[track_caller]
fn document(output: &Output) -> Value {
    let document = output.json();
    let schema = World::new().run("schema plan").code(0).json();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let problems: Vec<_> = validator.iter_errors(&document).collect();
    assert!(problems.is_empty(), "{problems:?}");
    let code = document["result"]["exit_code"].as_i64().unwrap();
    assert_eq!(Some(code), output.code.map(i64::from), "{document:#}");
    document
}

fn world() -> World {
    let world = World::new();
    world.purge("spring", &["/a.png"], &["/d/"], "1");
    world
}

#[test]
fn apply_prints_one_document_on_every_path() {
    type Trouble = fn(&mut World);
    // With the exit code, whether there is a plan, and what the error says.
    let cases: [(&str, Trouble, i32, bool, &str); 7] = [
        (
            "a key is missing",
            |world| world.unset("AZURE_CDN_KEY_VALUE"),
            7,
            true,
            "environment variable `AZURE_CDN_KEY_VALUE` is not set",
        ),
        (
            "a check refuses it",
            |world| world.purge("all", &[], &["/"], "1"),
            4,
            true,
            "the plan is refused by a safety check",
        ),
        (
            "the state is damaged",
            |world| world.write(".purgit/state.json", "{"),
            1,
            false,
            "is not a purgit state",
        ),
        (
            "the status is foreign",
            |world| world.write("purgit.status.yaml", "mine: true\n"),
            1,
            false,
            "is not a status that purgit wrote",
        ),
        (
            "a target is none",
            |world| world.write("unused", ""),
            1,
            false,
            "no entry has an address like `nothing`",
        ),
        (
            "there is no git",
            |world| world.write("unused", ""),
            1,
            false,
            "not in a git repository",
        ),
        (
            "a manifest is broken",
            |world| world.write("purges/broken.yaml", "kind: ["),
            1,
            false,
            "the manifests have 1 error",
        ),
    ];
    for (name, trouble, code, has_plan, error) in cases {
        let mut world = world();
        trouble(&mut world);
        let more = match name {
            "a target is none" => " --target nothing",
            "there is no git" => " --since HEAD",
            _ => "",
        };
        let output = world.run(&format!("apply --format json{more}")).code(code);
        let document = document(&output);
        let said = document["result"]["error"].as_str().unwrap();
        assert!(said.contains(error), "{name}: {said}");
        assert!(output.stderr.contains(error), "{name}: {output:?}");
        let planned = document["summary"]["purge"].as_i64().unwrap() > 0;
        assert_eq!(planned, has_plan, "{name}: {document:#}");
        assert_eq!(document["plan_id"] == "", !has_plan, "{name}");
        assert_eq!(world.posts(), 0, "{name}");
    }
}

#[test]
fn apply_prints_a_document_when_another_process_holds_the_lock() {
    let world = world();
    let _lock = world
        .store()
        .lease(&holder("apply"), Duration::from_secs(60))
        .unwrap();
    let output = world.run("apply --format json --lock-timeout 0s").code(6);
    let document = document(&output);
    let error = document["result"]["error"].as_str().unwrap();
    assert!(error.contains("the state is locked"), "{error}");
    assert_eq!(document["applyable"], false);
}

#[test]
fn a_run_that_went_well_has_no_error() {
    let world = world();
    let document = document(&world.run("apply --format json").code(0));
    assert_eq!(document["result"]["error"], Value::Null);
    assert_eq!(document["result"]["entries"].as_array().unwrap().len(), 2);
}

/// Twelve requests of one URL each, of which none gets through.
fn refused() -> (World, Output) {
    let world = World::builder().limits("itemsPerRequest: 1").build();
    let files: Vec<_> = (10..22).map(|number| format!("/{number}.png")).collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    world.purge("spring", &files, &[], "1");
    world.fault("error=MaliciousItemPathDetected@purge*always");
    let output = world.run("apply").code(3);
    (world, output)
}

#[test]
fn each_cause_is_said_once_with_figures_and_examples() {
    let (world, output) = refused();
    let failed: Vec<_> = output
        .stdout
        .lines()
        .filter(|line| line.starts_with("Failed"))
        .collect();
    let [failed] = failed[..] else {
        panic!("{output:?}");
    };
    assert!(
        failed.starts_with(
            "Failed [www] 12 entries: the CDN refused the request with `MaliciousItemPathDetected`"
        ),
        "{failed}"
    );
    assert!(
        failed.ends_with(
            "; for example https://www.example.com/10.png, https://www.example.com/11.png, \
             https://www.example.com/12.png"
        ),
        "{failed}"
    );
    let notices = output.stderr.matches("MaliciousItemPathDetected").count();
    assert_eq!(notices, 1, "{output:?}");

    let status = world.status();
    let message = &status.manifests[0].conditions[0].message;
    assert!(
        message.starts_with("12 of 12 entries failed: the CDN refused"),
        "{message}"
    );
    assert_eq!(message.matches("MaliciousItemPathDetected").count(), 1);
    assert_eq!(status.manifests[0].outcomes.len(), 12);
}

#[test]
fn what_is_tried_again_and_again_is_said_once_with_its_figure() {
    let world = World::builder().limits("itemsPerRequest: 1").build();
    let files: Vec<_> = (10..18).map(|number| format!("/{number}.png")).collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    world.purge("spring", &files, &[], "1");
    world.fault("throttle@purge*6");
    let output = world.run("apply").code(0);
    assert_eq!(
        output.stderr.matches("trying again in").count(),
        1,
        "{output:?}"
    );
    output.stderr_has("tried again 5 more times: [www] ");
}

#[test]
fn json_lists_every_entry_all_the_same() {
    let (world, _) = refused();
    world.cdn.clear_faults();
    let document = document(&world.run("apply --format json").code(0));
    let entries = document["result"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 12);
    assert!(
        entries
            .iter()
            .all(|entry| entry["outcome"] == json!("Succeeded"))
    );
}

/// The lines on stderr of an apply of that many requests, of one URL each.
fn progress(requests: usize) -> String {
    let world = World::builder().limits("itemsPerRequest: 1").build();
    let files: Vec<_> = (0..requests)
        .map(|number| format!("/{number}.png"))
        .collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    world.purge("spring", &files, &[], "1");
    world.run("apply").code(0).stderr
}

#[test]
fn into_a_pipe_each_of_a_few_requests_is_told_and_of_many_none() {
    assert_eq!(progress(3).matches("accepted 1 URL as task").count(), 3);
    assert_eq!(progress(4), "");
}

#[test]
fn a_resumed_run_names_a_few_tasks_and_counts_the_others() {
    let world = World::builder().limits("itemsPerRequest: 1").build();
    let files: Vec<_> = (0..8).map(|number| format!("/{number}.png")).collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    world.purge("spring", &files, &[], "1");
    world.fault("stuck");
    world.run("apply --no-wait").code(8);
    world.finish("");
    let output = world.run("apply").code(0);
    assert_eq!(
        output.stderr.matches("resuming task").count(),
        3,
        "{output:?}"
    );
    output.stderr_has("resuming 5 more tasks with 5 entries\n");
}

#[test]
fn a_failed_connection_is_one_sentence_and_the_log_has_the_rest() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.edit("purgit.yaml", &world.cdn.api_url(), "http://127.0.0.1:1");
    let run = |line| {
        let process = world.start(line);
        process.wait_for_stderr("trying again");
        process.signal("INT");
        process.finish().code(130)
    };
    let output = run("apply");
    let line = output
        .stderr
        .lines()
        .find(|line| line.contains("trying again"));
    let line = line.unwrap();
    assert!(
        line.contains(": cannot connect: Connection refused (os error "),
        "{output:?}"
    );
    assert!(
        !output.stderr.contains("error sending request"),
        "{output:?}"
    );
    run("-v apply").stderr_has("error sending request");
}

#[test]
fn a_failure_has_one_hint() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("drop-after@purge*always");
    let output = world.run("apply").code(3);
    let hints: Vec<_> = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("hint:"))
        .collect();
    assert_eq!(
        hints,
        ["hint: what failed stays planned: run `purgit apply` again"]
    );
}
