//! The examples do what they show: manifests are valid, plans go through, the emulator takes them,
//! CI scripts can be typed and run.

mod projects;
mod recipes;
pub(crate) mod scripts;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use purgit::emulator::azure_china_cdn::{AzureChinaCdn, KEY_ID, KEY_VALUE};
use purgit::emulator::{Emulator, Running, Settings};
use tempfile::TempDir;

/// The example's own code, so that it is run and not only compiled.
#[path = "../../examples/plan_from_rust.rs"]
#[expect(dead_code, reason = "its `main` is for `cargo run --example`")]
mod plan_from_rust;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

/// A copy of an example that may be written to.
pub(crate) fn copy(name: &str) -> TempDir {
    let target = TempDir::new().unwrap();
    copy_into(&folder(name), target.path());
    target
}

fn copy_into(source: &Path, target: &Path) {
    fs::create_dir_all(target).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let target = target.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_into(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Replaces text in a file that has it.
pub(crate) fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{}: {from}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Points an example's endpoints at an emulator.
fn connect(manifest: &Path, emulator: &Running) {
    let api = format!("    apiUrl: {}\n    credentials:", emulator.api_url());
    edit(manifest, "    credentials:", &api);
}

async fn emulator(settings: Settings, api: AzureChinaCdn) -> Running {
    Emulator::start(settings, Box::new(api)).await.unwrap()
}

/// A command with the emulator's key, and nothing else of this process's environment but `PATH`, in
/// front of which the folder with `purgit` stands.
fn hermetic(program: &str, root: &Path) -> Command {
    let own = Path::new(env!("CARGO_BIN_EXE_purgit"))
        .parent()
        .unwrap()
        .to_owned();
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(own).chain(std::env::split_paths(&inherited));
    let mut command = Command::new(program);
    command
        .current_dir(root)
        .env_clear()
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("HOME", root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("CI", "true")
        .env("AZURE_CDN_KEY_ID", KEY_ID)
        .env("AZURE_CDN_KEY_VALUE", KEY_VALUE);
    command
}

/// Runs a command without holding up the emulator.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap()
}

/// `purgit` with those arguments.
async fn purgit(root: &Path, arguments: &[&str]) -> Output {
    let mut command = hermetic(env!("CARGO_BIN_EXE_purgit"), root);
    command.args(arguments);
    run(command).await
}

/// What a process said, for messages.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}
