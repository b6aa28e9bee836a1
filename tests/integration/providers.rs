//! Providers: laws for every one of them, and tables for each.

mod azure_answers;
mod azure_errors;
mod azure_requests;
mod conformance;
mod samples;
mod token_cdn;

use std::sync::Arc;

use purgit::entry::TargetKind;
use purgit::plan::Step;
use purgit::transport::Response;
use purgit::url::CdnUrl;

/// A step of one endpoint.
fn step(files: &[&str], directories: &[&str]) -> Step {
    let parse = |urls: &[&str], kind| {
        urls.iter()
            .map(|url| CdnUrl::parse(url, kind).unwrap())
            .collect()
    };
    Step {
        endpoint: Arc::from("www"),
        files: parse(files, TargetKind::File),
        directories: parse(directories, TargetKind::Directory),
    }
}

fn response(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    }
}

fn with_header(mut response: Response, name: &str, value: &str) -> Response {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}
