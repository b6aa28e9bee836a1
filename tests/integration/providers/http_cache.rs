//! HTTP caches: the requests of each preset, and what each answer means.

use std::fmt::Write as _;

use insta::assert_snapshot;
use purgit::credential::Credentials;
use purgit::entry::{Target, TargetKind};
use purgit::manifest::resource::Endpoint;
use purgit::provider::{ApiError, Auth, Effect};
use purgit::secret::Secret;
use purgit::transport::retry::RetryClass;
use purgit::transport::{Request, Response};

use super::samples::{KEY_VALUE, afternoon};
use super::{operation, response, targets, with_header};
use crate::common::fleet::{http_cache, http_cache_of};

const NODE: &str = "http://10.0.0.1:6081";

fn preset(name: &str, more: &str) -> Endpoint {
    http_cache(&format!(
        "{{ preset: {name}, nodes: {{ static: [\"{NODE}\"] }}{more} }}"
    ))
}

fn requests(endpoint: &Endpoint, targets: &[Target]) -> Vec<Request> {
    let provider = &*endpoint.provider;
    let names = provider.credentials().into_iter();
    let credentials = Credentials::new(names.map(|(name, _)| (name, Secret::new(KEY_VALUE))));
    let auth = Auth {
        credentials: &credentials,
        token: None,
        now: afternoon(),
    };
    let operation = operation(provider, targets);
    provider
        .fleet()
        .unwrap()
        .requests(&operation.items, NODE, auth)
}

/// As they go over the wire, on a line each.
fn shown(endpoint: &Endpoint, targets: &[Target]) -> String {
    let mut out = String::new();
    for request in requests(endpoint, targets) {
        let path = request.url.strip_prefix(NODE).unwrap();
        write!(out, "{} {path}", request.method.as_str()).unwrap();
        for (name, value) in &request.headers {
            write!(out, " | {name}: {}", value.expose()).unwrap();
        }
        out.push('\n');
    }
    out
}

#[test]
fn each_preset_has_its_requests() {
    let mut out = String::new();
    for name in [
        "varnish",
        "varnish-fos",
        "nginx-purge",
        "nginx-refresh",
        "trafficserver",
        "squid",
        "drupal",
        "wordpress",
        "magento",
        "souin",
    ] {
        let endpoint = preset(name, "");
        writeln!(out, "{name}").unwrap();
        for (kind, text) in [
            (TargetKind::File, "https://www.example.com/a%20b.png?v=1"),
            (TargetKind::Directory, "https://www.example.com/d(1)/"),
            (TargetKind::Tag, "node:1"),
            (TargetKind::Host, "www.example.com"),
            (TargetKind::Everything, ""),
        ] {
            let target = targets(kind, &[text]);
            if endpoint.provider.lower(&target[0]).is_ok() {
                write!(out, "  {}", shown(&endpoint, &target)).unwrap();
            }
        }
    }
    assert_snapshot!(out, @"
    varnish
      PURGE /a%20b.png?v=1 | host: www.example.com
      BAN / | host: www.example.com | x-url: ^/d[(]1[)]/
      PURGEKEYS / | host: www.example.com | xkey-purge: node:1
      BAN / | host: www.example.com | x-url: ^/
    varnish-fos
      PURGE /a%20b.png?v=1 | host: www.example.com
      BAN / | host: www.example.com | x-content-type: .* | x-host: ^www[.]example[.]com$ | x-url: ^/d[(]1[)]/
      BAN / | host: www.example.com | x-cache-tags: (^|,)(node:1)(,|$) | x-content-type: .* | x-host: .* | x-url: .*
      BAN / | host: www.example.com | x-content-type: .* | x-host: ^www[.]example[.]com$ | x-url: .*
      BAN / | host: www.example.com | x-content-type: .* | x-host: .* | x-url: .*
    nginx-purge
      PURGE /a%20b.png?v=1 | host: www.example.com
    nginx-refresh
      GET /a%20b.png?v=1 | host: www.example.com | x-refresh: 1
    trafficserver
      PURGE /a%20b.png?v=1 | host: www.example.com
    squid
      PURGE /a%20b.png?v=1 | host: www.example.com
    drupal
      URIBAN /a%20b.png?v=1 | host: www.example.com
      BAN / | host: www.example.com | cache-tags: (^| )(node:1)( |$)
    wordpress
      PURGE /a%20b.png?v=1 | host: www.example.com | x-purge-method: default
      PURGE /d[(]1[)]/.* | host: www.example.com | x-purge-method: regex
      PURGE / | host: www.example.com | x-cache-tags-pattern: (^|[ ,])(node:1)([ ,]|$) | x-purge-method: tags
      PURGE /.* | host: www.example.com | x-purge-method: regex
    magento
      PURGE / | host: www.example.com | x-magento-tags-pattern: (^|,)(node:1)(,|$)
      PURGE / | host: www.example.com | x-magento-tags-pattern: .*
    souin
      PURGE /souin-api/souin/.+-www[.]example[.]com-/a%20b[.]png[%3F]v=1$ | host: www.example.com
      PURGE /souin-api/souin/.+-www[.]example[.]com-/d[(]1[)]/.* | host: www.example.com
      PURGE /souin-api/souin | host: www.example.com | surrogate-key: node:1
      PURGE /souin-api/souin/.+-www[.]example[.]com-/.* | host: www.example.com
      PURGE /souin-api/souin/flush | host: www.example.com
    ");
}

#[test]
fn tags_are_escaped_and_split_where_a_header_would_be_too_long() {
    let tags = targets(TargetKind::Tag, &["a", "b.c", "node:1", "node:12"]);
    let few = preset("varnish", ", tag: { maxBytes: 12 }");
    assert_eq!(
        shown(&few, &tags),
        "PURGEKEYS / | host: www.example.com | xkey-purge: a b.c\n\
         PURGEKEYS / | host: www.example.com | xkey-purge: node:1\n\
         PURGEKEYS / | host: www.example.com | xkey-purge: node:12\n"
    );
    let soft = preset("varnish", ", tag: { soft: true, separator: \",\" }");
    assert!(shown(&soft, &tags).ends_with("xkey-softpurge: a,b.c,node:1,node:12\n"));
    let pattern = preset("magento", "");
    assert!(
        shown(&pattern, &tags)
            .ends_with("x-magento-tags-pattern: (^|,)(a|b[.]c|node:1|node:12)(,|$)\n")
    );
    let long = &targets(TargetKind::Tag, &["a-long-tag-of-the-shop"])[0];
    let refused = few.provider.lower(long).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the tag takes 22 bytes in a header, limit 12"
    );
}

