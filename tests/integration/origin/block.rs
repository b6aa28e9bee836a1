//! The block `origin` of an endpoint.

use std::path::Path;

use insta::assert_snapshot;
use purgit::credential::Credentials;
use purgit::diagnostic::human;
use purgit::manifest::{ManifestFile, parse};
use purgit::origin::Settings;
use purgit::secret::Secret;
use purgit::url::CdnUrl;

const HEAD: &str = "\
apiVersion: purgit/v1alpha1
kind: Project
metadata: { name: www }
---
apiVersion: purgit/v1alpha1
kind: Endpoint
metadata: { name: www }
spec:
  hosts: [www.example.com, \"*.img.example.com\"]
  azureChinaCdn:
    subscriptionId: 00000000-0000-0000-0000-000000000001
    endpointId: 00000000-0000-0000-0000-000000000002
    credentials: { keyId: { env: ID }, keyValue: { env: VALUE } }
  origin:
";

/// The block, or what is wrong with it.
fn read(block: &str) -> Result<Settings, String> {
    let parsed = parse(vec![ManifestFile::new(
        "purgit.yaml",
        format!("{HEAD}{block}"),
    )]);
    if parsed.problems.is_empty() {
        let project = parsed.project.unwrap();
        return Ok(project.endpoints["www"].origin.clone().unwrap());
    }
    Err(human(
        &parsed.problems,
        &parsed.sources,
        Path::new(""),
        false,
    ))
}

fn url(text: &str) -> CdnUrl {
    CdnUrl::parse(text).unwrap()
}

#[test]
fn a_request_has_the_path_of_the_public_url_and_the_declared_headers() {
    let origin = read(
        "    url: https://origin.example.com/site/
    hosts: { a.img.example.com: \"http://10.0.0.1:8080\" }
    headers: { Host: www.example.com, X-Bypass: { env: BYPASS } }
    resolve: 10.0.0.9:8443
",
    );
    let origin = origin.unwrap();
    let names: Vec<_> = origin.credentials().map(|(name, _)| name).collect();
    assert_eq!(names, ["origin.headers.x-bypass"]);
    let secret = Secret::new("not-a-real-key");
    let credentials = Credentials::new([(names[0], secret)]);
    let request = origin.request(&url("https://www.example.com/a/b.png?c=d"), &credentials);
    assert_eq!(request.url, "https://origin.example.com/site/a/b.png?c=d");
    let sent: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| (*name, value.expose()))
        .collect();
    assert_eq!(
        sent,
        [
            ("accept", "*/*"),
            ("accept-encoding", "identity"),
            ("host", "www.example.com"),
            ("x-bypass", "not-a-real-key"),
        ]
    );
    assert!(!format!("{request:?}").contains("not-a-real-key"));
    let other = origin.request(&url("https://a.img.example.com/c.png"), &credentials);
    assert_eq!(other.url, "http://10.0.0.1:8080/c.png");
    assert_eq!(origin.resolve.unwrap().to_string(), "10.0.0.9:8443");
}

#[test]
fn every_problem_is_named_in_its_place() {
    let found = read(
        "    url: ftp://origin.example.com/
    hosts: { other.example.com: \"https://origin.example.com/\" }
    headers: { X-Bypass-Token: not-a-real-key }
    resolve: origin.example.com
    expect: { header: X-Release, equals: \"${commit}\" }
    gone: []
    sample: 0
",
    );
    let found = found.unwrap_err();
    assert!(!found.contains("not-a-real-key"), "{found}");
    assert_snapshot!(found, @r##"
    error: `url`: the URL must be absolute and start with `https://` or `http://`
      --> purgit.yaml:15:10
       |
    15 |     url: ftp://origin.example.com/
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: write it like `https://origin.example.com/`

    error: the endpoint does not serve the host `other.example.com`
      --> purgit.yaml:16:33
       |
    16 |     hosts: { other.example.com: "https://origin.example.com/" }
       |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: `origin.hosts` is by the hosts of public URLs, which `hosts` lists

    error: a credential is never a literal: manifests hold references only
      --> purgit.yaml:17:32
       |
    17 |     headers: { X-Bypass-Token: [secret] }
       |                                ^^^^^^^^
       |
       = hint: write `{ env: ORIGIN_TOKEN }`, `{ file: PATH }` or `{ command: [PROGRAM] }`; if it was a real one, replace it

    error: `resolve`: `origin.example.com` is not an address
      --> purgit.yaml:18:14
       |
    18 |     resolve: origin.example.com
       |              ^^^^^^^^^^^^^^^^^^
       |
       = hint: write an IP address, as in `203.0.113.10`, `203.0.113.10:8443` or `[2001:db8::1]:443`

    error: `equals`: `${…}` is no placeholder
      --> purgit.yaml:19:42
       |
    19 |     expect: { header: X-Release, equals: "${commit}" }
       |                                          ^^^^^^^^^^^
       |
       = hint: there is `${revision}`

    error: `gone`: the list is empty
      --> purgit.yaml:20:5
       |
    20 |     gone: []
       |     ^^^^
       |
       = hint: name at least one, such as 404

    error: `sample`: expected a whole number from 1 to 100000, found `0`
      --> purgit.yaml:21:13
       |
    21 |     sample: 0
       |             ^
    "##);
}

#[test]
fn an_expectation_is_one_of_four() {
    for (text, message) in [
        (
            "bytes",
            "`expect`: expected `content`, `status`, or a mapping",
        ),
        (
            "{ equals: a }",
            "expected exactly one of `header`, `file`, found 0 of them",
        ),
        ("{ header: A, file: /a, equals: a }", "found 2 of them"),
        ("{ header: \"a b\", equals: a }", "`a b` is no header field"),
        (
            "{ file: release.txt, equals: a }",
            "this is not the path of a URL",
        ),
        ("{ file: /release.txt }", "missing field `equals`"),
    ] {
        let block = format!("    url: https://origin.example.com/\n    expect: {text}\n");
        let found = read(&block).unwrap_err();
        assert!(found.contains(message), "{text}\n{found}");
    }
}

#[test]
fn a_secret_does_not_go_over_plain_http_to_where_others_may_read_it() {
    let with = |url: &str, more: &str| {
        read(&format!(
            "    url: {url}\n    headers: {{ X-Bypass: {{ env: A }} }}\n{more}"
        ))
    };
    for (url, more) in [
        ("http://origin.example.com/", ""),
        ("http://192.0.2.1/", ""),
        (
            "https://origin.example.com/",
            "    resolve: http://192.0.2.1\n",
        ),
        ("http://origin.example.com/", "    resolve: 192.0.2.1\n"),
    ] {
        let found = with(url, more).unwrap_err();
        assert!(
            found.contains("plain http would show the secret of `x-bypass`"),
            "{found}"
        );
    }
    for (url, more) in [
        ("https://origin.example.com/", ""),
        ("http://10.0.0.1:8080/", ""),
        ("http://localhost:8080/", ""),
        ("http://origin.example.com/", "    resolve: 10.0.0.1\n"),
    ] {
        assert_eq!(with(url, more).err(), None, "{url} {more}");
    }
    // What is no secret may go anywhere.
    assert_eq!(read("    url: http://origin.example.com/\n").err(), None);
}
