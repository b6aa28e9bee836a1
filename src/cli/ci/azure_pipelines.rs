//! Azure Pipelines. <https://learn.microsoft.com/azure/devops/pipelines/build/variables>

use super::{Context, Surroundings, System};

pub(super) fn context(from: &Surroundings<'_>) -> Context {
    let collection = from.url("SYSTEM_COLLECTIONURI");
    let run_url = collection.as_ref().and_then(|collection| {
        // Project names may contain blanks.
        let project = from.text("SYSTEM_TEAMPROJECT")?.replace(' ', "%20");
        let build = from.text("BUILD_BUILDID")?;
        Some(format!(
            "{collection}/{project}/_build/results?buildId={build}"
        ))
    });
    Context {
        system: System::AzurePipelines,
        repository: from.text("BUILD_REPOSITORY_NAME"),
        commit: from
            .text("SYSTEM_PULLREQUEST_SOURCECOMMITID")
            .or_else(|| from.text("BUILD_SOURCEVERSION")),
        // The number is GitHub's; the id is Azure's own, even for a repository at GitHub.
        pull_request: from
            .number("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER")
            .or_else(|| from.number("SYSTEM_PULLREQUEST_PULLREQUESTID")),
        actor: from.text("BUILD_REQUESTEDFOR"),
        run_url,
        api_url: collection,
        workspace: from.path("BUILD_SOURCESDIRECTORY"),
        output: None,
        summary: None,
    }
}
