//! CloudFront: signatures, paths, and what each answer means.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use purgit::credential::Credentials;
use purgit::entry::{Target, TargetKind};
use purgit::operation::Task;
use purgit::provider::cloudfront::Cloudfront;
use purgit::provider::cloudfront::config::Config;
use purgit::provider::cloudfront::signing::{DATE_HEADER, Signable, TOKEN_HEADER, scope};
use purgit::provider::{
    Answer, ApiError, Auth, Budget, Counts, Effect, ItemReport, Progress, Provider, Tasks as _,
    Window,
};
use purgit::secret::Secret;
use purgit::transport::retry::RetryClass;
use purgit::transport::{Request, Response};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::samples::{
    DISTRIBUTION, INVALIDATION, KEY_VALUE, afternoon, cloudfront_config, invalidation,
};
use super::{operation, response, targets};
use crate::emulator::vendor_sdks::python;

const BASE: &str = "/2020-05-31/distribution/EDFDVBD6EXAMPLE/invalidation";

/// A purge of everything under the reference of the published signatures.
const BODY: &str = r#"<InvalidationBatch xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Paths><Quantity>1</Quantity><Items><Path>/*</Path></Items></Paths><CallerReference>ref-1</CallerReference></InvalidationBatch>"#;

/// Which two other programs computed alike: the hash of the canonical request, and the signature.
const VECTORS: [(&str, &str, &str, &str, &str, &str); 4] = [
    (
        "POST",
        "",
        "",
        "",
        "b9750683a0b72a88653a24864c4c324839c41e5f81dce2852ae2c60572a08af2",
        "fc4d077ffb08155092d25a77e6e2a3ce6e561b66662cf9b7bdfec98b684c1686",
    ),
    (
        "POST",
        "",
        "",
        "tok",
        "0e9316e24043b87762349a32efaa1848eed6047102973ee840cc8876980994bb",
        "78dbc46521985f9fc12e2d267bdd1bed9d7c3a9da676467929ebea2bec812b82",
    ),
    (
        "GET",
        "/IDFDVBD632BHDS5",
        "",
        "",
        "adfae3c43492711f994008653566b15e09b384351379b29336a88f391816fbd6",
        "8cc9770815665f01a294767c42ac2f15f900e6f4ee821cf05508aa0f3ffd6b64",
    ),
    (
        "GET",
        "",
        "MaxItems=2&Marker=IDFDVBD632BHDS5",
        "",
        "6c2017f627376112b2c7d125aaaf6a354db356e1ad4f8a6e97d19381c5a1cc12",
        "8f923d4faeb1300ea18d5e41d7884e2d60d9fd15a92d1eef9df871958d579126",
    ),
];

#[test]
fn signatures_are_those_of_other_programs() {
    for (method, tail, query, token, canonical, signature) in VECTORS {
        let path = format!("{BASE}{tail}");
        let headers = [
            ("host", "cloudfront.amazonaws.com"),
            (DATE_HEADER, "20240102T130405Z"),
            (TOKEN_HEADER, token),
        ];
        let signable = Signable {
            method,
            path: &path,
            query,
            headers: &headers[..if token.is_empty() { 2 } else { 3 }],
            body: if method == "POST" {
                BODY.as_bytes()
            } else {
                b""
            },
        };
        let text = signable.canonical();
        assert_eq!(hex::encode(Sha256::digest(&text)), canonical, "{text}");
        let found = signable.signature(KEY_VALUE, "us-east-1", afternoon());
        assert_eq!(found, signature);
    }
}

