//! The parts that may be cut: failed checks, changes, notes, commits and manifests.

use std::collections::BTreeMap;

use super::super::KINDS;
use super::code::{self, FENCE, name};
use super::fit::{Line, Part};
use super::words::{is, noun, reasons, shortened, spoken};
use crate::diff::Reason;
use crate::output::json::v1::{Change, Check, Manifest, PlanDocument};
use crate::output::{covers, optimality};
use crate::plan::CheckStatus;
use crate::plan::{count, number};

/// A list of more changes is collapsed.
const MAX_OPEN: usize = 20;

/// Checks over their limit: those that refuse the plan, and those that were forced.
pub(super) fn over(document: &PlanDocument) -> Vec<Part> {
    let part = |status, kind: &str, text: &str| {
        let over = document.checks.iter().filter(|check| is(check, status));
        let lines = over.map(|check| {
            let ending = match status {
                CheckStatus::Failed => format!("; {}", force(check)),
                CheckStatus::Forced | CheckStatus::Passed => "; forced".to_owned(),
            };
            let detail = check.detail.strip_suffix(&ending).unwrap_or(&check.detail);
            let text = format!("> - {}: {}\n", name(&check.name), code::text(detail));
            Line::one(text)
        });
        let lines: Vec<_> = lines.collect();
        let checks = count(lines.len(), "safety check");
        (!lines.is_empty()).then(|| Part {
            front: format!("\n> [!{kind}]\n> **{checks} {text}.\n>\n"),
            lines,
            back: "",
            more: ["> - ", ""],
            noun: "check",
        })
    };
    let refused = "failed**, so `purgit apply` sends nothing unless it is forced";
    let forced =
        "forced**: the plan is over a limit, and `purgit apply` is to carry it out all the same";
    let parts = [
        part(CheckStatus::Failed, "CAUTION", refused),
        part(CheckStatus::Forced, "WARNING", forced),
    ];
    parts.into_iter().flatten().collect()
}

pub(super) fn force(check: &Check) -> String {
    format!("--force={}:{}", check.name, check.endpoint)
}

pub(super) fn cover(document: &PlanDocument) -> Option<Part> {
    let lines = document.cover.iter().map(|covered| {
        let does = covers(covered.covers, covered.collateral);
        Line::one(format!("- {} {does}\n", name(&covered.directory)))
    });
    let directories = count(document.cover.len(), "directory");
    let optimality = optimality(document.cover_gap);
    (!document.cover.is_empty()).then(|| Part {
        front: format!("\n{directories} in place of files; {optimality}:\n\n"),
        lines: lines.collect(),
        back: "",
        more: ["- ", ""],
        noun: "directory",
    })
}

/// What each manifest purges on an endpoint, and why.
pub(super) fn table(
    endpoint: &str,
    cost: &str,
    changes: &[&Change],
    places: &BTreeMap<&str, &Manifest>,
) -> Part {
    let rows = changes
        .chunk_by(|a, b| owner(a) == owner(b))
        .map(|changes| {
            let mut kinds: BTreeMap<_, usize> = BTreeMap::new();
            for change in changes {
                let noun = noun(&change.kind);
                let place = KINDS.iter().position(|kind| *kind == noun);
                *kinds.entry((place.is_none(), place, noun)).or_default() += 1;
            }
            let kinds = kinds.into_iter();
            let kinds: Vec<_> = kinds
                .map(|((.., noun), targets)| count(targets, noun))
                .collect();
            let owner = changes.first().map_or("", |change| owner(change));
            let place = places.get(owner);
            let place =
                place.map(|at| format!(" in {}", name(&format!("{}:{}", at.file, at.line))));
            let row = format!(
                "| {}{} | {} | {} |\n",
                name(owner),
                place.unwrap_or_default(),
                kinds.join(", "),
                reasons(changes.iter().copied())
            );
            Line::one(row)
        });
    Part {
        front: format!(
            "\n{cost}| on {} | purges | why |\n|---|---|---|\n",
            name(endpoint)
        ),
        lines: rows.collect(),
        back: "",
        more: ["| ", " | | |"],
        noun: "manifest",
    }
}

/// `purge/<name>` or `site/<name>`.
fn owner(change: &Change) -> &str {
    let mut slashes = change.address.match_indices('/');
    let end = slashes.nth(1).map(|(at, _)| at);
    &change.address[..end.unwrap_or(change.address.len())]
}

