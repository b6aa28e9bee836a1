//! Laws that hold for every registered provider, and for the test's own one, which shows that the
//! port has room for other kinds of CDN. They go by what a provider declares.

use std::collections::BTreeSet;

use proptest::prelude::*;
use purgit::credential::Credentials;
use purgit::entry::{Target, TargetKind};
use purgit::operation::{Operation, Task};
use purgit::provider::{
    Answer, ApiError, Auth, Budget, Counts, Effect, Limits, Progress, REGISTRY, Reported, Tasks,
    Token, Window,
};
use purgit::secret::Secret;
use purgit::transport::destination::destination;
use purgit::transport::{HeaderValue, Request, Response};

use super::samples::{KEY_VALUE, Sample, afternoon, sample};
use super::{operation, response, tag_cdn, targets};

/// Statuses a CDN or something in between may answer with.
const STATUSES: [u16; 14] = [
    200, 201, 202, 204, 301, 400, 401, 403, 404, 407, 429, 500, 502, 503,
];

/// What is no answer of any CDN's API.
const FOREIGN: [&str; 12] = [
    "",
    " ",
    "<!doctype html><html><title>502 Bad Gateway</title></html>",
    "null",
    "true",
    "\"Succeeded\"",
    "[]",
    "{}",
    r#"{"Succeeded":true}"#,
    r#"{"message":"Bad"}"#,
    r#"{"Succeeded":false,"ErrorInfo":null}"#,
    r#"{"Succeeded":false,"AsyncInfo":{"TaskTrackId":"00000000-0000-0000-0000-000000000003"}}"#,
];

/// A token in the tests; distinct from the credential.
const TOKEN: &str = "not-a-real-token";

/// Most answers that a good end may take.
const MAX_ANSWERS: usize = 10;

fn all() -> Vec<Sample> {
    REGISTRY
        .iter()
        .map(|kind| sample(kind.name))
        .chain([
            tag_cdn::with_tasks(),
            tag_cdn::without_tasks(),
            tag_cdn::counting(),
        ])
        .collect()
}

/// Proof of identity, as the sample's provider wants it.
struct Proof {
    credentials: Credentials,
    token: Option<Token>,
}

impl Proof {
    fn of(sample: &Sample) -> Self {
        let names = sample.provider.credentials().into_iter();
        let token = sample.provider.exchange().map(|_| Token {
            value: Secret::new(TOKEN),
            expires_at: afternoon(),
        });
        Self {
            credentials: Credentials::new(names.map(|(name, _)| (name, Secret::new(KEY_VALUE)))),
            token,
        }
    }

    fn auth(&self) -> Auth<'_> {
        Auth {
            credentials: &self.credentials,
            token: self.token.as_ref(),
            now: afternoon(),
        }
    }
}

fn whole(sample: &Sample) -> Operation {
    operation(&*sample.provider, &sample.targets)
}

/// How to ask about a task, of a sample that has some.
fn asks(sample: &Sample) -> &dyn Tasks {
    sample.provider.tasks().unwrap()
}

/// The tasks that good answers lead to.
fn tasks(sample: &Sample) -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut answer = sample.provider.submitted(&whole(sample), &sample.accepted);
    for response in &sample.reported {
        let Ok(Answer::Running { task, .. }) = answer else {
            panic!("a question is left, and no task: {answer:?}");
        };
        answer = asks(sample).polled(&task, response);
        tasks.push(task);
    }
    assert!(matches!(answer, Ok(Answer::Settled(_))), "{answer:?}");
    tasks
}

/// Every request a provider can build, the exchange of credentials last.
fn requests(sample: &Sample) -> Vec<Request> {
    let (provider, proof) = (&sample.provider, Proof::of(sample));
    let mut requests = vec![provider.submit(&whole(sample), proof.auth())];
    let tasks = tasks(sample);
    requests.extend(
        tasks
            .iter()
            .map(|task| asks(sample).poll(task, proof.auth())),
    );
    let quotas = provider.quotas();
    requests.extend(quotas.map(|quotas| quotas.ask(proof.auth())));
    requests.extend(exchange(sample));
    requests
}

fn exchange(sample: &Sample) -> Option<Request> {
    let credentials = Proof::of(sample).credentials;
    let exchange = sample.provider.exchange()?;
    Some(exchange.request(&credentials, None, afternoon()))
}

