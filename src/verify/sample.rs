//! A random sample of entries. Pure: the same seed gives the same sample.

use sha2::{Digest as _, Sha256};

use crate::entry::EntryKey;

/// Picks up to `most` items, in their order, and in any case all that `is_needed`.
pub fn sample<T>(
    mut items: Vec<T>,
    most: usize,
    seed: &str,
    key: impl Fn(&T) -> &EntryKey,
    is_needed: impl Fn(&T) -> bool,
) -> Vec<T> {
    if items.len() <= most {
        return items;
    }
    let mut lots: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(index, item)| (!is_needed(item), lot(seed, key(item)), index))
        .collect();
    lots.sort_unstable();
    let needed = lots.partition_point(|(is_other, _, _)| !is_other);
    let mut picked: Vec<_> = lots
        .iter()
        .take(most.max(needed))
        .map(|lot| lot.2)
        .collect();
    picked.sort_unstable();
    let mut index = 0;
    items.retain(|_| {
        index += 1;
        picked.binary_search(&(index - 1)).is_ok()
    });
    items
}

fn lot(seed: &str, key: &EntryKey) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in [seed, &key.address(), key.target.as_str(), &key.endpoint] {
        hash.update(text);
        // No address has a zero byte.
        hash.update([0]);
    }
    hash.finalize().into()
}
