//! Releases: what the workflow packages is what the script installs, or nothing is. On Unix, where both
//! run; the folder of a release stands in for the server.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the bodies of tests for tests"
)]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;
use tempfile::TempDir;

/// What the script's tools are called. `curl` is not among them: nothing is downloaded in tests.
const TOOLS: [&str; 13] = [
    "sh",
    "awk",
    "cat",
    "chmod",
    "cp",
    "gzip",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "sed",
    "sha256sum",
    "tar",
];

const TARGET: &str = "x86_64-unknown-linux-musl";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The shell code of a step of the release workflow.
fn step(name: &str) -> String {
    let text = fs::read_to_string(repository(".github/workflows/release.yml")).unwrap();
    let workflow: Json = serde_saphyr::from_str(&text).unwrap();
    let jobs = workflow["jobs"].as_object().unwrap().values();
    let mut steps = jobs.flat_map(|job| job["steps"].as_array().unwrap());
    let step = steps.find(|step| step["name"] == name).expect(name);
    let code = step["run"].as_str().unwrap().to_owned();
    assert!(
        !code.contains("${{"),
        "values come in by the environment: {code}"
    );
    code
}

/// A released version, and a home to install it in.
pub(crate) struct Release {
    folder: TempDir,
}

impl Release {
    /// Packages a program of that code with the workflow's own steps.
    pub(crate) fn new(program: &str) -> Self {
        let release = Self {
            folder: TempDir::with_prefix("purgit-release-").unwrap(),
        };
        let built = release.at(&format!("target/{TARGET}/release"));
        fs::create_dir_all(&built).unwrap();
        fs::create_dir(release.at("docs")).unwrap();
        script(&built.join("purgit"), program);
        for file in ["LICENSE", "docs/install.sh"] {
            fs::copy(repository(file), release.at(file)).unwrap();
        }
        for name in ["Package", "Try", "Checksums"] {
            let output = release.workflow(name);
            assert!(output.status.success(), "{name}: {}", said(&output));
        }
        let bin = release.at("bin");
        fs::create_dir(&bin).unwrap();
        script(
            &bin.join("uname"),
            "case $1 in -s) echo ${SYSTEM-Linux} ;; *) echo ${MACHINE-x86_64} ;; esac",
        );
        let path = std::env::var_os("PATH").unwrap();
        for tool in TOOLS {
            let mut folders = std::env::split_paths(&path);
            let found = folders.find(|folder| folder.join(tool).exists());
            let found = found.unwrap_or_else(|| panic!("no `{tool}`")).join(tool);
            std::os::unix::fs::symlink(found, bin.join(tool)).unwrap();
        }
        for folder in ["releases/latest/download", "releases/download/v9.9.9"] {
            fs::create_dir_all(release.at(folder)).unwrap();
            for file in fs::read_dir(release.at("dist")).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), release.at(folder).join(file.file_name())).unwrap();
            }
        }
        release
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn workflow(&self, name: &str) -> Output {
        let mut command = Command::new("bash");
        command
            .args([
                "--noprofile",
                "--norc",
                "-eo",
                "pipefail",
                "-c",
                &step(name),
            ])
            .current_dir(self.folder.path())
            .env("TARGET", TARGET)
            .env("RUNNER_TEMP", self.at("."))
            .env("GITHUB_WORKSPACE", self.at("."))
            .env("GITHUB_SHA", COMMIT)
            .env("GITHUB_SERVER_URL", "https://git.example")
            .env("GITHUB_REPOSITORY", "owner/purgit")
            .env_remove("CARGO_TARGET_DIR");
        command.output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        let temporary = self.at("tmp");
        fs::create_dir_all(&temporary).unwrap();
        command
            .arg(self.at("dist/install.sh"))
            .args(arguments)
            .env_clear()
            .env("PATH", self.at("bin"))
            .env("HOME", self.folder.path())
            .env("TMPDIR", temporary)
            .env(
                "PURGIT_RELEASES",
                format!("file://{}", self.at("releases").display()),
            );
        command
    }

    fn install(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The file of the latest release.
    fn latest(&self, name: &str) -> PathBuf {
        self.at("releases/latest/download").join(name)
    }

    /// That it failed with that message, over a program that is there already, and changed nothing.
    #[track_caller]
    fn refuses(&self, command: &mut Command, message: &str) {
        let folder = self.at(".local/bin");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("purgit"), "old").unwrap();
        let output = command.output().unwrap();
        let text = said(&output);
        assert!(!output.status.success() && text.contains(message), "{text}");
        assert!(output.stdout.is_empty(), "{text}");
        assert_eq!(
            fs::read_to_string(folder.join("purgit")).unwrap(),
            "old",
            "{text}"
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{text}");
        assert_eq!(fs::read_dir(self.at("tmp")).unwrap().count(), 0, "{text}");
    }
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}

