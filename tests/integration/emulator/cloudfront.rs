//! The emulated CloudFront: what it refuses, how an invalidation goes on, and what it takes out of a cache.

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use purgit::emulator::cloudfront::{
    ACCESS_KEY_ID, Cloudfront, DISTRIBUTION_ID, READ_ONLY_KEY_ID, SECRET_ACCESS_KEY,
    SESSION_KEY_ID, SESSION_TOKEN,
};
use purgit::emulator::{Bucket, EdgeSettings, Emulator, Origin, Running, Settings};
use sha2::{Digest as _, Sha256};
use tokio::time::{Duration, advance};

use super::client::{NOW, http, settings, tagged_origin};

fn strict() -> Cloudfront {
    Cloudfront {
        hosts: vec!["www.example.com".to_owned()],
        creates: Bucket::of_second(1000.0),
        ..Cloudfront::default()
    }
}

async fn start(api: Cloudfront, latency: u64) -> Running {
    let settings = Settings {
        latency: Duration::from_secs(latency),
        ..settings()
    };
    Emulator::start(settings, Box::new(api)).await.unwrap()
}

/// A request to be signed without any of the crate's code, with every part open to be spoilt.
#[derive(Clone)]
struct Raw {
    method: &'static str,
    path: String,
    query: &'static str,
    body: String,
    key: &'static str,
    secret: &'static str,
    token: Option<&'static str>,
    region: &'static str,
    at: DateTime<Utc>,
    signed_headers: Option<&'static str>,
    signature: Option<&'static str>,
}

