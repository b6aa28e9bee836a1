//! purgit against two real caches of which one is refused, frozen, or late.

use super::server::Kind;
use super::{Node, at_once, project};
use crate::common::Environment;

const PATH: &str = "/a";

/// Two nodes with an old object each, and a project that purges it.
fn two(kind: Kind) -> Option<(Node, Node, Environment)> {
    let (one, other) = (Node::start(kind)?, Node::start(kind)?);
    for node in [&one, &other] {
        node.outdate(PATH);
    }
    let more = "    answerTimeout: 1s\n";
    let environment = project(kind, &[&one.server, &other.server], more);
    environment.purge("it", &[PATH], &[], "1");
    Some((one, other, environment))
}

fn version(node: &Node) -> String {
    node.get(PATH).rsplit_once(' ').unwrap().1.to_owned()
}

/// The other one is purged by the next run, and it alone.
fn catches_up(one: &Node, other: &Node, environment: &Environment) {
    let open = format!("open on http://{}", other.server.address());
    let status = environment.run("status").code(0);
    assert!(status.stdout.contains(&open), "{status:?}");
    assert_eq!(version(one), "v2");
    one.origin.change(PATH);
    assert_eq!(version(one), "v2");
    environment.run("apply").code(0).stdout_has("1 Succeeded");
    assert_eq!(
        [version(one), version(other)],
        ["v2", "v2"],
        "the first is not purged again"
    );
    environment.run("plan --detailed-exitcode").code(0);
}

/// Its disk still has the old object.
#[test]
fn a_node_that_refused_connections_catches_up_alone() {
    let Some((one, mut other, environment)) = two(Kind::Nginx) else {
        return;
    };
    other.server.stop();
    let output = environment.run("apply --timeout 1s").code(8);
    output.stdout_lacks("Succeeded");
    other.server.start_again().unwrap();
    catches_up(&one, &other, &environment);
}

#[test]
fn a_node_that_was_frozen_catches_up_alone() {
    at_once(&Kind::ALL, |kind| {
        let Some((one, other, environment)) = two(kind) else {
            return;
        };
        other.server.freeze(true);
        environment.run("apply").code(8).stdout_lacks("Succeeded");
        other.server.freeze(false);
        catches_up(&one, &other, &environment);
    });
}
