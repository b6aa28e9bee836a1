//! Parses answers.

use serde::Deserialize;
use serde_json::json;

use super::config::is_id;
use super::errors::{self, DIALECT};
use super::xml::{Document, parse};
use crate::operation::Task;
use crate::provider::excerpt::excerpt;
use crate::provider::{Answer, ApiError, Inspection};
use crate::transport::Response;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Invalidation {
    id: String,
    status: String,
}

impl Document for Invalidation {
    const ROOT: &'static str = "Invalidation";
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Distribution {
    status: String,
    domain_name: String,
    #[serde(default)]
    in_progress_invalidation_batches: u64,
    #[serde(rename = "DistributionConfig")]
    config: DistributionConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DistributionConfig {
    enabled: bool,
    #[serde(default)]
    aliases: Aliases,
    cache_tag_config: Option<CacheTagConfig>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Aliases {
    #[serde(default)]
    items: AliasItems,
}

#[derive(Deserialize, Default)]
struct AliasItems {
    #[serde(rename = "CNAME", default)]
    names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CacheTagConfig {
    header_name: String,
}

impl Document for Distribution {
    const ROOT: &'static str = "Distribution";
}

fn read<T: Document>(response: &Response) -> Result<T, ApiError> {
    if !(200..=299).contains(&response.status) {
        return Err(errors::refused(response));
    }
    parse(&response.body).ok_or_else(|| {
        let text = String::from_utf8_lossy(&response.body);
        let is_begun = text.trim_end().is_empty() || text.contains(&format!("<{}", T::ROOT));
        let is_ended = text.trim_end().ends_with(&format!("</{}>", T::ROOT));
        let (what, cut_short) = match is_begun && !is_ended {
            true => ("the answer ends in the middle", true),
            false => ("the answer is not what was asked for", false),
        };
        DIALECT.unreadable(response, what, cut_short)
    })
}

/// `Completed` is the only final status `[D]`; any other word means that it is still running `[I]`.
fn answer(
    distribution: &str,
    response: &Response,
    is_right_id: impl FnOnce(&str) -> bool,
) -> Result<Answer, ApiError> {
    let found: Invalidation = read(response)?;
    if !is_right_id(&found.id) {
        let what = "the answer does not name the invalidation";
        return Err(DIALECT.unreadable(response, what, false));
    }
    if found.status.eq_ignore_ascii_case("completed") {
        return Ok(Answer::succeeded());
    }
    Ok(Answer::Running {
        task: Task {
            id: found.id,
            details: json!({ "distribution": distribution }),
        },
        known: Vec::new(),
        ask_after: None,
    })
}

pub(super) fn submitted(distribution: &str, response: &Response) -> Result<Answer, ApiError> {
    answer(distribution, response, is_id)
}

pub(super) fn polled(
    distribution: &str,
    task: &Task,
    response: &Response,
) -> Result<Answer, ApiError> {
    answer(distribution, response, |id| id == task.id)
}

/// Whether a task is an invalidation of this distribution.
pub(super) fn is_of(task: &Task, distribution: &str) -> bool {
    is_id(&task.id) && task.details.get("distribution") == Some(&json!(distribution))
}

pub(super) fn inspected(response: &Response) -> Result<Inspection, ApiError> {
    if response.status == 403 && errors::is("AccessDenied", response) {
        // An identity that may purge need not have the permission to read.
        return Ok(Inspection::remark(
            "not known: the identity may not call cloudfront:GetDistribution",
            "allow it, so that `purgit doctor` can read the distribution",
        ));
    }
    let found: Distribution = read(response)?;
    let (config, running) = (found.config, found.in_progress_invalidation_batches);
    let tags = match &config.cache_tag_config {
        Some(tags) => format!("cache tags in `{}`", excerpt(&tags.header_name)),
        None => "no cache tags: `CacheTagConfig` is not set".to_owned(),
    };
    let names = config.aliases.items.names.iter();
    let names = names.chain([&found.domain_name]);
    Ok(Inspection {
        enabled: Some(config.enabled),
        hosts: names.map(|name| excerpt(name)).collect(),
        words: vec![
            format!("status {}", excerpt(&found.status)),
            format!("{running} invalidations in progress"),
            tags,
        ],
        ..Inspection::default()
    })
}
