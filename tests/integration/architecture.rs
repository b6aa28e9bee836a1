//! The rules of the architecture that sources can be asked about, above all what is *absent*.

use std::fs;
use std::path::{Path, PathBuf};

/// Longest source file.
const MAX_LINES: usize = 400;
/// Longest `main.rs`.
const MAX_MAIN_LINES: usize = 30;

/// What a pure module must not name: files, environment, network, clocks.
const IMPURE: [&str; 15] = [
    "std::fs",
    "std::env::",
    "std::process::",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "tokio::net",
    "tokio::fs",
    "reqwest",
    "git2",
    "Utc::now",
    "Local::now",
    "SystemTime",
    "Instant::now",
];

/// The pure core: folders and files below `src`.
const PURE: [&str; 6] = [
    "manifest/",
    "desired/",
    "diff.rs",
    "plan/",
    "provider/",
    "output/",
];

/// The one leaf of the core that reads files.
const PURE_BUT: &str = "manifest/load.rs";

/// Names of technologies, which only leaves marked `[io]` may know. The command line is all shell.
const TECHNOLOGIES: [&str; 8] = [
    "std::fs",
    "std::process::",
    "std::env::",
    "reqwest",
    "git2",
    "notify::",
    "tokio::net",
    "tokio::fs",
];

/// A source file below `src`.
struct Source {
    /// Below `src`, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The lines that are neither comments nor unit tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.text.find("#[cfg(test)]\nmod tests");
        let code = &self.text[..tests.unwrap_or(self.text.len())];
        let lines = code.lines().enumerate();
        lines
            .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
            .filter(|(_, line)| !line.trim().is_empty())
    }

    /// Where the code names any of these.
    fn naming(&self, names: &[&str]) -> Vec<String> {
        self.code()
            .filter_map(|(number, line)| {
                let name = names.iter().find(|name| line.contains(**name))?;
                Some(format!("src/{}:{number} names `{name}`", self.path))
            })
            .collect()
    }

    fn is_io(&self) -> bool {
        let head = self.text.lines().take_while(|line| line.starts_with("//!"));
        head.into_iter().any(|line| line.contains("[io]"))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).unwrap();
                sources.push(Source {
                    path: relative.to_string_lossy().replace('\\', "/"),
                    text: fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 50, "the walk goes wrong");
    sources
}

#[track_caller]
fn none(found: &[String]) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_core_knows_no_file_no_environment_no_network_and_no_clock() {
    let sources = sources();
    for part in PURE {
        assert!(
            sources.iter().any(|source| source.path.starts_with(part)),
            "{part} is gone"
        );
    }
    let pure = sources.iter().filter(|source| {
        PURE.iter().any(|part| source.path.starts_with(part)) && source.path != PURE_BUT
    });
    let found: Vec<_> = pure.flat_map(|source| source.naming(&IMPURE)).collect();
    none(&found);
}

#[test]
fn technologies_are_named_in_marked_leaves_only() {
    let found: Vec<_> = sources()
        .iter()
        .filter(|source| !source.path.starts_with("cli/") && source.path != "main.rs")
        .filter(|source| !source.is_io())
        .flat_map(|source| source.naming(&TECHNOLOGIES))
        .collect();
    none(&found);
}

#[test]
fn one_type_prints_and_one_line_exits() {
    let sources = sources();
    let found: Vec<_> = sources
        .iter()
        .flat_map(|source| source.naming(&["println!", "eprintln!", "print!(", "dbg!"]))
        .collect();
    none(&found);
    let writers: Vec<_> = sources
        .iter()
        .filter(|source| !source.naming(&["io::stdout()"]).is_empty())
        .map(|source| source.path.as_str())
        .collect();
    assert_eq!(writers, ["cli/printer.rs"]);
    // What is printed without being escaped is generated here, or has escaped it for its format.
    let unescaped: Vec<_> = sources
        .iter()
        .filter(|source| !source.naming(&[".generated("]).is_empty())
        .map(|source| source.path.as_str())
        .collect();
    assert_eq!(
        unescaped,
        ["completions", "emulator", "man", "validate"]
            .map(|name| format!("cli/commands/{name}.rs"))
    );
    let exits: Vec<_> = sources
        .iter()
        .flat_map(|source| source.naming(&["process::exit", "process::abort"]))
        .collect();
    assert_eq!(exits.len(), 1, "{exits:?}");
    assert!(exits[0].contains("cli/signals.rs"), "{exits:?}");
}

#[test]
fn nothing_panics_on_purpose() {
    let words = [
        "panic!(",
        "unreachable!(",
        "todo!(",
        "unimplemented!(",
        ".unwrap()",
        ".expect(\"",
    ];
    let found: Vec<_> = sources()
        .iter()
        .flat_map(|source| source.naming(&words))
        .collect();
    none(&found);
}

#[test]
fn every_file_says_what_it_is() {
    let sources = sources();
    let silent = sources
        .iter()
        .filter(|source| !source.text.starts_with("//! "));
    none(&silent.map(|source| source.path.clone()).collect::<Vec<_>>());
}

#[test]
fn files_stay_short() {
    let sources = sources();
    let long = sources.iter().filter_map(|source| {
        let lines = source.text.lines().count();
        let limit = if source.path == "main.rs" {
            MAX_MAIN_LINES - 1
        } else {
            MAX_LINES
        };
        (lines > limit).then(|| format!("src/{}: {lines} lines, limit {limit}", source.path))
    });
    none(&long.collect::<Vec<_>>());
}

#[test]
fn no_module_is_a_drawer_for_everything() {
    let drawers = [
        "util", "utils", "common", "helper", "helpers", "core", "types", "misc",
    ];
    let found: Vec<_> = sources()
        .iter()
        .filter(|source| {
            let mut parts = source.path.trim_end_matches(".rs").split('/');
            parts.any(|part| drawers.contains(&part))
        })
        .map(|source| source.path.clone())
        .collect();
    none(&found);
}

#[test]
fn no_stage_names_a_later_one() {
    let order = [
        "manifest",
        "desired",
        "diff",
        "plan",
        "execute",
        "reconcile",
    ];
    let mut found = Vec::new();
    for source in sources() {
        let stage = source
            .path
            .split(['/', '.'])
            .next()
            .unwrap_or_default()
            .to_owned();
        let Some(place) = order.iter().position(|name| *name == stage) else {
            continue;
        };
        for later in &order[place + 1..] {
            // Manifests are full of URLs, and what a URL is stands in `desired`.
            if (stage.as_str(), *later) == ("manifest", "desired") {
                continue;
            }
            let name = format!("crate::{later}::");
            found.extend(source.naming(&[name.as_str()]));
        }
    }
    none(&found);
}
