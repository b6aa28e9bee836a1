//! No secret is ever printed or written, however much is logged.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;

use purgit::emulator::azure_china_cdn::KEY_VALUE;

use crate::common::{Output, World};

/// Upper-case hexadecimal digits of a signature.
const SIGNATURE_DIGITS: usize = 64;

fn has_signature(text: &str) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
    let mut run = 0;
    text.bytes().any(|byte| {
        run = if is_digit(&byte) { run + 1 } else { 0 };
        run >= SIGNATURE_DIGITS
    })
}

#[test]
fn no_output_and_no_file_holds_a_key_or_a_signature() {
    let mut world = World::builder().limits("itemsPerRequest: 1").build();
    world.set("PURGIT_LOG", "trace");
    world.purge("spring", &["/a.png", "/b.png", "/c.png"], &["/d/"], "1");
    let mut outputs: Vec<Output> = Vec::new();
    for line in [
        "validate -vvv",
        "plan -vvv --log-format json",
        "plan --format json --json-into plan.json",
        "apply -vvv --no-wait",
        "apply -vvv --log-format json --format json",
        "status --refresh --format json -vvv",
        "doctor -vvv",
        "history -vvv",
        "purge https://www.example.com/x -vvv",
    ] {
        outputs.push(world.run(line));
    }
    world.purge("spring", &["/a.png", "/b.png", "/c.png"], &["/d/"], "2");
    world.fault("fail-url=**/a.png");
    world.fault("drop-after@purge");
    world.fault("html@query");
    world.fault("skew=1h");
    outputs.push(world.run("apply -vvv --log-format json"));
    world.cdn.clear_faults();
    world.fault("error=InvalidAuthorizationHeader@purge");
    outputs.push(world.run("apply -vvv"));
    world.edit("purgit.yaml", "{ env: AZURE_CDN_KEY_VALUE }", KEY_VALUE);
    for line in [
        "validate -vvv",
        "validate --format json",
        "validate --format github",
        "plan",
    ] {
        outputs.push(world.run(line).code(1));
    }
    world.write("purgit.yaml", "");

    let traced = outputs.iter().any(|output| output.stderr.contains("TRACE"));
    assert!(traced, "there was something to leak into");
    let files = nothing_leaked(&world, &outputs);
    assert!(files.keys().any(|path| path.ends_with("plan.json")));
}

/// Looks for keys and signatures in all that was printed and written; returns the files.
fn nothing_leaked(world: &World, outputs: &[Output]) -> BTreeMap<PathBuf, Vec<u8>> {
    for output in outputs {
        for text in [&output.stdout, &output.stderr] {
            assert!(!text.contains(KEY_VALUE), "{output:?}");
            assert!(!has_signature(text), "{output:?}");
        }
    }
    let files = world.files();
    for (path, bytes) in &files {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains(KEY_VALUE), "{}", path.display());
        assert!(!has_signature(&text), "{}", path.display());
    }
    files
}

/// A CDN, or something in between, whose messages hold what it was sent.
#[test]
fn a_key_that_a_message_repeats_is_masked() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let message = format!("no such key: {KEY_VALUE}, %6eot-a-real-key, bm90LWEtcmVhbC1rZXk=");
    let body = serde_json::json!({
        "Succeeded": false,
        "ErrorInfo": { "Type": "ParameterInvalid", "Message": message },
    });
    let (body, length) = (body.to_string(), body.to_string().len());
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-length: {length}\r\nconnection: close\r\n\
         x-correlation-id: for-{KEY_VALUE}\r\n\r\n{body}"
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 8192];
            // The request of this test comes in one piece.
            let _ = stream.read(&mut request);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let world = World::new();
    let api = world.cdn.api_url();
    world.edit("purgit.yaml", &api, &format!("http://{address}"));
    world.purge("spring", &["/a.png"], &[], "1");
    let applied = world.run("apply -v").code(3);
    let expected = "no such key: [secret], [secret], [secret] (correlation id for-[secret])";
    let outputs = [
        applied.stdout_has(expected).stderr_has(expected),
        world.run("status").code(0),
        world.run("status --format json").code(0),
        world.run("plan --format json").code(0),
    ];
    nothing_leaked(&world, &outputs);
    let shown = world.read("purgit.status.yaml") + &world.read(".purgit/state.json");
    assert!(shown.contains(expected), "{shown}");
    assert!(!shown.contains("bm90LWEtcmVhbC1rZXk"), "{shown}");
}

#[test]
fn a_signature_would_be_found() {
    let signature = "77DFCE9EFB891DA4A47EEA9F3AF9FEABA89EF2D1FEE713C7C25F44B4CFF1381C";
    assert!(has_signature(&format!("AzureCDN id:{signature}")));
    assert!(!has_signature(
        "sha256:77dfce9efb891da4a47eea9f3af9feaba89ef2d1fee713c7c25f44b4cff1381c"
    ));
}
