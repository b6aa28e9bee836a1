//! What a `Site` may say, and what people see when it says something else.

use insta::assert_snapshot;
use purgit::manifest::resource::{OnDelete, Site};
use purgit::manifest::schema::schema;
use serde_json::Value;

use super::{messages, read_with, report};

/// All that a site must have.
const LEAST: &str = "\
endpoint: www
baseUrl: https://www.example.com/docs/
content: { root: public }";

/// A `Site` named `it` with these lines in its `spec`.
fn site(spec: &str) -> String {
    super::purge(spec).replace("kind: Purge", "kind: Site")
}

fn read(spec: &str) -> Site {
    let parsed = read_with(&site(spec));
    assert_eq!(parsed.problems, []);
    parsed.project.unwrap().sites.remove(0)
}

#[test]
fn defaults_are_filled_in() {
    let site = read(LEAST);
    assert_eq!((&*site.name, &*site.endpoint), ("it", "www"));
    assert_eq!(site.base_url.as_str(), "https://www.example.com/docs/");
    assert_eq!(site.content.root.to_str(), Some("public"));
    assert_eq!(site.index.as_deref(), Some("index.html"));
    assert_eq!((site.redirect, site.on_delete), (false, OnDelete::Purge));
    assert_eq!(site.strip_extensions, [""; 0]);
    assert!(!site.content.rules().gitignore && !site.content.rules().hidden);
    assert_eq!(site.suspension, None);
}

