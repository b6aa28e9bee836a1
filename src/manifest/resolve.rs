//! Turns all drafts into the project: names are unique, references exist, and each endpoint serves the
//! declared targets and can purge them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::{Draft, Drafts, FileSpan};
use super::resource::{Endpoint, Project, Purge, ROOT_FILE, Site};
use crate::diagnostic::{Diagnostic, SourceText, did_you_mean, listed, shown};
use crate::entry::{Owner, Target};
use crate::field::{Block, Found};
use crate::provider::{Counts, DayStart, Provider, Window};
use crate::url::HostPattern;
use crate::yaml::problem::{Problem, Problems, Span};

/// Reports contradictions. If nothing is reported, the project is complete.
pub(super) fn resolve(
    drafts: Drafts,
    files: &[(SourceText, Problems)],
    problems: &mut Vec<Diagnostic>,
) -> Option<Project> {
    let mut resolver = Resolver {
        files,
        incomplete: drafts.unreadable > 0,
        endpoints: BTreeMap::new(),
    };
    if drafts.projects.is_empty() && !resolver.incomplete {
        let hint = format!("add one to `{ROOT_FILE}`, or run `purgit init`");
        problems.push(Diagnostic::error("there is no `Project` manifest").hint(hint));
    }
    let project = resolver.project(drafts.projects);
    resolver.endpoints = resolver.unique("Endpoint", drafts.endpoints);
    resolver.check_days();
    let purges = resolver.unique("Purge", drafts.purges);
    for Draft { at, spec, .. } in purges.values() {
        let targets = spec.targets.iter();
        let targets = targets.flat_map(|found| found.value.iter().zip(found.items.iter().copied()));
        resolver.check(at.file, spec.endpoint.as_ref(), targets);
    }
    let sites = resolver.unique("Site", drafts.sites);
    for Draft { at, spec, .. } in sites.values() {
        let base = spec.base_url.clone().map(|found| found.map(Target::File));
        let targets = base.iter().map(|found| (&found.value, found.span));
        resolver.check(at.file, spec.endpoint.as_ref(), targets);
    }
    let of_purges = purges.values();
    let of_purges = of_purges.map(|draft| (Owner::Purge(draft.name.clone()), draft.at));
    let of_sites = sites.values();
    let of_sites = of_sites.map(|draft| (Owner::Site(draft.name.clone()), draft.at));
    let declared = of_purges.chain(of_sites).filter_map(|(owner, at)| {
        let (source, _) = files.get(at.file)?;
        Some((owner, source.place(at.span.range())))
    });
    let declared = declared.collect();
    let endpoints = resolver.endpoints.into_iter().filter_map(|(name, draft)| {
        let whole = Endpoint::whole(draft.spec)?;
        Some((name.clone(), Endpoint { name, ..whole }))
    });
    let purges = purges.into_iter().filter_map(|(name, draft)| {
        let whole = Purge::whole(draft.spec)?;
        Some(Purge { name, ..whole })
    });
    let sites = sites.into_iter().filter_map(|(name, draft)| {
        let whole = Site::whole(draft.spec)?;
        Some(Site { name, ..whole })
    });
    let project = project?;
    let project = Project {
        name: project.name,
        endpoints: endpoints.collect(),
        purges: purges.collect(),
        sites: sites.collect(),
        declared,
        ..Project::whole(project.spec)?
    };
    Some(project.without_own_files(&[]))
}

type Unique<B> = BTreeMap<Arc<str>, Draft<B>>;

struct Resolver<'f> {
    files: &'f [(SourceText, Problems)],
    incomplete: bool,
    endpoints: Unique<Endpoint>,
}

