//! Bytes to state, refusing everything that is not one. One pass, no tree in between: a million
//! entries are read in about a second.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::QUOTA;
use super::lines::{EntryLine, HistoryLine, OperationBlock, TaskPart};
use super::names::Names;
use crate::entry::EntryKey;
use crate::state::{GIT_CONFLICT, Observed, PendingOperation, STATE_VERSION, State, StateError};

/// Reads the bytes of a state; `place` names them in errors.
///
/// # Errors
/// [`StateError::TooNew`], or [`StateError::Corrupt`] with the line and column of what is wrong.
pub fn from_bytes(bytes: &[u8], place: &str) -> Result<State, StateError> {
    let corrupt = |reason: String| StateError::Corrupt {
        place: place.to_owned(),
        reason,
    };
    let failure = match serde_json::from_slice::<Whole>(bytes) {
        Ok(Whole { version, state }) if version == u64::from(STATE_VERSION) => return Ok(state),
        Ok(Whole { version: 0, .. }) => return Err(corrupt("`version` is 0".to_owned())),
        Ok(Whole { version: found, .. }) => {
            return Err(StateError::TooNew {
                place: place.to_owned(),
                found,
            });
        }
        Err(failure) => failure,
    };
    // A newer format may look different all over: only its version is looked for.
    if let Ok(Head {
        version: Some(found),
    }) = serde_json::from_slice(bytes)
        && found > u64::from(STATE_VERSION)
    {
        return Err(StateError::TooNew {
            place: place.to_owned(),
            found,
        });
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(corrupt("it is empty".to_owned()));
    }
    if let Some(line) = conflict_marker(bytes) {
        return Err(corrupt(format!("line {line} is {GIT_CONFLICT}")));
    }
    Err(corrupt(reason(&failure)))
}

/// The version alone, whatever else there is.
#[derive(Deserialize)]
struct Head {
    version: Option<u64>,
}

/// `line:column`, then what is wrong there.
fn reason(failure: &serde_json::Error) -> String {
    let text = failure.to_string();
    let position = format!(" at line {} column {}", failure.line(), failure.column());
    let text = text.strip_suffix(&position).unwrap_or(&text);
    format!("{}:{}: {text}", failure.line(), failure.column())
}

/// Number of the first line that git leaves in a file whose merge is not resolved.
fn conflict_marker(bytes: &[u8]) -> Option<usize> {
    let markers: [&[u8]; 3] = [b"<<<<<<<", b"=======", b">>>>>>>"];
    let mut lines = bytes.split(|byte| *byte == b'\n');
    lines
        .position(|line| markers.iter().any(|marker| line.starts_with(marker)))
        .map(|index| index + 1)
}

/// The whole file.
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
        let (mut entries, mut operations, mut history) = (None, None, None);
        let mut unknown = BTreeMap::new();
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("`{name}` is there twice")));
            }
            match name.as_str() {
                "version" => version = Some(map.next_value()?),
                "serial" => serial = Some(map.next_value()?),
                "lineage" => lineage = Some(map.next_value()?),
                // Who wrote it last is for people.
                "tool_version" => drop(map.next_value::<serde::de::IgnoredAny>()?),
                "entries" => entries = Some(map.next_value_seed(Entries(&mut names))?),
                "pending_operations" => {
                    operations = Some(map.next_value_seed(Operations(&mut names))?);
                }
                "history" => history = Some(map.next_value::<Vec<HistoryLine>>()?),
                _ => {
                    unknown.insert(name, map.next_value::<serde_json::Value>()?);
                }
            }
        }
        // No ledger and an empty one are the same.
        if unknown.get(QUOTA) == Some(&serde_json::Value::Array(Vec::new())) {
            unknown.remove(QUOTA);
        }
        let missing = |name: &str| A::Error::custom(format!("`{name}` is missing"));
        Ok(Whole {
            version: version.ok_or_else(|| missing("version"))?,
            state: State {
                serial: serial.ok_or_else(|| missing("serial"))?,
                lineage: lineage.ok_or_else(|| missing("lineage"))?,
                entries: entries.ok_or_else(|| missing("entries"))?,
                pending_operations: operations.ok_or_else(|| missing("pending_operations"))?,
                history: history
                    .unwrap_or_default()
                    .into_iter()
                    .map(HistoryLine::into_record)
                    .collect(),
                unknown,
            },
        })
    }
}

/// One item of an array: read as its mirror `L`, then checked into `T`. Checked before the reader
/// goes on, so that an error points at the item and not behind it.
struct Item<'n, L, T> {
    names: &'n mut Names,
    check: fn(&mut Names, L) -> Result<T, String>,
}

impl<'de, L: Deserialize<'de>, T> DeserializeSeed<'de> for Item<'_, L, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, L: Deserialize<'de>, T> Visitor<'de> for Item<'_, L, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let line = L::deserialize(MapAccessDeserializer::new(map))?;
        (self.check)(self.names, line).map_err(A::Error::custom)
    }
}

fn entry(names: &mut Names, line: EntryLine<'_>) -> Result<(EntryKey, Observed), String> {
    let key = names.key(&line.address, line.kind, &line.url, &line.endpoint)?;
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

fn operation(names: &mut Names, block: OperationBlock<'_>) -> Result<PendingOperation, String> {
    let mut entries = Vec::with_capacity(block.entries.len());
    for item in block.entries {
        let endpoint = item.endpoint.as_ref().map_or(&block.endpoint, |own| &own.0);
        let key = names.key(&item.address, item.kind, &item.url, endpoint)?;
        entries.push((key, names.generation(item.generation)));
    }
    Ok(PendingOperation {
        id: block.id,
        endpoint: names.share(&block.endpoint),
        intended_at: block.intended_at,
        task: block.task.map(TaskPart::into_task),
        accepted_at: block.accepted_at,
        asked_at: block.asked_at,
        correlation_id: block.correlation_id,
        entries,
    })
}

/// Reads `entries`.
struct Entries<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = BTreeMap<EntryKey, Observed>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = BTreeMap<EntryKey, Observed>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let names = self.0;
        let mut entries = Vec::new();
        while let Some(item) = seq.next_element_seed(Item {
            names: &mut *names,
            check: entry,
        })? {
            entries.push(item);
        }
        // Written in order, so this is one pass; a tree built from sorted items is built fast.
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let key = &pair[0].0;
            return Err(A::Error::custom(format!(
                "the entry `{}` of endpoint `{}` is there twice",
                key.address(),
                key.endpoint
            )));
        }
        Ok(entries.into_iter().collect())
    }
}

/// Reads `pending_operations`.
struct Operations<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for Operations<'_> {
    type Value = Vec<PendingOperation>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Operations<'_> {
    type Value = Vec<PendingOperation>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of pending operations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let names = self.0;
        let mut operations: Vec<PendingOperation> = Vec::new();
        let mut ids = HashSet::new();
        while let Some(item) = seq.next_element_seed(Item {
            names: &mut *names,
            check: operation,
        })? {
            if !ids.insert(item.id.clone()) {
                return Err(A::Error::custom(format!(
                    "the pending operation `{}` is there twice",
                    item.id
                )));
            }
            operations.push(item);
        }
        Ok(operations)
    }
}
