//! The plan as Markdown, for pull requests and step summaries: what will be purged, why, at what cost,
//! and what to do next, in this order.
//!
//! Rendered from the plan document, so that a saved plan reads as a new one. The same document gives
//! the same text: no time is in it. All that is of others stands in code, see `code`.

mod code;
mod fit;
mod words;

use std::collections::BTreeMap;

use super::json::v1::{Change, Check, PlanDocument, Quota};
use super::{count, grouped};
use crate::plan::CheckStatus;
use code::{FENCE, name, word};
pub use fit::Limit;
use fit::{Cut, Line, Part, fit};
use words::{counted, figure, listed, noun, plural, said, shortened};

/// Endpoints that the first lines name; more are counted.
const MAX_NAMED: usize = 3;

/// Changes up to which a list is open at once.
const MAX_OPEN: usize = 20;

/// Units kept for the sentence that says what was left out: it has at most this many.
const LEFT_OUT: usize = 200;

/// The share of what is left after the fixed parts that failed checks may take.
const CHECKS_SHARE: usize = 2;

/// The plan, within a limit.
pub fn plan(document: &PlanDocument, limit: Limit) -> String {
    if document.is_idle() {
        return nothing(document, limit);
    }
    let head = head(document);
    let foot = foot(document);
    let fixed = limit.of(&head) + limit.of(&foot);
    let room = limit.amount().saturating_sub(fixed);
    let parts: Vec<_> = parts(document).collect();
    let refused = refused(document);
    let refused: Vec<_> = refused.into_iter().collect();

    let render = |room: usize| {
        let checks = fit(&refused, room / CHECKS_SHARE, limit);
        let used: usize = checks.iter().map(|cut| limit.of(&cut.text)).sum();
        (checks, fit(&parts, room.saturating_sub(used), limit))
    };
    let is_whole = |cuts: &[Cut]| cuts.iter().all(|cut| cut.missing == 0);
    let (mut checks, mut cuts) = render(room);
    let mut left_out = String::new();
    if !is_whole(&checks) || !is_whole(&cuts) {
        (checks, cuts) = render(room.saturating_sub(LEFT_OUT));
        left_out = missing(refused.iter().chain(&parts), checks.iter().chain(&cuts));
    }
    let texts = |cuts: Vec<Cut>| cuts.into_iter().map(|cut| cut.text).collect::<String>();
    [head, texts(checks), texts(cuts), left_out, foot].concat()
}

/// One line where nothing is to be purged, and what is to be known besides.
fn nothing(document: &PlanDocument, limit: Limit) -> String {
    let figures = &document.summary;
    let mut text = "**Nothing to purge**".to_owned();
    if figures.noop > 0 {
        text += &format!(": {} as last purged", counted(figures.noop, "entry"));
    }
    if figures.in_progress > 0 {
        let under_way = counted(figures.in_progress, "entry");
        text += &format!("; {under_way} under way, which `purgit apply` asks the CDN about");
    }
    text.push_str(".\n");
    let room = limit.amount().saturating_sub(limit.of(&text));
    let notes: Vec<_> = notes(document).into_iter().collect();
    let notes = fit(&notes, room, limit).into_iter().map(|cut| cut.text);
    text + &notes.collect::<String>()
}

/// What will be purged, at what cost and why.
fn head(document: &PlanDocument) -> String {
    let figures = &document.summary;
    let targets = [
        (figures.files, "file"),
        (figures.directories, "directory"),
        (figures.tags, "tag"),
        (figures.hosts, "host"),
        (figures.everything, "whole endpoint"),
    ];
    let targets = targets.iter().filter(|(number, _)| *number > 0);
    let targets: Vec<_> = targets
        .map(|(number, noun)| counted(*number, noun))
        .collect();
    let endpoints = endpoints(document);
    let verb = if document.applyable {
        "Purges"
    } else {
        "Refused: would purge"
    };
    let mut text = format!(
        "### {verb} {} on {}\n\n",
        listed(&targets),
        named(&endpoints)
    );
    text += &counted(figures.requests, "request");
    if let [(endpoint, _)] = endpoints[..] {
        let quota = quota(document, endpoint);
        if !quota.is_empty() {
            text += &format!("; {quota} of today's quota");
        }
    }
    text += &format!(
        "; {}.\n",
        reasons(&document.changes.iter().collect::<Vec<_>>())
    );
    text
}

