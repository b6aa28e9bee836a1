//! The vendors' own clients against the emulated APIs.
//!
//! They need Python with the packages of `tests/fixtures/sdks/requirements.txt`: `.ci/run` installs them and
//! names that Python in [`PYTHON`]; without it these tests are skipped and say so.

use std::process::Command;

use purgit::emulator::{ApiKind, ApiOptions, Emulator, Settings};
use purgit::emulator::{azure_front_door as azure, cloudflare, cloudfront, fastly};

use crate::git::fixture::skipped;

const PYTHON: &str = "PURGIT_TEST_PYTHON";

/// Python with one of the scripts; nothing, which is said, where there is none.
pub(crate) fn python(script: &str) -> Option<Command> {
    let named = std::env::var(PYTHON).ok().filter(|name| !name.is_empty());
    let Some(python) = named else {
        skipped(&format!(
            "{PYTHON} names no Python with the vendor's package"
        ));
        return None;
    };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sdks");
    let mut command = Command::new(python);
    command
        .arg(format!("{folder}/{script}"))
        // Whatever proxy there is: the emulator is here.
        .env("NO_PROXY", "127.0.0.1");
    Some(command)
}

async fn run(kind: &ApiKind, script: &str, arguments: &[&str], said: &str) {
    let Some(mut command) = python(script) else {
        return;
    };
    let api = (kind.build)(&ApiOptions::default()).unwrap();
    let running = Emulator::start(Settings::default(), api).await.unwrap();
    command.arg(running.api_url()).args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let (out, err) = (output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    assert_eq!(String::from_utf8_lossy(&out).trim(), said);
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudflares_client_works_on_the_emulator() {
    let arguments = [
        cloudflare::API_TOKEN,
        cloudflare::ZONE_ID,
        cloudflare::ENVIRONMENT_ID,
    ];
    let said = "9 accepted, 2 refused";
    run(&cloudflare::KIND, "cloudflare_client.py", &arguments, said).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azures_client_works_on_the_emulator() {
    let arguments = [
        azure::TENANT_ID,
        azure::CLIENT_ID,
        azure::CLIENT_SECRET,
        azure::SUBSCRIPTION_ID,
        azure::RESOURCE_GROUP,
        azure::PROFILE,
        azure::ENDPOINT,
    ];
    let said = "1 accepted, 2 refused";
    run(&azure::KIND, "azure_client.py", &arguments, said).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn awss_clients_work_on_the_emulator() {
    let arguments = [
        cloudfront::ACCESS_KEY_ID,
        cloudfront::SECRET_ACCESS_KEY,
        cloudfront::SESSION_KEY_ID,
        cloudfront::SESSION_TOKEN,
        cloudfront::DISTRIBUTION_ID,
    ];
    let said = "3 accepted, 5 refused";
    run(&cloudfront::KIND, "cloudfront_client.py", &arguments, said).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fastlys_client_works_on_the_emulator() {
    let arguments = [fastly::API_TOKEN, fastly::SELECT_TOKEN, fastly::SERVICE_ID];
    let said = "8 accepted, 4 refused";
    run(&fastly::KIND, "fastly_client.py", &arguments, said).await;
}
