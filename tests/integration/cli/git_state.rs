//! State and status in git: what CI does with clones of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use purgit::clock::SystemClock;
use purgit::state::git::GitStore;
use purgit::state::recorder::LEASE;
use purgit::state::{Outcome, State, StateStore as _};

use crate::common::{Output, Process, World};
use crate::state_fixture::holder;

const REF: &str = "refs/purgit/state";

/// What the project says about where things are.
const ON_ORIGIN: &str = "state: { git: { ref: refs/purgit/state, remote: origin } }, \
                         status: { gitNote: true }";

/// A project in a clone, with a bare remote.
struct Clones {
    world: World,
}

impl Clones {
    fn new(spec: &str) -> Self {
        let mut world = World::new();
        world.set("PATH", &std::env::var("PATH").expect("a PATH"));
        world.set("GIT_CONFIG_GLOBAL", "/dev/null");
        world.set("GIT_CONFIG_SYSTEM", "/dev/null");
        let name = "metadata: { name: emulated }\n";
        world.edit("purgit.yaml", name, &format!("{name}spec: {{ {spec} }}\n"));
        world.purge("spring", &["/a.png"], &[], "1");
        let clones = Self { world };
        clones.git(".", &["init", "--quiet", "--bare", "-b", "main", "remote"]);
        clones.git("project", &["init", "--quiet", "-b", "main"]);
        clones.git("project", &["remote", "add", "origin", "../remote"]);
        clones.commit("one");
        clones
    }

    fn path(&self, folder: &str) -> PathBuf {
        self.world.folder().join(folder)
    }

    /// Commits and pushes all.
    fn commit(&self, message: &str) {
        self.git("project", &["add", "-A"]);
        let user = ["-c", "user.name=n", "-c", "user.email=e"];
        let commit = ["commit", "--quiet", "-m", message];
        self.git("project", &[&user[..], &commit[..]].concat());
        self.git("project", &["push", "--quiet", "origin", "main"]);
    }

    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        git(&self.path(folder), arguments)
    }

    /// Another clone, with these options.
    fn clone(&self, folder: &str, options: &[&str]) {
        let from = format!("file://{}", self.path("remote").display());
        let clone = [&["clone", "--quiet"], options, &[&from, folder]].concat();
        self.git(".", &clone);
    }

    fn start(&self, folder: &str, line: &str) -> Process {
        let words: Vec<_> = line.split_whitespace().collect();
        let mut command = self.world.command(&words);
        command.current_dir(self.path(folder));
        Process::start(command, self.world.folder())
    }

    fn run(&self, folder: &str, line: &str) -> Output {
        self.start(folder, line).finish()
    }

    fn store(&self, folder: &str) -> GitStore {
        let remote = (folder != "remote").then_some("origin");
        let store = GitStore::open(&self.path(folder), REF, remote, Arc::new(SystemClock));
        store.expect("a store").asking_after(Duration::ZERO)
    }

    /// What is on the remote.
    fn state(&self) -> State {
        let loaded = self.store("remote").load().expect("readable");
        State::clone(&loaded.state)
    }

    /// Lets the ref have as many commits as are kept.
    fn grow_old(&self) {
        let head = self.git("remote", &["show", &format!("{REF}:store.json")]);
        let json: serde_json::Value = serde_json::from_str(&head).expect("JSON");
        let commits = format!("\"commits\": {}", json["commits"]);
        assert!(head.contains(&commits), "{head}");
        let old = head.replace(&commits, "\"commits\": 400");
        fs::write(self.path("remote/store.json"), old).expect("written");
        let line = format!(
            "store=$(git hash-object -w store.json) && tree=$(git ls-tree {REF} | \
             sed \"s/blob [0-9a-f]*\\tstore.json/blob $store\\tstore.json/\" | git mktree) && \
             git update-ref {REF} \
             $(git -c user.name=n -c user.email=e commit-tree -p {REF} -m old $tree)"
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).current_dir(self.path("remote"));
        let done = shell.output().expect("run");
        assert!(done.status.success(), "{done:?}");
        assert!(
            self.git("remote", &["show", &format!("{REF}:store.json")])
                .contains(": 400")
        );
    }

    /// A hook of the remote.
    fn hook(&self, name: &str, script: &str) {
        let path = self.path("remote/hooks").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
    }
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let done = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("run");
    assert!(done.status.success(), "{arguments:?}: {done:?}");
    String::from_utf8(done.stdout)
        .expect("text")
        .trim_end()
        .to_owned()
}

