//! A second, made-up CDN that differs from the first in every respect, so that the shared parts are
//! shaped like neither: a token is exchanged first, a request has one target of any kind, bodies are
//! plain text, a task says where to ask and how long to wait, and only so many run at once.

use purgit::emulator::{
    AcceptedItem, Api, ApiKind, ApiOperation, ApiOptions, ApiRequest, Backend, EdgeSettings,
    Emulator, Eviction, Matching, Origin, Reply, Role, Running, Settings, Stage, Trouble,
};
use purgit::entry::TargetKind;
use tokio::time::{Duration, advance};

use super::client::{http, tagged_origin};

const SECRET: &str = "not-a-real-key";

const KIND: ApiKind = ApiKind {
    name: "second-cdn",
    operations: &[TOKEN, PURGE, QUERY],
    errors: &["1001", "1134"],
    request_id_header: Some("x-ray"),
    defaults: "--items-per-request 1",
    build: |options: &ApiOptions| match options.files_per_day {
        Some(_) => Err("second-cdn has no quota of a day".to_owned()),
        None => Ok(Box::<SecondCdn>::default()),
    },
};
const TOKEN: ApiOperation = operation("token", Role::Other);
const PURGE: ApiOperation = operation("purge", Role::Purge);
const QUERY: ApiOperation = operation("query", Role::Query);

const fn operation(name: &'static str, role: Role) -> ApiOperation {
    ApiOperation { name, role }
}

/// Tasks that may run at once.
const MAX_RUNNING: usize = 2;

/// Finds what is cached as loosely as an API can.
const LOOSE: Matching = Matching {
    ignore_case: true,
    ignore_query: true,
    ignore_port: true,
};

#[derive(Debug, Default)]
struct SecondCdn {
    /// The last token given out; a new one makes the old one bad.
    token: Option<String>,
    accepted: usize,
}

fn refused(status: u16, error: &str) -> Reply {
    let mut reply = Reply::new(status, "text/plain", error);
    reply.error = Some(error.to_owned());
    reply
}

impl SecondCdn {
    fn purge(&mut self, request: &ApiRequest, backend: &mut Backend<'_>) -> Reply {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let (kind, text) = body.split_once(' ').unwrap_or((&body, ""));
        let (kind, evicts) = match kind {
            "url" => (TargetKind::File, Eviction::url(text)),
            "prefix" => (TargetKind::Directory, Eviction::prefix(text)),
            "tag" => (TargetKind::Tag, Eviction::tag(text)),
            "host" => (TargetKind::Host, Eviction::host(text)),
            "everything" => (TargetKind::Everything, Eviction::everything()),
            _ => return refused(400, "1001 no such kind of purge"),
        };
        let now = backend.instant;
        let tasks = backend.tasks().iter();
        let running = tasks.filter(|task| task.stage(now) < Stage::Succeeded);
        if running.count() >= MAX_RUNNING {
            return refused(400, "1134 too many purges in progress");
        }
        self.accepted += 1;
        let item = AcceptedItem::new(kind, text.to_owned(), evicts.matching(LOOSE));
        let id = format!("T{}", self.accepted);
        let task = backend.start(PURGE, id, "zone", vec![item]);
        Reply::new(202, "text/plain", "")
            .header("location", format!("/tasks/{}", task.id))
            .retry_after(Duration::from_millis(1500))
    }
}

impl Api for SecondCdn {
    fn kind(&self) -> &'static ApiKind {
        &KIND
    }

    fn operation(&self, request: &ApiRequest) -> Option<ApiOperation> {
        match (request.method(), request.path()) {
            ("POST", "/token") => Some(TOKEN),
            ("POST", "/purge") => Some(PURGE),
            ("GET", path) if path.starts_with("/tasks/") => Some(QUERY),
            _ => None,
        }
    }

    fn answer(&mut self, request: &ApiRequest, backend: &mut Backend<'_>) -> Reply {
        let operation = self.operation(request);
        if operation == Some(TOKEN) && request.body() == SECRET.as_bytes() {
            let token = request.id.to_string();
            self.token = Some(token.clone());
            return Reply::new(200, "text/plain", token);
        }
        if self.token.is_none() || request.header("authorization") != self.token.as_deref() {
            return refused(401, "1000 who are you");
        }
        if operation == Some(PURGE) {
            return self.purge(request, backend);
        }
        let task = request.path().strip_prefix("/tasks/");
        match task.and_then(|id| backend.tasks().get(id)) {
            None => refused(404, "1002 no such task"),
            Some(task) => {
                let done = task.stage(backend.instant) == Stage::Succeeded;
                let word = if done { "done" } else { "pending" };
                Reply::new(200, "text/plain", backend.status_word().unwrap_or(word))
            }
        }
    }

    fn refuse(&self, _request: &ApiRequest, trouble: &Trouble) -> Reply {
        match trouble {
            Trouble::Throttled(None) => refused(429, "1015 slow down"),
            Trouble::Throttled(Some(wait)) => refused(429, "1015 slow down").retry_after(*wait),
            Trouble::Exhausted => refused(403, "1016 used up"),
            Trouble::Expired => refused(401, "1000 who are you"),
            Trouble::TooLarge => refused(413, "1017 too large"),
            Trouble::Documented { name, message } => refused(400, &format!("{name} {message}")),
        }
    }

    fn hosts(&self) -> Vec<String> {
        vec!["*.example.com".to_owned()]
    }

    fn endpoint(&self, api_url: &str) -> String {
        format!("  secondCdn: {{ loginUrl: {api_url}/token, secret: {{ env: SECOND_SECRET }} }}\n")
    }

    fn credentials(&self) -> Vec<(&'static str, String)> {
        vec![("SECOND_SECRET", SECRET.to_owned())]
    }
}

