//! Suspends and resumes a manifest in its text: only the fields under `spec` change.

use std::sync::Arc;

use chrono::{DateTime, NaiveTime, SecondsFormat, Utc};
use thiserror::Error;

use super::digest;
use super::reading::{ManifestFile, parse};
use super::resource::{Project, Suspension};
use crate::diagnostic::{Diagnostic, Sources, did_you_mean, shown};
use crate::entry::Owner;
use crate::escape;
use crate::yaml::problem::Problems;
use crate::yaml::{self, Bounds, Content, Node, edit};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// If the manifest is already suspended, fields that are not given stay unchanged.
    Suspend(Suspension),
    Resume,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    pub path: Arc<str>,
    /// `None` if nothing changes.
    pub text: Option<String>,
    pub suspension: Option<Suspension>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum SuspendError {
    #[error("`{text}` is not the address of a manifest")]
    NoAddress {
        text: String,
        /// A guess for the hint.
        meant: Option<String>,
    },
    #[error("`{text}` is the address of an entry, and a manifest is suspended as a whole")]
    Entry { text: String, manifest: String },
    #[error("there is no manifest `{text}`")]
    Unknown { text: String, meant: Option<String> },
    #[error("the manifest would not be valid: {0}")]
    Invalid(String),
    /// The text cannot be changed without side effects.
    #[error("cannot change the suspension of `{address}` in `{path}` without changing more")]
    Entangled { address: String, path: Arc<str> },
}

impl SuspendError {
    pub fn hint(&self) -> String {
        match self {
            Self::NoAddress {
                meant: Some(meant), ..
            }
            | Self::Unknown {
                meant: Some(meant), ..
            } => {
                format!("did you mean `{meant}`?")
            }
            Self::NoAddress { meant: None, .. } => {
                "write `purge/NAME` or `site/NAME`, as `purgit status` does".to_owned()
            }
            Self::Entry { manifest, .. } => {
                format!("`{manifest}` is the manifest, with all its entries")
            }
            Self::Unknown { meant: None, .. } => "`purgit status` lists the manifests".to_owned(),
            Self::Invalid(_) => {
                "write a reason of one short line, without control characters".to_owned()
            }
            Self::Entangled { .. } => {
                "edit `suspend`, `suspendReason` and `suspendUntil` under its `spec` by hand"
                    .to_owned()
            }
        }
    }
}

pub fn manifest_of(address: &str, project: &Project) -> Result<Owner, SuspendError> {
    let text = shown(address);
    let owners = owners(project);
    let addresses: Vec<_> = owners.iter().map(Owner::address).collect();
    let meant = |word: &str| {
        let guess = did_you_mean(word, addresses.iter().map(String::as_str));
        guess.map(str::to_owned)
    };
    let mut parts = address.trim_end_matches('/').splitn(3, '/');
    let (Some(kind @ ("purge" | "site")), Some(name), rest) =
        (parts.next(), parts.next(), parts.next())
    else {
        let named = |word| format!("{word}/{address}");
        let known = ["purge", "site"].map(named);
        let known = known.into_iter().find(|named| addresses.contains(named));
        let meant = known.or_else(|| meant(address));
        return Err(SuspendError::NoAddress { text, meant });
    };
    let manifest = format!("{kind}/{name}");
    let found = addresses.iter().position(|known| *known == manifest);
    let Some(owner) = found.and_then(|at| owners.into_iter().nth(at)) else {
        let meant = meant(&manifest);
        return Err(SuspendError::Unknown { text, meant });
    };
    match rest {
        None => Ok(owner),
        Some(_) => Err(SuspendError::Entry { text, manifest }),
    }
}

fn owners(project: &Project) -> Vec<Owner> {
    let purges = project.purges.iter();
    let purges = purges.map(|purge| Owner::Purge(purge.name.clone()));
    let sites = project.sites.iter();
    purges
        .chain(sites.map(|site| Owner::Site(site.name.clone())))
        .collect()
}

/// Changes the suspension of a manifest in valid `sources`.
pub fn change(
    sources: &Sources,
    owner: &Owner,
    change: &Change,
    now: DateTime<Utc>,
) -> Result<Edited, SuspendError> {
    let unknown = || SuspendError::Unknown {
        text: owner.address(),
        meant: None,
    };
    let mut project = read(sources, None).map_err(|_| unknown())?;
    let present = suspension(&mut project, owner).ok_or_else(unknown)?;
    let wanted = wanted(present.as_ref(), change, now);
    let found = sources
        .iter()
        .find(|source| spec(source.text(), owner).is_some());
    let source = found.ok_or_else(unknown)?;
    let (path, text) = (source.path().clone(), source.text());
    let entangled = || SuspendError::Entangled {
        address: owner.address(),
        path: path.clone(),
    };
    let new = written(text, owner, present.as_ref(), wanted.as_ref()).ok_or_else(entangled)?;
    let is_new = new != text;
    if is_new {
        present.clone_from(&wanted);
        let read = read(sources, Some((&path, &new)));
        let mut read = read.map_err(|problem| match problem.contains("suspendReason") {
            true => SuspendError::Invalid(problem),
            false => entangled(),
        })?;
        let is_as_wanted = suspension(&mut read, owner).is_some_and(|found| *found == wanted);
        let rest_is_unchanged =
            digest(&read) == digest(&project) && comments(&new) == comments(text);
        if !is_as_wanted || !rest_is_unchanged {
            return Err(entangled());
        }
    }
    Ok(Edited {
        path,
        text: is_new.then_some(new),
        suspension: wanted,
    })
}

