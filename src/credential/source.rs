//! `[io]` Turning a credential reference into the credential.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use thiserror::Error;

use super::{CredentialRef, Credentials};
use crate::secret::Secret;

/// Reads credentials from where manifests point to.
pub trait CredentialSource: fmt::Debug + Send + Sync {
    /// The credential behind a reference.
    ///
    /// # Errors
    /// Why it is not there.
    fn resolve(&self, reference: &CredentialRef) -> Result<Secret, Missing>;
}

/// Why a credential is not there. Never holds any of it.
#[derive(Debug, Error)]
pub enum Missing {
    /// The variable is not set, or not text.
    #[error("environment variable `{0}` is not set")]
    Env(String),
    /// The file cannot be read.
    #[error("cannot read file `{path}`")]
    File {
        /// As resolved.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The program cannot be started.
    #[error("cannot run `{program}`")]
    Start {
        /// Its name.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The program failed.
    #[error("`{program}` ended with {status}")]
    Exit {
        /// Its name.
        program: String,
        /// Its exit status.
        status: std::process::ExitStatus,
    },
    /// Nothing but white space, or not UTF-8.
    #[error("{0} holds no usable text")]
    Blank(String),
}

/// Why an endpoint cannot be used.
#[derive(Debug, Error)]
#[error("endpoint `{endpoint}`: no `{credential}`")]
pub struct CredentialError {
    /// Name of the endpoint.
    pub endpoint: Arc<str>,
    /// The manifest's name of the credential.
    pub credential: &'static str,
    /// Why it is not there.
    #[source]
    pub source: Missing,
}

/// All credentials of an endpoint, by the manifest's names for them.
///
/// # Errors
/// The first that is not there.
pub fn resolve(
    source: &dyn CredentialSource,
    endpoint: &Arc<str>,
    references: Vec<(&'static str, &CredentialRef)>,
) -> Result<Credentials, CredentialError> {
    let mut resolved = BTreeMap::new();
    for (name, reference) in references {
        let secret = source
            .resolve(reference)
            .map_err(|source| CredentialError {
                endpoint: endpoint.clone(),
                credential: name,
                source,
            })?;
        resolved.insert(name, secret);
    }
    Ok(Credentials::new(resolved))
}

/// This process's environment, files below a project's root, and programs run there.
#[derive(Debug, Clone)]
pub struct SystemSource {
    /// The project's root.
    pub root: PathBuf,
}

impl CredentialSource for SystemSource {
    fn resolve(&self, reference: &CredentialRef) -> Result<Secret, Missing> {
        let text = match reference {
            CredentialRef::Env(name) => {
                std::env::var(name).map_err(|_| Missing::Env(name.clone()))?
            }
            CredentialRef::File(path) => {
                let path = self.root.join(path);
                std::fs::read_to_string(&path).map_err(|source| Missing::File {
                    path: path.display().to_string(),
                    source,
                })?
            }
            CredentialRef::Command(words) => self.run(words)?,
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.trim().is_empty() {
            return Err(Missing::Blank(reference.to_string()));
        }
        Ok(Secret::new(text))
    }
}

impl SystemSource {
    fn run(&self, words: &[String]) -> Result<String, Missing> {
        let Some((program, arguments)) = words.split_first() else {
            return Err(Missing::Blank("an empty command".to_owned()));
        };
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|source| Missing::Start {
                program: program.clone(),
                source,
            })?;
        if !output.status.success() {
            return Err(Missing::Exit {
                program: program.clone(),
                status: output.status,
            });
        }
        String::from_utf8(output.stdout)
            .map_err(|_| Missing::Blank(CredentialRef::Command(words.to_vec()).to_string()))
    }
}
