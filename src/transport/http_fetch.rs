//! `[io]` Fetching over `reqwest`, with one client per address.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Seek as _, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap};
use tempfile::SpooledTempFile;
use tokio::time::Instant;
use url::{Position, Url};

use super::destination::{as_sent, is_loopback, is_near, literal_address};
use super::dns::{self, Resolver};
use super::fetch::{self, Connect, FETCH_TIMEOUT, Fetch, Fetched, Fetching, MAX_FETCHED_BYTES};
use super::http::{build, builder, caused, failed_to_read, failed_to_send, headers, received};
use super::node::is_private;
use super::{CONNECT_TIMEOUT, HeaderValue, Request, TransportError, TransportErrorKind, in_time};
use crate::content::{ContentId, read_blob_id};

/// Bytes of a body buffered in memory: the hash begins with the length, which is known only at the end.
/// Longer bodies go to an unnamed file.
const SPOOLED_BYTES: usize = 64 * 1024;

#[derive(Default)]
pub struct HttpFetch {
    clients: Mutex<BTreeMap<ClientKey, Client>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Route {
    /// By its name, as users do.
    Named,
    /// On this machine, without a proxy.
    Local,
    At(Connect),
}

/// The route, and whether requests set their own `Host`, which HTTP/2 does not have.
type ClientKey = (Route, bool);

impl fmt::Debug for HttpFetch {
    /// Leaves out the clients: proxies may carry passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFetch").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Fixed(SocketAddr);

impl Resolve for Fixed {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(std::iter::once(self.0));
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

impl HttpFetch {
    fn client(&self, (route, has_host): ClientKey) -> Result<Client, TransportError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&(route, has_host)) {
            return Ok(client.clone());
        }
        let builder = builder(CONNECT_TIMEOUT, false).brotli(true);
        let builder = match has_host {
            true => builder.http1_only(),
            false => builder,
        };
        let builder = match route {
            Route::Named => builder,
            Route::Local => builder.no_proxy(),
            // A proxy would connect elsewhere. Port 0 means the port of the scheme.
            Route::At(connect) => {
                let address = SocketAddr::new(connect.address, connect.port.unwrap_or(0));
                builder.no_proxy().dns_resolver(Arc::new(Fixed(address)))
            }
        };
        let client = build(builder)?;
        clients.insert((route, has_host), client.clone());
        Ok(client)
    }

    async fn exchange(
        &self,
        request: Request,
        connect: Option<Connect>,
    ) -> Result<Fetched, TransportError> {
        let mut url = open_destination(&request, connect)?;
        if connect.is_some_and(|connect| connect.plain) {
            // Cannot fail: both schemes are special.
            let _ = url.set_scheme("http");
        }
        let route = match connect {
            Some(connect) => Route::At(connect),
            None if is_loopback(&url) => Route::Local,
            None => Route::Named,
        };
        let mut fields = headers(request.headers)?;
        if let Some(connect) = connect {
            readdress(&mut url, connect, &mut fields)?;
        }
        let has_host = fields.contains_key(header::HOST);
        let request = self.client((route, has_host))?.get(url).headers(fields);
        let mut answer = request.send().await.map_err(failed_to_send)?;
        Ok(Fetched {
            status: answer.status().as_u16(),
            headers: received(answer.headers()),
            id: hash(&mut answer).await?,
        })
    }
}

/// Replaces the address of a URL whose host is an address, because no resolver is asked for it. The
/// `Host` header keeps the original.
fn readdress(
    url: &mut Url,
    connect: Connect,
    fields: &mut HeaderMap,
) -> Result<(), TransportError> {
    let Some(own) = literal_address(url) else {
        return Ok(());
    };
    if url.scheme() == "https" && own != connect.address {
        // A certificate would be compared with the address that is connected to.
        let reason = "TLS at another address needs a host name in the URL";
        return Err(caused(
            TransportErrorKind::Invalid,
            io::Error::other(reason),
        ));
    }
    let host = url[Position::BeforeHost..Position::AfterPort].to_owned();
    let host = header::HeaderValue::from_str(&host);
    let host = host.map_err(|error| caused(TransportErrorKind::Invalid, error))?;
    fields.entry(header::HOST).or_insert(host);
    // Neither can fail: http and https have hosts and ports.
    let _ = url.set_ip_host(connect.address);
    let _ = url.set_port(connect.port.or(url.port()));
    Ok(())
}

/// The URL of a request that may be sent. Plain http to public addresses must carry no secret.
fn open_destination(request: &Request, connect: Option<Connect>) -> Result<Url, TransportError> {
    let url = as_sent(request)?;
    let is_plain = url.scheme() == "http" || connect.is_some_and(|connect| connect.plain);
    let is_private = match connect {
        Some(connect) => is_private(connect.address),
        None => is_near(&url) || literal_address(&url).is_some_and(is_private),
    };
    let is_secret = |(_, value): &(_, HeaderValue)| matches!(value, HeaderValue::Secret(_));
    match is_plain && !is_private && request.headers.iter().any(is_secret) {
        true => Err(TransportErrorKind::Insecure.into()),
        false => Ok(url),
    }
}

/// Hashes a body while it arrives; `None` if it is too long.
async fn hash(answer: &mut reqwest::Response) -> Result<Option<ContentId>, TransportError> {
    if answer.content_length() > Some(MAX_FETCHED_BYTES) {
        return Ok(None);
    }
    let (mut spool, mut size) = (SpooledTempFile::new(SPOOLED_BYTES), 0);
    while let Some(chunk) = answer.chunk().await.map_err(failed_to_read)? {
        size += chunk.len() as u64;
        if size > MAX_FETCHED_BYTES {
            return Ok(None);
        }
        spool.write_all(&chunk).map_err(not_kept)?;
    }
    spool.rewind().map_err(not_kept)?;
    read_blob_id(spool, size).map_err(not_kept)
}

fn not_kept(error: io::Error) -> TransportError {
    caused(TransportErrorKind::Interrupted, error)
}

impl Fetch for HttpFetch {
    fn fetch(
        &self,
        request: Request,
        connect: Option<Connect>,
        deadline: Option<Instant>,
    ) -> Fetching<'_> {
        let exchange = self.exchange(request, connect);
        Box::pin(in_time(exchange, FETCH_TIMEOUT, deadline))
    }

    fn resolve<'a>(&'a self, resolver: Resolver, host: &'a str) -> fetch::Resolving<'a> {
        Box::pin(dns::addresses(resolver, host))
    }
}