#[test]
fn hosts_are_named_as_the_rule_says_and_never_by_the_node() {
    let file = targets(TargetKind::File, &["https://www.example.com:8443/a"]);
    let named = |rule: &str| shown(&preset("squid", &format!(", host: {rule}")), &file);
    assert_eq!(named("{}"), "PURGE /a | host: www.example.com:8443\n");
    assert_eq!(
        named("{ from: Shop.example }"),
        "PURGE /a | host: shop.example\n"
    );
    assert_eq!(
        named("{ from: Shop.example, lower: false }"),
        "PURGE /a | host: Shop.example\n"
    );
    assert_eq!(
        named("{ header: X-Host }"),
        "PURGE /a | x-host: www.example.com:8443\n"
    );
    let wild = http_cache_of(
        "[\"*.example.com\"]",
        &format!("{{ preset: varnish, nodes: {{ static: [\"{NODE}\"] }} }}"),
    );
    let tags = targets(TargetKind::Tag, &["a"]);
    assert_eq!(shown(&wild, &tags), "PURGEKEYS / | xkey-purge: a\n");
}

#[test]
fn secrets_are_sent_where_they_belong_and_marked() {
    let endpoint = preset(
        "trafficserver",
        ", headers: { X-Purge-Token: { env: T } }, \
         directory: { trees: [/tree/], headers: { X-Tree-Purge: { env: TREE } } }",
    );
    let names: Vec<_> = endpoint.provider.credentials();
    let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        ["headers.x-purge-token", "directory.headers.x-tree-purge"]
    );
    let file = targets(TargetKind::File, &["https://www.example.com/tree/a"]);
    assert!(!shown(&endpoint, &file).contains("x-tree-purge"));
    let tree = targets(TargetKind::Directory, &["https://www.example.com/tree/"]);
    let sent = shown(&endpoint, &tree);
    assert!(
        sent.contains(&format!("x-tree-purge: {KEY_VALUE}")),
        "{sent}"
    );
    let request = requests(&endpoint, &tree).remove(0);
    assert!(!format!("{request:?}").contains(KEY_VALUE));
    let other = &targets(TargetKind::Directory, &["https://www.example.com/other/"])[0];
    let refused = endpoint.provider.lower(other).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the caches have no purge of directories but `/tree/`"
    );
}

