//! Laws of the whole, for arbitrary projects, CDNs and mishaps.

mod chaos;
mod edge;
mod edges;
mod freshness;
mod planning;
mod safety;
mod transitions;
mod unchanged;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;
use purgit::desired::{Contents, Desired, desired};
use purgit::manifest::resource::Project;
use purgit::manifest::{self, ManifestFile};

/// When all of this takes place.
const NOW: &str = "2026-11-20T00:00:00Z";

/// What one `Purge` manifest declares: its revision, files and directories.
type Declared = (u8, BTreeSet<u8>, BTreeSet<u8>);

/// Manifests by name; few names and URLs, so that they meet.
type World = BTreeMap<u8, Declared>;

fn any_world() -> impl Strategy<Value = World> {
    let declared = (0..3_u8, btree_set(0..6_u8, 0..6), btree_set(0..3_u8, 0..3));
    btree_map(0..3_u8, declared, 0..=3)
}

fn url(directory: bool, number: u8) -> String {
    let end = if directory { "/" } else { ".png" };
    format!("https://www.example.com/{number}{end}")
}

/// One document each: the `Project`, the `Endpoint`, every manifest.
fn documents(world: &World, items_per_request: usize) -> Vec<String> {
    let project = "apiVersion: purgit/v1alpha1\nkind: Project\nmetadata: { name: laws }\n";
    let endpoint = format!(
        "apiVersion: purgit/v1alpha1\nkind: Endpoint\nmetadata: {{ name: www }}\nspec:\n  \
         hosts: [www.example.com]\n  azureChinaCdn:\n    \
         subscriptionId: 00000000-0000-0000-0000-000000000001\n    \
         endpointId: 00000000-0000-0000-0000-000000000002\n    credentials:\n      \
         keyId: {{ env: ID }}\n      keyValue: {{ env: VALUE }}\n  \
         limits: {{ itemsPerRequest: {items_per_request}, concurrentRequests: 3 }}\n  \
         poll: {{ interval: 1s, maxInterval: 4s, timeout: 20s }}\n"
    );
    let mut documents = vec![project.to_owned(), endpoint];
    documents.extend(
        world
            .iter()
            .map(|(name, declared)| purge(*name, declared, false)),
    );
    documents
}

/// A `Purge` manifest, with its URLs maybe the other way round.
fn purge(name: u8, (revision, files, directories): &Declared, reversed: bool) -> String {
    let mut text = format!(
        "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: {{ name: m{name} }}\nspec:\n  \
         endpoint: www\n  revision: r{revision}\n"
    );
    for (field, numbers, directory) in [("files", files, false), ("directories", directories, true)]
    {
        let mut urls: Vec<_> = numbers
            .iter()
            .map(|number| url(directory, *number))
            .collect();
        if reversed {
            urls.reverse();
        }
        let _ = writeln!(text, "  {field}: [{}]", urls.join(", "));
    }
    text
}

/// The project of these texts, the first of which is the root's file.
fn project(texts: Vec<String>) -> Project {
    let sources = texts
        .into_iter()
        .enumerate()
        .map(|(number, text)| match number {
            0 => ManifestFile::new("purgit.yaml", text),
            number => ManifestFile::new(format!("purges/{number}.yaml"), text),
        });
    let parsed = manifest::parse(sources.collect());
    parsed
        .project
        .unwrap_or_else(|| panic!("{:?}", parsed.problems))
}

fn wanted(project: &Project) -> Desired {
    desired(project, &Contents::new(), NOW.parse().unwrap()).unwrap()
}
