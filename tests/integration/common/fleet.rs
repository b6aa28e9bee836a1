//! An endpoint of caches, as a manifest declares it.

use purgit::manifest::resource::Endpoint;
use purgit::manifest::{self, ManifestFile};

/// The endpoint `www` with this `httpCache`, in flow style.
pub(crate) fn http_cache(block: &str) -> Endpoint {
    http_cache_of("[www.example.com, img.example.com]", block)
}

pub(crate) fn http_cache_of(hosts: &str, block: &str) -> Endpoint {
    let text = format!(
        "apiVersion: purgit/v1alpha1\nkind: Project\nmetadata: {{ name: it }}\n---\n\
         apiVersion: purgit/v1alpha1\nkind: Endpoint\nmetadata: {{ name: www }}\nspec:\n  \
         hosts: {hosts}\n  httpCache: {block}\n"
    );
    let parsed = manifest::parse(vec![ManifestFile::new("purgit.yaml", text)]);
    let problems = &parsed.problems;
    let project = parsed.project.unwrap_or_else(|| panic!("{problems:?}"));
    project.endpoints["www"].clone()
}