#[test]
fn what_is_left_is_told_of_quotas_that_are_counted_and_by_the_cdn_alone() {
    let mut asked = 0;
    for sample in all() {
        let name = sample.provider.kind().name;
        let Some(quotas) = sample.provider.quotas() else {
            assert!(sample.left.is_none(), "{name} has no question");
            continue;
        };
        asked += 1;
        let good = sample.left.as_ref().expect("a good answer");
        let told = quotas.told(good).expect("a good answer");
        assert!(!told.is_empty(), "{name}");
        let budgets = sample.provider.budgets(&sample.provider.default_limits());
        for left in told {
            let is_it = |budget: &&Budget| {
                budget.counts == left.counts && budget.period(afternoon()).is_some()
            };
            assert!(
                budgets.iter().any(|budget| is_it(&budget)),
                "{name}: {left:?}"
            );
            assert!(left.left <= left.limit, "{name}: {left:?}");
        }
        for (status, body) in STATUSES
            .iter()
            .flat_map(|status| FOREIGN.map(|body| (*status, body)))
        {
            let told = quotas.told(&response(status, body));
            assert!(told.is_err(), "{name}: {status} {body}: {told:?}");
        }
    }
    assert!(asked > 0);
}

#[test]
fn names_are_unique_and_well_formed() {
    let names: BTreeSet<_> = REGISTRY.iter().map(|kind| kind.name).collect();
    let fields: BTreeSet<_> = REGISTRY.iter().map(|kind| kind.field).collect();
    assert_eq!(
        (names.len(), fields.len()),
        (REGISTRY.len(), REGISTRY.len())
    );
    for kind in REGISTRY {
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(kind.name.chars().all(kebab), "{}", kind.name);
        assert!(
            kind.field.chars().all(|c| c.is_ascii_alphanumeric()),
            "{}",
            kind.field
        );
        assert_eq!(sample(kind.name).provider.kind().name, kind.name);
    }
}

/// Some target of each kind.
fn any_kind() -> Vec<Target> {
    TargetKind::ALL
        .into_iter()
        .flat_map(|kind| {
            let text = match kind {
                TargetKind::File => "https://www.example.com/a",
                TargetKind::Directory => "https://www.example.com/a/",
                TargetKind::Tag => "a",
                TargetKind::Host => "www.example.com",
                TargetKind::Everything => "",
            };
            targets(kind, &[text])
        })
        .collect()
}

#[test]
fn every_kind_of_target_is_purged_or_refused_with_a_remedy() {
    for sample in all() {
        let name = sample.provider.kind().name;
        let purged: BTreeSet<_> = sample.targets.iter().map(Target::kind).collect();
        assert!(!purged.is_empty(), "{name}");
        for target in any_kind() {
            match sample.provider.lower(&target) {
                Ok(item) => {
                    assert!(
                        purged.contains(&target.kind()),
                        "{name}: no sample of {target:?}"
                    );
                    assert_eq!(item.target, target, "{name}");
                    assert!(!item.key.is_empty(), "{name}");
                }
                Err(refusal) => {
                    assert!(!purged.contains(&target.kind()), "{name}: {refusal}");
                    for text in [&refusal.message, &refusal.hint] {
                        assert!(text.len() > 10 && !text.ends_with('.'), "{name}: {text}");
                    }
                }
            }
        }
    }
}

#[test]
fn targets_are_one_item_only_where_the_cdn_does_not_tell_them_apart() {
    for sample in all() {
        // Those that may be taken for each other, with those that are what they say.
        let mut all = sample.targets.clone();
        for target in &sample.targets {
            let kind = target.kind();
            let upper = target.as_str().to_uppercase();
            all.extend(
                [upper.as_str()]
                    .iter()
                    .filter_map(|text| Target::parse(kind, text).ok()),
            );
        }
        all.extend(
            any_kind()
                .into_iter()
                .filter(|target| sample.provider.lower(target).is_ok()),
        );
        for one in &all {
            for other in &all {
                let is_same = |one: &Target, other: &Target| {
                    let identity = sample.identity;
                    (one.kind(), identity(one)) == (other.kind(), identity(other))
                };
                let (a, b) = (sample.provider.lower(one), sample.provider.lower(other));
                let (a, b) = (a.unwrap(), b.unwrap());
                let is_one = (&a.group, &a.key) == (&b.group, &b.key);
                assert_eq!(is_one, is_same(one, other), "{one} and {other}");
            }
        }
    }
}

