//! The JSON schema (draft-07) of all manifests, for editors: `schemas/purgit.v1alpha1.json`.

use serde_json::{Map, Value as Json, json};

use super::document::{KINDS, ManifestKind, Metadata};
use super::resource::API_VERSION;
use crate::field::Block as _;

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
    definitions.insert("metadata".into(), Metadata::schema());
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
    let spec = (kind.schema)();
    json!({
        "title": kind.name,
        "description": spec["description"],
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": {
            "apiVersion": api_version(),
            "kind": { "description": spec["description"], "const": kind.name },
            "metadata": { "$ref": "#/definitions/metadata" },
            "spec": spec
        }
    })
}

fn api_version() -> Json {
    json!({ "description": "Version of the manifest format.", "const": API_VERSION })
}
