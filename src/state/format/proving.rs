//! The lines of proofs, in a snapshot and in a record. Frozen like `lines`.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::lines::{Item, Text};
use super::names::Names;
use crate::entry::{EntryKey, Generation};
use crate::verify::{Evidence, Proof};

#[derive(Serialize, Deserialize)]
pub(super) struct ProofLine<'a> {
    #[serde(borrow, flatten)]
    item: Item<'a>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence: Option<Cow<'a, Evidence>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeats: Option<u32>,
}

impl<'a> ProofLine<'a> {
    pub(super) fn new(key: &'a EntryKey, proof: &'a Proof) -> Self {
        let earlier = proof.earlier.iter();
        Self {
            item: Item::new(key, proof.generation.as_ref()),
            earlier: earlier.map(|one| Text::of(one.as_str())).collect(),
            since: proof.since,
            evidence: proof.evidence.as_ref().map(Cow::Borrowed),
            repeats: (proof.repeats > 0).then_some(proof.repeats),
        }
    }
}

pub(super) fn proof(names: &mut Names, line: ProofLine<'_>) -> Result<(EntryKey, Proof), String> {
    let earlier = line.earlier.into_iter();
    let (key, generation) = names.item(line.item, "")?;
    let proof = Proof {
        generation,
        earlier: earlier.map(|one| Generation::recorded(&one.0)).collect(),
        since: line.since,
        evidence: line.evidence.map(Cow::into_owned),
        repeats: line.repeats.unwrap_or_default(),
    };
    Ok((key, proof))
}

pub(in crate::state) mod proofs {
    use super::{EntryKey, Names, Proof, ProofLine, proof};
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in crate::state) fn serialize<S: Serializer>(
        proofs: &[(EntryKey, Proof)],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(proofs.iter().map(|(key, proof)| ProofLine::new(key, proof)))
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<(EntryKey, Proof)>, D::Error> {
        let mut names = Names::default();
        let lines = Vec::<ProofLine<'de>>::deserialize(from)?.into_iter();
        let proofs = lines.map(|line| proof(&mut names, line));
        proofs
            .collect::<Result<_, _>>()
            .map_err(serde::de::Error::custom)
    }
}
