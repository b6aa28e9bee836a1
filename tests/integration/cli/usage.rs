//! What every command has: help, wrong usage, folders, colours, streams.

use std::process::Stdio;

use purgit::exit::Exit;

use crate::common::{Environment, World};

const COMMANDS: [&str; 12] = [
    "init",
    "validate",
    "plan",
    "apply",
    "comment",
    "status",
    "purge",
    "emulator",
    "demo",
    "schema",
    "completions",
    "man",
];

/// The contract's table, by number.
const CODES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 64, 130, 143];

#[test]
fn the_exit_codes_are_the_contract_s_and_in_the_help() {
    assert_eq!(Exit::ALL.map(Exit::code), CODES);
    let help = Environment::new()
        .run("--help")
        .code(0)
        .stderr_is_empty()
        .stdout;
    let table = help.split("Exit codes:\n").nth(1).unwrap();
    let listed: Vec<u8> = table
        .lines()
        .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(listed, CODES);
    for exit in Exit::ALL {
        assert!(table.contains(exit.meaning()), "{exit:?}");
    }
}

#[test]
fn help_and_version_are_data() {
    let env = Environment::new();
    let help = env.run("-h").code(0).stderr_is_empty().stdout;
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
        for flag in ["-h", "--help"] {
            let output = env.run(&format!("{command} {flag}"));
            output
                .code(0)
                .stderr_is_empty()
                .stdout_has(&format!("Usage: purgit {command}"));
        }
    }
    let output = env.run("--version").code(0).stderr_is_empty();
    // A development build does not name its commit, unless it is told.
    let before = format!("purgit {} (", env!("CARGO_PKG_VERSION"));
    let build = output.stdout.strip_prefix(&before).unwrap();
    let target = build
        .strip_suffix(")\n")
        .unwrap()
        .split(", ")
        .last()
        .unwrap();
    assert!(target.starts_with(std::env::consts::ARCH), "{target}");
    assert_eq!(env.run("-V"), output);
}

#[test]
fn wrong_usage_ends_with_64_and_prints_no_data() {
    let env = Environment::new();
    for line in [
        "",
        "nonsense",
        "plan --nonsense",
        "plan extra",
        "plan --format yaml",
        "plan --out",
        "apply --expect-plan=",
        "plan -q -v",
        "apply --no-wait --timeout 5s",
        "apply --timeout soon",
        "apply --force",
        "apply --force=quota:",
        "purge",
        "completions",
        "completions tcsh",
        "schema nonsense",
        "emulator --fault nonsense",
        "emulator --listen nowhere",
        "emulator --edge-listen 127.0.0.1:0",
        "--color sometimes plan",
        "-C",
        "help nonsense",
    ] {
        let output = env.run(line).code(64).stdout_is_empty();
        assert!(!output.stderr.is_empty(), "{line}");
    }
    env.run("plam").code(64).stderr_has("'plan'");
    env.run("apply --force=max-url")
        .code(64)
        .stderr_has("there is no check `max-url`")
        .stderr_has("`max-change-percent`, `max-urls`, `max-directories`, `quota`");
}

#[test]
fn what_is_slightly_wrong_is_answered_with_what_to_type() {
    let env = Environment::new();
    env.run("apply --timeout 5")
        .code(64)
        .stderr_has("it has no unit; write `5s` for seconds, `5m` for minutes");
    for text in ["soon", "0.5", "-1", "5 parsecs"] {
        env.run_arguments(&["apply", &format!("--timeout={text}")])
            .code(64)
            .stderr_has("write a whole number with a unit, as in `90s`, `10m` or `1h30m`");
    }
    env.run("apply --force").code(64).stderr_has(
        "max-change-percent, max-urls, max-directories, quota, max-collateral, empty-source",
    );
    // As good as with an equals sign.
    env.run("apply --force max-urls:www")
        .code(1)
        .stderr_has("there is no `purgit.yaml`");
    let plan = env.run("plan --help").code(0).stdout;
    assert_eq!(env.run("help plan").code(0).stdout, plan);
    env.run("help").code(0).stdout_has("Usage: purgit");
    for shell in ["bash", "zsh", "fish"] {
        env.run(&format!("completions {shell}"))
            .code(0)
            .stdout_has("max-change-percent");
    }
}

#[test]
fn the_manual_has_each_option_once() {
    let manual = Environment::new().run("man").code(0).stdout;
    assert_eq!(
        manual.matches("\\fB\\-\\-log\\-format\\fR").count(),
        2,
        "synopsis, list"
    );
    assert!(
        manual.contains(".SS \"purgit state baseline\"\n"),
        "{manual}"
    );
    assert!(!manual.contains("purgit help"), "{manual}");
}

#[test]
fn a_place_is_named_from_where_the_user_stands() {
    let world = World::new();
    world.purge("spring", &["ftp://nonsense"], &[], "1");
    world.write("src/deep/file.txt", "");
    for line in ["validate", "plan"] {
        world
            .run_in("src/deep", line)
            .code(1)
            .stderr_has("--> ../../purges/spring.yaml:8:7");
        world
            .run(line)
            .code(1)
            .stderr_has("--> purges/spring.yaml:8:7");
    }
    world.purge("spring", &["/a.png"], &[], "1");
    world
        .run_in("src", "plan --explain https://www.example.com/a.png")
        .code(0)
        .stdout_has("  Manifest  ../purges/spring.yaml:8:7\n");
}

