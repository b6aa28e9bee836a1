//! Turns the texts of a state file into keys, owners and generations.

use std::collections::HashSet;
use std::sync::Arc;

use super::lines::{Item, Text};
use crate::entry::{EntryKey, Generation, ONE_OFF, Owner, Target, TargetError, TargetKind};

/// `Everything` has no text.
pub(super) fn target(kind: TargetKind, text: Option<&Text<'_>>) -> Result<Target, TargetError> {
    Target::recorded(kind, text.map_or("", |text| &text.0))
}

#[derive(Default)]
pub(super) struct Names {
    names: HashSet<Arc<str>>,
    /// The last generation read: adjacent entries often share one.
    generation: Option<Generation>,
}

impl Names {
    pub(super) fn share(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.names.insert(name.clone());
        name
    }

    pub(super) fn generation(&mut self, token: Option<Text<'_>>) -> Option<Generation> {
        let token = token?.0;
        match &self.generation {
            Some(last) if *last.as_str() == *token => {}
            _ => self.generation = Some(Generation::recorded(&token)),
        }
        self.generation.clone()
    }

    pub(super) fn key(
        &mut self,
        address: &str,
        kind: TargetKind,
        target: Option<&Text<'_>>,
        endpoint: &str,
    ) -> Result<EntryKey, String> {
        let target = self::target(kind, target)
            .map_err(|error| format!("the entry `{address}` has a bad `target`: {error}"))?;
        let text = KeyText::read(address, kind, target.as_str(), endpoint).ok_or_else(|| {
            format!("the address `{address}` does not fit its kind `{kind}` and target `{target}`")
        })?;
        Ok(EntryKey {
            owner: match text.owner {
                OwnerText::OneOff => Owner::OneOff,
                OwnerText::Purge(name) => Owner::Purge(self.share(name)),
                OwnerText::Site(name) => Owner::Site(self.share(name)),
            },
            path: text.path.map(Arc::from),
            endpoint: self.share(endpoint),
            target,
        })
    }

    /// The key and generation of an item; `endpoint` is the operation's, if there is one.
    pub(super) fn item(
        &mut self,
        item: Item<'_>,
        endpoint: &str,
    ) -> Result<(EntryKey, Option<Generation>), String> {
        let endpoint = item.endpoint.as_ref().map_or(endpoint, |own| &own.0);
        let key = self.key(&item.address, item.kind, item.target.as_ref(), endpoint)?;
        Ok((key, self.generation(item.generation)))
    }
}

/// What identifies an entry, as texts that sort like [`EntryKey`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyText<'a> {
    owner: OwnerText<'a>,
    path: Option<&'a str>,
    kind: TargetKind,
    target: &'a str,
    endpoint: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum OwnerText<'a> {
    OneOff,
    Purge(&'a str),
    Site(&'a str),
}

impl<'a> KeyText<'a> {
    pub(super) fn of(key: &'a EntryKey) -> Self {
        Self {
            owner: match &key.owner {
                Owner::OneOff => OwnerText::OneOff,
                Owner::Purge(name) => OwnerText::Purge(name),
                Owner::Site(name) => OwnerText::Site(name),
            },
            path: key.path.as_deref(),
            kind: key.target.kind(),
            target: key.target.as_str(),
            endpoint: &key.endpoint,
        }
    }

    /// The inverse of [`EntryKey::address`].
    pub(super) fn read(
        address: &'a str,
        kind: TargetKind,
        target: &'a str,
        endpoint: &'a str,
    ) -> Option<Self> {
        let (word, rest) = address.split_once('/')?;
        let (owner, path) = match word {
            "purge" => {
                let front = rest.strip_suffix(target)?;
                let front = match kind {
                    TargetKind::Everything => front,
                    _ => front.strip_suffix('/')?,
                };
                match front.strip_suffix(kind.as_str())?.strip_suffix('/')? {
                    "" => return None,
                    ONE_OFF => (OwnerText::OneOff, None),
                    name => (OwnerText::Purge(name), None),
                }
            }
            "site" => match rest.split_once('/')? {
                ("", _) | (_, "") => return None,
                (name, path) => (OwnerText::Site(name), Some(path)),
            },
            _ => return None,
        };
        Some(Self {
            owner,
            path,
            kind,
            target,
            endpoint,
        })
    }
}
