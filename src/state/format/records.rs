//! Entries, operations and outcomes in a record: the same form as in a snapshot.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::lines::{HistoryLine, Item, OperationBlock, Text, outcome};
use super::names::{Names, target};
use super::read::operation;
use crate::entry::{EntryKey, Generation, TargetKind};
use crate::state::{Aim, HistoryRecord, PendingOperation};

fn read<'de, D: Deserializer<'de>, T>(
    from: D,
    take: impl Fn(Aim) -> Result<T, String>,
) -> Result<Vec<T>, D::Error> {
    let mut names = Names::default();
    let items = Vec::<Item<'de>>::deserialize(from)?.into_iter();
    let items = items.map(|item| names.item(item, "").and_then(&take));
    items
        .collect::<Result<_, _>>()
        .map_err(serde::de::Error::custom)
}

pub(in crate::state) mod aims {
    use super::{Aim, Deserializer, Item, Serializer};

    pub(in crate::state) fn serialize<S: Serializer>(
        aims: &[Aim],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(aims.iter().map(|(key, aim)| Item::new(key, aim.as_ref())))
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Aim>, D::Error> {
        super::read(from, Ok)
    }
}

pub(in crate::state) mod adopted {
    use super::{Deserializer, EntryKey, Generation, Item, Serializer};

    type Adopted = (EntryKey, Generation);

    pub(in crate::state) fn serialize<S: Serializer>(
        entries: &[Adopted],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let items = entries.iter();
        to.collect_seq(items.map(|(key, generation)| Item::new(key, Some(generation))))
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Adopted>, D::Error> {
        super::read(from, |(key, generation)| match generation {
            Some(generation) => Ok((key, generation)),
            None => Err(format!("`{}` is adopted at no generation", key.address())),
        })
    }
}

pub(in crate::state) mod keys {
    use super::{Deserializer, EntryKey, Item, Serializer};

    pub(in crate::state) fn serialize<S: Serializer>(
        keys: &[EntryKey],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(keys.iter().map(|key| Item::new(key, None)))
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<EntryKey>, D::Error> {
        super::read(from, |(key, _)| Ok(key))
    }
}

pub(in crate::state) mod intent {
    use super::{Deserialize as _, Deserializer, Names, OperationBlock, PendingOperation};
    use super::{Serialize as _, Serializer, operation};

    pub(in crate::state) fn serialize<S: Serializer>(
        intent: &PendingOperation,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        OperationBlock::new(intent).serialize(to)
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<PendingOperation, D::Error> {
        let block = OperationBlock::deserialize(from)?;
        operation(&mut Names::default(), block).map_err(serde::de::Error::custom)
    }
}

pub(in crate::state) mod run {
    use super::{Deserialize as _, Deserializer, HistoryLine, HistoryRecord};
    use super::{Serialize as _, Serializer};

    pub(in crate::state) fn serialize<S: Serializer>(
        run: &HistoryRecord,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        HistoryLine::new(run).serialize(to)
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<HistoryRecord, D::Error> {
        HistoryLine::deserialize(from).map(HistoryLine::into_record)
    }
}

/// Targets of an operation with the same outcome. The intent says which entries they serve.
#[derive(Serialize, Deserialize)]
struct Alike<'a> {
    #[serde(borrow)]
    outcome: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    message: Option<Text<'a>>,
    kind: TargetKind,
    #[serde(borrow)]
    targets: Vec<Text<'a>>,
}

pub(in crate::state) mod ended {
    use super::{Alike, Deserialize as _, Deserializer, Serializer, Text, outcome, target};
    use crate::state::transition::ItemOutcome;

    pub(in crate::state) fn serialize<S: Serializer>(
        items: &[ItemOutcome],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let is_alike = |a: &ItemOutcome, b: &ItemOutcome| {
            a.outcome == b.outcome && a.message == b.message && a.target.kind() == b.target.kind()
        };
        let groups = items.chunk_by(is_alike).map(|group| Alike {
            outcome: Text::of(group[0].outcome.as_str()),
            message: group[0].message.as_deref().map(Text::of),
            kind: group[0].target.kind(),
            targets: group
                .iter()
                .map(|item| Text::of(item.target.as_str()))
                .collect(),
        });
        to.collect_seq(groups)
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<ItemOutcome>, D::Error> {
        let mut items = Vec::new();
        for group in Vec::<Alike<'de>>::deserialize(from)? {
            for text in &group.targets {
                let target = target(group.kind, Some(text)).map_err(serde::de::Error::custom)?;
                items.push(ItemOutcome {
                    target,
                    outcome: outcome(&group.outcome.0),
                    message: group.message.as_ref().map(|text| text.0.to_string()),
                });
            }
        }
        Ok(items)
    }
}
