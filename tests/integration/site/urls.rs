//! From paths to URLs.

use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use purgit::desired::site;
use purgit::manifest::resource::Site;
use purgit::url::CdnUrl;

use super::fixture::Folder;

const BASE: &str = "https://www.example.com/docs/";

fn rules(spec: &str) -> Site {
    let folder = Folder::new(&format!("baseUrl: {BASE}\n{spec}"));
    folder.project().sites.remove(0)
}

/// The URLs of a path, without the base.
fn urls(site: &Site, path: &str) -> Vec<String> {
    let urls = site::urls(site, path).unwrap();
    let tails = urls
        .iter()
        .map(|url| match url.as_str().strip_prefix(BASE) {
            Some(tail) => tail.to_owned(),
            None => url.as_str().to_owned(),
        });
    tails.collect()
}

#[test]
fn odd_names_are_encoded() {
    let site = rules("");
    for (path, url) in [
        ("a.html", "a.html"),
        ("a b.html", "a%20b.html"),
        (" a ", "%20a%20"),
        ("100%.txt", "100%25.txt"),
        ("%41.txt", "%2541.txt"),
        ("%2e%2e/x", "%252e%252e/x"),
        ("a?b#c", "a%3Fb%23c"),
        ("a+b&c=d;e,f", "a+b&c=d;e,f"),
        ("it's(1)!*", "it's(1)!*"),
        ("\"quoted\"", "%22quoted%22"),
        ("<a>|^`{b}", "%3Ca%3E%7C%5E%60%7Bb%7D"),
        ("[1].txt", "%5B1%5D.txt"),
        ("a\\b", "a%5Cb"),
        ("..\\b", "..%5Cb"),
        ("..foo/...", "..foo/..."),
        ("a:b@c", "a:b@c"),
        ("-._~$", "-._~$"),
        ("a\tb\nc\u{1b}d\u{7f}", "a%09b%0Ac%1Bd%7F"),
        // One letter composed, then the same as letter and accent: two files, two URLs.
        ("\u{e9}", "%C3%A9"),
        ("e\u{301}", "e%CC%81"),
        (
            "\u{4e0a}\u{6d77}/\u{1f600}",
            "%E4%B8%8A%E6%B5%B7/%F0%9F%98%80",
        ),
        ("\u{202e}x\u{200b}\u{feff}", "%E2%80%AEx%E2%80%8B%EF%BB%BF"),
        ("A/a", "A/a"),
        ("a/A", "a/A"),
    ] {
        assert_eq!(urls(&site, path), [url], "{path:?}");
    }
}

#[test]
fn too_long_a_url_is_refused() {
    let site = rules("");
    let room = purgit::url::MAX_URL_BYTES - BASE.len();
    assert!(site::urls(&site, &"a".repeat(room)).is_ok());
    assert!(site::urls(&site, &"a".repeat(room + 1)).is_err());
    assert!(site::urls(&site, &"\u{e9}".repeat(room / 6 + 1)).is_err());
}

#[test]
fn an_index_stands_for_its_folder() {
    let plain = rules("");
    let redirect = rules("redirect: true");
    for (path, without, with) in [
        (
            "index.html",
            &["index.html", ""][..],
            &["index.html", "https://www.example.com/docs", ""][..],
        ),
        (
            "a/index.html",
            &["a/index.html", "a/"],
            &["a/index.html", "a", "a/"],
        ),
        (
            "a b/index.html",
            &["a%20b/index.html", "a%20b/"],
            &["a%20b/index.html", "a%20b", "a%20b/"],
        ),
        ("myindex.html", &["myindex.html"], &["myindex.html"]),
        ("a/myindex.html", &["a/myindex.html"], &["a/myindex.html"]),
        (
            "a/index.html.bak",
            &["a/index.html.bak"],
            &["a/index.html.bak"],
        ),
        ("a/INDEX.html", &["a/INDEX.html"], &["a/INDEX.html"]),
        ("index.html/x", &["index.html/x"], &["index.html/x"]),
        ("a/index.htm", &["a/index.htm"], &["a/index.htm"]),
    ] {
        assert_eq!(urls(&plain, path), without, "{path}");
        assert_eq!(urls(&redirect, path), with, "{path}");
    }
    let other = rules("index: default.htm");
    assert_eq!(urls(&other, "a/default.htm"), ["a/default.htm", "a/"]);
    assert_eq!(urls(&other, "a/index.html"), ["a/index.html"]);
}

