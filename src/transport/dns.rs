//! `[io]` Asks one resolver for the addresses of a name. Resolvers in other places return other edges.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use thiserror::Error;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Time limit for one answer: a resolver on the other side of the world needs half a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// Times a question is sent: a datagram may be lost.
const TRIES: usize = 3;

/// Longest answer that is read, in bytes. Without EDNS, resolvers send at most 512.
const MAX_ANSWER_BYTES: usize = 4096;

/// Most addresses used of a name: one edge of a CDN has a few.
pub const MAX_ADDRESSES: usize = 4;

const PORT: u16 = 53;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resolver(pub SocketAddr);

impl Resolver {
    /// From an IP address, with a port if it is not 53.
    pub fn parse(text: &str) -> Option<Self> {
        let bare = |text: &str| Some(SocketAddr::new(text.parse().ok()?, PORT));
        let found: Option<SocketAddr> = text.parse().ok().or_else(|| bare(text));
        // Nobody listens at port 0.
        found.filter(|found| found.port() > 0).map(Self)
    }
}

impl fmt::Display for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.port() {
            PORT => write!(f, "{}", self.0.ip()),
            _ => write!(f, "{}", self.0),
        }
    }
}

#[derive(Debug, Error)]
pub enum ResolveError {
    #[error("the resolver {0} does not answer")]
    NoAnswer(Resolver),
    #[error("the resolver {0} cannot be asked")]
    Unreachable(Resolver, #[source] io::Error),
    #[error("the resolver {0} says {1}")]
    Refused(Resolver, String),
    #[error("the resolver {0} knows no address of the host")]
    Unknown(Resolver),
    #[error("the host cannot be asked for")]
    Name,
}

/// The IPv4 addresses of a host, or IPv6 if there are none, because not every machine can reach those.
pub async fn addresses(resolver: Resolver, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
    let found = ask(resolver, host, RecordType::A).await?;
    let found = match found.is_empty() {
        true => ask(resolver, host, RecordType::AAAA).await?,
        false => found,
    };
    match found.is_empty() {
        true => Err(ResolveError::Unknown(resolver)),
        false => Ok(found),
    }
}

async fn ask(
    resolver: Resolver,
    host: &str,
    kind: RecordType,
) -> Result<Vec<IpAddr>, ResolveError> {
    let unreachable = |error| ResolveError::Unreachable(resolver, error);
    // The final dot keeps search lists from being applied.
    let name = Name::from_ascii(format!("{}.", host.trim_end_matches('.')));
    let name = name.map_err(|_| ResolveError::Name)?;
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name, kind));
    let id = question.metadata.id;
    let bytes = question.to_vec().map_err(|_| ResolveError::Name)?;
    let local: IpAddr = match resolver.0 {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // The port is random, and answers from others are dropped.
    let socket = UdpSocket::bind((local, 0)).await.map_err(unreachable)?;
    socket.connect(resolver.0).await.map_err(unreachable)?;
    for _ in 0..TRIES {
        socket.send(&bytes).await.map_err(unreachable)?;
        let answer = timeout(PATIENCE, answer(&socket, id)).await;
        if let Ok(answer) = answer {
            return read(resolver, &answer.map_err(unreachable)?);
        }
    }
    Err(ResolveError::NoAnswer(resolver))
}

async fn answer(socket: &UdpSocket, id: u16) -> io::Result<Message> {
    let mut bytes = vec![0; MAX_ANSWER_BYTES];
    loop {
        let length = socket.recv(&mut bytes).await?;
        let message = Message::from_vec(&bytes[..length]).ok();
        if let Some(message) = message.filter(|message| message.metadata.id == id) {
            return Ok(message);
        }
    }
}

fn read(resolver: Resolver, answer: &Message) -> Result<Vec<IpAddr>, ResolveError> {
    match answer.metadata.response_code {
        ResponseCode::NoError => {}
        ResponseCode::NXDomain => return Err(ResolveError::Unknown(resolver)),
        other => return Err(ResolveError::Refused(resolver, other.to_string())),
    }
    let addresses = answer
        .answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            // An alias; its addresses follow.
            _ => None,
        });
    Ok(addresses.take(MAX_ADDRESSES).collect())
}