/// A program that only knows its version.
pub(crate) fn program() -> String {
    let version = format!("purgit 9.9.9 ({}, {TARGET})", &COMMIT[..10]);
    format!("case $1 in --version) echo '{version}' ;; *) echo \"$1\" ;; esac")
}

#[test]
fn what_is_packaged_is_installed() {
    let release = Release::new(&program());
    for arguments in [&[][..], &["--version", "9.9.9"], &["--version", "v9.9.9"]] {
        let output = release.install(arguments);
        assert!(output.status.success(), "{}", said(&output));
        let text = said(&output);
        assert!(
            text.contains("installed purgit 9.9.9 (0123456789, x86_64-unknown-linux-musl) as "),
            "{text}"
        );
        assert!(text.contains(".local/bin is not in PATH"), "{text}");
        let installed = release.at(".local/bin/purgit");
        let version = Command::new(&installed).arg("--version").output().unwrap();
        assert!(version.status.success());
        fs::remove_file(installed).unwrap();
    }
    // Over an old one, in a folder of its own with a blank.
    let folder = release.at("my programs");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("purgit"), "old").unwrap();
    let output = release.install(&["--to", folder.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    assert_ne!(fs::read(folder.join("purgit")).unwrap(), b"old");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!(fs::read_dir(release.at("tmp")).unwrap().count(), 0);
}

#[test]
fn what_is_not_as_released_is_not_installed() {
    let release = Release::new(&program());
    let archive = format!("purgit-{TARGET}.tar.gz");
    let run = |message| release.refuses(&mut release.command(&[]), message);

    let whole = fs::read(release.latest(&archive)).unwrap();
    let sums = fs::read_to_string(release.latest("SHA256SUMS")).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    for bytes in [&changed[..], &whole[..whole.len() / 2], b""] {
        fs::write(release.latest(&archive), bytes).unwrap();
        run("is not what was released: its checksum is ");
    }
    fs::write(release.latest(&archive), &whole).unwrap();
    let line = sums.lines().find(|line| line.ends_with(&archive)).unwrap();
    for wrong in [
        String::new(),
        sums.replace(&archive, &format!("other-{archive}")),
        format!("{sums}{line}\n"),
        sums.replace(line, &format!("none  {archive}")),
    ] {
        fs::write(release.latest("SHA256SUMS"), wrong).unwrap();
        run("SHA256SUMS does not name purgit-");
    }
    fs::remove_file(release.latest("SHA256SUMS")).unwrap();
    run("cannot read file://");
    release.refuses(
        &mut release.command(&["--version", "1.0.0"]),
        "cannot read file://",
    );
}

#[test]
fn a_program_that_does_not_run_here_is_not_installed() {
    let release = Release::new(&program());
    let archive = format!("purgit-{TARGET}.tar.gz");
    let repack = |program: &str| {
        let name = format!("purgit-{TARGET}");
        let folder = release.at("again").join(&name);
        fs::create_dir_all(&folder).unwrap();
        script(&folder.join("purgit"), program);
        let line = format!(
            "tar -czf {0} -C {1} {name} && cd {2} && sha256sum {archive} > SHA256SUMS",
            release.latest(&archive).display(),
            release.at("again").display(),
            release.at("releases/latest/download").display(),
        );
        assert!(
            Command::new("sh")
                .args(["-c", &line])
                .status()
                .unwrap()
                .success()
        );
    };
    repack("exit 1");
    release.refuses(&mut release.command(&[]), "does not run here");
    repack(&program());
    assert!(release.install(&[]).status.success());
}

#[test]
fn what_cannot_be_done_is_said() {
    let release = Release::new(&program());
    let with = |variable: &str, value: &str| {
        let mut command = release.command(&[]);
        command.env(variable, value);
        command
    };
    release.refuses(
        &mut with("SYSTEM", "SunOS"),
        "there is no build for SunOS on x86_64",
    );
    release.refuses(
        &mut with("MACHINE", "riscv64"),
        "there is no build for Linux on riscv64",
    );
    release.refuses(
        &mut with("MACHINE", "aarch64"),
        "aarch64-unknown-linux-musl",
    );
    release.refuses(
        &mut with("PURGIT_RELEASES", "http://git.example/releases"),
        "will not download from http:",
    );
    release.refuses(
        &mut with("PURGIT_RELEASES", "https://git.example/releases"),
        "neither curl nor wget",
    );
    release.refuses(&mut release.command(&["--to"]), "--to needs a value");
    release.refuses(&mut release.command(&["--now"]), "unknown argument: --now");
    release.refuses(
        &mut release.command(&["--version", "1/../2"]),
        "not a version",
    );
    let file = release.at("file");
    fs::write(&file, "").unwrap();
    let below = file.join("bin");
    release.refuses(
        &mut release.command(&["--to", below.to_str().unwrap()]),
        "cannot create ",
    );
    fs::remove_file(release.at("bin/sha256sum")).unwrap();
    release.refuses(
        &mut release.command(&[]),
        "none of sha256sum, shasum and openssl is installed",
    );
}

#[test]
fn the_copy_in_a_release_knows_where_it_comes_from() {
    let release = Release::new(&program());
    let folder = release.at("releases").display().to_string();
    let curl = format!(
        "for last; do :; done\ncase $last in https://git.example/owner/purgit/releases/*) ;; *) exit 9 ;; esac\n\
         while [ \"$1\" != --output ]; do shift; done\ncp \"{folder}/${{last#*/releases/}}\" \"$2\""
    );
    script(&release.at("bin/curl"), &curl);
    let mut command = release.command(&[]);
    let output = command.env_remove("PURGIT_RELEASES").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));

    // The one in the sources knows none, and says so.
    let mut command = release.command(&[]);
    fs::copy(repository("docs/install.sh"), release.at("dist/install.sh")).unwrap();
    command.env_remove("PURGIT_RELEASES");
    release.refuses(&mut command, "set PURGIT_RELEASES");
}