/// Every endpoint with its changes, by name.
fn endpoints(document: &PlanDocument) -> Vec<(&str, Vec<&Change>)> {
    let mut endpoints: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for change in &document.changes {
        let changes = endpoints.entry(change.endpoint.as_str());
        changes.or_default().push(change);
    }
    endpoints.into_iter().collect()
}

fn named(endpoints: &[(&str, Vec<&Change>)]) -> String {
    if endpoints.len() > MAX_NAMED {
        return counted(endpoints.len(), "endpoint");
    }
    let names: Vec<_> = endpoints
        .iter()
        .map(|(endpoint, _)| name(endpoint))
        .collect();
    listed(&names)
}

/// `13 of 2,000 files, 1 of 500 directories`
fn quota(document: &PlanDocument, endpoint: &str) -> String {
    let of_it = document
        .quota
        .iter()
        .filter(|quota| quota.endpoint == endpoint);
    let texts = of_it.map(|quota: &Quota| {
        let total = quota.used.saturating_add(quota.planned);
        let kinds = quota
            .kind
            .split('+')
            .map(|kind| plural(noun(kind), quota.limit));
        let kinds = kinds.collect::<Vec<_>>().join(" and ");
        format!("{} of {} {kinds}", figure(total), figure(quota.limit))
    });
    texts.take(MAX_NAMED).collect::<Vec<_>>().join(", ")
}

/// `2 content changed, 1 added`
fn reasons(changes: &[&Change]) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for change in changes {
        *reasons.entry(&change.reason).or_default() += 1;
    }
    let reasons = reasons.into_iter();
    let texts = reasons.map(|(reason, number)| format!("{} {}", grouped(number), said(reason)));
    texts.take(MAX_NAMED * 2).collect::<Vec<_>>().join(", ")
}

/// Failed checks, with what to type.
fn refused(document: &PlanDocument) -> Option<Part> {
    let failed = document.checks.iter();
    let failed: Vec<_> = failed
        .filter(|check| is(check, CheckStatus::Failed))
        .collect();
    let first = failed.first()?;
    let force = |check: &Check| format!("--force={}:{}", check.name, check.endpoint);
    let lines = failed.iter().map(|check| {
        let ending = format!("; {}", force(check));
        let detail = check.detail.strip_suffix(&ending).unwrap_or(&check.detail);
        let text = format!("> - {}: {}\n", name(&check.name), code::text(detail));
        Line::one(text)
    });
    let checks = count(failed.len(), "safety check");
    let others = match failed.len() {
        1 => String::new(),
        more => format!(", and likewise for the other {}", more - 1),
    };
    let typed = word(&force(first));
    Some(Part {
        front: format!(
            "\n> [!CAUTION]\n> **{checks} failed**, so `purgit apply` sends nothing. If it is meant, \
             type `purgit apply {typed}`{others}.\n>\n"
        ),
        lines: lines.collect(),
        back: "",
        more: ["> - ", ""],
        noun: "check",
    })
}

fn is(check: &Check, status: CheckStatus) -> bool {
    check.status == status.as_str()
}

/// What may be cut, in the order in which it is shown.
fn parts(document: &PlanDocument) -> impl Iterator<Item = Part> {
    let endpoints = endpoints(document);
    let is_only = endpoints.len() == 1;
    let endpoints = endpoints.into_iter().flat_map(move |(endpoint, changes)| {
        let cost = match is_only {
            true => String::new(),
            false => cost(document, endpoint),
        };
        [table(endpoint, &cost, &changes), list(&changes)]
    });
    endpoints.chain(notes(document))
}

