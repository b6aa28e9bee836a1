//! `[io]` The real transport: HTTP/1.1 and HTTP/2 over `reqwest`, which only this file and
//! `http_fetch` use.
//!
//! TLS is rustls with the platform's root certificates. The cargo feature `native-tls` uses the
//! platform's TLS for everything instead: two clients of the classic Azure China CDN had to allow
//! renegotiation `[O]`, which rustls cannot do.
//!
//! Proxy variables (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`…) are honoured, except for this machine.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::dns::{Name, Resolve, Resolving as Dns};
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{Client, ClientBuilder, redirect, retry};
use tokio::time::Instant;
use url::Url;

use super::destination::{destination, is_near};
use super::node::{is_private, node_destination};
use super::{
    HeaderValue, Patience, Request, Resolving, Response, Sending, Transport, TransportError,
    TransportErrorKind, TransportLimits, USER_AGENT, in_time,
};

/// Sends over the network and reuses connections. Cheap to make: clients load root certificates, so the
/// first request builds them.
#[derive(Default)]
pub struct HttpTransport {
    limits: TransportLimits,
    /// Plain http to this machine: no proxy, and no root certificates, which are slow to load.
    plain: OnceLock<Client>,
    local: OnceLock<Client>,
    remote: OnceLock<Client>,
    /// Clients for cache nodes, by connect timeout and whether http is plain. No proxy, and no headers by
    /// which a cache could vary.
    nodes: Mutex<BTreeMap<(Duration, bool), Client>>,
}

impl fmt::Debug for HttpTransport {
    /// Without the clients: their proxies may have passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl HttpTransport {
    pub fn new(limits: TransportLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    fn client(&self, url: &Url) -> Result<&Client, TransportError> {
        let local = is_near(url);
        let plain = local && url.scheme() == "http";
        let cell = match (local, plain) {
            (_, true) => &self.plain,
            (true, false) => &self.local,
            (false, false) => &self.remote,
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = builder(self.limits.connect, plain);
        if local {
            builder = builder.no_proxy();
        }
        let client = build(builder)?;
        Ok(cell.get_or_init(|| client))
    }

    fn node_client(&self, connect: Duration, plain: bool) -> Result<Client, TransportError> {
        let mut known = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.get(&(connect, plain)) {
            return Ok(client.clone());
        }
        let mut builder = builder(connect, plain).no_proxy().no_gzip();
        if plain {
            builder = builder.dns_resolver(Arc::new(PrivateNames));
        }
        let client = build(builder)?;
        known.insert((connect, plain), client.clone());
        Ok(client)
    }

    async fn exchange(
        &self,
        request: Request,
        node: Option<Patience>,
    ) -> Result<Response, TransportError> {
        let (url, client) = match node {
            None => {
                let url = destination(&request)?;
                let client = self.client(&url)?.clone();
                (url, client)
            }
            Some(patience) => {
                let url = node_destination(&request)?;
                let plain = url.scheme() == "http";
                (url, self.node_client(patience.connect, plain)?)
            }
        };
        let method = reqwest::Method::from_bytes(request.method.as_str().as_bytes())
            .map_err(|error| caused(TransportErrorKind::Invalid, error))?;
        let answer = client
            .request(method, url)
            .headers(headers(request.headers)?)
            .body(request.body)
            .send()
            .await
            .map_err(failed_to_send)?;
        self.read(answer).await
    }

    async fn read(&self, mut answer: reqwest::Response) -> Result<Response, TransportError> {
        let limit = self.limits.body_bytes;
        let announced = answer.content_length().unwrap_or(0);
        if usize::try_from(announced).unwrap_or(usize::MAX) > limit {
            return Err(TransportErrorKind::BodyTooLarge.into());
        }
        let headers = received(answer.headers());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed_to_read)? {
            if chunk.len() > limit - body.len() {
                return Err(TransportErrorKind::BodyTooLarge.into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status: answer.status().as_u16(),
            headers,
            body,
        })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request, deadline: Option<Instant>) -> Sending<'_> {
        Box::pin(in_time(
            self.exchange(request, None),
            self.limits.request,
            deadline,
        ))
    }

    fn send_to_node(
        &self,
        request: Request,
        patience: Patience,
        deadline: Option<Instant>,
    ) -> Sending<'_> {
        Box::pin(in_time(
            self.exchange(request, Some(patience)),
            patience.answer,
            deadline,
        ))
    }

    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, port)).await;
            let found = found.map_err(|error| caused(TransportErrorKind::Connect, error))?;
            Ok(found.collect())
        })
    }
}

