//! What `-v`, `-vv` and `-vvv` tell about requests.

use crate::common::{Output, World};

fn lines<'a>(output: &'a Output, start: &str) -> Vec<&'a str> {
    let lines = output.stderr.lines();
    lines.filter(|line| line.starts_with(start)).collect()
}

#[test]
fn each_request_is_one_line() {
    let world = World::builder().limits("itemsPerRequest: 1").build();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    let quiet = world.run("plan").code(0).stderr_lacks("POST");
    assert_eq!(lines(&quiet, "POST").len(), 0);

    let output = world.run("apply -v").code(0);
    let (api, posts) = (world.cdn.api_url(), lines(&output, "POST "));
    assert_eq!(posts.len(), world.posts());
    assert_eq!(lines(&output, "GET ").len(), world.queries());
    for line in posts {
        let rest = line.strip_prefix(&format!("POST {api}/subscriptions/"));
        let (path, rest) = rest.unwrap().split_once(' ').unwrap();
        assert!(path.ends_with("/purges"), "without the query: {line}");
        let (time, id) = rest.split_once(" ms (request id ").unwrap();
        let time = time.strip_prefix("202 in ").unwrap();
        assert!(time.parse::<u64>().is_ok(), "{line}");
        let id = id.strip_suffix(')').unwrap();
        let requests = world.cdn.requests();
        let known = requests
            .iter()
            .any(|request| request.request_id.to_string() == id);
        assert!(known, "{line}");
    }
}

#[test]
fn a_request_that_failed_says_why() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("drop-after@purge*1");
    let output = world.run("apply -v").code(0);
    let posts = lines(&output, "POST ");
    assert_eq!(posts.len(), 2, "{output:?}");
    assert!(posts[0].contains("/purges failed after "), "{}", posts[0]);
    assert!(
        posts[0].contains(" ms: connection broken off"),
        "{}",
        posts[0]
    );
}

#[test]
fn more_of_it_shows_headers_and_sizes_and_then_the_libraries() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let output = world.run("apply -vv").code(0);
    let sent = output.stderr.lines().find(|line| line.contains("sending"));
    let sent = sent.unwrap();
    for part in [
        "DEBUG purgit::transport",
        "(\"x-azurecdn-request-date\", ",
        "(\"authorization\", [secret])",
        "body_bytes: ",
    ] {
        assert!(sent.contains(part), "{part} in {sent}");
    }
    let library = "hyper_util";
    let output = output.stderr_lacks(library);
    assert!(!output.stderr.contains("TRACE"), "{output:?}");

    world.purge("spring", &["/a.png"], &[], "2");
    world.run("apply -vvv").code(0).stderr_has(library);
}