#[test]
fn ci_commits_nothing_to_a_branch() {
    let clones = Clones::new(ON_ORIGIN);
    let head = clones.git("project", &["rev-parse", "HEAD"]);
    clones.run("project", "plan").code(0).stdout_has("added");
    clones.run("project", "apply").code(0);
    assert_eq!(clones.world.posts(), 1);
    assert_eq!(clones.state().entries.len(), 1);
    let shown = clones.git("remote", &["show", &format!("{REF}:state.json")]);
    assert!(
        shown.contains("\n  {\"address\":\"purge/spring/file/"),
        "{shown}"
    );
    let note = clones.git("remote", &["notes", "--ref", "purgit", "show", &head]);
    let first = format!("# Of commit {head}.\n# Written by purgit");
    assert!(
        note.starts_with(&first) && note.contains("\nkind: Status\n"),
        "{note}"
    );

    // Neither branch nor work tree nor index has anything of it.
    assert_eq!(clones.git("project", &["status", "--porcelain"]), "");
    let heads = clones.git(
        "remote",
        &[
            "for-each-ref",
            "--format=%(refname) %(objectname)",
            "refs/heads",
        ],
    );
    assert_eq!(heads, format!("refs/heads/main {head}"));

    clones.clone("other", &[]);
    clones.run("other", "plan").code(0).stdout_has("No changes");
    clones.run("other", "apply").code(0);
    assert_eq!(clones.world.posts(), 1);
    clones.run("other", "status").code(0).stdout_has("Ready");
    assert_eq!(clones.state().history.len(), 1);
}

#[test]
fn shallow_detached_and_partial_clones_will_do() {
    let clones = Clones::new(ON_ORIGIN);
    clones.world.write("more.txt", "more");
    clones.commit("two");
    clones.run("project", "apply").code(0);
    let head = clones.git("project", &["rev-parse", "HEAD"]);
    for (number, options) in [
        &["--depth=1", "--single-branch"][..],
        &["--filter=blob:none", "--no-tags"][..],
    ]
    .iter()
    .enumerate()
    {
        let name = format!("clone-{number}");
        clones.clone(&name, options);
        clones.git(&name, &["checkout", "--quiet", "--detach"]);
        let path = clones.path(&name).join("purges/spring.yaml");
        let text = fs::read_to_string(&path).expect("readable");
        let revision = format!("revision: \"{}\"", number + 2);
        let old = format!("revision: \"{}\"", number + 1);
        fs::write(&path, text.replace("revision: \"1\"", &old)).expect("written");
        clones.run(&name, "plan").code(0).stdout_has("No changes");
        fs::write(&path, text.replace("revision: \"1\"", &revision)).expect("written");
        clones.run(&name, "apply").code(0);
        clones.world.edit("purges/spring.yaml", &old, &revision);
        clones
            .run("project", "plan")
            .code(0)
            .stdout_has("No changes");
        assert_eq!(clones.git(&name, &["rev-parse", "HEAD"]), head);
        let notes = ["notes", "--ref", "purgit", "show", "HEAD"];
        let note = clones.git(&name, &notes);
        let first = format!("# Of commit {head}, with changes that were not committed.\n");
        assert!(note.starts_with(&first), "{note}");
        let shallow = ["rev-parse", "--is-shallow-repository"];
        assert_eq!(clones.git(&name, &shallow), (number == 0).to_string());
    }
    assert_eq!(clones.world.posts(), 3);
}

#[test]
fn a_bare_repository_keeps_state_and_status_on_refs() {
    let spec = "state: { git: { ref: refs/purgit/state } }, \
                status: { git: { ref: refs/purgit/status } }";
    let clones = Clones::new(spec);
    let first = clones.git("project", &["rev-parse", "HEAD"]);
    clones.world.purge("spring", &["/a.png"], &[], "2");
    clones.commit("two");
    let line = format!("apply --since {first} --to main");
    for _ in 0..3 {
        clones.run("remote", &line).code(0);
    }
    assert_eq!(clones.world.posts(), 1);
    let status = ["show", "refs/purgit/status:purgit.status.yaml"];
    let status = clones.git("remote", &status);
    assert!(status.contains("\nkind: Status\n"), "{status}");
    // The third run did as the second one.
    assert_eq!(
        clones.git("remote", &["rev-list", "--count", "refs/purgit/status"]),
        "2"
    );
    assert_eq!(
        clones.state().last_applied,
        Some(clones.git("remote", &["rev-parse", "main"]))
    );
}

