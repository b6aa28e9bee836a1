//! A plan of what differs, with the rest counted, is the plan of everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use purgit::content::{ContentFile, Listing, blob_id};
use purgit::desired::{Contents, desired};
use purgit::entry::{EntryKey, Generation, Owner};
use purgit::manifest::resource::Project;
use purgit::manifest::{self, ManifestFile};
use purgit::operation::Task;
use purgit::state::{Attempt, Outcome, PendingOperation, State};

use crate::site::fixture::{NO_API, now, plan, plan_of_differences, root_file};

/// One of each kind that is treated differently.
const SITES: &str = "\
---
apiVersion: purgit/v1alpha1
kind: Site
metadata: { name: plain }
spec: { endpoint: www, baseUrl: https://www.example.com/, content: { root: plain } }
---
apiVersion: purgit/v1alpha1
kind: Site
metadata: { name: forgetful }
spec: { endpoint: www, baseUrl: https://www.example.com/f/, content: { root: f }, onDelete: ignore }
---
apiVersion: purgit/v1alpha1
kind: Site
metadata: { name: aliased }
spec: { endpoint: www, baseUrl: https://www.example.com/a/, content: { root: a }, redirect: true }
---
apiVersion: purgit/v1alpha1
kind: Site
metadata: { name: stripped }
spec:
  endpoint: www
  baseUrl: https://www.example.com/
  content: { root: p }
  redirect: true
  stripExtensions: [.html]
---
apiVersion: purgit/v1alpha1
kind: Site
metadata: { name: suspended }
spec: { endpoint: www, baseUrl: https://www.example.com/s/, content: { root: s }, suspend: true }
";

const PATHS: [&str; 8] = [
    "a",
    "b-c",
    "b.html",
    "b/c",
    "b/index.html",
    "c",
    "d e",
    "index.html",
];

/// By site and path, which of a few texts is in the file.
type Files = BTreeMap<(usize, usize), u8>;

fn any_files() -> impl Strategy<Value = Files> {
    btree_map((0..NAMES.len(), 0..PATHS.len()), 0..3_u8, 0..24)
}

fn project() -> Project {
    let text = root_file(NO_API) + SITES;
    let parsed = manifest::parse(vec![ManifestFile::new("purgit.yaml", text)]);
    assert_eq!(parsed.problems, []);
    parsed.project.unwrap()
}

/// The last one is declared nowhere.
const NAMES: [&str; 6] = [
    "plain",
    "forgetful",
    "aliased",
    "stripped",
    "suspended",
    "gone",
];

fn contents(files: &Files) -> Contents {
    let mut contents = Contents::new();
    for ((site, path), text) in files {
        let listing: &mut Listing = contents.entry(NAMES[*site].into()).or_default();
        listing.files.push(ContentFile {
            path: PATHS[*path].to_owned(),
            id: blob_id(&[*text]),
        });
    }
    contents
}

/// What may be odd about an entry of the state.
#[derive(Debug, Clone)]
enum Oddity {
    Missing,
    Attempt(Outcome),
    Unconfirmed,
    Token(&'static str),
    OtherEndpoint,
    OtherOwner,
    /// Whether the CDN accepted it, and whether it purges what is confirmed already.
    UnderWay(bool, bool),
}

fn any_oddity() -> impl Strategy<Value = Oddity> {
    let outcome = prop_oneof![
        Just(Outcome::Failed),
        Just(Outcome::Unknown),
        Just(Outcome::Skipped),
        Just(Outcome::Superseded),
    ];
    prop_oneof![
        Just(Oddity::Missing),
        outcome.prop_map(Oddity::Attempt),
        Just(Oddity::Unconfirmed),
        Just(Oddity::Token("declared")),
        Just(Oddity::Token("9C56CC51B374C3BA189210D5B6D4BF57790D351C")),
        Just(Oddity::OtherEndpoint),
        Just(Oddity::OtherOwner),
        any::<(bool, bool)>().prop_map(|(sent, same)| Oddity::UnderWay(sent, same)),
    ]
}

/// A state in which these files were purged, but for oddities.
fn state(project: &Project, files: &Files, oddities: &[(Index, Oddity)]) -> State {
    let mut state = State::default();
    // What is suspended was not when it was purged.
    let mut then = project.clone();
    then.sites
        .iter_mut()
        .for_each(|site| site.suspension = None);
    let mut contents = contents(files);
    // `b.html` and `b/index.html` have a URL in common: together, they were never purged.
    let stripped = contents.entry("stripped".into()).or_default();
    stripped.files.retain(|file| file.path != "b.html");
    let entries = desired(&then, &contents, now()).unwrap().entries;
    state.adopt(
        entries
            .into_iter()
            .map(|entry| (entry.key, entry.generation)),
        now(),
    );
    for (number, (which, oddity)) in oddities.iter().enumerate() {
        let keys: Vec<EntryKey> = state.entries.keys().cloned().collect();
        if keys.is_empty() {
            break;
        }
        apply(&mut state, which.get(&keys), number, oddity);
    }
    state
}

fn apply(state: &mut State, key: &EntryKey, number: usize, oddity: &Oddity) {
    let mut known = state.entries.remove(key).unwrap();
    let mut key = key.clone();
    match oddity {
        Oddity::Missing => return,
        Oddity::Attempt(outcome) => {
            known.attempt = Some(Attempt {
                generation: known.generation.clone(),
                outcome: *outcome,
                at: now(),
                message: None,
            });
        }
        Oddity::Unconfirmed => known.generation = None,
        Oddity::Token(token) => known.generation = Some(Generation::recorded(token)),
        Oddity::OtherEndpoint => key.endpoint = "api".into(),
        Oddity::OtherOwner => key.owner = Owner::Site("gone".into()),
        Oddity::UnderWay(sent, same) => {
            let other = Generation::of_content(&blob_id(b"other"));
            let generation = known.generation.clone().filter(|_| *same).or(Some(other));
            state.pending_operations.insert(PendingOperation {
                id: number.to_string(),
                endpoint: Arc::from("www"),
                intended_at: now(),
                task: sent.then(|| Task {
                    id: number.to_string(),
                    details: serde_json::Value::Null,
                }),
                accepted_at: sent.then(now),
                asked_at: None,
                correlation_id: None,
                sends: 0,
                directories: Vec::new(),
                entries: vec![(key.clone(), generation)],
            });
        }
    }
    state.entries.insert(key, known);
}

proptest! {
    #[test]
    fn counting_what_is_unchanged_changes_no_plan(
        purged in any_files(),
        edits in btree_map((0..NAMES.len(), 0..PATHS.len()), prop::option::of(0..3_u8), 0..4),
        oddities in vec((any::<Index>(), any_oddity()), 0..4),
    ) {
        let project = project();
        let state = state(&project, &purged, &oddities);
        let mut present = purged;
        for (file, text) in edits {
            match text {
                Some(text) => drop(present.insert(file, text)),
                None => drop(present.remove(&file)),
            }
        }
        let contents = contents(&present);
        let wanted = desired(&project, &contents, now());
        let whole = wanted
            .map(|wanted| plan(&project, &wanted, &state))
            .map_err(|errors| errors.to_string());
        prop_assert_eq!(plan_of_differences(&project, contents, &state), whole);
    }
}
