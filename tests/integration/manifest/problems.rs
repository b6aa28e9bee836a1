//! What people see when a manifest is wrong.

use insta::assert_snapshot;

use super::{ENDPOINT, PROJECT, purge, read, rendered, report};

#[test]
fn a_misspelt_field() {
    let text = purge("endpoint: www\nfile: [https://www.example.com/a.png]\ndirectories: []");
    assert_snapshot!(report(&text), @"
    error: unknown field `file`
     --> purges/it.yaml:6:3
      |
    6 |   file: [https://www.example.com/a.png]
      |   ^^^^
      |
      = hint: did you mean `files`?
    ");
}

#[test]
fn a_misspelt_required_field_is_one_problem() {
    let text = purge("endpiont: www\nfiles: [https://www.example.com/a.png]");
    assert_snapshot!(report(&text), @"
    error: unknown field `endpiont`
     --> purges/it.yaml:5:3
      |
    5 |   endpiont: www
      |   ^^^^^^^^
      |
      = hint: did you mean `endpoint`?
    ");
}

#[test]
fn a_misspelt_kind() {
    let text = purge("endpoint: www").replace("Purge", "Purges");
    assert_snapshot!(report(&text), @"
    error: unknown `kind: Purges`
     --> purges/it.yaml:2:7
      |
    2 | kind: Purges
      |       ^^^^^^
      |
      = hint: did you mean `Purge`?
    ");
}

#[test]
fn an_unknown_kind_and_version() {
    let text = purge("endpoint: www")
        .replace("Purge", "Deployment")
        .replace("v1alpha1", "v2");
    assert_snapshot!(report(&text), @"
    error: unknown `apiVersion: purgit/v2`
     --> purges/it.yaml:1:13
      |
    1 | apiVersion: purgit/v2
      |             ^^^^^^^^^
      |
      = hint: this version of purgit reads `purgit/v1alpha1`

    error: unknown `kind: Deployment`
     --> purges/it.yaml:2:7
      |
    2 | kind: Deployment
      |       ^^^^^^^^^^
      |
      = hint: known kinds: `Project`, `Endpoint`, `Purge`, `Site`
    ");
}

#[test]
fn a_misspelt_endpoint() {
    let text = purge("endpoint: wwww\nfiles: [https://www.example.com/a.png]");
    assert_snapshot!(report(&text), @"
    error: unknown endpoint `wwww`
     --> purges/it.yaml:5:13
      |
    5 |   endpoint: wwww
      |             ^^^^
      |
      = hint: did you mean `www`?
    ");
}

#[test]
fn a_foreign_host_that_another_endpoint_serves() {
    let cdn = ENDPOINT
        .replace("name: www", "name: cdn")
        .replace("www.example.com", "cdn.example.com")
        .replace("\"*.img.example.com\"", "\"*.js.example.com\"");
    let text = purge(
        "endpoint: www
files:
  - https://www.example.com/a.png
  - https://one.js.example.com/a.js
  - https://two.one.js.example.com/a.js",
    );
    let parsed = read(&[
        ("purgit.yaml", PROJECT),
        ("purges/cdn.yaml", &cdn),
        ("purges/www.yaml", ENDPOINT),
        ("purges/it.yaml", &text),
    ]);
    assert_snapshot!(rendered(&parsed), @"
    error: `one.js.example.com` is not a host of endpoint `www`
     --> purges/it.yaml:8:7
      |
    8 |     - https://one.js.example.com/a.js
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: endpoint `www` serves `www.example.com`, `*.img.example.com`; this host is served by `cdn`

    error: `two.one.js.example.com` is not a host of endpoint `www`
     --> purges/it.yaml:9:7
      |
    9 |     - https://two.one.js.example.com/a.js
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: endpoint `www` serves `www.example.com`, `*.img.example.com`; no endpoint serves this host
    ");
}

#[test]
fn a_key_that_stands_twice() {
    let text = purge(
        "endpoint: www
files: [https://www.example.com/a.png]
directories: []
files: [https://www.example.com/b.png]",
    );
    assert_snapshot!(report(&text), @"
    error: the key `files` appears here a second time
     --> purges/it.yaml:8:3
      |
    8 |   files: [https://www.example.com/b.png]
      |   ^^^^^
      |
      = hint: keep one of the two
    note: it stands here first
     --> purges/it.yaml:6:3
      |
    6 |   files: [https://www.example.com/a.png]
      |   ^^^^^
    ");
}

#[test]
fn a_name_that_stands_twice_in_two_files() {
    let text = purge("endpoint: www\nfiles: [https://www.example.com/a.png]");
    let parsed = read(&[
        ("purgit.yaml", PROJECT),
        ("purges/b.yaml", &text),
        ("purges/endpoint.yaml", ENDPOINT),
        ("purges/a.yaml", &text),
    ]);
    assert_snapshot!(rendered(&parsed), @"
    error: a second `Purge` has the name `it`
     --> purges/b.yaml:3:19
      |
    3 | metadata: { name: it }
      |                   ^^
      |
      = hint: rename one of the two
    note: the first one is here
     --> purges/a.yaml:3:19
      |
    3 | metadata: { name: it }
      |                   ^^
    ");
}

#[test]
fn an_account_has_one_day() {
    let own = "00000000-0000-0000-0000-000000000001";
    let other = |subscription: &str, more: &str| {
        let text = ENDPOINT.replace("name: www", "name: img");
        text.replace(own, subscription) + more
    };
    let day = "  limits: { dayStartsAt: \"00:00Z\" }\n";
    let parsed = |other: &str| {
        read(&[
            ("purgit.yaml", PROJECT),
            ("a.yaml", ENDPOINT),
            ("b.yaml", other),
        ])
    };
    assert_snapshot!(rendered(&parsed(&other(own, day))), @r#"
    error: endpoints `img` and `www` share an account, but their days start at 00:00+00:00 and at 00:00+08:00
      --> a.yaml:4:1
       |
     4 | spec:
       | ^^^^
       |
       = hint: set `limits.dayStartsAt` to the same time in both
    note: the first one is here
      --> b.yaml:12:26
       |
    12 |   limits: { dayStartsAt: "00:00Z" }
       |                          ^^^^^^^^
    "#);
    for good in [
        other(own, ""),
        other(own, "  limits: { dayStartsAt: \"00:00+08:00\" }\n"),
        other("00000000-0000-0000-0000-000000000009", day),
    ] {
        assert_eq!(parsed(&good).problems, [], "{good}");
    }
}

#[test]
fn urls_that_are_none() {
    let text = purge(
        "endpoint: www
files:
  - www.example.com/a.png
  - https://www.example.com/a.png#top
  - https://www.example.com/../a.png
directories:
  - https://www.example.com/pictures",
    );
    assert_snapshot!(report(&text), @"
    error: the URL must be absolute and start with `https://` or `http://`
     --> purges/it.yaml:7:7
      |
    7 |     - www.example.com/a.png
      |       ^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: did you mean `https://www.example.com/a.png`?

    error: the URL must not have a fragment (`#…`): it never reaches the CDN
     --> purges/it.yaml:8:7
      |
    8 |     - https://www.example.com/a.png#top
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write `https://www.example.com/a.png`, or `%23` for a `#` in a name

    error: the path has a `..` segment: write the path without it
     --> purges/it.yaml:9:7
      |
    9 |     - https://www.example.com/../a.png
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    error: a directory must end in `/`
      --> purges/it.yaml:11:7
       |
    11 |     - https://www.example.com/pictures
       |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: write `https://www.example.com/pictures/`, or list it under `files`
    ");
}

#[test]
fn everything_is_reported_at_once() {
    let text = purge(
        "endpoint: wwv
files: https://www.example.com/a.png
suspend: yes
suspendUntil: tomorrow",
    )
    .replace("name: it", "name: It_");
    assert_snapshot!(report(&text), @"
    error: `name`: `It_` is not a valid name
     --> purges/it.yaml:3:19
      |
    3 | metadata: { name: It_ }
      |                   ^^^
      |
      = hint: a name has lower-case letters, digits, `-` and `.`, and starts and ends with a letter or digit, as in `it`

    error: unknown endpoint `wwv`
     --> purges/it.yaml:5:13
      |
    5 |   endpoint: wwv
      |             ^^^
      |
      = hint: did you mean `www`?

    error: `files`: expected a list, found text
     --> purges/it.yaml:6:10
      |
    6 |   files: https://www.example.com/a.png
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write `[…]`, or one line that starts with `- ` each

    error: `suspend`: expected `true` or `false`, found `yes`
     --> purges/it.yaml:7:12
      |
    7 |   suspend: yes
      |            ^^^
      |
      = hint: write `true`

    error: `suspendUntil`: expected a date or an RFC 3339 time, found `tomorrow`
     --> purges/it.yaml:8:17
      |
    8 |   suspendUntil: tomorrow
      |                 ^^^^^^^^
      |
      = hint: write it like `2026-12-01` or `2026-12-01T08:00:00+08:00`
    ");
}

#[test]
fn a_broken_document_between_two_good_ones() {
    let good = purge("endpoint: www\nfiles: [https://www.example.com/a.png]");
    let text = format!(
        "{}---\nkind: Purge\nmetadata: {{ name: b\nspec:\n  endpoint: www\n---\n{}",
        good.replace("name: it", "name: a"),
        purge("endpoint: wwv").replace("name: it", "name: c"),
    );
    assert_snapshot!(report(&text), @"
    error: expected `,` or `}`
      --> purges/it.yaml:10:5
       |
    10 | spec:
       |     ^
       |
       = hint: close it, or put the text in quotes if the bracket belongs to it

    warning: this manifest declares nothing to purge
      --> purges/it.yaml:15:19
       |
    15 | metadata: { name: c }
       |                   ^
       |
       = hint: list URLs under `files` or `directories`, or use `tags`, `hosts` or `everything`

    error: unknown endpoint `wwv`
      --> purges/it.yaml:17:13
       |
    17 |   endpoint: wwv
       |             ^^^
       |
       = hint: did you mean `www`?
    ");
}

#[test]
fn no_project_and_two_projects() {
    let parsed = read(&[("purges/endpoint.yaml", ENDPOINT)]);
    assert_snapshot!(rendered(&parsed), @"
    error: there is no `Project` manifest
     |
     = hint: add one to `purgit.yaml`, or run `purgit init`
    ");
    let parsed = read(&[("purgit.yaml", PROJECT), ("purges/a.yaml", PROJECT)]);
    assert_snapshot!(rendered(&parsed), @"
    error: there is more than one `Project` manifest
     --> purges/a.yaml:3:19
      |
    3 | metadata: { name: www }
      |                   ^^^
      |
      = hint: keep one
    note: the first one is here
     --> purgit.yaml:3:19
      |
    3 | metadata: { name: www }
      |                   ^^^
    ");
}

#[test]
fn an_endpoint_with_everything_wrong() {
    let text = "\
apiVersion: purgit/v1alpha1
kind: Endpoint
metadata: { name: other }
spec:
  hosts: [https://www.example.com, b.example.com, B.example.com]
  azureChinaCdn:
    subscriptionId: my-subscription
    endpointId: '{00000000-0000-0000-0000-000000000002}'
    apiUrl: http://cdn.example.com
  limits:
    filesPerDay: -1
    dayStartsAt: 8am
    itemsPerRequest: 0
    requestsPerSecond: '5'
  poll: { interval: 60, timeout: 2w }
";
    assert_snapshot!(report(text), @r#"
    error: `https://www.example.com` is not a host
     --> purges/it.yaml:5:11
      |
    5 |   hosts: [https://www.example.com, b.example.com, B.example.com]
      |           ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write a host name, such as `www.example.com` or `*.example.com`, without scheme, port or path

    warning: the host `b.example.com` is listed twice
     --> purges/it.yaml:5:51
      |
    5 |   hosts: [https://www.example.com, b.example.com, B.example.com]
      |                                                   ^^^^^^^^^^^^^

    error: missing field `credentials`
     --> purges/it.yaml:6:3
      |
    6 |   azureChinaCdn:
      |   ^^^^^^^^^^^^^

    error: `subscriptionId`: this is not a GUID
     --> purges/it.yaml:7:21
      |
    7 |     subscriptionId: my-subscription
      |                     ^^^^^^^^^^^^^^^
      |
      = hint: 32 hexadecimal digits, as in `00000000-0000-0000-0000-000000000001`

    error: `endpointId`: this is not a GUID
     --> purges/it.yaml:8:17
      |
    8 |     endpointId: '{00000000-0000-0000-0000-000000000002}'
      |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write it without brackets

    error: `apiUrl`: the URL must start with `https://`: plain http is for this machine only
     --> purges/it.yaml:9:13
      |
    9 |     apiUrl: http://cdn.example.com
      |             ^^^^^^^^^^^^^^^^^^^^^^

    error: `filesPerDay`: expected a whole number from 0 to 1000000000, found `-1`
      --> purges/it.yaml:11:18
       |
    11 |     filesPerDay: -1
       |                  ^^

    error: `dayStartsAt`: expected a time of day with an offset from UTC, found `8am`
      --> purges/it.yaml:12:18
       |
    12 |     dayStartsAt: 8am
       |                  ^^^
       |
       = hint: write it like `"00:00+08:00"` or `"00:00Z"`

    error: `itemsPerRequest`: expected a whole number from 1 to 10000, found `0`
      --> purges/it.yaml:13:22
       |
    13 |     itemsPerRequest: 0
       |                      ^

    error: `requestsPerSecond`: expected a number from 0.001 to 1000, found the text `5`
      --> purges/it.yaml:14:24
       |
    14 |     requestsPerSecond: '5'
       |                        ^^^
       |
       = hint: remove the quotes

    error: `interval`: expected a duration from 1ms to 1h, found `60`
      --> purges/it.yaml:15:21
       |
    15 |   poll: { interval: 60, timeout: 2w }
       |                     ^^
       |
       = hint: write `60s` for seconds

    error: `timeout`: expected a duration from 1ms to 1day, found `2w`
      --> purges/it.yaml:15:34
       |
    15 |   poll: { interval: 60, timeout: 2w }
       |                                  ^^
       |
       = hint: write it like `90s`, `10m` or `1h30m`
    "#);
}
