//! `purgit apply` when something goes wrong on the way: survived where it can be, recorded where
//! it cannot.

use std::net::TcpListener;

use purgit::state::Outcome;
use purgit::status::RunResult;

use crate::common::{Environment, World};

/// Runs one `apply` of two URLs in two requests through a fault.
fn survived(fault: &str) -> World {
    let world = World::builder().limits("itemsPerRequest: 1").build();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world.fault(fault);
    let output = world.run("apply").code(0).stdout_has("2 Succeeded");
    let struck = world
        .cdn
        .requests()
        .iter()
        .any(|request| !request.faults.is_empty());
    assert!(struck, "{fault} struck nothing: {output:?}");
    world.run("plan --detailed-exitcode").code(0);
    assert!(world.state().pending_operations.is_empty());
    world
}

#[test]
fn a_connection_reset_before_acceptance_is_survived() {
    assert_eq!(survived("drop-before@purge").cdn.purge_log().len(), 2);
}

#[test]
fn a_connection_reset_after_acceptance_is_survived() {
    // The CDN has it twice then: a purge is repeatable, a lost one is not.
    assert_eq!(survived("drop-after@purge").cdn.purge_log().len(), 3);
}

#[test]
fn a_truncated_acceptance_is_survived() {
    assert_eq!(survived("truncate@purge").cdn.purge_log().len(), 3);
}

#[test]
fn a_bad_gateway_is_survived() {
    survived("status=502@purge");
}

#[test]
fn a_gateway_that_answers_in_html_is_survived() {
    survived("html@purge");
}

#[test]
fn throttling_is_survived_and_its_wait_kept() {
    let world = survived("throttle=1@purge");
    let requests = world.cdn.requests();
    let throttled = requests
        .iter()
        .position(|request| request.status == Some(429))
        .unwrap();
    let waited = requests.last().unwrap().at - requests[throttled].at;
    assert!(waited >= chrono::TimeDelta::seconds(1), "{waited}");
}

#[test]
fn faults_while_waiting_are_survived() {
    let faults = [
        "drop-before@query",
        "truncate@query",
        "html@query",
        "throttle@query",
    ];
    // Side by side: most of it is waiting.
    std::thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || survived(fault));
        }
    });
}

#[test]
fn an_hour_of_clock_skew_is_survived_with_a_warning() {
    for (fault, direction) in [("skew=1h", "behind"), ("skew=-1h", "ahead of")] {
        let world = World::new();
        world.purge("spring", &["/a.png"], &[], "1");
        world.fault(fault);
        let output = world.run("apply").code(0);
        let line = output
            .stderr
            .lines()
            .find(|line| line.starts_with("warning"));
        let line = line.unwrap_or_else(|| panic!("no warning in {output:?}"));
        assert!(line.contains("[www] this machine's clock is 3"), "{line}");
        assert!(line.contains(direction), "{line}");
        assert_eq!(world.cdn.purge_log().len(), 1);
    }
}

#[test]
fn what_fails_is_planned_again_and_the_rest_is_confirmed() {
    let world = World::new();
    world.purge("spring", &["/a.png", "/b.png"], &["/d/"], "1");
    world.fault("fail-url=**/b.png");
    world
        .run("apply --detailed-exitcode")
        .code(3)
        .stdout_has("Failed https://www.example.com/b.png: ")
        .stdout_has("Applied: 2 Succeeded, 1 Failed in 1 request")
        .stderr_has("hint: what failed stays planned: run `purgit apply` again");

    let plan = world.run("plan --format json").code(0).json();
    assert_eq!(plan["summary"]["purge"], 1);
    assert_eq!(plan["summary"]["noop"], 2);
    assert_eq!(plan["changes"][0]["reason"], "previous_failed");
    assert_eq!(plan["changes"][0]["url"], "https://www.example.com/b.png");

    let status = world.status();
    assert_eq!(
        status.last_run.as_ref().unwrap().result,
        RunResult::PartlyFailed
    );
    let spring = status.manifest("Purge", "spring").unwrap();
    assert_eq!((spring.entries.succeeded, spring.entries.failed), (2, 1));
    assert_eq!(spring.conditions[0].reason, "PurgeFailed");
    assert!(spring.conditions[0].message.contains("b.png"));
    let failed = &spring.outcomes[0];
    assert_eq!(failed.outcome, Some(Outcome::Failed));
    assert!(failed.message.is_some());

    world.cdn.clear_faults();
    world.run("apply").code(0);
    assert_eq!(
        world.purged().last().unwrap(),
        "https://www.example.com/b.png"
    );
    assert_eq!(world.purged().len(), 4, "only what failed was sent again");
    world.run("plan --detailed-exitcode").code(0);
    assert_eq!(world.status().conditions[0].reason, "PurgeSucceeded");
}

