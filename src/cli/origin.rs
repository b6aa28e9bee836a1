//! Who started a run, for the history: from CI, else from git and the system.

use std::path::Path;

use super::environment;
use crate::git::Repository;
use crate::state::Origin;

/// Variables that hold the name of the user.
const USERS: [&str; 3] = ["USER", "LOGNAME", "USERNAME"];

pub(super) fn of(root: &Path) -> Origin {
    let context = environment::ci();
    let repository = || Repository::discover(root).ok();
    let commit = || repository()?.head().ok()?.commit.map(|commit| commit.id);
    let git_user = || repository()?.user_name();
    let user = || git_user().or_else(|| USERS.into_iter().find_map(environment::text));
    // On a CI runner, git's user means nothing.
    let is_ci = context.system.name().is_some();
    Origin {
        by: context.actor.or_else(|| if is_ci { None } else { user() }),
        commit: context.commit.or_else(commit),
        ci: context.system.name().map(str::to_owned),
        url: context.run_url,
    }
    .bounded()
}
