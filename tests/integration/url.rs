//! URL identity: what is one URL, what are two, and what is none.

use std::fmt::Write as _;

use proptest::prelude::*;
use purgit::entry::{Target, TargetKind};
use purgit::url::{CdnUrl, HostPattern, MAX_URL_BYTES, UrlError};

fn file(raw: &str) -> Result<CdnUrl, UrlError> {
    CdnUrl::parse(raw)
}

fn directory(raw: &str) -> Result<CdnUrl, UrlError> {
    CdnUrl::directory(raw)
}

#[test]
fn spellings_of_one_url_become_one() {
    for (raw, canonical) in [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://EXAMPLE.com/A", "https://example.com/A"),
        ("https://example.com:443/", "https://example.com/"),
        ("https://example.com:/", "https://example.com/"),
        ("https://example.com:00443/", "https://example.com/"),
        ("http://example.com:80/", "http://example.com/"),
        ("https://example.com:80/", "https://example.com:80/"),
        // Escapes: only where needed, in upper case.
        ("https://example.com/%7ea%2d%41", "https://example.com/~a-A"),
        ("https://example.com/%c3%a9", "https://example.com/%C3%A9"),
        ("https://example.com/é", "https://example.com/%C3%A9"),
        ("https://example.com/a b", "https://example.com/a%20b"),
        ("https://example.com/a%20b", "https://example.com/a%20b"),
        ("https://example.com/a+b", "https://example.com/a+b"),
        ("https://example.com/%2B", "https://example.com/%2B"),
        ("https://example.com/[1]", "https://example.com/%5B1%5D"),
        ("https://example.com/a%2fb", "https://example.com/a%2Fb"),
        // Not UTF-8, as older servers in China have it.
        ("https://example.com/%d6%d0", "https://example.com/%D6%D0"),
        ("https://example.com?q", "https://example.com/?q"),
        (
            "https://example.com/a?B=%7e&c=d e",
            "https://example.com/a?B=~&c=d%20e",
        ),
        (
            "https://example.com/a?b?c/../d",
            "https://example.com/a?b?c/../d",
        ),
        ("https://example.com//a//b", "https://example.com//a//b"),
        (
            "https://example.com/a/.b/c..d/...",
            "https://example.com/a/.b/c..d/...",
        ),
        (
            "https://example.com/@scope:1",
            "https://example.com/@scope:1",
        ),
        // Hosts.
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
        (
            "https://XN--BCHER-KVA.example/",
            "https://xn--bcher-kva.example/",
        ),
        ("https://中国.cn/", "https://xn--fiqs8s.cn/"),
        ("https://ｅｘａｍｐｌｅ.com/", "https://example.com/"),
        ("https://a_b.example.com/", "https://a_b.example.com/"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://[::0001]:8080/", "http://[::1]:8080/"),
    ] {
        match file(raw) {
            Ok(url) => assert_eq!(url.as_str(), canonical, "{raw}"),
            Err(error) => panic!("{raw}: {error}"),
        }
    }
}

#[test]
fn different_cache_entries_stay_different() {
    let urls = [
        "https://example.com/dir",
        "https://example.com/dir/",
        "https://example.com/dir/index.html",
        "https://example.com/Dir",
        "https://example.com/dir?",
        "https://example.com/dir?a",
        "https://example.com/dir?A",
        "https://example.com/%64ir%2F",
        "https://example.com//dir",
        "http://example.com/dir",
        "https://example.com:8443/dir",
        "https://www.example.com/dir",
    ];
    for (index, one) in urls.iter().enumerate() {
        for other in &urls[index + 1..] {
            assert_ne!(file(one), file(other), "{one} {other}");
        }
    }
}

#[test]
fn what_is_no_url_is_refused_with_its_reason() {
    let bad_host = |host: &str| UrlError::BadHost(host.to_owned());
    let bad_port = |port: &str| UrlError::BadPort(port.to_owned());
    for (raw, error) in [
        ("", UrlError::NotAbsolute),
        ("example.com/a", UrlError::NotAbsolute),
        ("//example.com/a", UrlError::NotAbsolute),
        ("/a", UrlError::NotAbsolute),
        ("ftp://example.com/", UrlError::NotAbsolute),
        ("https:/example.com/", UrlError::NotAbsolute),
        ("https://", bad_host("")),
        ("https:///a", bad_host("")),
        ("https://?a", bad_host("")),
        ("https://:80/", bad_host("")),
        ("https://example.com./", bad_host("example.com.")),
        ("https://.example.com/", bad_host(".example.com")),
        ("https://a..b/", bad_host("a..b")),
        ("https://*.example.com/", bad_host("*.example.com")),
        ("https://a!b.example.com/", bad_host("a!b.example.com")),
        ("https://exa mple.com/", bad_host("exa mple.com")),
        ("https://exa%6dple.com/", bad_host("exa%6dple.com")),
        ("https://[::1/", bad_host("[::1")),
        ("https://[::g]/", bad_host("[::g]")),
        ("https://256.1.1.1/", bad_host("256.1.1.1")),
        ("https://example.com:0/", bad_port("0")),
        ("https://example.com:65536/", bad_port("65536")),
        ("https://example.com:+1/", bad_port("+1")),
        ("https://example.com:80:80/", bad_port("80:80")),
        ("https://user@example.com/", UrlError::UserInfo),
        ("https://user:password@example.com/", UrlError::UserInfo),
        ("https://example.com/#", UrlError::Fragment),
        ("https://example.com/?a#b", UrlError::Fragment),
        ("https://example.com/a\nb", UrlError::Control(21)),
        ("https://example.com/\u{7f}", UrlError::Control(20)),
        ("https://example.com/\u{85}a", UrlError::Control(20)),
        ("https://example.com/%00", UrlError::Control(20)),
        ("https://example.com/?%0a", UrlError::Control(21)),
        ("https://example.com/%7F", UrlError::Control(20)),
        (
            "https://example.com/a\u{202e}b",
            UrlError::Invisible('\u{202e}'),
        ),
        (
            "https://exa\u{200b}mple.com/",
            UrlError::Invisible('\u{200b}'),
        ),
        ("https://exam\u{ad}ple.com/", UrlError::Invisible('\u{ad}')),
        (" https://example.com/", UrlError::OuterSpace),
        ("https://example.com/ ", UrlError::OuterSpace),
        ("https://example.com/\n", UrlError::OuterSpace),
        ("https://example.com/\u{3000}", UrlError::OuterSpace),
        ("https://example.com/a\\b", UrlError::Backslash(21)),
        ("https:\\\\example.com", UrlError::NotAbsolute),
        ("https://example.com\\a", UrlError::Backslash(19)),
        ("https://example.com/.", UrlError::DotSegment(".")),
        ("https://example.com/./a", UrlError::DotSegment(".")),
        ("https://example.com/a/..", UrlError::DotSegment("..")),
        ("https://example.com/%2e%2E/a", UrlError::DotSegment("..")),
        ("https://example.com/a%2f..%2fb", UrlError::DotSegment("..")),
        ("https://example.com/a%5c..", UrlError::DotSegment("..")),
        ("https://example.com/%", UrlError::BadEscape(20)),
        ("https://example.com/%4", UrlError::BadEscape(20)),
        ("https://example.com/%4g", UrlError::BadEscape(20)),
        ("https://example.com/?%zz", UrlError::BadEscape(21)),
        ("https://example.com/é%+1", UrlError::BadEscape(22)),
    ] {
        assert_eq!(file(raw), Err(error), "{raw:?}");
    }
}

#[test]
fn directories_end_in_a_slash_and_have_no_query() {
    assert!(directory("https://example.com").is_ok());
    assert!(directory("https://example.com/a/").is_ok());
    assert_eq!(
        directory("https://example.com/a"),
        Err(UrlError::NoTrailingSlash)
    );
    assert_eq!(
        directory("https://example.com/a%2F"),
        Err(UrlError::NoTrailingSlash)
    );
    assert_eq!(
        directory("https://example.com/a/?b/"),
        Err(UrlError::DirectoryQuery)
    );
}

#[test]
fn the_length_is_that_of_the_canonical_text() {
    let front = "https://example.com/";
    let plain = |length: usize| format!("{front}{}", "a".repeat(length - front.len()));
    assert!(file(&plain(MAX_URL_BYTES)).is_ok());
    let over = MAX_URL_BYTES + 1;
    assert_eq!(file(&plain(over)), Err(UrlError::TooLong(over)));
    let escaped = |length: usize| format!("{front}{}", "%61".repeat(length - front.len()));
    assert_eq!(file(&escaped(MAX_URL_BYTES)), file(&plain(MAX_URL_BYTES)));
    assert!(file(&escaped(over)).is_err());
    let grows = format!("{front}{}", "é".repeat(MAX_URL_BYTES / 6));
    assert!(matches!(file(&grows), Err(UrlError::TooLong(length)) if length > MAX_URL_BYTES));
}

#[test]
fn parts() {
    let url = file("https://Example.com:8443/a/b?c=/d").unwrap();
    assert_eq!(url.host(), "example.com");
    assert_eq!(url.path(), "/a/b");
    assert_eq!(url.path_and_query(), "/a/b?c=/d");
    assert_eq!(file("http://[::1]:80/x").unwrap().host(), "[::1]");
}

#[test]
fn hints_name_what_to_write() {
    for (raw, kind, hint) in [
        (
            "www.example.com/a",
            TargetKind::File,
            "did you mean `https://www.example.com/a`?",
        ),
        (
            "https://e.com/a",
            TargetKind::Directory,
            "write `https://e.com/a/`, or list it under `files`",
        ),
        (
            "https://e.com/a/?b",
            TargetKind::Directory,
            "write `https://e.com/a/`, or list it under `files`",
        ),
        (
            "https://e.com\\a",
            TargetKind::File,
            "write `https://e.com/a`",
        ),
        (
            " https://e.com/a",
            TargetKind::File,
            "write `https://e.com/a`",
        ),
        (
            "https://e.com./a",
            TargetKind::File,
            "write the host without the dot at its end",
        ),
    ] {
        let error = Target::parse(kind, raw).unwrap_err();
        assert_eq!(error.hint(raw).as_deref(), Some(hint), "{raw}");
    }
    let password = "https://user:password@e.com/#a";
    let error = file(password).unwrap_err();
    assert_eq!(error.hint(password), None);
    assert!(!error.to_string().contains("password"));
}

#[test]
fn host_patterns_match_one_label() {
    for (pattern, host, matches) in [
        ("www.example.com", "www.example.com", true),
        ("WWW.Example.com", "www.example.com", true),
        ("bücher.example", "xn--bcher-kva.example", true),
        ("example.com", "www.example.com", false),
        ("*.example.com", "www.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "a.www.example.com", false),
        ("*.example.com", "wwwexample.com", false),
        ("*.example.com", ".example.com", false),
        ("*.bücher.example", "a.xn--bcher-kva.example", true),
        ("127.0.0.1", "127.0.0.1", true),
        ("[::1]", "[::1]", true),
    ] {
        let read = HostPattern::parse(pattern).unwrap();
        assert_eq!(read.matches(host), matches, "{pattern} {host}");
        assert_eq!(HostPattern::parse(&read.to_string()), Ok(read));
    }
    for pattern in [
        "",
        "*",
        "*.",
        "**.example.com",
        "a.*.com",
        "*a.example.com",
        "www.*",
        "*.*.example.com",
        "*.127.0.0.1",
        "*.[::1]",
        "example.com:80",
        "example.com/",
        "https://example.com",
        "example.com.",
        "a b.com",
        "user@example.com",
    ] {
        assert!(HostPattern::parse(pattern).is_err(), "{pattern}");
    }
}

/// Texts that get far: pieces of URLs, put together at random.
fn likely() -> impl Strategy<Value = String> {
    let front = prop::sample::select(vec!["https://", "http://", "HTTP://", "", "https:/"]);
    let host = prop::sample::select(vec![
        "example.com",
        "Example.COM",
        "bücher.example",
        "[::1]",
        "127.0.0.1",
        "a.b",
        "",
        "*.b",
        "a..b",
    ]);
    let port = prop::sample::select(vec!["", ":80", ":443", ":8080", ":0", ":x"]);
    let pieces = vec![
        "/", "a", "B", "%41", "%7e", "%2f", "%2F", "%00", "%", "é", " ", "?", "&", "=", "#", "..",
        ".", "\\", "%C3%A9", "\u{202e}", "\t", "'", "|", "[", "+", "%25", "~", "@", ":",
    ];
    let tail = prop::collection::vec(prop::sample::select(pieces), 0..12);
    (front, host, port, tail)
        .prop_map(|(front, host, port, tail)| format!("{front}{host}{port}{}", tail.concat()))
}

/// The same URL, with every byte of path and query that may be escaped, escaped.
fn escaped(url: &CdnUrl) -> String {
    let tail = url.path_and_query();
    let front = &url.as_str()[..url.as_str().len() - tail.len()];
    let mut out = front.to_owned();
    for c in tail.chars() {
        if c.is_ascii_alphanumeric() || "-._~".contains(c) {
            // A letter behind a `%` belongs to an escape that is there already.
            write!(out, "%{:02x}", u32::from(c)).unwrap();
        } else {
            out.push(c);
        }
    }
    out
}

proptest! {
    #[test]
    fn no_text_panics(raw in any::<String>()) {
        let _ = (file(&raw), directory(&raw), HostPattern::parse(&raw));
        let _ = file(&format!("https://example.com/{raw}"));
        let _ = file(&format!("https://{raw}"));
    }

    #[test]
    fn canonical_is_canonical(raw in likely()) {
        for parse in [CdnUrl::parse, CdnUrl::directory] {
            if let Ok(url) = parse(&raw) {
                let again = parse(url.as_str());
                prop_assert_eq!(again.as_ref().map(CdnUrl::as_str), Ok(url.as_str()));
                prop_assert_eq!(again.as_ref(), Ok(&url));
                prop_assert_eq!(again.as_ref().map(CdnUrl::host), Ok(url.host()));
                prop_assert!(url.as_str().is_ascii());
            }
        }
    }

    #[test]
    fn equal_means_equal_text(one in likely(), other in likely()) {
        if let (Ok(one), Ok(other)) = (file(&one), file(&other)) {
            prop_assert_eq!(one == other, one.as_str() == other.as_str());
        }
    }

    #[test]
    fn escaping_more_changes_nothing(raw in likely()) {
        if let Ok(url) = file(&raw)
            && !url.as_str().contains('%')
        {
            prop_assert_eq!(file(&escaped(&url)), Ok(url));
        }
    }

    #[test]
    fn a_wildcard_matches_exactly_one_label(labels in prop::collection::vec("[a-z]{1,5}", 1..4)) {
        let pattern = HostPattern::parse("*.example.com").unwrap();
        let host = format!("{}.example.com", labels.join("."));
        prop_assert_eq!(pattern.matches(&host), labels.len() == 1);
    }

    #[test]
    fn a_file_is_a_directory_or_says_why_not(raw in likely()) {
        match (file(&raw), directory(&raw)) {
            (Ok(file), Ok(directory)) => prop_assert_eq!(file, directory),
            (Ok(_), Err(error)) => prop_assert!(
                matches!(error, UrlError::NoTrailingSlash | UrlError::DirectoryQuery)
            ),
            (Err(_), directory) => prop_assert!(directory.is_err()),
        }
    }
}
