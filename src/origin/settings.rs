//! The `origin` block of an `Endpoint`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::json;

use super::expect::{Expect, expect};
use crate::credential::header::{HeaderText, header_texts};
use crate::credential::{CredentialRef, Credentials};
use crate::diagnostic::shown;
use crate::field::{
    Fields, Shape, Value, block, duration, field, is_header_text, list_of, long, mapping, number,
    whole, wrong,
};
use crate::transport::fetch::Connect;
use crate::transport::node::{interned, is_private};
use crate::transport::{HeaderValue, Method, Request};
use crate::url::{CdnUrl, HostPattern};
use crate::verify::edge;
use crate::yaml::problem::{Problem, Problems};

/// Without a sample, all files are asked for.
const MAX_SAMPLE: u64 = 100_000;

/// No deployment takes longer than a day.
const WAITS: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);

/// A deployment takes seconds to minutes, so a longer pause than an hour is a mistake.
const PAUSES: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60 * 60);

const MAX_STATUSES: usize = 20;

/// Requests per second: more than an origin of a few machines serves.
const MAX_RATE: f64 = 1000.0;

block! {
    /// Where files come from. A purge is sent once the origin has what it makes the edges fetch; see docs/gate.md.
    #[derive(PartialEq)]
    pub struct Settings(SettingsDraft, check) {
        /// Base URL; the path of the public URL follows it. Plain http is allowed.
        url: String = field("url", base()),
        /// Base URLs of some hosts, in place of `url`.
        hosts: BTreeMap<String, String> = field("hosts", hosts()).or(BTreeMap::new()),
        /// Header fields of every request, `Host` too. Secrets are references; other values may be texts.
        headers: BTreeMap<&'static str, HeaderText> = field("headers", header_texts("ORIGIN_TOKEN", text)).or(BTreeMap::new()),
        /// An address to connect to, whatever the names lead to, as in `10.0.0.5` or `10.0.0.5:8443`. TLS and `Host` keep the name.
        resolve: Option<Connect> = field("resolve", edge()).optional(),
        /// What says that a file is there: `content` for its bytes, a header field or a file that tells the release, or `status`.
        expect: Expect = field("expect", expect()).or(Expect::Content),
        /// Statuses of a file that is gone. Add 301 or 308 where it redirects.
        gone: Vec<u16> = field("gone", list_of(whole(300..=499), 1..=MAX_STATUSES, "name at least one, such as 404")).or(vec![404, 410]),
        /// How long to wait for the origin before what is not there is held back.
        timeout: Duration = field("timeout", duration(WAITS)).or(Duration::from_secs(10 * 60)),
        /// Pause before asking again.
        interval: Duration = field("interval", duration(PAUSES)).or(Duration::from_secs(5)),
        /// Files asked for, where the plan has more. Without it, all are.
        sample: Option<usize> = field("sample", whole(1..=MAX_SAMPLE)).optional(),
        /// Requests a second to the origin, at most.
        requests_per_second: f64 = field("requestsPerSecond", number(0.1..=MAX_RATE)).or(50.0),
    }
}

impl Settings {
    /// The base URL for a public host, without `/` at its end.
    pub fn base(&self, host: &str) -> &str {
        self.hosts.get(host).unwrap_or(&self.url)
    }

    pub fn bases(&self) -> Vec<&str> {
        let bases: BTreeSet<_> = self.hosts.values().chain([&self.url]).collect();
        bases.into_iter().map(String::as_str).collect()
    }

    /// What its requests need, under names that no provider uses.
    pub fn credentials(&self) -> impl Iterator<Item = (&'static str, &CredentialRef)> {
        let headers = self.headers.iter();
        headers.filter_map(|(name, text)| match text {
            HeaderText::Text(_) => None,
            HeaderText::Secret(reference) => Some((credential(name), reference)),
        })
    }

    pub fn request(&self, url: &CdnUrl, credentials: &Credentials) -> Request {
        let base = self.base(url.host());
        self.get(format!("{base}{}", url.path_and_query()), credentials)
    }

