//! What a CDN brings that charges for purges, signs by a session and has only so much in progress.

use purgit::emulator::{ApiOptions, Emulator, Running, Settings, cloudfront};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::common::Environment;

/// A project on an emulated distribution, which runs as long as its runtime.
pub(super) struct Distribution {
    pub(super) env: Environment,
    pub(super) emulator: Running,
    pub(super) runtime: Runtime,
}

impl Distribution {
    pub(super) fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let api = (cloudfront::KIND.build)(&ApiOptions::default()).unwrap();
        let starting = Emulator::start(Settings::default(), api);
        let emulator = runtime.block_on(starting).unwrap();
        let mut env = Environment::new();
        for (name, value) in emulator.credentials() {
            env.set(name, &value);
        }
        env.write("purgit.yaml", &emulator.manifest());
        env.edit(
            "purgit.yaml",
            "interval: 100ms, maxInterval: 1s",
            "interval: 10ms, maxInterval: 10ms",
        );
        env.purge("spring", &["/a.png"], &["/d/"], "1");
        Self {
            env,
            emulator,
            runtime,
        }
    }

    /// Items that the ledger has as charged for.
    fn booked(&self) -> u64 {
        let ledger = self.env.state().ledger;
        let charged = ledger.iter().filter(|(key, _)| &*key.counts == "charged");
        charged.map(|(_, amount)| amount).sum()
    }

    fn fault(&self, fault: &str) {
        self.emulator.inject(fault.parse().unwrap()).unwrap();
    }
}

#[test]
fn a_plan_says_what_it_costs_and_what_that_assumes() {
    let world = Distribution::new();
    let env = &world.env;
    env.run("plan").code(0).stdout_has(
        "[www] 2 requests; USD 0.00: 2 of 1,000 free ones left this month (at most USD 0.01, if others used them)\n",
    );
    env.run("plan --format markdown").code(0).stdout_has(
        "2 requests; USD `0.00`: 2 of 1,000 free ones left this month (at most USD `0.01`, if others used them); 2 added.",
    );
    let json = env.run("plan --format json").code(0).json();
    let costs = json!([{
        "endpoint": "www", "charged": 2, "amount": "0.00", "at_most": "0.01", "each": "0.005",
        "free_a_month": 1000, "free_left": 1000, "used_this_month": 0,
    }]);
    assert_eq!(json["costs"], costs);
    // Another price is no other plan.
    env.run("plan --out plan.json").code(0);
    env.edit("plan.json", "\"0.01\"", "\"0.02\"");
    env.run("apply --plan plan.json").code(0);
    assert!(env.run("plan --format json").json().get("costs").is_none());
}

#[test]
fn what_others_leave_no_room_for_is_sent_again_until_there_is() {
    let world = Distribution::new();
    world.fault("exhausted@purge*4");
    let applied = world.env.run("apply").code(0).stdout_has("2 Succeeded");
    applied.stderr_has("TooManyInvalidationsInProgress");
    assert_eq!(world.emulator.purge_log().len(), 2);
    world.fault("exhausted@purge*always");
    world.env.edit("purges/spring.yaml", "\"1\"", "\"2\"");
    world
        .env
        .run("apply --no-wait")
        .code(8)
        .stdout_has("2 Deferred");
    world.env.run("apply --timeout 100ms").code(8);
}

#[test]
fn a_lost_answer_is_asked_for_again_and_purges_once() {
    let world = Distribution::new();
    world.fault("drop-after@purge");
    let applied = world.env.run("apply --format json").code(0).json();
    assert_eq!(world.emulator.purge_log().len(), 2);
    assert_eq!(applied["result"]["requests"], 3);
    assert_eq!(
        applied["result"]["repeated"], 0,
        "it is the same invalidation"
    );
    assert_eq!(world.booked(), 2);
}

#[test]
fn what_was_sent_this_month_is_not_free_any_more() {
    let world = Distribution::new();
    let env = &world.env;
    env.run("doctor")
        .stdout_has("ok      cost         1,000 of 1,000 free purges left until ");
    env.run("apply").code(0);
    assert_eq!(world.booked(), 2);
    env.run("doctor")
        .stdout_has("998 of 1,000 free purges left until ");
    // What surely did not arrive costs nothing, what is in doubt may.
    env.edit("purges/spring.yaml", "\"1\"", "\"2\"");
    world.fault("error=NoSuchDistribution@purge*always");
    env.run("apply").code(3);
    world.emulator.clear_faults();
    assert_eq!(world.booked(), 2);
    world.fault("drop-after@purge*always");
    env.run("apply").code(3).stdout_has("2 Unknown");
    assert_eq!(world.booked(), 4);
    // As if it had been many.
    let state = env.read(".purgit/state.json");
    let row = state
        .lines()
        .find(|line| line.contains("\"charged\""))
        .unwrap();
    let many = row.replace("\"amount\":4", "\"amount\":999");
    assert_ne!(many, row);
    env.edit(".purgit/state.json", row, &many);
    env.run("plan").stdout_has(
        "; USD 0.005: 1 at USD 0.005 beyond the 1 free one left this month (at most USD 0.01, if others used them)\n",
    );
    env.edit(".purgit/state.json", "\"amount\":999", "\"amount\":1200");
    env.run("plan").stdout_has(
        "; USD 0.01: 2 at USD 0.005, none of the account's 1,000 free ones a month is left\n",
    );
    env.run("plan --format markdown").stdout_has(
        "; USD `0.01`: 2 at USD `0.005`, none of the account's 1,000 free ones a month is left; ",
    );
    env.run("doctor").stdout_has(
        "1,200 purges this month, 200 beyond the 1,000 free ones: USD 1.00, as recorded here\n",
    );
}

#[test]
fn a_wrong_clock_is_corrected() {
    let world = Distribution::new();
    world.fault("skew=10m");
    world.env.run("apply").code(0).stderr_has("clock");
}

#[test]
fn what_the_api_repeats_of_credentials_is_masked() {
    for error in [
        "AccessDenied",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
    ] {
        let world = Distribution::new();
        world.fault(&format!("leak={error}*always"));
        let refused = world.env.run("apply").code(7).stderr_has("[secret]");
        refused.stderr_has("hint:").stderr_lacks("not-a-real-key");
    }
}
