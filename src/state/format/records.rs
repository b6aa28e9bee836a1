//! What a record looks like as JSON. Frozen with `STATE_VERSION`, as lines of a snapshot are.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::lines::{HistoryLine, Item, OperationBlock, TaskPart, Text, outcome};
use super::names::{Names, target};
use super::read::operation;
use crate::entry::{EntryKey, Generation, Target, TargetKind};
use crate::state::transition::ItemOutcome;
use crate::state::{Outcome, Record};

/// Appends a record.
pub(in crate::state) fn write_record(out: &mut Vec<u8>, record: &Record) {
    super::json(out, &RecordPart::new(record));
}

/// Reads records; texts that come again are kept once.
#[derive(Default)]
pub(in crate::state) struct RecordReader(Names);

impl RecordReader {
    /// The records of a JSON array.
    pub(in crate::state) fn read(&mut self, json: &[u8]) -> Result<Vec<Record>, String> {
        let parts: Vec<RecordPart<'_>> =
            serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let parts = parts.into_iter();
        parts.map(|part| part.into_record(&mut self.0)).collect()
    }
}

/// One record.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RecordPart<'a> {
    Begin {
        lineage: String,
    },
    Due {
        at: DateTime<Utc>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        forced: bool,
        #[serde(borrow)]
        entries: Vec<Item<'a>>,
    },
    #[serde(borrow)]
    Intend(OperationBlock<'a>),
    Withdraw {
        id: String,
    },
    Accept {
        id: String,
        task: TaskPart,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correlation_id: Option<String>,
        at: DateTime<Utc>,
    },
    Asked {
        id: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<TaskPart>,
        at: DateTime<Utc>,
    },
    Settle {
        id: String,
        at: DateTime<Utc>,
        #[serde(borrow)]
        items: Vec<EndedPart<'a>>,
    },
    #[serde(borrow)]
    Skip(MissedPart<'a>),
    #[serde(borrow)]
    Defer(MissedPart<'a>),
    Resolve {
        at: DateTime<Utc>,
    },
    Abandon {
        #[serde(borrow)]
        endpoints: Vec<Text<'a>>,
    },
    Adopt {
        at: DateTime<Utc>,
        #[serde(borrow)]
        entries: Vec<Item<'a>>,
    },
    Forget {
        #[serde(borrow)]
        entries: Vec<Item<'a>>,
    },
    Remember(HistoryLine),
    Spend {
        #[serde(borrow)]
        scope: Cow<'a, str>,
        #[serde(borrow)]
        counts: Cow<'a, str>,
        window: DateTime<Utc>,
        amount: i64,
    },
    Applied {
        revision: String,
    },
}

/// Targets of an operation that ended alike: their entries are known from the intent.
#[derive(Serialize, Deserialize)]
struct EndedPart<'a> {
    #[serde(borrow)]
    outcome: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    message: Option<Text<'a>>,
    kind: TargetKind,
    #[serde(borrow)]
    targets: Vec<Text<'a>>,
}

/// Entries that were not attempted.
#[derive(Serialize, Deserialize)]
struct MissedPart<'a> {
    at: DateTime<Utc>,
    message: String,
    #[serde(borrow)]
    entries: Vec<Item<'a>>,
}

/// What an entry is to reach; `None` for a deletion.
type Aim = (EntryKey, Option<Generation>);

fn items(entries: &[Aim]) -> Vec<Item<'_>> {
    let entries = entries.iter();
    entries
        .map(|(key, generation)| Item::new(key, generation.as_ref()))
        .collect()
}

fn aims(names: &mut Names, items: Vec<Item<'_>>) -> Result<Vec<Aim>, String> {
    let items = items.into_iter();
    items.map(|item| names.item(item, "")).collect()
}

fn ended(items: &[ItemOutcome]) -> Vec<EndedPart<'_>> {
    let is_alike = |a: &ItemOutcome, b: &ItemOutcome| {
        a.outcome == b.outcome && a.message == b.message && a.target.kind() == b.target.kind()
    };
    let text = |item: &'_ ItemOutcome| Text(Cow::Owned(item.target.as_str().to_owned()));
    let groups = items.chunk_by(is_alike).filter_map(|group| {
        let first = group.first()?;
        Some(EndedPart {
            outcome: Cow::Borrowed(first.outcome.as_str()),
            message: first
                .message
                .as_deref()
                .map(|text| Text(Cow::Borrowed(text))),
            kind: first.target.kind(),
            targets: group.iter().map(text).collect(),
        })
    });
    groups.collect()
}

