//! GitLab CI. <https://docs.gitlab.com/ci/variables/predefined_variables/>

use super::{Context, Surroundings, System};

pub(super) fn context(from: &Surroundings<'_>) -> Context {
    Context {
        system: System::GitlabCi,
        repository: from.text("CI_PROJECT_PATH"),
        // In a merged-results pipeline, `CI_COMMIT_SHA` is a merge commit made for it.
        commit: from
            .text("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")
            .or_else(|| from.text("CI_COMMIT_SHA")),
        pull_request: from.number("CI_MERGE_REQUEST_IID"),
        actor: from.text("GITLAB_USER_LOGIN"),
        run_url: from
            .url("CI_JOB_URL")
            .or_else(|| from.url("CI_PIPELINE_URL")),
        api_url: from.url("CI_API_V4_URL"),
        workspace: from.path("CI_PROJECT_DIR"),
        output: None,
        summary: None,
    }
}
