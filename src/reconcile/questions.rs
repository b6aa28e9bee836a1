//! The questions about entries: about their URL, or some of the files that their purge covers. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::entry::{Entry, EntryKey, Generation, Owner, Target};
use crate::manifest::resource::Project;
use crate::state::State;
use crate::url::CdnUrl;
use crate::verify::{Question, Variant, Wanted, sample};

/// Files that are asked for in place of a directory, a host or everything.
const REPRESENTATIVES: usize = 3;

/// An entry and the generation that edges must serve; `None` if it is gone.
pub(super) type Aim = (EntryKey, Option<Generation>);

/// What is served where, as declared by sites.
pub(super) struct Served<'a> {
    files: Vec<&'a Entry>,
    by_url: BTreeMap<(&'a Arc<str>, &'a CdnUrl), &'a Generation>,
    /// Earlier generations, from git.
    past: BTreeMap<EntryKey, BTreeSet<Generation>>,
    /// By endpoint.
    variants: BTreeMap<&'a str, Vec<Variant>>,
}

impl<'a> Served<'a> {
    pub(super) fn new(entries: &'a [Entry]) -> Self {
        let is_file = |entry: &&Entry| matches!(entry.key.owner, Owner::Site(_));
        let files: Vec<_> = entries.iter().filter(is_file).collect();
        let by_url = files.iter().filter_map(|entry| {
            let place = (&entry.key.endpoint, entry.key.target.url()?);
            Some((place, &entry.generation))
        });
        Self {
            by_url: by_url.collect(),
            files,
            past: BTreeMap::new(),
            variants: BTreeMap::new(),
        }
    }

    pub(super) fn with_past(self, past: BTreeMap<EntryKey, BTreeSet<Generation>>) -> Self {
        Self { past, ..self }
    }

    /// With the variants that endpoints declare.
    pub(super) fn with_variants(self, project: &'a Project) -> Self {
        let endpoints = project.endpoints.iter();
        let variants =
            endpoints.map(|(name, endpoint)| (&**name, Variant::all(endpoint.provider.variants())));
        Self {
            variants: variants.collect(),
            ..self
        }
    }

    /// The questions about an entry, in every variant; none if it has no declared URL.
    pub(super) fn questions(
        &self,
        key: &EntryKey,
        generation: Option<&Generation>,
        state: &State,
    ) -> Vec<Question> {
        let questions = self.plain(key, generation, state);
        let Some(variants) = self.variants.get(&*key.endpoint) else {
            return questions;
        };
        let each = |question: Question| {
            variants.iter().map(move |variant| Question {
                variant: variant.clone(),
                ..question.clone()
            })
        };
        questions.into_iter().flat_map(each).collect()
    }

    /// The questions in the variant without further header fields.
    fn plain(
        &self,
        key: &EntryKey,
        generation: Option<&Generation>,
        state: &State,
    ) -> Vec<Question> {
        let wanted = |url: &CdnUrl| match (generation, &key.owner) {
            (None, _) => Wanted::Gone,
            (Some(generation), Owner::Site(_)) => Wanted::Content(generation.clone()),
            (Some(_), Owner::Purge(_) | Owner::OneOff) => {
                let known = self.by_url.get(&(&key.endpoint, url));
                known.map_or(Wanted::Anything, |known| Wanted::Content((*known).clone()))
            }
        };
        let ask = |url: &CdnUrl, of: &EntryKey, wanted: Wanted| {
            let proof = |key| state.proofs.get(key);
            Question {
                key: key.clone(),
                url: url.clone(),
                earlier: self.earlier(of, &wanted, state),
                wanted,
                since: proof(key).and_then(|proof| proof.since),
                variant: Variant::default(),
            }
        };
        match &key.target {
            Target::File(url) => return vec![ask(url, key, wanted(url))],
            // Only the origin knows which files have a tag.
            Target::Tag(_) => return Vec::new(),
            Target::Directory(_) | Target::Host(_) | Target::Everything => {}
        }
        let is_taken = |entry: &&&Entry| {
            entry.key.endpoint == key.endpoint && takes(&key.target, &entry.key.target)
        };
        let taken: Vec<_> = self.files.iter().filter(is_taken).collect();
        let some = sample(
            taken,
            REPRESENTATIVES,
            &key.address(),
            |one| &one.key,
            |_| false,
        );
        let mut questions: Vec<_> = some
            .into_iter()
            .filter_map(|entry| {
                let content = Wanted::Content(entry.generation.clone());
                Some(ask(entry.key.target.url()?, &entry.key, content))
            })
            .collect();
        if let (Target::Directory(url), true) = (&key.target, questions.is_empty()) {
            questions.push(ask(url, key, Wanted::Anything));
        }
        questions
    }

    /// Earlier generations of an entry, from the state and git.
    fn earlier(&self, of: &EntryKey, wanted: &Wanted, state: &State) -> Vec<Generation> {
        let proof = state.proofs.get(of).into_iter();
        let proven = proof.flat_map(|proof| proof.earlier.iter().chain(&proof.generation));
        let known = state.entries.get(of);
        let confirmed = known.and_then(|known| known.generation.as_ref());
        let is_other = |generation: &&Generation| match wanted {
            Wanted::Content(wanted) => *generation != wanted,
            Wanted::Gone => true,
            // An earlier generation may be what is served now.
            Wanted::Anything => false,
        };
        let past = self.past.get(of).into_iter().flatten();
        proven
            .chain(confirmed)
            .chain(past)
            .filter(is_other)
            .cloned()
            .collect()
    }
}

/// Whether a purge of one target may cover a file. Only the origin knows which files have a tag: any may.
pub(super) fn takes(target: &Target, file: &Target) -> bool {
    let Some(url) = file.url() else { return false };
    match target {
        Target::File(own) => own == url,
        Target::Directory(above) => url.as_str().starts_with(above.as_str()),
        Target::Host(host) => url.host() == &**host,
        Target::Everything | Target::Tag(_) => true,
    }
}
