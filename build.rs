//! What `purgit --version` says besides the version: commit and target.
//!
//! The commit is named where it is known and costs nothing: by `PURGIT_COMMIT` (release builds that are
//! made from an archive), by a package's own record of it, and in release builds by git. Development
//! builds name none, or each commit would build everything anew. Times, folders and machines do not get
//! in: the same commit gives the same binary.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Digits of a commit that are shown: as many as git takes for a repository of this size, and some.
const DIGITS: usize = 10;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PURGIT_COMMIT");
    let target = env::var("TARGET").unwrap_or_default();
    let given = env::var("PURGIT_COMMIT").ok();
    let commit = given.filter(|commit| !commit.is_empty());
    let record = || fs::read_to_string(".cargo_vcs_info.json").ok();
    let commit = commit.or_else(|| packaged(&record()?)).or_else(committed);
    println!("cargo::rustc-env=PURGIT_BUILD={}", build(commit, target));
}

/// `0123456789, x86_64-unknown-linux-musl`.
pub(crate) fn build(commit: Option<String>, target: String) -> String {
    let is_plain = |text: &String| {
        let mut bytes = text.bytes();
        bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match commit.filter(is_plain) {
        Some(commit) => format!("{}, {target}", shortened(&commit)),
        None => target,
    }
}

/// `0123456789abcdef…-dirty` as `0123456789-dirty`.
fn shortened(commit: &str) -> String {
    let (digits, mark) = commit.split_at(commit.find('-').unwrap_or(commit.len()));
    format!("{}{mark}", &digits[..digits.len().min(DIGITS)])
}

/// From what `cargo package` writes into a package.
pub(crate) fn packaged(record: &str) -> Option<String> {
    let (_, rest) = record.split_once("\"sha1\"")?;
    let commit = rest.split('"').nth(1)?.to_owned();
    let is_dirty = record.contains("\"dirty\": true");
    Some(if is_dirty { commit + "-dirty" } else { commit })
}

/// From git, in release builds of a checkout of purgit itself.
fn committed() -> Option<String> {
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if !is_release || !Path::new(".git").exists() {
        return None;
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // The log grows with each commit and checkout.
    for path in ["logs/HEAD", "HEAD"] {
        let path = git(&["rev-parse", "--git-path", path])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
            break;
        }
    }
    for sources in ["src", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={sources}");
    }
    // No tag, only the commit, and whether files differ from it.
    git(&[
        "describe",
        "--always",
        "--exclude=*",
        "--abbrev=40",
        "--dirty",
    ])
}
