//! From the texts of a state file to identities: keys, owners, generations. Texts that come again
//! and again are kept once.

use std::collections::HashSet;
use std::sync::Arc;

use super::lines::{Item, Text};
use crate::entry::{EntryKey, Generation, ONE_OFF, Owner, Target, TargetError, TargetKind};

/// The target that a kind and a text describe; everything has none.
pub(super) fn target(kind: TargetKind, text: Option<&Text<'_>>) -> Result<Target, TargetError> {
    Target::recorded(kind, text.map_or("", |text| &text.0))
}

/// Texts that many entries share, kept once.
#[derive(Default)]
pub(super) struct Names {
    names: HashSet<Arc<str>>,
    /// The generation seen last: neighbours tend to have the same.
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

    /// The key that an address, a kind and a target describe together.
    pub(super) fn key(
        &mut self,
        address: &str,
        kind: TargetKind,
        target: Option<&Text<'_>>,
        endpoint: &str,
    ) -> Result<EntryKey, String> {
        let target = self::target(kind, target)
            .map_err(|error| format!("the entry `{address}` has a bad `target`: {error}"))?;
        let (owner, path) = self.owner(address, &target).ok_or_else(|| {
            format!("the address `{address}` does not fit its kind `{kind}` and target `{target}`")
        })?;
        Ok(EntryKey {
            owner,
            path,
            target,
            endpoint: self.share(endpoint),
        })
    }

    /// The key and the generation of an item; `endpoint` is that of the operation around, if any.
    pub(super) fn item(
        &mut self,
        item: Item<'_>,
        endpoint: &str,
    ) -> Result<(EntryKey, Option<Generation>), String> {
        let endpoint = item.endpoint.as_ref().map_or(endpoint, |own| &own.0);
        let key = self.key(&item.address, item.kind, item.target.as_ref(), endpoint)?;
        Ok((key, self.generation(item.generation)))
    }

    /// The owner in front of an address, and the path behind a site's; the inverse of
    /// [`EntryKey::address`].
    fn owner(&mut self, address: &str, target: &Target) -> Option<(Owner, Option<Arc<str>>)> {
        let (word, rest) = address.split_once('/')?;
        match word {
            "purge" => rest
                .strip_suffix(target.as_str())
                .and_then(|front| match *target == Target::Everything {
                    true => Some(front),
                    false => front.strip_suffix('/'),
                })
                .and_then(|front| {
                    front
                        .strip_suffix(target.kind().as_str())?
                        .strip_suffix('/')
                })
                .and_then(|name| match name {
                    "" => None,
                    ONE_OFF => Some(Owner::OneOff),
                    name => Some(Owner::Purge(self.share(name))),
                })
                .map(|owner| (owner, None)),
            "site" => rest
                .split_once('/')
                .filter(|(name, path)| !name.is_empty() && !path.is_empty())
                .map(|(name, path)| (Owner::Site(self.share(name)), Some(path.into()))),
            _ => None,
        }
    }
}
