//! What CI systems are told: values, summaries, annotations, reports; and nothing elsewhere.

use std::fs;

use serde_json::{Value, json};

use crate::common::{Output, World};

const OUTPUT: &str = "step-output";
const SUMMARY: &str = "step-summary";

/// A project in a folder of a repository that GitHub Actions has checked out.
fn actions() -> World {
    let mut world = World::new();
    let at = |name: &str| world.folder().join(name).display().to_string();
    let files = [OUTPUT, SUMMARY, ""].map(at);
    world.set("CI", "true");
    world.set("GITHUB_ACTIONS", "true");
    world.set("GITHUB_OUTPUT", &files[0]);
    world.set("GITHUB_STEP_SUMMARY", &files[1]);
    world.set("GITHUB_WORKSPACE", &files[2]);
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world
}

fn file(world: &World, name: &str) -> String {
    fs::read_to_string(world.folder().join(name)).unwrap_or_default()
}

/// Runs a command line, and hands back what the step's values are then.
fn values(world: &World, line: &str) -> (Output, Vec<String>) {
    let _ = fs::remove_file(world.folder().join(OUTPUT));
    let output = world.run(line);
    let values = file(world, OUTPUT);
    (output, values.lines().map(str::to_owned).collect())
}

#[track_caller]
fn assert_values(world: &World, line: &str, code: i32, plan: Option<usize>) {
    let (output, values) = values(world, line);
    let output = output.code(code);
    let [changes, count, id] = match plan {
        None => ["", "", ""].map(str::to_owned),
        Some(number) => {
            let planned = world.run("plan --format json").json();
            let id = match line.contains("apply") && code == 0 {
                true => values[2].strip_prefix("plan_id=").unwrap().to_owned(),
                false => planned["plan_id"].as_str().unwrap().to_owned(),
            };
            [(number > 0).to_string(), number.to_string(), id]
        }
    };
    let expected = [
        format!("changes={changes}"),
        format!("changes_count={count}"),
        format!("plan_id={id}"),
        format!("exitcode={code}"),
    ];
    assert_eq!(values, expected, "{line}: {output:?}");
}

#[test]
fn values_are_told_however_it_ends() {
    let mut world = actions();
    assert_values(&world, "plan", 0, Some(2));
    assert_values(&world, "plan --detailed-exitcode", 2, Some(2));
    assert_values(&world, "plan --format json", 0, Some(2));
    assert_values(&world, "plan --nonsense", 64, None);
    assert_values(&world, "plan --target purge/nowhere", 1, None);
    assert_values(&world, "-C nowhere plan", 1, None);
    assert_values(&world, "apply --plan nowhere.json", 1, None);
    assert_values(&world, "apply --expect-plan 000000000000", 5, Some(2));
    let key = "AZURE_CDN_KEY_VALUE";
    world.unset(key);
    assert_values(&world, "apply", 7, Some(2));
    world.set(key, purgit::emulator::azure_china_cdn::KEY_VALUE);
    world.fault("fail-url=**/b.png*1");
    let (failed, told) = values(&world, "apply");
    assert_eq!(told.last().unwrap(), "exitcode=3", "{failed:?}");
    assert_values(&world, "apply", 0, Some(1));
    assert_values(&world, "apply --detailed-exitcode", 0, Some(0));
    world.purge("root", &[], &["/"], "1");
    assert_values(&world, "plan", 4, Some(1));
    assert_values(&world, "apply", 4, Some(1));
    world.edit("purges/root.yaml", "revision:", "revison:");
    assert_values(&world, "plan", 1, None);
    assert_values(&world, "apply --format json", 1, None);
    // Others are not about a plan.
    let (_, told) = values(&world, "status");
    assert_eq!(told, [""; 0]);
}

#[test]
fn values_stand_behind_those_of_others() {
    let world = actions();
    let path = world.folder().join(OUTPUT);
    fs::write(&path, "theirs=1").unwrap();
    world.run("plan").code(0);
    let text = file(&world, OUTPUT);
    assert!(text.starts_with("theirs=1\nchanges=true\n"), "{text}");
}