/// One line per change.
pub(super) fn list(changes: &[&Change]) -> Part {
    let mut lines = Vec::new();
    for changes in changes.chunk_by(|a, b| owner(a) == owner(b)) {
        if let Some(first) = changes.first() {
            let text = format!("@@ {} @@", code::shown(owner(first)));
            lines.push(Line {
                text: text + "\n",
                counts: 0,
            });
        }
        lines.extend(changes.iter().map(|change| Line::one(change_line(change))));
    }
    let open = if changes.len() > MAX_OPEN {
        ""
    } else {
        " open"
    };
    Part {
        front: format!(
            "\n<details{open}><summary>{}</summary>\n\n{FENCE}diff\n",
            count(changes.len(), "change")
        ),
        lines,
        back: "```\n\n</details>\n",
        more: ["# ", ""],
        noun: "change",
    }
}

fn change_line(change: &Change) -> String {
    let sign = match &change.after {
        None => '-',
        Some(_) if change.reason == Reason::Added.as_str() => '+',
        Some(_) => '!',
    };
    let generations = match (&change.before, &change.after) {
        (Some(before), Some(after)) if before != after => {
            format!(" ({} -> {})", shortened(before), shortened(after))
        }
        _ => String::new(),
    };
    let target = match change.target.as_str() {
        "" => &change.kind,
        target => target,
    };
    let target = code::shown(target);
    let late = match &change.deferred_until {
        Some(_) => ", deferred",
        None => "",
    };
    let commit = match &change.commit {
        Some(id) => format!("  {}", shortened(id)),
        None => String::new(),
    };
    let (kind, reason) = (&change.kind, spoken(&change.reason));
    let text = format!("{kind:<9} {target}  {reason}{generations}{late}{commit}");
    code::line(sign, &text)
}

pub(super) fn notes(document: &PlanDocument) -> Option<Part> {
    let notes = document.diagnostics.iter();
    let lines = notes.map(|note| {
        let sign = if note.severity == "warning" { '!' } else { '#' };
        Line::one(code::line(sign, &code::shown(&note.message)))
    });
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| Part {
        front: format!("\n{FENCE}diff\n"),
        lines,
        back: "```\n",
        more: ["# ", ""],
        noun: "note",
    })
}

pub(super) fn commits(document: &PlanDocument) -> Option<Part> {
    let ids = document
        .changes
        .iter()
        .filter_map(|change| change.commit.as_deref());
    let mut changes: BTreeMap<_, usize> = BTreeMap::new();
    ids.for_each(|id| *changes.entry(id).or_default() += 1);
    let rows = document.commits.iter().filter_map(|commit| {
        let changes = changes.get(commit.id.as_str())?;
        let (id, subject) = (name(&shortened(&commit.id)), code::text(&commit.subject));
        Some(Line::one(format!(
            "| {id} | {subject} | {} |\n",
            number(*changes)
        )))
    });
    let lines: Vec<_> = rows.collect();
    (!lines.is_empty()).then(|| Part {
        front: "\n| commit | subject | changes |\n|---|---|--:|\n".to_owned(),
        lines,
        back: "",
        more: ["| ", " | | |"],
        noun: "commit",
    })
}

pub(super) fn manifests(document: &PlanDocument) -> Option<Part> {
    let changes = &document.manifest_changes;
    let mut lines = Vec::new();
    for change in changes {
        let file = code::shown(&change.file);
        let front = [format!("--- {file}\n"), format!("+++ {file}\n")];
        lines.extend(front.map(|text| Line { text, counts: 0 }));
        let diff = change
            .diff
            .iter()
            .map(|line| match line.split_at_checked(1) {
                // Any other line must not look like one that ends the diff.
                Some((sign @ (" " | "+" | "-" | "@"), rest)) => {
                    format!("{sign}{}\n", code::shown(rest))
                }
                Some(_) | None => format!(" {}\n", code::shown(line)),
            });
        lines.extend(diff.map(Line::one));
        if change.left_out > 0 {
            let text = format!("# … {}\n", count(change.left_out, "more line"));
            lines.push(Line { text, counts: 0 });
        }
    }
    (!changes.is_empty()).then(|| Part {
        front: format!(
            "\n<details><summary>{} changed</summary>\n\n{FENCE}diff\n",
            count(changes.len(), "manifest file")
        ),
        lines,
        back: "```\n\n</details>\n",
        more: ["# ", ""],
        noun: "line",
    })
}
