//! The safety checks' arithmetic against counting on one's fingers.

use std::collections::BTreeMap;

use crate::common::memory_store::MemoryStore;
use proptest::prelude::*;
use purgit::manifest;
use purgit::plan::select::Selection;
use purgit::plan::{Check, CheckName, CheckStatus};
use purgit::state::{State, StateStore as _};

use super::{project, wanted};
use crate::state_fixture::{confirmed, file};

/// The checks of a plan over `kept`, `changed` and `added` entries, with these limits.
fn checks(kept: usize, changed: usize, added: usize, percent: usize, urls: usize) -> Vec<Check> {
    let observed = kept + changed;
    let head = format!(
        "apiVersion: purgit/v1alpha1\nkind: Project\nmetadata: {{ name: laws }}\n\
         spec: {{ safety: {{ maxChangePercent: {percent}, maxUrls: {urls} }} }}\n---\n"
    );
    let endpoint = super::documents(&BTreeMap::new(), 100).remove(1);
    let manifest = |name: &str, revision: &str, numbers: std::ops::Range<usize>| {
        let urls = numbers.map(|number| format!("https://www.example.com/{number}"));
        format!(
            "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: {{ name: {name} }}\nspec: \
             {{ endpoint: www, revision: {revision}, files: [{}] }}\n",
            urls.collect::<Vec<_>>().join(", ")
        )
    };
    let project = project(vec![
        head + &endpoint,
        manifest("kept", "r1", 0..kept),
        manifest("changed", "r2", kept..observed),
        manifest("added", "r1", observed..observed + added),
    ]);
    let owner = |number| if number < kept { "kept" } else { "changed" };
    let entries =
        (0..observed).map(|number| (file(owner(number), &format!("/{number}")), confirmed("r1")));
    let state = State {
        serial: 1,
        lineage: "laws".to_owned(),
        entries: entries.collect(),
        ..State::default()
    };
    let known = MemoryStore::with(&state).load().unwrap().into();
    let digest = manifest::digest(&project);
    let wanted = wanted(&project).into();
    let (selection, now) = (Selection::default(), super::NOW.parse().unwrap());
    purgit::reconcile::plan(&project, &digest, &wanted, &known, &selection, &[], now)
        .unwrap()
        .checks
}

fn of(checks: &[Check], name: CheckName) -> &Check {
    checks.iter().find(|check| check.name == name).unwrap()
}

/// Tenths of a percent, found by trying: the nearest, of two the larger.
fn tenths(part: usize, whole: usize) -> usize {
    let distance = |tenths: usize| (tenths * whole).abs_diff(part * 1000);
    (0..=1000)
        .rev()
        .min_by_key(|tenths| distance(*tenths))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_share_over_the_limit_is_refused_and_no_other(
        kept in 0..30_usize,
        changed in 0..30_usize,
        added in 1..5_usize,
        percent in 0..=100_usize,
        urls in 1..40_usize,
    ) {
        let checks = checks(kept, changed, added, percent, urls);
        let observed = kept + changed;
        let check = of(&checks, CheckName::MaxChangePercent);
        let over = observed >= 10 && changed * 100 > percent * observed;
        prop_assert_eq!(check.status == CheckStatus::Failed, over, "{}", check.detail);
        if observed >= 10 {
            let tenths = tenths(changed, observed);
            let remedy = if over { "; --force=max-change-percent:www" } else { "" };
            let expected = format!(
                "[www] {}.{}% of entries change, limit {percent}% ({changed}/{observed}){remedy}",
                tenths / 10,
                tenths % 10
            );
            prop_assert_eq!(&check.detail, &expected);
        }
        let check = of(&checks, CheckName::MaxUrls);
        prop_assert_eq!(check.status == CheckStatus::Failed, changed + added > urls);
    }
}
