//! What must be at an origin before a purge is sent: its files, or files that represent them. Pure.

use std::collections::HashMap;

use crate::credential::Credentials;
use crate::entry::{EntryKey, Generation, Target};
use crate::execute::sign_in::redactor;
use crate::operation::{Operation, Serve};
use crate::origin::{Expect, Expected, Gate, Settings};
use crate::plan::Plan;
use crate::reconcile::before::OriginCredentials;
use crate::reconcile::questions::{Served, takes};
use crate::secret::Redactor;
use crate::state::State;
use crate::transport::Request;
use crate::verify::Wanted;

/// One URL of an origin, and what its answer must be.
#[derive(Debug)]
pub(in crate::reconcile) struct Question {
    pub(in crate::reconcile) request: Request,
    pub(in crate::reconcile) expected: Expected,
    pub(in crate::reconcile) earlier: Vec<Generation>,
}

impl Question {
    pub(in crate::reconcile) fn new(request: Request, expected: Expected) -> Self {
        Self {
            request,
            expected,
            earlier: Vec::new(),
        }
    }
}

/// The questions of one endpoint, without repetition.
struct Questions<'a> {
    settings: &'a Settings,
    credentials: &'a Credentials,
    revision: &'a str,
    all: Vec<(EntryKey, Question)>,
    by_url: HashMap<String, Vec<usize>>,
}

impl Questions<'_> {
    fn add(
        &mut self,
        key: &EntryKey,
        request: Request,
        expected: Expected,
        earlier: Vec<Generation>,
    ) -> usize {
        let known = self.by_url.entry(request.url.clone()).or_default();
        let same = known
            .iter()
            .find(|index| self.all[**index].1.expected == expected);
        if let Some(index) = same {
            return *index;
        }
        let index = self.all.len();
        known.push(index);
        let question = Question {
            request,
            expected,
            earlier,
        };
        self.all.push((key.clone(), question));
        index
    }

    /// The question about an entry's URL or one that represents it; `None` if no answer would prove anything.
    fn about(
        &mut self,
        asked: &crate::verify::Question,
        before: Option<&Generation>,
    ) -> Option<usize> {
        let expected = self
            .settings
            .expect
            .expected(&asked.wanted, self.revision)?;
        let request = self.settings.request(&asked.url, self.credentials);
        let earlier = asked.earlier.iter().chain(before).cloned().collect();
        Some(self.add(&asked.key, request, expected, earlier))
    }

    /// The questions about the release file, at each origin that an entry comes from.
    fn release(&mut self, key: &EntryKey, path: &str) -> Vec<usize> {
        let expected = self
            .settings
            .expect
            .expected(&Wanted::Anything, self.revision);
        let Some(expected) = expected else {
            return Vec::new();
        };
        let bases = match key.target.host() {
            Some(host) => vec![self.settings.base(host)],
            None => self.settings.bases(),
        };
        let ask = |base: &str| {
            let request = self.settings.get(format!("{base}{path}"), self.credentials);
            self.add(key, request, expected.clone(), Vec::new())
        };
        bases.into_iter().map(ask).collect()
    }
}

pub(in crate::reconcile) struct Known<'k> {
    pub(in crate::reconcile) plan: &'k Plan,
    pub(in crate::reconcile) state: &'k State,
    pub(in crate::reconcile) credentials: &'k OriginCredentials,
    pub(in crate::reconcile) revision: &'k str,
}

impl Known<'_> {
    /// Redacts the credentials of an endpoint's origin.
    pub(in crate::reconcile) fn redactor(&self, endpoint: &str) -> Redactor {
        let credentials = self.credentials.get(endpoint);
        credentials.map_or_else(Redactor::default, |known| redactor(known, None))
    }

    /// The operations of an endpoint with the questions of each entry, and how many entries have none.
    pub(in crate::reconcile) fn gate(
        &self,
        endpoint: &str,
        settings: &Settings,
        operations: Vec<Operation>,
        served: &Served<'_>,
    ) -> (Gate<Question>, usize) {
        let none = Credentials::default();
        let mut questions = Questions {
            settings,
            credentials: self.credentials.get(endpoint).unwrap_or(&none),
            revision: self.revision,
            all: Vec::new(),
            by_url: HashMap::new(),
        };
        let mut needs: HashMap<EntryKey, Vec<usize>> = HashMap::new();
        let all = || operations.iter().flat_map(|operation| &operation.serves);
        let changes = self.plan.changes.iter();
        let before: HashMap<_, _> = changes
            .map(|change| (&change.key, change.before.as_ref()))
            .collect();
        let about = |serve: &Serve, questions: &mut Questions<'_>| -> Vec<usize> {
            let (key, generation) = (&serve.key, serve.generation.as_ref());
            let asked = served.questions(key, generation, self.state);
            let before = before.get(key).copied().flatten();
            let asked = asked.iter();
            asked
                .filter_map(|asked| questions.about(asked, before))
                .collect()
        };
        // Files first: they represent everything else that is purged.
        let mut files: Vec<(Target, usize)> = Vec::new();
        for serve in all() {
            let is_file = matches!(serve.key.target, Target::File(_));
            let own = match &settings.expect {
                Expect::File { path, .. } => questions.release(&serve.key, path),
                Expect::Content | Expect::Status | Expect::Header { .. } if is_file => {
                    about(serve, &mut questions)
                }
                Expect::Content | Expect::Status | Expect::Header { .. } => continue,
            };
            files.extend(own.iter().map(|index| (serve.key.target.clone(), *index)));
            needs.insert(serve.key.clone(), own);
        }
        for serve in all() {
            if needs.contains_key(&serve.key) {
                continue;
            }
            let taken = files
                .iter()
                .filter(|(file, _)| takes(&serve.key.target, file));
            let mut own: Vec<_> = taken.map(|(_, index)| *index).collect();
            if own.is_empty() {
                own = about(serve, &mut questions);
            }
            needs.insert(serve.key.clone(), own);
        }
        let ungated = needs.values().filter(|needs| needs.is_empty()).count();
        let guarded = operations.into_iter().map(|operation| {
            let own = operation.serves.iter();
            let own = own.map(|serve| needs[&serve.key].clone()).collect();
            (operation, own)
        });
        let guarded = guarded.collect();
        let gate = Gate::new(questions.all, guarded, settings.sample, &self.plan.id);
        (gate, ungated)
    }
}
