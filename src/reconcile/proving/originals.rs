//! What origins answer, for comparison with what edges serve. Only an origin that tells its release can
//! prove anything: any other may lag and answer old bytes too.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::credential::Credentials;
use crate::credential::source::resolve_all;
use crate::execute::sign_in::redactor;
use crate::origin::{Expect, Readiness, Settings};
use crate::reconcile::Reconciler;
use crate::reconcile::gating::{Probe, Question};
use crate::reconcile::questions::Aim;
use crate::transport::rate::RateLimiter;
use crate::url::CdnUrl;
use crate::verify::ask::{self, Asking, Telling};
use crate::verify::{self, Told, Variant, Wanted};

type Page<'q> = (&'q CdnUrl, &'q Variant);

/// The origins of a project; each is asked for a URL at most once.
#[derive(Debug)]
pub(super) struct Originals<'a> {
    reconciler: &'a Reconciler<'a>,
    /// The commit that they must serve.
    revision: Option<String>,
    credentials: BTreeMap<Arc<str>, Result<Credentials, String>>,
    /// By endpoint and origin URL, release files included.
    known: HashMap<(Arc<str>, String, Variant), Told>,
    requests: usize,
}

/// One origin, while it is asked.
struct Origin<'s> {
    endpoint: Arc<str>,
    settings: &'s Settings,
    credentials: Credentials,
    asking: Asking<'s>,
    rate: RateLimiter,
}

impl Reconciler<'_> {
    /// The origins, which must serve the commit of a plan, or else the one that is checked out.
    pub(super) fn originals(&self, planned: Option<&str>) -> Originals<'_> {
        let here = self.origin.commit.as_deref();
        Originals {
            reconciler: self,
            revision: planned.or(here).map(str::to_owned),
            credentials: BTreeMap::new(),
            known: HashMap::new(),
            requests: 0,
        }
    }

    /// Most requests to origins for these questions: one for each URL and each release file.
    pub(super) fn most_comparisons(&self, questions: &[(Aim, Vec<verify::Question>)]) -> usize {
        let (mut files, mut pages) = (BTreeSet::new(), BTreeSet::new());
        for question in questions.iter().flat_map(|(_, questions)| questions) {
            let Some((_, settings)) = self.origin_of(&question.key.endpoint) else {
                continue;
            };
            let is_told = settings.expect.told_by(&question.wanted, "").is_some();
            let base = settings.base(question.url.host());
            if let (Expect::File { path, .. }, true) = (&settings.expect, is_told) {
                files.insert((base, path.as_str()));
            }
            let path = question.url.path_and_query();
            pages.extend(is_told.then_some((base, path, &question.variant)));
        }
        files.len() + pages.len()
    }
}

impl ask::Originals for Originals<'_> {
    fn tell<'a>(
        &'a mut self,
        asking: Asking<'a>,
        questions: Vec<&'a verify::Question>,
    ) -> Telling<'a> {
        Box::pin(async move {
            let mut by_endpoint: BTreeMap<_, BTreeMap<Page<'_>, &Wanted>> = BTreeMap::new();
            for question in &questions {
                let of_endpoint = by_endpoint.entry(&question.key.endpoint).or_default();
                of_endpoint.insert((&question.url, &question.variant), &question.wanted);
            }
            let mut told = HashMap::new();
            for (endpoint, wanted) in by_endpoint {
                let answers = self.ask(endpoint, &wanted, asking).await;
                let answers = answers.into_iter();
                told.extend(answers.map(|(page, answer)| ((endpoint, page), answer)));
            }
            let told = |question: &&verify::Question| {
                let page = (&question.url, &question.variant);
                told.get(&(&question.key.endpoint, page)).cloned()
            };
            questions.iter().map(told).collect()
        })
    }

    fn requests(&self) -> usize {
        self.requests
    }
}

