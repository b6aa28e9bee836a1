//! Problems for machines, and lines that are too long to be shown whole.

use std::path::Path;

use purgit::diagnostic::{Diagnostic, Place, did_you_mean, github, human, shown};

use super::{purge, read_with, rendered};

#[test]
fn long_lines_are_cut_around_the_place() {
    let good = "https://www.example.com/a.png, ".repeat(300);
    let text = purge(&format!("endpoint: www\nfiles: [{good}nothing, {good}]"));
    let parsed = read_with(&text);
    let column = "  files: [".len() + good.len() + 1;
    assert_eq!(parsed.problems[0].place.as_ref().unwrap().column, column);
    insta::assert_snapshot!(rendered(&parsed), @"
    error: the URL must be absolute and start with `https://` or `http://`
     --> purges/it.yaml:6:9311
      |
     :::
    6 | …tps://www.example.com/a.png, https://www.example.com/a.png, nothing, https://www.example.com/a.png, https://www.example.com/a.png, https://www.example.com/a.png…
      |                                                              ^^^^^^^
      |
      = hint: did you mean `https://nothing`?
    ");
}

#[test]
fn a_place_that_spans_lines_is_shown_by_its_first() {
    let text = purge("endpoint: www\nfiles:\n  - \"nothing\n    at all\"");
    insta::assert_snapshot!(rendered(&read_with(&text)), @r#"
    error: the URL must be absolute and start with `https://` or `http://`
     --> purges/it.yaml:7:7
      |
    7 |     - "nothing
      |       ^^^^^^^^
      |
      = hint: did you mean `https://nothing at all`?
    "#);
}

#[test]
fn github_commands_are_escaped() {
    let place = Place {
        file: "purges/a,b:c.yaml".into(),
        line: 3,
        column: 5,
        end_line: 3,
        end_column: 9,
        span: 0..0,
    };
    let problems = [
        Diagnostic::error("100% wrong:\na, b")
            .at(place)
            .hint("mend it"),
        Diagnostic::warning("odd"),
    ];
    insta::assert_snapshot!(github(&problems, "www/", 0), @r#"
    ::error file=www/purges/a%2Cb%3Ac.yaml,line=3,col=5,endLine=3,endColumn=9,title=purgit::100%25 wrong:\u{a}a, b%0Ahint: mend it
    ::warning title=purgit::odd
    "#);
}

#[test]
fn json_names_the_places() {
    let text = purge("endpoint: www\nfiles: []\nfiles: []");
    let parsed = read_with(&text);
    insta::assert_snapshot!(serde_json::to_string_pretty(&parsed.problems[1]).unwrap(), @r#"
    {
      "severity": "error",
      "message": "the key `files` appears here a second time",
      "file": "purges/it.yaml",
      "line": 7,
      "column": 3,
      "end_line": 7,
      "end_column": 8,
      "hint": "keep one of the two",
      "related": {
        "message": "it stands here first",
        "file": "purges/it.yaml",
        "line": 6,
        "column": 3,
        "end_line": 6,
        "end_column": 8
      }
    }
    "#);
}

#[test]
fn colour_changes_no_text() {
    let text = purge("endpoint: wwv\nfile: []");
    let parsed = read_with(&text);
    let coloured = human(&parsed.problems, &parsed.sources, Path::new(""), true);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut pieces = coloured.split("\u{1b}[");
    plain.push_str(pieces.next().unwrap());
    for piece in pieces {
        plain.push_str(piece.split_once('m').unwrap().1);
    }
    assert_eq!(
        plain,
        human(&parsed.problems, &parsed.sources, Path::new(""), false)
    );
}

#[test]
fn texts_of_users_cannot_steer_the_terminal() {
    assert_eq!(
        shown("a\u{1b}[31mb\u{202e}c\n"),
        "a\\u{1b}[31mb\\u{202e}c\\u{a}"
    );
    assert_eq!(shown(&"x".repeat(200)).chars().count(), 81);
    let text = purge("endpoint: www\n\"a\\e[31mb\": x");
    assert!(!rendered(&read_with(&text)).contains('\u{1b}'));
}

#[test]
fn guesses_help_and_do_not_mislead() {
    let fields = ["endpoint", "revision", "files", "directories"];
    for (word, guess) in [
        ("file", Some("files")),
        ("Files", Some("files")),
        ("endpoit", Some("endpoint")),
        ("directory", Some("directories")),
        ("directores", Some("directories")),
        ("x", None),
        ("urls", None),
        ("something", None),
    ] {
        assert_eq!(did_you_mean(word, fields), guess, "{word}");
    }
    assert_eq!(did_you_mean("wwv", ["www"]), Some("www"));
    assert_eq!(did_you_mean("a", ["b"]), None);
}