#[test]
fn a_push_that_is_refused_purges_nothing_and_says_why() {
    let clones = Clones::new(ON_ORIGIN);
    clones.hook("pre-receive", "echo 'no entry' >&2; exit 1");
    clones
        .run("project", "apply")
        .code(1)
        .stderr_has("cannot lock the state at refs/purgit/state of origin")
        .stderr_has("remote: no entry")
        .stderr_has("pre-receive hook declined")
        .stderr_has("hint: the remote does not take this ref from here");
    assert_eq!(clones.world.posts(), 0);
    clones.run("project", "plan").code(0).stdout_has("added");
}

#[test]
fn a_server_that_wants_all_history_gets_it() {
    let clones = Clones::new(ON_ORIGIN);
    let script = "case $2 in *[1-9a-f]*) git merge-base --is-ancestor $2 $3;; esac";
    clones.hook("update", script);
    clones.run("project", "apply").code(0);
    clones.grow_old();
    let before = clones.git("remote", &["rev-parse", REF]);
    clones.world.purge("spring", &["/a.png"], &[], "2");
    clones.run("project", "apply").code(0);
    clones.git("remote", &["merge-base", "--is-ancestor", &before, REF]);

    // Where nobody minds, it starts anew, and who knows the old one goes on.
    clones.hook("update", "");
    clones.grow_old();
    clones.clone("other", &[]);
    clones.run("other", "plan").code(0);
    clones.world.purge("spring", &["/a.png"], &[], "3");
    clones.run("project", "apply").code(0);
    let count = clones.git("remote", &["rev-list", "--count", REF]);
    assert!(count.parse::<usize>().expect("a number") < 10, "{count}");
    clones
        .run("other", "plan")
        .code(0)
        .stdout_has("purge/spring");
    assert_eq!(clones.world.posts(), 3);
}

#[test]
fn an_answer_that_is_lost_is_found() {
    let mut clones = Clones::new(ON_ORIGIN);
    let real = Command::new("sh")
        .args(["-c", "command -v git"])
        .output()
        .expect("run");
    let real = String::from_utf8(real.stdout).expect("text");
    let script = format!(
        "#!/bin/sh\n{} \"$@\"; code=$?\ncase \" $* \" in *' push '*) exit 9;; esac\nexit $code\n",
        real.trim()
    );
    let wrapper = clones.path("bin/git");
    fs::write(&wrapper, script).expect("written");
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).expect("set");
    let path = format!(
        "{}:{}",
        clones.path("bin").display(),
        std::env::var("PATH").expect("one")
    );
    clones.world.set("PATH", &path);
    clones.run("project", "apply").code(0);
    assert_eq!(clones.world.posts(), 1);
    assert_eq!(clones.state().history.len(), 1);
    clones
        .run("project", "plan")
        .code(0)
        .stdout_has("No changes");
}

#[test]
fn without_a_network_plans_are_as_of_the_last_fetch() {
    let mut clones = Clones::new(ON_ORIGIN);
    clones.git("project", &["remote", "set-url", "origin", "../gone"]);
    clones
        .run("project", "plan")
        .code(1)
        .stdout_is_empty()
        .stderr_has("cannot read the state at refs/purgit/state of origin")
        .stderr_has("hint: ");
    clones.git("project", &["remote", "set-url", "origin", "../remote"]);
    clones.run("project", "apply").code(0);
    clones.git("project", &["remote", "set-url", "origin", "../gone"]);
    clones
        .run("project", "plan")
        .code(0)
        .stdout_has("No changes")
        .stderr_has("warning: this is as of the last fetch of refs/purgit/state of origin");
    clones.world.purge("spring", &["/a.png"], &[], "2");
    clones
        .run("project", "apply")
        .code(1)
        .stderr_has("cannot lock the state");
    assert_eq!(clones.world.posts(), 1);

    let empty = clones.path("bin").display().to_string();
    clones.world.set("PATH", &empty);
    clones
        .run("project", "apply")
        .code(1)
        .stderr_has("cannot run the `git` command")
        .stderr_has("hint: install git");
}

#[test]
fn what_is_not_there_is_an_error_with_a_way_out() {
    let clones = Clones::new(ON_ORIGIN);
    clones.git("project", &["remote", "rename", "origin", "upstream"]);
    clones
        .run("project", "plan")
        .code(1)
        .stderr_has("the repository has no remote `origin`")
        .stderr_has("hint: there is `upstream`");
    fs::remove_dir_all(clones.path("project/.git")).expect("removed");
    clones
        .run("project", "plan")
        .code(1)
        .stderr_has("is not in a git repository")
        .stderr_has("hint: ");
    clones.git("project", &["init", "--quiet", "--object-format=sha256"]);
    clones
        .run("project", "plan")
        .code(1)
        .stderr_has("has a format that purgit cannot read")
        .stderr_has("hint: SHA-256 and reftable repositories");
    assert_eq!(clones.world.posts(), 0);
}

