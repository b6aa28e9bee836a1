//! Real repositories in temporary folders, made with libgit2 from what their files are.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use git2::{Oid, RepositoryInitOptions, Signature, Time};
use tempfile::TempDir;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    File(Vec<u8>),
    Program(Vec<u8>),
    Link(Vec<u8>),
    Submodule,
}

/// Files by `/`-separated path.
pub(crate) type Files = BTreeMap<Vec<u8>, Node>;

/// Plain files from paths and texts.
pub(crate) fn files(of: &[(&str, &str)]) -> Files {
    of.iter()
        .map(|(path, text)| {
            (
                path.as_bytes().to_vec(),
                Node::File(text.as_bytes().to_vec()),
            )
        })
        .collect()
}

/// Adds a link.
pub(crate) fn with_link(mut files: Files, path: &str, target: &str) -> Files {
    files.insert(
        path.as_bytes().to_vec(),
        Node::Link(target.as_bytes().to_vec()),
    );
    files
}

pub(crate) fn as_path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Writes files below a folder. Submodules become empty folders, as in a fresh clone.
pub(crate) fn write(root: &Path, files: &Files) {
    for (path, node) in files {
        let path = root.join(as_path(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match node {
            Node::File(bytes) => fs::write(&path, bytes).unwrap(),
            Node::Program(bytes) => {
                fs::write(&path, bytes).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
            Node::Link(target) => symlink(as_path(target), &path).unwrap(),
            Node::Submodule => fs::create_dir_all(&path).unwrap(),
        }
    }
}

/// A repository that goes away with its folder.
pub(crate) struct Repo {
    folder: TempDir,
    pub(crate) git: git2::Repository,
}

impl Repo {
    pub(crate) fn new() -> Self {
        Self::init(false)
    }

    pub(crate) fn bare() -> Self {
        Self::init(true)
    }

    fn init(bare: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let mut options = RepositoryInitOptions::new();
        options
            .initial_head("main")
            .bare(bare)
            .external_template(false);
        let git = git2::Repository::init_opts(folder.path(), &options).unwrap();
        // The nearest configuration counts, so the one of who runs the tests does not.
        let mut config = git.config().unwrap();
        for (key, value) in [
            ("core.autocrlf", "false"),
            ("core.excludesfile", "/dev/null"),
            ("core.attributesfile", "/dev/null"),
            ("core.filemode", "true"),
        ] {
            config.set_str(key, value).unwrap();
        }
        Self { folder, git }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// As the library under test sees it.
    pub(crate) fn open(&self) -> purgit::git::Repository {
        purgit::git::Repository::discover(self.path()).unwrap()
    }

    /// Commits exactly these files on top of `HEAD`.
    pub(crate) fn commit(&self, files: &Files) -> Oid {
        let parents: Vec<Oid> = self
            .git
            .head()
            .ok()
            .and_then(|head| head.target())
            .into_iter()
            .collect();
        self.commit_on(files, &parents)
    }

    /// Commits exactly these files as a child of `parents`, and moves `HEAD` there.
    pub(crate) fn commit_on(&self, files: &Files, parents: &[Oid]) -> Oid {
        let tree = self.tree(files);
        let tree = self.git.find_tree(tree).unwrap();
        let parents: Vec<_> = parents
            .iter()
            .map(|&id| self.git.find_commit(id).unwrap())
            .collect();
        let parents: Vec<_> = parents.iter().collect();
        let who = Signature::new("Test", "test@example.com", &Time::new(1_700_000_000, 0)).unwrap();
        let id = self
            .git
            .commit(None, &who, &who, "test", &tree, &parents)
            .unwrap();
        let branch = self.git.find_reference("HEAD").unwrap();
        let branch = branch.symbolic_target().unwrap().unwrap().to_owned();
        self.git.reference(&branch, id, true, "test").unwrap();
        id
    }

    /// Writes a tree.
    pub(crate) fn tree(&self, files: &Files) -> Oid {
        let all: Vec<_> = files
            .iter()
            .map(|(path, node)| (path.as_slice(), node))
            .collect();
        self.subtree(&all)
    }

    fn subtree(&self, files: &[(&[u8], &Node)]) -> Oid {
        let mut folders: BTreeMap<&[u8], Vec<(&[u8], &Node)>> = BTreeMap::new();
        let mut builder = self.git.treebuilder(None).unwrap();
        for &(path, node) in files {
            if let Some(slash) = path.iter().position(|&byte| byte == b'/') {
                folders
                    .entry(&path[..slash])
                    .or_default()
                    .push((&path[slash + 1..], node));
                continue;
            }
            let (bytes, mode): (&[u8], i32) = match node {
                Node::File(bytes) => (bytes, 0o100_644),
                Node::Program(bytes) => (bytes, 0o100_755),
                Node::Link(target) => (target, 0o120_000),
                Node::Submodule => {
                    let commit = Oid::from_str("1234567890123456789012345678901234567890").unwrap();
                    builder.insert(as_path(path), commit, 0o160_000).unwrap();
                    continue;
                }
            };
            builder
                .insert(as_path(path), self.git.blob(bytes).unwrap(), mode)
                .unwrap();
        }
        for (name, files) in folders {
            builder
                .insert(as_path(name), self.subtree(&files), 0o040_000)
                .unwrap();
        }
        builder.write().unwrap()
    }

    /// Checks `HEAD` out.
    pub(crate) fn check_out(&self) {
        let mut options = git2::build::CheckoutBuilder::new();
        self.git
            .checkout_head(Some(options.force().remove_untracked(true)))
            .unwrap();
    }
}

/// Runs `git`, without anybody's configuration. `None`, with a word about it, where there is no
/// `git`.
pub(crate) fn run_git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let run = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "user.name=Test",
            "-c",
            "user.email=test@example.com",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .output();
    let Ok(output) = run else {
        skipped("there is no `git` to run");
        return None;
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {stderr}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// A file URL of a folder.
pub(crate) fn url(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

/// Says that a test cannot be run here.
pub(crate) fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
