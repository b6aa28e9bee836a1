//! Plans that were approved: `plan --out`, `apply --plan`, `apply --expect-plan`.

use purgit::status::RunResult;
use serde_json::{Value, json};

use crate::common::{Output, World};
use crate::git::fixture::run_git;
use crate::site::fixture::site;

fn world() -> World {
    let world = World::new();
    world.purge("spring", &["/a.png", "/b.png"], &["/d/"], "1");
    world
}

fn saved(world: &World) -> Value {
    serde_json::from_str(&world.read("plan.json")).unwrap()
}

/// That a plan is refused since it is not the one that was approved, and nothing else happened.
#[track_caller]
fn assert_stale(world: &World, line: &str, expected: &[&str]) -> Output {
    let (state, posts) = (world.state(), world.posts());
    let mut output = world
        .run(line)
        .code(5)
        .stderr_has("error: the plan is not the one that was approved; nothing was purged\n");
    for text in expected {
        output = output.stderr_has(text);
    }
    assert_eq!(world.posts(), posts);
    assert_eq!(world.state(), state, "nothing is recorded, nor due");
    output
}

#[test]
fn a_saved_plan_is_carried_out_once() {
    let world = world();
    world
        .run("plan --out plan.json")
        .code(0)
        .stdout_has("/a.png")
        .stderr_has("`purgit apply --plan plan.json` carries out this plan only");
    let id = saved(&world)["plan_id"].as_str().unwrap().to_owned();
    world.run("apply --plan plan.json").code(0);
    assert_eq!(world.purged().len(), 3);
    assert_eq!(world.state().history[0].plan_id, id);
    assert_stale(
        &world,
        "apply --plan plan.json",
        &[
            "\n  state: there was none, and now there is one\n",
            "/a.png`: not in the plan any more\n",
            "hint: that plan was applied at 20",
            ", with exit code 0\n",
            "hint: there is nothing to purge now\n",
        ],
    );
    let run = world.status().last_run.unwrap();
    assert_eq!((run.exit_code, run.result), (5, RunResult::Failed));
}

#[test]
fn a_plan_with_nothing_in_it_can_be_approved_too() {
    let world = world();
    world.run("apply").code(0);
    world.run("plan --out plan.json").code(0);
    world.run("apply --plan plan.json").code(0);
    world
        .run("apply --plan plan.json --detailed-exitcode")
        .code(0);
}

#[test]
fn what_changed_since_is_named() {
    type Edit = fn(&World);
    let edits: [(Edit, &str); 4] = [
        (
            |world| world.purge("spring", &["/a.png", "/b.png"], &["/d/"], "2"),
            "`purge/spring/file/https://www.example.com/a.png`: after 1, now 2\n",
        ),
        (
            |world| world.purge("summer", &["/c.png"], &[], "1"),
            "`purge/summer/file/https://www.example.com/c.png`: new in the plan (added)\n",
        ),
        (
            |world| {
                world.edit("purgit.yaml", "timeout: 30s", "timeout: 31s");
            },
            "  the manifests changed: sha256:",
        ),
        (
            |world| {
                world.run("purge https://www.example.com/x.png").code(0);
            },
            "  state: there was none, and now there is one\n",
        ),
    ];
    for (edit, named) in edits {
        let world = world();
        world.run("plan --out plan.json").code(0);
        edit(&world);
        assert_stale(
            &world,
            "apply --plan plan.json",
            &[named, "hint: review the current plan, and approve that\n"],
        );
        world.run("plan --out plan.json").code(0);
        world.run("apply --plan plan.json").code(0);
    }
}

#[test]
fn content_that_changed_is_named() {
    let world = World::new();
    world.write("purges/docs.yaml", &site(""));
    for number in 0..20 {
        world.write(&format!("public/{number:02}.html"), "1");
    }
    // A plan among the content is none of it.
    world.run("plan --out public/plan.json").code(0);
    world.run("apply --plan public/plan.json").code(0);
    assert_eq!(world.purged().len(), 20);

    world.write("public/07.html", "2");
    world.run("plan --out public/plan.json").code(0);
    world.write("public/07.html", "3");
    let said = assert_stale(
        &world,
        "apply --plan public/plan.json",
        &["  `site/docs/07.html` (", "): after "],
    );
    assert_eq!(said.stderr.matches("\n  ").count(), 2, "{said:?}");
    for number in 0..20 {
        world.write(&format!("public/{number:02}.html"), "4");
    }
    // The plan of now is over a limit, too, but that is not the point.
    assert_stale(
        &world,
        "apply --plan public/plan.json",
        &["… and 16 more such differences\n"],
    );
}

