//! What is said of manifests: the JSON schema (draft-07) for editors, `schemas/purgit.v1alpha1.json`,
//! and the reference for people. Both come from the fields of the blocks.

use serde_json::{Map, Value as Json, json};

use super::document::{KINDS, ManifestKind, Metadata};
use super::resource::API_VERSION;
use crate::field::{Need, Row, form_of};

/// The schema of one document of any kind.
pub fn schema() -> Json {
    let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    let branches: Vec<_> = KINDS
        .iter()
        .map(|kind| {
            json!({
                "if": { "required": ["kind"], "properties": { "kind": { "const": kind.name } } },
                "then": { "$ref": format!("#/definitions/{}", kind.name) }
            })
        })
        .collect();
    let definitions = KINDS
        .iter()
        .map(|kind| (kind.name.into(), definition(kind)));
    let mut definitions: Map<_, _> = definitions.collect();
    definitions.insert("metadata".into(), form_of::<Metadata>().schema.into());
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "purgit manifest",
        "description": "One document of a purgit manifest, purgit/v1alpha1.",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": api_version(),
            "kind": { "description": "What the document declares.", "enum": names }
        },
        "allOf": branches,
        "definitions": definitions
    })
}

fn definition(kind: &ManifestKind) -> Json {
    let mut required = vec!["apiVersion", "kind", "metadata"];
    if !kind.spec_optional {
        required.push("spec");
    }
    let form = (kind.form)();
    json!({
        "title": kind.name,
        "description": form.about,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": {
            "apiVersion": api_version(),
            "kind": { "description": form.about, "const": kind.name },
            "metadata": { "$ref": "#/definitions/metadata" },
            "spec": form.schema
        }
    })
}

fn api_version() -> Json {
    json!({ "description": "Version of the manifest format.", "const": API_VERSION })
}

/// Tables of all fields in Markdown, by name: one for each kind of manifest, and one for each block
/// of an `Endpoint` that configures a provider.
pub fn reference() -> Vec<(&'static str, String)> {
    let mut tables = Vec::new();
    for kind in KINDS {
        let rows = (kind.form)().rows;
        let providers = rows.iter().filter(|row| row.need == Need::OneOf);
        let providers =
            providers.map(|row| (row.key, table(&format!("spec.{}", row.key), &row.form.rows)));
        let providers: Vec<_> = providers.collect();
        tables.push((kind.name, table("spec", &rows)));
        tables.extend(providers);
    }
    tables
}

fn table(path: &str, rows: &[Row]) -> String {
    let mut table = "| field | type | default | meaning |\n|---|---|---|---|\n".to_owned();
    rows.iter().for_each(|row| row.document(path, &mut table));
    table
}
