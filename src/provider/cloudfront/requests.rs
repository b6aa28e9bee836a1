//! The requests, signed.

use std::fmt::Write as _;

use quick_xml::escape::partial_escape;

use super::Cloudfront;
use super::config::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN};
use super::signing::{self, ALGORITHM, DATE_HEADER, Signable, TOKEN_HEADER};
use crate::operation::Operation;
use crate::provider::Auth;
use crate::transport::{HeaderValue, Method, Request};

/// The version of the API, which starts every path `[D]`.
const VERSION: &str = "2020-05-31";

/// The same operation gives the same bytes, so a repeat is the same invalidation `[D]`.
pub(super) fn create(of: &Cloudfront, operation: &Operation, auth: Auth<'_>) -> Request {
    let mut paths = String::new();
    for item in &operation.items {
        // Writing to a String cannot fail.
        let _ = write!(paths, "<Path>{}</Path>", partial_escape(&*item.key));
    }
    let body = format!(
        "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/{VERSION}/\"><Paths><Quantity>{}</Quantity><Items>{paths}</Items></Paths><CallerReference>{}</CallerReference></InvalidationBatch>",
        operation.items.len(),
        partial_escape(&*operation.id),
    );
    signed(of, Method::Post, "/invalidation", body.into_bytes(), auth)
}

pub(super) fn get(of: &Cloudfront, invalidation: &str, auth: Auth<'_>) -> Request {
    let tail = format!("/invalidation/{invalidation}");
    signed(of, Method::Get, &tail, Vec::new(), auth)
}

pub(super) fn distribution(of: &Cloudfront, auth: Auth<'_>) -> Request {
    signed(of, Method::Get, "", Vec::new(), auth)
}

fn signed(of: &Cloudfront, method: Method, tail: &str, body: Vec<u8>, auth: Auth<'_>) -> Request {
    let base = &of.config.api_url;
    let host = base.split_once("://").map_or(&**base, |(_, host)| host);
    let path = format!(
        "/{VERSION}/distribution/{}{tail}",
        of.config.distribution_id
    );
    let (time, token) = (signing::time(auth.now), auth.credentials.get(SESSION_TOKEN));
    let signed = [("host", host), (DATE_HEADER, &*time), (TOKEN_HEADER, token)];
    let signable = Signable {
        method: method.as_str(),
        path: &path,
        query: "",
        // Without a session there is no token header.
        headers: &signed[..if token.is_empty() { 2 } else { 3 }],
        body: &body,
    };
    let (key, region) = (auth.credentials.get(SECRET_ACCESS_KEY), of.config.region());
    let signature = signable.signature(key, region, auth.now);
    let authorization = format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={signature}",
        auth.credentials.get(ACCESS_KEY_ID),
        signing::scope(region, auth.now),
        signable.signed_headers(),
    );
    let mut headers = vec![
        (DATE_HEADER, HeaderValue::from(&*time)),
        ("authorization", HeaderValue::secret(authorization)),
    ];
    if !token.is_empty() {
        headers.push((TOKEN_HEADER, HeaderValue::secret(token)));
    }
    Request {
        method,
        url: format!("{base}{path}"),
        headers,
        body,
    }
}
