//! The examples with a site do what they say.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::fixture::run;
use crate::git::fixture::{Files, Node, Repo};

fn example(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

/// All files below a folder.
fn collect(root: &Path, folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            let node = Node::File(fs::read(&path).unwrap());
            files.insert(name.as_bytes().to_vec(), node);
        }
    }
}

fn files_of(name: &str) -> Files {
    let (root, mut files) = (example(name), Files::new());
    collect(&root, &root, &mut files);
    files
}

#[test]
fn a_content_directory() {
    let files = files_of("content-directory");
    let folder = TempDir::new().unwrap();
    crate::git::fixture::write(folder.path(), &files);
    let run = |arguments: &[&str]| run(folder.path(), arguments);
    assert_eq!(run(&["validate"]).code, 0);
    let ran = run(&["plan", "--format", "json"]);
    assert_eq!(ran.changes().len(), 7, "{ran:?}");
    assert_eq!(run(&["state", "baseline"]).code, 0);
    assert_eq!(run(&["plan", "--detailed-exitcode"]).code, 0);
    fs::write(folder.path().join("public/style.css"), "body {}").unwrap();
    fs::remove_dir_all(folder.path().join("public/guide")).unwrap();
    let json = run(&["plan", "--format", "json"]).json();
    let changes = json["changes"].as_array().unwrap();
    let urls: Vec<_> = changes
        .iter()
        .map(|change| change["url"].as_str().unwrap())
        .collect();
    let base = "https://www.example.com/docs";
    assert_eq!(
        urls,
        [
            format!("{base}/guide"),
            format!("{base}/guide/"),
            format!("{base}/guide/index.html"),
            format!("{base}/style.css"),
        ]
    );
}

#[test]
fn merging_by_history() {
    let mut files = files_of("merge-by-history");
    let repo = Repo::new();
    let before = repo.commit(&files).to_string();
    files.insert(b"site/about.html".to_vec(), Node::File(b"new".to_vec()));
    repo.commit(&files);
    files.insert(b"readme".to_vec(), Node::File(Vec::new()));
    repo.commit(&files);
    repo.check_out();
    let run = |arguments: &[&str]| run(repo.path(), arguments);
    assert_eq!(run(&["validate"]).code, 0);
    let ran = run(&["plan", "--since", &before, "--format", "json"]);
    assert_eq!(
        ran.changes(),
        ["content_changed site/www/about.html"; 2],
        "{ran:?}"
    );
    assert_eq!(ran.json()["base"]["git"]["dirty"], false);
}

#[test]
fn the_workflow_has_what_history_needs() {
    let path = example("merge-by-history").join(".github/workflows/purge.yaml");
    let text = fs::read_to_string(path).unwrap();
    let workflow: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let mut jobs = 0;
    for (name, base) in [
        ("plan", "${{ github.event.pull_request.base.sha }}"),
        ("apply", "${{ github.event.before }}"),
    ] {
        let steps = workflow["jobs"][name]["steps"].as_array().unwrap();
        let checkout = steps
            .iter()
            .find(|step| step["uses"] == "actions/checkout@v4")
            .unwrap();
        assert_eq!(checkout["with"]["fetch-depth"], 0, "{name}");
        let purgit = steps.iter().find(|step| {
            step["run"]
                .as_str()
                .is_some_and(|run| run.starts_with(&format!("purgit {name} --since")))
        });
        let env = purgit.unwrap()["env"].as_object().unwrap();
        assert!(env.values().any(|value| value == base), "{name}");
        // Only the run that purges sees secrets.
        assert_eq!(
            env.values()
                .any(|value| value.as_str().unwrap().contains("secrets.")),
            name == "apply"
        );
        jobs += 1;
    }
    assert_eq!(jobs, 2);
}
