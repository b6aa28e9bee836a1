//! [io] Where the edge gets what it does not have: a folder or another server.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use reqwest::redirect::Policy;
use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use url::Url;

use super::cache::Object;

/// Largest body fetched, in bytes: a quarter of what the cache holds.
pub const MAX_OBJECT_BYTES: usize = 16 * 1024 * 1024;

/// Time for an origin's complete answer; it is on this machine or near it.
const ORIGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// The file that is served for a directory.
const INDEX: &str = "index.html";

/// Headers in which origins name an object's cache tags (surrogate keys), separated by commas or spaces.
const TAG_HEADERS: [&str; 3] = ["cache-tag", "surrogate-key", "edge-cache-tag"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Files below a folder; links that lead out of it are not followed.
    Folder(PathBuf),
    /// A server, `http` or `https`; paths are appended to the URL's own.
    Url(Url),
}

#[derive(Debug, Error)]
pub enum OriginError {
    #[error("cannot use the folder `{}` as origin", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    #[error("the origin `{0}` must start with `http://` or `https://`")]
    Scheme(Url),
    #[error("cannot set up a client for the origin")]
    Client(#[source] reqwest::Error),
}

#[derive(Debug)]
pub(super) enum OpenOrigin {
    /// The folder with all links resolved.
    Folder(PathBuf),
    Server {
        /// Without a trailing slash.
        base: String,
        client: reqwest::Client,
    },
}

/// An object to keep, or any other answer of the origin.
type Fetched = Result<Object, Response>;

impl OpenOrigin {
    pub(super) fn new(origin: &Origin) -> Result<Self, OriginError> {
        match origin {
            Origin::Folder(folder) => {
                let root = folder.canonicalize();
                let root = root.and_then(|root| root.read_dir().map(|_| root));
                let root = root.map_err(|error| OriginError::Folder(folder.clone(), error))?;
                Ok(Self::Folder(root))
            }
            Origin::Url(url) => {
                if !matches!(url.scheme(), "http" | "https") {
                    return Err(OriginError::Scheme(url.clone()));
                }
                let builder = reqwest::Client::builder().redirect(Policy::none());
                let builder = builder.timeout(ORIGIN_TIMEOUT);
                // A proxy could not reach this machine's own ports.
                let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
                let builder = if local { builder.no_proxy() } else { builder };
                Ok(Self::Server {
                    base: url.as_str().trim_end_matches('/').to_owned(),
                    client: builder.build().map_err(OriginError::Client)?,
                })
            }
        }
    }

    pub(super) async fn fetch(&self, target: &str) -> io::Result<Fetched> {
        let fetched = match self {
            Self::Folder(root) => read(root, target).await,
            Self::Server { base, client } => get(client, &format!("{base}{target}")).await,
        };
        fetched.or_else(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Ok(Err((StatusCode::NOT_FOUND, "not found\n").into_response()))
            }
            _ => Err(error),
        })
    }
}

async fn read(root: &Path, target: &str) -> io::Result<Fetched> {
    let path = target.split('?').next().unwrap_or_default();
    let mut file = below(root, path).ok_or(io::ErrorKind::NotFound)?;
    if path.ends_with('/') {
        file.push(INDEX);
    }
    // Resolves links, so that one that leads out of the root shows.
    let file = tokio::fs::canonicalize(&file).await?;
    let metadata = tokio::fs::metadata(&file).await?;
    let inside = file.starts_with(root);
    if inside && metadata.is_dir() && !path.ends_with('/') {
        let location = [(header::LOCATION, format!("{path}/"))];
        return Ok(Err(
            (StatusCode::MOVED_PERMANENTLY, location).into_response()
        ));
    }
    if !inside || !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut body = Vec::new();
    let limit = u64::try_from(MAX_OBJECT_BYTES).unwrap_or(u64::MAX);
    let mut start = tokio::fs::File::open(&file).await?.take(limit + 1);
    start.read_to_end(&mut body).await?;
    check_size(&body)?;
    Ok(Ok(Object {
        content_type: Some(content_type(&file).to_owned()),
        tags: Vec::new(),
        body: body.into(),
    }))
}

fn check_size(body: &[u8]) -> io::Result<()> {
    match body.len() {
        ..=MAX_OBJECT_BYTES => Ok(()),
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    }
}

/// The file that a path names; `None` if the path climbs or contains what no file name has.
fn below(root: &Path, path: &str) -> Option<PathBuf> {
    let decoded = percent_encoding::percent_decode_str(path);
    let decoded = decoded.decode_utf8().ok()?;
    let is_odd = |segment: &str| {
        matches!(segment, "." | "..")
            || segment.contains(['\\', ':'])
            || segment.contains(char::is_control)
    };
    match decoded.split('/').any(is_odd) {
        true => None,
        false => Some(root.join(decoded.trim_start_matches('/'))),
    }
}

fn content_type(file: &Path) -> &'static str {
    let extension = file.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("xml") => "application/xml",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}

async fn get(client: &reqwest::Client, url: &str) -> io::Result<Fetched> {
    let response = client.get(url).send().await.map_err(io::Error::other)?;
    let status = response.status();
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let content_type = header("content-type").map(str::to_owned);
    let tags = TAG_HEADERS.into_iter().filter_map(header);
    let tags = tags.flat_map(|tags| tags.split([',', ' ']).filter(|tag| !tag.is_empty()));
    let tags = tags.map(str::to_owned).collect();
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.map_err(io::Error::other)?);
        check_size(&body)?;
    }
    let object = Object {
        content_type,
        tags,
        body: body.into(),
    };
    Ok(match status {
        StatusCode::OK => Ok(object),
        _ => Err((status, object).into_response()),
    })
}
