//! [io] Fetching over `reqwest`, one client for each address that is connected to.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Seek as _, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tempfile::SpooledTempFile;
use tokio::time::Instant;
use url::Url;

use super::destination::{destination, is_loopback};
use super::fetch::{Connect, FETCH_TIMEOUT, Fetch, Fetched, Fetching, MAX_FETCHED_BYTES};
use super::http::{build, builder, caused, failed_to_read, failed_to_send, headers};
use super::{CONNECT_TIMEOUT, HeaderValue, Request, TransportError, TransportErrorKind, in_time};
use crate::content::{ContentId, read_blob_id};

/// Bytes of a body that wait in memory: the hash begins with the length, which is known at the end.
/// Longer bodies wait in a file that has no name.
const SPOOLED_BYTES: usize = 64 * 1024;

/// Fetches over the network; connections are kept and used again.
#[derive(Default)]
pub struct HttpFetch {
    clients: Mutex<BTreeMap<Way, Client>>,
}

/// How a server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// By its name, as users do.
    Named,
    /// On this machine, without a proxy.
    Local,
    At(Connect),
}

impl fmt::Debug for HttpFetch {
    /// Leaves out the clients: proxies may carry passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFetch").finish_non_exhaustive()
    }
}

/// Resolves every name to one address.
#[derive(Debug)]
struct Fixed(SocketAddr);

impl Resolve for Fixed {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(std::iter::once(self.0));
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

impl HttpFetch {
    fn client(&self, way: Way) -> Result<Client, TransportError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&way) {
            return Ok(client.clone());
        }
        let builder = builder(CONNECT_TIMEOUT, false).brotli(true);
        let builder = match way {
            Way::Named => builder,
            Way::Local => builder.no_proxy(),
            // A proxy would connect elsewhere. Port 0 stands for that of the scheme.
            Way::At(connect) => {
                let address = SocketAddr::new(connect.address, connect.port.unwrap_or(0));
                builder.no_proxy().dns_resolver(Arc::new(Fixed(address)))
            }
        };
        let client = build(builder)?;
        clients.insert(way, client.clone());
        Ok(client)
    }

    async fn exchange(
        &self,
        request: Request,
        connect: Option<Connect>,
    ) -> Result<Fetched, TransportError> {
        let mut url = open_destination(&request)?;
        if connect.is_some_and(|connect| connect.plain) {
            // Cannot fail: both schemes are special.
            let _ = url.set_scheme("http");
        }
        let way = match connect {
            Some(connect) => Way::At(connect),
            None if is_loopback(&url) => Way::Local,
            None => Way::Named,
        };
        let asked = self
            .client(way)?
            .get(url)
            .headers(headers(request.headers)?);
        let mut answer = asked.send().await.map_err(failed_to_send)?;
        let status = answer.status().as_u16();
        let fields = answer.headers().iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.into_owned())
        });
        let headers = fields.collect();
        Ok(Fetched {
            status,
            headers,
            id: hash(&mut answer).await?,
        })
    }
}

/// The URL of a request that may go there: plain http too, where nothing in it is secret.
fn open_destination(request: &Request) -> Result<Url, TransportError> {
    let has_secret = |(_, value): &(_, HeaderValue)| matches!(value, HeaderValue::Secret(_));
    Ok(match destination(request) {
        Err(TransportErrorKind::Insecure) if !request.headers.iter().any(has_secret) => {
            Url::parse(&request.url).map_err(|_| TransportErrorKind::Invalid)?
        }
        decided => decided?,
    })
}

/// Hashes a body while it comes in; `None` where it is too long.
async fn hash(answer: &mut reqwest::Response) -> Result<Option<ContentId>, TransportError> {
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
}