#[test]
fn the_plan_is_in_the_summary() {
    let world = actions();
    world.run("plan").code(0);
    let planned = file(&world, SUMMARY);
    let markdown = world
        .run_with("GITHUB_ACTIONS", "", "plan --format markdown")
        .stdout;
    assert_eq!(planned, markdown);

    world.fault("fail-url=**/b.png*1");
    world.run("apply").code(3);
    let both = file(&world, SUMMARY);
    let applied = both.strip_prefix(&planned).unwrap();
    assert!(
        applied.starts_with(
            "\n### 1 `Failed` and 1 `Succeeded` in 1 request\n\nExit code 3. What failed stays planned: \
             the next `purgit apply` tries it again.\n\n- Failed "
        ),
        "{applied}"
    );
    assert!(
        applied.contains("\n- Failed `purge/spring/file/https://www.example.com/b.png`"),
        "{applied}"
    );
    assert!(
        applied.contains("\n\n### Planned: 2 files on `www`\n"),
        "{applied}"
    );
    assert!(!applied.contains("--expect-plan"), "it was: {applied}");

    world.run("apply --expect-plan 000000000000").code(5);
    let stale = file(&world, SUMMARY);
    assert!(
        stale[both.len()..]
            .starts_with("\n### Nothing was purged\n\nExit code 5.\n\n`the plan is not the one"),
        "{stale}"
    );
    // Whoever approves what is planned now finds its id.
    let id = world.run("plan --format json").json();
    let id = format!(
        "\npurgit apply --expect-plan={}\n",
        id["plan_id"].as_str().unwrap()
    );
    assert!(stale[both.len()..].contains(&id), "{stale}");
}

/// Commits all that is in the project's folder.
fn commit(world: &World) -> String {
    let repository = git2::Repository::init(world.root()).unwrap();
    let mut index = repository.index().unwrap();
    index
        .add_all(["*"], git2::IndexAddOption::DEFAULT, None)
        .unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let someone = git2::Signature::now("n", "e").unwrap();
    let parent = repository
        .head()
        .ok()
        .map(|head| head.peel_to_commit().unwrap());
    let parents: Vec<_> = parent.iter().collect();
    let id = repository.commit(Some("HEAD"), &someone, &someone, "m", &tree, &parents);
    id.unwrap().to_string()
}

/// `apply` tells of a plan what `plan` tells of it.
#[test]
fn what_git_tells_is_told_of_what_was_applied() {
    let world = actions();
    world.run("apply").code(0);
    commit(&world);
    world.purge("spring", &["/a.png", "/c.png"], &[], "2");
    let second = commit(&world);
    let planned = world.run("plan --format json").json();
    assert_eq!(planned["base"]["commit"], second);
    let told = |line: &str, code| {
        let _ = fs::remove_file(world.folder().join(SUMMARY));
        let told = world.run(line).code(code);
        let summary = file(&world, SUMMARY);
        assert!(
            summary.contains("<summary>1 manifest file changed</summary>"),
            "{line}: {summary}"
        );
        assert!(
            summary.contains("\n+  revision: \"2\"\n"),
            "{line}: {summary}"
        );
        told
    };
    told("apply --expect-plan 000000000000", 5);
    let applied = told("apply --format json --json-into plan.json", 0).json();
    let kept: Value = serde_json::from_str(&world.read("plan.json")).unwrap();
    for field in ["changes", "manifests", "manifest_changes"] {
        assert_eq!(applied[field], planned[field], "{field}");
        assert_eq!(kept[field], planned[field], "{field}");
    }
}

#[test]
fn the_summary_is_never_too_large() {
    const LIMIT: usize = 1_000_000;
    let world = actions();
    let files: Vec<_> = (0..3000)
        .map(|n| format!("/größe/{n:04}/{}", "x".repeat(400)))
        .collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    world.purge("large", &files, &[], "1");
    let path = world.folder().join(SUMMARY);
    for used in [0, 990_000] {
        fs::write(&path, "y".repeat(used)).unwrap();
        world.run("plan").code(4).stderr_lacks("summary");
        let size = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
        assert!(size > used + 1000 && size <= LIMIT, "{used}: {size}");
        assert!(
            used == 0 || size > LIMIT - 5000,
            "all of the room is used: {used}: {size}"
        );
    }
    for used in [999_900, LIMIT + 1] {
        fs::write(&path, "y".repeat(used)).unwrap();
        world
            .run("plan")
            .code(4)
            .stderr_has("warning: cannot write the step's summary to `")
            .stderr_has("other commands of the step have filled it");
        assert_eq!(fs::metadata(&path).unwrap().len(), used as u64);
    }
}

