//! The stages of a plan, one by one, on a site of ten thousand files of which a hundred changed.
//! `cargo bench`; against git, and up to a million entries: `tests/benches/compare`.
#![allow(clippy::expect_used, clippy::unwrap_used)] // As in tests.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use purgit::content::{ContentFile, Listing, blob_id};
use purgit::desired::{Contents, Desired, desired};
use purgit::diff::diff;
use purgit::manifest::resource::Project;
use purgit::manifest::{ManifestFile, parse};
use purgit::plan::select::Selection;
use purgit::reconcile;
use purgit::state::State;
use purgit::state::format::{digest, from_bytes, to_bytes};
use purgit::url::CdnUrl;
use purgit::view::StateView;
use purgit::workspace::sides::BothSides;

/// Files of the site.
const FILES: usize = 10_000;

/// One file in so many has changed.
const CHANGED_EACH: usize = 100;

const MANIFESTS: &str = "\
apiVersion: purgit/v1alpha1
kind: Project
metadata: { name: www }
---
apiVersion: purgit/v1alpha1
kind: Endpoint
metadata: { name: www }
spec:
  hosts: [www.example.com]
  azureChinaCdn:
    subscriptionId: 00000000-0000-0000-0000-000000000001
    endpointId: 00000000-0000-0000-0000-000000000002
    credentials: { keyId: { env: KEY_ID }, keyValue: { env: KEY_VALUE } }
---
apiVersion: purgit/v1alpha1
kind: Site
metadata: { name: docs }
spec:
  endpoint: www
  baseUrl: https://www.example.com/
  content: { root: public }
";

fn project() -> Project {
    parse(vec![ManifestFile::new("purgit.yaml", MANIFESTS)])
        .project
        .unwrap()
}

/// The content, where every file that has changed holds `text`.
fn contents(text: &str) -> Contents {
    let file = |number: usize| {
        let changed = number.is_multiple_of(CHANGED_EACH);
        let text = if changed { text } else { "same" };
        ContentFile {
            path: format!("section-{:03}/page-{number:06}.html", number / 100),
            id: blob_id(format!("{number} {text}").as_bytes()),
        }
    };
    let listing = Listing {
        files: (0..FILES).map(file).collect(),
        ..Listing::default()
    };
    Contents::from([("docs".into(), listing)])
}

fn wanted(project: &Project, text: &str) -> Desired {
    desired(project, &contents(text), chrono::DateTime::UNIX_EPOCH).unwrap()
}

fn stages(criterion: &mut Criterion) {
    let project = project();
    let before = wanted(&project, "before");
    let after = wanted(&project, "after");
    let mut state = State::default();
    let entries = before.entries.into_iter();
    state.adopt(
        entries.map(|entry| (entry.key, entry.generation)),
        chrono::DateTime::UNIX_EPOCH,
    );
    let bytes = to_bytes(&state);
    let content = contents("after");
    let (both, view) = (
        BothSides::from(after.clone()),
        StateView::from(state.clone()),
    );

    let mut group = criterion.benchmark_group("10,000 files");
    group.throughput(Throughput::Elements(FILES as u64));
    group.bench_function("files to entries", |bench| {
        bench.iter(|| desired(&project, black_box(&content), chrono::DateTime::UNIX_EPOCH));
    });
    group.bench_function("read the state", |bench| {
        bench.iter(|| from_bytes(black_box(&bytes), "state"));
    });
    group.bench_function("write the state", |bench| {
        bench.iter(|| to_bytes(black_box(&state)));
    });
    group.bench_function("digest of the state", |bench| {
        bench.iter(|| digest(black_box(&state)));
    });
    group.bench_function("compare", |bench| {
        bench.iter(|| diff(black_box(&after), black_box(&state)));
    });
    group.bench_function("plan", |bench| {
        let (all, now) = (Selection::default(), chrono::DateTime::UNIX_EPOCH);
        bench.iter(|| reconcile::plan(&project, "", black_box(&both), &view, &all, &[], now));
    });
    group.finish();

    let base = CdnUrl::directory("https://www.example.com/").unwrap();
    criterion.bench_function("a path to a URL", |bench| {
        bench.iter(|| base.below(black_box("section-001/page-000123.html")));
    });
    criterion.bench_function("a recorded URL", |bench| {
        let url = "https://www.example.com/section-001/page-000123.html";
        bench.iter(|| CdnUrl::recorded(black_box(url)));
    });
}

criterion_group!(benches, stages);
criterion_main!(benches);
