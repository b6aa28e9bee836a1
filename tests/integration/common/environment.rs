//! A project folder and the environment that its command lines run in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use purgit::state::file::FileStore;
use purgit::state::{State, StateStore as _};
use purgit::status::StatusDocument;
use tempfile::TempDir;

use super::{Output, Process};

/// Makes a terminal, on Linux: by path, since what is run in a project has no `PATH` to find it.
const SCRIPT: &str = "/usr/bin/script";

/// A temporary folder with a project, a home and nothing else.
pub(crate) struct Environment {
    folder: TempDir,
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// An empty project folder, no credentials.
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("purgit-test-").unwrap();
        for name in ["project", "home", "bin"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let path = |name: &str| folder.path().join(name).display().to_string();
        let variables = [("PATH", path("bin")), ("HOME", path("home"))];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        Self {
            variables: variables.into_iter().collect(),
            folder,
        }
    }

    /// The temporary folder around everything.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The project's folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub(crate) fn set(&mut self, variable: &str, value: &str) {
        self.variables.insert(variable.to_owned(), value.to_owned());
    }

    pub(crate) fn unset(&mut self, variable: &str) {
        self.variables.remove(variable);
    }

    /// Writes a file of the project, with its folders.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.root().join(path).exists()
    }

    /// Replaces a piece of a file that must be in it.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "no `{from}` in\n{text}");
        self.write(path, &text.replace(from, to));
    }

    /// Writes `purges/<name>.yaml` for the endpoint `www`. A URL that starts with `/` is one of
    /// `https://www.example.com`.
    pub(crate) fn purge(&self, name: &str, files: &[&str], directories: &[&str], revision: &str) {
        let path = format!("purges/{name}.yaml");
        self.write(&path, &purge_manifest(name, files, directories, revision));
    }

    /// The state on disk; the empty one where there is none.
    pub(crate) fn state(&self) -> State {
        State::clone(&self.store().load().unwrap().state)
    }

    pub(crate) fn store(&self) -> FileStore {
        FileStore::new(self.root().join(".purgit/state.json"))
    }

    /// The status file.
    pub(crate) fn status(&self) -> StatusDocument {
        let path = self.root().join("purgit.status.yaml");
        let status = purgit::status::file::read(&path).unwrap();
        status.expect("a status file")
    }

    /// Every file below the temporary folder with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    files.insert(path, bytes);
                }
            }
        }
        files
    }

    /// The binary in the project's folder, with this environment and nothing else.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_purgit"));
        command
            .args(arguments)
            .current_dir(self.root())
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command line; its words are separated by blanks.
    pub(crate) fn run(&self, line: &str) -> Output {
        self.start(line).finish()
    }

    /// Runs a command line whose words are of any text.
    pub(crate) fn run_arguments(&self, arguments: &[&str]) -> Output {
        Process::start(self.command(arguments), self.folder.path()).finish()
    }

    /// Runs a command line in a folder below the project's.
    pub(crate) fn run_in(&self, folder: &str, line: &str) -> Output {
        let mut command = self.command(&words(line));
        command.current_dir(self.root().join(folder));
        Process::start(command, self.folder.path()).finish()
    }

    /// Runs a command line with one more variable.
    pub(crate) fn run_with(&self, variable: &str, value: &str, line: &str) -> Output {
        let mut command = self.command(&words(line));
        command.env(variable, value);
        Process::start(command, self.folder.path()).finish()
    }

    /// Starts a command line on a terminal, where what it prints all goes to stdout. Nothing where
    /// there is no `script` of util-linux, which makes the terminal.
    pub(crate) fn start_on_terminal(&self, line: &str) -> Option<Process> {
        self.start_on_terminal_of(80, line)
    }

    /// The same with a terminal of so many columns.
    pub(crate) fn start_on_terminal_of(&self, columns: u16, line: &str) -> Option<Process> {
        let version = Command::new(SCRIPT).arg("--version").output().ok()?;
        if !String::from_utf8_lossy(&version.stdout).contains("util-linux") {
            return None;
        }
        let mut command = Command::new(SCRIPT);
        command
            .args(["--quiet", "--return", "--command"])
            .arg(format!(
                "/usr/bin/stty rows 24 cols {columns}; exec {} {line}",
                env!("CARGO_BIN_EXE_purgit")
            ))
            .arg("/dev/null")
            .current_dir(self.root())
            .env_clear()
            .envs(&self.variables)
            .envs([("SHELL", "/bin/sh"), ("TERM", "xterm")])
            .stdin(Stdio::piped());
        Some(Process::start(command, self.folder.path()))
    }

    /// Starts a command line without waiting for its end.
    pub(crate) fn start(&self, line: &str) -> Process {
        Process::start(self.command(&words(line)), self.folder.path())
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// A `Purge` manifest; see [`Environment::purge`].
pub(crate) fn purge_manifest(
    name: &str,
    files: &[&str],
    directories: &[&str],
    revision: &str,
) -> String {
    let list = |urls: &[&str]| {
        let line = |url: &&str| match url.starts_with('/') {
            true => format!("    - \"https://www.example.com{url}\"\n"),
            false => format!("    - \"{url}\"\n"),
        };
        match urls {
            [] => "    []\n".to_owned(),
            urls => urls.iter().map(line).collect(),
        }
    };
    format!(
        "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: {{ name: {name} }}\nspec:\n  \
         endpoint: www\n  revision: \"{revision}\"\n  files:\n{}  directories:\n{}",
        list(files),
        list(directories),
    )
}
