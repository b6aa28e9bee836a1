//! Starts and stops the caches, each on a free port with a folder of its own.
//!
//! A guard, which is a shell, stands between the tests and a cache: it waits until its input ends, as it does
//! however the tests end, then kills the cache with all its processes and takes the folder away. Nothing of it is
//! kept, so nothing need end in order, which takes Squid three seconds.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::HOST;
use super::http::{Answer, exchange};
use super::origin::Origin;
use crate::common::PATIENCE;
use crate::git::fixture::skipped;

/// With this variable a cache that is not installed is a failure.
pub(super) const DEMANDED: &str = "PURGIT_TEST_CACHES";

/// How often a start is tried: a free port may be taken before the cache has it.
const STARTS: usize = 3;

/// How often it is asked whether a cache answers yet.
const TICK: Duration = Duration::from_millis(10);

/// Of the folder, of what the cache's shared memory is called, and of its command line.
const GUARD: &str = r#"
memory=$1
shift
setsid "$@" < /dev/null > "$0/output" 2>&1 &
trap '' HUP INT TERM
echo $!
read -r keep && kept=1
kill -s KILL -- "-$!"
[ -n "$kept" ] || for again in 1 2 3; do rm -rf "$0" "/dev/shm/$memory"-* && break; sleep 0.1; done 2> /dev/null
"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Varnish,
    Nginx,
    TrafficServer,
    Squid,
}

impl Kind {
    pub(super) const ALL: [Self; 4] =
        [Self::Varnish, Self::Nginx, Self::TrafficServer, Self::Squid];

    const fn binary(self) -> &'static str {
        match self {
            Self::Varnish => "varnishd",
            Self::Nginx => "nginx",
            Self::TrafficServer => "traffic_server",
            Self::Squid => "squid",
        }
    }

    /// The program, and a module that it needs, if both are there.
    fn installed(self) -> Option<(PathBuf, PathBuf)> {
        let program = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
            .map(|folder| Path::new(folder).join(self.binary()))
            .into_iter()
            .find(|path| path.exists())?;
        let lib = format!("/usr/lib/{}-linux-gnu/varnish", std::env::consts::ARCH);
        let module = match self {
            Self::Varnish => Path::new(&lib).join("vmods/libvmod_xkey.so"),
            Self::Nginx => "/usr/lib/nginx/modules/ngx_http_cache_purge_module.so".into(),
            Self::TrafficServer => "/usr/lib/trafficserver/modules/remap_purge.so".into(),
            Self::Squid => program.clone(),
        };
        module.exists().then_some((program, module))
    }

    /// The files that users are told to write.
    fn files(self) -> &'static [(&'static str, &'static str)] {
        macro_rules! files {
            ($($name:literal),*) => {
                &[$(($name, include_str!(concat!("../../fixtures/caches/", $name)))),*]
            };
        }
        match self {
            Self::Varnish => files!["varnish.vcl"],
            Self::Nginx => files!["nginx.conf"],
            Self::TrafficServer => {
                files!["trafficserver/ip_allow.yaml", "trafficserver/remap.config"]
            }
            Self::Squid => files!["squid.conf"],
        }
    }
}

/// A running cache; killed when dropped.
#[derive(Debug)]
pub(super) struct Server {
    kind: Kind,
    port: u16,
    /// The port of its origin.
    origin: u16,
    process: Option<Process>,
    folder: TempDir,
}

#[derive(Debug)]
struct Process {
    guard: Child,
    group: Pid,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

impl Server {
    /// A cache in front of an origin, with pieces of its configuration replaced. Nothing where it is not
    /// installed.
    pub(super) fn start(kind: Kind, edits: &[(&str, &str)], origin: &Origin) -> Option<Self> {
        let Some((_, module)) = kind.installed() else {
            let why = format!("{} with its modules is not installed", kind.binary());
            assert!(
                std::env::var_os(DEMANDED).is_none(),
                "{why}, which {DEMANDED} demands"
            );
            skipped(&why);
            return None;
        };
        let mut said = String::new();
        for _ in 0..STARTS {
            let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let folder = TempDir::with_prefix("purgit-cache-").unwrap();
            write(kind, &module, folder.path(), port, origin.port, edits);
            let mut server = Self {
                kind,
                port,
                origin: origin.port,
                process: None,
                folder,
            };
            match server.start_again() {
                Ok(()) => return Some(server),
                Err(output) => said = output,
            }
        }
        panic!("{kind:?} ends at once, whatever its port: {said}");
    }

    /// Starts it where it was, with what it has on disk. What it said if it ended, as when its port is taken.
    pub(super) fn start_again(&mut self) -> Result<(), String> {
        let folder = self.folder.path();
        let mut guard = Command::new("/bin/sh")
            .arg("-c")
            .arg(GUARD)
            .arg(folder)
            .arg(self.name())
            .args(self.command_line())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut group = String::new();
        BufReader::new(guard.stdout.take().unwrap())
            .read_line(&mut group)
            .unwrap();
        let number = group.trim().parse().unwrap();
        let group = Pid::from_raw(number).unwrap();
        self.process = Some(Process { guard, group });
        let deadline = Instant::now() + PATIENCE;
        while !self.is_ready() {
            let output = || fs::read_to_string(self.folder.path().join("output"));
            if has_ended(number) {
                return Err(output().unwrap_or_default());
            }
            assert!(Instant::now() < deadline, "{:?}: {:?}", self.kind, output());
            thread::sleep(TICK);
        }
        Ok(())
    }

    /// Kills it and keeps what it has on disk.
    pub(super) fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        process
            .guard
            .stdin
            .as_mut()
            .unwrap()
            .write_all(b"keep\n")
            .unwrap();
    }