#[test]
fn everything_can_be_set() {
    let site = read(
        "\
endpoint: www
baseUrl: HTTPS://WWW.example.com:443/%7ea/
content: { root: ./a/b, include: ['**/*.html'], exclude: [raw/**], gitignore: true, hidden: true }
index: default.htm
redirect: true
stripExtensions: [.html, .en.html]
onDelete: ignore
suspend: true
suspendReason: sale
suspendUntil: 2026-12-01",
    );
    assert_eq!(site.base_url.as_str(), "https://www.example.com/~a/");
    assert_eq!(site.content.root.to_str(), Some("a/b"));
    assert_eq!(site.content.rules().include, ["**/*.html"]);
    assert_eq!(site.content.rules().exclude, ["raw/**"]);
    assert!(site.content.rules().gitignore && site.content.rules().hidden);
    assert_eq!(site.index.as_deref(), Some("default.htm"));
    assert_eq!(site.strip_extensions, [".html", ".en.html"]);
    assert_eq!((site.redirect, site.on_delete), (true, OnDelete::Ignore));
    assert!(site.suspension.unwrap().until.is_some());
}

#[test]
fn a_base_url_that_is_no_directory() {
    let text = site(&LEAST.replace("docs/", "docs"));
    assert_snapshot!(report(&text), @"
    error: `baseUrl`: a directory must end in `/`
     --> purges/it.yaml:6:12
      |
    6 |   baseUrl: https://www.example.com/docs
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write `https://www.example.com/docs/`
    ");
}

#[test]
fn a_foreign_host() {
    let text = site(&LEAST.replace("www.example.com", "www.example.org"));
    assert_snapshot!(report(&text), @"
    error: `www.example.org` is not a host of endpoint `www`
     --> purges/it.yaml:6:12
      |
    6 |   baseUrl: https://www.example.org/docs/
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: endpoint `www` serves `www.example.com`, `*.img.example.com`; no endpoint serves this host
    ");
}

#[test]
fn a_root_outside_of_the_project() {
    let text = site(&LEAST.replace("public", "../public"));
    assert_snapshot!(report(&text), @"
    error: `root`: the path must not leave the root (`..`)
     --> purges/it.yaml:7:20
      |
    7 |   content: { root: ../public }
      |                    ^^^^^^^^^
    ");
}

#[test]
fn everything_wrong_at_once() {
    let text = site(
        "\
endpoint: wwww
baseUrl: https://www.example.com/docs/?x
content: { root: /srv, include: ['a/[b'], excludes: [] }
index: a/index.html
redirect: 'yes'
stripExtensions: [html]
onDelete: delete",
    );
    assert_snapshot!(report(&text), @"
    error: unknown endpoint `wwww`
     --> purges/it.yaml:5:13
      |
    5 |   endpoint: wwww
      |             ^^^^
      |
      = hint: did you mean `www`?

    error: `baseUrl`: a directory must not have a query string
     --> purges/it.yaml:6:12
      |
    6 |   baseUrl: https://www.example.com/docs/?x
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write `https://www.example.com/docs/`

    error: `root`: the path must be relative to the root
     --> purges/it.yaml:7:20
      |
    7 |   content: { root: /srv, include: ['a/[b'], excludes: [] }
      |                    ^^^^

    error: `a/[b` is not a glob: unclosed character class; missing ']'
     --> purges/it.yaml:7:36
      |
    7 |   content: { root: /srv, include: ['a/[b'], excludes: [] }
      |                                    ^^^^^^

    error: unknown field `excludes`
     --> purges/it.yaml:7:45
      |
    7 |   content: { root: /srv, include: ['a/[b'], excludes: [] }
      |                                             ^^^^^^^^
      |
      = hint: did you mean `exclude`?

    error: `index`: `a/index.html` is not the name of a file
     --> purges/it.yaml:8:10
      |
    8 |   index: a/index.html
      |          ^^^^^^^^^^^^
      |
      = hint: write a name such as `index.html`, without a folder

    error: `redirect`: expected `true` or `false`, found the text `yes`
     --> purges/it.yaml:9:13
      |
    9 |   redirect: 'yes'
      |             ^^^^^

    error: `html` is not an extension
      --> purges/it.yaml:10:21
       |
    10 |   stripExtensions: [html]
       |                     ^^^^
       |
       = hint: write it with its dot, as in `.html`

    error: `onDelete`: expected `purge` or `ignore`, found `delete`
      --> purges/it.yaml:11:13
       |
    11 |   onDelete: delete
       |             ^^^^^^
    ");
}

#[test]
fn what_must_be_there() {
    assert_eq!(
        messages(&site("redirect: true")),
        [
            "missing field `endpoint`",
            "missing field `baseUrl`",
            "missing field `content`"
        ]
    );
    assert_eq!(
        messages(&site(&LEAST.replace("root: public", ""))),
        ["missing field `root`"]
    );
}

/// A document with each field.
fn full() -> String {
    site(&format!(
        "\
{}
index: index.html
redirect: true
stripExtensions: [.html]
onDelete: purge
suspend: true
suspendReason: sale
suspendUntil: 2026-12-01",
        LEAST.replace(
            "root: public",
            "root: public, include: ['**'], exclude: ['*.map'], gitignore: false, hidden: false"
        )
    ))
}

/// Whether the schema accepts a document, and whether the reader does.
fn verdicts(text: &str) -> (bool, bool) {
    let document: Value = serde_saphyr::from_str(text).unwrap();
    let validator = jsonschema::draft7::new(&schema()).unwrap();
    let read = read_with(text).problems;
    (
        validator.is_valid(&document),
        !read.iter().any(purgit::diagnostic::Diagnostic::is_error),
    )
}

#[test]
fn schema_and_reader_agree() {
    let full = full();
    assert_eq!(verdicts(&full), (true, true));
    assert_eq!(verdicts(&site(LEAST)), (true, true));
    for (from, to, good) in [
        ("redirect: true", "redirect: false", true),
        ("onDelete: purge", "onDelete: ignore", true),
        ("[.html]", "[]", true),
        ("[.html]", "[.html, .tar.gz]", true),
        ("root: public", "root: .", true),
        ("['**']", "[]", true),
        ("https://www", "HTTP://www", true),
        ("endpoint: www", "endpoint: [www]", false),
        ("/docs/", "/docs", false),
        ("/docs/", "/docs/?a/", false),
        ("/docs/", "/docs/#a/", false),
        ("https://www.example.com", "www.example.com", false),
        ("root: public, ", "", false),
        ("include", "includes", false),
        ("['**']", "'**'", false),
        ("gitignore: false", "gitignore: 'no'", false),
        ("hidden: false", "hidden: 1", false),
        ("redirect: true", "redirect: 'true'", false),
        ("redirect", "redirects", false),
        ("[.html]", ".html", false),
        ("[.html]", "[html]", false),
        ("[.html]", "[.]", false),
        ("[.html]", "[./html]", false),
        ("onDelete: purge", "onDelete: delete", false),
        ("onDelete: purge", "onDelete: true", false),
        ("suspend: true", "suspend: 'yes'", false),
        ("2026-12-01", "tomorrow", false),
    ] {
        assert!(full.contains(from), "{from}");
        let text = full.replacen(from, to, 1);
        assert_eq!(verdicts(&text), (good, good), "{from} -> {to}\n{text}");
    }
}

#[test]
fn schema_and_reader_have_the_same_fields() {
    let root = schema();
    let spec = &root["definitions"]["Site"]["properties"]["spec"];
    for (place, line, fields) in [
        (spec, "zzz: 1\n  ", "endpoint"),
        (&spec["properties"]["content"], "zzz: 1", "root"),
    ] {
        let text = if fields == "root" {
            full().replace("hidden: false", line)
        } else {
            full().replace("endpoint: www", &format!("{line}endpoint: www"))
        };
        let problems = read_with(&text).problems;
        let hint = problems[0].hint.as_deref().unwrap();
        let read: Vec<_> = hint
            .strip_prefix("known fields: ")
            .expect(hint)
            .split(", ")
            .collect();
        let mut read: Vec<_> = read.iter().map(|name| name.trim_matches('`')).collect();
        read.sort_unstable();
        let mut written: Vec<_> = place["properties"].as_object().unwrap().keys().collect();
        written.sort_unstable();
        assert_eq!(read, written);
    }
}