#[test]
fn what_is_no_state_is_left_alone() {
    let clones = Clones::new("state: { git: { ref: refs/purgit/state } }");
    let head = clones.git("project", &["rev-parse", "HEAD"]);
    clones.git("project", &["update-ref", REF, &head]);
    clones
        .run("project", "apply")
        .code(1)
        .stderr_has("refs/purgit/state is not a purgit state")
        .stderr_has("hint: `git log` of the ref");
    assert_eq!(clones.git("project", &["rev-parse", REF]), head);
    assert_eq!(clones.world.posts(), 0);
}

#[test]
fn a_lock_of_another_machine_is_named_and_ends() {
    let clones = Clones::new(ON_ORIGIN);
    clones.clone("other", &[]);
    let other = clones.store("other");
    let lease = other.lease(&holder("apply"), LEASE).expect("free");
    clones
        .run("project", "apply --lock-timeout 0s")
        .code(6)
        .stderr_has("the state is locked by `purgit apply`, process 4711 on build-1")
        .stderr_has("if it was killed, the lock ends in 5m");
    assert!(
        clones
            .store("project")
            .break_lease(lease.epoch())
            .expect("broken")
    );
    clones.run("project", "apply").code(0);
    drop(lease);
    assert_eq!(clones.world.posts(), 1);
}

/// Two runners with clones of their own, some of them killed.
#[test]
fn racing_runners_lose_nothing_and_purge_twice_only_what_was_in_doubt() {
    let rounds = std::env::var("PURGIT_TEST_ROUNDS").ok();
    let rounds: usize = rounds.map_or(4, |rounds| rounds.parse().expect("a number"));
    let clones = Clones::new(
        "state: { git: { ref: refs/purgit/state, remote: origin } }, \
         status: { git: { ref: refs/purgit/status } }, safety: { maxChangePercent: 100 }",
    );
    clones.clone("other", &[]);
    let files = ["/a.png", "/b.png", "/c.png"];
    for round in 1..=rounds {
        let manifest = crate::common::purge_manifest("spring", &files, &[], &round.to_string());
        for folder in ["project", "other"] {
            fs::write(clones.path(folder).join("purges/spring.yaml"), &manifest).expect("written");
        }
        let before = clones.world.purged().len();
        let runners = ["project", "other"].map(|at| clones.start(at, "apply --lock-timeout 1m"));
        let is_killed = round % 2 == 0;
        if is_killed {
            // At a different moment each time.
            std::thread::sleep(Duration::from_millis((round as u64 * 37) % 250));
            let [victim, survivor] = runners;
            victim.signal("KILL");
            let _ = victim.finish();
            // Whoever was killed may hold the lock; an operator takes it away.
            let store = clones.store("project");
            survivor_ends(&store, survivor).code(0);
        } else {
            for runner in runners {
                runner.finish().code(0);
            }
        }
        let now = clones.world.purged();
        let purged = &now[before..];
        for file in files {
            let times = purged.iter().filter(|url| url.ends_with(file)).count();
            let most = if is_killed { 2 } else { 1 };
            assert!(
                (1..=most).contains(&times),
                "round {round}: {file}: {times}"
            );
        }
        let state = clones.state();
        assert!(
            state.pending_operations.is_empty(),
            "round {round}: {state:?}"
        );
        for (key, known) in &state.entries {
            let generation = known.generation.as_ref().map(ToString::to_string);
            assert_eq!(generation, Some(round.to_string()), "{}", key.address());
            assert!(known.attempt.is_none() && known.confirmed_at.is_some());
        }
        assert_eq!(state.entries.len(), files.len());
    }
    let all = clones.state();
    let outcomes = all.history.iter().flat_map(|run| run.outcomes.keys());
    assert!(
        outcomes
            .clone()
            .all(|outcome| *outcome == Outcome::Succeeded),
        "{outcomes:?}"
    );
}

/// Takes the lock away from a process that is gone, until the other one ends.
fn survivor_ends(store: &GitStore, survivor: Process) -> Output {
    let alive = survivor.id();
    std::thread::scope(|scope| {
        let done = scope.spawn(|| survivor.finish());
        while !done.is_finished() {
            if let Ok(Some(held)) = store.held()
                && held.holder.pid != alive
            {
                let _ = store.break_lease(held.epoch);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        done.join().expect("no panic")
    })
}
