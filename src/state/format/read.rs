//! Bytes to state, refusing everything that is not one. One pass, no tree in between: a million
//! entries are read in about a second.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::QUOTA;
use super::lines::{EntryLine, HistoryLine, OperationBlock, TaskPart, Text};
use crate::desired::{CdnUrl, EntryKey, Generation, Kind, Owner};
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

/// Texts that many entries share, kept once.
#[derive(Default)]
struct Names {
    names: HashSet<Arc<str>>,
    /// The generation seen last: neighbours tend to have the same.
    generation: Option<Generation>,
}

impl Names {
    fn share(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.names.insert(name.clone());
        name
    }

    fn generation(&mut self, token: Option<Text<'_>>) -> Option<Generation> {
        let token = token?.0;
        match &self.generation {
            Some(last) if *last.as_str() == *token => {}
            _ => self.generation = Some(Generation::new(&*token)),
        }
        self.generation.clone()
    }

    /// The key that an address, a kind and a URL describe together.
    fn key(
        &mut self,
        address: &str,
        kind: Kind,
        url: &str,
        endpoint: &str,
    ) -> Result<EntryKey, String> {
        let url = CdnUrl::parse(url, kind)
            .map_err(|error| format!("the entry `{address}` has a bad `url`: {error}"))?;
        let owner = self.owner(address, kind, &url).ok_or_else(|| {
            format!("the address `{address}` does not fit its kind `{kind}` and URL `{url}`")
        })?;
        Ok(EntryKey {
            owner,
            kind,
            url,
            endpoint: self.share(endpoint),
        })
    }

    /// The owner in front of an address; the inverse of [`EntryKey::address`].
    fn owner(&mut self, address: &str, kind: Kind, url: &CdnUrl) -> Option<Owner> {
        let (word, rest) = address.split_once('/')?;
        match word {
            "purge" => rest
                .strip_suffix(url.as_str())
                .and_then(|front| front.strip_suffix('/')?.strip_suffix(kind.as_str()))
                .and_then(|front| front.strip_suffix('/'))
                .filter(|name| !name.is_empty())
                .map(|name| Owner::Purge(self.share(name))),
            _ => None,
        }
    }
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
        while let Some(line) = seq.next_element::<EntryLine<'de>>()? {
            let key = names
                .key(&line.address, line.kind, &line.url, &line.endpoint)
                .map_err(A::Error::custom)?;
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
            entries.push((key, observed));
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
        while let Some(block) = seq.next_element::<OperationBlock<'de>>()? {
            if !ids.insert(block.id.clone()) {
                return Err(A::Error::custom(format!(
                    "the pending operation `{}` is there twice",
                    block.id
                )));
            }
            let mut entries = Vec::with_capacity(block.entries.len());
            for item in block.entries {
                let endpoint = item.endpoint.as_ref().map_or(&block.endpoint, |own| &own.0);
                let key = names
                    .key(&item.address, item.kind, &item.url, endpoint)
                    .map_err(A::Error::custom)?;
                entries.push((key, names.generation(item.generation)));
            }
            operations.push(PendingOperation {
                id: block.id,
                endpoint: names.share(&block.endpoint),
                intended_at: block.intended_at,
                task: block.task.map(TaskPart::into_task),
                accepted_at: block.accepted_at,
                correlation_id: block.correlation_id,
                entries,
            });
        }
        Ok(operations)
    }
}
