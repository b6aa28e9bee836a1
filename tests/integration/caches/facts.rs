//! What the caches do when they are set up as recommended: the facts that the presets of `httpCache` rest on.

use std::thread;

use super::http::{Answer, exchange};
use super::server::Kind;
use super::{HOST, Node, TOKEN};

/// Where the caches differ.
struct Ways {
    /// The answers to a purge of what is not there.
    absent: &'static [u16],
    /// Whether a secret is asked for, besides the address.
    token: bool,
    /// Whether an answer is the cache's own and not passed on from elsewhere.
    mark: fn(&Answer) -> bool,
}

fn ways(kind: Kind) -> Ways {
    let result = |answer: &Answer| {
        answer
            .header("cache-purge-result")
            .is_some_and(|text| text.starts_with("exact"))
    };
    let (absent, token, mark): (&[_], _, fn(&Answer) -> bool) = match kind {
        Kind::Varnish => (&[200], true, result),
        // 412 since version 2.5 of the module.
        Kind::Nginx => (&[404, 412], true, result),
        Kind::TrafficServer => (&[404], false, |answer| {
            answer.header("age").is_none() && answer.body.is_empty()
        }),
        Kind::Squid => (&[404], true, |answer| {
            answer
                .header("server")
                .is_some_and(|name| name.starts_with("squid/"))
        }),
    };
    Ways {
        absent,
        token,
        mark,
    }
}

/// The caches that are installed.
fn nodes() -> impl Iterator<Item = (Kind, &'static Node)> {
    Kind::ALL
        .into_iter()
        .filter_map(|kind| Some((kind, Node::shared(kind)?)))
}

#[test]
fn miss_hit_old_purge_new() {
    for (kind, node) in nodes() {
        node.outdate("/row");
        let answer = node
            .server
            .ask("PURGE", "/row", &[("Host", HOST), ("X-Purge-Token", TOKEN)]);
        assert_eq!(answer.status, 200, "{kind:?}: {answer}");
        assert!((ways(kind).mark)(&answer), "{kind:?}: {answer}");
        assert!(node.get("/row").ends_with("v2"), "{kind:?}");
        let absent = node.purge("/never");
        assert!(ways(kind).absent.contains(&absent), "{kind:?}: {absent}");
    }
}

#[test]
fn who_may_not_purge_does_not() {
    for (kind, node) in nodes() {
        node.outdate("/denied");
        let address = node.server.address();
        let headers = [("Host", HOST), ("X-Purge-Token", TOKEN)];
        let other = exchange([127, 0, 0, 2], address, "PURGE", "/denied", &headers).unwrap();
        assert_eq!(other.status, 403, "{kind:?}: {other}");
        let guessed = node.server.ask(
            "PURGE",
            "/denied",
            &[("Host", HOST), ("X-Purge-Token", "guessed")],
        );
        assert!(
            node.get("/denied")
                .ends_with(if ways(kind).token { "v1" } else { "v2" }),
            "{kind:?}"
        );
        assert_eq!(
            guessed.status,
            if ways(kind).token { 403 } else { 200 },
            "{kind:?}: {guessed}"
        );
    }
}

#[test]
fn the_host_counts_and_its_case_does_not() {
    for (kind, node) in nodes() {
        node.outdate("/host");
        let purge = |host| {
            node.server
                .ask(
                    "PURGE",
                    "/host",
                    &[("Host", host), ("X-Purge-Token", TOKEN)],
                )
                .status
        };
        let other = purge("other.example.com");
        assert!(ways(kind).absent.contains(&other), "{kind:?}: {other}");
        assert!(node.get("/host").ends_with("v1"), "{kind:?}");
        assert_eq!(purge("WWW.Example.Com"), 200, "{kind:?}");
        assert!(node.get("/host").ends_with("v2"), "{kind:?}");
    }
}