impl Resolver<'_> {
    fn push(&self, problem: Diagnostic, at: FileSpan) {
        if let Some((_, problems)) = self.files.get(at.file) {
            problems.push(Problem::new(at.span, problem));
        }
    }

    fn push_second(&self, problem: Diagnostic, at: FileSpan, first: FileSpan) {
        let problem = match self.files.get(first.file) {
            Some((source, _)) => {
                problem.related("the first one is here", source.place(first.span.range()))
            }
            None => problem,
        };
        self.push(problem, at);
    }

    fn path(&self, at: FileSpan) -> Option<&str> {
        self.files.get(at.file).map(|(source, _)| &**source.path())
    }

    /// The only `Project`, which must be in the root file.
    fn project(&self, drafts: Vec<Draft<Project>>) -> Option<Draft<Project>> {
        let mut drafts = drafts.into_iter();
        let first = drafts.next()?;
        for other in drafts {
            let problem = Diagnostic::error("there is more than one `Project` manifest");
            self.push_second(problem.hint("keep one"), other.at, first.at);
        }
        if self.path(first.at) != Some(ROOT_FILE) {
            let problem = Diagnostic::error(format!("a `Project` may only be in `{ROOT_FILE}`"));
            self.push(problem, first.at);
        }
        Some(first)
    }

    /// Drafts by name. Reports the second one with the same name, in order of files and lines.
    fn unique<B: Block>(&self, kind: &str, mut drafts: Vec<Draft<B>>) -> Unique<B> {
        let order = |draft: &Draft<B>| (self.path(draft.at), draft.at.span.start);
        drafts.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut unique: Unique<B> = BTreeMap::new();
        for draft in drafts {
            if let Some(first) = unique.get(&draft.name) {
                let name = shown(&draft.name);
                let problem = Diagnostic::error(format!("a second `{kind}` has the name `{name}`"));
                self.push_second(problem.hint("rename one of the two"), draft.at, first.at);
            } else {
                unique.insert(draft.name.clone(), draft);
            }
        }
        unique
    }

    /// Reports endpoints of one account whose days start at different times: a quota has one day.
    fn check_days(&self) {
        let mut days: BTreeMap<(Arc<str>, Counts), (DayStart, &str, FileSpan)> = BTreeMap::new();
        for (name, Draft { at, spec, .. }) in &self.endpoints {
            let Some((provider, limits)) = spec.provider.as_ref().zip(spec.limits.as_ref()) else {
                continue;
            };
            let span = limits.span;
            let here = FileSpan { span, ..*at };
            for budget in provider.value.budgets(&limits.value) {
                let Window::Day(day) = budget.window else {
                    continue;
                };
                let first = days.entry((budget.scope, budget.counts));
                let (first_day, other, first) = *first.or_insert((day, name, here));
                if first_day != day {
                    let message = format!(
                        "endpoints `{other}` and `{name}` share an account, but their days start at {first_day} and at {day}"
                    );
                    let problem = Diagnostic::error(message);
                    let hint = "set `limits.dayStartsAt` to the same time in both";
                    self.push_second(problem.hint(hint), here, first);
                    break;
                }
            }
        }
    }

    /// Reports an unknown endpoint, and targets that it cannot purge.
    fn check<'d>(
        &self,
        file: usize,
        endpoint: Option<&Found<Arc<str>>>,
        targets: impl Iterator<Item = (&'d Target, Span)>,
    ) {
        let Some(reference) = endpoint else { return };
        let (name, at) = (&reference.value, |span| FileSpan { file, span });
        let Some(endpoint) = self.endpoints.get(name) else {
            return self.unknown_endpoint(name, at(reference.span));
        };
        let spec = &endpoint.spec;
        let mut last_good = "";
        for (target, span) in targets {
            let problem = spec.provider.as_ref();
            let problem = problem.and_then(|found| unsupported(name, &*found.value, target));
            if let Some(problem) = problem {
                self.push(problem, at(span));
            }
            // Unreadable hosts were reported already.
            let Some((own, host)) = spec.hosts.as_ref().zip(target.host()) else {
                continue;
            };
            if host != last_good && !own.value.is_empty() && !serves(&own.value, host) {
                self.push(self.foreign_host(name, &own.value, host), at(span));
            } else {
                last_good = host;
            }
        }
    }

    fn unknown_endpoint(&self, name: &str, at: FileSpan) {
        let known = || self.endpoints.keys().map(|name| &**name);
        let guess = did_you_mean(name, known());
        // It may be in a document that could not be read.
        if guess.is_none() && self.incomplete {
            return;
        }
        let hint = match guess {
            Some(guess) => format!("did you mean `{guess}`?"),
            None if self.endpoints.is_empty() => "there is no `Endpoint` manifest yet".to_owned(),
            None => format!("known endpoints: {}", listed(known())),
        };
        let problem = Diagnostic::error(format!("unknown endpoint `{}`", shown(name)));
        self.push(problem.hint(hint), at);
    }

    fn foreign_host(&self, endpoint: &str, own: &[HostPattern], host: &str) -> Diagnostic {
        let own: Vec<_> = own.iter().map(HostPattern::to_string).collect();
        let own = listed(own.iter().map(String::as_str));
        let others = self.endpoints.iter().filter(|(_, other)| {
            let hosts = other.spec.hosts.as_ref();
            hosts.is_some_and(|found| serves(&found.value, host))
        });
        let others: Vec<_> = others.map(|(name, _)| &**name).collect();
        let others = match others.as_slice() {
            [] => "no endpoint serves this host".to_owned(),
            others => format!("this host is served by {}", listed(others.iter().copied())),
        };
        let message = format!("`{}` is not a host of endpoint `{endpoint}`", shown(host));
        Diagnostic::error(message).hint(format!("endpoint `{endpoint}` serves {own}; {others}"))
    }
}

fn serves(hosts: &[HostPattern], host: &str) -> bool {
    hosts.iter().any(|pattern| pattern.matches(host))
}

/// What an endpoint's CDN cannot purge, and what it can purge instead.
fn unsupported(endpoint: &str, provider: &dyn Provider, target: &Target) -> Option<Diagnostic> {
    let error = provider.lower(target).err()?;
    let field = target.kind().field();
    let message = format!("endpoint `{endpoint}` cannot purge `{field}`: {error}");
    Some(Diagnostic::error(message).hint(shown(&error.hint)))
}
