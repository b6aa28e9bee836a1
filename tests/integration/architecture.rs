//! The rules of the architecture that sources can be asked about, above all what is *absent*.

mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::{Source, sources};

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

/// A CDN is two folders, and its lines in the registries.
#[test]
fn nothing_else_names_a_cdn() {
    let sources = sources();
    for kind in purgit::provider::REGISTRY {
        let module = kind.name.replace('-', "_");
        let own = ["provider", "emulator"].map(|room| format!("{room}/{module}/"));
        let (at_home, others): (Vec<_>, Vec<_>) = sources
            .iter()
            .filter(|source| !["provider/mod.rs", "emulator/mod.rs"].contains(&&*source.path))
            .partition(|source| own.iter().any(|folder| source.path.starts_with(folder)));
        assert!(!at_home.is_empty(), "{module}");
        let found = others.iter().flat_map(|source| source.naming(&[&module]));
        none(&found.collect::<Vec<_>>());
    }
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
        [
            "comment",
            "completions",
            "emulator",
            "man",
            "plan",
            "validate"
        ]
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

/// The rooms, in the order in which `lib.rs` declares them.
fn rooms(sources: &[Source]) -> Vec<String> {
    let root = sources.iter().find(|source| source.path == "lib.rs");
    let lines = root.unwrap().text.lines();
    let words = lines.filter_map(|line| {
        let line = line.trim_start_matches("pub ").strip_prefix("mod ")?;
        line.strip_suffix(';')
    });
    words.map(str::to_owned).collect()
}

/// The files of the crate, and which of them each imports from, with a line that shows it.
struct Imports<'s> {
    files: BTreeMap<Vec<String>, &'s Source>,
    brought: BTreeMap<Vec<String>, BTreeMap<String, Vec<String>>>,
}

impl<'s> Imports<'s> {
    fn new(sources: &'s [Source]) -> Self {
        let files = sources.iter().filter(|source| source.path != "main.rs");
        let files: BTreeMap<_, _> = files.map(|source| (source.module(), source)).collect();
        let brought = files.iter();
        Self {
            brought: brought
                .map(|(module, source)| (module.clone(), source.brought()))
                .collect(),
            files,
        }
    }

    /// The file in which what a path names is defined, as far as that can be told: names that another
    /// file brings in and hands on are followed.
    fn file(&self, from: &[String], segments: &[String], depth: usize) -> Option<Vec<String>> {
        let mut at = from.to_vec();
        let mut rest = segments;
        while let Some((first, behind)) = rest.split_first() {
            match first.as_str() {
                "crate" => at = Vec::new(),
                "super" => {
                    at.pop();
                }
                "self" => {}
                _ => break,
            }
            rest = behind;
        }
        while let Some((first, behind)) = rest.split_first() {
            let child: Vec<_> = at.iter().chain([first]).cloned().collect();
            if !self.files.contains_key(&child) {
                break;
            }
            at = child;
            rest = behind;
        }
        let handed_on = rest
            .first()
            .and_then(|name| self.brought.get(&at)?.get(name));
        match handed_on {
            Some(path) if depth < 8 => self.file(&at, path, depth + 1).or(Some(at)),
            Some(_) | None => self.files.contains_key(&at).then_some(at),
        }
    }

    /// From each file to the others, without those above it in its own folder: a folder's `mod.rs` is
    /// the face of its files.
    fn arrows(&self) -> BTreeMap<Vec<String>, BTreeMap<Vec<String>, String>> {
        let mut arrows: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (module, source) in &self.files {
            for named in source.named() {
                let Some(target) = self.file(module, &named.segments, 0) else {
                    continue;
                };
                let is_face = module.starts_with(&target);
                if !is_face {
                    let place = format!(
                        "src/{}:{} imports {}",
                        source.path,
                        named.line,
                        target.join("::")
                    );
                    arrows
                        .entry(module.clone())
                        .or_default()
                        .entry(target)
                        .or_insert(place);
                }
            }
        }
        arrows
    }
}

#[test]
fn a_room_imports_only_from_rooms_declared_before_it() {
    let sources = sources();
    let rooms = rooms(&sources);
    let place = |module: &[String]| {
        let place = rooms.iter().position(|room| *room == module[0]);
        place.unwrap_or_else(|| panic!("lib.rs does not declare `{}`", module[0]))
    };
    let mut found = Vec::new();
    for (from, targets) in Imports::new(&sources).arrows() {
        for (to, line) in targets {
            if from.is_empty() || to.is_empty() {
                continue;
            }
            if place(&to) > place(&from) {
                found.push(line);
            }
        }
    }
    none(&found);
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    let arrows = Imports::new(&sources).arrows();
    // What imports nothing that is left, or is imported by nothing that is left, is taken away, until
    // only circles are left.
    let mut left: BTreeSet<_> = arrows.keys().cloned().collect();
    let within = |file: &Vec<String>, left: &BTreeSet<Vec<String>>| {
        let targets = arrows[file].iter();
        let targets = targets.filter(|(target, _)| left.contains(*target));
        targets
            .map(|(target, line)| (target.clone(), line.clone()))
            .collect::<Vec<_>>()
    };
    loop {
        let before = left.len();
        left = left
            .iter()
            .filter(|file| !within(file, &left).is_empty())
            .cloned()
            .collect();
        let imported: BTreeSet<_> = left
            .iter()
            .flat_map(|file| within(file, &left))
            .map(|(target, _)| target)
            .collect();
        left.retain(|file| imported.contains(file));
        if left.len() == before {
            break;
        }
    }
    let lines = left.iter().flat_map(|file| within(file, &left));
    none(&lines.map(|(_, line)| line).collect::<Vec<_>>());
}
