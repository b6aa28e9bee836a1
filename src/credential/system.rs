//! `[io]` Credentials of this machine: environment variables, files below the project's root, and the output
//! of programs that run there.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::aws;
use super::source::{CredentialSource, Missing, Resolving};
use super::{CredentialRef, MAX_CREDENTIAL_BYTES};
use crate::secret::Secret;

/// Time limit of a program. Even one that asks a distant vault answers within seconds.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// One byte more than allowed, to notice that a credential is too large.
const MAX_READ_BYTES: u64 = MAX_CREDENTIAL_BYTES + 1;

#[derive(Debug, Clone)]
pub struct SystemSource {
    root: PathBuf,
    command_timeout: Duration,
}

impl CredentialSource for SystemSource {
    fn resolve<'a>(&'a self, reference: &'a CredentialRef) -> Resolving<'a> {
        Box::pin(self.read(reference))
    }
}

impl SystemSource {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            command_timeout: COMMAND_TIMEOUT,
        }
    }

    #[must_use]
    pub fn with_command_timeout(self, command_timeout: Duration) -> Self {
        Self {
            command_timeout,
            ..self
        }
    }

    async fn read(&self, reference: &CredentialRef) -> Result<Secret, Missing> {
        let bytes = match reference {
            CredentialRef::Env(name) => std::env::var_os(name)
                .ok_or_else(|| Missing::Env(name.clone()))?
                .into_encoded_bytes(),
            CredentialRef::File(path) => read_file(self.root.join(path)).await?,
            CredentialRef::Command(words) => match words.split_first() {
                Some((program, arguments)) => self.run(program, arguments).await?,
                None => Vec::new(),
            },
            CredentialRef::Aws { profile, region } => {
                let found = aws::access_key(profile.as_deref(), region).await;
                let failed = |source| Missing::Aws {
                    reference: reference.clone(),
                    source,
                };
                found.map_err(failed)?.into_bytes()
            }
        };
        if bytes.len() as u64 > MAX_CREDENTIAL_BYTES {
            return Err(Missing::TooLarge(reference.clone()));
        }
        let text = String::from_utf8(bytes).unwrap_or_default();
        match text.trim_end_matches(['\r', '\n']) {
            text if text.trim().is_empty() => Err(Missing::Blank(reference.clone())),
            text => Ok(Secret::new(text)),
        }
    }

    /// A program that does not end in time is killed with all its children, also when this future is dropped.
    async fn run(&self, program: &str, arguments: &[String]) -> Result<Vec<u8>, Missing> {
        let failed = |source| Missing::Start {
            program: program.to_owned(),
            source,
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let group = Group::of(&child);
        let limit = self.command_timeout;
        let (bytes, status) = timeout(limit, output(&mut child))
            .await
            .map_err(|_| Missing::TimedOut {
                program: program.to_owned(),
                limit,
            })?
            .map_err(failed)?;
        match status {
            // Its output is too large and may never end.
            None => Ok(bytes),
            Some(status) => {
                group.has_ended();
                status.success().then_some(bytes).ok_or(Missing::Exit {
                    program: program.to_owned(),
                    status: status.to_string(),
                })
            }
        }
    }
}

/// The exit status is `None` if the output is too large.
async fn output(child: &mut Child) -> io::Result<(Vec<u8>, Option<ExitStatus>)> {
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_READ_BYTES).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 == MAX_READ_BYTES {
        return Ok((bytes, None));
    }
    Ok((bytes, Some(child.wait().await?)))
}

async fn read_file(path: PathBuf) -> Result<Vec<u8>, Missing> {
    let reference = CredentialRef::File(path.clone());
    let read = move || {
        let file = open(&path)?;
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(MAX_READ_BYTES).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    };
    // A network file system may be slow.
    match spawn_blocking(read)
        .await
        .unwrap_or_else(|error| Err(error.into()))
    {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(Missing::NotRegular(reference)),
        Err(source) => Err(Missing::File { reference, source }),
    }
}

/// Opens a file without waiting for a pipe's other end.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

/// A program and its children, which are killed when this is dropped. Without process groups, only the
/// program itself is.
struct Group(Option<u32>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id())
    }

    /// The program ended by itself: its id may soon belong to another process.
    fn has_ended(mut self) {
        self.0 = None;
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let id = self.0.and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id.and_then(Pid::from_raw) {
            // It may have ended already.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}
