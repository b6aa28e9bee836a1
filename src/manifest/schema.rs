//! The JSON schema (draft-07) of all manifests, for editors: `schemas/purgit.v1alpha1.json`.
//!
//! Each kind and each provider describes its own block next to the code that reads it; a test
//! compares the fields of both.

use serde_json::{Map, Value as Json, json};

use super::kinds::{KINDS, Kind, NAME_PATTERN};
use super::{MAX_NAME_BYTES, resource::API_VERSION};

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
    let mut definitions = Map::new();
    definitions.insert("metadata".into(), metadata());
    for kind in KINDS {
        definitions.insert(kind.name.into(), definition(kind));
    }
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

fn definition(kind: &Kind) -> Json {
    let mut required = vec!["apiVersion", "kind", "metadata"];
    if !kind.spec_optional {
        required.push("spec");
    }
    json!({
        "title": kind.name,
        "description": kind.description,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": {
            "apiVersion": api_version(),
            "kind": { "description": kind.description, "const": kind.name },
            "metadata": { "$ref": "#/definitions/metadata" },
            "spec": (kind.schema)()
        }
    })
}

fn api_version() -> Json {
    json!({ "description": "Version of the manifest format.", "const": API_VERSION })
}

fn metadata() -> Json {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": {
                "description": "Unique among the manifests of its kind: lower-case letters, digits, `-` and `.`.",
                "type": ["string", "number"],
                "pattern": NAME_PATTERN,
                "maxLength": MAX_NAME_BYTES
            }
        }
    })
}
