//! The block `httpCache`: what is wrong with it, each in its place.

use insta::assert_snapshot;

use super::{PROJECT, read, rendered};

fn problems(block: &str) -> String {
    let endpoint = format!(
        "apiVersion: purgit/v1alpha1\nkind: Endpoint\nmetadata: {{ name: www }}\nspec:\n  \
         hosts: [www.example.com]\n  httpCache:\n{block}"
    );
    rendered(&read(&[
        ("purgit.yaml", PROJECT),
        ("purges/www.yaml", &endpoint),
    ]))
}

#[test]
fn nodes_are_checked_one_by_one() {
    let found = problems(
        "    preset: varnish
    nodes:
      static: [\"http://192.0.2.1:6081\", \"http://10.0.0.1/path\", \"10.0.0.1\"]
      dns: https://varnish.web
",
    );
    assert_snapshot!(found, @r#"
    error: `192.0.2.1` is a public address, and plain http is for private networks only
     --> purges/www.yaml:9:16
      |
    9 |       static: ["http://192.0.2.1:6081", "http://10.0.0.1/path", "10.0.0.1"]
      |                ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write `https://`, or the address in your own network

    error: a node's URL has neither path nor query
     --> purges/www.yaml:9:41
      |
    9 |       static: ["http://192.0.2.1:6081", "http://10.0.0.1/path", "10.0.0.1"]
      |                                         ^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write it like `http://10.0.0.1:6081`

    error: the URL must be absolute and start with `https://` or `http://`
     --> purges/www.yaml:9:65
      |
     :::
    9 | …  static: ["http://192.0.2.1:6081", "http://10.0.0.1/path", "10.0.0.1"]
      |                                                              ^^^^^^^^^^
      |
      = hint: write it like `http://10.0.0.1:6081`

    error: `dns`: nodes found by name are reached over plain http
      --> purges/www.yaml:10:12
       |
    10 |       dns: https://varnish.web
       |            ^^^^^^^^^^^^^^^^^^^
       |
       = hint: list the nodes in `static`: a certificate is for a name, not for its addresses
    "#);
}

#[test]
fn a_fleet_has_nodes_and_something_to_purge() {
    assert_snapshot!(problems("    nodes: {}\n"), @"
    error: nothing says how these caches are purged
     --> purges/www.yaml:6:3
      |
    6 |   httpCache:
      |   ^^^^^^^^^
      |
      = hint: name a `preset`, or declare `url`

    error: there is no node
     --> purges/www.yaml:7:5
      |
    7 |     nodes: {}
      |     ^^^^^
      |
      = hint: list base URLs in `static`, such as `http://10.0.0.1:6081`, or name one in `dns`
    ");
}

#[test]
fn fields_are_where_they_mean_something() {
    let found = problems(
        "    nodes: { static: [\"http://10.0.0.1\"] }
    headers: { X-Purge-Token: not-a-real-key, Host: www.example.com }
    url: { target: \"/{pth}\", trees: [/a/], confirm: { header: { X: \"(\" } } }
    tag: { headers: { X: \"{path}\" } }
",
    );
    assert!(!found.contains("not-a-real-key"), "{found}");
    assert_snapshot!(found, @r##"
    error: a credential is never a literal: manifests hold references only
     --> purges/www.yaml:8:31
      |
    8 |     headers: { X-Purge-Token: [secret], Host: www.example.com }
      |                               ^^^^^^^^
      |
      = hint: write `{ env: PURGE_TOKEN }`, `{ file: PATH }` or `{ command: [PROGRAM] }`; if it was a real one, replace it

    error: `headers`: `Host` is no header field of its own
     --> purges/www.yaml:8:53
      |
     :::
    8 |     headers: { X-Purge-Token: [secret], Host: www.example.com }
      |                                               ^^^^^^^^^^^^^^^
      |
      = hint: `host` says which host requests name

    error: `url` has no `trees`
     --> purges/www.yaml:9:5
      |
    9 |     url: { target: "/{pth}", trees: [/a/], confirm: { header: { X: "(" } } }
      |     ^^^
      |
      = hint: `trees` is for `directory`

    error: `target`: `{pth}` is no placeholder
     --> purges/www.yaml:9:20
      |
    9 |     url: { target: "/{pth}", trees: [/a/], confirm: { header: { X: "(" } } }
      |                    ^^^^^^^^
      |
      = hint: there are `path`, `path_query`, `host`, `url`, `tags`, `path_regex`, `path_query_regex`, `host_regex`, `url_regex`, `tags_regex`

    error: `header`: not a regular expression: unclosed group
     --> purges/www.yaml:9:68
      |
     :::
    9 | …: { target: "/{pth}", trees: [/a/], confirm: { header: { X: "(" } } }
      |                                                              ^^^

    error: `{path}` is nothing that `tag` has
      --> purges/www.yaml:10:5
       |
    10 |     tag: { headers: { X: "{path}" } }
       |     ^^^
       |
       = hint: it has `tags`, each also with `_regex`
    "##);
}
