//! Providers: laws for every one of them, and tables for each.

mod azure_answers;
mod azure_errors;
mod azure_requests;
mod conformance;
mod samples;
mod token_cdn;

use std::sync::Arc;

use purgit::entry::{Target, TargetKind};
use purgit::plan::Step;
use purgit::transport::Response;

/// A step of one endpoint.
fn step(files: &[&str], directories: &[&str]) -> Step {
    let files = files.iter().map(|url| (TargetKind::File, url));
    let directories = directories.iter().map(|url| (TargetKind::Directory, url));
    let parse = |(kind, url): (_, &&str)| Target::parse(kind, url).unwrap();
    Step {
        endpoint: Arc::from("www"),
        targets: files.chain(directories).map(parse).collect(),
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
