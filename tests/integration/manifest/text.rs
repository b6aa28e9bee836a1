//! Texts as editors and machines write them: encodings, line ends, YAML's corners.

use std::fmt::Write as _;

use proptest::prelude::*;
use purgit::diagnostic::Diagnostic;
use purgit::entry::Target;
use purgit::manifest::{ManifestFile, parse};
use purgit::url::CdnUrl;

use super::{ENDPOINT, PROJECT, messages, purge, read_with, rendered};

const GOOD: &str = "endpoint: www\nfiles: [https://www.example.com/a.png]";

/// The problems of a file of these bytes.
fn problems(bytes: impl Into<Vec<u8>>) -> Vec<Diagnostic> {
    let sources = vec![
        ManifestFile::new("purgit.yaml", PROJECT),
        ManifestFile::new("purges/endpoint.yaml", ENDPOINT),
        ManifestFile::new("purges/it.yaml", bytes),
    ];
    parse(sources).problems
}

#[test]
fn a_byte_order_mark_and_carriage_returns_change_nothing() {
    let text = purge(GOOD).replace('\n', "\r\n");
    assert_eq!(problems(format!("\u{feff}{text}")), []);
    let wrong = text.replace("files", "file");
    let found = problems(format!("\u{feff}{wrong}"));
    let place = found[0].place.clone().unwrap();
    assert_eq!((place.line, place.column, place.end_column), (6, 3, 7));
}

#[test]
fn other_encodings_are_named() {
    let mut bytes = purge(GOOD).into_bytes();
    let at = bytes.len() - 3;
    bytes[at] = 0xe9;
    let found = problems(bytes);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].message,
        format!("the file is not valid UTF-8 at byte {at}")
    );
    assert_eq!(found[0].place.as_ref().unwrap().line, 6);

    let utf16: Vec<u8> = "\u{feff}kind"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(
        problems(utf16)[0].message,
        "the file is in UTF-16, expected UTF-8"
    );
}

#[test]
fn a_nul_does_not_end_the_file() {
    let text = purge(GOOD).replace("a.png", "a\0.png");
    let at = text.find('\0').unwrap();
    assert_eq!(
        messages(&text),
        [format!("the file has a NUL character at byte {at}")]
    );
}

#[test]
fn tabs_are_named() {
    assert_eq!(
        messages("kind: Purge\nspec:\n\tendpoint: www\n"),
        ["tabs cannot be used here"]
    );
}

#[test]
fn empty_documents_are_nothing() {
    assert_eq!(messages(""), [""; 0]);
    assert_eq!(
        messages("# only a comment\n---\n---\n# and another\n...\n"),
        [""; 0]
    );
}

#[test]
fn a_document_is_a_mapping() {
    assert_eq!(
        messages("- a\n"),
        ["`document`: expected a mapping, found a list"]
    );
    assert_eq!(
        messages("a\n"),
        ["`document`: expected a mapping, found text"]
    );
}

#[test]
fn a_document_of_no_kind_is_not_passed_over() {
    let missing = |name: &str| format!("missing field `{name}`");
    let all = ["apiVersion", "kind", "metadata"].map(missing);
    assert_eq!(messages("foo: bar\n"), all);
    assert_eq!(messages("{}\n"), all);
    assert_eq!(
        messages(&purge(GOOD).replace("kind: Purge\n", "")),
        [missing("kind")]
    );
    assert_eq!(
        messages(&purge(GOOD).replace("metadata: { name: it }\n", "")),
        [missing("metadata")]
    );
}

#[test]
fn anchors_and_aliases_share_values() {
    let text = purge(
        "endpoint: &name www
revision: *name
files: &urls [https://www.example.com/a/]
directories: *urls",
    );
    let parsed = read_with(&text);
    assert_eq!(parsed.problems, []);
    let purges = parsed.project.unwrap().purges;
    assert_eq!(purges[0].revision.as_deref(), Some("www"));
    let url = CdnUrl::directory("https://www.example.com/a/").unwrap();
    let both = [Target::File(url.clone()), Target::Directory(url)];
    assert_eq!(purges[0].targets, both);
}

#[test]
fn an_unknown_alias_and_an_unquoted_wildcard_are_named() {
    let text = purge("endpoint: *www");
    assert_eq!(
        messages(&text),
        ["the alias has no anchor before it in this document"]
    );
}

#[test]
fn merge_keys_and_tags_are_refused() {
    let text = purge(&format!("{GOOD}\n<<: {{ suspend: true }}"));
    assert_eq!(messages(&text), ["merge keys (`<<`) are not supported"]);
    let text =
        purge("endpoint: !include www\nfiles: []\ndirectories: [https://www.example.com/a/]");
    assert_eq!(messages(&text), ["the tag `!include` is not supported"]);
    let text = purge(&format!("{GOOD}\nrevision: !!str 1\nsuspend: !!bool false"));
    assert_eq!(messages(&text), [""; 0]);
}

#[test]
fn keys_are_text() {
    let text = purge(&format!("{GOOD}\n[a]: b\n? {{a: b}}\n: c\n~: d"));
    assert_eq!(
        messages(&text),
        [
            "a key must be text, found a list",
            "a key must be text, found a mapping",
            "a key must be text, found nothing"
        ]
    );
}

#[test]
fn each_repeated_key_is_reported_in_large_mappings_too() {
    let mut text = purge(GOOD);
    for number in 0..30 {
        writeln!(text, "  k{number}: x").unwrap();
    }
    text.push_str("  k7: x\n  k7: x\n");
    let again = "the key `k7` appears here a second time";
    assert_eq!(
        messages(&text)
            .iter()
            .filter(|found| *found == again)
            .count(),
        2
    );
}

#[test]
fn columns_count_characters() {
    let text = purge("endpoint: www\nfiles: ['https://www.example.com/é', nothing]");
    let place = read_with(&text).problems[0].place.clone().unwrap();
    assert_eq!((place.line, place.column, place.end_column), (6, 40, 47));
}

/// Pieces of YAML and of manifests, put together at random.
fn likely() -> impl Strategy<Value = String> {
    let pieces = vec![
        "apiVersion: purgit/v1alpha1\n",
        "kind: Purge\n",
        "kind: Endpoint\n",
        "kind: Project\n",
        "metadata: { name: a }\n",
        "spec:\n",
        "  endpoint: www\n",
        "  files:\n",
        "  - https://a/b\n",
        "  azureChinaCdn:\n",
        "    credentials: { keyId: x }\n",
        "  poll: { interval: 1s }\n",
        "---\n",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ": ",
        "? ",
        "&a ",
        "*a",
        "!!str ",
        "!x ",
        "|\n",
        ">-\n",
        "'",
        "\"",
        "\\",
        "#",
        "\t",
        "\r\n",
        "\n",
        "  ",
        "é",
        "\u{feff}",
        "\u{0}",
        "~",
        "%",
        "<<: ",
        ",",
        "@",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..25).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_panics_and_every_refusal_says_why(text in likely()) {
        let parsed = read_with(&text);
        let refused = parsed.problems.iter().any(Diagnostic::is_error);
        prop_assert_eq!(parsed.project.is_none(), refused);
        prop_assert!(parsed.problems.is_empty() || !rendered(&parsed).is_empty());
        for found in &parsed.problems {
            let line = found.place.as_ref().map_or(0, |place| place.line);
            prop_assert!(line <= text.matches('\n').count() + 1);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let parsed = parse(vec![ManifestFile::new("purgit.yaml", bytes)]);
        let _ = rendered(&parsed);
    }
}
