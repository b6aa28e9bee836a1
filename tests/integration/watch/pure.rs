//! Debounce, backoff, and which paths matter: laws of pure values.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use purgit::manifest::{ManifestFile, parse};
use purgit::watch::backoff::{Backoff, FIRST, LONGEST};
use purgit::watch::debounce::{Debounce, LONGEST_QUIET_TIMES};
use purgit::watch::scope::WatchScope;

proptest! {
    /// Every change is looked at: not before it is quiet, unless the stream has lasted too long, and
    /// never later than the bound.
    #[test]
    fn changes_are_due_when_quiet_and_at_the_latest_at_the_bound(
        quiet in 1_u64..1000,
        gaps in prop::collection::vec(0_u64..2000, 1..50),
    ) {
        let quiet = Duration::from_millis(quiet);
        let mut debounce = Debounce::new(quiet);
        let mut now = Instant::now();
        let mut first = None;
        prop_assert_eq!(debounce.due(), None);
        for gap in gaps {
            let next = now + Duration::from_millis(gap);
            if let Some(due) = debounce.due().filter(|due| *due <= next) {
                let first = first.take().unwrap();
                prop_assert!(due <= first + quiet * LONGEST_QUIET_TIMES);
                prop_assert!(due >= now, "it was due before the last change");
                debounce.clear();
                prop_assert_eq!(debounce.due(), None);
            }
            now = next;
            first.get_or_insert(now);
            debounce.add(now);
            let due = debounce.due().unwrap();
            prop_assert!(due == now + quiet || due == first.unwrap() + quiet * LONGEST_QUIET_TIMES);
        }
    }

    #[test]
    fn waits_grow_to_the_longest_and_chance_takes_at_most_half(chance in -1.0_f64..2.0) {
        let mut backoff = Backoff::default();
        let mut sure = Backoff::default();
        let mut before = Duration::ZERO;
        for _ in 0..100 {
            let whole = sure.next(LONGEST, 0.0);
            let wait = backoff.next(LONGEST, chance);
            prop_assert!(whole >= before && whole <= LONGEST);
            prop_assert!(wait >= whole / 2 && wait <= whole);
            before = whole;
        }
        prop_assert_eq!(before, LONGEST);
        sure.reset();
        prop_assert_eq!(sure.next(LONGEST, 0.0), FIRST);
    }
}

#[test]
fn a_quiet_time_that_never_ends_is_bounded_by_nothing_and_does_not_overflow() {
    let mut debounce = Debounce::new(Duration::MAX);
    debounce.add(Instant::now());
    assert_eq!(debounce.due(), None);
}

fn scope(spec: &str, root: &str) -> WatchScope {
    scope_at(Path::new("/p"), spec, root)
}

/// The scope of a project in that folder.
pub(super) fn scope_at(folder: &Path, spec: &str, root: &str) -> WatchScope {
    let text = format!(
        "apiVersion: purgit/v1alpha1\nkind: Project\nmetadata: {{ name: p }}\nspec: {spec}\n---\n\
         apiVersion: purgit/v1alpha1\nkind: Endpoint\nmetadata: {{ name: www }}\nspec:\n  \
         hosts: [www.example.com]\n  azureChinaCdn:\n    \
         subscriptionId: 00000000-0000-0000-0000-000000000001\n    \
         endpointId: 00000000-0000-0000-0000-000000000002\n    credentials:\n      \
         keyId: {{ env: ID }}\n      keyValue: {{ env: VALUE }}\n---\n\
         apiVersion: purgit/v1alpha1\nkind: Site\nmetadata: {{ name: docs }}\nspec:\n  \
         endpoint: www\n  baseUrl: https://www.example.com/\n  content: {{ root: {root} }}\n"
    );
    let parsed = parse(vec![ManifestFile::new("purgit.yaml", text)]);
    let project = parsed
        .project
        .unwrap_or_else(|| panic!("{:#?}", parsed.problems));
    WatchScope::new(&project, folder)
}

#[test]
fn content_and_manifests_matter() {
    let scope = scope("{ manifests: [\"purges/**/*.yaml\"] }", "out/public");
    for path in [
        "/p/purgit.yaml",
        "/p/purges",
        "/p/purges/a.yaml",
        "/p/purges/deep/er/a.yaml",
        "/p/out/public/a.html",
        "/p/out/public",
        "/p/out",
        "/p",
    ] {
        assert!(scope.concerns(Path::new(path)), "{path}");
    }
    for path in [
        "/p/README.md",
        "/p/out/other",
        "/p/out/public.new/a.html",
        "/p/out/public/.git/index",
        "/p/out/public/.gitignore",
        "/elsewhere",
    ] {
        assert!(!scope.concerns(Path::new(path)), "{path}");
    }
}

#[test]
fn own_files_do_not_matter_wherever_they_are() {
    let own = [
        "/p/.purgit",
        "/p/.purgit/state.json",
        "/p/.purgit/state.json.lock",
        "/p/.purgit/cache/docs.stat",
        "/p/purgit.status.yaml",
        "/p/.purgit.status.yaml.x1y2z3.purgit-tmp",
    ];
    let everything = scope("{}", "\".\"");
    for path in own {
        assert!(!everything.concerns(Path::new(path)), "{path}");
    }
    assert!(everything.concerns(Path::new("/p/index.html")));
    let elsewhere = "{ state: { file: data/purged.json }, status: { file: data/how.yaml } }";
    let elsewhere = scope(elsewhere, "data");
    for path in [
        "/p/data/purged.json",
        "/p/data/purged.json.lock",
        "/p/data/.purged.json.x1y2z3.purgit-tmp",
        "/p/data/how.yaml",
    ] {
        assert!(!elsewhere.concerns(Path::new(path)), "{path}");
    }
    for path in [
        "/p/data/index.html",
        "/p/data/cache/docs.stat",
        "/p/data/purged.json.old",
    ] {
        assert!(elsewhere.concerns(Path::new(path)), "{path}");
    }
    // Manifests are no content, but they matter.
    assert!(everything.concerns(Path::new("/p/purges/a.yaml")));
}
