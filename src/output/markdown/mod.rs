//! The plan as Markdown, for pull requests and step summaries: what will be purged, why, at what cost,
//! and what to do next.
//!
//! Rendered from the plan document, so a saved plan looks like a new one. The same document gives the
//! same text, without times. All foreign text is code, see `code`.

mod applied;
mod code;
mod fit;
mod parts;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use super::json::v1::{Change, Check, Edges, PlanDocument, Quota};
use super::{answered, costing, looked, targets};
use crate::plan::{CheckName, CheckStatus, count, number};
pub use applied::applied;
use code::{FENCE, name, word};
pub use fit::Limit;
use fit::{Cut, Part, fit};
use parts::{commits, cover, force, list, manifests, notes, over, table};
use words::{is, listed, noun, reasons, shortened};

/// Endpoints that the first lines name; more are counted.
const MAX_NAMED: usize = 3;

/// Units reserved for the sentence that says what was left out.
const LEFT_OUT: usize = 300;

/// Failed checks may take this fraction (1/n) of the room after the fixed parts.
const CHECKS_SHARE: usize = 2;

pub fn plan(document: &PlanDocument, limit: Limit) -> String {
    if document.is_idle() {
        return nothing(document, limit);
    }
    let head = head(document);
    let foot = match is_done(document) {
        true => String::new(),
        false => foot(document),
    };
    let fixed = limit.of(&head) + limit.of(&foot);
    let room = limit.amount().saturating_sub(fixed);
    let checks = over(document);
    let parts: Vec<_> = parts(document).collect();
    let all = || checks.iter().chain(&parts);
    let is_whole = all().map(|part| part.size(limit)).sum::<usize>() <= room;
    let room = if is_whole {
        room
    } else {
        room.saturating_sub(LEFT_OUT)
    };
    let share = if is_whole { room } else { room / CHECKS_SHARE };
    let mut cuts = fit(&checks, share, limit);
    let used: usize = cuts.iter().map(|cut| limit.of(&cut.text)).sum();
    cuts.extend(fit(&parts, room.saturating_sub(used), limit));
    let left_out = match is_whole {
        true => String::new(),
        false => missing(all(), &cuts),
    };
    let texts = cuts.into_iter().map(|cut| cut.text);
    [head, texts.collect(), left_out, foot].concat()
}

/// The plan id in a text of [`plan`]; `None` if there was nothing to purge. Foreign text is never at the
/// start of a line.
pub fn plan_id(text: &str) -> Option<&str> {
    let mut lines = text.lines().rev();
    let typed = lines.find(|line| line.starts_with("purgit apply "))?;
    typed.rsplit(' ').next()?.strip_prefix("--expect-plan=")
}

/// Whether the plan was carried out, so that nobody needs to apply it.
fn is_done(document: &PlanDocument) -> bool {
    let mut results = document.result.iter();
    results.any(|result| !result.entries.is_empty())
}

/// One line if there is nothing to purge, and the notes.
fn nothing(document: &PlanDocument, limit: Limit) -> String {
    let figures = &document.summary;
    let mut text = "**Nothing to purge**".to_owned();
    if figures.noop > 0 {
        text += &format!(": {} as last purged", count(figures.noop, "entry"));
    }
    if figures.in_progress > 0 {
        let under_way = count(figures.in_progress, "entry");
        text += &format!("; {under_way} under way, which `purgit apply` asks the CDN about");
    }
    text.push_str(".\n");
    text += &edges(document);
    let room = limit.amount().saturating_sub(limit.of(&text));
    let notes: Vec<_> = notes(document).into_iter().collect();
    let notes = fit(&notes, room, limit).into_iter().map(|cut| cut.text);
    text + &notes.collect::<String>()
}

/// What will be purged, at what cost and why.
fn head(document: &PlanDocument) -> String {
    let figures = &document.summary;
    let targets = targets(figures);
    let endpoints = endpoints(document);
    let verb = match document.applyable {
        true if is_done(document) => "Planned:",
        true => "Purges",
        false => "Refused: would purge",
    };
    let waiting = document.waiting();
    let on = named(&endpoints);
    let mut text = match &waiting {
        Some(waiting) if targets.is_empty() => format!("### {waiting}, on {on}\n\n"),
        Some(_) | None => format!("### {verb} {} on {on}\n\n", listed(&targets)),
    };
    text += &count(figures.requests, "request");
    if let [(endpoint, _)] = endpoints[..] {
        text += &spent(document, endpoint);
    }
    text += &format!("; {}", reasons(&document.changes));
    let waiting = waiting.filter(|_| !targets.is_empty());
    text.extend(waiting.map(|waiting| format!("; {waiting}")));
    text.push_str(".\n");
    text + &edges(document)
}

fn edges(document: &PlanDocument) -> String {
    let sentence = |edges: &Edges| {
        let follows = looked(edges.adopted, edges.left_out);
        format!(
            "\nThe edges were asked first: {}{follows}.\n",
            answered(&edges.asked)
        )
    };
    document.edges.as_ref().map(sentence).unwrap_or_default()
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
        return count(endpoints.len(), "endpoint");
    }
    let names: Vec<_> = endpoints
        .iter()
        .map(|(endpoint, _)| name(endpoint))
        .collect();
    listed(&names)
}

