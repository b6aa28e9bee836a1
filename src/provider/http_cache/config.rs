//! The `httpCache` block of an `Endpoint`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::presets::Preset;
use super::way::{Way, texts};
use crate::credential::header::{HeaderText, token};
use crate::diagnostic::{listed, shown};
use crate::entry::TargetKind;
use crate::field::{
    Fields, Found, Shape, Wrong, block, boolean, duration, field, headers, list_of, long, nested,
    one_of, parsed, wrong,
};
use crate::transport::node::is_private;
use crate::url::{CdnUrl, HostPattern};
use crate::yaml::problem::Problem;

/// Most fixed nodes: more than a person would list by hand.
const MAX_NODES: usize = 1000;
/// Most header sets per URL: a dozen encodings and languages are already many.
const MAX_VARIANTS: usize = 50;

block! {
    /// Your own HTTP caches that accept purge requests: Varnish, nginx, Apache Traffic Server, Squid and others.
    pub struct Config(ConfigDraft, check) {
        /// The requests and answers of a known configuration, see docs/http-caches.md. The fields below override it.
        preset: Option<Preset> = field("preset", one_of(Preset::WORDS)).optional(),
        /// The caches. Each one gets every purge.
        nodes: Nodes = field("nodes", nested()),
        /// Which host a request names.
        host: HostRule = field("host", nested()).or(HostRule::default()),
        /// Header fields of every request. Secrets must be references; other values may be plain
        /// texts.
        headers: BTreeMap<&'static str, HeaderText> = field("headers", texts()).or(BTreeMap::new()),
        /// Header sets that select the variants of a URL (`Vary`). A URL is purged once with each set.
        variants: Vec<BTreeMap<String, String>> = field("variants", variants()).or(vec![BTreeMap::new()]),
        /// How a file is purged.
        url: Option<Way> = field("url", nested()).optional(),
        /// How a directory is purged.
        directory: Option<Way> = field("directory", nested()).optional(),
        /// How tags are purged.
        tag: Option<Way> = field("tag", nested()).optional(),
        /// How everything of a host is purged.
        whole_host: Option<Way> = field("wholeHost", nested()).optional(),
        /// How everything in the cache is purged.
        everything: Option<Way> = field("everything", nested()).optional(),
        /// How long after its confirmation each node is purged a second time: a fetch in progress may store the old answer after the purge. Must be longer than the origin's slowest answer; `0s` for once only.
        second_pass: Duration = field("secondPass", duration(Duration::ZERO..=Duration::from_secs(3600))).or(Duration::from_secs(10)),
        /// How long to wait for a connection to a node.
        connect_timeout: Duration = field("connectTimeout", duration(TIMES)).or(Duration::from_secs(1)),
        /// How long to wait for a node's complete answer.
        answer_timeout: Duration = field("answerTimeout", duration(TIMES)).or(Duration::from_secs(5)),
    }
}

const TIMES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(60);

block! {
    /// Where the caches are. Plain http is allowed to loopback, to private addresses, and to names that
    /// have only such addresses.
    #[derive(PartialEq, Eq)]
    pub struct Nodes(NodesDraft, check_nodes): Default {
        /// Base URLs of nodes, e.g. `http://10.0.0.1:6081`.
        fixed: Vec<String> = field("static", list_of(node(), 0..=MAX_NODES, "use `dns` for so many")).or(Vec::new()),
        /// A base URL; each address of its host (A and AAAA records) is a node, e.g. of a headless service. Resolved when a run begins and again before an entry is confirmed.
        dns: Option<String> = field("dns", dns()).optional(),
    }
}

block! {
    /// Which host a request names: the URL's, never the node's own.
    #[derive(PartialEq, Eq)]
    pub struct HostRule(HostRuleDraft): Default {
        /// `url` for the host of the purged URL, or a fixed host.
        from: String = field("from", host()).or("url".to_owned()),
        /// Whether to write it in lower case, for caches that compare bytes.
        lower: bool = field("lower", boolean()).or(true),
        /// The header field that names it; behind a broadcaster often not `Host`.
        header: &'static str = field("header", token("header field")).or("Host"),
    }
}

impl Config {
    pub(super) const fn way(&self, kind: TargetKind) -> Option<&Way> {
        match kind {
            TargetKind::File => self.url.as_ref(),
            TargetKind::Directory => self.directory.as_ref(),
            TargetKind::Tag => self.tag.as_ref(),
            TargetKind::Host => self.whole_host.as_ref(),
            TargetKind::Everything => self.everything.as_ref(),
        }
    }
}

pub(super) const fn field_of(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::File => "url",
        TargetKind::Directory => "directory",
        TargetKind::Tag => "tag",
        TargetKind::Host => "wholeHost",
        TargetKind::Everything => "everything",
    }
}

