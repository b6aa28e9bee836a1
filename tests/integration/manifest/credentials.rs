//! A credential that was written down by mistake is refused and never repeated.

use std::path::Path;

use purgit::diagnostic::{github, human};

use super::{ENDPOINT, read_with, report};

/// Stands for a credential that somebody pasted.
const LITERAL: &str = "s3cr3t+V4lue";

/// Everything that can be printed of an endpoint in which `from` was replaced by `to`.
fn printed(from: &str, to: &str) -> String {
    let text = ENDPOINT
        .replace("name: www", "name: other")
        .replace(from, to);
    assert!(text.contains(to), "nothing was replaced");
    let parsed = read_with(&text);
    assert!(parsed.project.is_none(), "not refused: {text}");
    [
        human(&parsed.problems, &parsed.sources, Path::new(""), false),
        human(&parsed.problems, &parsed.sources, Path::new(""), true),
        github(&parsed.problems, "", 0),
        serde_json::to_string(&parsed.problems).unwrap(),
    ]
    .concat()
}

#[test]
fn a_literal_is_refused_with_the_remedy() {
    let text = ENDPOINT
        .replace("name: www", "name: other")
        .replace("{ env: AZURE_CDN_KEY_VALUE }", LITERAL);
    insta::assert_snapshot!(report(&text), @"
    error: a credential is never a literal: manifests hold references only
      --> purges/it.yaml:11:17
       |
    11 |       keyValue: [secret]
       |                 ^^^^^^^^
       |
       = hint: write `{ env: AZURE_CDN_KEY_VALUE }`, `{ file: PATH }` or `{ command: [PROGRAM] }`; if it was a real one, replace it
    ");
}

#[test]
fn a_literal_is_never_repeated_wherever_it_stands() {
    let value = "{ env: AZURE_CDN_KEY_VALUE }";
    for (from, to) in [
        (value, LITERAL.to_owned()),
        (value, format!("'{LITERAL}'")),
        (value, format!("[{LITERAL}]")),
        (value, format!("{{ literal: {LITERAL} }}")),
        (value, format!("{{ env: {LITERAL} }}")),
        (value, format!("{{ env: A, file: b, value: {LITERAL} }}")),
        (value, format!("|\n        {LITERAL}")),
        // A quote or a bracket that is never closed.
        (value, format!("'{LITERAL}")),
        (value, format!("[{LITERAL}")),
        (value, format!("{{ env: {LITERAL}: }}")),
        // Misspelt, or in the wrong place.
        (
            "keyValue: { env: AZURE_CDN_KEY_VALUE }",
            format!("keyvalue: {LITERAL}"),
        ),
        (
            "keyValue: { env: AZURE_CDN_KEY_VALUE }",
            format!("secret: {LITERAL}"),
        ),
        ("hosts:", format!("key: {LITERAL}\n  hosts:")),
        ("credentials:", format!("credentials: {LITERAL}\n    rest:")),
        ("metadata:", format!("keyValue: {LITERAL}\nmetadata:")),
        // In a URL.
        (
            "credentials:",
            format!("apiUrl: https://user:{LITERAL}@example.com\n    credentials:"),
        ),
    ] {
        let printed = printed(from, &to);
        assert!(!printed.contains("s3cr3t"), "for `{to}`:\n{printed}");
    }
}

#[test]
fn a_password_in_a_url_is_never_repeated() {
    for list in ["files", "hosts", "tags"] {
        for front in ["https://", ""] {
            let text = super::purge(&format!(
                "endpoint: www\n{list}: ['{front}user:{LITERAL}@www.example.com/#, a']"
            ));
            let printed = report(&text);
            assert!(!printed.contains("s3cr3t"), "{printed}");
        }
    }
    let url = format!("https://user:{LITERAL}@www.example.com/");
    let printed = printed("www.example.com", &url);
    assert!(!printed.contains("s3cr3t"), "{printed}");
}

#[test]
fn every_form_of_reference_is_read() {
    for reference in [
        "{ env: A_1 }",
        "{ file: /run/secrets/key }",
        "{ command: [pass, show, cdn] }",
    ] {
        let text = ENDPOINT
            .replace("name: www", "name: other")
            .replace("{ env: AZURE_CDN_KEY_ID }", reference);
        let parsed = read_with(&text);
        assert_eq!(parsed.problems, [], "{reference}");
    }
}
