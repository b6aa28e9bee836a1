//! Public histories: two commits of a repository's branch are two deploys of a site, its files the URLs.

use std::collections::BTreeMap;
use std::process::Command;

use super::site::Site;

/// Commits between deploys.
const STEPS: [usize; 5] = [1, 10, 30, 100, 300];

/// Pairs of commits for each step, spread over the history.
const PAIRS: usize = 6;

/// One deploy of a site.
#[derive(Debug)]
pub(crate) struct Deploy {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) site: Site,
}

/// A repository, a branch of it, and the folder that stands for the site: `PATH[@BRANCH][:FOLDER]`.
#[derive(Debug)]
pub(crate) struct History<'a> {
    repository: &'a str,
    branch: &'a str,
    folder: &'a str,
}

impl<'a> History<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let (text, folder) = text.split_once(':').unwrap_or((text, ""));
        let (repository, branch) = text.split_once('@').unwrap_or((text, "HEAD"));
        Self {
            repository,
            branch,
            folder,
        }
    }

    fn git(&self, arguments: &[&str]) -> Option<String> {
        let git = Command::new("git")
            .args(["-c", "core.quotePath=false", "-C", self.repository])
            .args(arguments)
            .output()
            .expect("git can be started");
        let text = String::from_utf8_lossy(&git.stdout).into_owned();
        git.status.success().then_some(text)
    }

    /// Files of a commit, with their content ids.
    fn files(&self, commit: &str) -> Option<BTreeMap<String, String>> {
        let tree = format!("{commit}:{}", self.folder);
        let listed = self.git(&["ls-tree", "-r", "-z", &tree])?;
        let files = listed.split('\0').filter_map(|line| {
            let (what, path) = line.split_once('\t')?;
            Some((format!("/{path}"), what.split(' ').nth(2)?.to_owned()))
        });
        Some(files.collect())
    }

    /// Deploys of all steps, from those that are nearest to each other.
    pub(crate) fn deploys(&self) -> Vec<Deploy> {
        let arguments = ["rev-list", "--first-parent", self.branch, "--", self.folder];
        let arguments = &arguments[..if self.folder.is_empty() { 3 } else { 5 }];
        let commits = self.git(arguments).expect("a branch with commits");
        let commits: Vec<_> = commits.lines().collect();
        let mut deploys = Vec::new();
        for step in STEPS {
            let places = (0..PAIRS).map(|pair| pair * commits.len().saturating_sub(step) / PAIRS);
            for at in places {
                if let [to, .., from] = commits.get(at..=at + step).unwrap_or_default() {
                    deploys.extend(self.deploy(from, to));
                }
            }
        }
        deploys
    }

    fn deploy(&self, from: &str, to: &str) -> Option<Deploy> {
        let (before, after) = (self.files(from)?, self.files(to)?);
        let gone = before.keys().filter(|path| !after.contains_key(*path));
        let gone = gone.map(|path| (path.clone(), true));
        let kept = after
            .iter()
            .map(|(path, id)| (path.clone(), before.get(path) != Some(id)));
        let site = Site::new(kept.chain(gone));
        let short = |commit: &str| commit[..commit.len().min(9)].to_owned();
        Some(Deploy {
            from: short(from),
            to: short(to),
            site,
        })
    }
}