async fn start(settings: Settings) -> Running {
    let api = (KIND.build)(&ApiOptions::default()).unwrap();
    Emulator::start(settings, api).await.unwrap()
}

async fn send(running: &Running, path: &str, token: &str, body: &str) -> reqwest::Response {
    let url = format!("{}{path}", running.api_url());
    let method = if path.starts_with("/tasks/") {
        "GET"
    } else {
        "POST"
    };
    let request = http().request(method.parse().unwrap(), url);
    let request = request.header("authorization", token).body(body.to_owned());
    request.send().await.unwrap()
}

async fn token(running: &Running) -> String {
    let answer = send(running, "/token", "", SECRET).await;
    answer.text().await.unwrap()
}

#[tokio::test]
async fn a_token_is_exchanged_first_and_remembered_by_the_api() {
    let running = start(Settings::default()).await;
    let refused = send(&running, "/purge", "", "everything").await;
    assert_eq!(refused.status().as_u16(), 401);
    assert_eq!(refused.headers()["x-ray"].len(), 36);
    let first = token(&running).await;
    let second = token(&running).await;
    for (token, status) in [(first, 401), (second, 202)] {
        let answer = send(&running, "/purge", &token, "tag red").await;
        assert_eq!(answer.status().as_u16(), status);
    }
    let records = running.requests();
    let names: Vec<_> = records
        .iter()
        .filter_map(|record| record.operation)
        .collect();
    assert_eq!(names, ["purge", "token", "token", "purge", "purge"]);
    let last = records.last().unwrap();
    assert_eq!((last.items, last.task.as_deref()), (1, Some("T1")));
    assert_eq!(running.purge_log()[0].listed(TargetKind::Tag), ["red"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_says_where_to_ask_and_so_many_run_at_once() {
    let running = start(Settings {
        latency: Duration::from_secs(10),
        faults: vec!["status-word=hm*1+1".parse().unwrap()],
        ..Settings::default()
    })
    .await;
    let token = token(&running).await;
    let first = send(&running, "/purge", &token, "everything").await;
    assert_eq!(first.headers()["retry-after"], "2");
    let location = first.headers()["location"].to_str().unwrap().to_owned();
    let status = async |body: &str| {
        send(&running, "/purge", &token, body)
            .await
            .status()
            .as_u16()
    };
    assert_eq!([status("tag a").await, status("tag b").await], [202, 400]);
    let word = async || {
        send(&running, &location, &token, "")
            .await
            .text()
            .await
            .unwrap()
    };
    assert_eq!([word().await, word().await], ["pending", "hm"]);
    advance(Duration::from_secs(10)).await;
    assert_eq!(word().await, "done");
    assert_eq!(status("tag b").await, 202);
}

#[tokio::test]
async fn faults_speak_the_words_of_this_api() {
    let running = start(Settings::default()).await;
    let token = token(&running).await;
    let leaked = format!(
        "1001 Refused by a fault. SECOND_SECRET is not-a-real-key. \
         Authorization is {token}."
    );
    for (fault, status, text) in [
        ("error=1134", 400, "1134 Refused by a fault."),
        ("exhausted*1", 403, "1016 used up"),
        ("throttle=7@purge", 429, "1015 slow down"),
        ("expire", 401, "1000 who are you"),
        ("leak=1001", 400, &leaked),
    ] {
        running.inject(fault.parse().unwrap()).unwrap();
        let answer = send(&running, "/purge", &token, "everything").await;
        assert_eq!(answer.status().as_u16(), status, "{fault}");
        assert_eq!(answer.text().await.unwrap(), text, "{fault}");
    }
    let unknown = running.inject("html@preload".parse().unwrap()).unwrap_err();
    let message = "there is no operation `preload`; there are: token, purge, query";
    assert_eq!(unknown.to_string(), message);
    assert!(running.purge_log().is_empty());
}

#[tokio::test]
async fn the_manifest_and_the_options_are_its_own() {
    let running = start(Settings::default()).await;
    let manifest = running.manifest();
    assert!(manifest.contains("hosts: [\"*.example.com\"]\n  secondCdn: { loginUrl: http://127."));
    assert_eq!(
        running.credentials(),
        [("SECOND_SECRET", SECRET.to_owned())]
    );
    let options = ApiOptions {
        files_per_day: Some(1),
        ..ApiOptions::default()
    };
    let refused = (KIND.build)(&options).unwrap_err();
    assert_eq!(refused, "second-cdn has no quota of a day");
}

#[tokio::test]
async fn every_kind_of_target_leaves_the_edge_and_nothing_else() {
    let origin = Origin::Url(tagged_origin().await.parse().unwrap());
    let running = start(Settings {
        edge: Some(EdgeSettings::new(origin)),
        ..Settings::default()
    })
    .await;
    let token = token(&running).await;
    let edge = running.edge_url().unwrap();
    let look = async |page: &str| {
        let (host, path) = page.split_at(page.find('/').unwrap());
        let request = http().get(format!("{edge}{path}")).header("host", host);
        let seen = request.send().await.unwrap();
        seen.headers()["x-cache"].to_str().unwrap().to_owned()
    };
    let pages = ["one:1/red/a?v=1", "one:1/blue/a", "two/Red/a", "two/b"];
    for (purge, misses) in [
        ("url /RED/A", vec!["one:1/red/a?v=1", "two/Red/a"]),
        ("url http://one/blue/A", vec!["one:1/blue/a"]),
        ("prefix one/R", vec!["one:1/red/a?v=1"]),
        ("prefix /b", vec!["one:1/blue/a", "two/b"]),
        ("tag red", vec!["one:1/red/a?v=1", "two/Red/a"]),
        (
            "tag a",
            vec!["one:1/red/a?v=1", "one:1/blue/a", "two/Red/a"],
        ),
        ("host One", vec!["one:1/red/a?v=1", "one:1/blue/a"]),
        ("everything", pages.to_vec()),
    ] {
        for page in pages {
            look(page).await;
        }
        assert_eq!(send(&running, "/purge", &token, purge).await.status(), 202);
        let mut found = Vec::new();
        for page in pages {
            if look(page).await == "MISS" {
                found.push(page);
            }
        }
        assert_eq!(found, misses, "{purge}");
    }
}

#[test]
fn without_leave_nothing_is_loose() {
    let tags = ["Red".to_owned()];
    let takes = |eviction: &Eviction, page: &str| {
        let (host, target) = page.split_at(page.find('/').unwrap());
        eviction.takes(host, target, &tags)
    };
    for (eviction, taken, left) in [
        (
            Eviction::url("http://Example.com:80/A?b"),
            "example.com/A?b",
            vec!["example.com/a?b", "example.com/A", "example.com:80/A?b"],
        ),
        (Eviction::url("https://h:80"), "h:80/", vec!["h/"]),
        (Eviction::url("http://h?x"), "h/?x", vec!["h/"]),
        (Eviction::url("/a"), "two:1/a", vec!["two:1/a/"]),
        (
            Eviction::prefix("http://h/d/"),
            "h/d/x?v",
            vec!["h/d", "i/d/x"],
        ),
        (Eviction::prefix("/d"), "h/da.html", vec!["h/D"]),
        (Eviction::host("H:1"), "h:1/a", vec!["h/a", "h:2/a"]),
        (Eviction::tag("Red"), "h/a", vec![]),
        (Eviction::everything(), "i:1/?b", vec![]),
    ] {
        assert!(takes(&eviction, taken), "{eviction:?}");
        for page in left {
            assert!(!takes(&eviction, page), "{eviction:?}: {page}");
        }
    }
    assert!(!takes(&Eviction::tag("red"), "h/a"));
    let any_port = Matching {
        ignore_port: true,
        ..Matching::default()
    };
    let local = Eviction::host("[::1]").matching(any_port);
    assert!(takes(&local, "[::1]:8/a") && !takes(&local, "[::2]:8/a"));
}