fn check_budgets(sample: &Sample, limits: &Limits) {
    let name = sample.provider.kind().name;
    let budgets = sample.provider.budgets(limits);
    assert_eq!(budgets, sample.provider.budgets(limits));
    let references = sample.provider.credentials();
    let mut seen = Vec::new();
    for budget in budgets {
        assert!(budget.amount > 0, "{name}: {budget:?}");
        assert!(!budget.scope.is_empty(), "{name}");
        assert!(!budget.scope.contains(char::is_control), "{name}");
        // It is kept in the state.
        for (_, reference) in &references {
            assert!(!budget.scope.contains(&reference.to_string()), "{name}");
        }
        assert!(!budget.scope.contains(KEY_VALUE), "{name}");
        match budget.window {
            Window::Rate { per, burst } => {
                assert!(!per.is_zero() && burst > 0, "{name}: {budget:?}");
            }
            // A request is one request.
            Window::Request => assert_ne!(budget.counts, Counts::Requests, "{name}"),
            Window::Day(_) | Window::Unanswered | Window::InProgress => {}
        }
        if let Counts::Items(kinds) = budget.counts {
            assert!(!kinds.is_empty(), "{name}");
            for kind in kinds {
                let purged = sample.targets.iter().any(|target| target.kind() == *kind);
                assert!(purged, "{name} counts {kind}, which it does not purge");
            }
        }
        let same = (budget.scope, budget.counts, budget.window);
        assert!(!seen.contains(&same), "{name}: {same:?} twice");
        seen.push(same);
    }
}

proptest! {
    #[test]
    fn budgets_can_be_kept_to_whatever_the_limits_are(
        files_per_day in 1_u32..,
        items_per_request in 1_usize..10_000,
        requests_per_second in 0.001_f64..1000.0,
        concurrent_requests in 1_usize..256,
    ) {
        for sample in all() {
            let default = sample.provider.default_limits();
            check_budgets(&sample, &default);
            let limits = Limits {
                files_per_day,
                directories_per_day: files_per_day,
                items_per_request,
                requests_per_second,
                concurrent_requests,
                ..default
            };
            check_budgets(&sample, &limits);
        }
    }
}

#[test]
fn the_same_inputs_give_the_same_requests() {
    for sample in all() {
        assert_eq!(requests(&sample), requests(&sample));
    }
}

#[test]
fn requests_can_be_sent_as_they_are_and_go_where_the_identity_says() {
    for sample in all() {
        let identity = sample.provider.identity().to_string();
        for request in requests(&sample) {
            let url = destination(&request).unwrap();
            let origin = url.origin().ascii_serialization();
            assert!(identity.contains(&origin), "{origin} is not in {identity}");
            for (name, value) in &request.headers {
                assert_eq!(*name, name.to_ascii_lowercase());
                let mut bytes = value.expose().bytes();
                assert!(bytes.all(|byte| (0x20..0x7f).contains(&byte)));
            }
        }
    }
}

#[test]
fn no_secret_stands_where_it_could_be_read() {
    for sample in all() {
        let exchange = exchange(&sample);
        for request in requests(&sample) {
            for secret in [KEY_VALUE, TOKEN] {
                assert!(!format!("{request:?}").contains(secret));
                assert!(!request.url.contains(secret));
                let body = String::from_utf8_lossy(&request.body);
                // Where credentials are exchanged, they have to be in there.
                let exchanged = exchange.as_ref() == Some(&request);
                assert!(exchanged || !body.contains(secret), "{request:?}");
                for (name, value) in &request.headers {
                    let is_marked = matches!(value, HeaderValue::Secret(_));
                    assert!(is_marked || !value.expose().contains(secret), "{name}");
                }
            }
        }
        let shown = format!("{:?} {}", sample.provider, sample.provider.identity());
        assert!(!shown.contains(KEY_VALUE));
    }
}

