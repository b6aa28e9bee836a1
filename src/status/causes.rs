//! Groups outcomes by cause: if a CDN refuses two thousand entries for one reason, the status says it
//! once.

use std::collections::HashMap;
use std::hash::Hash;

use crate::state::Outcome;

/// Entries named per cause.
pub(crate) const MAX_EXAMPLES: usize = 3;

/// How the executor wraps the CDN's request id.
const ID: (&str, char) = (" (correlation id ", ')');

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause<'a, T, O = Outcome> {
    pub(crate) outcome: O,
    pub(crate) message: Option<&'a str>,
    pub(crate) count: usize,
    /// The first ones, at most [`MAX_EXAMPLES`].
    pub(crate) examples: Vec<T>,
}

/// By outcome, each with its most frequent cause first.
pub(crate) fn causes<'a, T, O: Copy + Ord + Hash>(
    entries: impl IntoIterator<Item = (O, Option<&'a str>, T)>,
) -> Vec<Cause<'a, T, O>> {
    let mut causes: Vec<Cause<'a, T, O>> = Vec::new();
    let mut known: HashMap<(O, Option<String>), usize> = HashMap::new();
    for (outcome, message, example) in entries {
        let key = (outcome, message.map(cause));
        let index = *known.entry(key).or_insert_with(|| {
            causes.push(Cause {
                outcome,
                message,
                count: 0,
                examples: Vec::new(),
            });
            causes.len() - 1
        });
        let cause = &mut causes[index];
        cause.count += 1;
        if cause.examples.len() < MAX_EXAMPLES {
            cause.examples.push(example);
        }
    }
    // A stable sort keeps equally frequent causes in the order of their entries.
    causes.sort_by_key(|cause| (cause.outcome, usize::MAX - cause.count));
    causes
}

/// A message without the parts that vary between answers: the CDN's request id, texts in double quotes,
/// URLs, and numbers except an HTTP status.
pub(crate) fn cause(message: &str) -> String {
    let (front, behind) = ID;
    let (before, rest) = message.split_once(front).unwrap_or((message, ""));
    let after = rest.split_once(behind).map_or("", |(_, after)| after);
    let mut cause = String::with_capacity(message.len());
    for text in before.split('"').step_by(2).chain([after]) {
        let mut is_status = false;
        for word in text.split_whitespace() {
            let varies = word.contains("://") || word.contains(|c: char| c.is_ascii_digit());
            if is_status || !varies {
                cause.extend([word, " "]);
            }
            is_status = word.ends_with("HTTP");
        }
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_by_cause_whatever_the_id_of_the_answer() {
        let said = |number: u32| {
            format!(
                "refused with `Throttled`: \"https://www.example.com/{number}\" is one of {number} files, \
                 limit 5 (correlation id {number}); tried 3 times"
            )
        };
        let messages: Vec<_> = (0..5).map(said).collect();
        let mut entries = vec![(Outcome::Failed, Some("another"), 100)];
        let same = messages.iter().zip(0..);
        entries.extend(same.map(|(message, number)| (Outcome::Failed, Some(&**message), number)));
        entries.push((Outcome::Succeeded, None, 200));
        let found = causes(entries);
        let figures: Vec<_> = found
            .iter()
            .map(|cause| (cause.outcome, cause.count, cause.examples.clone()))
            .collect();
        assert_eq!(
            figures,
            [
                (Outcome::Succeeded, 1, vec![200]),
                (Outcome::Failed, 5, vec![0, 1, 2]),
                (Outcome::Failed, 1, vec![100]),
            ]
        );
        assert_eq!(found[1].message, Some(&*messages[0]));
    }

    #[test]
    fn other_words_and_other_statuses_are_other_causes() {
        let messages = [
            "HTTP 502 without a reason",
            "HTTP 503 without a reason",
            "refused (HTTP 400)",
            "refused (HTTP 404)",
            "refused",
            "",
        ];
        let causes: std::collections::BTreeSet<_> = messages.map(cause).into();
        assert_eq!(causes.len(), messages.len(), "{causes:?}");
    }
}