#[test]
fn what_cannot_be_told_is_a_warning() {
    let mut world = actions();
    world.set("GITHUB_OUTPUT", "/nowhere/output");
    world.set("GITHUB_STEP_SUMMARY", "/nowhere/summary");
    world
        .run("plan --dotenv /nowhere/env --terraform-report /nowhere/report --detailed-exitcode")
        .code(2)
        .stderr_has("warning: cannot write values of the step to `/nowhere/output`: No such file")
        .stderr_has("warning: cannot write the step's summary to `/nowhere/summary`")
        .stderr_has("warning: cannot write variables to `/nowhere/env`")
        .stderr_has("warning: cannot write the plan to `/nowhere/report`");
}

#[test]
fn elsewhere_nothing_is_written() {
    for (variable, value) in [
        ("GITHUB_ACTIONS", "false"),
        ("GITLAB_CI", "true"),
        ("TF_BUILD", "True"),
    ] {
        let mut world = actions();
        world.unset("GITHUB_ACTIONS");
        world.set(variable, value);
        world.set("PURGIT_DOTENV", "");
        world.run("plan").code(0).stderr_lacks("::");
        world.run("apply").code(0);
        assert_eq!(
            file(&world, OUTPUT) + &file(&world, SUMMARY),
            "",
            "{variable}"
        );
    }
}

#[test]
fn problems_are_annotated_below_the_repository() {
    let world = actions();
    world.edit("purges/spring.yaml", "endpoint: www", "endpoint: wwv");
    let place = "::error file=project/purges/spring.yaml,line=5,col=13,";
    let plan = world.run("plan --format json").code(1).stdout_is_empty();
    assert_eq!(plan.stderr.matches("\n::error ").count(), 1, "{plan:?}");
    assert!(plan.stderr.contains(place), "{plan:?}");
    world.run_in("purges", "apply").code(1).stderr_has(place);
    world
        .run("validate --format github")
        .code(1)
        .stdout_has(place)
        .stderr_lacks("::");
    world
        .run_in("purges", "validate --format github")
        .code(1)
        .stdout_has(place);
}

#[test]
fn without_a_workspace_the_repository_is_looked_for() {
    let mut world = actions();
    world.edit("purges/spring.yaml", "endpoint: www", "endpoint: wwv");
    world.unset("GITHUB_WORKSPACE");
    let line = "validate --format github";
    world
        .run(line)
        .stdout_has("::error file=purges/spring.yaml,");
    fs::create_dir(world.folder().join(".git")).unwrap();
    world
        .run(line)
        .stdout_has("::error file=project/purges/spring.yaml,");
}

#[test]
fn a_refusal_and_what_failed_are_annotated() {
    let world = actions();
    world.purge("root", &[], &["/"], "1");
    let plan = world.run("plan --format json").code(4);
    assert!(plan.json()["applyable"] == false, "stdout is JSON alone");
    let refused =
        "::error title=purgit::max-directories: [www] https://www.example.com/ is a root directory";
    assert!(
        plan.stderr.lines().any(|line| line.starts_with(refused)),
        "{plan:?}"
    );

    let many: Vec<_> = (0..12).map(|n| format!("/{n:02}.png")).collect();
    world.purge(
        "root",
        &many.iter().map(String::as_str).collect::<Vec<_>>(),
        &[],
        "1",
    );
    world.fault("fail-url=**/??.png*1");
    let applied = world.run("apply").code(3).stderr;
    let errors: Vec<_> = applied
        .lines()
        .filter(|line| line.starts_with("::error"))
        .collect();
    assert_eq!(errors.len(), 10, "{applied}");
    assert!(
        errors[0].starts_with(
            "::error title=purgit::Failed `purge/root/file/https://www.example.com/00.png`"
        ),
        "{applied}"
    );
    assert!(
        errors[9].starts_with("::error title=purgit::3 more errors%0A"),
        "{applied}"
    );
    world.purge("slow", &["/slow.png"], &[], "1");
    world.fault("stuck");
    let running = world.run("apply --timeout 200ms").code(8);
    assert!(
        running
            .stderr
            .contains("\n::warning title=purgit::not everything is confirmed yet"),
        "{running:?}"
    );
}

