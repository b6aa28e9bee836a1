//! Arguments of commands that choose a CDN: `init`, `demo` and `emulator`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::duration;
use crate::emulator::{self, ApiKind, Behaviour, Fault};
use crate::provider::{self, ProviderKind};

fn named<K: Sync>(
    registry: &'static [&'static K],
    name: fn(&K) -> &'static str,
) -> impl TypedValueParser<Value = &'static K> {
    let names = registry.iter().map(|kind| name(kind));
    PossibleValuesParser::new(names).try_map(move |wanted| {
        let found = registry.iter().find(|kind| name(kind) == wanted);
        found.copied().ok_or("not in the registry")
    })
}

fn api_kind() -> impl TypedValueParser<Value = &'static ApiKind> {
    named(emulator::REGISTRY, |kind| kind.name)
}

#[derive(Debug, Args)]
pub struct Init {
    /// The CDN to purge
    #[arg(long, value_name = "NAME", value_parser = named(provider::REGISTRY, |kind| kind.name))]
    pub provider: Option<&'static ProviderKind>,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// The CDN to show it with
    #[arg(long, value_name = "NAME", value_parser = api_kind(), default_value = emulator::REGISTRY[0].name)]
    pub provider: &'static ApiKind,
}

#[derive(Debug, Args)]
pub struct Emulator {
    /// The CDN to emulate
    #[arg(long, value_name = "NAME", value_parser = api_kind(), default_value = emulator::REGISTRY[0].name)]
    pub provider: &'static ApiKind,
    /// Address of the API; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,
    /// How long a purge takes
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
    pub latency: Duration,
    /// File purges per day; default: the CDN's own
    #[arg(long, value_name = "NUMBER")]
    pub files_per_day: Option<u32>,
    /// Directory purges per day; default: the CDN's own
    #[arg(long, value_name = "NUMBER")]
    pub directories_per_day: Option<u32>,
    /// Items per request; default: the CDN's own
    #[arg(long, value_name = "NUMBER")]
    pub items_per_request: Option<usize>,
    /// Requests per second before throttling; default: the CDN's own
    #[arg(long, value_name = "NUMBER")]
    pub requests_per_second: Option<f64>,
    /// How far a request's date may be off, in either direction; default: the CDN's own
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub window: Option<Duration>,
    /// Hosts that the endpoint serves, with `*.` for one label; default: any host
    #[arg(long = "host", value_name = "HOST")]
    pub hosts: Vec<String>,
    /// Refuse everything that is not documented, even if existing clients send it, e.g. directories
    /// without a trailing `/`
    #[arg(long)]
    pub strict: bool,
    /// A fault: `KIND[=VALUE][@OPERATION][*TIMES][+SKIP]`, see below
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<Fault>,
    /// Also run a caching edge in front of this folder or `http(s)://` origin
    #[arg(long, value_name = "FOLDER|URL")]
    pub origin: Option<String>,
    /// Address of the edge; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8788",
        requires = "origin"
    )]
    pub edge_listen: SocketAddr,
    /// Behaviour of one edge each: `plain`, or separated by commas `lag=DURATION`, `deaf`, `race`,
    /// `compress`, `minify`, `ahead=DURATION`, `behind=DURATION`, or `pass` for one that caches nothing,
    /// like the origin itself
    #[arg(long = "edge", value_name = "BEHAVIOUR", requires = "origin")]
    pub edges: Vec<Behaviour>,
}
