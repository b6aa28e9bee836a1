//! Which entries are asked for.

use proptest::prelude::*;
use purgit::entry::EntryKey;
use purgit::verify::sample;

use super::site_file;

fn keys(count: usize) -> Vec<EntryKey> {
    (0..count)
        .map(|n| site_file(&format!("{n:03}.html")))
        .collect()
}

fn picked(keys: Vec<EntryKey>, most: usize, seed: &str, needed: usize) -> Vec<EntryKey> {
    let needful: Vec<_> = keys.iter().rev().take(needed).cloned().collect();
    sample(keys, most, seed, |key| key, |key| needful.contains(key))
}

#[test]
fn another_seed_picks_others() {
    let one = picked(keys(100), 10, "sha256:01", 0);
    assert_eq!(one, picked(keys(100), 10, "sha256:01", 0));
    assert_ne!(one, picked(keys(100), 10, "sha256:02", 0));
    // Every entry has its turn.
    let seen: std::collections::BTreeSet<_> = (0..200)
        .flat_map(|seed| picked(keys(100), 10, &seed.to_string(), 0))
        .collect();
    assert_eq!(seen.len(), 100);
}

proptest! {
    #[test]
    fn samples_are_bounded_and_hold_what_is_needed(
        count in 0..60_usize, most in 0..40_usize, needed in 0..60_usize, seed in any::<String>(),
    ) {
        let needed = needed.min(count);
        let all = keys(count);
        let some = picked(all.clone(), most, &seed, needed);
        prop_assert_eq!(some.len(), count.min(most.max(needed)));
        prop_assert!(some.is_sorted());
        prop_assert!(all[count - needed..].iter().all(|key| some.contains(key)));
        // The order in which they are found does not matter.
        let mut turned = all.clone();
        turned.reverse();
        let needful = &all[count - needed..];
        let mut again = sample(turned, most, &seed, |key| key, |key| needful.contains(key));
        again.reverse();
        prop_assert_eq!(some, again);
    }
}
