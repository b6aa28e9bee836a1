//! Suspending and resuming in the text of a manifest.

use proptest::prelude::*;
use purgit::entry::Owner;
use purgit::manifest::resource::Suspension;
use purgit::manifest::suspending::{Change, Edited, SuspendError, change, manifest_of};
use purgit::manifest::{Parsed, digest};
use purgit::yaml::edit::comments;

use super::{ENDPOINT, PROJECT, read, read_with, rendered};

fn now() -> chrono::DateTime<chrono::Utc> {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

fn it() -> Owner {
    Owner::Purge("it".into())
}

fn suspend(reason: Option<&str>, until: Option<&str>) -> Change {
    Change::Suspend(Suspension {
        reason: reason.map(str::to_owned),
        until: until.map(|until| until.parse().unwrap()),
    })
}

fn edited(text: &str, wanted: &Change) -> Result<Edited, SuspendError> {
    let parsed = read_with(text);
    assert!(parsed.project.is_some(), "{}", rendered(&parsed));
    change(&parsed.sources, &it(), wanted, now())
}

/// The text after a change, which must be one.
#[track_caller]
fn changed(text: &str, wanted: &Change) -> String {
    let edited = edited(text, wanted).unwrap();
    assert_eq!(&*edited.path, "purges/it.yaml");
    edited.text.expect("a change")
}

const HEAD: &str = "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: { name: it }\n";

/// Suspends, compares, resumes, and is back where it was.
#[track_caller]
fn there_and_back(spec: &str, suspended: &str) {
    let [before, after] = [spec, suspended].map(|spec| format!("{HEAD}{spec}"));
    let both = suspend(Some("broken \"images\""), Some("2026-12-01T00:00:00Z"));
    assert_eq!(changed(&before, &both), after);
    assert_eq!(changed(&after, &Change::Resume), before);
}

#[test]
fn block_flow_and_json_keep_their_style() {
    there_and_back(
        "spec:\n    # which\n    endpoint: www # CDN\n\n    tags: [] # none\n    files:\n    - https://www.example.com/a\n",
        "spec:\n    # which\n    endpoint: www # CDN\n    suspend: true\n    \
         suspendReason: \"broken \\\"images\\\"\"\n    suspendUntil: \"2026-12-01\"\n\n    tags: [] # none\n    files:\n    - https://www.example.com/a\n",
    );
    there_and_back(
        "spec: { endpoint: www, files: [https://www.example.com/a] }",
        "spec: { endpoint: www, suspend: true, suspendReason: \"broken \\\"images\\\"\", suspendUntil: \"2026-12-01\", files: [https://www.example.com/a] }",
    );
    there_and_back(
        "spec: {\n  \"files\": [\"https://www.example.com/a\"],\n  \"endpoint\": \"www\"\n}\n",
        "spec: {\n  \"files\": [\"https://www.example.com/a\"],\n  \"endpoint\": \"www\", \"suspend\": true, \"suspendReason\": \"broken \\\"images\\\"\", \"suspendUntil\": \"2026-12-01\"\n}\n",
    );
    // The end of the file has no line break.
    there_and_back(
        "spec:\n  files: [https://www.example.com/a]\n  endpoint: www",
        "spec:\n  files: [https://www.example.com/a]\n  endpoint: www\n  suspend: true\n  suspendReason: \"broken \\\"images\\\"\"\n  suspendUntil: \"2026-12-01\"",
    );
}

#[test]
fn line_endings_and_other_documents_stay() {
    let others = "---\napiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: { name: other }\nspec:\n  endpoint: www\n  everything: false # it\n  suspend: true # not mine\n";
    let text = format!("# first\n{others}---\n{HEAD}spec:\n  endpoint: www\n  files: []\n{others}")
        .replacen("name: other", "name: one", 1)
        .replace('\n', "\r\n");
    let after = changed(&text, &suspend(None, None));
    let added = "  endpoint: www\r\n  suspend: true\r\n  files: []\r\n";
    assert_eq!(
        after,
        text.replace("  endpoint: www\r\n  files: []\r\n", added)
    );
    assert_eq!(changed(&after, &Change::Resume), text);
}

#[test]
fn what_is_there_already_is_changed_where_it_stands() {
    let text =
        |suspension: &str| format!("{HEAD}spec:\n{suspension}  endpoint: www\n  files: []\n");
    let before = text("  suspend: false # for now\n");
    let after = changed(&before, &suspend(Some("x"), None));
    assert_eq!(
        after,
        text("  suspend: true # for now\n  suspendReason: \"x\"\n")
    );
    // The rest of a suspension that holds stays, and so does the way it is written.
    let later = changed(&after, &suspend(None, Some("2026-12-01T08:00:00Z")));
    let more = "  suspend: true # for now\n  suspendReason: \"x\"\n  suspendUntil: \"2026-12-01T08:00:00Z\"\n";
    assert_eq!(later, text(more));
    let written =
        text("  suspendReason: 'x' # y\n  suspendUntil: 2026-12-01 # z\n  suspend: true\n");
    let same = suspend(Some("x"), Some("2026-12-01T00:00:00Z"));
    assert_eq!(edited(&written, &same).unwrap().text, None);
    assert_eq!(edited(&written, &suspend(None, None)).unwrap().text, None);
    // That of one that is over does not come back.
    let over = text("  suspend: true\n  suspendReason: old\n  suspendUntil: 2026-11-20\n");
    assert_eq!(
        changed(&over, &suspend(None, None)),
        text("  suspend: true\n")
    );
    assert_eq!(changed(&over, &Change::Resume), text(""));
    assert_eq!(
        edited(&before, &Change::Resume).unwrap().text,
        Some(text("  # for now\n"))
    );
    assert_eq!(edited(&text(""), &Change::Resume).unwrap().text, None);
}

#[test]
fn comments_at_fields_that_go_stay() {
    let text = format!(
        "{HEAD}spec:\n  endpoint: www\n  # A\n  suspend: true # B\n  # C\n  suspendReason: # D\n    \
         # E\n    |- # F\n    two\n    # no comment\n  # G\n  suspendUntil: \"2026-\\\n    12-01\" # H\n  files: [] # I\n"
    );
    let after = changed(&text, &Change::Resume);
    assert_eq!(
        after,
        format!(
            "{HEAD}spec:\n  endpoint: www\n  # A\n  # B\n  # C\n  # D\n  # E\n  # F\n  # G\n  # H\n  files: [] # I\n"
        )
    );
    let flow = format!(
        "{HEAD}spec: {{ # A\n  suspend: true # B\n  , # C\n  endpoint: www, # D\n  files: [] # E\n  , suspendReason: # F\n  x # G\n}}\n"
    );
    let after = changed(&flow, &Change::Resume);
    for letter in "ABCDEFG".chars() {
        assert!(after.contains(&format!("# {letter}\n")), "{after}");
    }
}

#[test]
fn reasons_of_any_text_are_read_back() {
    for reason in [
        "größer: # ${{ }} 'x' \"y\" \\",
        "two\nlines\n",
        "\u{202e}\u{feff}\u{2028}\u{e0041} 🎄",
        "- true",
        " ",
    ] {
        for text in [
            format!("{HEAD}spec:\n  endpoint: www\n  files: []\n"),
            format!("{HEAD}spec: {{endpoint: www, suspendReason: 'old\n  er' , suspend: false}}\n"),
        ] {
            let text = changed(&text, &suspend(Some(reason), None));
            let project = read_with(&text).project.unwrap();
            let suspension = project.purges[0].suspension.clone().unwrap();
            assert_eq!(suspension.reason.as_deref(), Some(reason), "{text}");
            assert!(!text.contains(['\u{feff}', '\u{202e}', '\u{e0041}']));
        }
    }
}

#[test]
fn a_reason_that_no_manifest_may_have_is_refused() {
    let text = format!("{HEAD}spec: {{ endpoint: www }}\n");
    for (reason, what) in [
        ("\u{1b}[2J", "control character"),
        (&*"x".repeat(10_000), "limit"),
    ] {
        let error = edited(&text, &suspend(Some(reason), None)).unwrap_err();
        assert!(
            matches!(&error, SuspendError::Invalid(message) if message.contains(what)),
            "{error}"
        );
    }
}

#[test]
fn what_cannot_be_changed_alone_is_left() {
    // Others repeat what would go; the manifest is another's, too.
    for spec in [
        "spec:\n  endpoint: www\n  suspend: &yes true\n  everything: *yes\n",
        "spec:\n  ? endpoint\n  : www\n  ? suspend\n  : true\n",
    ] {
        let text = format!("{HEAD}{spec}").replace("everything: *yes", "revision: *yes");
        assert!(
            matches!(
                edited(&text, &Change::Resume),
                Err(SuspendError::Entangled { .. })
            ),
            "{text}"
        );
    }
}

#[test]
fn an_address_names_a_manifest() {
    let site = "apiVersion: purgit/v1alpha1\nkind: Site\nmetadata: { name: docs }\nspec: { endpoint: www, baseUrl: https://www.example.com/, content: { root: public } }\n";
    let it = format!("{HEAD}spec: {{ endpoint: www }}\n");
    let parsed = read(&[
        ("purgit.yaml", PROJECT),
        ("endpoint.yaml", ENDPOINT),
        ("it.yaml", &it),
        ("docs.yaml", site),
    ]);
    let project = parsed.project.unwrap();
    let of = |address: &str| {
        manifest_of(address, &project)
            .map(|owner| owner.address())
            .map_err(|error| format!("{error}; {}", error.hint()))
    };
    assert_eq!(of("purge/it"), Ok("purge/it".to_owned()));
    assert_eq!(of("site/docs/"), Ok("site/docs".to_owned()));
    let wrong = [
        "it",
        "site/docs/a/b.html",
        "purge/docs",
        "purge/ot",
        "purge/",
        "\u{1b}",
    ];
    let wrong = wrong.map(|address| of(address).unwrap_err());
    insta::assert_snapshot!(wrong.join("\n"), @r"
    `it` is not the address of a manifest; did you mean `purge/it`?
    `site/docs/a/b.html` is the address of an entry, and a manifest is suspended as a whole; `site/docs` is the manifest, with all its entries
    there is no manifest `purge/docs`; `purgit status` lists the manifests
    there is no manifest `purge/ot`; did you mean `purge/it`?
    `purge/` is not the address of a manifest; did you mean `purge/it`?
    `\u{1b}` is not the address of a manifest; write `purge/NAME` or `site/NAME`, as `purgit status` does
    ");
    let unknown = Owner::Site("gone".into());
    let found = change(&parsed.sources, &unknown, &Change::Resume, now());
    assert!(matches!(found, Err(SuspendError::Unknown { .. })));
}

/// A manifest in one of many styles, with a comment wherever one may stand.
fn manifests() -> impl Strategy<Value = String> {
    let line = (0..6_usize, any::<bool>());
    let lines = proptest::sample::subsequence(
        vec![
            "suspend: false",
            "suspend: true",
            "suspendReason: 'it is'",
            "suspendUntil: 2099-01-01",
            "files:\n- https://www.example.com/%23\n- https://www.example.com/b",
            "directories: []",
            "revision: |\n  # no comment\n  1\n",
            "tags: [ ]",
            "everything: false",
        ],
        0..9,
    )
    .prop_filter("each key once", |lines| {
        !(lines.contains(&"suspend: false") && lines.contains(&"suspend: true"))
    })
    .prop_shuffle();
    (lines, proptest::collection::vec(line, 10), 1..5_usize, any::<[bool; 3]>()).prop_map(
        |(mut lines, places, indentation, [crlf, flow, more])| {
            lines.insert(places[9].0 % (lines.len() + 1), "endpoint: www");
            let mut text = format!("# top\n{HEAD}");
            if flow {
                text.push_str("spec: {\n");
                for (number, line) in lines.iter().enumerate() {
                    let line = match line.split_once('\n') {
                        Some(("files:", _)) => "files: [https://www.example.com/%23]",
                        Some(_) => "revision: 1",
                        None => line,
                    };
                    let comment = if places[number].1 { " # in flow" } else { "" };
                    let comma = if number + 1 < lines.len() || places[number].0 > 2 { "," } else { "" };
                    text.push_str(&format!("{line}{comma}{comment}\n"));
                }
                text.push_str("} # end\n");
            } else {
                text.push_str("spec: # start\n");
                let space = " ".repeat(indentation);
                for (line, (kind, comment)) in lines.iter().zip(&places) {
                    if *comment {
                        text.push_str(&format!("{space}# before {kind}\n\n"));
                    }
                    let behind = if *comment && !line.contains('\n') { " # behind" } else { "" };
                    for piece in line.lines() {
                        text.push_str(&format!("{space}{piece}{behind}\n"));
                    }
                }
            }
            if more {
                text.push_str("--- # next\napiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: { name: other }\nspec:\n  endpoint: www\n  suspend: true # other\n");
            } else {
                text.truncate(text.trim_end().len());
            }
            if crlf { text.replace('\n', "\r\n") } else { text }
        },
    )
}

fn said(text: &str) -> Vec<String> {
    let all = comments(text).into_iter();
    all.map(|at| text[at.range()].trim_end().to_owned())
        .collect()
}

/// What the manifests declare, this one's suspension aside.
fn declared(parsed: Parsed) -> String {
    let mut project = parsed.project.unwrap();
    for purge in &mut project.purges {
        if &*purge.name == "it" {
            purge.suspension = None;
        }
    }
    digest(&project)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn suspending_and_resuming_loses_nothing(text in manifests(), reason in "[^\\pC]{1,9}", until in any::<bool>()) {
        let parsed = read_with(&text);
        prop_assert!(parsed.project.is_some(), "{}\n{}", text, rendered(&parsed));
        let until = until.then_some("2026-12-01T08:00:00Z");
        let suspended = edited(&text, &suspend(Some(&reason), until)).unwrap();
        let suspended = suspended.text.unwrap_or_else(|| text.clone());
        let is = read_with(&suspended).project.unwrap().purges[0].suspension.clone().unwrap();
        prop_assert!(is.holds_at(now()));
        prop_assert_eq!(is.reason, Some(reason));
        let resumed = edited(&suspended, &Change::Resume).unwrap().text.unwrap();
        prop_assert_eq!(said(&suspended), said(&text));
        prop_assert_eq!(said(&resumed), said(&text), "{}\n{}", text, resumed);
        prop_assert_eq!(declared(read_with(&resumed)), declared(read_with(&text)));
        prop_assert!(read_with(&resumed).project.unwrap().purges[0].suspension.is_none());
        let breaks = |text: &str| text.matches('\n').count() - text.matches("\r\n").count();
        prop_assert_eq!(text.contains('\r') && breaks(&resumed) > 0, false);
    }
}
