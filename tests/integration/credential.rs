//! Resolving credentials: everything that is missing at once, within bounds of time and size.

use std::collections::BTreeMap;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use purgit::credential::CredentialRef;
use purgit::credential::source::{
    CredentialSource, Missing, MissingCredentials, Resolving, place, resolve_all,
};
use purgit::secret::Secret;

/// Knows the variables whose names start with `KEY`, and counts the questions.
#[derive(Debug, Default)]
struct Keys {
    asked: AtomicUsize,
}

impl CredentialSource for Keys {
    fn resolve<'a>(&'a self, reference: &'a CredentialRef) -> Resolving<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            // Others get their turn, as with a program.
            tokio::task::yield_now().await;
            match reference {
                CredentialRef::Env(name) if name.starts_with("KEY") => Ok(Secret::new(name)),
                other => Err(Missing::Env(other.to_string())),
            }
        })
    }
}

fn env(name: &str) -> CredentialRef {
    CredentialRef::Env(name.to_owned())
}

async fn resolve(
    source: &Keys,
    endpoints: Vec<(&str, Vec<(&'static str, &CredentialRef)>)>,
) -> Result<BTreeMap<String, [String; 2]>, MissingCredentials> {
    let endpoints = endpoints
        .into_iter()
        .map(|(name, references)| (Arc::from(name), references));
    let found = resolve_all(source, endpoints).await?;
    let values = found.into_iter().map(|(endpoint, credentials)| {
        let value = |name| credentials.get(name).to_owned();
        (endpoint.to_string(), ["keyId", "keyValue"].map(value))
    });
    Ok(values.collect())
}

#[tokio::test]
async fn a_reference_that_endpoints_share_is_resolved_once() {
    let (id, one, two) = (env("KEY_ID"), env("KEY_1"), env("KEY_2"));
    let source = Keys::default();
    let found = resolve(
        &source,
        vec![
            ("a", vec![("keyId", &id), ("keyValue", &one)]),
            ("b", vec![("keyId", &id), ("keyValue", &two)]),
            ("c", vec![("keyId", &id), ("keyValue", &one)]),
        ],
    );
    let found = found.await.unwrap();
    assert_eq!(found["a"], ["KEY_ID", "KEY_1"]);
    assert_eq!(found["b"], ["KEY_ID", "KEY_2"]);
    assert_eq!(found["c"], ["KEY_ID", "KEY_1"]);
    assert_eq!(source.asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn everything_that_is_missing_is_named() {
    let (good, id, value) = (env("KEY"), env("ID"), env("VALUE"));
    let source = Keys::default();
    let missing = resolve(
        &source,
        vec![
            ("b", vec![("keyId", &id), ("keyValue", &value)]),
            ("c", vec![("keyId", &good)]),
            ("a", vec![("keyId", &good), ("keyValue", &value)]),
        ],
    );
    let missing = missing.await.unwrap_err();
    let named: Vec<_> = missing.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        named,
        [
            "endpoint `a`: no `keyValue`",
            "endpoint `b`: no `keyId`",
            "endpoint `b`: no `keyValue`",
        ]
    );
    let by_endpoint = missing.by_endpoint();
    assert_eq!(by_endpoint.len(), 2);
    assert_eq!(
        by_endpoint["b"],
        "no `keyId`: environment variable `environment variable `ID`` is not set; \
         no `keyValue`: environment variable `environment variable `VALUE`` is not set"
    );
}

#[cfg(unix)]
mod system {
    use std::fs;
    use std::io::Read as _;
    use std::time::{Duration, Instant};

    use purgit::credential::MAX_CREDENTIAL_BYTES;
    use purgit::credential::system::SystemSource;
    use tempfile::TempDir;

    use super::*;

    /// What a test starts lives so long unless it is ended, in seconds.
    const LIFETIME: u64 = 300;

    fn shell(script: &str) -> CredentialRef {
        CredentialRef::Command(["/bin/sh", "-c", script].map(str::to_owned).to_vec())
    }

    fn file(path: &str) -> CredentialRef {
        CredentialRef::File(path.into())
    }

    fn project() -> (TempDir, SystemSource) {
        let folder = TempDir::with_prefix("purgit-test-").unwrap();
        let source = SystemSource::new(folder.path());
        (folder, source)
    }

    fn make_fifo(folder: &TempDir) -> std::path::PathBuf {
        let path = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        path
    }

    async fn refusal(source: &SystemSource, reference: &CredentialRef) -> String {
        source.resolve(reference).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn only_regular_files_of_some_size_are_read() {
        let (folder, source) = project();
        let most = usize::try_from(MAX_CREDENTIAL_BYTES).unwrap();
        fs::write(folder.path().join("most"), vec![b'x'; most]).unwrap();
        fs::write(folder.path().join("more"), vec![b'x'; most + 1]).unwrap();
        std::os::unix::fs::symlink("most", folder.path().join("link")).unwrap();
        make_fifo(&folder);
        for path in ["most", "link"] {
            let read = source.resolve(&file(path)).await.unwrap();
            assert_eq!(read.expose().len(), most, "{path}");
        }
        let more = refusal(&source, &file("more")).await;
        assert_eq!(more, "file `more` holds more than 64 KiB");
        // Reading a pipe that nobody writes to never ends, nor does `/dev/zero`.
        for path in ["fifo", "/dev/zero", "."] {
            let refused = refusal(&source, &file(path)).await;
            assert!(refused.ends_with("` is not a regular file"), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_program_that_prints_for_ever_is_stopped() {
        let (_folder, source) = project();
        let refused = refusal(&source, &shell("while :; do echo not-a-real-key; done")).await;
        assert!(refused.ends_with("` holds more than 64 KiB"), "{refused}");
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_stopped() {
        let (_folder, source) = project();
        let source = source.with_command_timeout(Duration::from_millis(50));
        let started = Instant::now();
        for script in [
            format!("sleep {LIFETIME}"),
            format!("exec >&-; sleep {LIFETIME}"),
            // The program itself ends, and what it started has its output still.
            format!("sleep {LIFETIME} & echo not-a-real-key"),
        ] {
            let error = source.resolve(&shell(&script)).await.unwrap_err();
            let Missing::TimedOut { program, .. } = &error else {
                panic!("{script}: {error}");
            };
            assert_eq!(program, "/bin/sh");
        }
        assert!(started.elapsed() < Duration::from_secs(LIFETIME / 2));
        let thirty = SystemSource::new(".");
        assert!(format!("{thirty:?}").contains("30s"), "{thirty:?}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn whoever_stops_waiting_ends_the_program_and_what_it_started() {
        let (folder, source) = project();
        let fifo = make_fifo(&folder);
        let started = Instant::now();
        let script = format!("exec 3>fifo; sleep {LIFETIME} & printf . >&3; wait");
        let reference = shell(&script);
        let begun = tokio::task::spawn_blocking(move || {
            let mut fifo = fs::File::open(fifo).unwrap();
            fifo.read_exact(&mut [0]).unwrap();
            fifo
        });
        let mut fifo = tokio::select! {
            resolved = source.resolve(&reference) => panic!("{resolved:?}"),
            begun = begun => begun.unwrap(),
        };
        // The pipe ends when all that holds it has ended.
        fifo.read_to_end(&mut Vec::new()).unwrap();
        assert!(started.elapsed() < Duration::from_secs(LIFETIME / 2));
    }

    #[tokio::test]
    async fn what_is_no_text_is_refused() {
        let (folder, source) = project();
        fs::write(folder.path().join("bytes"), b"\xff\xfe").unwrap();
        fs::write(folder.path().join("blank"), b" \n").unwrap();
        for name in ["bytes", "blank"] {
            let refused = refusal(&source, &file(name)).await;
            assert_eq!(refused, format!("file `{name}` holds no usable text"));
        }
        let read = source
            .resolve(&shell("printf 'not-a-real-key\\r\\n\\n'"))
            .await;
        assert_eq!(read.unwrap().expose(), "not-a-real-key");
    }
}

#[test]
fn the_field_that_says_where_a_credential_is_read_from_is_named() {
    let says = "of the endpoint says where it is read from";
    assert_eq!(
        place(["keyId", "keyValue"]),
        format!("`spec.…credentials` {says}")
    );
    assert_eq!(
        place(["headers.X-Purge-Token"]),
        format!("`spec.…headers` {says}")
    );
    assert_eq!(
        place(["tag.headers.X-Token", "headers.X-Token"]),
        "`spec.…headers` and `spec.…tag.headers` of the endpoint say where it is read from"
    );
}