    /// Lets it do nothing, or go on: it still accepts connections.
    pub(super) fn freeze(&self, frozen: bool) {
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        kill_process_group(self.process.as_ref().unwrap().group, signal).unwrap();
    }

    /// Its name on this machine, of letters and digits as Squid wants it.
    fn name(&self) -> String {
        format!("purgit{}", self.port)
    }

    pub(super) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Its answer to a request from this machine's usual address.
    pub(super) fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let answer = exchange([127, 0, 0, 1], self.address(), method, target, headers);
        answer.unwrap_or_else(|error| panic!("{:?}: {method} {target}: {error}", self.kind))
    }

    /// Whether it, and not somebody else on its port, asks its origin.
    fn is_ready(&self) -> bool {
        let path = format!("/ready/{}", self.origin);
        let answer = exchange(
            [127, 0, 0, 1],
            self.address(),
            "GET",
            &path,
            &[("Host", HOST)],
        );
        answer.is_ok_and(|answer| answer.body.starts_with(&path))
    }

    fn command_line(&self) -> Vec<String> {
        let (program, _) = self.kind.installed().unwrap();
        let (folder, port) = (self.folder.path().display(), self.port);
        let line = match self.kind {
            Kind::Varnish => format!(
                "-F -j none -n {folder}/work -a 127.0.0.1:{port} -f {folder}/varnish.vcl -s malloc,16m"
            ),
            Kind::Nginx => format!("-p {folder}/ -c main.conf -e stderr"),
            Kind::TrafficServer => format!("--run-root={folder}/runroot.yaml"),
            Kind::Squid => format!("-N -n {} -f {folder}/main.conf", self.name()),
        };
        let words = line.split(' ').map(str::to_owned);
        std::iter::once(program.display().to_string())
            .chain(words)
            .collect()
    }
}

/// Whether a process is over, reaped or not.
fn has_ended(id: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // `4711 (name) S …`
    stat.rsplit(')')
        .next()
        .is_none_or(|rest| matches!(rest.trim_start().chars().next(), None | Some('Z')))
}

/// Writes the configuration: what users are told, with this port, origin and folder, and what else a server
/// needs to run beside others.
fn write(kind: Kind, module: &Path, folder: &Path, port: u16, origin: u16, edits: &[(&str, &str)]) {
    // Squid, started by root, goes on as somebody else.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    let place = folder.display();
    let mut files: BTreeMap<String, String> = kind
        .files()
        .iter()
        .map(|(name, text)| {
            (
                name.rsplit('/').next().unwrap().to_owned(),
                (*text).to_owned(),
            )
        })
        .collect();
    let mut replace = |from: &str, to: &str| {
        let mut found = false;
        for text in files.values_mut() {
            found |= text.contains(from);
            *text = text.replace(from, to);
        }
        assert!(found, "no `{from}` in the configuration of {kind:?}");
    };
    for (from, to) in edits {
        replace(from, to);
    }
    match kind {
        Kind::Varnish => replace("\"8080\"", &format!("\"{origin}\"")),
        Kind::Nginx => {
            replace("127.0.0.1:8080", &format!("127.0.0.1:{origin}"));
            replace("listen 80;", &format!("listen 127.0.0.1:{port};"));
            replace("/var/cache/nginx/www", "temporary/cache");
            let module = module.display();
            let main = format!(
                "load_module {module};\nuser root;\ndaemon off;\npid temporary/pid;\nerror_log stderr;\nevents {{}}\n\
                 http {{\n  access_log off;\n  client_body_temp_path temporary/a;\n  proxy_temp_path temporary/b;\n  \
                 fastcgi_temp_path temporary/c;\n  uwsgi_temp_path temporary/d;\n  scgi_temp_path temporary/e;\n  \
                 include nginx.conf;\n}}\n"
            );
            files.insert("main.conf".to_owned(), main);
            fs::create_dir(folder.join("temporary")).unwrap();
        }
        Kind::TrafficServer => {
            replace("127.0.0.1:8080", &format!("127.0.0.1:{origin}"));
            replace("/var/cache/trafficserver", &format!("{place}/run"));
            for name in ["etc", "log", "run", "cache"] {
                fs::create_dir(folder.join(name)).unwrap();
            }
            let plugins = module.parent().unwrap().display();
            let run_root = format!(
                "prefix: {place}\nexec_prefix: {place}\nbindir: /usr/bin\nsysconfdir: {place}/etc\nlibexecdir: {plugins}\n\
                 localstatedir: {place}/run\nruntimedir: {place}/run\nlogdir: {place}/log\ndatadir: {place}/cache\n"
            );
            let records = format!(
                "CONFIG proxy.config.http.server_ports STRING {port}:ip-in=127.0.0.1\n\
                 CONFIG proxy.config.admin.user_id STRING #-1\nCONFIG proxy.config.url_remap.pristine_host_hdr INT 1\n\
                 CONFIG proxy.config.http.wait_for_cache INT 2\n"
            );
            files = files
                .into_iter()
                .map(|(name, text)| (format!("etc/{name}"), text))
                .collect();
            files.insert("etc/records.config".to_owned(), records);
            files.insert(
                "etc/storage.config".to_owned(),
                format!("{place}/cache 32M\n"),
            );
            files.insert("runroot.yaml".to_owned(), run_root);
        }
        Kind::Squid => {
            replace(" 8080 ", &format!(" {origin} "));
            replace("http_port 80 ", &format!("http_port 127.0.0.1:{port} "));
            let main = format!(
                "include {place}/squid.conf\npid_filename none\ncache_log {place}/log\naccess_log none\n\
                 netdb_filename none\npinger_enable off\nvisible_hostname cache.test\ncache_mem 16 MB\n"
            );
            files.insert("main.conf".to_owned(), main);
        }
    }
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
}