fn base() -> String {
    format!("/2020-05-31/distribution/{DISTRIBUTION_ID}")
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

impl Raw {
    fn get(tail: &str) -> Self {
        Self {
            method: "GET",
            path: format!("{}{tail}", base()),
            query: "",
            body: String::new(),
            key: ACCESS_KEY_ID,
            secret: SECRET_ACCESS_KEY,
            token: None,
            region: "us-east-1",
            at: NOW.parse().unwrap(),
            signed_headers: None,
            signature: None,
        }
    }

    fn post(body: impl Into<String>) -> Self {
        Self {
            method: "POST",
            body: body.into(),
            ..Self::get("/invalidation")
        }
    }

    fn create(reference: &str, paths: &[&str]) -> Self {
        Self::post(batch(reference, paths))
    }

    async fn send(&self, running: &Running) -> Seen {
        let host = running.api_url().replace("http://", "");
        let time = self.at.format("%Y%m%dT%H%M%SZ").to_string();
        let mut headers = vec![("host", host), ("x-amz-date", time.clone())];
        headers.extend(
            self.token
                .map(|token| ("x-amz-security-token", token.to_owned())),
        );
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        let canonical = format!(
            "{}\n{}\n{}\n{lines}\n{names}\n{}",
            self.method,
            self.path,
            self.query,
            hex::encode(Sha256::digest(&self.body))
        );
        let day = &time[..8];
        let scope = format!("{day}/{}/cloudfront/aws4_request", self.region);
        let text = format!(
            "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
            hex::encode(Sha256::digest(canonical))
        );
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in [day, self.region, "cloudfront", "aws4_request", &text] {
            key = mac(&key, part);
        }
        let signature = hex::encode(key);
        let signature = self.signature.unwrap_or(&signature);
        let names = self.signed_headers.unwrap_or(&names);
        let url = format!("{}{}?{}", running.api_url(), self.path, self.query);
        let mut request = http()
            .request(self.method.parse().unwrap(), url)
            .header("authorization", format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", self.key))
            .body(self.body.clone());
        for (name, value) in headers.into_iter().skip(1) {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        let location = answer.headers().get("location");
        Seen {
            status: answer.status().as_u16(),
            location: location.map(|value| value.to_str().unwrap().to_owned()),
            text: answer.text().await.unwrap(),
        }
    }
}

fn batch(reference: &str, paths: &[&str]) -> String {
    let items: String = paths
        .iter()
        .map(|path| format!("<Path>{path}</Path>"))
        .collect();
    format!(
        r#"<InvalidationBatch xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Paths><Quantity>{}</Quantity><Items>{items}</Items></Paths><CallerReference>{reference}</CallerReference></InvalidationBatch>"#,
        paths.len()
    )
}

struct Seen {
    status: u16,
    location: Option<String>,
    text: String,
}

impl Seen {
    fn element(&self, name: &str) -> &str {
        let inner = self.text.split(&format!("<{name}>")).nth(1);
        let inner = inner.and_then(|rest| rest.split(&format!("</{name}>")).next());
        inner.unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    fn refusal(&self) -> (u16, &str) {
        (self.status, self.element("Code"))
    }
}

#[tokio::test]
async fn an_invalidation_is_created_and_asked_about() {
    let running = start(strict(), 0).await;
    let made = Raw::create("one", &["/a?b=c&amp;d", "/img/*", "#news"])
        .send(&running)
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.element("Id");
    let place = format!("{}{}/invalidation/{id}", running.api_url(), base());
    assert_eq!(made.location.as_deref(), Some(&*place));
    let seen = Raw::get(&format!("/invalidation/{id}"))
        .send(&running)
        .await;
    assert_eq!((seen.status, seen.element("Status")), (200, "Completed"));
    assert_eq!(seen.element("CallerReference"), "one");
    assert!(
        seen.text.contains("<Path>/a?b=c&amp;d</Path>"),
        "{}",
        seen.text
    );
    assert_eq!(running.purge_log()[0].items.len(), 3);
}

#[tokio::test]
async fn bodies_and_paths_are_checked() {
    let running = start(strict(), 0).await;
    let good = batch("one", &["/a"]);
    for (body, expected) in [
        (String::new(), (400, "MissingBody")),
        ("paths".to_owned(), (400, "MalformedXML")),
        (good.replace("2020-05-31", "2019"), (400, "MalformedXML")),
        (good.replace("Paths>", "Files>"), (400, "MalformedXML")),
        (good.replace("one", ""), (400, "MalformedInput")),
        (
            good.replace("<Quantity>1</Quantity>", ""),
            (400, "MalformedInput"),
        ),
        (good.replace(">1<", ">2<"), (400, "InconsistentQuantities")),
        (batch("one", &[]), (400, "InvalidArgument")),
        (batch("one", &vec!["/"; 3001]), (413, "BatchTooLarge")),
        (batch("one", &["/*"; 16]), (413, "BatchTooLarge")),
    ] {
        let seen = Raw::post(&*body).send(&running).await;
        assert_eq!(seen.refusal(), expected, "{body:.200}");
    }
    let (long, long_tag) = (
        format!("/{}", "a".repeat(4000)),
        format!("#{}", "a".repeat(257)),
    );
    for path in [
        "a", "/a*b", "/*a*", "/a b", "/é", "/~me/a", "/a[b]", "#", "#a*", "#a,b", &long, &long_tag,
    ] {
        let seen = Raw::create("one", &["/good", path]).send(&running).await;
        assert_eq!(seen.refusal(), (400, "InvalidArgument"), "{path}");
    }
    for path in [
        "/",
        "/a*",
        "/a.*",
        "/%7Eme/a",
        "/a%2Ab",
        "/%C3%A9",
        "/a?b=c",
        &long[1..].replacen('a', "/", 1),
    ] {
        let seen = Raw::create(path, &[path]).send(&running).await;
        assert_eq!(seen.status, 201, "{path}");
    }
    let without_tags = start(
        Cloudfront {
            tag_header: None,
            ..strict()
        },
        0,
    )
    .await;
    let seen = Raw::create("one", &["#news"]).send(&without_tags).await;
    assert_eq!(seen.refusal(), (400, "InvalidArgument"));
}

/// What is spoilt of a good purge, and how that is refused.
type Spoilt = (fn(&mut Raw), (u16, &'static str));

const SPOILT: [Spoilt; 12] = [
    (|raw| raw.key = "AKIDOTHER", (403, "InvalidClientTokenId")),
    (
        |raw| raw.key = SESSION_KEY_ID,
        (403, "InvalidClientTokenId"),
    ),
    (|raw| raw.token = Some("tok"), (403, "InvalidClientTokenId")),
    (|raw| raw.secret = "wrong", (403, "SignatureDoesNotMatch")),
    (
        |raw| raw.region = "eu-west-1",
        (403, "SignatureDoesNotMatch"),
    ),
    (
        |raw| raw.at += TimeDelta::minutes(6),
        (403, "SignatureDoesNotMatch"),
    ),
    (
        |raw| raw.at -= TimeDelta::minutes(6),
        (403, "SignatureDoesNotMatch"),
    ),
    (
        |raw| raw.signature = Some("0"),
        (403, "SignatureDoesNotMatch"),
    ),
    (
        |raw| raw.signed_headers = Some("host"),
        (400, "IncompleteSignature"),
    ),
    (|raw| raw.key = READ_ONLY_KEY_ID, (403, "AccessDenied")),
    (
        |raw| raw.path = raw.path.replace(DISTRIBUTION_ID, "EOTHER"),
        (404, "NoSuchDistribution"),
    ),
    (|raw| raw.path.push('s'), (400, "InvalidURI")),
];

#[tokio::test]
async fn who_asks_and_when_is_checked() {
    let running = start(strict(), 0).await;
    let good = Raw::create("one", &["/a"]);
    for (number, (spoil, expected)) in SPOILT.into_iter().enumerate() {
        let mut raw = good.clone();
        spoil(&mut raw);
        assert_eq!(raw.send(&running).await.refusal(), expected, "{number}");
    }
    let unknown = Raw::get("/invalidation/IOTHER").send(&running).await;
    assert_eq!(unknown.refusal(), (404, "NoSuchInvalidation"));
    let url = format!("{}{}", running.api_url(), base());
    let bare = http().get(url).send().await.unwrap().text().await.unwrap();
    assert!(bare.contains("MissingAuthenticationToken"), "{bare}");
    assert!(running.purge_log().is_empty());
    let at_the_edge = Raw {
        at: good.at + TimeDelta::minutes(5),
        ..good.clone()
    };
    let of_a_session = Raw {
        key: SESSION_KEY_ID,
        token: Some(SESSION_TOKEN),
        ..good
    };
    let read_only = Raw {
        key: READ_ONLY_KEY_ID,
        ..Raw::get("")
    };
    for raw in [at_the_edge, of_a_session, read_only] {
        let seen = raw.send(&running).await;
        assert!(seen.status < 300, "{}", seen.text);
    }
}

#[tokio::test]
async fn a_session_that_is_over_is_told_apart() {
    let mut api = strict();
    api.keys[2].ends = Some(NOW.parse().unwrap());
    let running = start(api, 0).await;
    let raw = Raw {
        key: SESSION_KEY_ID,
        token: Some(SESSION_TOKEN),
        ..Raw::get("")
    };
    assert_eq!(raw.send(&running).await.refusal(), (403, "ExpiredToken"));
}

#[tokio::test]
async fn a_reference_is_for_one_batch() {
    let running = start(strict(), 0).await;
    let first = Raw::create("one", &["/a", "/b"]).send(&running).await;
    let again = Raw::create("one", &["/a", "/b"]).send(&running).await;
    assert_eq!(
        (again.status, again.element("Id")),
        (201, first.element("Id"))
    );
    let other = Raw::create("one", &["/a"]).send(&running).await;
    assert_eq!(other.refusal(), (400, "InvalidationBatchAlreadyExists"));
    let new = Raw::create("two", &["/a", "/b"]).send(&running).await;
    assert_ne!(new.element("Id"), first.element("Id"));
    assert_eq!(running.purge_log().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn so_much_is_in_progress_at_once() {
    let running = start(strict(), 20).await;
    let paths: Vec<_> = (0..2999).map(|number| format!("/{number}")).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    let create = async |reference: &str, paths: &[&str]| {
        let seen = Raw::create(reference, paths).send(&running).await;
        (
            seen.status,
            seen.text.contains("TooManyInvalidationsInProgress"),
        )
    };
    assert_eq!(create("paths", &paths).await, (201, false));
    assert_eq!(create("wild", &["/w/*"; 15]).await, (201, false));
    assert_eq!(create("both", &["/a", "#b"]).await, (400, true));
    assert_eq!(create("last", &["/a"]).await, (201, false));
    assert_eq!(create("wilder", &["/x/*"]).await, (400, true));
    // A repeat is no new work.
    assert_eq!(create("last", &["/a"]).await, (201, false));
    let distribution = Raw::get("").send(&running).await;
    assert_eq!(distribution.element("InProgressInvalidationBatches"), "3");
    advance(Duration::from_secs(20)).await;
    assert_eq!(create("wilder", &["/x/*"]).await, (201, false));
    assert_eq!(create("both", &["/a", "#b"]).await, (201, false));
}

#[tokio::test(start_paused = true)]
async fn creating_is_slow_after_a_burst() {
    let running = start(
        Cloudfront {
            creates: Cloudfront::default().creates,
            ..strict()
        },
        0,
    )
    .await;
    for number in 0..6 {
        let seen = Raw::create(&number.to_string(), &["/a"])
            .send(&running)
            .await;
        assert_eq!(seen.status, 201);
    }
    let refused = Raw::create("7", &["/a"]).send(&running).await;
    assert_eq!(refused.refusal(), (400, "Throttling"));
    advance(Duration::from_secs(2)).await;
    assert_eq!(Raw::create("7", &["/a"]).send(&running).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_pages_newest_first() {
    let running = start(strict(), 10).await;
    let list = async |query: &'static str| {
        let raw = Raw {
            query,
            ..Raw::get("/invalidation")
        };
        raw.send(&running).await
    };
    let empty = list("").await;
    assert_eq!(
        (empty.element("Quantity"), empty.element("MaxItems")),
        ("0", "100")
    );
    let mut ids = Vec::new();
    for reference in ["1", "2", "3"] {
        let seen = Raw::create(reference, &["/a"]).send(&running).await;
        ids.push(seen.element("Id").to_owned());
        advance(Duration::from_secs(10)).await;
    }
    let page = list("MaxItems=2").await;
    assert_eq!(page.element("NextMarker"), ids[1]);
    assert_eq!(page.element("IsTruncated"), "true");
    assert!(
        page.text.rfind(&ids[2]) < page.text.rfind(&ids[1]),
        "{}",
        page.text
    );
    let query = format!("Marker={}", ids[1]);
    let rest = list(query.leak()).await;
    assert_eq!(
        (rest.element("Quantity"), rest.element("Status")),
        ("1", "Completed")
    );
    for query in ["MaxItems=0", "MaxItems=x", "Marker=IOTHER"] {
        assert_eq!(list(query).await.refusal(), (400, "InvalidArgument"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_words_are_two() {
    let running = start(strict(), 10).await;
    running.inject("fail-url=/bad".parse().unwrap()).unwrap();
    let good = Raw::create("good", &["/good"]).send(&running).await;
    let bad = Raw::create("bad", &["/bad"]).send(&running).await;
    let status = async |seen: &Seen| {
        let place = format!("/invalidation/{}", seen.element("Id"));
        Raw::get(&place)
            .send(&running)
            .await
            .element("Status")
            .to_owned()
    };
    assert_eq!(
        [status(&good).await, status(&bad).await],
        ["InProgress", "InProgress"]
    );
    advance(Duration::from_secs(10)).await;
    assert_eq!(
        [status(&good).await, status(&bad).await],
        ["Completed", "InProgress"]
    );
}

#[tokio::test]
async fn each_path_takes_out_what_it_means_and_nothing_else() {
    let settings = Settings {
        edge: Some(EdgeSettings::new(Origin::Url(
            tagged_origin().await.parse().unwrap(),
        ))),
        ..settings()
    };
    let running = Emulator::start(settings, Box::new(strict())).await.unwrap();
    let edge = running.edge_url().unwrap();
    let pages = [
        "/docs",
        "/docs/",
        "/docs/a",
        "/docs/a?v=1",
        "/docs/A",
        "/~me",
        "/a,b",
    ];
    let look = async |host: &str| {
        let mut hits = String::new();
        for page in pages {
            let request = http().get(format!("{edge}{page}")).header("host", host);
            let answer = request.send().await.unwrap();
            hits.push(if answer.headers()["x-cache"] == "HIT" {
                'h'
            } else {
                '-'
            });
        }
        hits
    };
    for host in ["www.example.com", "img.example.com"] {
        look(host).await;
    }
    for (path, kept) in [
        ("/docs/a", "hh-hhhh"),
        ("/docs/a?v=1", "hhh-hhh"),
        ("/docs/a*", "hh--hhh"),
        ("/docs", "-hhhhhh"),
        ("/docs/*", "h----hh"),
        ("/docs*", "-----hh"),
        ("#DOCS", "-----hh"),
        ("/%7Eme", "hhhhhhh"),
        ("/a%2Cb", "hhhhhhh"),
        ("/a,b", "hhhhhh-"),
        ("/*", "-------"),
    ] {
        assert_eq!(Raw::create(path, &[path]).send(&running).await.status, 201);
        // On all aliases.
        for host in ["www.example.com", "img.example.com"] {
            assert_eq!(look(host).await, kept, "{path}");
        }
    }
}
