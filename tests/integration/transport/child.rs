//! A request sent by another process: the environment, which decides on proxies and trusted
//! certificates, belongs to a whole process. It is this very test binary, run again.

use std::process::{Command, Stdio};

use purgit::transport::Transport as _;
use purgit::transport::http::HttpTransport;

use super::get;

/// What the child is to fetch; without it the child does nothing.
const URL: &str = "PURGIT_TEST_URL";

/// What the child is to expect: `Answer`, or the kind of the error.
const EXPECTED: &str = "PURGIT_TEST_EXPECTED";

#[tokio::test]
#[ignore = "run by other tests, with variables set"]
async fn child() {
    let (Ok(url), Ok(expected)) = (std::env::var(URL), std::env::var(EXPECTED)) else {
        return;
    };
    let outcome = match HttpTransport::default().send(get(url), None).await {
        Ok(_) => "Answer".to_owned(),
        Err(error) => format!("{:?}", error.kind),
    };
    assert_eq!(outcome, expected);
}

/// Asserts what comes of a request in that environment.
pub(super) async fn expect(url: &str, variables: &[(&str, &str)], expected: &str) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "transport::child::child", "--ignored"])
        .env_clear()
        .envs(variables.iter().copied())
        .env(URL, url)
        .env(EXPECTED, expected)
        .stdin(Stdio::null());
    // The servers answer on this thread meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}
