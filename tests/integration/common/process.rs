//! A running command line: what it printed so far, signals to it, and its end.

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Output;

/// After that a process hangs. Far above what any test takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often the end of a process is looked for.
const TICK: Duration = Duration::from_millis(2);

/// A started process; killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdout: Capture,
    stderr: Capture,
    folder: PathBuf,
}

impl Process {
    pub(crate) fn start(mut command: Command, folder: &Path) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            stdout: Capture::of(child.stdout.take().unwrap()),
            stderr: Capture::of(child.stderr.take().unwrap()),
            child,
            folder: folder.to_owned(),
        }
    }

    /// Waits until stdout holds that text, and returns what it held then.
    pub(crate) fn wait_for_stdout(&self, text: &str) -> String {
        self.stdout.wait_for(text)
    }

    /// Waits until stderr holds that text.
    pub(crate) fn wait_for_stderr(&self, text: &str) {
        self.stderr.wait_for(text);
    }

    /// Types something.
    pub(crate) fn type_in(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, e.g. `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("/bin/sh").args(["-c", &line]).status();
        assert!(sent.unwrap().success(), "{line}");
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Output {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let (stdout, stderr) = (self.stdout.so_far(), self.stderr.so_far());
                panic!("still running after {PATIENCE:?}:\n{stdout}\n---\n{stderr}");
            }
            std::thread::sleep(TICK);
        };
        let (stdout, stderr) = (self.stdout.finish(), self.stderr.finish());
        Output::new(stdout, stderr, status.code(), &self.folder)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes out of a pipe, read by a thread of its own.
struct Capture {
    shared: Arc<(Mutex<Vec<u8>>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Capture {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let sink = shared.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count) = pipe.read(&mut buffer) {
                if count == 0 {
                    break;
                }
                sink.0.lock().unwrap().extend_from_slice(&buffer[..count]);
                sink.1.notify_all();
            }
        });
        Self {
            shared,
            reader: Some(reader),
        }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.shared.0.lock().unwrap()).into_owned()
    }

    fn wait_for(&self, text: &str) -> String {
        let lacks = |bytes: &mut Vec<u8>| !String::from_utf8_lossy(bytes).contains(text);
        let (bytes, waited) = self
            .shared
            .1
            .wait_timeout_while(self.shared.0.lock().unwrap(), PATIENCE, lacks)
            .unwrap();
        let found = String::from_utf8_lossy(&bytes).into_owned();
        drop(bytes);
        assert!(!waited.timed_out(), "no `{text}` in\n{found}");
        found
    }

    fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let bytes = self.shared.0.lock().unwrap().clone();
        String::from_utf8(bytes).expect("UTF-8")
    }
}
