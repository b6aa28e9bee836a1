//! From the texts of a state file to identities: keys, owners, generations. Texts that come again
//! and again are kept once.

use std::collections::HashSet;
use std::sync::Arc;

use super::lines::Text;
use crate::desired::{CdnUrl, EntryKey, Generation, Kind, Owner};

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
            _ => self.generation = Some(Generation::new(&*token)),
        }
        self.generation.clone()
    }

    /// The key that an address, a kind and a URL describe together.
    pub(super) fn key(
        &mut self,
        address: &str,
        kind: Kind,
        url: &str,
        endpoint: &str,
    ) -> Result<EntryKey, String> {
        let url = CdnUrl::recorded(url, kind)
            .map_err(|error| format!("the entry `{address}` has a bad `url`: {error}"))?;
        let (owner, path) = self.owner(address, kind, &url).ok_or_else(|| {
            format!("the address `{address}` does not fit its kind `{kind}` and URL `{url}`")
        })?;
        Ok(EntryKey {
            owner,
            path,
            kind,
            url,
            endpoint: self.share(endpoint),
        })
    }

    /// The owner in front of an address, and the path behind a site's; the inverse of
    /// [`EntryKey::address`].
    fn owner(
        &mut self,
        address: &str,
        kind: Kind,
        url: &CdnUrl,
    ) -> Option<(Owner, Option<Arc<str>>)> {
        let (word, rest) = address.split_once('/')?;
        match word {
            "purge" => rest
                .strip_suffix(url.as_str())
                .and_then(|front| front.strip_suffix('/')?.strip_suffix(kind.as_str()))
                .and_then(|front| front.strip_suffix('/'))
                .filter(|name| !name.is_empty())
                .map(|name| (Owner::Purge(self.share(name)), None)),
            "site" => rest
                .split_once('/')
                .filter(|(name, path)| !name.is_empty() && !path.is_empty())
                .map(|(name, path)| (Owner::Site(self.share(name)), Some(path.into()))),
            _ => None,
        }
    }
}
