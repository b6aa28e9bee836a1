//! A project in a temporary folder, an emulator in this process, and `purgit watch` between them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use purgit::emulator::azure_china_cdn::{AzureChinaCdn, KEY_ID, KEY_VALUE};
use purgit::emulator::{Emulator, RequestRecord, Running, Settings};
use tempfile::TempDir;
use tokio::sync::{broadcast, mpsc};

/// Nothing here takes as long; what does, hangs.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Scene {
    pub(super) folder: TempDir,
    pub(super) emulator: Running,
    requests: broadcast::Receiver<RequestRecord>,
}

impl Scene {
    /// A site of three pages in `public`, confirmed as they are.
    pub(super) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(super) async fn with(settings: Settings) -> Self {
        let api = AzureChinaCdn {
            files_per_day: 100_000,
            ..AzureChinaCdn::default()
        };
        let emulator = Emulator::start(settings, Box::new(api)).await.unwrap();
        let scene = Self {
            folder: TempDir::new().unwrap(),
            requests: emulator.watch(),
            emulator,
        };
        for page in ["a", "b", "c"] {
            scene.write(&format!("public/{page}.html"), page);
        }
        scene.write("purgit.yaml", &scene.project());
        scene.write("purges/site.yaml", &Self::site("docs"));
        scene.purgit(&["state", "baseline"]);
        scene
    }

    /// Project and endpoint, with limits that no test meets by chance.
    pub(super) fn project(&self) -> String {
        let emulated = self.emulator.manifest();
        let safety = "metadata: { name: emulated }\nspec:\n  \
                      safety: { maxChangePercent: 100, maxUrls: 20000 }";
        emulated
            .replacen("metadata: { name: emulated }", safety, 1)
            .replace(
                "requestsPerSecond: 1000",
                "requestsPerSecond: 1000, filesPerDay: 100000",
            )
    }

    pub(super) fn site(path: &str) -> String {
        format!(
            "apiVersion: purgit/v1alpha1\nkind: Site\nmetadata: {{ name: docs }}\nspec:\n  \
             endpoint: www\n  baseUrl: https://www.example.com/{path}/\n  \
             content: {{ root: public }}\n"
        )
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// As editors save: beside it, and then in its place.
    pub(super) fn save(&self, name: &str, text: &str) {
        let beside = self.path("draft.tmp");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.path(name)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_purgit"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("AZURE_CDN_KEY_ID", KEY_ID)
            .env("AZURE_CDN_KEY_VALUE", KEY_VALUE)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end, which must be good.
    pub(super) fn purgit(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts `purgit watch` with a short debounce and waits until it watches.
    pub(super) async fn watch(&self, arguments: &[&str]) -> Watcher {
        let mut watcher = self.start(arguments, &[]);
        watcher.says("watching for changes").await;
        watcher
    }

    /// Starts `purgit watch`, without some variables.
    pub(super) fn start(&self, arguments: &[&str], without: &[&str]) -> Watcher {
        let mut command = self.command(&["watch", "--debounce", "50ms"]);
        command.args(arguments);
        for name in without {
            command.env_remove(name);
        }
        Watcher::new(command)
    }

    /// URLs purged so far, as paths below the host; each as often as it was sent.
    pub(super) fn purged(&self) -> Vec<String> {
        let mut urls: Vec<_> = self
            .emulator
            .purge_log()
            .into_iter()
            .flat_map(|task| task.items)
            .map(|item| item.text.replace("https://www.example.com", ""))
            .collect();
        urls.sort_unstable();
        urls
    }

    /// Waits until these have been purged, whatever else has.
    pub(super) async fn until_purged<'u>(&mut self, urls: impl IntoIterator<Item = &'u str>) {
        let wanted: BTreeSet<String> = urls.into_iter().map(str::to_owned).collect();
        let wait = async {
            while !wanted.is_subset(&self.purged().into_iter().collect()) {
                // Missed ones do not matter: what was purged is asked anew.
                let _ = self.requests.recv().await;
            }
        };
        let result = tokio::time::timeout(PATIENCE, wait).await;
        assert!(result.is_ok(), "purged only {:?}", self.purged());
    }
}

/// A running `purgit watch`, killed when dropped.
pub(super) struct Watcher {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    heard: Vec<String>,
}

impl Watcher {
    fn new(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::unbounded_channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            lines,
            heard: Vec::new(),
        }
    }

    /// Waits for a line with that text.
    pub(super) async fn says(&mut self, text: &str) -> String {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.recv()).await;
            let Ok(Some(line)) = line else {
                panic!("`{text}` is not said, only {:#?}", self.heard);
            };
            self.heard.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits for the line that tells of a purge. When an event comes late, on a busy machine, the run
    /// does not wait for the CDN, and the next one asks again.
    pub(super) async fn has_purged(&mut self) -> String {
        loop {
            let line = self.says(" in ").await;
            if line.contains(": purged ") || line.contains(" Succeeded in ") {
                return line;
            }
        }
    }

    /// How often a text was said in what was heard so far.
    pub(super) fn said(&self, text: &str) -> usize {
        self.heard.iter().filter(|line| line.contains(text)).count()
    }

    pub(super) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end; gives exit code and stdout.
    pub(super) async fn end(mut self) -> (i32, String) {
        let wait = async {
            while let Some(line) = self.lines.recv().await {
                self.heard.push(line);
            }
        };
        let ended = tokio::time::timeout(PATIENCE, wait).await;
        assert!(ended.is_ok(), "goes on: {:#?}", self.heard);
        let mut text = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        let code = self.child.wait().unwrap().code();
        (
            code.unwrap_or_else(|| panic!("killed: {:#?}", self.heard)),
            text,
        )
    }

    /// Asks it to stop, and expects what that gives.
    pub(super) async fn stop(self) -> String {
        self.signal("TERM");
        let (code, text) = self.end().await;
        assert_eq!(code, 143);
        text
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The state as JSON text.
pub(super) fn state(folder: &Path) -> String {
    fs::read_to_string(folder.join(".purgit/state.json")).unwrap()
}
