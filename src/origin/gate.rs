//! What waits for the origin of one endpoint: which requests may be sent, and what to ask next. Pure.

use std::collections::BTreeSet;

use super::{Readiness, Seen};
use crate::entry::{EntryKey, Generation};
use crate::operation::Operation;
use crate::verify::sample;

/// Files asked for first in each round; doubles while most of them are there. So a round of waiting costs
/// this many requests, whatever the plan's size.
pub const FIRST_ASKED: usize = 10;

/// Why a file is not sent that was not asked for.
const NOT_ASKED: &str = "was not asked for it: other files are not there yet";

#[derive(Debug)]
struct Needed<Q> {
    /// The entry that it is, or represents.
    key: EntryKey,
    question: Q,
    seen: Option<Seen>,
    asked: usize,
}

/// An operation, and what must be at the origin for each entry that it serves.
#[derive(Debug)]
struct Guarded {
    operation: Operation,
    needs: Vec<Vec<usize>>,
}

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
    /// `operations` come with what each entry needs, as indices of `questions`; an entry without needs does
    /// not wait. If there are more than `most` questions, only a sample is asked, and every entry with needs
    /// waits for the whole sample.
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

    fn is_ready(&self, index: usize) -> bool {
        let seen = self.needed[index].seen.as_ref();
        seen.is_some_and(|seen| seen.readiness == Readiness::Ready)
    }

    /// The questions that something waits for and that are not ready; least often asked first.
    pub fn open(&self) -> Vec<usize> {
        let needs = self.waiting.iter().flat_map(|guarded| &guarded.needs);
        let needs: BTreeSet<_> = needs.flatten().copied().collect();
        let open = needs.into_iter().filter(|index| !self.is_ready(*index));
        let mut open: Vec<_> = open.collect();
        open.sort_by_key(|index| self.needed[*index].asked);
        open
    }

    pub fn questions(&self, indices: &[usize]) -> impl Iterator<Item = &Q> {
        indices.iter().map(|index| &self.needed[*index].question)
    }

    pub fn note(&mut self, index: usize, seen: Seen) {
        let needed = &mut self.needed[index];
        needed.asked += 1;
        needed.seen = Some(seen);
    }

    /// Takes out the operations that are completely ready. The others wait, so that requests are not split.
    pub fn release(&mut self) -> Vec<Operation> {
        let (whole, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|guarded| {
                let mut needs = guarded.needs.iter().flatten();
                needs.all(|index| self.is_ready(*index))
            });
        self.waiting = rest;
        whole.into_iter().map(|guarded| guarded.operation).collect()
    }

    pub fn give_up(self) -> Vec<Operation> {
        let waiting = self.waiting.into_iter();
        waiting.map(|guarded| guarded.operation).collect()
    }

    /// Ends the waiting: the ready part of each operation, if it may still be sent, and every held entry.
    pub fn end(mut self, may_send: bool) -> (Vec<Operation>, Vec<Kept>) {
        let (mut parts, mut kept) = (Vec::new(), Vec::new());
        for Guarded { operation, needs } in std::mem::take(&mut self.waiting) {
            let served = operation.serves.iter().zip(&needs);
            let lacking =
                served.filter(|(_, needs)| !needs.iter().all(|index| self.is_ready(*index)));
            // An item is sent for all its entries or not at all.
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

    /// Why an entry is held back: the first need that is not ready.
    fn why(&self, needs: &[usize]) -> (String, Option<&'static str>) {
        let lacking = needs.iter().filter(|index| !self.is_ready(**index));
        let seen = lacking.map(|index| self.needed[*index].seen.as_ref());
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

    /// How many entries wait, and the last answer to the first open question.
    pub fn waits(&self) -> (usize, Option<&Seen>) {
        let needs = self.waiting.iter().flat_map(|guarded| &guarded.needs);
        let entries = needs.filter(|needs| !needs.is_empty()).count();
        let seen = self
            .waiting
            .iter()
            .flat_map(|guarded| &guarded.needs)
            .flatten();
        let seen = seen
            .filter(|index| !self.is_ready(**index))
            .find_map(|index| self.needed[*index].seen.as_ref());
        (entries, seen)
    }
}
