//! [io] Where the edge gets what it does not have: a folder or another server.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use futures_util::StreamExt as _;
use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use url::Url;

use super::cache::Object;

/// Largest body fetched, in bytes: a quarter of what the cache holds.
pub const MAX_OBJECT_BYTES: usize = 16 * 1024 * 1024;

/// Time for an origin to answer whole; it is on this machine or near it.
const ORIGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// What is served for a directory.
const INDEX: &str = "index.html";

/// Where the edge gets what it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Files below a folder; links that lead out of it are not followed.
    Folder(PathBuf),
    /// A server, `http` or `https`; paths are appended to the URL's own.
    Url(Url),
}

/// Why an origin cannot be used, or did not answer.
#[derive(Debug, Error)]
pub enum OriginError {
    /// The folder is not there.
    #[error("cannot use the folder `{}` as origin", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// Not a web server.
    #[error("the origin `{0}` must start with `http://` or `https://`")]
    Scheme(Url),
    /// The client cannot be set up.
    #[error("cannot set up a client for the origin")]
    Client(#[source] reqwest::Error),
    /// No answer, or none that is whole.
    #[error("no answer from the origin")]
    Fetch(#[source] reqwest::Error),
    /// A file cannot be read.
    #[error("cannot read `{}`", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// More than [`MAX_OBJECT_BYTES`].
    #[error("an object of more than {MAX_OBJECT_BYTES} bytes")]
    TooLarge,
}

/// An origin in use.
#[derive(Debug)]
pub(super) enum Source {
    /// The folder with all links resolved.
    Folder(PathBuf),
    Server {
        /// Without a trailing slash.
        base: String,
        client: reqwest::Client,
    },
}

/// What an origin says.
#[derive(Debug)]
pub(super) enum Answer {
    /// 200
    Found(Object),
    /// A folder without its slash.
    Moved(String),
    Missing,
    /// Anything else that a server says, handed through.
    Other {
        status: StatusCode,
        object: Object,
    },
}

impl Source {
    /// Checks an origin and makes it ready.
    pub(super) fn open(origin: &Origin) -> Result<Self, OriginError> {
        match origin {
            Origin::Folder(folder) => {
                let wrong = |error| OriginError::Folder(folder.clone(), error);
                let root = folder.canonicalize().map_err(wrong)?;
                if !root.is_dir() {
                    return Err(wrong(io::ErrorKind::NotADirectory.into()));
                }
                Ok(Self::Folder(root))
            }
            Origin::Url(url) => {
                if !matches!(url.scheme(), "http" | "https") {
                    return Err(OriginError::Scheme(url.clone()));
                }
                let builder = reqwest::Client::builder()
                    .redirect(reqwest::redirect::Policy::none())
                    .timeout(ORIGIN_TIMEOUT);
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

    /// Fetches a path with its query.
    pub(super) async fn fetch(&self, target: &str) -> Result<Answer, OriginError> {
        match self {
            Self::Folder(root) => read(root, target).await,
            Self::Server { base, client } => get(client, &format!("{base}{target}")).await,
        }
    }
}

async fn read(root: &Path, target: &str) -> Result<Answer, OriginError> {
    let path = target.split('?').next().unwrap_or_default();
    let Some(mut file) = below(root, path) else {
        return Ok(Answer::Missing);
    };
    if path.ends_with('/') {
        file.push(INDEX);
    }
    // Resolves links, so that one that leads out of the root shows.
    let file = match tokio::fs::canonicalize(&file).await {
        Ok(file) if file.starts_with(root) => file,
        Ok(_) => return Ok(Answer::Missing),
        Err(error) => return absent_or(error, file),
    };
    let metadata = match tokio::fs::metadata(&file).await {
        Ok(metadata) => metadata,
        Err(error) => return absent_or(error, file),
    };
    if metadata.is_dir() && !path.ends_with('/') {
        return Ok(Answer::Moved(format!("{path}/")));
    }
    if !metadata.is_file() {
        return Ok(Answer::Missing);
    }
    match read_capped(&file).await {
        Ok(body) if body.len() > MAX_OBJECT_BYTES => Err(OriginError::TooLarge),
        Ok(body) => Ok(Answer::Found(Object {
            content_type: Some(content_type(&file).to_owned()),
            body: body.into(),
        })),
        Err(error) => absent_or(error, file),
    }
}

/// At most one byte more than [`MAX_OBJECT_BYTES`].
async fn read_capped(file: &Path) -> io::Result<Vec<u8>> {
    let file = tokio::fs::File::open(file).await?;
    let mut body = Vec::new();
    let limit = u64::try_from(MAX_OBJECT_BYTES).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1))
        .read_to_end(&mut body)
        .await?;
    Ok(body)
}

fn absent_or(error: io::Error, file: PathBuf) -> Result<Answer, OriginError> {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(Answer::Missing),
        _ => Err(OriginError::Read(file, error)),
    }
}

/// The file that a path names, unless the path climbs or has something in it that no file name has.
fn below(root: &Path, path: &str) -> Option<PathBuf> {
    let decoded = percent_encoding::percent_decode_str(path)
        .decode_utf8()
        .ok()?;
    let mut file = root.to_path_buf();
    for segment in decoded.split('/').filter(|segment| !segment.is_empty()) {
        let odd = segment == "."
            || segment == ".."
            || segment.contains(['\\', ':'])
            || segment.chars().any(char::is_control);
        if odd {
            return None;
        }
        file.push(segment);
    }
    Some(file)
}

/// The type of a file by its extension.
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

async fn get(client: &reqwest::Client, url: &str) -> Result<Answer, OriginError> {
    let response = client.get(url).send().await.map_err(OriginError::Fetch)?;
    let status = response.status();
    let content_type = response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.map_err(OriginError::Fetch)?);
        if body.len() > MAX_OBJECT_BYTES {
            return Err(OriginError::TooLarge);
        }
    }
    let body = Bytes::from(body);
    let object = Object { content_type, body };
    Ok(if status == StatusCode::OK {
        Answer::Found(object)
    } else {
        Answer::Other { status, object }
    })
}
