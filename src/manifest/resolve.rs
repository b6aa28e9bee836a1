//! All drafts together become the project: names are unique, references lead somewhere, URLs
//! belong to hosts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ROOT_FILE;
use super::kinds::project::ProjectDraft;
use super::kinds::purge::{PurgeDraft, Targets};
use super::kinds::site::SiteDraft;
use super::kinds::{At, Draft, Drafts};
use super::resource::{Endpoint, Project, Purge, Site};
use crate::diagnostic::{Diagnostic, Place, SourceText, did_you_mean, listed, shown};
use crate::entry::Target;
use crate::url::HostPattern;
use crate::yaml::problem::{Span, Tally};

/// Reports what does not fit together. The project is complete if nothing was reported.
pub(super) fn resolve(
    drafts: Drafts,
    sources: &[SourceText],
    tally: &mut Tally,
) -> Option<Project> {
    let mut resolver = Resolver { sources, tally };
    let incomplete = drafts.unreadable > 0;
    let project = resolver.project(drafts.projects, incomplete);
    let endpoints = resolver.unique("Endpoint", drafts.endpoints);
    let purges = resolver.unique("Purge", drafts.purges);
    let hosts: Hosts = endpoints
        .iter()
        .map(|(name, draft)| (name.clone(), draft.spec.hosts.clone()))
        .collect();
    for draft in purges.values() {
        resolver.check_purge(draft, &hosts, incomplete);
    }
    let sites = resolver.unique("Site", drafts.sites);
    for draft in sites.values() {
        resolver.check_site(draft, &hosts, incomplete);
    }
    let project = project?;
    let endpoints = endpoints.into_iter().filter_map(|(name, draft)| {
        let (provider, limits) = draft.spec.provider?;
        let endpoint = Endpoint {
            name: name.clone(),
            hosts: draft.spec.hosts?,
            provider,
            limits,
            poll: draft.spec.poll,
        };
        Some((name, endpoint))
    });
    let project = Project {
        name: project.name,
        manifests: project.spec.manifests,
        state_file: project.spec.state_file,
        status_file: project.spec.status_file,
        safety: project.spec.safety,
        endpoints: endpoints.collect(),
        purges: purges.into_values().map(purge).collect(),
        sites: sites.into_values().filter_map(site).collect(),
    };
    Some(project.without_own_files(&[]))
}

/// `None` where something of it could not be read, which was reported.
fn site(draft: Draft<SiteDraft>) -> Option<Site> {
    let spec = draft.spec;
    Some(Site {
        name: draft.name,
        endpoint: spec.endpoint?.0.into(),
        base_url: spec.base_url?.0,
        content: spec.content?,
        index: spec.index,
        redirect: spec.redirect,
        strip_extensions: spec.strip_extensions,
        on_delete: spec.on_delete,
        suspension: spec.suspension,
    })
}

fn purge(draft: Draft<PurgeDraft>) -> Purge {
    let spec = draft.spec;
    Purge {
        name: draft.name,
        endpoint: spec
            .endpoint
            .map(|(name, _)| name)
            .unwrap_or_default()
            .into(),
        revision: spec.revision,
        targets: spec.targets.targets,
        suspension: spec.suspension,
    }
}

/// Hosts by endpoint; `None` where they could not be read.
type Hosts = BTreeMap<Arc<str>, Option<Vec<HostPattern>>>;

struct Resolver<'s, 't> {
    sources: &'s [SourceText],
    tally: &'t mut Tally,
}

impl Resolver<'_, '_> {
    fn place(&self, at: At) -> Option<Place> {
        let source = self.sources.get(at.source)?;
        Some(source.place(at.span.range()))
    }

    fn push(&mut self, diagnostic: Diagnostic, at: At) {
        let place = self.place(at);
        self.tally.push(Diagnostic {
            place,
            ..diagnostic
        });
    }

    fn push_second(&mut self, diagnostic: Diagnostic, at: At, first: At) {
        let diagnostic = match self.place(first) {
            Some(place) => diagnostic.related("the first one is here", place),
            None => diagnostic,
        };
        self.push(diagnostic, at);
    }

    /// The one `Project`, which stands in the root file.
    fn project(
        &mut self,
        drafts: Vec<Draft<ProjectDraft>>,
        incomplete: bool,
    ) -> Option<Draft<ProjectDraft>> {
        let mut drafts = drafts.into_iter();
        let Some(first) = drafts.next() else {
            if !incomplete {
                let hint = format!("add one to `{ROOT_FILE}`, or run `purgit init`");
                self.tally
                    .push(Diagnostic::error("there is no `Project` manifest").hint(hint));
            }
            return None;
        };
        for other in drafts {
            let problem = Diagnostic::error("there is more than one `Project` manifest");
            self.push_second(problem.hint("keep one"), other.at, first.at);
        }
        let file = self.sources.get(first.at.source).map(SourceText::path);
        if file.is_some_and(|path| **path != *ROOT_FILE) {
            let problem = Diagnostic::error(format!("a `Project` stands in `{ROOT_FILE}` only"));
            self.push(problem, first.at);
        }
        Some(first)
    }

