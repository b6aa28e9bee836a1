//! What `doctor` found, for people and for programs.

use schemars::JsonSchema;
use serde::Serialize;

use super::page::{BOLD, GREEN, Page, RED, YELLOW};
use crate::doctor::{Finding, Level};

/// The JSON of `doctor`, format 1.x.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DoctorDocument<'a> {
    /// Version of this format: a reader refuses another major number.
    pub format_version: &'static str,
    /// Whether nothing failed; warnings do not count.
    pub ok: bool,
    /// Everything that was checked.
    pub findings: Vec<FindingDocument<'a>>,
}

/// The result of one check.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingDocument<'a> {
    /// What was checked, in one word.
    pub check: &'static str,
    /// Name of the endpoint, if it is about one.
    pub endpoint: Option<&'a str>,
    /// The result.
    pub status: Status,
    /// What was found.
    pub message: &'a str,
    /// What to do about it.
    pub remedy: Option<&'a str>,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, but not as it should.
    Warning,
    /// Nothing can be purged like this.
    Failed,
}

pub fn is_well(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.level < Level::Failed)
}

pub fn document(findings: &[Finding]) -> DoctorDocument<'_> {
    let each = findings.iter().map(|finding| FindingDocument {
        check: finding.check,
        endpoint: finding.endpoint.as_deref(),
        status: match finding.level {
            Level::Ok => Status::Ok,
            Level::Warning => Status::Warning,
            Level::Failed => Status::Failed,
        },
        message: &finding.message,
        remedy: finding.remedy.as_deref(),
    });
    DoctorDocument {
        format_version: "1.0",
        ok: is_well(findings),
        findings: each.collect(),
    }
}

/// One line per finding; those of an endpoint are below its name.
pub fn text(findings: &[Finding]) -> Page {
    let mut page = Page::default();
    let mut endpoint = None;
    for finding in findings {
        if finding.endpoint.is_some() && finding.endpoint != endpoint {
            page.end();
            page.paint(BOLD, finding.endpoint.as_deref().unwrap_or_default())
                .end();
        }
        endpoint.clone_from(&finding.endpoint);
        let style = match finding.level {
            Level::Ok => GREEN,
            Level::Warning => YELLOW,
            Level::Failed => RED,
        };
        page.paint(style, format_args!("{:<7}", finding.level.as_str()));
        page.line(format_args!(" {:<11}  {}", finding.check, finding.message));
        if let Some(remedy) = &finding.remedy {
            page.line(format_args!("{:<21}hint: {remedy}", ""));
        }
    }
    page
}