/// Requests of any shape, as the vendor's library signs them.
#[test]
fn signatures_are_those_of_the_vendors_library() {
    // What RFC 3986 leaves unreserved: the library takes other escapes in a query for good.
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    let Some(mut python) = python("cloudfront_signatures.py") else {
        return;
    };
    let text = |least: usize, most: usize| {
        proptest::collection::vec(proptest::char::range(' ', 'þ'), least..most)
            .prop_map(|chars| chars.into_iter().collect::<String>())
    };
    let escaped = |text: &str| percent_encode(text.as_bytes(), RESERVED).to_string();
    let request = (
        proptest::collection::vec(text(1, 8), 1..5),
        proptest::collection::vec((text(1, 6), text(0, 8)), 0..4),
        proptest::option::of("[A-Za-z0-9/+=]{1,80}"),
        text(0, 60),
        "(us-east-1|cn-northwest-1)",
        "[A-Za-z0-9/+]{20,40}",
    );
    let mut runner = TestRunner::deterministic();
    let mut lines = String::new();
    let mut expected = String::new();
    for number in 0..200 {
        let (path, query, token, body, region, secret) =
            request.new_tree(&mut runner).unwrap().current();
        let path: String = path
            .iter()
            .map(|part| format!("/{}", escaped(part)))
            .collect();
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect();
        let query = query.join("&");
        let method = if number % 2 == 0 { "POST" } else { "GET" };
        let token = token.unwrap_or_default();
        let headers = [
            ("host", "cloudfront.amazonaws.com"),
            (DATE_HEADER, "20240102T130405Z"),
            (TOKEN_HEADER, &*token),
        ];
        let signable = Signable {
            method,
            path: &path,
            query: &query,
            headers: &headers[..if token.is_empty() { 2 } else { 3 }],
            body: body.as_bytes(),
        };
        let signature = signable.signature(&secret, &region, afternoon());
        expected += &format!(
            "AWS4-HMAC-SHA256 Credential=AKID/{}, SignedHeaders={}, Signature={signature}\n",
            scope(&region, afternoon()),
            signable.signed_headers(),
        );
        let url = format!("https://cloudfront.amazonaws.com{path}?{query}");
        let line = json!({
            "method": method, "url": url, "body": body, "key": "AKID", "secret": secret,
            "token": token, "region": region,
        });
        lines += &format!("{line}\n");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests");
    std::fs::write(&file, lines).unwrap();
    let output = python.arg(file).output().unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    for (number, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "{number}");
    }
    assert_eq!(found.lines().count(), 200);
}

fn credentials(token: Option<&str>) -> Credentials {
    let keys = [
        ("accessKeyId", "AKIDEXAMPLE"),
        ("secretAccessKey", KEY_VALUE),
    ];
    let token = token.map(|token| ("sessionToken", token));
    let keys = keys.into_iter().chain(token);
    Credentials::new(keys.map(|(name, text)| (name, Secret::new(text))))
}

fn auth(credentials: &Credentials) -> Auth<'_> {
    Auth {
        credentials,
        token: None,
        now: afternoon(),
    }
}

fn submit(config: Config, targets: &[Target], token: Option<&str>) -> Request {
    let provider = Cloudfront::new(config);
    let mut operation = operation(&provider, targets);
    "ref-1".clone_into(&mut operation.id);
    provider.submit(&operation, auth(&credentials(token)))
}

fn authorization(request: &Request) -> &str {
    let found = request
        .headers
        .iter()
        .find(|(name, _)| *name == "authorization");
    found.unwrap().1.expose()
}

#[test]
fn a_purge_is_signed_as_a_whole() {
    let everything = targets(TargetKind::Everything, &[""]);
    let request = submit(cloudfront_config(), &everything, None);
    assert_eq!(
        request.url,
        format!("https://cloudfront.amazonaws.com{BASE}")
    );
    assert_eq!(String::from_utf8(request.body.clone()).unwrap(), BODY);
    let scope = "AKIDEXAMPLE/20240102/us-east-1/cloudfront/aws4_request";
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={}",
        VECTORS[0].5
    );
    assert_eq!(authorization(&request), expected);
    // The caller reference is the operation's id, so that a retry is the same invalidation.
    assert_eq!(submit(cloudfront_config(), &everything, None), request);
    let of_session = submit(cloudfront_config(), &everything, Some("tok"));
    let expected = format!(
        "SignedHeaders=host;x-amz-date;x-amz-security-token, Signature={}",
        VECTORS[1].5
    );
    assert!(authorization(&of_session).ends_with(&expected));
}

#[test]
fn the_china_partition_has_a_region_of_its_own_and_no_tags() {
    let config = Config {
        api_url: "https://cloudfront.cn-northwest-1.amazonaws.com.cn".to_owned(),
        ..cloudfront_config()
    };
    let request = submit(
        config.clone(),
        &targets(TargetKind::Everything, &[""]),
        None,
    );
    assert!(authorization(&request).contains("/20240102/cn-northwest-1/cloudfront/"));
    let tag = &targets(TargetKind::Tag, &["a"])[0];
    assert!(Cloudfront::new(config).lower(tag).is_err());
    assert!(Cloudfront::new(cloudfront_config()).lower(tag).is_ok());
}