#[test]
fn paths_and_queries_count_byte_for_byte() {
    let spellings = [
        "/b/~a%20b%C3%A9",
        "/b/%7Ea%20b%C3%A9",
        "/b/~a%20b%c3%a9",
        "/b/~a%20b%C3%A9/",
        "/b/~a%20b%C3%A9?x=1",
    ];
    for (kind, node) in nodes() {
        for path in spellings {
            node.outdate(path);
        }
        for (at, path) in spellings.iter().enumerate() {
            assert_eq!(node.purge(path), 200, "{kind:?}: {path}");
            for (other, path) in spellings.iter().enumerate() {
                let version = if other <= at { "v2" } else { "v1" };
                assert!(node.get(path).ends_with(version), "{kind:?}: {path}");
            }
        }
    }
}

#[test]
fn of_variants_all_go() {
    let path = "/vary";
    for (kind, node) in nodes() {
        node.origin.answer_with(path, "Vary: Accept-Language\r\n");
        let all = || ["en", "de"].map(|language| variant(node, "GET", path, language).body);
        if kind != Kind::Squid {
            for language in ["en", "de"] {
                node.keep(path, &[("Accept-Language", language)]);
            }
        }
        let first = all();
        node.origin.change(path);
        // Squid keeps none as it is recommended.
        assert_eq!(all() == first, kind != Kind::Squid, "{kind:?}");
        node.purge(path);
        let after = all();
        assert!(
            after.iter().all(|body| body.ends_with("v2")),
            "{kind:?}: {after:?}"
        );
    }
}

/// Why nginx and Squid are told to keep none.
#[test]
fn of_variants_one_goes_and_404_hides_the_others() {
    let path = "/vary";
    for (kind, edit) in [
        (Kind::Nginx, "proxy_ignore_headers Vary;"),
        (Kind::Squid, "store_miss deny varied"),
    ] {
        let Some(node) = Node::edited(kind, &[(edit, "")]) else {
            continue;
        };
        node.origin.answer_with(path, "Vary: Accept-Language\r\n");
        let ask = |method, language| variant(&node, method, path, language);
        let all =
            || ["en", "de"].map(|language| ask("GET", language).body.split_off(path.len() + 4));
        for language in ["en", "de"] {
            node.keep(path, &[("Accept-Language", language)]);
        }
        node.origin.change(path);
        let absent = |status| assert!(ways(kind).absent.contains(&status), "{kind:?}: {status}");
        absent(node.purge(path));
        assert_eq!(all(), ["v1", "v1"], "{kind:?}");
        assert_eq!(ask("PURGE", "en").status, 200, "{kind:?}");
        // The other one stays, and is back as soon as the first is.
        absent(ask("PURGE", "de").status);
        assert_eq!(all(), ["v2", "v1"], "{kind:?}");
    }
}

fn variant(node: &Node, method: &str, path: &str, language: &str) -> Answer {
    let headers = [
        ("Host", HOST),
        ("X-Purge-Token", TOKEN),
        ("Accept-Language", language),
    ];
    node.server.ask(method, path, &headers)
}

#[test]
fn a_fetch_under_way_may_bring_the_old_answer_back() {
    let path = "/slow";
    for (kind, node) in nodes() {
        node.origin.hold(path);
        thread::scope(|scope| {
            let visitor = scope.spawn(|| node.get(path));
            node.origin.wait_for(path, 1);
            node.origin.change(path);
            let purge = scope.spawn(|| node.purge(path));
            let (status, then) = match kind {
                // It waits for the end of the fetch.
                Kind::Varnish => {
                    node.origin.release(path);
                    (purge.join().unwrap(), "v2")
                }
                // They do not; Traffic Server waits a second before it says so.
                Kind::Nginx | Kind::TrafficServer | Kind::Squid => {
                    let status = purge.join().unwrap();
                    node.origin.release(path);
                    (status, "v1")
                }
            };
            assert!(visitor.join().unwrap().ends_with("v1"), "{kind:?}");
            assert!(ways(kind).absent.contains(&status), "{kind:?}: {status}");
            assert!(node.get(path).ends_with(then), "{kind:?}");
        });
    }
}

