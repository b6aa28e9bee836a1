//! Manifests: from texts and folders to resources, or to every problem at once.

mod bounds;
mod credentials;
mod digest;
mod folder;
mod http_cache;
mod problems;
mod render;
mod resources;
mod schema;
mod site;
mod suspending;
mod targets;
mod text;

use std::path::Path;

use purgit::diagnostic::human;
use purgit::manifest::{ManifestFile, Parsed, parse};

/// A `purgit.yaml` with nothing but the project.
const PROJECT: &str = "\
apiVersion: purgit/v1alpha1
kind: Project
metadata: { name: www }
";

/// An endpoint `www`.
const ENDPOINT: &str = "\
apiVersion: purgit/v1alpha1
kind: Endpoint
metadata: { name: www }
spec:
  hosts: [www.example.com, \"*.img.example.com\"]
  azureChinaCdn:
    subscriptionId: 00000000-0000-0000-0000-000000000001
    endpointId: 00000000-0000-0000-0000-000000000002
    credentials:
      keyId: { env: AZURE_CDN_KEY_ID }
      keyValue: { env: AZURE_CDN_KEY_VALUE }
";

/// Reads texts by path.
fn read(files: &[(&str, &str)]) -> Parsed {
    parse(
        files
            .iter()
            .map(|(path, text)| ManifestFile::new(*path, *text))
            .collect(),
    )
}

/// Reads a project and an endpoint that are in order, and one more file.
fn read_with(text: &str) -> Parsed {
    read(&[
        ("purgit.yaml", PROJECT),
        ("purges/endpoint.yaml", ENDPOINT),
        ("purges/it.yaml", text),
    ])
}

/// The problems as a person sees them.
fn rendered(parsed: &Parsed) -> String {
    human(&parsed.problems, &parsed.sources, Path::new(""), false)
}

/// The problems of one more file, as a person sees them.
fn report(text: &str) -> String {
    rendered(&read_with(text))
}

/// A `Purge` named `it` with these lines in its `spec`.
fn purge(spec: &str) -> String {
    let mut text = "\
apiVersion: purgit/v1alpha1
kind: Purge
metadata: { name: it }
spec:
"
    .to_owned();
    for line in spec.lines() {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The messages of the problems of one more file.
fn messages(text: &str) -> Vec<String> {
    let problems = read_with(text).problems;
    problems.into_iter().map(|found| found.message).collect()
}
