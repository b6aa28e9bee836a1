//! What the caches do when they are set up otherwise: why purgit asks for a mark and trusts no 200.

use std::time::Instant;

use super::http::{exchange, send};
use super::server::Kind;
use super::{HOST, Node, TOKEN};
use crate::common::PATIENCE;

const HEADERS: [(&str, &str); 2] = [("Host", HOST), ("X-Purge-Token", TOKEN)];

/// A cache that was told nothing of purges hands them on, and an origin that takes any method says 200.
#[test]
fn a_purge_that_the_origin_answers_bears_no_mark() {
    let vcl = "if (req.method ~ \"^(PURGE|BAN|PURGEKEYS)$\") { call invalidate; }";
    for (kind, method, edits) in [
        (
            Kind::Varnish,
            "PURGE",
            &[(vcl, "if (req.method == \"NONE\") { call invalidate; }")][..],
        ),
        (
            Kind::Nginx,
            "PURGE",
            &[("if ($request_method = PURGE) { return 418; }", "")],
        ),
        (Kind::TrafficServer, "BAN", &[]),
        (Kind::Squid, "BAN", &[]),
    ] {
        let Some(node) = Node::edited(kind, edits) else {
            continue;
        };
        node.outdate("/a");
        let answer = node.server.ask(method, "/a", &HEADERS);
        assert_eq!(answer.status, 200, "{kind:?}: {answer}");
        assert_eq!(node.origin.count(method, "/a"), 1, "{kind:?}: {answer}");
        assert_eq!(answer.header("cache-purge-result"), None);
        assert!(
            !answer.body.is_empty()
                && answer
                    .header("server")
                    .is_none_or(|name| !name.starts_with("squid/")),
            "{kind:?}: {answer}"
        );
    }
}

/// As published recipes have it.
#[test]
fn varnish_says_200_to_a_ban_that_it_cannot_read() {
    let std = "if (!std.ban(\"obj.http.x-host == \" + req.http.host + \" && obj.http.x-url ~ \" + req.http.X-Url)) {\n    return (synth(400, std.ban_error()));\n  }";
    let plain = "ban(\"obj.http.x-host == \" + req.http.host + \" && obj.http.x-url ~ \" + req.http.X-Url);";
    let Some(node) = Node::edited(Kind::Varnish, &[(std, plain)]) else {
        return;
    };
    node.outdate("/a");
    let headers = [HEADERS[0], HEADERS[1], ("X-Url", "^/(a")];
    assert_eq!(node.server.ask("BAN", "/", &headers).status, 200);
    assert!(node.get("/a").ends_with("v1"));
}

/// As published recipes have it, with the module of version 2.3.
#[test]
fn nginx_hangs_up_where_purge_and_cache_share_a_location() {
    let edits = [
        ("error_page 418 = @purge;", ""),
        (
            "if ($request_method = PURGE) { return 418; }",
            "proxy_cache_purge PURGE from 127.0.0.1;",
        ),
    ];
    let Some(node) = Node::edited(Kind::Nginx, &edits) else {
        return;
    };
    node.outdate("/a");
    let answer = exchange(
        [127, 0, 0, 1],
        node.server.address(),
        "PURGE",
        "/a",
        &HEADERS,
    );
    // Versions from 2.4.1 on do as they are told.
    if let Ok(answer) = answer {
        assert_eq!(answer.status, 200, "{answer}");
        return;
    }
    assert!(node.get("/a").ends_with("v1"));
}

/// Nobody can tell from silence whether something was purged.
#[test]
fn a_purge_that_was_given_up_is_carried_out_after_all() {
    let Some(node) = Node::start(Kind::Varnish) else {
        return;
    };
    node.outdate("/a");
    node.server.freeze(true);
    let given_up = send(
        [127, 0, 0, 1],
        node.server.address(),
        "PURGE",
        "/a",
        &HEADERS,
    );
    drop(given_up.unwrap());
    node.server.freeze(false);
    let deadline = Instant::now() + PATIENCE;
    while node.get("/a").ends_with("v1") {
        assert!(Instant::now() < deadline);
    }
}

/// What a disk keeps comes back when a cache that was down is started.
#[test]
fn what_was_on_disk_is_back_after_a_restart() {
    let Some(mut node) = Node::start(Kind::Nginx) else {
        return;
    };
    node.outdate("/a");
    node.server.stop();
    node.server.start_again().unwrap();
    assert!(node.get("/a").ends_with("v1"));
    assert_eq!(node.purge("/a"), 200);
    assert!(node.get("/a").ends_with("v2"));
}
