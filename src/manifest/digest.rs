//! The digest of all resources: tells a plan whether the manifests have changed.

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::resource::Project;
use crate::field::Block;

/// `sha256:` and 64 digits, independent of files and their order, and of fields that are for people only.
pub fn digest(project: &Project) -> String {
    let mut hasher = Sha256::new();
    add(&mut hasher, "project", &project.name, project);
    for endpoint in project.endpoints.values() {
        add(&mut hasher, "endpoint", &endpoint.name, endpoint);
    }
    for purge in &project.purges {
        add(&mut hasher, "purge", &purge.name, purge);
    }
    for site in &project.sites {
        add(&mut hasher, "site", &site.name, site);
    }
    format!("sha256:{}", hex::encode(hasher.finalize()))
}

/// Hashes one line of JSON per field, so that the URLs are not copied.
fn add(hasher: &mut Sha256, kind: &str, name: &str, block: &impl Block) {
    line(hasher, kind, json!(name));
    block.show(&mut |field, value| line(hasher, field, value));
}

fn line(hasher: &mut Sha256, field: &str, value: Json) {
    let value = sorted(value).to_string();
    for part in [field, " ", &value, "\n"] {
        hasher.update(part);
    }
}

/// Sorts the keys of all mappings, whatever map `serde_json` was built with.
fn sorted(value: Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            let pairs = pairs.into_iter().map(|(key, value)| (key, sorted(value)));
            Json::Object(pairs.collect())
        }
        Json::Array(items) => items.into_iter().map(sorted).collect(),
        scalar @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => scalar,
    }
}