#[test]
fn a_refused_step_fails_alone() {
    let world = World::builder()
        .limits("itemsPerRequest: 1, concurrentRequests: 1")
        .build();
    world.purge("spring", &["/a.png", "/b.png", "/c.png"], &[], "1");
    world.fault("error=MaliciousItemPathDetected@purge");
    world
        .run("apply")
        .code(3)
        .stdout_has("2 Succeeded, 1 Failed")
        .stdout_has("MaliciousItemPathDetected");
    world.run("apply").code(0).stdout_has("1 Succeeded");
}

#[test]
fn an_endpoint_that_cannot_be_purged_is_given_up_at_once() {
    let world = World::builder()
        .limits("itemsPerRequest: 1, concurrentRequests: 1")
        .build();
    world.edit(
        "purgit.yaml",
        "endpointId: 00000000-0000-0000-0000-000000000002",
        "endpointId: 00000000-0000-0000-0000-000000000006",
    );
    world.purge("spring", &["/a.png", "/b.png", "/c.png"], &[], "1");
    world
        .run("apply")
        .code(3)
        .stdout_has("1 Failed, 2 Skipped")
        .stderr_has("warning: [www] gave up for this run: ")
        .stderr_has("EndpointNotInActiveState");
    assert_eq!(world.posts(), 1);
    world.run("plan").stdout_has("Plan: 3 entries to purge");
}

#[test]
fn an_unreachable_api_is_a_clear_message_and_nothing_is_lost() {
    // A port that was free a moment ago: nobody listens there.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let world = World::new();
    let url = format!("apiUrl: {}", world.cdn.api_url());
    world.edit("purgit.yaml", &url, &format!("apiUrl: http://{address}"));
    world.purge("spring", &["/a.png"], &[], "1");
    // Shorter than the wait for the next of five attempts.
    world
        .run("apply --timeout 300ms")
        .code(8)
        .stderr_has("[www] 1 URL Skipped: not attempted: cannot connect")
        .stderr_has("the time of `--timeout` is up")
        .stderr_has("hint: check the host in the manifest")
        .stdout_has("1 Skipped");
    world
        .run("plan")
        .stdout_has("+ file https://www.example.com/a.png");

    world.edit(
        "purgit.yaml",
        &format!("http://{address}"),
        &world.cdn.api_url(),
    );
    world.run("apply").code(0);
}

#[test]
fn html_for_ever_is_a_clear_message_and_nothing_is_lost() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("html@purge*always");
    world
        .run("apply")
        .code(3)
        .stdout_has(
            "Unknown https://www.example.com/a.png: HTTP 502 without an error message of the CDN",
        )
        .stdout_lacks("<html")
        .stdout_has("gave up after 2 attempts");
    // The proxy may have passed the request on.
    assert_eq!(world.posts(), 2);
    world.run("plan").stdout_has("previous_unknown");
    world.cdn.clear_faults();
    world.run("apply").code(0);
    assert_eq!(world.purged().len(), 1);
}

#[test]
fn a_server_that_asks_for_too_long_a_wait_is_not_waited_for() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("throttle=3600@purge*always");
    world
        .run("apply")
        .code(3)
        .stdout_has("asked to wait 3600 s before the next request, limit 120 s");
    assert_eq!(world.posts(), 1);
}

#[test]
fn a_task_the_cdn_has_forgotten_is_in_doubt_and_purged_again() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply --no-wait").code(8);
    world.fault("error=ParameterInvalid@query*always");
    world.fault("error=ParameterInvalid@operation*always");
    world.run("apply").code(3).stdout_has("1 Unknown");
    world.cdn.clear_faults();
    world.run("plan").stdout_has("previous_unknown");
    world.run("apply").code(0);
    assert_eq!(world.purged().len(), 2);
}

#[test]
fn an_unknown_status_word_is_never_success() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("status-word=Splendid");
    world
        .run("apply --timeout 1s")
        .code(3)
        .stdout_has("1 Unknown");
    world.run("plan").stdout_has("previous_unknown");
}

#[test]
fn plain_http_beyond_this_machine_is_refused_before_anything_is_sent() {
    let env = Environment::new();
    env.run("init").code(0);
    env.edit(
        "purgit.yaml",
        "# apiUrl: http://127.0.0.1:8787",
        "apiUrl: http://cdn.example.com",
    );
    env.run("apply").code(1).stderr_has("apiUrl");
}