#[test]
fn what_no_client_sends_or_no_cache_reads_is_refused_at_once() {
    let endpoint = preset("varnish", "");
    let refused = |kind, text: &str| {
        let target = &targets(kind, &[text])[0];
        endpoint.provider.lower(target).unwrap_err().to_string()
    };
    let quoted = refused(TargetKind::File, "https://www.example.com/a?b='c'");
    assert!(
        quoted.starts_with("HTTP clients change this URL"),
        "{quoted}"
    );
    let long = format!("https://www.example.com/{}/", "a.".repeat(3000));
    let long = refused(TargetKind::Directory, &long);
    assert!(long.contains("longer than 7500 bytes"), "{long}");
}

fn read(endpoint: &Endpoint, answer: &Response) -> Result<(), ApiError> {
    let provider = &*endpoint.provider;
    let file = targets(TargetKind::File, &["https://www.example.com/a"]);
    let operation = operation(provider, &file);
    provider
        .fleet()
        .unwrap()
        .confirmed(&operation.items, answer)
}

#[test]
fn an_answer_confirms_by_status_and_marks_together() {
    let marked = |status| with_header(response(status, ""), "cache-purge-result", "exact;count=0");
    let varnish = preset("varnish", "");
    assert_eq!(read(&varnish, &marked(200)), Ok(()));
    assert!(read(&varnish, &response(200, "")).is_err());
    assert!(read(&varnish, &marked(404)).is_err());
    let other = with_header(response(200, ""), "cache-purge-result", "not exact");
    assert!(read(&varnish, &other).is_err());

    let nginx = preset("nginx-purge", "");
    for status in [200, 404, 412] {
        assert_eq!(read(&nginx, &marked(status)), Ok(()));
        assert!(read(&nginx, &response(status, "")).is_err());
    }
    let server = preset("trafficserver", "");
    assert_eq!(read(&server, &response(200, "")), Ok(()));
    assert_eq!(read(&server, &response(404, "")), Ok(()));
    assert!(read(&server, &response(404, "Not Found on Accelerator")).is_err());
    assert!(read(&server, &with_header(response(200, ""), "age", "3")).is_err());
    let squid = preset("squid", "");
    assert_eq!(
        read(
            &squid,
            &with_header(response(404, ""), "server", "squid/5.7")
        ),
        Ok(())
    );
    assert!(read(&squid, &with_header(response(404, ""), "server", "nginx")).is_err());
    let own = preset(
        "varnish",
        ", url: { confirm: { status: [204], header: {} }, absent: [410] }",
    );
    assert_eq!(read(&own, &response(204, "")), Ok(()));
    assert_eq!(read(&own, &response(410, "")), Ok(()));
    assert!(read(&own, &marked(200)).is_err());
}

#[test]
fn every_other_answer_says_what_it_means() {
    use RetryClass::{Never, Throttled, Transient};
    let endpoint = preset("varnish", "");
    for (status, retry, effect) in [
        (200, Never, Effect::InDoubt),
        (202, Never, Effect::InDoubt),
        (204, Never, Effect::InDoubt),
        (302, Never, Effect::Endpoint),
        (400, Never, Effect::Endpoint),
        (401, Never, Effect::Credentials),
        (403, Never, Effect::Credentials),
        (404, Never, Effect::Step),
        (405, Never, Effect::Endpoint),
        (408, Transient, Effect::InDoubt),
        (410, Never, Effect::Step),
        (412, Never, Effect::Step),
        (429, Throttled, Effect::Step),
        (500, Transient, Effect::InDoubt),
        (501, Never, Effect::Endpoint),
        (503, Transient, Effect::InDoubt),
    ] {
        let error = read(&endpoint, &response(status, "")).unwrap_err();
        assert_eq!((error.retry, error.effect), (retry, effect), "{status}");
        assert!(error.summary.contains(&status.to_string()), "{error}");
    }
}

#[test]
fn the_question_of_doctor_changes_nothing() {
    let credentials = Credentials::default();
    let auth = Auth {
        credentials: &credentials,
        token: None,
        now: afternoon(),
    };
    let asked = |name: &str| {
        preset(name, "")
            .provider
            .fleet()
            .unwrap()
            .question(NODE, auth)
    };
    let request = asked("varnish").unwrap();
    assert!(request.url.ends_with("/nothing-is-here"), "{request:?}");
    assert_eq!(asked("nginx-refresh"), None, "it would fetch");
    assert_eq!(asked("magento"), None);
    let squid = preset("squid", "");
    let fleet = squid.provider.fleet().unwrap();
    let absent = with_header(response(404, ""), "server", "squid/5.7");
    assert_eq!(fleet.questioned(&absent), Ok(()));
    assert!(fleet.questioned(&response(403, "")).is_err());
}
