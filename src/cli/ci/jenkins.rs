//! Jenkins, with its git and branch-source plug-ins. <https://www.jenkins.io/doc/book/pipeline/jenkinsfile/>

use super::{Context, Surroundings, System};

pub(super) fn context(from: &Surroundings<'_>) -> Context {
    Context {
        system: System::Jenkins,
        repository: from.text("GIT_URL").and_then(|url| repository(&url)),
        commit: from.text("GIT_COMMIT"),
        pull_request: from.number("CHANGE_ID"),
        actor: from
            .text("BUILD_USER_ID")
            .or_else(|| from.text("CHANGE_AUTHOR")),
        run_url: from
            .url("RUN_DISPLAY_URL")
            .or_else(|| from.url("BUILD_URL")),
        api_url: None,
        workspace: from.path("WORKSPACE"),
        output: None,
        summary: None,
    }
}

/// `owner/name` of a clone URL, https or ssh. The part before the host may be a password.
fn repository(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => url.split_once(':')?.1,
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    path.contains('/').then(|| path.to_owned())
}