#[test]
fn an_edited_file_is_refused() {
    let world = world();
    world.run("plan --out plan.json").code(0);
    let plan = saved(&world);
    for (pointer, value) in [
        ("/plan_id", json!(format!("sha256:{}", "0".repeat(64)))),
        ("/changes/0/url", json!("https://www.example.com/harmless")),
        (
            "/steps/0/files/0",
            json!("https://www.example.com/harmless"),
        ),
        ("/arguments/exclude", json!(["purge/spring/directory"])),
        ("/summary/files", json!(1)),
        ("/checks/1/detail", json!("harmless")),
        ("/quota/0/used", json!(1)),
    ] {
        let mut edited = plan.clone();
        *edited.pointer_mut(pointer).unwrap() = value;
        world.write("plan.json", &edited.to_string());
        assert_stale(&world, "apply --plan plan.json", &[]);
    }
    let mut edited = plan.clone();
    edited["timestamp"] = json!("2020-01-01T00:00:00Z");
    edited["tool_version"] = json!("9.9.9\n::error::x");
    world.write("plan.json", &edited.to_string());
    world
        .run("apply --plan plan.json")
        .code(0)
        .stderr_has("the plan was saved by purgit 9.9.9\\u{a}::error::x\n");
}

#[test]
fn a_file_that_is_no_saved_plan_is_an_error() {
    let world = world();
    world.run("plan --json-into plan.json").code(0);
    world
        .run("apply --plan plan.json")
        .code(1)
        .stderr_has("`plan.json` is a plan, but not a saved one\n")
        .stderr_has("hint: `purgit plan --out FILE` saves one\n");
    world
        .run("apply --plan nowhere.json")
        .code(1)
        .stderr_has("cannot read the plan `nowhere.json`: No such file");
    for (text, error) in [
        ("", "it is not the JSON of a plan"),
        (
            r#"{"format_version":"2.0"}"#,
            "its `format_version` is `2.0`",
        ),
    ] {
        world.write("plan.json", text);
        world
            .run("apply --plan plan.json")
            .code(1)
            .stderr_has(error);
        let json = world
            .run("apply --plan plan.json --format json")
            .code(1)
            .json();
        assert!(json["result"]["error"].as_str().unwrap().contains(error));
    }
    world.run("plan --out plan.json").code(0);
    world.edit("plan.json", r#""force": []"#, r#""force": ["nonsense"]"#);
    world
        .run("apply --plan plan.json")
        .code(1)
        .stderr_has("there is no check `nonsense`");
    assert_eq!(world.posts(), 0);
}

#[test]
fn options_of_a_saved_plan_are_in_the_file() {
    let world = world();
    world
        .run("plan --target purge/spring/file --out plan.json")
        .code(0);
    for (options, said) in [
        (
            "--target purge/spring",
            "which was made with `--target=purge/spring/file`",
        ),
        (
            "--exclude purge/spring/file",
            "which was made without `--exclude`",
        ),
        ("--since HEAD", "which was made without `--since`"),
        ("--force=max-urls", "which was made without `--force`"),
    ] {
        world
            .run(&format!("apply --plan plan.json {options}"))
            .code(64)
            .stderr_has("contradicts the saved plan")
            .stderr_has(said);
    }
    world
        .run("apply --plan plan.json --target purge/spring/file")
        .code(0);
    assert_eq!(world.purged().len(), 2, "as the plan was narrowed");
}

#[test]
fn a_refused_plan_is_saved_and_stays_refused() {
    let world = World::new();
    world.purge("root", &[], &["/"], "1");
    world.run("plan --out plan.json").code(4);
    world
        .run("apply --plan plan.json")
        .code(4)
        .stderr_has("hint: `--force` is part of a saved plan: give it to `purgit plan --out`\n");
    assert_eq!(world.posts(), 0);
    world
        .run("apply --plan plan.json --force=max-directories")
        .code(64);

    let refused = saved(&world)["plan_id"].clone();
    world
        .run("plan --out plan.json --force=max-directories:www")
        .code(0);
    assert_eq!(
        saved(&world)["plan_id"],
        refused,
        "what is forced is not what is purged"
    );
    world.run("apply --plan plan.json").code(0);
    assert_eq!(world.posts(), 1);
}

#[test]
fn a_check_that_fails_since_is_a_difference() {
    let world = world();
    world.run("plan --out plan.json").code(0);
    world.purge("root", &[], &["/"], "1");
    // The plan is another one, and that comes first.
    assert_stale(&world, "apply --plan plan.json", &["/`: new in the plan"]);
}

#[test]
fn git_revisions_are_those_of_then() {
    let world = World::new();
    world.write("purges/docs.yaml", &site(""));
    world.write(".gitignore", "/.purgit/\n/purgit.status.yaml\n");
    let commit = |content: &str| {
        world.write("public/about.html", content);
        let git = |arguments: &[&str]| run_git(&world.root(), arguments);
        git(&["add", "."]).and_then(|_| git(&["commit", "--quiet", "-m", content]))
    };
    if run_git(&world.root(), &["init", "--quiet"]).is_none() {
        return;
    }
    let _ = (commit("1"), commit("2").unwrap());
    let plan = "plan --since HEAD~1 --out ../plan.json";
    let apply = "apply --plan ../plan.json";
    world.run(plan).code(0);
    commit("3").unwrap();
    let lines = ["  git: the base revision: ", "  git: the revision wanted: "];
    let stale = assert_stale(&world, apply, &lines);
    assert!(!stale.stderr.contains("manifests changed"), "{stale:?}");
    world.run(plan).code(0);
    world.write("public/about.html", "4");
    let lines = [
        "  git: uncommitted changes: false, now true\n",
        "hint: the work tree has uncommitted changes, which are part of the plan\n",
    ];
    assert_stale(&world, apply, &lines);
    world.write("public/about.html", "3");
    world.run(apply).code(0);
    assert_eq!(world.posts(), 1);
}

#[test]
fn a_plan_is_expected_by_its_id() {
    let world = world();
    let plan = world.run("plan --format json").json();
    let id = plan["plan_id"].as_str().unwrap();
    let wrong = format!("sha256:{}", "0".repeat(64));
    let said = assert_stale(
        &world,
        &format!("apply --expect-plan {wrong}"),
        &[
            &format!("  plan id: {wrong} was approved, now {id}\n"),
            "hint: manifests, content, the state or the revisions compared are others",
        ],
    );
    assert!(
        said.stdout.contains("/a.png"),
        "the plan is shown: {said:?}"
    );
    let json = world
        .run(&format!("apply --format json --expect-plan {wrong}"))
        .code(5)
        .json();
    assert_eq!(json["plan_id"], id);
    assert_eq!(json["result"]["exit_code"], 5);

    for (typed, error) in [
        (
            "",
            "it is empty; is the variable set that should hold the plan id?",
        ),
        ("sha256:", "0 digits; a plan id has 64"),
        (&id[..18], "11 digits; a plan id has 64"),
        (&format!("{id}0"), "65 digits"),
        (
            "sha256:nonsense-not-hex",
            "a plan id is `sha256:` and 64 digits",
        ),
        ("SHA256:000000000000", "a plan id is"),
    ] {
        world
            .run_arguments(&["apply", "--expect-plan", typed])
            .code(64)
            .stderr_has(error);
    }
    assert_eq!(world.posts(), 0);
    world
        .run(&format!("apply --expect-plan {}", &id[..19]))
        .code(0);
    assert_stale(
        &world,
        &format!("apply --expect-plan {id}"),
        &[
            "hint: that plan was applied at ",
            "hint: there is nothing to purge now\n",
        ],
    );
    // The digits alone do as well.
    let empty = world.run("plan --format json").json();
    let digits = empty["plan_id"]
        .as_str()
        .unwrap()
        .strip_prefix("sha256:")
        .unwrap();
    world.run(&format!("apply --expect-plan {digits}")).code(0);
}

#[test]
fn a_file_and_an_id_must_both_fit() {
    let world = world();
    world.run("plan --out plan.json").code(0);
    let id = saved(&world)["plan_id"].as_str().unwrap().to_owned();
    let wrong = "0".repeat(12);
    assert_stale(
        &world,
        &format!("apply --plan plan.json --expect-plan {wrong}"),
        &[],
    );
    world
        .run(&format!("apply --plan plan.json --expect-plan {id}"))
        .code(0);
}

#[test]
fn what_is_saved_overwrites_nothing_of_the_project() {
    let world = world();
    world.run("apply").code(0);
    let files = world.files();
    for path in [
        "purgit.yaml",
        "purges/spring.yaml",
        "purges/new.yaml",
        ".purgit/state.json",
        "purgit.status.yaml",
        ".git/HEAD",
    ] {
        world
            .run(&format!("plan --out {path}"))
            .code(1)
            .stderr_has(&format!(
                "`--out {path}` would overwrite a file that belongs to the project\n"
            ));
    }
    world
        .run("plan --out plan.json --json-into plan.json")
        .code(1)
        .stderr_has("`--out plan.json` would overwrite");
    world
        .run("plan --out missing/plan.json")
        .code(1)
        .stderr_has("cannot write the plan to `missing/plan.json`");
    let caches = |path: &&std::path::PathBuf| !path.to_string_lossy().contains("cache");
    let left = world.files();
    assert_eq!(
        left.keys().filter(caches).collect::<Vec<_>>(),
        files.keys().filter(caches).collect::<Vec<_>>()
    );
}

#[test]
fn a_saved_plan_holds_no_key() {
    let world = world();
    world.run("plan --out plan.json").code(0);
    let key = purgit::emulator::azure_china_cdn::KEY_VALUE;
    assert!(!world.read("plan.json").contains(key));
}

#[test]
fn nobody_is_asked_about_what_was_approved() {
    for options in ["--plan plan.json", "--expect-plan "] {
        let world = world();
        world.run("plan --out plan.json").code(0);
        let id = saved(&world)["plan_id"].as_str().unwrap().to_owned();
        let id = if options.ends_with(' ') { &*id } else { "" };
        let line = format!("apply {options}{id}");
        let Some(process) = world.start_on_terminal(&line) else {
            return;
        };
        process.finish().code(0);
        assert_eq!(world.posts(), 1);
    }
}
