//! GitHub Actions. <https://docs.github.com/actions/reference/workflows-and-actions/variables>

use serde_json::Value;

use super::{Context, Surroundings, System};

pub(super) fn context(from: &Surroundings<'_>) -> Context {
    let repository = from.text("GITHUB_REPOSITORY");
    let run_url = from.url("GITHUB_SERVER_URL").and_then(|server| {
        let (repository, run) = (repository.as_ref()?, from.text("GITHUB_RUN_ID")?);
        Some(format!("{server}/{repository}/actions/runs/{run}"))
    });
    let event = from.path("GITHUB_EVENT_PATH");
    let event = event.and_then(|path| (from.file)(&path));
    let event: Value = event
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    // `GITHUB_SHA` is the base, or a merge commit made for this run.
    let proposed = event["pull_request"]["head"]["sha"].as_str();
    Context {
        system: System::GithubActions,
        commit: proposed
            .map(str::to_owned)
            .or_else(|| from.text("GITHUB_SHA")),
        pull_request: pull_request(from, &event),
        // A person who restarts a run need not be the one who started it.
        actor: from
            .text("GITHUB_TRIGGERING_ACTOR")
            .or_else(|| from.text("GITHUB_ACTOR")),
        api_url: from.url("GITHUB_API_URL"),
        workspace: from.path("GITHUB_WORKSPACE"),
        output: from.path("GITHUB_OUTPUT"),
        summary: from.path("GITHUB_STEP_SUMMARY"),
        repository,
        run_url,
    }
}

/// From the event, or from a ref like `refs/pull/12/merge`.
fn pull_request(from: &Surroundings<'_>, event: &Value) -> Option<u64> {
    let commented = &event["issue"];
    let commented = commented["pull_request"]
        .is_object()
        .then(|| commented["number"].as_u64());
    event["pull_request"]["number"]
        .as_u64()
        .or(commented.flatten())
        .or_else(|| event["workflow_run"]["pull_requests"][0]["number"].as_u64())
        .or_else(|| {
            let reference = from.text("GITHUB_REF")?;
            let (number, _) = reference.strip_prefix("refs/pull/")?.split_once('/')?;
            number.parse().ok()
        })
}
