//! What stays stale at the edge while nobody looks on.

use crate::verify::fixture::Edges;

#[test]
fn it_gives_up_after_six_purges_of_the_same_content() {
    let world = Edges::new(
        &["deaf"],
        "acceptEncoding: [identity], timeout: 1ms, rebound: 2",
    );
    world.publish("a.html", "a 1");
    world.run("state baseline").code(0);
    world.visit(&["a.html"]);
    world.publish("a.html", "a 2");
    world.run("apply").code(3);
    assert_eq!(world.cdn.tasks().len(), 3);
    let watching = world.start("watch --debounce 50ms");
    watching.wait_for_stderr("1 change: 1 Failed");
    assert_eq!(world.cdn.tasks().len(), 6);
    // What no edge has yet is fresh once it is asked for.
    world.deploy("b.html", "b 1");
    world.write("public/b.html", "b 1");
    watching.wait_for_stderr("1 change: purged https://www.example.com/b.html");
    assert_eq!(world.cdn.tasks().len(), 7);
    watching.signal("TERM");
    watching.finish().code(143);
}
