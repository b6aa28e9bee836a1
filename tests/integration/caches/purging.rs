//! purgit against the real caches: what it confirms is gone, and what is not gone it does not confirm.

use std::thread;

use super::server::Kind;
use super::{HOST, Node, TOKEN, at_once, project};
use crate::common::Environment;

/// Purges these files by a manifest, under this revision.
fn purge(environment: &Environment, files: &[&str], revision: &str) {
    environment.purge("it", files, &[], revision);
}

/// Whether visitors get the new version of each path.
fn are_new(node: &Node, paths: &[&str]) -> Vec<bool> {
    paths
        .iter()
        .map(|path| node.get(path).ends_with("v2"))
        .collect()
}

#[test]
fn what_is_confirmed_is_new_to_the_next_visitor() {
    // As a manifest has them, and as visitors ask for them.
    let files = [
        ("/p/plain.html", "/p/plain.html"),
        ("HTTPS://WWW.Example.COM:443/p/Host", "/p/Host"),
        ("/p/a%20b~%C3%A9", "/p/a%20b~%C3%A9"),
        ("/p/größe/名前", "/p/gr%C3%B6%C3%9Fe/%E5%90%8D%E5%89%8D"),
        ("/p/q?b=1&a=%2F", "/p/q?b=1&a=%2F"),
    ];
    let others = ["/p/q?b=1", "/p/plain.html?x", "/p/Plain.html", "/p/host"];
    for kind in Kind::ALL {
        let Some(node) = Node::shared(kind) else {
            continue;
        };
        let declared = files.map(|(declared, _)| declared);
        let asked = files.map(|(_, asked)| asked);
        for path in asked.iter().chain(&others) {
            node.outdate(path);
        }
        let environment = project(kind, &[&node.server], "");
        purge(&environment, &declared, "1");
        environment.run("apply").code(0).stdout_has("5 Succeeded");
        assert_eq!(are_new(node, &asked), [true; 5], "{kind:?}");
        assert_eq!(are_new(node, &others), [false; 4], "{kind:?}");
        environment.run("plan --detailed-exitcode").code(0);
        // What no cache has cannot be old.
        purge(&environment, &["/p/never"], "1");
        environment.run("apply").code(0).stdout_has("1 Succeeded");
    }
}

#[test]
fn who_may_not_purge_is_told_so() {
    for kind in Kind::ALL {
        let allow = "ip_addrs: 127.0.0.1, action: allow";
        let edits = match kind {
            Kind::TrafficServer => &[(allow, "ip_addrs: 127.0.0.3, action: allow")][..],
            Kind::Varnish | Kind::Nginx | Kind::Squid => &[],
        };
        let Some(node) = Node::edited(kind, edits) else {
            continue;
        };
        node.outdate("/a");
        let mut environment = project(kind, &[&node.server], "");
        environment.set("PURGE_TOKEN", "guessed");
        purge(&environment, &["/a", "/b"], "1");
        environment
            .run("apply")
            .code(7)
            .stderr_has("PURGE: HTTP 403, the node does not allow this machine to purge")
            .stderr_has(
                "hint: check the secret header fields, and the node's list of who may purge",
            )
            .stdout_lacks("Succeeded");
        environment
            .run("doctor")
            .code(1)
            .stdout_has("failed  credentials");
        assert_eq!(are_new(&node, &["/a"]), [false], "{kind:?}");
        if kind == Kind::TrafficServer {
            continue;
        }
        environment.set("PURGE_TOKEN", TOKEN);
        environment.run("doctor").code(0);
        environment.run("apply").code(0).stdout_has("2 Succeeded");
        assert_eq!(are_new(&node, &["/a"]), [true], "{kind:?}");
    }
}

