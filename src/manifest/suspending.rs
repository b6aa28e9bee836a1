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

/// How to change a manifest's suspension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Suspends it. If it is suspended already, fields that are not given stay unchanged.
    Suspend(Suspension),
    /// Ends the suspension.
    Resume,
}

/// A manifest file with a changed suspension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// Path of the file, relative to the project's root.
    pub path: Arc<str>,
    /// The new text; `None` if nothing changes.
    pub text: Option<String>,
    /// The new suspension.
    pub suspension: Option<Suspension>,
}

/// Why a manifest cannot be suspended or resumed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SuspendError {
    /// The text is not an address of a manifest.
    #[error("`{text}` is not the address of a manifest")]
    NoAddress {
        /// What was given.
        text: String,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// The address is of an entry.
    #[error("`{text}` is the address of an entry, and a manifest is suspended as a whole")]
    Entry {
        /// What was given.
        text: String,
        /// The manifest's address.
        manifest: String,
    },
    /// No manifest has that address.
    #[error("there is no manifest `{text}`")]
    Unknown {
        /// What was given.
        text: String,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// The manifest would become invalid.
    #[error("the manifest would not be valid: {0}")]
    Invalid(String),
    /// The text cannot be changed without side effects.
    #[error("cannot change the suspension of `{address}` in `{path}` without changing more")]
    Entangled {
        /// The manifest's address.
        address: String,
        /// The file.
        path: Arc<str>,
    },
}

impl SuspendError {
    /// What to do about it.
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

/// The manifest of an address.
///
/// # Errors
/// Invalid or unknown addresses.
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
///
/// # Errors
/// [`SuspendError::Unknown`], [`SuspendError::Invalid`] and [`SuspendError::Entangled`].
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
        let is_else_as_before = digest(&read) == digest(&project) && said(&new) == said(text);
        if !is_as_wanted || !is_else_as_before {
            return Err(entangled());
        }
    }
    Ok(Edited {
        path,
        text: is_new.then_some(new),
        suspension: wanted,
    })
}

/// The words of all comments.
fn said(text: &str) -> Vec<&str> {
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

/// The project of these texts, with one of them replaced.
///
/// # Errors
/// The first error in them.
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

/// The `spec` of a manifest in this text.
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

/// The text with the new suspension, written after `endpoint`, which every manifest with entries
/// has.
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
    for (((key, behind), is), new) in fields.into_iter().zip(values(present)).zip(wanted) {
        // Keep the old spelling if its value is the same.
        if new.is_none() || new != is {
            text = edit::set(&text, |text| spec(text, owner), behind, key, new.as_deref())?;
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

/// An instant as a person would write it: only the date if the time is midnight.
pub fn moment(at: DateTime<Utc>) -> String {
    match at.time() == NaiveTime::MIN {
        true => at.date_naive().to_string(),
        false => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    }
}
