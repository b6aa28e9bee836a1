//! Parses a state and refuses anything invalid, in one pass without an intermediate tree: a million
//! entries take about a second.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::ledger::{LedgerLine, ToldLine};
use super::lines::{DueLine, EntryLine, HistoryLine, OperationBlock};
use super::names::Names;
use super::proving::proof;
use crate::entry::EntryKey;
use crate::state::{
    Due, GIT_CONFLICT, Observed, PendingOperation, STATE_VERSION, State, StateError,
};
use crate::url::CdnUrl;

/// The quota field of version 1, which was always empty.
const QUOTA: &str = "quota";

/// `place` names the bytes in errors.
pub fn from_bytes(bytes: &[u8], place: &str) -> Result<State, StateError> {
    let corrupt = |reason: String| StateError::Corrupt {
        place: place.to_owned(),
        reason,
    };
    let too_new = |found| StateError::TooNew {
        place: place.to_owned(),
        found,
    };
    let failure = match serde_json::from_slice::<Whole>(bytes) {
        Ok(Whole { version: 0, .. }) => return Err(corrupt("`version` is 0".to_owned())),
        Ok(Whole { version, state }) if version <= u64::from(STATE_VERSION) => return Ok(state),
        Ok(Whole { version, .. }) => return Err(too_new(version)),
        Err(failure) => failure,
    };
    // A newer format may differ everywhere, so only the version is parsed.
    if let Ok(Head {
        version: Some(found),
    }) = serde_json::from_slice(bytes)
        && found > u64::from(STATE_VERSION)
    {
        return Err(too_new(found));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(corrupt("it is empty".to_owned()));
    }
    if let Some(line) = conflict_marker(bytes) {
        return Err(corrupt(format!("line {line} is {GIT_CONFLICT}")));
    }
    Err(corrupt(reason(&failure)))
}

#[derive(Deserialize)]
struct Head {
    version: Option<u64>,
}

fn reason(failure: &serde_json::Error) -> String {
    let text = failure.to_string();
    let position = format!(" at line {} column {}", failure.line(), failure.column());
    let text = text.strip_suffix(&position).unwrap_or(&text);
    format!("{}:{}: {text}", failure.line(), failure.column())
}

/// Line number of the first git conflict marker.
fn conflict_marker(bytes: &[u8]) -> Option<usize> {
    let markers: [&[u8]; 3] = [b"<<<<<<<", b"=======", b">>>>>>>"];
    let mut lines = bytes.split(|byte| *byte == b'\n');
    lines
        .position(|line| markers.iter().any(|marker| line.starts_with(marker)))
        .map(|index| index + 1)
}

struct Whole {
    version: u64,
    state: State,
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WholeVisitor)
    }
}

struct WholeVisitor;

impl<'de> Visitor<'de> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `version`, `serial`, `lineage`, `entries`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Whole, A::Error> {
        let mut names = Names::default();
        let (mut version, mut serial, mut lineage) = (None, None, None);
        let (mut entries, mut operations) = (None, None);
        let mut state = State::default();
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("`{name}` is there twice")));
            }
            match name.as_str() {
                "version" => version = Some(map.next_value()?),
                "serial" => serial = Some(map.next_value()?),
                "lineage" => lineage = Some(map.next_value()?),
                // The version that wrote the file is only for people.
                "tool_version" => drop(map.next_value::<serde::de::IgnoredAny>()?),
                "last_applied" => state.last_applied = map.next_value()?,
                "entries" => {
                    let items = map.next_value_seed(List::new(&mut names, entry))?;
                    entries = Some(in_order("entry", items).map_err(A::Error::custom)?);
                }
                "due" => {
                    let items = map.next_value_seed(List::new(&mut names, due))?;
                    state.due = in_order("due entry", items).map_err(A::Error::custom)?;
                }
                "pending_operations" => {
                    let items = map.next_value_seed(List::new(&mut names, operation))?;
                    check_ids(&items).map_err(A::Error::custom)?;
                    operations = Some(items.into());
                }
                "proofs" => {
                    let items = map.next_value_seed(List::new(&mut names, proof))?;
                    state.proofs = in_order("proof", items).map_err(A::Error::custom)?;
                }
                "ledger" => {
                    let read = |names: &mut Names, line: LedgerLine<'_>| Ok(line.read(names));
                    let items = map.next_value_seed(List::new(&mut names, read))?;
                    state.ledger = items.into_iter().collect();
                }
                "told" => {
                    let read = |names: &mut Names, line: ToldLine<'_>| Ok(line.read(names));
                    let items = map.next_value_seed(List::new(&mut names, read))?;
                    state.told = items.into_iter().collect();
                }
                "history" => {
                    let lines = map.next_value::<Vec<HistoryLine>>()?;
                    state.history = lines.into_iter().map(HistoryLine::into_record).collect();
                }
                _ => {
                    let value = map.next_value::<serde_json::Value>()?;
                    let is_empty = |list: &Vec<_>| list.is_empty();
                    if name != QUOTA || !value.as_array().is_some_and(is_empty) {
                        state.unknown.insert(name, value);
                    }
                }
            }
        }
        let missing = |name: &str| A::Error::custom(format!("`{name}` is missing"));
        Ok(Whole {
            version: version.ok_or_else(|| missing("version"))?,
            state: State {
                serial: serial.ok_or_else(|| missing("serial"))?,
                lineage: lineage.ok_or_else(|| missing("lineage"))?,
                entries: entries.ok_or_else(|| missing("entries"))?,
                pending_operations: operations.ok_or_else(|| missing("pending_operations"))?,
                ..state
            },
        })
    }
}