/// An origin that says 200 to anything confirms nothing, and neither does a worker that crashes.
#[test]
fn a_purge_that_the_cache_did_not_take_is_never_confirmed() {
    let vcl = "if (req.method ~ \"^(PURGE|BAN|PURGEKEYS)$\") { call invalidate; }";
    let location = "if ($request_method = PURGE) { return 418; }";
    let crash = [
        ("error_page 418 = @purge;", ""),
        (location, "proxy_cache_purge PURGE from 127.0.0.1;"),
    ];
    for (kind, edits, code, outcome, said) in [
        (
            Kind::Varnish,
            &[(vcl, "if (req.method == \"NONE\") { call invalidate; }")][..],
            3,
            "1 Unknown",
            "something other than the cache may have answered",
        ),
        (
            Kind::Nginx,
            &[(location, "")],
            3,
            "1 Unknown",
            "something other than the cache may have answered",
        ),
        (
            Kind::Nginx,
            &crash,
            8,
            "1 Submitted",
            "connection broken off",
        ),
    ] {
        let Some(node) = Node::edited(kind, edits) else {
            continue;
        };
        node.outdate("/a");
        let environment = project(kind, &[&node.server], "");
        purge(&environment, &["/a"], "1");
        let output = environment.run("apply").code(code).stdout_has(outcome);
        assert!(format!("{output:?}").contains(said), "{kind:?}: {output:?}");
        assert_eq!(are_new(&node, &["/a"]), [false], "{kind:?}");
    }
}

/// Traffic Server answers 404 with a page there, which is not its 404 for what it does not have.
#[test]
fn a_host_that_the_cache_does_not_serve_is_not_confirmed() {
    let Some(node) = Node::shared(Kind::TrafficServer) else {
        return;
    };
    let environment = project(Kind::TrafficServer, &[&node.server], "");
    environment.edit(
        "purgit.yaml",
        "[www.example.com]",
        "[www.example.com, other.example.com]",
    );
    purge(&environment, &["https://other.example.com/a"], "1");
    environment.run("apply").code(3).stdout_has("1 Unknown");
}

#[test]
fn variants_are_purged_with_the_headers_that_make_them() {
    let path = "/variants";
    let edits = [(
        "$host$request_uri;",
        "$host$request_uri$http_accept_language;",
    )];
    for (kind, edits) in [
        (Kind::Varnish, &[][..]),
        (Kind::Nginx, &edits),
        (Kind::TrafficServer, &[]),
    ] {
        let Some(node) = Node::edited(kind, edits) else {
            continue;
        };
        node.origin.answer_with(path, "Vary: Accept-Language\r\n");
        let all = || {
            ["en", "de", "fr"].map(|language| {
                let headers = [("Host", HOST), ("Accept-Language", language)];
                let body = node.server.ask("GET", path, &headers).body;
                body.rsplit_once(' ').unwrap().1.to_owned()
            })
        };
        for language in ["en", "de", "fr"] {
            node.keep(path, &[("Accept-Language", language)]);
        }
        node.origin.change(path);
        assert_eq!(all(), ["v1", "v1", "v1"]);
        let variants = "    variants: [{ Accept-Language: en }, { Accept-Language: de }]\n";
        let environment = project(kind, &[&node.server], variants);
        purge(&environment, &[path], "1");
        environment.run("apply").code(0).stdout_has("1 Succeeded");
        // On nginx those that are declared, elsewhere all.
        let last = if kind == Kind::Nginx { "v1" } else { "v2" };
        assert_eq!(all(), ["v2", "v2", last], "{kind:?}");
    }
}

#[test]
fn directories_and_hosts_are_purged_by_pattern_and_nothing_beside() {
    let Some(node) = Node::start(Kind::Varnish) else {
        return;
    };
    let inside = ["/d.x/(a+b)/1", "/d.x/(a+b)/", "/d.x/(a+b)/deep/2?q"];
    let beside = [
        "/d.x/(a+b)",
        "/dyx/(a+b)/1",
        "/d.x/aab/1",
        "/up/d.x/(a+b)/1",
        "/D.x/(a+b)/1",
    ];
    for path in inside.iter().chain(&beside) {
        node.outdate(path);
    }
    let environment = project(Kind::Varnish, &[&node.server], "");
    environment.purge("it", &[], &["/d.x/(a+b)/"], "1");
    environment.run("apply").code(0).stdout_has("1 Succeeded");
    assert_eq!(are_new(&node, &inside), [true; 3]);
    assert_eq!(are_new(&node, &beside), [false; 5]);

    environment.write("purges/it.yaml", &manifest("hosts: [WWW.example.com]"));
    environment
        .run("apply --force=max-directories")
        .code(0)
        .stdout_has("1 Succeeded");
    assert_eq!(are_new(&node, &beside), [true; 5]);
    environment.write("purges/it.yaml", &manifest("everything: true"));
    environment
        .run("validate")
        .code(1)
        .stderr_has("caches of the preset `varnish` have no purge of `everything`");
}