/// Requests and quota of one endpoint among several.
fn cost(document: &PlanDocument, endpoint: &str) -> String {
    let steps = document.steps.iter();
    let steps = steps.filter(|step| step.endpoint == endpoint).count();
    let quota = quota(document, endpoint);
    let quota = match quota.is_empty() {
        true => quota,
        false => format!("; {quota} of today's quota"),
    };
    format!(
        "{}: {}{quota}\n\n",
        name(endpoint),
        counted(steps, "request")
    )
}

/// Which manifests want how much purged on an endpoint, and why.
fn table(endpoint: &str, cost: &str, changes: &[&Change]) -> Part {
    let rows = changes
        .chunk_by(|a, b| owner(a) == owner(b))
        .map(|changes| {
            let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
            for change in changes {
                *kinds.entry(&change.kind).or_default() += 1;
            }
            let kinds = kinds.into_iter();
            let kinds: Vec<_> = kinds
                .map(|(kind, number)| counted(number, noun(kind)))
                .collect();
            let owner = name(changes.first().map_or("", |change| owner(change)));
            let row = format!(
                "| {owner} | {} | {} |\n",
                kinds.join(", "),
                reasons(changes)
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

/// Every change in a line of its own.
fn list(changes: &[&Change]) -> Part {
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
            counted(changes.len(), "change")
        ),
        lines,
        back: "```\n\n</details>\n",
        more: ["# ", ""],
        noun: "change",
    }
}

fn change_line(change: &Change) -> String {
    let sign = match (&change.before, &change.after) {
        (_, None) => '-',
        (None, Some(_)) => '+',
        (Some(_), Some(_)) => '!',
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
    let text = format!(
        "{:<9} {target}  {}{generations}",
        change.kind,
        said(&change.reason)
    );
    code::line(sign, &text)
}

/// Notes and warnings.
fn notes(document: &PlanDocument) -> Option<Part> {
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

/// What was left out, and how to see it.
fn missing<'a>(
    parts: impl Iterator<Item = &'a Part>,
    cuts: impl Iterator<Item = &'a Cut>,
) -> String {
    let mut missing: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    for (part, cut) in parts.zip(cuts) {
        let (left_out, all) = missing.entry(part.noun).or_default();
        *left_out += cut.missing;
        *all += part.counts();
    }
    let texts = missing
        .into_iter()
        .filter(|(_, (left_out, _))| *left_out > 0);
    let texts = texts
        .map(|(noun, (left_out, all))| format!("{} of {}", grouped(left_out), counted(all, noun)));
    let texts = listed(&texts.collect::<Vec<_>>());
    format!("\n*Left out for their length: {texts}.*\n")
}

/// Checks that passed, the plan's id, and what to type to apply it.
fn foot(document: &PlanDocument) -> String {
    let passed = document
        .checks
        .iter()
        .filter(|check| is(check, CheckStatus::Passed));
    let passed = passed.count();
    let checks = match passed {
        0 => String::new(),
        passed => format!("{} passed. ", counted(passed, "safety check")),
    };
    let git = document.base.git.as_ref();
    let mut typed = vec!["purgit apply".to_owned()];
    if let Some(git) = git.filter(|git| !git.from.is_empty()) {
        typed.push(word(&format!("--since={}", git.from)));
        if !git.dirty && !git.to.is_empty() {
            typed.push(word(&format!("--to={}", git.to)));
        }
    }
    typed.push(word(&format!("--expect-plan={}", document.plan_id)));
    let selection = match document.complete {
        true => "",
        false => ", with the same `--target` and `--exclude`",
    };
    format!(
        "\n{checks}To apply just this plan{selection}:\n\n{FENCE}sh\n{}\n{FENCE}\n",
        typed.join(" ")
    )
}