#[test]
fn no_text_of_others_is_a_command() {
    let world = actions();
    let hostile = r"::set-output name=a::b%0A\n::error::forged\n##[error]forged";
    world.edit(
        "purges/spring.yaml",
        "revision: \"1\"",
        &format!("revision: \"{hostile}\""),
    );
    for line in [
        "plan",
        "plan --format json",
        "plan --format markdown",
        "apply",
        "status --all",
    ] {
        let output = world.run(line);
        for text in [&output.stdout, &output.stderr, &file(&world, SUMMARY)] {
            let forged = |line: &&str| {
                let line = line.trim_start();
                line.starts_with("::") || line.contains("##[")
            };
            assert_eq!(text.lines().find(forged), None, "{line}: {output:?}");
        }
    }
}

#[test]
fn gitlab_gets_variables() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    fs::write(
        world.root().join("build.env"),
        "THEIRS=1\nPURGIT_CHANGES=old\n",
    )
    .unwrap();
    let id = |world: &World| {
        world.run("plan --format json").json()["plan_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let planned = id(&world);
    world.run("plan --dotenv build.env").code(0);
    assert_eq!(
        world.read("build.env"),
        format!(
            "THEIRS=1\nPURGIT_CHANGES=true\nPURGIT_CHANGES_COUNT=1\nPURGIT_PLAN_ID={planned}\nPURGIT_EXITCODE=0\n"
        )
    );
    // The next one replaces them; by the environment too, and whatever the end.
    let wrong = world.run_with("PURGIT_DOTENV", "build.env", "apply --expect-plan nonsense");
    wrong.code(64);
    assert_eq!(
        world.read("build.env"),
        "THEIRS=1\nPURGIT_CHANGES=\nPURGIT_CHANGES_COUNT=\nPURGIT_PLAN_ID=\nPURGIT_EXITCODE=64\n"
    );
    world
        .run_with("PURGIT_DOTENV", "build.env", "apply")
        .code(0);
    assert!(
        world
            .read("build.env")
            .ends_with(&format!("PURGIT_PLAN_ID={planned}\nPURGIT_EXITCODE=0\n"))
    );
    world
        .run("plan --dotenv purges/spring.yaml")
        .code(1)
        .stderr_has(
            "`--dotenv purges/spring.yaml` would overwrite a file that belongs to the project",
        );
}

#[test]
fn gitlab_gets_counts() {
    let world = World::new();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world.run("apply").code(0);
    world.purge("spring", &["/a.png", "/b.png", "/c.png"], &[], "2");
    world.run("plan --terraform-report report.json").code(0);
    let report: Value = serde_json::from_str(&world.read("report.json")).unwrap();
    assert_eq!(report, json!({ "create": 1, "update": 2, "delete": 0 }));
}

#[test]
fn gitlab_gets_a_code_quality_report() {
    let mut world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    assert_eq!(
        world.run("validate --format gitlab").code(0).json(),
        json!([])
    );
    world.edit("purges/spring.yaml", "endpoint: www", "endpoint: wwv");
    let top = world.folder().display().to_string();
    world.set("GITLAB_CI", "true");
    world.set("CI_PROJECT_DIR", &top);
    let output = world
        .run("validate --format gitlab")
        .code(1)
        .stderr_has("did you mean `www`");
    let report = output.json();
    assert_eq!(report.as_array().unwrap().len(), 1, "{report:#}");
    assert_eq!(
        report[0]["location"],
        json!({ "path": "project/purges/spring.yaml", "lines": { "begin": 5 } })
    );
    assert_eq!(report[0]["severity"], "major");
    let fingerprint = report[0]["fingerprint"].as_str().unwrap();
    assert_eq!(fingerprint.len(), 64);
}