/// `13 of 2,000 files, 1 of 500 directories`
fn quota(document: &PlanDocument, endpoint: &str) -> String {
    let quotas = document.quota.iter();
    let quotas = quotas.filter(|quota| quota.endpoint == endpoint && quota.planned > 0);
    let texts = quotas.map(|quota: &Quota| {
        let total = quota.used.saturating_add(quota.planned);
        let kinds: Vec<_> = quota.kind.split('+').map(noun).collect();
        let limit = usize::try_from(quota.limit).unwrap_or(usize::MAX);
        let kept = match quota.reserve {
            0 => String::new(),
            reserve => format!(" ({} kept in reserve)", number(reserve)),
        };
        let limit = count(limit, &kinds.join("+"));
        format!("{} of {limit}{kept}", number(total))
    });
    texts.take(MAX_NAMED).collect::<Vec<_>>().join(", ")
}

fn spent(document: &PlanDocument, endpoint: &str) -> String {
    let mut text = match quota(document, endpoint) {
        quota if quota.is_empty() => quota,
        quota => format!("; {quota} of today's quota"),
    };
    let costs = document.costs.iter();
    for cost in costs.filter(|cost| cost.endpoint == endpoint) {
        text += &format!("; {}", costing(cost, name));
    }
    text
}

/// The parts that may be cut, in order.
fn parts(document: &PlanDocument) -> impl Iterator<Item = Part> {
    let endpoints = endpoints(document);
    let places = document.manifests.iter();
    let places: BTreeMap<_, _> = places.map(|at| (at.address.as_str(), at)).collect();
    let is_only = endpoints.len() == 1;
    let endpoints = endpoints.into_iter().flat_map(move |(endpoint, changes)| {
        let cost = match is_only {
            true => String::new(),
            false => cost(document, endpoint),
        };
        [table(endpoint, &cost, &changes, &places), list(&changes)]
    });
    let rest = commits(document).into_iter().chain(manifests(document));
    let cover = cover(document).into_iter();
    notes(document)
        .into_iter()
        .chain(cover)
        .chain(endpoints)
        .chain(rest)
}

/// Requests, quota and money of one endpoint among several.
fn cost(document: &PlanDocument, endpoint: &str) -> String {
    let steps = document.steps.iter();
    let steps = steps.filter(|step| step.endpoint == endpoint).count();
    let (name, requests) = (name(endpoint), count(steps, "request"));
    format!("{name}: {requests}{}\n\n", spent(document, endpoint))
}

/// What was left out, and how to see it.
fn missing<'a>(parts: impl Iterator<Item = &'a Part>, cuts: &[Cut]) -> String {
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
        .map(|(noun, (left_out, all))| format!("{} of {}", number(left_out), count(all, noun)));
    let texts = listed(&texts.collect::<Vec<_>>());
    format!("\n*Left out for their length: {texts}.*\n")
}

/// Checks that passed, the plan's id, and what to type to apply it.
fn foot(document: &PlanDocument) -> String {
    let checks = document.checks.iter();
    let passed = checks.filter(|check| is(check, CheckStatus::Passed));
    let checks = match passed.count() {
        0 => String::new(),
        passed => format!("{} passed. ", count(passed, "safety check")),
    };
    let git = document.base.git.as_ref();
    let mut typed = vec!["purgit apply".to_owned()];
    if let Some(git) = git.filter(|git| !git.from.is_empty()) {
        typed.push(word(&format!("--since={}", git.from)));
        if !git.dirty && !git.to.is_empty() {
            typed.push(word(&format!("--to={}", git.to)));
        }
    }
    let verify = document.edges.map(|edges| match edges.sampled {
        true => "--verify=sample",
        false => "--verify",
    });
    typed.extend(verify.map(str::to_owned));
    typed.extend(forces(document));
    typed.push(word(&format!("--expect-plan={}", document.plan_id)));
    let commit = match &document.base.commit {
        Some(id) => format!(" of commit {}", name(&shortened(id))),
        None => String::new(),
    };
    let selection = match document.complete {
        true => "",
        false => ", with the same `--target` and `--exclude`",
    };
    let all_the_same = match document.applyable {
        true => "",
        false => " all the same",
    };
    format!(
        "\n{checks}To apply just this plan{commit}{selection}{all_the_same}:\n\n{FENCE}sh\n{}\n{FENCE}\n",
        typed.join(" ")
    )
}

/// The `--force` options for checks over their limits: per endpoint, or for all endpoints if there are
/// many.
fn forces(document: &PlanDocument) -> Vec<String> {
    let is_over = |check: &&Check| is(check, CheckStatus::Failed) || is(check, CheckStatus::Forced);
    let over: Vec<_> = document.checks.iter().filter(is_over).collect();
    let options = over.iter().map(|check| match over.len() {
        0..=MAX_NAMED => word(&force(check)),
        _ => word(&format!("--force={}", check.name)),
    });
    let options: BTreeSet<_> = options.collect();
    options.into_iter().take(CheckName::ALL.len()).collect()
}
