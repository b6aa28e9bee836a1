//! What a `Purge` may ask an endpoint for.

use insta::assert_snapshot;
use purgit::entry::{Target, TargetKind};
use purgit::manifest::schema::schema;

use super::{messages, purge, read_with, report};

/// What an endpoint of the first CDN has no purge of, in places of their own.
const UNSUPPORTED: &str = "\
endpoint: www
files: [https://www.example.com/a]
tags:
  - product-17
  - 2026
hosts: [www.example.com, a.img.example.com]
everything: true";

#[test]
fn what_the_cdn_cannot_purge_is_refused_with_what_it_can() {
    assert_snapshot!(report(&purge(UNSUPPORTED)), @"
    error: endpoint `www` cannot purge `tags`: Azure China CDN has no cache tags
     --> purges/it.yaml:8:7
      |
    8 |     - product-17
      |       ^^^^^^^^^^
      |
      = hint: list URLs under `files` or `directories`

    error: endpoint `www` cannot purge `tags`: Azure China CDN has no cache tags
     --> purges/it.yaml:9:7
      |
    9 |     - 2026
      |       ^^^^
      |
      = hint: list URLs under `files` or `directories`

    error: endpoint `www` cannot purge `hosts`: Azure China CDN cannot purge a whole host
      --> purges/it.yaml:10:11
       |
    10 |   hosts: [www.example.com, a.img.example.com]
       |           ^^^^^^^^^^^^^^^
       |
       = hint: list `https://www.example.com/` under `directories`

    error: endpoint `www` cannot purge `hosts`: Azure China CDN cannot purge a whole host
      --> purges/it.yaml:10:28
       |
    10 |   hosts: [www.example.com, a.img.example.com]
       |                            ^^^^^^^^^^^^^^^^^
       |
       = hint: list `https://a.img.example.com/` under `directories`

    error: endpoint `www` cannot purge `everything`: Azure China CDN cannot purge everything at once
      --> purges/it.yaml:11:15
       |
    11 |   everything: true
       |               ^^^^
       |
       = hint: list the root of each host under `directories`
    ");
}

#[test]
fn a_host_is_one_that_the_endpoint_serves() {
    let of_host = |host: &str| {
        let mut found = messages(&purge(&format!("endpoint: www\nhosts: ['{host}']")));
        // What the CDN cannot purge is another matter.
        found.retain(|message| !message.contains("cannot purge"));
        found
    };
    for host in ["www.example.com", "WWW.Example.com", "a.img.example.com"] {
        assert_eq!(of_host(host), [""; 0], "{host}");
    }
    for host in ["example.com", "b.a.img.example.com", "img.example.com"] {
        let message = format!("`{host}` is not a host of endpoint `www`");
        assert_eq!(of_host(host), [message], "{host}");
    }
}

#[test]
fn texts_that_are_no_targets_are_refused_where_they_stand() {
    let text = purge(
        "endpoint: www
tags: ['a b', '', 'a,b', 'é']
hosts: ['*.img.example.com', 'https://www.example.com/', 'user:not-a-real-key@www.example.com']
everything: yes",
    );
    assert_snapshot!(report(&text), @"
    error: a tag has printable ASCII characters only, without spaces and commas
     --> purges/it.yaml:6:10
      |
    6 |   tags: ['a b', '', 'a,b', 'é']
      |          ^^^^^

    error: an item of `tags` is empty
     --> purges/it.yaml:6:17
      |
    6 |   tags: ['a b', '', 'a,b', 'é']
      |                 ^^

    error: a tag has printable ASCII characters only, without spaces and commas
     --> purges/it.yaml:6:21
      |
    6 |   tags: ['a b', '', 'a,b', 'é']
      |                     ^^^^^

    error: a tag has printable ASCII characters only, without spaces and commas
     --> purges/it.yaml:6:28
      |
    6 |   tags: ['a b', '', 'a,b', 'é']
      |                            ^^^

    error: a host is purged by its whole name, without `*`
     --> purges/it.yaml:7:11
      |
    7 |   hosts: ['*.img.example.com', 'https://www.example.com/', [secret]]
      |           ^^^^^^^^^^^^^^^^^^^

    error: the host `https://www.example.com/` is not a valid host name
     --> purges/it.yaml:7:32
      |
    7 |   hosts: ['*.img.example.com', 'https://www.example.com/', [secret]]
      |                                ^^^^^^^^^^^^^^^^^^^^^^^^^^

    error: a host has neither user name nor password
     --> purges/it.yaml:7:60
      |
    7 |   hosts: ['*.img.example.com', 'https://www.example.com/', [secret]]
      |                                                            ^^^^^^^^

    error: `everything`: expected `true` or `false`, found `yes`
     --> purges/it.yaml:8:15
      |
    8 |   everything: yes
      |               ^^^
      |
      = hint: write `true`
    ");
}

#[test]
fn a_problem_in_one_list_hides_none_in_another() {
    let text = purge(
        "endpoint: www
files: [nothing, https://foreign.example.com/a]
tags: [a]",
    );
    assert_eq!(messages(&text).len(), 3, "{:?}", messages(&text));
}

#[test]
fn nothing_to_purge_is_a_warning() {
    for spec in [
        "endpoint: www",
        "endpoint: www\nfiles: []\ntags: []\nhosts: []\neverything: false",
    ] {
        let parsed = read_with(&purge(spec));
        assert!(parsed.project.is_some(), "{spec}");
        let message = "this manifest declares nothing to purge";
        assert_eq!(parsed.problems[0].message, message, "{spec}");
    }
}

#[test]
fn targets_are_kept_kind_by_kind_and_counted() {
    let parsed = read_with(&purge(
        "endpoint: www
directories: [https://www.example.com/d/]
everything: false
files: [https://www.example.com/b, https://www.example.com/a]",
    ));
    assert_eq!((parsed.counts.purges, parsed.counts.targets), (1, 3));
    let targets = &parsed.project.unwrap().purges[0].targets;
    let texts: Vec<_> = targets.iter().map(Target::as_str).collect();
    assert_eq!(
        texts,
        [
            "https://www.example.com/b",
            "https://www.example.com/a",
            "https://www.example.com/d/"
        ]
    );
}

#[test]
fn the_schema_has_a_field_for_each_kind() {
    let spec = &schema()["definitions"]["Purge"]["properties"]["spec"]["properties"];
    for kind in TargetKind::ALL {
        let about = spec[kind.field()]["description"].as_str();
        assert!(about.is_some_and(|about| !about.is_empty()), "{kind}");
    }
}