    /// The request for one of the origin's own URLs.
    pub fn get(&self, url: String, credentials: &Credentials) -> Request {
        let own = self.headers.iter().map(|(name, text)| {
            let value = match text {
                HeaderText::Text(text) => text.into(),
                HeaderText::Secret(_) => HeaderValue::secret(credentials.get(credential(name))),
            };
            (*name, value)
        });
        let usual = [("accept", "*/*"), ("accept-encoding", "identity")];
        let usual = usual.into_iter();
        let usual = usual.filter(|(name, _)| !self.headers.contains_key(name));
        let usual = usual.map(|(name, value)| (name, value.into()));
        Request {
            method: Method::Get,
            url,
            headers: usual.chain(own).collect(),
            body: Vec::new(),
        }
    }

    /// Reports hosts in the block that the endpoint does not serve.
    pub(crate) fn check_hosts(value: Value<'_>, served: &[HostPattern], problems: &Problems) {
        // Other problems are reported where the block is read.
        let ignored = Problems::default();
        let hosts = mapping(value.reporting_to(&ignored), |fields| fields.peek("hosts"));
        let entries = hosts.flatten().and_then(|hosts| hosts.entries());
        for (host, base) in entries.into_iter().flatten() {
            let host = host.to_ascii_lowercase();
            if !served.iter().any(|pattern| pattern.matches(&host)) {
                let message = format!("the endpoint does not serve the host `{}`", shown(&host));
                let hint = "`origin.hosts` is by the hosts of public URLs, which `hosts` lists";
                let problem = Problem::error(base.span(), message);
                problems.push(problem.hint(hint.to_owned()));
            }
        }
    }
}

fn credential(header: &str) -> &'static str {
    interned(&format!("origin.headers.{header}"))
}

/// A secret must not be sent in the clear.
fn check(draft: &SettingsDraft, fields: &Fields<'_>) {
    let secret = draft.headers.iter().find_map(|found| {
        let mut headers = found.value.iter();
        let is_secret = |text: &HeaderText| matches!(text, HeaderText::Secret(_));
        headers
            .find(|(_, text)| is_secret(text))
            .map(|(name, _)| (*name, found.span))
    });
    let Some((name, span)) = secret else { return };
    let resolved = draft.resolve.as_ref().and_then(|found| found.value);
    let is_near = |host: &str| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse().is_ok_and(is_private)
    };
    let is_open = |base: &str| {
        let url = CdnUrl::parse(base);
        let is_plain = base.starts_with("http://") || resolved.is_some_and(|to| to.plain);
        let is_private = match resolved {
            Some(to) => is_private(to.address),
            None => url.is_ok_and(|url| is_near(url.host())),
        };
        is_plain && !is_private
    };
    let urls = draft.url.iter().map(|found| &found.value);
    let hosts = draft.hosts.iter().flat_map(|found| found.value.values());
    if let Some(base) = urls.chain(hosts).find(|base| is_open(base)) {
        let message =
            format!("plain http would show the secret of `{name}` on its way to `{base}`");
        let hint = "write `https://`, or name a private address, in `url` or in `resolve`";
        let problem = Problem::error(span, message);
        fields.problems().push(problem.hint(hint.to_owned()));
    }
}

fn text(_: &str, text: &str) -> Result<String, crate::field::Wrong> {
    match is_header_text(text) {
        true => Ok(text.to_owned()),
        false => Err(wrong("the text must be printable ASCII", "")),
    }
}

fn base() -> Shape<String> {
    let parse = |text: &str| {
        let example = "write it like `https://origin.example.com/`";
        let url = CdnUrl::parse(text).map_err(|error| wrong(error.to_string(), example))?;
        match url.as_str().contains('?') {
            true => Err(wrong("the URL must have no query", example)),
            false => Ok(url.as_str().trim_end_matches('/').to_owned()),
        }
    };
    long("URL", parse).pattern("^[hH][tT][tT][pP][sS]?://[^?#@]+$")
}

fn hosts() -> Shape<BTreeMap<String, String>> {
    let read = |value: Value<'_>| {
        let read = |(host, url): (&str, Value<'_>)| {
            let is_host = HostPattern::parse(host).is_ok() && !host.contains('*');
            if !is_host {
                let hint = "write a host of public URLs, such as `www.example.com`".to_owned();
                return url.push(format!("`{}` is not a host", shown(host)), Some(hint));
            }
            Some((host.to_ascii_lowercase(), base().read(url)?.value))
        };
        let all: Vec<_> = value.entries()?.map(read).collect();
        all.into_iter().collect()
    };
    let schema = || json!({ "title": "URLs by host", "type": "object", "additionalProperties": base().schema() });
    Shape::new(schema, read, |hosts| json!(hosts))
}