type Check<L, T> = fn(&mut Names, L) -> Result<T, String>;

/// An array. Each item is parsed as its line type `L`, then checked into `T`.
struct List<'n, L, T> {
    names: &'n mut Names,
    check: Check<L, T>,
}

impl<'n, L, T> List<'n, L, T> {
    fn new(names: &'n mut Names, check: Check<L, T>) -> Self {
        Self { names, check }
    }
}

impl<'de, L: Deserialize<'de>, T> DeserializeSeed<'de> for List<'_, L, T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, L: Deserialize<'de>, T> Visitor<'de> for List<'_, L, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Line {
            names: &mut *self.names,
            check: self.check,
        })? {
            items.push(item);
        }
        Ok(items)
    }
}

/// One item, checked before the parser moves on, so that an error points at it.
struct Line<'n, L, T> {
    names: &'n mut Names,
    check: Check<L, T>,
}

impl<'de, L: Deserialize<'de>, T> DeserializeSeed<'de> for Line<'_, L, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, L: Deserialize<'de>, T> Visitor<'de> for Line<'_, L, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let line = L::deserialize(MapAccessDeserializer::new(map))?;
        (self.check)(self.names, line).map_err(A::Error::custom)
    }
}

pub(super) fn entry(
    names: &mut Names,
    line: EntryLine<'_>,
) -> Result<(EntryKey, Observed), String> {
    let key = names.key(
        &line.address,
        line.kind,
        line.target.as_ref(),
        &line.endpoint,
    )?;
    let generation = names.generation(line.generation);
    let attempt = line.attempt.map(|mut attempt| {
        let generation = names.generation(attempt.generation.take());
        attempt.into_attempt(generation)
    });
    let observed = Observed {
        generation,
        confirmed_at: line.confirmed_at,
        attempt,
    };
    Ok((key, observed))
}

fn due(names: &mut Names, line: DueLine<'_>) -> Result<(EntryKey, Due), String> {
    let key = names.key(
        &line.address,
        line.kind,
        line.target.as_ref(),
        &line.endpoint,
    )?;
    let due = Due {
        generation: names.generation(line.generation),
        forced: line.forced,
        at: line.at,
    };
    Ok((key, due))
}

pub(super) fn operation(
    names: &mut Names,
    block: OperationBlock<'_>,
) -> Result<PendingOperation, String> {
    let items = block.entries.into_iter();
    let entries: Result<_, String> = items
        .map(|item| names.item(item, &block.endpoint))
        .collect();
    let directories = block.directories.iter();
    let directories: Result<_, String> = directories
        .map(|text| CdnUrl::recorded_directory(&text.0).map_err(|error| error.to_string()))
        .collect();
    Ok(PendingOperation {
        directories: directories?,
        id: block.id.into_owned(),
        endpoint: names.share(&block.endpoint),
        intended_at: block.intended_at,
        task: block.task.map(Cow::into_owned),
        accepted_at: block.accepted_at,
        asked_at: block.asked_at,
        correlation_id: block.correlation_id,
        sends: block.sends,
        entries: entries?,
    })
}

fn in_order<T>(what: &str, mut items: Vec<(EntryKey, T)>) -> Result<BTreeMap<EntryKey, T>, String> {
    // Files are written sorted, so this is one pass. Building a tree from sorted items is fast.
    items.sort_by(|(a, _), (b, _)| a.cmp(b));
    if let Some(pair) = items.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let key = &pair[0].0;
        return Err(format!(
            "the {what} `{}` of endpoint `{}` is there twice",
            key.address(),
            key.endpoint
        ));
    }
    Ok(items.into_iter().collect())
}

fn check_ids(operations: &[PendingOperation]) -> Result<(), String> {
    let mut ids = HashSet::new();
    match operations.iter().find(|one| !ids.insert(&one.id)) {
        Some(twice) => Err(format!(
            "the pending operation `{}` is there twice",
            twice.id
        )),
        None => Ok(()),
    }
}
