//! The remembered status is the one in the file, whoever wrote it.

use purgit::status::file::{self, StatusSink as _};
use purgit::watch::memo::Memo;

use super::binary::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_is_what_the_file_says() {
    let scene = Scene::new().await;
    scene.watch(&[]).await.stop().await;
    let path = scene.path("purgit.status.yaml");
    let mut document = file::read(&path).unwrap().unwrap();
    let memo = Memo::new(path.clone());
    assert_eq!(memo.previous().unwrap().as_ref(), Some(&document));
    document.metadata.name = "mine".to_owned();
    memo.write(&document).unwrap();
    assert_eq!(memo.previous().unwrap().as_ref(), Some(&document));
    // Written by someone else.
    document.metadata.name = "them".to_owned();
    file::write(&path, &document).unwrap();
    assert_eq!(memo.previous().unwrap().as_ref(), Some(&document));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(memo.previous().unwrap(), None);
}
