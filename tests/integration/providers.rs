//! Providers: laws for every one of them, and tables for each.

mod azure_answers;
mod azure_errors;
mod azure_front_door;
mod azure_requests;
mod cloudflare;
mod cloudfront;
mod conformance;
mod fastly;
mod http_cache;
mod samples;
pub(crate) mod tag_cdn;

use purgit::entry::{EntryKey, Owner, Target, TargetKind};
use purgit::operation::{Operation, itemize};
use purgit::provider::Provider;
use purgit::transport::Response;

fn targets(kind: TargetKind, texts: &[&str]) -> Vec<Target> {
    let parse = |text: &&str| Target::parse(kind, text).unwrap();
    texts.iter().map(parse).collect()
}

/// The first request of these targets.
fn operation(provider: &dyn Provider, targets: &[Target]) -> Operation {
    let entries = targets.iter().map(|target| {
        let key = EntryKey {
            owner: Owner::Purge("spring".into()),
            path: None,
            target: target.clone(),
            endpoint: "www".into(),
        };
        (provider.lower(target).unwrap(), key, None)
    });
    let (mut items, mut serves) = itemize(entries.collect());
    // A request holds items of one group only.
    let groups = items.chunk_by(|a, b| a.group == b.group);
    let first = groups.map(<[_]>::len).next().unwrap_or_default();
    items.truncate(first);
    serves.retain(|serve| serve.item < first);
    Operation {
        id: "0190b6f0-0000-7000-8000-000000000001".to_owned(),
        endpoint: "www".into(),
        items,
        serves,
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
