//! [io] Runs the `git` command for network access, so that the user's credentials, proxies and ssh
//! work.
//!
//! Without a terminal, git never prompts and runs in its own process group: Ctrl-C lets it finish, and
//! [`end_running`] ends it with all its children.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Seek as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use super::{GitError, Repository};
use crate::escape;

/// Timeout of a fetch or a push. A state of a million entries is 30 MB on the wire.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(2 * 60);

/// How long git may take to clean up after a signal.
const CLEAN_UP: Duration = Duration::from_secs(2);

/// Most bytes of git's output that are read.
const MAX_OUTPUT_BYTES: u64 = 64 * 1024;

/// Most characters of git's error output that are shown.
const MAX_SAID: usize = 600;

/// Variables that tell git, in a hook, where the repository is. We pass the folder instead.
const PLACES: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn running() -> MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends all running commands before the process exits.
pub fn end_running() {
    for id in running().iter() {
        signal(*id, End::Terminate);
    }
}

impl Repository {
    /// Runs git with these arguments in this repository. An error contains what git printed.
    pub(super) fn run(&self, doing: &str, arguments: &[&str]) -> Result<(), GitError> {
        let mut command = Command::new("git");
        match self.work_tree() {
            Some(folder) => command.current_dir(folder),
            None => command.current_dir(self.git_folder()).arg("--git-dir=."),
        };
        for variable in PLACES {
            command.env_remove(variable);
        }
        let is_interactive = io::stdin().is_terminal() && io::stderr().is_terminal();
        if !is_interactive {
            command.env("GIT_TERMINAL_PROMPT", "0");
            #[cfg(unix)]
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
        }
        // We match git's messages, so they must be in English.
        command.env("LC_ALL", "C").env_remove("LANGUAGE");
        command.args(arguments).stdin(Stdio::null());
        let said = ended(command, is_interactive).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => GitError::NoCommand { source },
            _ => GitError::Command {
                doing: doing.to_owned(),
                said: source.to_string(),
            },
        })?;
        match said {
            None => Err(GitError::TimedOut {
                doing: doing.to_owned(),
                limit: COMMAND_TIMEOUT,
            }),
            Some((status, _)) if status.success() => Ok(()),
            Some((status, said)) => Err(GitError::Command {
                doing: doing.to_owned(),
                said: match shown(&said) {
                    said if said.is_empty() => format!("git ended with {status}"),
                    said => said,
                },
            }),
        }
    }
}

fn ended(mut command: Command, is_interactive: bool) -> io::Result<Option<(ExitStatus, String)>> {
    // A file instead of a pipe: a helper that git leaves running, for example to keep a connection,
    // would keep a pipe open.
    let mut output = tempfile::tempfile()?;
    command
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?);
    let child = command.spawn()?;
    let id = child.id();
    if !is_interactive {
        running().insert(id);
    }
    let status = wait(child, id);
    running().remove(&id);
    let Some(status) = status? else {
        return Ok(None);
    };
    Ok(Some((status, printed(&mut output)?)))
}

fn wait(mut child: Child, id: u32) -> io::Result<Option<ExitStatus>> {
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait()));
    if let Ok(status) = ended.recv_timeout(COMMAND_TIMEOUT) {
        return status.map(Some);
    }
    for end in [End::Terminate, End::Kill] {
        signal(id, end);
        if ended.recv_timeout(CLEAN_UP).is_ok() {
            break;
        }
    }
    Ok(None)
}

fn printed(output: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    output.rewind()?;
    output.take(MAX_OUTPUT_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The lines that say why it failed, without secrets in URLs.
fn shown(said: &str) -> String {
    let tells = |line: &&str| {
        let starts = ["fatal:", "error:", "remote:", "ERROR:", "! ", "!\t"];
        starts.iter().any(|start| line.starts_with(start))
    };
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut telling: Vec<_> = lines().filter(tells).collect();
    if telling.is_empty() {
        telling = lines().collect();
    }
    let text = telling.join("; ");
    let short: String = text.chars().take(MAX_SAID).collect();
    escape::line(&without_users(&short))
}

/// Masks user names and passwords in URLs.
fn without_users(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, address) = rest.split_at(start + 3);
        out.push_str(before);
        let end = address.find(|c: char| c == '/' || c == '\'' || c.is_whitespace());
        let (host, behind) = address.split_at(end.unwrap_or(address.len()));
        match host.rsplit_once('@') {
            Some((_, host)) => out.extend(["***@", host]),
            None => out.push_str(host),
        }
        rest = behind;
    }
    out + rest
}

#[derive(Clone, Copy)]
enum End {
    Terminate,
    Kill,
}

#[cfg(unix)]
fn signal(id: u32, end: End) {
    use rustix::process::{Pid, Signal, kill_process, kill_process_group};
    let signal = match end {
        End::Terminate => Signal::TERM,
        End::Kill => Signal::KILL,
    };
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It may have ended already, or have no group of its own.
        let _ = kill_process_group(id, signal).or_else(|_| kill_process(id, signal));
    }
}

/// Without process groups, it ends with its console.
#[cfg(not(unix))]
fn signal(_: u32, end: End) {
    match end {
        End::Terminate | End::Kill => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{shown, without_users};

    #[test]
    fn what_git_said_is_one_line_without_secrets() {
        let said = "To https://bot:not-a-real-key@example.com/www.git\n\
                    remote: no\u{1b}[31m entry\n\
                    fatal: unable to access 'https://not-a-real-key@example.com/www.git/': no\n";
        assert_eq!(
            shown(said),
            "remote: no\\u{1b}[31m entry; fatal: unable to access \
             'https://***@example.com/www.git/': no"
        );
        assert_eq!(shown("only this\n"), "only this");
        assert_eq!(
            without_users("a://b c@d ssh://git@h"),
            "a://b c@d ssh://***@h"
        );
    }
}