#[test]
fn targets_become_paths_of_the_distribution() {
    let provider = Cloudfront::new(cloudfront_config());
    let long = format!("https://h.example/{}", "a".repeat(3999));
    for (kind, text, expected) in [
        (TargetKind::File, "https://h.example", "/"),
        (TargetKind::File, "https://h.example/Dir", "/Dir"),
        (
            TargetKind::File,
            "https://h.example/a b/é.png",
            "/a%20b/%C3%A9.png",
        ),
        (
            TargetKind::File,
            "https://h.example/a?b=c%26d&e",
            "/a?b=c%26d&e",
        ),
        (
            TargetKind::File,
            "https://h.example/a%2C%3B%27%40b%5B",
            "/a,;'@b%5B",
        ),
        (TargetKind::File, &*long, &long["https://h.example".len()..]),
        (TargetKind::Directory, "https://h.example/", "/*"),
        (TargetKind::Directory, "https://h.example/dir/", "/dir/*"),
        (TargetKind::Tag, "News", "#news"),
        (TargetKind::Everything, "", "/*"),
    ] {
        let item = provider.lower(&targets(kind, &[text])[0]).unwrap();
        assert_eq!(&*item.key, expected);
        let is_wildcard = expected.ends_with('*');
        assert_eq!(&*item.group == "wildcards", is_wildcard, "{text}");
    }
    for (kind, text) in [
        (TargetKind::File, "https://h.example/a*"),
        (TargetKind::File, "https://h.example/a?b=*"),
        (TargetKind::File, "https://h.example/a%2Ab"),
        (TargetKind::Directory, "https://h.example/a*b/"),
        (TargetKind::File, "https://h.example/~me/a"),
        (TargetKind::Directory, "https://h.example/%7Eme/"),
        (TargetKind::File, "https://h.example/a%2Fb"),
        (TargetKind::File, "https://h.example/a%3Fb"),
        (TargetKind::File, &*format!("{long}a")),
        (TargetKind::Tag, &*"t".repeat(257)),
        (TargetKind::Host, "h.example"),
    ] {
        let refusal = provider.lower(&targets(kind, &[text])[0]).unwrap_err();
        assert!(!refusal.hint.is_empty(), "{text}: {refusal}");
    }
}

#[test]
fn hosts_of_one_distribution_share_a_path_and_markup_is_escaped() {
    let both = targets(
        TargetKind::File,
        &["https://a.example/?b&c", "http://b.example/?b&c"],
    );
    let request = submit(cloudfront_config(), &both, None);
    let body = String::from_utf8(request.body).unwrap();
    assert!(body.contains("<Quantity>1</Quantity>"), "{body}");
    assert!(body.contains("<Path>/?b&amp;c</Path>"), "{body}");
}

#[test]
fn what_is_in_progress_is_bounded_for_paths_and_for_wildcards() {
    let provider = Cloudfront::new(cloudfront_config());
    let budgets = provider.budgets(&provider.default_limits());
    let of = |window: fn(&Window) -> bool| {
        let items = |budget: &&Budget| matches!(budget.counts, Counts::Items(_));
        let budgets = budgets.iter().filter(items);
        let budgets = budgets.filter(|budget| window(&budget.window));
        budgets
            .map(|budget| (budget.counts.word(), budget.amount))
            .collect::<Vec<_>>()
    };
    let words = |paths, wildcards| {
        let (plain, wild) = ("file+tag".to_owned(), "directory+everything".to_owned());
        vec![(plain, paths), (wild, wildcards)]
    };
    assert_eq!(of(|window| *window == Window::InProgress), words(3000, 15));
    assert_eq!(of(|window| *window == Window::Request), words(1000, 15));
}

fn error(code: &str, message: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"#
    )
}

fn submitted(response: &Response) -> Result<Answer, ApiError> {
    let provider = Cloudfront::new(cloudfront_config());
    let everything = targets(TargetKind::Everything, &[""]);
    provider.submitted(&operation(&provider, &everything), response)
}