#[test]
fn half_a_script_does_nothing() {
    let release = Release::new(&program());
    let whole = fs::read_to_string(release.at("dist/install.sh")).unwrap();
    let lines: Vec<_> = whole.lines().collect();
    for kept in 0..lines.len() {
        fs::write(release.at("dist/install.sh"), lines[..kept].join("\n")).unwrap();
        release.install(&[]);
        assert!(!release.at(".local").exists(), "{kept} lines");
    }
}

#[test]
fn a_release_that_lies_about_itself_is_not_published() {
    let release = Release::new(&program());
    let built = release.at(&format!("target/{TARGET}/release/purgit"));
    for lie in [
        "purgit 9.9.9 (x86_64-unknown-linux-musl)",
        "purgit 9.9.9 (fedcba9876, x86_64-unknown-linux-musl)",
    ] {
        script(&built, &format!("echo '{lie}'"));
        assert!(release.workflow("Package").status.success());
        let output = release.workflow("Try");
        assert!(
            said(&output).contains("does not name its commit and target"),
            "{}",
            said(&output)
        );
    }
}

#[path = "../../build.rs"]
#[expect(clippy::print_stdout, dead_code, reason = "its `main` is for cargo")]
mod build_script;

#[test]
fn a_build_names_its_commit_and_target() {
    let build =
        |commit: Option<&str>| build_script::build(commit.map(str::to_owned), TARGET.to_owned());
    assert_eq!(build(None), TARGET);
    assert_eq!(build(Some(COMMIT)), format!("0123456789, {TARGET}"));
    assert_eq!(build(Some("0123-dirty")), format!("0123-dirty, {TARGET}"));
    assert_eq!(
        build(Some(&format!("{COMMIT}-dirty"))),
        format!("0123456789-dirty, {TARGET}")
    );
    assert_eq!(build(Some("a\ncargo::warning=b")), TARGET);

    let record =
        |git: &str| format!("{{\n  \"git\": {{\n    {git}\n  }},\n  \"path_in_vcs\": \"\"\n}}");
    let clean = record(&format!("\"sha1\": \"{COMMIT}\""));
    assert_eq!(build_script::packaged(&clean).as_deref(), Some(COMMIT));
    let dirty = record(&format!("\"sha1\": \"{COMMIT}\",\n    \"dirty\": true"));
    assert_eq!(
        build_script::packaged(&dirty),
        Some(format!("{COMMIT}-dirty"))
    );
    assert_eq!(build_script::packaged("{}"), None);
}

/// Everything that a release is built for is what the script asks for, and the other way round.
#[test]
fn the_script_knows_every_build() {
    let text = fs::read_to_string(repository(".github/workflows/release.yml")).unwrap();
    let workflow: Json = serde_saphyr::from_str(&text).unwrap();
    let builds = &workflow["jobs"]["build"]["strategy"]["matrix"]["include"];
    let built = builds.as_array().unwrap().iter();
    let mut built: Vec<_> = built
        .map(|build| build["target"].as_str().unwrap().to_owned())
        .collect();
    built.sort();
    let release = Release::new(&program());
    let mut asked = Vec::new();
    for (system, machines) in [
        ("Linux", ["x86_64", "aarch64"]),
        ("Darwin", ["x86_64", "arm64"]),
        ("MINGW64_NT-10.0", ["x86_64", ""]),
    ] {
        for machine in machines.into_iter().filter(|machine| !machine.is_empty()) {
            let mut command = release.command(&["--version", "0.0.1"]);
            fs::create_dir_all(release.at("releases/download/v0.0.1")).unwrap();
            fs::write(release.at("releases/download/v0.0.1/SHA256SUMS"), "").unwrap();
            let output = command
                .env("SYSTEM", system)
                .env("MACHINE", machine)
                .output()
                .unwrap();
            let text = said(&output);
            let name = text
                .split("v0.0.1/purgit-")
                .nth(1)
                .unwrap_or_else(|| panic!("{text}"));
            asked.push(name.split(['.', '\n']).next().unwrap().to_owned());
        }
    }
    asked.sort();
    assert_eq!(asked, built);
}
