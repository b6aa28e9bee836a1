//! Reading references to credentials from manifests. Shared by all providers.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::CredentialRef;
use crate::yaml::problem::Problem;
use crate::yaml::value::Value;

/// Reads `{ env: NAME }`, `{ file: PATH }` or `{ command: [PROGRAM, ARGUMENT…] }`. `example` is
/// the variable's name in hints.
pub fn credential(value: Value<'_>, example: &str) -> Option<CredentialRef> {
    let hint =
        format!("write `{{ env: {example} }}`, `{{ file: PATH }}` or `{{ command: [PROGRAM] }}`");
    if value.is_scalar() {
        value.mask();
        let message = "a credential is never a literal: manifests hold references only";
        value.push(
            value
                .problem(message)
                .hint(format!("{hint}; if it was a real one, replace it")),
        );
        return None;
    }
    value.mapping(|fields| {
        let before = fields.errors();
        let env = fields.optional("env");
        let file = fields.optional("file");
        let command = fields.optional("command");
        let given = [env, file, command].into_iter().flatten().count();
        if given != 1 {
            let forms = "exactly one of `env`, `file` and `command`";
            let message = format!("expected {forms}, found {given} of them");
            fields.push(Problem::error(fields.span(), message).hint(hint));
            return None;
        }
        let reference = None
            .or_else(|| variable(env?, example))
            .or_else(|| {
                file?
                    .text()
                    .map(|path| CredentialRef::File(PathBuf::from(path)))
            })
            .or_else(|| words(command?));
        reference.filter(|_| fields.errors() == before)
    })?
}

fn variable(value: Value<'_>, example: &str) -> Option<CredentialRef> {
    let name = value.text()?;
    let mut bytes = name.bytes();
    let starts = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    if starts && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Some(CredentialRef::Env(name.to_owned()));
    }
    // It may be the credential itself.
    value.mask();
    let message = "`env` is not the name of an environment variable";
    let hint = format!("letters, digits and `_`, as in `{example}`");
    value.push(value.problem(message).hint(hint));
    None
}

fn words(value: Value<'_>) -> Option<CredentialRef> {
    let words: Vec<_> = value
        .items()?
        .map(|word| word.text().map(str::to_owned))
        .collect::<Option<_>>()?;
    if words.is_empty() {
        value.push(value.problem("`command` names no program"));
        return None;
    }
    Some(CredentialRef::Command(words))
}

/// JSON schema of a reference.
pub fn credential_schema(description: &str) -> Json {
    json!({
        "description": format!("{description} A reference, never the credential itself."),
        "type": "object",
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {
            "env": {
                "description": "Name of an environment variable.",
                "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"
            },
            "file": {
                "description": "Path of a file, relative to the project's root. Its last line end is not part of the credential.",
                "type": "string",
                "minLength": 1
            },
            "command": {
                "description": "A program and its arguments. What it prints, without the last line end, is the credential.",
                "type": "array",
                "minItems": 1,
                "items": { "type": "string", "minLength": 1 }
            }
        }
    })
}
