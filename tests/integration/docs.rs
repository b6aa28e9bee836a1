//! What README and `docs/` say is what the program does: their tables are generated, their manifests are
//! valid, their commands can be typed, their links resolve.

mod figures;
mod links;
mod pictures;
mod plots;
mod tables;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser as _;
use purgit::cli::args::Cli;
use purgit::cli::environment;
use purgit::emulator;
use purgit::exit::Exit;
use purgit::manifest::schema::schema;
use purgit::provider::REGISTRY;

use super::examples::scripts::{Invocation, invocations, typed};
use super::examples::{copy, edit};

/// README lines: enough to start, few enough to read at once. Details belong into `docs/`.
const README_LINES: std::ops::RangeInclusive<usize> = 150..=250;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// The pages of `docs/`, as paths from the repository's root.
fn docs() -> Vec<String> {
    let names = fs::read_dir(repository().join("docs")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| Path::new(name).extension().is_some_and(|end| end == "md"));
    let mut pages: Vec<_> = names.map(|name| format!("docs/{name}")).collect();
    pages.sort();
    pages
}

/// README and `docs/`: path and text.
fn pages() -> Vec<(String, String)> {
    let paths = std::iter::once("README.md".to_owned()).chain(docs());
    paths
        .map(|path| {
            let text = read(&path);
            (path, text)
        })
        .collect()
}

/// What `purgit` prints in a folder: stdout and stderr.
fn printed_in(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_purgit"))
        .current_dir(folder)
        .env_clear()
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

/// What `purgit` prints to stdout in `examples/minimal`.
fn printed(arguments: &[&str]) -> String {
    printed_in(&repository().join("examples/minimal"), arguments).0
}

/// What `purgit` prints in a copy of `examples/minimal` whose campaign was changed.
fn printed_after(from: &str, to: &str, arguments: &[&str]) -> (String, String) {
    let project = copy("minimal");
    edit(&project.path().join(CAMPAIGN), from, to);
    printed_in(project.path(), arguments)
}

fn transcript(arguments: &[&str]) -> String {
    format!(
        "```console\n$ purgit {}\n{}```\n",
        arguments.join(" "),
        printed(arguments)
    )
}

fn block(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.trim_end())
}

const CAMPAIGN: &str = "purges/spring-campaign.yaml";

/// What `purgit init` writes in an empty folder.
fn written_by_init() -> String {
    let folder = tempfile::tempdir().unwrap();
    printed_in(folder.path(), &["init"]);
    fs::read_to_string(folder.path().join("purgit.yaml")).unwrap()
}

fn example(path: &str) -> String {
    read(&format!("examples/minimal/{path}"))
}

/// A configuration with which the tests run a real cache.
fn cache(language: &str, path: &str) -> String {
    block(language, &read(&format!("tests/fixtures/caches/{path}")))
}

/// The line of a plan that says why it is refused.
fn refusal() -> String {
    let (plan, _) = printed_after("/spring/pictures/", "/", &["plan"]);
    let failed = plan.lines().map(str::trim_start);
    let failed: Vec<_> = failed.filter(|line| line.starts_with("failed ")).collect();
    assert_eq!(failed.len(), 1, "{plan}");
    failed[0].to_owned()
}

/// Every generated part, by the name in its markers.
fn generated() -> Vec<(&'static str, String)> {
    let plan_schema = serde_json::from_str(&printed(&["schema", "plan"])).unwrap();
    let (_, problem) = printed_after("revision:", "revison:", &["validate"]);
    vec![
        ("plan", transcript(&["plan"])),
        ("init", block("yaml", &written_by_init())),
        ("manifest", block("yaml", &example(CAMPAIGN))),
        ("problem", block("text", &problem)),
        ("refusal", block("text", &refusal())),
        ("project", tables::manifest(&schema(), "Project")),
        ("endpoint", tables::manifest(&schema(), "Endpoint")),
        ("purge", tables::manifest(&schema(), "Purge")),
        ("site", tables::manifest(&schema(), "Site")),
        ("commands", tables::commands()),
        ("options", tables::options()),
        ("exit-codes", Exit::markdown()),
        ("environment", environment::markdown()),
        ("plan-json", tables::fields(&plan_schema)),
        ("state", block("json", &example(".purgit/state.json"))),
        ("status", block("yaml", &example("purgit.status.yaml"))),
        ("faults", block("text", &emulator::help())),
        ("varnish.vcl", cache("vcl", "varnish.vcl")),
        ("nginx.conf", cache("nginx", "nginx.conf")),
        (
            "ip_allow.yaml",
            cache("yaml", "trafficserver/ip_allow.yaml"),
        ),
        ("remap.config", cache("text", "trafficserver/remap.config")),
        ("squid.conf", cache("text", "squid.conf")),
        ("cover", figures::cover_table()),
        ("cover-times", figures::cover_times()),
        ("freshness", figures::freshness_table()),
    ]
}