#[test]
fn varnish_purges_by_pattern_and_by_tag() {
    let Some(node) = Node::shared(Kind::Varnish) else {
        return;
    };
    let ask = |method, name, value: &str| {
        let answer = node.server.ask(
            method,
            "/",
            &[("Host", HOST), ("X-Purge-Token", TOKEN), (name, value)],
        );
        let result = answer
            .header("cache-purge-result")
            .unwrap_or_default()
            .to_owned();
        (answer.status, result)
    };
    let now = |paths: &[&str]| {
        let versions = paths
            .iter()
            .map(|path| node.get(path).rsplit_once(' ').unwrap().1.to_owned());
        versions.collect::<Vec<_>>().join(" ")
    };
    let said = |status, result: &str| (status, result.to_owned());

    let paths = ["/ban/1", "/ban/d/2", "/banana"];
    for path in paths {
        node.outdate(path);
    }
    assert_eq!(ask("BAN", "X-Url", "^/ban/"), said(200, "ban"));
    assert_eq!(now(&paths), "v2 v2 v1");
    // A pattern that nobody can read bans nothing and says so.
    assert_eq!(ask("BAN", "X-Url", "^/(banana").0, 400);
    assert_eq!(ask("BAN", "X-Url", "^/banana && obj.status == 999").0, 400);
    assert_eq!(ask("BAN", "X-Other", "^/banana").0, 400);
    assert_eq!(now(&paths), "v2 v2 v1");

    let paths = ["/key/blue", "/key/both", "/key/green", "/key/second"];
    let keys = [
        "xkey: blue\r\n",
        "xkey: green blue\r\n",
        "xkey: green\r\n",
        "xkey: green\r\nxkey: second\r\n",
    ];
    for (path, keys) in paths.iter().zip(keys) {
        node.origin.answer_with(path, keys);
        node.outdate(path);
    }
    assert_eq!(
        ask("PURGEKEYS", "xkey-purge", "blue"),
        said(200, "tags;count=2")
    );
    assert_eq!(now(&paths), "v2 v2 v1 v1");
    // The whole tag counts, commas and blanks separate, and a second header line is not looked at.
    assert_eq!(
        ask("PURGEKEYS", "xkey-purge", "gre"),
        said(200, "tags;count=0")
    );
    let two = [
        ("Host", HOST),
        ("X-Purge-Token", TOKEN),
        ("xkey-purge", "none"),
        ("xkey-purge", "green"),
    ];
    let answer = node.server.ask("PURGEKEYS", "/", &two);
    assert_eq!(
        answer.header("cache-purge-result"),
        Some("tags;count=0"),
        "{answer}"
    );
    assert_eq!(
        ask("PURGEKEYS", "xkey-purge", "none,blue x"),
        said(200, "tags;count=2")
    );
    // Softly: the next visitor gets the old body, who comes after the fetch gets the new one.
    node.origin.change("/key/blue");
    node.get("/key/blue");
    let fetched = node.origin.count("GET", "/key/blue");
    node.origin.change("/key/blue");
    assert_eq!(
        ask("PURGEKEYS", "xkey-softpurge", "blue"),
        said(200, "soft;count=1")
    );
    let old = node.get("/key/blue");
    node.origin.wait_for("/key/blue", fetched + 1);
    while node.get("/key/blue") == old {
        thread::yield_now();
    }
}

/// How long a line of tags may be.
#[test]
fn a_line_of_tags_has_a_limit() {
    let Some(node) = Node::shared(Kind::Varnish) else {
        return;
    };
    for (bytes, status) in [(7500, 200), (9000, 400)] {
        let tags = "tag ".repeat(bytes / 4);
        let headers = [
            ("Host", HOST),
            ("X-Purge-Token", TOKEN),
            ("xkey-purge", tags.trim_end()),
        ];
        assert_eq!(
            node.server.ask("PURGEKEYS", "/", &headers).status,
            status,
            "{bytes}"
        );
    }
}
