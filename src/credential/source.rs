//! The port that resolves references, and the errors for missing credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use thiserror::Error;

use super::{CredentialRef, Credentials, MAX_CREDENTIAL_BYTES};
use crate::error::chain;
use crate::secret::Secret;

/// References resolved at the same time. Enough to hide a vault's latency, few enough not to flood it.
const MAX_AT_ONCE: usize = 4;

pub type Resolving<'a> = Pin<Box<dyn Future<Output = Result<Secret, Missing>> + Send + 'a>>;

/// Reads credentials from where manifests point to.
pub trait CredentialSource: fmt::Debug + Send + Sync {
    /// Resolves a reference. If the future is dropped, nothing is left running.
    fn resolve<'a>(&'a self, reference: &'a CredentialRef) -> Resolving<'a>;
}

/// Reads nothing, for changes that anybody may propose: a manifest can name a program to run.
#[derive(Debug, Clone, Copy)]
pub struct Withheld;

impl CredentialSource for Withheld {
    fn resolve<'a>(&'a self, _: &'a CredentialRef) -> Resolving<'a> {
        Box::pin(std::future::ready(Err(Missing::Withheld)))
    }
}

/// Never contains any part of the credential.
#[derive(Debug, Error)]
pub enum Missing {
    #[error("environment variable `{0}` is not set")]
    Env(String),
    #[error("cannot read {reference}")]
    File {
        reference: CredentialRef,
        #[source]
        source: std::io::Error,
    },
    /// A folder, a device or a pipe, which may never end.
    #[error("{0} is not a regular file")]
    NotRegular(CredentialRef),
    #[error("cannot run `{program}`")]
    Start {
        program: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{program}` ended with {status}")]
    Exit {
        program: String,
        /// The exit status, or the signal that ended it.
        status: String,
    },
    #[error("`{program}` was stopped, because it did not end within {} s", .limit.as_secs())]
    TimedOut { program: String, limit: Duration },
    #[error("{0} holds more than {limit} KiB", limit = MAX_CREDENTIAL_BYTES / 1024)]
    TooLarge(CredentialRef),
    #[error(
        "{reference} cannot be loaded, as `aws sts get-caller-identity{}` should show, too",
        profile(.reference)
    )]
    Aws {
        reference: CredentialRef,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("a plan reads no credentials")]
    Withheld,
    /// Only white space, or not UTF-8.
    #[error("{0} holds no usable text")]
    Blank(CredentialRef),
}

fn profile(reference: &CredentialRef) -> String {
    match reference {
        CredentialRef::Aws {
            profile: Some(name),
            ..
        } => format!(" --profile {name}"),
        CredentialRef::Aws { profile: None, .. }
        | CredentialRef::Env(_)
        | CredentialRef::File(_)
        | CredentialRef::Command(_) => String::new(),
    }
}

#[derive(Debug, Clone, Error)]
#[error("endpoint `{endpoint}`: no `{credential}`")]
pub struct MissingCredential {
    pub endpoint: Arc<str>,
    pub credential: &'static str,
    #[source]
    pub source: Arc<Missing>,
}

/// All missing credentials, by endpoint; at least one.
#[derive(Debug, Clone)]
pub struct MissingCredentials(pub Vec<MissingCredential>);

/// Which fields of endpoints say where these credentials are read from. A name with a dot is a header's, and
/// starts with the field that has it.
pub fn place<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let field = |name: &'n str| {
        name.rsplit_once('.')
            .map_or("credentials", |(field, _)| field)
    };
    let fields: BTreeSet<_> = names.into_iter().map(field).collect();
    let fields: Vec<_> = fields
        .iter()
        .map(|field| format!("`spec.…{field}`"))
        .collect();
    let says = if fields.len() == 1 { "says" } else { "say" };
    format!(
        "{} of the endpoint {says} where it is read from",
        fields.join(" and ")
    )
}

impl MissingCredentials {
    pub fn place(&self) -> String {
        place(self.0.iter().map(|missing| missing.credential))
    }

    pub fn by_endpoint(&self) -> BTreeMap<Arc<str>, String> {
        let mut messages = BTreeMap::<_, Vec<_>>::new();
        for missing in &self.0 {
            let message = format!("no `{}`: {}", missing.credential, chain(&*missing.source));
            let endpoint = missing.endpoint.clone();
            messages.entry(endpoint).or_default().push(message);
        }
        let joined = |(endpoint, messages): (_, Vec<String>)| (endpoint, messages.join("; "));
        messages.into_iter().map(joined).collect()
    }
}

impl fmt::Display for MissingCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<_> = self.0.iter().map(|missing| chain(missing)).collect();
        f.write_str(&each.join("; "))
    }
}

impl std::error::Error for MissingCredentials {}

/// Each reference is resolved once, even if endpoints share it. Dropping the future ends the programs that it
/// runs.
pub async fn resolve_all<'a>(
    source: &dyn CredentialSource,
    endpoints: impl IntoIterator<Item = (Arc<str>, Vec<(&'static str, &'a CredentialRef)>)>,
) -> Result<BTreeMap<Arc<str>, Credentials>, MissingCredentials> {
    let endpoints: BTreeMap<_, _> = endpoints.into_iter().collect();
    let references = endpoints.values().flatten();
    let distinct: BTreeSet<_> = references.map(|(_, reference)| *reference).collect();
    let resolving: Vec<_> = distinct
        .into_iter()
        .map(|reference| async move { (reference, source.resolve(reference).await) })
        .collect();
    let resolved = stream::iter(resolving).buffer_unordered(MAX_AT_ONCE);
    let resolved: BTreeMap<_, _> = resolved
        .map(|(reference, result)| (reference, result.map_err(Arc::new)))
        .collect()
        .await;
    let mut missing = Vec::new();
    let mut found = BTreeMap::new();
    for (endpoint, references) in endpoints {
        let mut secrets = Vec::new();
        for (credential, reference) in references {
            match &resolved[reference] {
                Ok(secret) => match reference.parts() {
                    Some(names) => {
                        let lines = secret.expose().lines().map(Secret::new);
                        secrets.extend(names.into_iter().zip(lines));
                    }
                    None => secrets.push((credential, secret.clone())),
                },
                Err(source) => missing.push(MissingCredential {
                    endpoint: endpoint.clone(),
                    credential,
                    source: source.clone(),
                }),
            }
        }
        found.insert(endpoint, Credentials::new(secrets));
    }
    if missing.is_empty() {
        Ok(found)
    } else {
        Err(MissingCredentials(missing))
    }
}
