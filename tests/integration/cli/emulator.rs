//! `purgit emulator`

use purgit::emulator::REGISTRY;

use crate::common::{Environment, Process};

/// Takes the printed manifest as the project's.
fn take_manifest(env: &Environment, printed: &str) {
    env.write("purgit.yaml", printed);
    env.edit("purgit.yaml", "interval: 100ms", "interval: 10ms");
}

fn start(env: &Environment, line: &str) -> (Process, String) {
    let process = env.start(line);
    let printed = process.wait_for_stdout("timeout: 5m }\n");
    (process, printed)
}

#[cfg(unix)]
#[test]
fn each_prints_a_manifest_that_works_serves_and_stops_on_a_signal() {
    for kind in REGISTRY {
        serves(kind.name);
    }
}

#[cfg(unix)]
fn serves(provider: &str) {
    let mut env = Environment::new();
    let line = format!("emulator --provider {provider} --listen 127.0.0.1:0");
    let (process, printed) = start(&env, &line);
    take_manifest(&env, &printed);
    for line in printed.lines().filter(|line| line.contains("export ")) {
        let (name, value) = line
            .split("export ")
            .nth(1)
            .unwrap()
            .split_once('=')
            .unwrap();
        env.set(name, value);
    }
    env.purge("spring", &["/a.png", "/b.png"], &[], "1");
    env.run("validate").code(0).stderr_is_empty();
    env.run("apply").code(0).stdout_has("2 Succeeded");
    process.signal("TERM");
    let output = process.finish().code(143);
    assert_eq!(output.stdout, printed, "only the manifest is data");
    let items = output.stderr.lines().map(|line| {
        let (_, items) = line.rsplit_once(", ")?;
        items.split_once(" item")?.0.parse::<usize>().ok()
    });
    assert_eq!(items.flatten().sum::<usize>(), 2, "{}", output.stderr);
}

#[test]
fn a_provider_that_is_not_emulated_is_answered_with_those_that_are() {
    let env = Environment::new();
    let names: Vec<_> = REGISTRY.iter().map(|kind| kind.name).collect();
    for command in ["emulator", "demo"] {
        env.run(&format!("{command} --provider nope"))
            .code(64)
            .stderr_has("invalid value 'nope' for '--provider <NAME>'")
            .stderr_has(&format!("[possible values: {}]", names.join(", ")));
    }
}

#[cfg(unix)]
#[test]
fn faults_and_limits_are_taken_from_the_command_line() {
    let mut env = Environment::new();
    env.set(
        "AZURE_CDN_KEY_ID",
        purgit::emulator::azure_china_cdn::KEY_ID,
    );
    env.set(
        "AZURE_CDN_KEY_VALUE",
        purgit::emulator::azure_china_cdn::KEY_VALUE,
    );
    let (process, printed) = start(
        &env,
        "emulator --listen 127.0.0.1:0 --host www.example.com --fault fail-url=**/b.png",
    );
    take_manifest(&env, &printed);
    env.purge("spring", &["/a.png", "/b.png"], &[], "1");
    env.run("apply")
        .code(3)
        .stdout_has("1 Succeeded, 1 Failed")
        .stdout_has("Failed https://www.example.com/b.png");
    process.signal("INT");
    process.finish().code(130);
}

#[test]
fn what_cannot_be_listened_on_is_an_error() {
    let env = Environment::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    env.run(&format!("emulator --listen {address}"))
        .code(1)
        .stdout_is_empty()
        .stderr_has("cannot start the emulator: cannot listen on");
    env.run("emulator --listen 127.0.0.1:0 --fault html@post")
        .code(64)
        .stderr_has("cannot start the emulator: there is no operation `post`; there are: purge");
    env.run("emulator --listen 127.0.0.1:0 --requests-per-second 0")
        .code(64)
        .stderr_has("the request rate 0 is not a number above 0");
    env.run("emulator --listen 0.0.0.0:0")
        .code(1)
        .stderr_has("only listens on this machine");
    env.run("emulator --listen 127.0.0.1:0 --edge-listen 127.0.0.1:0 --origin missing")
        .code(1)
        .stderr_has("cannot start the edge");
}

#[test]
fn a_port_in_use_has_a_remedy() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    Environment::new()
        .run(&format!("emulator --listen {address}"))
        .code(1)
        .stderr_has(&format!("cannot listen on `{address}`"))
        .stderr_has("hint: another program listens there; name another address with `--listen`");
}