#[test]
fn a_root_has_no_url_without_its_slash() {
    let folder = Folder::new("redirect: true");
    folder.publish(&["index.html"]);
    let host = "https://www.example.com/";
    assert_eq!(
        folder.urls(),
        [host.to_owned(), format!("{host}index.html")]
    );
}

#[test]
fn stripped_extensions_are_more_urls() {
    let site = rules("stripExtensions: ['.html', '.en.html']");
    for (path, expected) in [
        ("a.html", &["a.html", "a"][..]),
        ("b/a.en.html", &["b/a.en.html", "b/a"]),
        ("a.htm", &["a.htm"]),
        ("a.HTML", &["a.HTML"]),
        ("a.html.gz", &["a.html.gz"]),
        // A stem of nothing would be the folder.
        ("b/.html", &["b/.html"]),
        // The index has its own aliases.
        ("b/index.html", &["b/index.html", "b/"]),
        ("a b.html", &["a%20b.html", "a%20b"]),
    ] {
        assert_eq!(urls(&site, path), expected, "{path}");
    }
}

#[test]
fn two_files_with_one_url_are_an_error_that_names_both() {
    let folder = Folder::new("stripExtensions: ['.html', '.htm']\nredirect: true");
    folder.publish(&["a.html", "a.htm", "b.html", "b/index.html", "c.html", "c/d"]);
    let error = folder.try_desired().unwrap_err().to_string();
    for expected in [
        "`a.htm` and `a.html` both map to https://www.example.com/a",
        "`b.html` and `b/index.html` both map to https://www.example.com/b",
    ] {
        assert!(error.contains(expected), "{error}");
    }
    assert!(!error.contains("/c"), "{error}");
    let ran = folder.run(&["plan"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(
        ran.stderr.contains("both map to") && ran.stderr.contains("hint:"),
        "{ran:?}"
    );
}

#[test]
fn a_file_that_differs_in_case_only_has_its_own_url() {
    let folder = Folder::new("");
    folder.publish(&["Read.me", "read.me"]);
    assert_eq!(
        folder.urls(),
        [
            "https://www.example.com/Read.me",
            "https://www.example.com/read.me"
        ]
    );
}

#[test]
fn two_sites_may_share_a_url_and_it_is_sent_once() {
    let two = format!(
        "{}---\n{}",
        super::fixture::site(""),
        super::fixture::site("content: { root: other }").replace("docs", "more")
    );
    let folder = Folder::with(&two);
    folder.publish(&["a"]);
    folder.write("other/a", "other");
    let plan = folder.plan(&purgit::state::State::default());
    assert_eq!(plan.changes.len(), 2);
    assert_eq!(
        plan.steps
            .iter()
            .map(|step| step.items.len())
            .sum::<usize>(),
        1
    );
}

proptest! {
    #[test]
    fn any_name_can_be_read_back_from_its_url(path in "[^/\0]{1,12}(/[^/\0]{1,12}){0,3}") {
        prop_assume!(path.split('/').all(|name| name != "." && name != ".."));
        let base = CdnUrl::directory(BASE).unwrap();
        let url = base.below(&path).unwrap();
        let tail = url.as_str().strip_prefix(BASE).unwrap();
        prop_assert!(tail.is_ascii() && !tail.contains(['?', '#', '\\', ' ']));
        let decoded = percent_decode_str(tail).decode_utf8().unwrap();
        prop_assert_eq!(decoded, path);
        // What is written down is read as what it was.
        let read = CdnUrl::recorded(url.as_str()).unwrap();
        prop_assert_eq!(&read, &url);
        prop_assert_eq!(read.host(), "www.example.com");
        prop_assert_eq!(read.path(), url.path());
    }

    #[test]
    fn no_two_names_share_a_url(one in "[^/\0]{1,6}", other in "[^/\0]{1,6}") {
        let base = CdnUrl::directory(BASE).unwrap();
        let same = base.below(&one).unwrap() == base.below(&other).unwrap();
        prop_assert_eq!(same, one == other);
    }
}