fn check(draft: &ConfigDraft, fields: &Fields<'_>) {
    let ways = [
        (TargetKind::File, &draft.url),
        (TargetKind::Directory, &draft.directory),
        (TargetKind::Tag, &draft.tag),
        (TargetKind::Host, &draft.whole_host),
        (TargetKind::Everything, &draft.everything),
    ];
    let error = |span, message: String, hint: &str| {
        let problem = Problem::error(span, message);
        fields.problems().push(problem.hint(hint.to_owned()));
    };
    let preset = draft.preset.as_ref();
    let has_preset = preset.is_some_and(|found| found.value.is_some());
    if !has_preset && ways.iter().all(|(_, way)| way.is_none()) {
        let message = "nothing says how these caches are purged".to_owned();
        error(fields.span(), message, "name a `preset`, or declare `url`");
    }
    for (kind, found) in ways {
        let Some(Found {
            value: Some(way),
            span,
            ..
        }) = found
        else {
            continue;
        };
        let is_tag = kind == TargetKind::Tag;
        let misplaced = [
            (
                "trees",
                way.trees.is_some() && kind != TargetKind::Directory,
            ),
            ("separator", way.separator.is_some() && !is_tag),
            ("maxBytes", way.max_bytes.is_some() && !is_tag),
            ("soft", way.soft.is_some() && !is_tag),
        ];
        for (name, _) in misplaced.iter().filter(|(_, is_misplaced)| *is_misplaced) {
            let message = format!("`{}` has no `{name}`", field_of(kind));
            let owner = if *name == "trees" { "directory" } else { "tag" };
            error(*span, message, &format!("`{name}` is for `{owner}`"));
        }
        let known: &[&str] = match kind {
            TargetKind::File | TargetKind::Directory => &["path", "path_query", "host", "url"],
            TargetKind::Tag => &["tags"],
            TargetKind::Host => &["host"],
            TargetKind::Everything => &[],
        };
        for name in way.placeholders() {
            if !known.contains(&name.trim_end_matches("_regex")) {
                let message = format!("`{{{name}}}` is nothing that `{}` has", field_of(kind));
                error(
                    *span,
                    message,
                    &match known {
                        [] => "write what the request says, without placeholders".to_owned(),
                        known => format!(
                            "it has {}, each also with `_regex`",
                            listed(known.iter().copied())
                        ),
                    },
                );
            }
        }
    }
}

fn check_nodes(draft: &NodesDraft, fields: &Fields<'_>) {
    let fixed = draft.fixed.as_ref();
    let has_none = match fixed {
        Some(found) => found.value.is_empty(),
        None => fields.peek("static").is_none(),
    };
    if has_none && fields.peek("dns").is_none() {
        let problem = Problem::error(fields.span(), "there is no node");
        let hint =
            "list base URLs in `static`, such as `http://10.0.0.1:6081`, or name one in `dns`";
        fields.problems().push(problem.hint(hint.to_owned()));
    }
    let Some(found) = fixed else { return };
    for (at, (node, span)) in found.value.iter().zip(&found.items).enumerate() {
        if found.value[..at].contains(node) {
            let message = format!("the node `{node}` is listed twice");
            fields.problems().push(Problem::warning(*span, message));
        }
    }
}

fn base_url(text: &str) -> Result<CdnUrl, Wrong> {
    let example = "write it like `http://10.0.0.1:6081`";
    let url = CdnUrl::parse(text).map_err(|error| wrong(error.to_string(), example))?;
    match url.path_and_query() {
        "/" => Ok(url),
        _ => Err(wrong("a node's URL has neither path nor query", example)),
    }
}

fn without_slash(url: &CdnUrl) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn node() -> Shape<String> {
    let parse = |text: &str| {
        let url = base_url(text)?;
        let host = url.host().trim_start_matches('[').trim_end_matches(']');
        let address = host.parse::<std::net::IpAddr>();
        let is_public = address.is_ok_and(|address| !is_private(address));
        match is_public && url.as_str().starts_with("http://") {
            true => Err(wrong(
                format!(
                    "`{host}` is a public address, and plain http is for private networks only"
                ),
                "write `https://`, or the address in your own network",
            )),
            false => Ok(without_slash(&url)),
        }
    };
    long("URL", parse).pattern("^[hH][tT][tT][pP][sS]?://[^/?#@]+/?$")
}

fn dns() -> Shape<String> {
    let parse = |text: &str| {
        let url = base_url(text)?;
        let host = url.host();
        let is_name = host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[');
        if !url.as_str().starts_with("http://") {
            let hint =
                "list the nodes in `static`: a certificate is for a name, not for its addresses";
            return Err(wrong(
                "nodes found by name are reached over plain http",
                hint,
            ));
        }
        match is_name {
            true => Ok(without_slash(&url)),
            false => Err(wrong(
                "this is an address and no name",
                "list it in `static`",
            )),
        }
    };
    long("URL", parse).pattern("^[hH][tT][tT][pP]://[^/?#@]+/?$")
}

fn host() -> Shape<String> {
    let parse = |text: &str| match HostPattern::parse(text) {
        Ok(_) if !text.contains('*') => Ok(text.to_owned()),
        Ok(_) | Err(_) => Err(wrong(
            format!("`{}` is neither `url` nor a host", shown(text)),
            "write `url`, or a host name such as `www.example.com`",
        )),
    };
    parsed("host", parse)
}

fn variants() -> Shape<Vec<BTreeMap<String, String>>> {
    let hint = "list at least `{}`, which is a request without further header fields";
    list_of(headers(), 1..=MAX_VARIANTS, hint)
}
