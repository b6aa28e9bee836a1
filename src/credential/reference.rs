//! References to credentials in manifests. All providers share them.

use serde_json::{Value as Json, json};

use super::CredentialRef;
use crate::field::{
    Block as _, Shape, Value, block, field, list_of, mapping, parsed, path, text, wrong,
};

block! {
    /// A reference, of exactly one form.
    struct Reference(ReferenceDraft) {
        /// Name of an environment variable.
        env: Option<String> = field("env", variable()).choice(),
        /// Path of a file, relative to the project's root. Its last line end is not part of the credential.
        file: Option<std::path::PathBuf> = field("file", path(|text| Ok(text.into()))).choice(),
        /// A program and its arguments. What it prints, without the last line end, is the credential.
        command: Option<Vec<String>> = field("command", list_of(text(), 1..=usize::MAX, "name a program")).choice(),
    }
}

/// `{ env: NAME }`, `{ file: PATH }` or `{ command: [PROGRAM, ARGUMENT…] }`. `example` is the
/// variable's name in hints.
pub(crate) fn reference(example: &'static str) -> Shape<CredentialRef> {
    Shape::new(
        Reference::schema,
        move |value| read(value, example),
        shown_reference,
    )
    .with("title", "reference")
}

pub(crate) fn shown_reference(reference: &CredentialRef) -> Json {
    match reference {
        CredentialRef::Env(name) => json!({ "env": name }),
        CredentialRef::File(path) => json!({ "file": path.to_string_lossy() }),
        CredentialRef::Command(words) => json!({ "command": words }),
        CredentialRef::Aws { profile, .. } => json!({ "profile": profile }),
    }
}

fn read(value: Value<'_>, example: &str) -> Option<CredentialRef> {
    let hint =
        format!("write `{{ env: {example} }}`, `{{ file: PATH }}` or `{{ command: [PROGRAM] }}`");
    if value.scalar().is_some() {
        value.mask();
        let message = "a credential is never a literal: manifests hold references only";
        return value.push(
            message,
            Some(format!("{hint}; if it was a real one, replace it")),
        );
    }
    mapping(value, |fields| {
        let forms = ["env", "file", "command"].map(|form| fields.peek(form));
        let draft = Reference::draft(fields);
        if let (Some(env), None) = (forms[0], &draft.env) {
            // The text may be the credential itself.
            env.mask();
        }
        if !fields.exactly_one(&["env", "file", "command"], Some(hint)) {
            return None;
        }
        let Reference { env, file, command } = Reference::whole(draft)?;
        let file = file.map(CredentialRef::File);
        env.map(CredentialRef::Env)
            .or(file)
            .or(command.map(CredentialRef::Command))
    })?
}

fn variable() -> Shape<String> {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    let parse = move |name: &str| {
        if name.starts_with(is_start) && name.chars().all(|c| is_start(c) || c.is_ascii_digit()) {
            return Ok(name.to_owned());
        }
        let hint = "letters, digits and `_`, as in `CDN_KEY`";
        Err(wrong("not the name of an environment variable", hint))
    };
    parsed("name", parse).pattern("^[A-Za-z_][A-Za-z0-9_]*$")
}
