//! The gate: no purge before the origin has the new bytes.

mod block;
mod gating;
mod judging;
mod stage;

use purgit::content::blob_id;
use purgit::entry::{EntryKey, Generation, Owner, Target, TargetKind};

/// The key of a file of the site `docs`, at the endpoint `www`.
fn site_file(path: &str) -> EntryKey {
    let url = format!("https://www.example.com/{path}");
    EntryKey {
        owner: Owner::Site("docs".into()),
        path: Some(path.into()),
        target: Target::parse(TargetKind::File, &url).unwrap(),
        endpoint: "www".into(),
    }
}

fn content(body: &str) -> Generation {
    Generation::of_content(&blob_id(body.as_bytes()))
}