#[test]
fn each_refusal_has_its_meaning() {
    use RetryClass::{ClockSkew, Never, Throttled, Transient};
    let expired = "Signature expired: 20190929T171351Z is now earlier than 20190929T171436Z";
    for (status, code, message, retry, effect) in [
        (403, "AccessDenied", "no", Never, Effect::Credentials),
        (403, "InvalidClientTokenId", "", Never, Effect::Credentials),
        (403, "ExpiredToken", "", Never, Effect::Credentials),
        (
            403,
            "SignatureDoesNotMatch",
            "The request",
            Never,
            Effect::Credentials,
        ),
        (
            403,
            "SignatureDoesNotMatch",
            expired,
            ClockSkew,
            Effect::Credentials,
        ),
        (404, "NoSuchDistribution", "", Never, Effect::Endpoint),
        (
            400,
            "TooManyInvalidationsInProgress",
            "",
            Never,
            Effect::Full,
        ),
        (400, "InvalidArgument", "", Never, Effect::Items),
        (413, "BatchTooLarge", "", Never, Effect::Items),
        (
            400,
            "InvalidationBatchAlreadyExists",
            "",
            Never,
            Effect::Step,
        ),
        (400, "Throttling", "Rate exceeded", Throttled, Effect::Step),
        (503, "ServiceUnavailable", "", Transient, Effect::Step),
        (500, "InternalFailure", "", Transient, Effect::InDoubt),
        (400, "NobodyKnows", "", Never, Effect::Step),
    ] {
        let refused = submitted(&response(status, &error(code, message))).unwrap_err();
        assert_eq!((refused.retry, refused.effect), (retry, effect), "{code}");
        assert!(refused.summary.contains(code), "{}", refused.summary);
    }
}

#[test]
fn only_completed_is_an_end() {
    let provider = Cloudfront::new(cloudfront_config());
    let task = Task {
        id: INVALIDATION.to_owned(),
        details: json!({ "distribution": DISTRIBUTION }),
    };
    let polled = |response: &Response| provider.polled(&task, response);
    // As moto spells it.
    for word in ["Completed", "COMPLETED"] {
        let done = Answer::Settled(vec![ItemReport::rest(Progress::Succeeded)]);
        assert_eq!(polled(&response(200, &invalidation(word))), Ok(done));
    }
    for word in ["InProgress", "Completing", ""] {
        let running = Answer::Running {
            task: task.clone(),
            known: Vec::new(),
            ask_after: None,
        };
        assert_eq!(polled(&response(200, &invalidation(word))), Ok(running));
    }
    let other = invalidation("Completed").replace(INVALIDATION, "IOTHER");
    assert_eq!(
        polled(&response(200, &other)).unwrap_err().effect,
        Effect::InDoubt
    );
    let gone = error("NoSuchInvalidation", "");
    assert_eq!(
        polled(&response(404, &gone)).unwrap_err().effect,
        Effect::Forgotten
    );
    let hostile = invalidation("InProgress").replace(INVALIDATION, "../x");
    assert_eq!(
        submitted(&response(201, &hostile)).unwrap_err().effect,
        Effect::InDoubt
    );
}

#[test]
fn a_task_of_another_distribution_is_not_asked_about() {
    let provider = Cloudfront::new(cloudfront_config());
    let task = |id: &str, distribution: &str| Task {
        id: id.to_owned(),
        details: json!({ "distribution": distribution }),
    };
    assert!(provider.knows(&task(INVALIDATION, DISTRIBUTION)));
    assert!(!provider.knows(&task(INVALIDATION, "EOTHER")));
    assert!(!provider.knows(&task("../x", DISTRIBUTION)));
}

#[test]
fn the_distribution_tells_its_hosts_and_what_it_has() {
    let provider = Cloudfront::new(cloudfront_config());
    let body = |tags: &str| {
        format!(
            "<Distribution><Id>E</Id><Status>Deployed</Status><InProgressInvalidationBatches>2</InProgressInvalidationBatches><DomainName>d1.cloudfront.net</DomainName><DistributionConfig><Aliases><Quantity>2</Quantity><Items><CNAME>www.example.com</CNAME><CNAME>*.img.example.com</CNAME></Items></Aliases><Enabled>false</Enabled>{tags}</DistributionConfig></Distribution>"
        )
    };
    let said = provider.inspected(&[], &response(200, &body(""))).unwrap();
    assert_eq!(said.enabled, Some(false));
    let hosts = ["www.example.com", "*.img.example.com", "d1.cloudfront.net"];
    assert_eq!(said.hosts, hosts);
    let tags = "<CacheTagConfig><HeaderName>Cache-Tag</HeaderName></CacheTagConfig>";
    let with_tags = provider
        .inspected(&[], &response(200, &body(tags)))
        .unwrap();
    assert_ne!(said.words, with_tags.words);
    insta::assert_snapshot!(with_tags.words.join("; "), @"status Deployed; 2 invalidations in progress; cache tags in `Cache-Tag`");
    let denied = response(403, &error("AccessDenied", "no"));
    let said = provider.inspected(&[], &denied).unwrap();
    assert_eq!((said.remarks.len(), said.hosts.len()), (1, 0));
}
