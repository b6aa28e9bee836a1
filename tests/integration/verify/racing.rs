//! An edge that asked for a page before a purge, and stores it after.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use tokio::sync::{Notify, oneshot};

use super::fixture::Edges;
use crate::common::RUNTIME;

/// An origin of one page, which can take its time.
#[derive(Clone, Default)]
struct Page {
    text: Arc<Mutex<String>>,
    /// Taken by the next who asks, and sent once the old bytes are read.
    held: Arc<Mutex<Option<oneshot::Sender<()>>>>,
    goes_on: Arc<Notify>,
}

impl Page {
    fn set(&self, text: &str) {
        text.clone_into(&mut self.text.lock().unwrap());
    }

    async fn answer(self) -> ([(axum::http::HeaderName, &'static str); 1], String) {
        let text = self.text.lock().unwrap().clone();
        let held = self.held.lock().unwrap().take();
        if let Some(held) = held {
            held.send(()).unwrap();
            self.goes_on.notified().await;
        }
        ([(CONTENT_TYPE, "text/html")], text)
    }
}

#[test]
fn drift_from_a_fetch_that_a_purge_overtook_is_found_and_mended() {
    let page = Page::default();
    let listener = RUNTIME
        .block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))
        .unwrap();
    let origin = listener.local_addr().unwrap();
    let theirs = page.clone();
    let app = Router::new().fallback(move || theirs.clone().answer());
    RUNTIME.spawn(async { axum::serve(listener, app).await });
    let world = Edges::before(
        origin,
        &["race"],
        "acceptEncoding: [identity], timeout: 1ms, rebound: 0",
    );
    let publish = |text: &str| {
        page.set(text);
        world.write("public/a.html", text);
    };
    publish("a 1");
    world.run("state baseline").code(0);

    let (sender, is_read) = oneshot::channel();
    *page.held.lock().unwrap() = Some(sender);
    std::thread::scope(|scope| {
        let visit = scope.spawn(|| world.visit(&["a.html"]));
        RUNTIME.block_on(is_read).unwrap();
        publish("a 2");
        world.run("apply --no-verify").code(0);
        page.goes_on.notify_one();
        visit.join().unwrap();
    });

    world.run("plan --detailed-exitcode").code(0);
    world
        .run("apply --verify")
        .code(0)
        .stdout_has("a.html  stale_at_edge")
        .stdout_has("Edges: 0 fresh, 1 stale, 0 unknown in 1 request\n")
        .stdout_has("Verified: 1 fresh, 0 stale, 0 unknown in 1 request\n");
    assert_eq!(world.cdn.tasks().len(), 2);
    world
        .run("plan --verify --detailed-exitcode")
        .code(0)
        .stdout_has("Edges: 1 fresh");
}