pub(super) fn builder(connect: Duration, plain: bool) -> ClientBuilder {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(connect)
        .redirect(redirect::Policy::none())
        .referer(false)
        // An API's answers are short. Page fetches choose their own encoding.
        .no_brotli()
        // The caller decides about retries.
        .retry(retry::never());
    if plain {
        builder = builder.tls_certs_only(std::iter::empty());
    }
    #[cfg(feature = "native-tls")]
    {
        builder = builder.tls_backend_native();
    }
    builder
}

pub(super) fn build(builder: ClientBuilder) -> Result<Client, TransportError> {
    let client = builder.build();
    client.map_err(|error| caused(TransportErrorKind::Tls, error))
}

struct PrivateNames;

impl Resolve for PrivateNames {
    fn resolve(&self, name: Name) -> Dns {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            if let Some(public) = found.iter().find(|found| !is_private(found.ip())) {
                let (name, address) = (name.as_str(), public.ip());
                return Err(format!("`{name}` has the public address {address}: plain http is for private networks only, use https").into());
            }
            Ok(Box::new(found.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

pub(super) fn headers(
    pairs: Vec<(&'static str, HeaderValue)>,
) -> Result<HeaderMap, TransportError> {
    let mut map = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        // Neither error repeats the value.
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|error| caused(TransportErrorKind::Invalid, error))?;
        let mut shown = header::HeaderValue::from_str(value.expose())
            .map_err(|error| caused(TransportErrorKind::Invalid, error))?;
        shown.set_sensitive(matches!(value, HeaderValue::Secret(_)));
        map.append(key, shown);
    }
    Ok(map)
}

pub(super) fn received(headers: &HeaderMap) -> Vec<(String, String)> {
    let texts = headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), value.into_owned())
    });
    texts.collect()
}

pub(super) fn caused(
    kind: TransportErrorKind,
    source: impl Error + Send + Sync + 'static,
) -> TransportError {
    TransportError {
        kind,
        source: Some(Box::new(source)),
    }
}

pub(super) fn failed_to_send(error: reqwest::Error) -> TransportError {
    // The caller decides whether to show the URL.
    let error = error.without_url();
    let kind = match (error.is_connect(), is_tls(&error)) {
        _ if error.is_builder() => TransportErrorKind::Invalid,
        (true, true) => TransportErrorKind::Tls,
        (true, false) => TransportErrorKind::Connect,
        (false, tls) => broken(tls),
    };
    caused(kind, error)
}

pub(super) fn failed_to_read(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    // A body that cannot be decompressed is reported like invalid TLS data.
    caused(broken(!error.is_decode() && is_tls(&error)), error)
}

/// The connection broke after it was established: the request may have arrived.
const fn broken(tls: bool) -> TransportErrorKind {
    match tls {
        true => TransportErrorKind::TlsBroken,
        false => TransportErrorKind::Interrupted,
    }
}

/// Whether TLS failed. rustls reports it as an `io::Error` of kind `InvalidData`, also when a peer
/// wants to renegotiate later. The platforms' libraries only have texts. These are checked only
/// while connecting, because a broken connection may mention TLS too.
fn is_tls(error: &reqwest::Error) -> bool {
    const WORDS: [&str; 4] = ["ssl", "tls", "certificate", "schannel"];
    let mut cause = error.source();
    while let Some(inner) = cause {
        let io = inner.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        if cfg!(feature = "native-tls") && error.is_connect() {
            let text = inner.to_string().to_ascii_lowercase();
            if WORDS.iter().any(|word| text.contains(word)) {
                return true;
            }
        }
        cause = match io.and_then(io::Error::get_ref) {
            // `source` of an `io::Error` skips the error that it wraps.
            Some(wrapped) => Some(wrapped),
            None => inner.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_headers_are_hidden_from_the_library_too() {
        let pairs = vec![
            ("x-purge-token", HeaderValue::secret("not-a-real-key")),
            ("accept", "text/plain".into()),
        ];
        let map = headers(pairs).unwrap_or_default();
        let shown = format!("{map:?}");
        assert_eq!(map["x-purge-token"], "not-a-real-key");
        assert!(!shown.contains("not-a-real-key"), "{shown}");
        assert!(shown.contains("text/plain"), "{shown}");
    }
}
