//! What `doctor` makes of the facts that no emulator shows.

use chrono::TimeDelta;
use purgit::doctor::{self, Asked, Finding, Git, Level};
use purgit::manifest::resource::Project;
use purgit::manifest::{Counts, ManifestFile, parse};
use purgit::provider::{Inspection, Remark};
use purgit::transport::{TransportError, TransportErrorKind};

fn project(hosts: &str) -> Project {
    let text = format!(
        "apiVersion: purgit/v1alpha1\nkind: Project\nmetadata: {{ name: www }}\n---\n\
         apiVersion: purgit/v1alpha1\nkind: Endpoint\nmetadata: {{ name: www }}\nspec:\n  hosts: [{hosts}]\n  \
         azureChinaCdn:\n    subscriptionId: 00000000-0000-0000-0000-000000000001\n    \
         endpointId: 00000000-0000-0000-0000-000000000002\n    \
         credentials: {{ keyId: {{ env: A }}, keyValue: {{ env: B }} }}\n"
    );
    parse(vec![ManifestFile::new("purgit.yaml", text)])
        .project
        .unwrap()
}

fn about(check: &str, hosts: &str, asked: &Asked) -> Option<Finding> {
    let project = project(hosts);
    let now = "2026-11-20T08:00:00Z".parse().unwrap();
    let found = doctor::endpoint(&project.endpoints["www"], asked, None, now);
    found.into_iter().find(|finding| finding.check == check)
}

fn said(inspection: Inspection) -> Asked {
    Asked::Answered {
        skew: Some(TimeDelta::zero()),
        said: Ok(inspection),
    }
}

#[test]
fn certificates_are_told_plainly() {
    for (text, plain) in [
        (
            "invalid peer certificate: UnknownIssuer",
            "not signed by an authority that this machine trusts",
        ),
        (
            "invalid peer certificate: certificate expired: …",
            "has expired",
        ),
        ("invalid peer certificate: NotValidYet", "not valid yet"),
        (
            "invalid peer certificate: certificate not valid for name \"a\"",
            "for another host",
        ),
        (
            "received fatal alert: HandshakeFailure",
            "TLS handshake failed: received",
        ),
    ] {
        let error = TransportError {
            kind: TransportErrorKind::Tls,
            source: Some(text.into()),
        };
        let found = about("tls", "www.example.com", &Asked::NoAnswer(error)).unwrap();
        assert_eq!(found.level, Level::Failed);
        assert!(
            found.message.contains(plain) && found.message.contains(text),
            "{found:?}"
        );
        assert!(found.remedy.is_some());
    }
    let error = TransportError::from(TransportErrorKind::Connect);
    let found = about("connection", "www.example.com", &Asked::NoAnswer(error)).unwrap();
    assert!(found.remedy.unwrap().contains("HTTPS_PROXY"));
}

#[test]
fn hosts_are_compared_with_what_the_cdn_names() {
    let served = |hosts: &[&str]| {
        said(Inspection {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..Inspection::default()
        })
    };
    let level = |declared: &str, hosts: &[&str]| {
        about("hosts", declared, &served(hosts)).map(|found| found.level)
    };
    assert_eq!(level("www.example.com", &[]), None);
    assert_eq!(
        level("www.example.com", &["WWW.example.com"]),
        Some(Level::Ok)
    );
    assert_eq!(
        level("\"*.example.com\"", &["www.example.com"]),
        Some(Level::Ok)
    );
    assert_eq!(
        level("\"*.example.com\"", &["*.example.com"]),
        Some(Level::Ok)
    );
    let wild = said(Inspection {
        hosts: vec!["*.img.example.com".to_owned()],
        domains: vec!["example.org".to_owned()],
        ..Inspection::default()
    });
    let level = |declared: &str| about("hosts", declared, &wild).map(|found| found.level);
    for (declared, expected) in [
        ("cn.img.example.com", Level::Ok),
        ("a.cn.img.example.com", Level::Warning),
        ("example.org", Level::Ok),
        ("\"*.www.example.org\"", Level::Ok),
        ("badexample.org", Level::Warning),
    ] {
        assert_eq!(level(declared), Some(expected), "{declared}");
    }
    let found = about(
        "hosts",
        "www.example.com, cdn.example.com",
        &served(&["www.example.com"]),
    )
    .unwrap();
    assert_eq!(found.level, Level::Warning);
    assert!(
        found
            .message
            .starts_with("the CDN does not name cdn.example.com; it names www"),
        "{found:?}"
    );
}

#[test]
fn an_endpoint_that_is_off_fails_and_one_that_cannot_be_asked_does_not() {
    let off = said(Inspection {
        enabled: Some(false),
        ..Inspection::default()
    });
    let found = about("endpoint", "www.example.com", &off).unwrap();
    assert_eq!(
        (found.level, &*found.message),
        (Level::Failed, "switched off")
    );
    let silent = about("endpoint", "www.example.com", &said(Inspection::default())).unwrap();
    assert_eq!((silent.level, &*silent.message), (Level::Ok, "known"));
    let unasked = about("connection", "www.example.com", &Asked::NoQuestion).unwrap();
    assert_eq!(unasked.level, Level::Ok);
}

#[test]
fn what_should_be_known_is_a_warning_with_its_remedy() {
    let remark = Remark::new("the token ends on 2026-12-01", "make another");
    let soon = said(Inspection {
        remarks: vec![remark],
        ..Inspection::default()
    });
    let project = project("www.example.com");
    let now = "2026-11-20T08:00:00Z".parse().unwrap();
    let found = doctor::endpoint(&project.endpoints["www"], &soon, None, now);
    let warned = found.iter().filter(|found| found.level == Level::Warning);
    let warned: Vec<_> = warned
        .map(|found| (&*found.message, found.remedy.as_deref()))
        .collect();
    assert_eq!(
        warned,
        [("the token ends on 2026-12-01", Some("make another"))]
    );
}

#[test]
fn clocks_are_compared_both_ways() {
    let clock = |seconds| {
        let skew = Some(TimeDelta::seconds(seconds));
        about(
            "clock",
            "a.example",
            &Asked::Answered {
                skew,
                said: Ok(Inspection::default()),
            },
        )
        .unwrap()
    };
    assert_eq!(clock(29).level, Level::Ok);
    assert_eq!(
        clock(3600).message,
        "this machine's clock is 1h behind the CDN's"
    );
    assert_eq!(
        clock(-90).message,
        "this machine's clock is 1m 30s ahead of the CDN's"
    );
}

#[test]
fn a_shallow_clone_and_empty_manifests_have_remedies() {
    let shallow = doctor::git(Git::Shallow);
    assert_eq!(shallow.level, Level::Warning);
    assert!(shallow.remedy.unwrap().contains("`fetch-depth: 0`"));
    let counts = |endpoints, purges| Counts {
        endpoints,
        purges,
        files: 1,
        ..Counts::default()
    };
    for (counts, level) in [
        (counts(0, 0), Level::Failed),
        (counts(1, 0), Level::Warning),
        (counts(1, 1), Level::Ok),
        (
            Counts {
                errors: 1,
                ..counts(1, 1)
            },
            Level::Failed,
        ),
        (
            Counts {
                warnings: 1,
                ..counts(1, 1)
            },
            Level::Warning,
        ),
    ] {
        let found = doctor::manifests(&counts);
        assert_eq!(found.level, level, "{found:?}");
        assert_eq!(found.remedy.is_some(), level != Level::Ok);
    }
}