#[test]
fn a_tree_of_traffic_server_is_purged_by_its_secret() {
    let Some(node) = Node::shared(Kind::TrafficServer) else {
        return;
    };
    let tree =
        "    directory: { trees: [/tree/], headers: { X-Tree-Purge: { env: TREE_SECRET } } }\n";
    let environment = project(Kind::TrafficServer, &[&node.server], tree);
    for path in ["/tree/a", "/tree/b/c", "/treeless"] {
        node.outdate(path);
    }
    environment.purge("it", &[], &["/tree/"], "1");
    environment
        .run("apply --force=max-directories")
        .code(0)
        .stdout_has("1 Succeeded");
    assert_eq!(
        are_new(node, &["/tree/a", "/tree/b/c", "/treeless"]),
        [true, true, false]
    );
    environment.purge("it", &["/tree/a"], &[], "1");
    environment.run("apply").code(0);
    environment.purge("it", &[], &["/other/"], "1");
    environment
        .run("validate")
        .code(1)
        .stderr_has("the caches have no purge of directories but `/tree/`");
}

/// A `Purge` of the endpoint `www`.
fn manifest(targets: &str) -> String {
    format!(
        "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: {{ name: it }}\nspec:\n  endpoint: www\n  {targets}\n"
    )
}

#[test]
fn tags_are_purged_hard_and_soft_however_many_there_are() {
    let Some(node) = Node::shared(Kind::Varnish) else {
        return;
    };
    let paths = ["/t/first", "/t/last", "/t/other"];
    // Ten times what Varnish reads in a line.
    let tags: Vec<_> = (0..4000)
        .map(|number| format!("tag-of-a-test-{number}"))
        .collect();
    let keys = [&tags[0], &tags[3999], "tag-of-a-test-39990"];
    for (path, key) in paths.iter().zip(keys) {
        node.origin
            .answer_with(path, &format!("xkey: unused {key}\r\n"));
        node.outdate(path);
    }
    let environment = project(Kind::Varnish, &[&node.server], "");
    environment.write(
        "purges/it.yaml",
        &manifest(&format!("tags: [{}]", tags.join(", "))),
    );
    environment
        .run("apply --force=max-urls")
        .code(0)
        .stdout_has("4,000 Succeeded");
    assert_eq!(are_new(node, &paths), [true, true, false]);

    node.origin.answer_with("/t/soft", "xkey: soft\r\n");
    node.outdate("/t/soft");
    let environment = project(Kind::Varnish, &[&node.server], "    tag: { soft: true }\n");
    environment.write("purges/it.yaml", &manifest("tags: [soft]"));
    environment.run("apply").code(0);
    // Whoever comes first still gets the old one, and has the new one fetched.
    assert_eq!(are_new(node, &["/t/soft"]), [false]);
    node.origin.wait_for("/t/soft", 2);
    while are_new(node, &["/t/soft"]) == [false] {
        thread::yield_now();
    }
}

/// What was being fetched is stored after the first purge; the second one takes it away.
#[test]
fn an_answer_that_was_under_way_is_purged_by_the_second_pass() {
    let path = "/under/way";
    at_once(&Kind::ALL, |kind| {
        let Some(node) = Node::start(kind) else {
            return;
        };
        let environment = project(kind, &[&node.server], "");
        environment.edit("purgit.yaml", "secondPass: 0s", "secondPass: 1s");
        if kind == Kind::Varnish {
            // A purge of the URL itself waits for the fetch; a ban does not.
            environment.purge("it", &[], &["/under/"], "1");
        } else {
            purge(&environment, &[path], "1");
        }
        node.origin.hold(path);
        thread::scope(|scope| {
            let visitor = scope.spawn(|| node.get(path));
            node.origin.wait_for(path, 1);
            node.origin.change(path);
            let apply = environment.start("-v apply");
            apply.wait_for_stderr(&format!("http://{}", node.server.address()));
            node.origin.release(path);
            assert!(visitor.join().unwrap().ends_with("v1"), "{kind:?}");
            apply.finish().code(0).stdout_has("1 Succeeded");
        });
        assert_eq!(are_new(&node, &[path]), [true], "{kind:?}");
    });
}
