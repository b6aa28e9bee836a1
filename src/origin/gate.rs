//! What waits for the origin of one endpoint: which requests may go out, and what is asked next. Pure.

use std::collections::BTreeSet;

use super::{Readiness, Seen};
use crate::entry::{EntryKey, Generation};
use crate::operation::Operation;
use crate::verify::sample;

/// Files asked for before it is known whether anything is there; as long as most of what was asked for
/// is, it is twice as many. So waiting costs this many requests each time, whatever the plan's size.
pub const FIRST_ASKED: usize = 10;

/// Said of files that nobody asked for since others were not there.
const NOT_ASKED: &str = "was not asked for it: other files are not there yet";

/// One thing that must be there.
#[derive(Debug)]
struct Needed<Q> {
    /// The entry that it is about, or stands for.
    key: EntryKey,
    question: Q,
    seen: Option<Seen>,
    asked: usize,
}

/// An operation, and for each entry that it serves what must be there.
#[derive(Debug)]
struct Guarded {
    operation: Operation,
    needs: Vec<Vec<usize>>,
}

/// An entry that is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub key: EntryKey,
    pub generation: Option<Generation>,
    pub why: String,
    pub hint: Option<&'static str>,
}

#[derive(Debug)]
pub struct Gate<Q> {
    needed: Vec<Needed<Q>>,
    waiting: Vec<Guarded>,
}

impl<Q> Gate<Q> {
    /// Operations with what must be there for each entry that they serve, as places in `questions`; what
    /// needs nothing waits for nothing. Of more questions than a `sample` has, only so many are asked,
    /// and all that needs any of them waits for all of those.
    pub fn new(
        questions: Vec<(EntryKey, Q)>,
        operations: Vec<(Operation, Vec<Vec<usize>>)>,
        most: Option<usize>,
        seed: &str,
    ) -> Self {
        let is_sampled = most.is_some_and(|most| most < questions.len());
        let needed = questions.into_iter().map(|(key, question)| Needed {
            key,
            question,
            seen: None,
            asked: 0,
        });
        let most = most.unwrap_or(usize::MAX);
        let needed = sample(needed.collect(), most, seed, |one| &one.key, |_| false);
        let all: Vec<_> = (0..needed.len()).collect();
        let waiting = operations.into_iter().map(|(operation, needs)| {
            let needs = needs.into_iter().map(|own| match is_sampled {
                true if !own.is_empty() => all.clone(),
                true | false => own,
            });
            Guarded {
                operation,
                needs: needs.collect(),
            }
        });
        Self {
            waiting: waiting.collect(),
            needed,
        }
    }

    fn is_ready(&self, place: usize) -> bool {
        let seen = self.needed[place].seen.as_ref();
        seen.is_some_and(|seen| seen.readiness == Readiness::Ready)
    }

    /// What is not known to be there and something waits for; what was asked for least often first.
    pub fn open(&self) -> Vec<usize> {
        let needs = self.waiting.iter().flat_map(|guarded| &guarded.needs);
        let needs: BTreeSet<_> = needs.flatten().copied().collect();
        let open = needs.into_iter().filter(|place| !self.is_ready(*place));
        let mut open: Vec<_> = open.collect();
        open.sort_by_key(|place| self.needed[*place].asked);
        open
    }

    /// These questions, to be asked.
    pub fn questions(&self, places: &[usize]) -> impl Iterator<Item = &Q> {
        places.iter().map(|place| &self.needed[*place].question)
    }

    /// Notes an answer.
    pub fn note(&mut self, place: usize, seen: Seen) {
        let needed = &mut self.needed[place];
        needed.asked += 1;
        needed.seen = Some(seen);
    }

    /// Takes out the operations of which everything is there. One of which some is not waits for the
    /// rest, so that no request is made of parts.
    pub fn release(&mut self) -> Vec<Operation> {
        let (whole, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|guarded| {
                let mut needs = guarded.needs.iter().flatten();
                needs.all(|place| self.is_ready(*place))
            });
        self.waiting = rest;
        whole.into_iter().map(|guarded| guarded.operation).collect()
    }

    /// Ends the waiting for nothing: every operation that is left.
    pub fn give_up(self) -> Vec<Operation> {
        let waiting = self.waiting.into_iter();
        waiting.map(|guarded| guarded.operation).collect()
    }

    /// Ends the waiting: the part of each operation that is there, if it may still be sent, and every
    /// entry that is not sent.
    pub fn end(mut self, may_send: bool) -> (Vec<Operation>, Vec<Kept>) {
        let (mut parts, mut kept) = (Vec::new(), Vec::new());
        for Guarded { operation, needs } in std::mem::take(&mut self.waiting) {
            let served = operation.serves.iter().zip(&needs);
            let lacking =
                served.filter(|(_, needs)| !needs.iter().all(|place| self.is_ready(*place)));
            // An item goes out for all that it serves.
            let lacking: BTreeSet<_> = match may_send {
                true => lacking.map(|(serve, _)| serve.item).collect(),
                false => (0..operation.items.len()).collect(),
            };
            for (serve, needs) in operation.serves.iter().zip(&needs) {
                if lacking.contains(&serve.item) {
                    let (why, hint) = self.why(needs);
                    kept.push(Kept {
                        key: serve.key.clone(),
                        generation: serve.generation.clone(),
                        why,
                        hint,
                    });
                }
            }
            let (part, _) = operation.split(|index, _| !lacking.contains(&index));
            parts.extend((!part.items.is_empty()).then_some(part));
        }
        (parts, kept)
    }

    /// Why an entry is not sent: the first thing that is not there.
    fn why(&self, needs: &[usize]) -> (String, Option<&'static str>) {
        let lacking = needs.iter().filter(|place| !self.is_ready(**place));
        let seen = lacking.map(|place| self.needed[*place].seen.as_ref());
        let said = seen.clone().flatten().next();
        match (said, seen.count()) {
            (Some(seen), _) => (seen.why.clone(), seen.hint),
            (None, 0) => (
                "does not have everything yet that this purge takes".to_owned(),
                None,
            ),
            (None, _) => (NOT_ASKED.to_owned(), None),
        }
    }

    /// How many entries wait, and what was seen last of the first of them that is not ready.
    pub fn waits(&self) -> (usize, Option<&Seen>) {
        let needs = self.waiting.iter().flat_map(|guarded| &guarded.needs);
        let entries = needs.filter(|needs| !needs.is_empty()).count();
        let seen = self
            .waiting
            .iter()
            .flat_map(|guarded| &guarded.needs)
            .flatten();
        let seen = seen
            .filter(|place| !self.is_ready(**place))
            .find_map(|place| self.needed[*place].seen.as_ref());
        (entries, seen)
    }
}