fn comments(text: &str) -> Vec<&str> {
    let comments = edit::comments(text).into_iter();
    comments.map(|at| text[at.range()].trim_end()).collect()
}

fn wanted(present: Option<&Suspension>, change: &Change, now: DateTime<Utc>) -> Option<Suspension> {
    let Change::Suspend(given) = change else {
        return None;
    };
    let held = present.filter(|present| present.holds_at(now));
    let held = held.cloned().unwrap_or_default();
    Some(Suspension {
        reason: given.reason.clone().or(held.reason),
        until: given.until.or(held.until),
    })
}

/// The project of these texts, with one of them replaced; otherwise the first error.
fn read(sources: &Sources, replaced: Option<(&Arc<str>, &str)>) -> Result<Project, String> {
    let files = sources.iter().map(|source| {
        let new = replaced.filter(|(path, _)| *path == source.path());
        let text = new.map_or(source.text(), |(_, text)| text);
        ManifestFile::new(&**source.path(), text)
    });
    let parsed = parse(files.collect());
    parsed.project.ok_or_else(|| {
        let first = parsed.problems.into_iter().find(Diagnostic::is_error);
        first.map(|error| error.message).unwrap_or_default()
    })
}

fn suspension<'p>(project: &'p mut Project, owner: &Owner) -> Option<&'p mut Option<Suspension>> {
    match owner {
        Owner::OneOff => None,
        Owner::Purge(name) => {
            let found = project.purges.iter_mut().find(|purge| purge.name == *name);
            found.map(|purge| &mut purge.suspension)
        }
        Owner::Site(name) => {
            let found = project.sites.iter_mut().find(|site| site.name == *name);
            found.map(|site| &mut site.suspension)
        }
    }
}

fn spec<'s>(text: &'s str, owner: &Owner) -> Option<Node<'s>> {
    let (kind, name) = match owner {
        Owner::OneOff => return None,
        Owner::Purge(name) => ("Purge", name),
        Owner::Site(name) => ("Site", name),
    };
    let stream = yaml::read(text, &Bounds::default(), &Problems::default());
    let mut documents = stream.documents.into_iter();
    let document = documents.find(|document| {
        let named = member(document, "metadata").and_then(|metadata| member(metadata, "name"));
        is_text(member(document, "kind"), kind) && is_text(named, name)
    })?;
    member(&document, "spec").cloned()
}

fn member<'n, 's>(node: &'n Node<'s>, key: &str) -> Option<&'n Node<'s>> {
    let Content::Mapping(pairs) = node.content() else {
        return None;
    };
    let pair = pairs.iter().find(|pair| pair.key == key)?;
    Some(&pair.value)
}

fn is_text(node: Option<&Node<'_>>, text: &str) -> bool {
    node.is_some_and(|node| matches!(node.content(), Content::Scalar(found) if found.text == text))
}

/// The text with the new suspension, after `endpoint`, which every manifest with entries has.
fn written(
    text: &str,
    owner: &Owner,
    present: Option<&Suspension>,
    wanted: Option<&Suspension>,
) -> Option<String> {
    let values = |suspension: Option<&Suspension>| {
        let reason = suspension.and_then(|suspension| suspension.reason.as_deref());
        let until = suspension.and_then(|suspension| suspension.until);
        let is_suspended = suspension.map(|_| "true".to_owned());
        [
            is_suspended,
            reason.map(quoted),
            until.map(|until| quoted(&moment(until))),
        ]
    };
    let wanted = values(wanted);
    let before_until = match wanted[1] {
        Some(_) => "suspendReason",
        None => "suspend",
    };
    let fields = [
        ("suspend", "endpoint"),
        ("suspendReason", "suspend"),
        ("suspendUntil", before_until),
    ];
    let mut text = text.to_owned();
    for (((key, after), old), new) in fields.into_iter().zip(values(present)).zip(wanted) {
        // Keeps the old spelling if its value is the same.
        if new.is_none() || new != old {
            text = edit::set(&text, |text| spec(text, owner), after, key, new.as_deref())?;
        }
    }
    Some(text)
}

/// A text in double quotes. JSON's escapes are valid YAML, except surrogate pairs.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() || escape::is_hidden(c) => {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// An instant in RFC 3339; only the date if the time is midnight.
pub fn moment(at: DateTime<Utc>) -> String {
    match at.time() == NaiveTime::MIN {
        true => at.date_naive().to_string(),
        false => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    }
}