    /// Drafts by name; whoever comes second, in order of files and lines, is reported.
    fn unique<T>(&mut self, kind: &str, mut drafts: Vec<Draft<T>>) -> BTreeMap<Arc<str>, Draft<T>> {
        let path = |at: At| self.sources.get(at.source).map(SourceText::path);
        drafts.sort_by(|a, b| (path(a.at), a.at.span.start).cmp(&(path(b.at), b.at.span.start)));
        let mut unique: BTreeMap<Arc<str>, Draft<T>> = BTreeMap::new();
        for draft in drafts {
            if let Some(first) = unique.get(&draft.name) {
                let first = first.at;
                let name = shown(&draft.name);
                let problem = Diagnostic::error(format!("a second `{kind}` has the name `{name}`"));
                self.push_second(problem.hint("rename one of the two"), draft.at, first);
            } else {
                unique.insert(draft.name.clone(), draft);
            }
        }
        unique
    }

    fn check_purge(&mut self, draft: &Draft<PurgeDraft>, hosts: &Hosts, incomplete: bool) {
        let source = draft.at.source;
        let endpoint = draft.spec.endpoint.as_ref();
        if let Some((name, own)) = self.endpoint(endpoint, source, hosts, incomplete) {
            self.check_hosts(&draft.spec.targets, source, name, own, hosts);
        }
    }

    fn check_site(&mut self, draft: &Draft<SiteDraft>, hosts: &Hosts, incomplete: bool) {
        let source = draft.at.source;
        let endpoint = draft.spec.endpoint.as_ref();
        let Some((name, own)) = self.endpoint(endpoint, source, hosts, incomplete) else {
            return;
        };
        if let Some((url, span)) = draft.spec.base_url.clone() {
            let targets = Targets {
                targets: vec![Target::Directory(url)],
                spans: vec![span],
            };
            self.check_hosts(&targets, source, name, own, hosts);
        }
    }

    /// The endpoint that a manifest refers to, with its hosts; one that does not exist is reported.
    fn endpoint<'d>(
        &mut self,
        reference: Option<&'d (String, Span)>,
        source: usize,
        hosts: &'d Hosts,
        incomplete: bool,
    ) -> Option<(&'d str, &'d [HostPattern])> {
        let (name, span) = reference?;
        if let Some(own) = hosts.get(name.as_str()) {
            return Some((name, own.as_deref()?));
        }
        let at = At {
            source,
            span: *span,
        };
        self.unknown_endpoint(name, at, hosts, incomplete);
        None
    }

    fn unknown_endpoint(&mut self, name: &str, at: At, hosts: &Hosts, incomplete: bool) {
        let known = || hosts.keys().map(|name| &**name);
        let guess = did_you_mean(name, known());
        // It may be in a document that could not be read.
        if guess.is_none() && incomplete {
            return;
        }
        let hint = match guess {
            Some(guess) => format!("did you mean `{guess}`?"),
            None if hosts.is_empty() => "there is no `Endpoint` manifest yet".to_owned(),
            None => format!("known endpoints: {}", listed(known())),
        };
        let problem = Diagnostic::error(format!("unknown endpoint `{}`", shown(name)));
        self.push(problem.hint(hint), at);
    }

    fn check_hosts(
        &mut self,
        targets: &Targets,
        source: usize,
        endpoint: &str,
        own: &[HostPattern],
        hosts: &Hosts,
    ) {
        let mut last_good = "";
        for (target, span) in targets.targets.iter().zip(&targets.spans) {
            let Some(host) = target.host() else {
                continue;
            };
            if host == last_good {
                continue;
            }
            if own.iter().any(|pattern| pattern.matches(host)) {
                last_good = host;
                continue;
            }
            let patterns: Vec<_> = own.iter().map(HostPattern::to_string).collect();
            let serves = listed(patterns.iter().map(String::as_str));
            let others = hosts.iter().filter(|(_, patterns)| {
                let patterns = patterns.iter().flatten();
                patterns.into_iter().any(|pattern| pattern.matches(host))
            });
            let others: Vec<_> = others.map(|(name, _)| &**name).collect();
            let hint = if others.is_empty() {
                format!("endpoint `{endpoint}` serves {serves}; no endpoint serves this host")
            } else {
                let others = listed(others);
                format!("endpoint `{endpoint}` serves {serves}; this host is served by {others}")
            };
            let message = format!("`{}` is not a host of endpoint `{endpoint}`", shown(host));
            let at = At {
                source,
                span: *span,
            };
            self.push(Diagnostic::error(message).hint(hint), at);
        }
    }
}