#[test]
fn generated_parts_are_up_to_date() {
    const BEGIN: &str = "<!-- begin ";
    let parts = generated();
    let mut filled = BTreeSet::new();
    let mut stale = Vec::new();
    for (path, before) in pages() {
        let mut pieces = before.split(BEGIN);
        let mut text = pieces.next().unwrap().to_owned();
        for piece in pieces {
            let name = piece.split(':').next().unwrap();
            let (_, part) = parts
                .iter()
                .find(|(known, _)| *known == name)
                .unwrap_or_else(|| panic!("{path}: nothing fills the marker `{name}`"));
            let end = format!("<!-- end {name} -->");
            let (_, rest) = piece.split_once(&end).expect(&end);
            text.push_str(BEGIN);
            text.push_str(name);
            text.push_str(": generated, `UPDATE=1 cargo test` rewrites it -->\n");
            text.push_str(part);
            text.push_str(&end);
            text.push_str(rest);
            filled.insert(name.to_owned());
        }
        if text == before {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            fs::write(repository().join(&path), &text).unwrap();
        } else {
            stale.push(path);
        }
    }
    assert!(
        stale.is_empty(),
        "run `UPDATE=1 cargo test` to rewrite the generated parts of {stale:?}"
    );
    for (name, _) in &parts {
        assert!(filled.contains(*name), "no page has the part `{name}`");
    }
}

#[test]
fn the_readme_is_short_and_names_every_page() {
    let readme = read("README.md");
    let lines = readme.lines().count();
    assert!(README_LINES.contains(&lines), "{lines} lines");
    let index = read("docs/README.md");
    for page in docs() {
        let name = page.strip_prefix("docs/").unwrap();
        assert!(
            name == "README.md" || index.contains(&format!("({name})")),
            "docs/README.md does not link to {page}"
        );
        assert!(
            readme.contains(&format!("]({page})")),
            "README.md does not link to {page}"
        );
    }
}

#[test]
fn the_table_of_cdns_is_the_registry() {
    let readme = read("README.md");
    let (_, section) = readme.split_once("\n## CDNs\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<Vec<_>> = rows
        .map(|row| row.split('`').skip(1).step_by(2).take(2).collect())
        .collect();
    let known: Vec<_> = REGISTRY
        .iter()
        .map(|kind| vec![kind.name, kind.field])
        .collect();
    assert_eq!(rows, known);
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    for (row, kind) in rows.zip(REGISTRY) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, _, _, limits, _, _, tested] = &*cells else {
            panic!("not seven cells: {row}");
        };
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{row}");
        let default = (kind.default_limits)().items_per_request;
        let shown = limits.replace(',', "");
        assert!(
            shown.contains(&default.to_string()),
            "{default} is not in: {limits}"
        );
        // What nobody tried on the real thing says so.
        assert!(
            tested.contains("live: none") || tested.contains("real caches"),
            "{row}"
        );
    }
}

/// The fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("\n```{language}\n");
    let starts = text.match_indices(&fence);
    let rest = starts.map(|(at, _)| &text[at + fence.len()..]);
    rest.map(|rest| rest[..=rest.find("\n```").unwrap()].to_owned())
        .collect()
}

#[test]
fn manifests_are_valid() {
    let validator = jsonschema::draft7::new(&schema()).unwrap();
    let mut manifests = 0;
    for (path, text) in pages() {
        for block in blocks(&text, "yaml") {
            for document in block.split("\n---\n") {
                if !document.contains("apiVersion: purgit/") || document.contains("kind: Status") {
                    continue;
                }
                let value = serde_saphyr::from_str(document).unwrap();
                let problems: Vec<_> = validator
                    .iter_errors(&value)
                    .map(|e| e.to_string())
                    .collect();
                assert!(problems.is_empty(), "{path}: {problems:?}\n{document}");
                manifests += 1;
            }
        }
    }
    assert!(manifests >= 5, "{manifests}");
}

/// Every call of `purgit` on a page: in scripts, in transcripts, in units, and in backticks.
fn calls(text: &str) -> Vec<Invocation> {
    let mut scripts = blocks(text, "sh");
    scripts.extend(blocks(text, "yaml"));
    for (language, prompt) in [("console", "$ "), ("ini", "ExecStart=/usr/local/bin/")] {
        for block in blocks(text, language) {
            let lines = block.lines().filter_map(|line| line.strip_prefix(prompt));
            scripts.extend(lines.map(str::to_owned));
        }
    }
    let prose = links::prose(text);
    let inline = prose.split('`').skip(1).step_by(2);
    let inline = inline.filter(|code| !code.contains(['…', '[']));
    scripts.extend(inline.map(str::to_owned));
    scripts
        .iter()
        .flat_map(|script| invocations(script))
        .filter(|Invocation(words)| words.len() > 1)
        .collect()
}

#[test]
fn commands_can_be_typed() {
    let mut found = 0;
    for (path, text) in pages() {
        for Invocation(words) in calls(&text) {
            if let Err(error) = Cli::try_parse_from(typed(&words)) {
                assert!(!error.use_stderr(), "{path}: {words:?}: {error}");
            }
            found += 1;
        }
    }
    assert!(found >= 45, "{found}");
}

/// The README gives the demo with `--release`, `.ci/run` without: no code may tell the difference.
#[test]
fn no_code_depends_on_the_profile() {
    let files = ignore::Walk::new(repository().join("src")).map(Result::unwrap);
    let files = files.filter(|file| file.path().extension().is_some_and(|end| end == "rs"));
    let mut sources = 0;
    for file in files {
        let text = fs::read_to_string(file.path()).unwrap();
        let name = file.path().display();
        assert!(!text.contains("debug_assert"), "{name}: write `assert!`");
        sources += 1;
    }
    assert!(sources > 50, "{sources}");
}