impl Originals<'_> {
    /// What the origin of one endpoint answers, if one is declared and it tells its release.
    async fn ask<'q>(
        &mut self,
        endpoint: &Arc<str>,
        wanted: &BTreeMap<Page<'q>, &Wanted>,
        asking: Asking<'_>,
    ) -> Vec<(Page<'q>, Told)> {
        let Some((_, settings)) = self.reconciler.origin_of(endpoint) else {
            return Vec::new();
        };
        let revision = self.revision.clone().unwrap_or_default();
        let open = wanted.iter().filter_map(|(page, wanted)| {
            Some((*page, settings.expect.told_by(wanted, &revision)?))
        });
        let open: Vec<_> = open.collect();
        if open.is_empty() {
            return Vec::new();
        }
        let origin = match self.reach(endpoint, settings, asking).await {
            Ok(origin) => origin,
            Err(reason) => {
                let reason = format!("was not asked: {reason}");
                let all = open.into_iter();
                return all.map(|(page, _)| (page, Err(reason.clone()))).collect();
            }
        };
        let mut releases = BTreeMap::new();
        if let Expect::File { path, .. } = &settings.expect {
            let bases: BTreeSet<_> = open
                .iter()
                .map(|((url, _), _)| settings.base(url.host()))
                .collect();
            let expected = settings.expect.expected(&Wanted::Anything, &revision);
            let files = bases.iter().zip(expected.into_iter().cycle());
            let files = files.map(|(base, expected)| {
                let url = format!("{base}{path}");
                let request = settings.get(url, &origin.credentials);
                (Question::new(request, expected), Variant::default())
            });
            let told = self.fetch(&origin, files.collect()).await;
            releases.extend(bases.into_iter().zip(told));
        }
        let mut answers = Vec::with_capacity(open.len());
        let mut pages = Vec::new();
        for (page, expected) in open {
            match releases.get(settings.base(page.0.host())) {
                None | Some(Some(Ok(_))) => pages.push((page, expected)),
                Some(Some(Err(reason))) => answers.push((page, Err(reason.clone()))),
                // Cancelled.
                Some(None) => {}
            }
        }
        let (pages, questions): (Vec<_>, _) = pages
            .into_iter()
            .map(|((url, variant), expected)| {
                let mut request = settings.request(url, &origin.credentials);
                variant.put_into(&mut request);
                let question = Question::new(request, expected);
                ((url, variant), (question, variant.clone()))
            })
            .unzip();
        let told = self.fetch(&origin, questions).await;
        let told = pages.into_iter().zip(told);
        answers.extend(told.filter_map(|(page, told)| Some((page, told?))));
        answers
    }

    /// What is needed to ask an origin, or why it cannot be asked.
    async fn reach<'s>(
        &mut self,
        endpoint: &Arc<str>,
        settings: &'s Settings,
        asking: Asking<'s>,
    ) -> Result<Origin<'s>, String> {
        if settings.expect.needs_revision() && self.revision.is_none() {
            return Err("this project is at no commit".to_owned());
        }
        if !self.credentials.contains_key(endpoint) {
            let needed = (endpoint.clone(), settings.credentials().collect());
            let found = resolve_all(self.reconciler.credentials, [needed]).await;
            let found = found.map(|mut found| found.remove(endpoint).unwrap_or_default());
            let found = found.map_err(|missing| {
                let reason = missing.by_endpoint().remove(endpoint);
                reason.unwrap_or_default()
            });
            self.credentials.insert(endpoint.clone(), found);
        }
        let rate = settings.requests_per_second;
        Ok(Origin {
            endpoint: endpoint.clone(),
            settings,
            credentials: self.credentials[endpoint].clone()?,
            asking,
            rate: RateLimiter::new(rate, rate),
        })
    }

    /// The answers in the order of the questions; `None` after a cancellation.
    async fn fetch(
        &mut self,
        origin: &Origin<'_>,
        questions: Vec<(Question, Variant)>,
    ) -> Vec<Option<Told>> {
        let redactor = redactor(&origin.credentials, None);
        let key = |(question, variant): &(Question, Variant)| {
            let url = question.request.url.clone();
            (origin.endpoint.clone(), url, variant.clone())
        };
        let open = questions.iter();
        let open = open.filter(|asked| !self.known.contains_key(&key(asked)));
        let (keys, mut probes): (Vec<_>, Vec<_>) = open
            .map(|asked| {
                let probe = Probe::new(&asked.0, origin.settings, &redactor);
                (key(asked), probe)
            })
            .unzip();
        origin.asking.round(&mut probes, Some(&origin.rate)).await;
        for (key, probe) in keys.into_iter().zip(probes) {
            let Some(seen) = probe.seen else { continue };
            self.requests += 1;
            let told = match (seen.readiness, probe.original) {
                (Readiness::Ready, Some(original)) => Ok(original),
                (Readiness::Ready | Readiness::NotYet | Readiness::Unknown, _) => Err(seen.why),
            };
            self.known.insert(key, told);
        }
        let known = questions.iter().map(|asked| self.known.get(&key(asked)));
        known.map(Option::<&Told>::cloned).collect()
    }
}