#[test]
fn good_answers_lead_to_the_success_of_every_item() {
    for sample in all() {
        let (provider, whole) = (&sample.provider, whole(&sample));
        let mut answers = vec![provider.submitted(&whole, &sample.accepted)];
        let tasks = tasks(&sample);
        let reported = tasks.iter().zip(&sample.reported);
        answers.extend(reported.map(|(task, response)| asks(&sample).polled(task, response)));
        assert!(answers.len() < MAX_ANSWERS);
        let mut open: BTreeSet<_> = whole.items.iter().map(|item| item.key.clone()).collect();
        for answer in answers {
            let (Answer::Settled(known) | Answer::Running { known, .. }) = answer.unwrap();
            for report in known {
                assert_eq!(report.progress, Progress::Succeeded);
                match report.of {
                    Reported::Item(key) => drop(open.remove(&key)),
                    Reported::Rest => open.clear(),
                }
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

/// Answers to the purge and to each question about it, if every answer was this one.
fn answers(sample: &Sample, response: &Response) -> Vec<Result<Answer, ApiError>> {
    let provider = &sample.provider;
    let mut answers = vec![provider.submitted(&whole(sample), response)];
    let tasks = tasks(sample);
    answers.extend(tasks.iter().map(|task| asks(sample).polled(task, response)));
    answers
}

/// What is no answer of the CDN must neither panic nor count as accepted, done or proven.
fn assert_no_success(sample: &Sample, response: &Response) {
    for (number, answer) in answers(sample, response).into_iter().enumerate() {
        if let Ok(Answer::Settled(known) | Answer::Running { known, .. }) = &answer {
            let proves = |progress| progress == Progress::Succeeded;
            assert!(
                !known.iter().any(|report| proves(report.progress)),
                "{response:?}"
            );
        }
        let is_accepted = number == 0 && matches!(answer, Ok(Answer::Running { .. }));
        assert!(!is_accepted, "{response:?}");
    }
    if let Some(exchange) = sample.provider.exchange() {
        assert!(
            exchange.token(response, None, afternoon()).is_err(),
            "{response:?}"
        );
    }
    let id = sample.provider.correlation_id(response);
    assert!(id.is_none_or(|id| !id.is_empty() && id.len() < 1000));
}

#[test]
fn a_good_body_under_a_bad_status_is_no_success() {
    for sample in all() {
        for status in STATUSES.into_iter().filter(|status| *status >= 300) {
            for good in sample.reported.iter().chain([&sample.accepted]) {
                let bad = Response {
                    status,
                    ..good.clone()
                };
                assert_no_success(&sample, &bad);
            }
        }
    }
}

#[test]
fn answers_cut_short_are_no_success() {
    for sample in all() {
        for good in sample.reported.iter().chain([&sample.accepted]) {
            for length in 0..good.body.len() {
                let cut = Response {
                    body: good.body[..length].to_vec(),
                    ..good.clone()
                };
                assert_no_success(&sample, &cut);
            }
        }
    }
}

#[test]
fn pages_and_foreign_json_are_no_success() {
    for sample in all() {
        for status in STATUSES {
            for body in FOREIGN {
                assert_no_success(&sample, &response(status, body));
            }
        }
        let deep = "[".repeat(100_000);
        assert_no_success(&sample, &response(200, &deep));
    }
}

proptest! {
    #[test]
    fn garbage_is_no_success(
        status in 100_u16..600,
        body in proptest::collection::vec(any::<u8>(), 0..400),
        header in "[ -~]{0,40}",
    ) {
        for sample in all() {
            let garbage = Response {
                status,
                headers: ["location", "retry-after", "date", "x-correlation-id"]
                    .map(|name| (name.to_owned(), header.clone()))
                    .to_vec(),
                body: body.clone(),
            };
            assert_no_success(&sample, &garbage);
        }
    }
}

#[test]
fn a_purge_that_may_have_been_accepted_is_in_doubt() {
    for sample in all() {
        for status in [200, 202, 500, 502, 503, 504] {
            for body in ["<html><title>Sorry</title></html>", "", "{\"half\":"] {
                let response = response(status, body);
                let answer = sample.provider.submitted(&whole(&sample), &response);
                // Where nothing is reported of an item, it ends in doubt too.
                if answer != Ok(Answer::Settled(Vec::new())) {
                    let effect = answer.unwrap_err().effect;
                    assert_eq!(effect, Effect::InDoubt, "{status} {body}");
                }
            }
        }
    }
}

#[test]
fn only_the_cdns_own_word_ends_a_task() {
    for sample in all() {
        for status in STATUSES.into_iter().chain([410]) {
            for body in FOREIGN {
                let answers = answers(&sample, &response(status, body));
                for answer in &answers[1..] {
                    let effect = answer.as_ref().err().map(|error| error.effect);
                    assert_ne!(effect, Some(Effect::Forgotten), "{status} {body}");
                    assert!(!matches!(answer, Ok(Answer::Settled(_))), "{status} {body}");
                }
            }
        }
    }
}

#[test]
fn a_hostile_task_leads_nowhere_else() {
    for sample in all() {
        if sample.reported.is_empty() {
            continue;
        }
        let proof = Proof::of(&sample);
        let identity = sample.provider.identity().to_string();
        for id in [
            "",
            "..",
            "../../x",
            "@evil.example/",
            "a?b#c",
            "a\r\nb: c",
            "é",
        ] {
            let task = Task {
                id: id.to_owned(),
                details: serde_json::json!(format!("https://evil.example/{id}")),
            };
            let request = asks(&sample).poll(&task, proof.auth());
            // What a client would send differently is not sent at all.
            if let Ok(url) = destination(&request) {
                assert!(
                    identity.contains(&url.origin().ascii_serialization()),
                    "{url}"
                );
            }
        }
    }
}