impl<'a> RecordPart<'a> {
    fn new(record: &'a Record) -> Self {
        match record {
            Record::Begin { lineage } => Self::Begin {
                lineage: lineage.clone(),
            },
            Record::Due {
                entries,
                forced,
                at,
            } => Self::Due {
                at: *at,
                forced: *forced,
                entries: items(entries),
            },
            Record::Intend(operation) => Self::Intend(OperationBlock::new(operation)),
            Record::Withdraw { id } => Self::Withdraw { id: id.clone() },
            Record::Accept {
                id,
                task,
                correlation_id,
                at,
            } => Self::Accept {
                id: id.clone(),
                task: TaskPart::new(task),
                correlation_id: correlation_id.clone(),
                at: *at,
            },
            Record::Asked { id, task, at } => Self::Asked {
                id: id.clone(),
                task: task.as_ref().map(TaskPart::new),
                at: *at,
            },
            Record::Settle { id, items, at } => Self::Settle {
                id: id.clone(),
                at: *at,
                items: ended(items),
            },
            Record::Skip {
                entries,
                message,
                at,
            } => Self::Skip(MissedPart::new(entries, message, *at)),
            Record::Defer {
                entries,
                message,
                at,
            } => Self::Defer(MissedPart::new(entries, message, *at)),
            Record::Resolve { at } => Self::Resolve { at: *at },
            Record::Abandon { endpoints } => Self::Abandon {
                endpoints: endpoints
                    .iter()
                    .map(|name| Text(Cow::Borrowed(name)))
                    .collect(),
            },
            Record::Adopt { entries, at } => Self::Adopt {
                at: *at,
                entries: entries
                    .iter()
                    .map(|(key, generation)| Item::new(key, Some(generation)))
                    .collect(),
            },
            Record::Forget { keys } => Self::Forget {
                entries: keys.iter().map(|key| Item::new(key, None)).collect(),
            },
            Record::Remember(run) => Self::Remember(HistoryLine::new(run)),
            Record::Spend {
                scope,
                counts,
                window,
                amount,
            } => Self::Spend {
                scope: Cow::Borrowed(scope),
                counts: Cow::Borrowed(counts),
                window: *window,
                amount: *amount,
            },
            Record::Applied { revision } => Self::Applied {
                revision: revision.clone(),
            },
        }
    }

    fn into_record(self, names: &mut Names) -> Result<Record, String> {
        Ok(match self {
            Self::Begin { lineage } => Record::Begin { lineage },
            Self::Due {
                at,
                forced,
                entries,
            } => Record::Due {
                entries: aims(names, entries)?,
                forced,
                at,
            },
            Self::Intend(block) => Record::Intend(operation(names, block)?),
            Self::Withdraw { id } => Record::Withdraw { id },
            Self::Accept {
                id,
                task,
                correlation_id,
                at,
            } => Record::Accept {
                id,
                task: task.into_task(),
                correlation_id,
                at,
            },
            Self::Asked { id, task, at } => Record::Asked {
                id,
                task: task.map(TaskPart::into_task),
                at,
            },
            Self::Settle { id, at, items } => Record::Settle {
                id,
                items: outcomes(items)?,
                at,
            },
            Self::Skip(missed) => Record::Skip {
                entries: aims(names, missed.entries)?,
                message: missed.message,
                at: missed.at,
            },
            Self::Defer(missed) => Record::Defer {
                entries: aims(names, missed.entries)?,
                message: missed.message,
                at: missed.at,
            },
            Self::Resolve { at } => Record::Resolve { at },
            Self::Abandon { endpoints } => Record::Abandon {
                endpoints: endpoints.iter().map(|name| names.share(&name.0)).collect(),
            },
            Self::Adopt { at, entries } => {
                let entries = aims(names, entries)?.into_iter();
                let generation = |(key, generation): Aim| {
                    let address = key.address();
                    let missing = || format!("the entry `{address}` is adopted at no generation");
                    Ok((key, generation.ok_or_else(missing)?))
                };
                Record::Adopt {
                    entries: entries.map(generation).collect::<Result<_, String>>()?,
                    at,
                }
            }
            Self::Forget { entries } => Record::Forget {
                keys: aims(names, entries)?
                    .into_iter()
                    .map(|(key, _)| key)
                    .collect(),
            },
            Self::Remember(run) => Record::Remember(run.into_record()),
            Self::Spend {
                scope,
                counts,
                window,
                amount,
            } => Record::Spend {
                scope: names.share(&scope),
                counts: names.share(&counts),
                window,
                amount,
            },
            Self::Applied { revision } => Record::Applied { revision },
        })
    }
}

impl<'a> MissedPart<'a> {
    fn new(entries: &'a [Aim], message: &str, at: DateTime<Utc>) -> Self {
        Self {
            at,
            message: message.to_owned(),
            entries: items(entries),
        }
    }
}

fn outcomes(parts: Vec<EndedPart<'_>>) -> Result<Vec<ItemOutcome>, String> {
    let mut items = Vec::new();
    for part in parts {
        let outcome: Outcome = outcome(&part.outcome);
        let message = part.message.map(|text| text.0.into_owned());
        for text in &part.targets {
            let target: Target = target(part.kind, Some(text))
                .map_err(|error| format!("the target `{}` is none: {error}", text.0))?;
            items.push(ItemOutcome {
                target,
                outcome,
                message: message.clone(),
            });
        }
    }
    Ok(items)
}
