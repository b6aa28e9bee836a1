//! What the README says is what the program does: its tables are generated, its manifests are valid,
//! its commands can be typed, its links lead somewhere.

mod tables;

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser as _;
use purgit::cli::args::Cli;
use purgit::cli::environment;
use purgit::emulator::fault_help;
use purgit::exit::Exit;
use purgit::manifest::schema::schema;

use super::examples::scripts::{Invocation, invocations};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).unwrap()
}

/// What the binary prints, run in `examples/minimal`.
fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_purgit"))
        .current_dir(repository().join("examples/minimal"))
        .env_clear()
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
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

fn example(path: &str) -> String {
    fs::read_to_string(repository().join("examples/minimal").join(path)).unwrap()
}

/// Every generated part of the README, by the name in its markers.
fn generated() -> Vec<(&'static str, String)> {
    let plan_schema = serde_json::from_str(&printed(&["schema", "plan"])).unwrap();
    vec![
        ("plan", transcript(&["plan"])),
        (
            "init",
            block(
                "yaml",
                include_str!("../../src/cli/commands/init/purgit.yaml"),
            ),
        ),
        (
            "manifest",
            block("yaml", &example("purges/spring-campaign.yaml")),
        ),
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
        ("faults", block("text", &fault_help())),
    ]
}

#[test]
fn generated_parts_are_up_to_date() {
    let before = readme();
    let mut text = before.clone();
    for (name, part) in generated() {
        let begin =
            format!("<!-- begin {name}: generated, `UPDATE=1 cargo test` rewrites it -->\n");
        let end = format!("<!-- end {name} -->");
        let start = text.find(&begin).expect(&begin) + begin.len();
        let length = text[start..].find(&end).expect(&end);
        text.replace_range(start..start + length, &part);
    }
    let rewritten = text.matches("<!-- begin ").count();
    assert_eq!(rewritten, generated().len(), "a marker nobody fills");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(repository().join("README.md"), &text).unwrap();
        return;
    }
    assert!(
        text == before,
        "run `UPDATE=1 cargo test` to rewrite the README's tables"
    );
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
    for block in blocks(&readme(), "yaml") {
        for document in block.split("\n---\n") {
            if !document.contains("apiVersion: purgit/") || document.contains("kind: Status") {
                continue;
            }
            let value = serde_saphyr::from_str(document).unwrap();
            let problems: Vec<_> = validator
                .iter_errors(&value)
                .map(|e| e.to_string())
                .collect();
            assert!(problems.is_empty(), "{problems:?}\n{document}");
            manifests += 1;
        }
    }
    assert!(manifests >= 3, "{manifests}");
}

#[test]
fn commands_can_be_typed() {
    let readme = readme();
    let mut typed = Vec::new();
    for block in blocks(&readme, "console") {
        let lines = block.lines().filter_map(|line| line.strip_prefix("$ "));
        typed.extend(lines.flat_map(invocations));
    }
    for language in ["sh", "yaml"] {
        for block in blocks(&readme, language) {
            typed.extend(invocations(&block));
        }
    }
    // Besides blocks, what stands in backticks.
    let inline = readme.split('`').filter(|text| text.starts_with("purgit "));
    let inline = inline.filter(|text| !text.contains(['…', '\n', '[']));
    typed.extend(inline.flat_map(invocations));
    assert!(typed.len() > 20, "{}", typed.len());
    for Invocation(words) in &typed {
        if let Err(error) = Cli::try_parse_from(words) {
            assert!(!error.use_stderr(), "{words:?}: {error}");
        }
    }
}

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    for file in ["README.md", "examples/README.md", "CHANGELOG.md"] {
        let path = repository().join(file);
        let text = fs::read_to_string(&path).unwrap();
        let headings = text.lines().filter(|line| line.starts_with('#'));
        let anchors: Vec<_> = headings.map(anchor).collect();
        let targets = text
            .match_indices("](")
            .map(|(at, _)| text[at + 2..].split(')').next().unwrap());
        for target in targets.filter(|target| !target.contains("://")) {
            match target.strip_prefix('#') {
                Some(name) => {
                    assert!(
                        anchors.iter().any(|known| known == name),
                        "{file}: {target}"
                    );
                }
                None => assert!(path.with_file_name(target).exists(), "{file}: {target}"),
            }
        }
    }
}