#[test]
fn a_project_is_found_from_a_folder_below_and_through_c() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.write("src/deep/file.txt", "");
    world
        .run_in("src/deep", "apply")
        .code(0)
        .stdout_has("1 Succeeded");
    assert!(world.exists(".purgit/state.json"));
    assert!(world.exists("purgit.status.yaml"));
    assert!(!world.exists("src/deep/.purgit"));

    let elsewhere = world.root().parent().unwrap().join("home");
    let root = world.root().display().to_string();
    for arguments in [["-C", &root, "plan"], ["plan", "-C", &root]] {
        let mut command = world.command(&arguments);
        command.current_dir(&elsewhere);
        let output = command.output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("No changes"));
    }
    world
        .run("-C missing plan")
        .code(1)
        .stdout_is_empty()
        .stderr_has("cannot change to `missing`");
}

#[test]
fn what_a_command_takes_is_listed_before_what_every_command_takes() {
    let env = Environment::new();
    for line in ["plan --help", "plan -h", "state list --help", "emulator -h"] {
        let help = env.run(line).code(0).stdout;
        let (own, every) = help.split_once("Options of every command:").unwrap();
        assert!(own.contains("--help"), "{line}: {help}");
        for option in ["-C <DIR>", "--color", "--quiet", "--log-format"] {
            assert!(!own.contains(option), "{line}: {own}");
            assert!(every.contains(option), "{line}: {every}");
        }
    }
}

#[test]
fn without_a_project_every_command_that_needs_one_says_what_to_do() {
    let env = Environment::new();
    for line in [
        "validate",
        "plan",
        "apply",
        "status",
        "purge https://a.example/",
    ] {
        env.run(line)
            .code(1)
            .stdout_is_empty()
            .stderr_has("there is no `purgit.yaml` in this folder or one above it")
            .stderr_has("purgit init");
    }
    assert_eq!(env.files().len(), 0, "nothing is left behind");
}

#[test]
fn colour_is_where_it_is_wanted_and_carries_no_meaning_alone() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let escape = "\u{1b}[";
    let plain = world.run("plan").code(0).stdout_lacks(escape);
    world.run("--color never plan").stdout_lacks(escape);
    world
        .run_with("NO_COLOR", "1", "plan")
        .stdout_lacks(escape)
        .stderr_lacks(escape);
    let coloured = world.run("plan --color always").stdout_has(escape);
    let stripped = anstream::adapter::strip_str(&coloured.stdout).to_string();
    assert_eq!(stripped, plain.stdout);
    world
        .run_with("CLICOLOR_FORCE", "1", "plan")
        .stdout_has(escape);
    world
        .run_with("CLICOLOR_FORCE", "1", "plan --color never")
        .stdout_lacks(escape);
    // JSON is for programs.
    world
        .run("plan --format json --color always")
        .stdout_lacks(escape);
}

#[test]
fn data_goes_to_stdout_and_progress_to_stderr() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let output = world.run("apply --format json").code(0);
    assert_eq!(output.json()["result"]["exit_code"], 0);
    output
        .stderr_has("[www] submitting 1 URL\n")
        .stderr_has("[www] accepted 1 URL as task ")
        .stderr_has("[www] 1 URL Succeeded\n");
    world.purge("spring", &["/a.png"], &[], "2");
    world
        .run("apply")
        .code(0)
        .stdout_has("Applied: 1 Succeeded in 1 request")
        .stdout_lacks("submitting");
}

#[test]
fn quiet_leaves_data_and_errors() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world
        .run("-q apply")
        .code(0)
        .stderr_is_empty()
        .stdout_has("Applied:");
    world.purge("spring", &["ftp://nonsense"], &[], "1");
    world.run("plan --quiet").code(1).stderr_has("error");
}

#[test]
fn logs_go_to_stderr_for_those_who_ask() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let logged = world
        .run_with("PURGIT_LOG", "trace", "apply --log-format json")
        .code(0);
    let lines = logged
        .stderr
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON line"));
    assert!(lines.count() > 0, "{logged:?}");
    let quiet = world.run("plan").code(0).stderr_is_empty();
    let loud = world.run("-vvv plan").code(0);
    assert_eq!(loud.stdout, quiet.stdout, "data is data");
}

#[test]
fn a_reader_who_leaves_is_no_reason_to_panic() {
    let world = World::new();
    let files: Vec<String> = (0..5000).map(|number| format!("/{number}.png")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    world.purge("spring", &files, &[], "1");
    for line in ["plan", "plan --format json", "schema", "man", "--help"] {
        let words: Vec<_> = line.split(' ').collect();
        let mut command = world.command(&words);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{line}: {stderr}");
        assert!(output.status.code().is_some(), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn data_that_could_not_be_written_is_an_error() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    for line in [
        "plan",
        "plan --format json",
        "validate",
        "schema",
        "--help",
        "plan -h",
        "--version",
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = world.command(&words).stdout(full).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {stderr}");
        assert!(
            stderr.contains("cannot write to stdout"),
            "{line}: {stderr}"
        );
    }
}
