//! purgit's own files are no content, wherever the content root is, and other people's folders are
//! left alone.

use std::fs;

use super::fixture::{Folder, MANIFESTS, NO_API, root_file, site};

/// A project with more in its `spec`.
fn project(spec: &str) -> String {
    let named = "metadata: { name: www }\n---";
    let text = root_file(NO_API);
    assert!(text.contains(named));
    text.replacen(
        named,
        &format!("metadata: {{ name: www }}\nspec: {spec}\n---"),
        1,
    )
}

/// The names below a folder, sorted; folders end in `/`.
fn names(folder: &Folder, path: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.path().join(path))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn the_whole_project_can_be_the_content_root() {
    let folder = Folder::new("content: { root: ., hidden: true }");
    for (path, text) in [
        ("a", "1"),
        ("purges/readme.txt", "1"),
        ("purgit.status.yaml", "kind: Status\n"),
        (".purgit.status.yaml.x1.purgit-tmp", "half"),
        (".purgit/state.json.journal", ""),
        (".purgit/anything", "1"),
    ] {
        folder.write(path, text);
    }
    let content = [
        "https://www.example.com/a",
        "https://www.example.com/purges/readme.txt",
    ];
    assert_eq!(folder.urls(), content);
    fs::remove_file(folder.path().join(".purgit/state.json.journal")).unwrap();
    let ran = folder.run(&["state", "baseline"]);
    assert_eq!(
        ran.stdout, "Adopted 2 entries as purged; nothing was sent\n",
        "{ran:?}"
    );
    for _ in 0..2 {
        let ran = folder.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    // What is named for output in this run is not content in this run.
    let ran = folder.run(&["plan", "--detailed-exitcode", "--json-into", "plan.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = folder.run(&["plan", "--detailed-exitcode", "--json-into", "plan.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn own_files_in_a_content_root_are_left_out_wherever_they_were_put() {
    let folder = Folder::new("content: { root: data }");
    folder.write(
        "purgit.yaml",
        &project("{ state: { file: data/purged.json }, status: { file: data/how.yaml } }"),
    );
    folder.write("data/a", "1");
    folder.write("data/purged.json.old", "1");
    folder.write("data/how.yaml", "kind: Status\n");
    assert_eq!(folder.run(&["state", "baseline"]).code, 0);
    let names = names(&folder, "data");
    assert!(names.contains(&"purged.json".to_owned()), "{names:?}");
    assert_eq!(
        folder.urls(),
        [
            "https://www.example.com/a",
            "https://www.example.com/purged.json.old"
        ]
    );
}

#[cfg(unix)]
#[test]
fn own_files_behind_links_are_left_out() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new("content: { root: here, hidden: true }");
    symlink("www", folder.path().join("here")).unwrap();
    folder.write("www/a", "1");
    folder.write("www/real.yaml", "kind: Status\n");
    symlink("www/real.yaml", folder.path().join("purgit.status.yaml")).unwrap();
    symlink("real.yaml", folder.path().join("www/alias")).unwrap();
    assert_eq!(folder.urls(), ["https://www.example.com/a"]);
    // The root itself by a link.
    let folder = Folder::new("content: { root: here, hidden: true }");
    symlink(".", folder.path().join("here")).unwrap();
    folder.write("public/a", "1");
    folder.write(".purgit/state.json.lock", "");
    symlink("../.purgit", folder.path().join("public/records")).unwrap();
    symlink("../purgit.yaml", folder.path().join("public/manifest")).unwrap();
    assert_eq!(folder.urls(), ["https://www.example.com/public/a"]);
}

#[test]
fn a_folder_named_cache_beside_the_state_is_the_users() {
    let folder = Folder::new("content: { root: cache }");
    folder.write("purgit.yaml", &project("{ state: { file: state.json } }"));
    folder.write("cache/a", "1");
    assert_eq!(folder.run(&["state", "baseline"]).code, 0);
    assert_eq!(folder.run(&["plan", "--detailed-exitcode"]).code, 0);
    assert_eq!(names(&folder, "cache"), ["a"]);
    assert!(names(&folder, ".purgit/cache").contains(&".gitignore".to_owned()));
    folder.write("cache/b", "1");
    assert_eq!(
        folder.run(&["plan", "--format", "json"]).changes(),
        ["added site/docs/b"]
    );
}

#[test]
fn caches_are_not_put_where_somebody_else_keeps_files() {
    let folder = Folder::new("");
    folder.publish(&["a"]);
    folder.write(".purgit/cache/mine", "1");
    for _ in 0..2 {
        let ran = folder.run(&["plan"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    }
    assert_eq!(names(&folder, ".purgit/cache"), ["mine"]);
}

#[cfg(unix)]
#[test]
fn links_must_not_lead_out_of_the_project_nor_into_git() {
    use std::os::unix::fs::symlink;
    let elsewhere = tempfile::tempdir().unwrap();
    let broken = |spec: &str, site_spec: &str, link: &str, target: &std::path::Path| {
        let folder = Folder::new(site_spec);
        folder.write("purgit.yaml", &project(spec));
        folder.write(".git/hooks/keep", "");
        fs::remove_dir(folder.path().join("public")).unwrap();
        folder.write("public/a", "1");
        symlink(target, folder.path().join(link)).unwrap();
        let found: Vec<_> = [&["validate"][..], &["plan"], &["state", "baseline"]]
            .iter()
            .map(|arguments| {
                let ran = folder.run(arguments);
                assert_eq!(
                    (ran.code, ran.stdout.as_str()),
                    (1, ""),
                    "{arguments:?} {ran:?}"
                );
                assert!(ran.stderr.contains("replace the symbolic link"), "{ran:?}");
                ran.stderr
            })
            .collect();
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        assert_eq!(names(&folder, ".git/hooks"), ["keep"]);
        found[0].clone()
    };
    let gone = elsewhere.path().join("new");
    for (spec, site_spec, link, target, message) in [
        (
            "{}",
            "",
            ".purgit",
            elsewhere.path(),
            "`spec.state.file` of the project",
        ),
        (
            "{}",
            "",
            "purgit.status.yaml",
            &gone,
            "`spec.status.file` of the project",
        ),
        (
            "{ state: { file: state.json } }",
            "",
            "state.json",
            &gone,
            "`spec.state.file`",
        ),
        (
            "{ state: { file: s.json } }",
            "",
            ".purgit",
            elsewhere.path(),
            "purgit's own folder",
        ),
        (
            "{}",
            "content: { root: out }",
            "out",
            elsewhere.path(),
            "`content.root` of site `docs`",
        ),
        (
            "{}",
            "content: { root: out }",
            "out",
            "..".as_ref(),
            "leads out of the project",
        ),
        (
            "{}",
            "",
            "purgit.status.yaml",
            ".git/hooks/post-merge".as_ref(),
            "git's own folder",
        ),
    ] {
        let found = broken(spec, site_spec, link, target);
        assert!(found.contains(message), "{message}: {found}");
    }
}

#[cfg(unix)]
#[test]
fn links_inside_the_project_are_fine() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new("content: { root: public/current }");
    folder.write("public/builds/1/a", "1");
    symlink("builds/1", folder.path().join("public/current")).unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    symlink("data", folder.path().join(".purgit")).unwrap();
    assert_eq!(folder.run(&["state", "baseline"]).code, 0);
    assert!(names(&folder, "data").contains(&"state.json".to_owned()));
    assert_eq!(folder.run(&["plan", "--detailed-exitcode"]).code, 0);
}

#[test]
fn paths_in_gits_folder_are_refused_at_validate() {
    for (spec, site_spec) in [
        ("{ state: { file: .git/hooks/post-merge } }", ""),
        ("{ status: { file: .git/status.yaml } }", ""),
        ("{ state: { file: .GIT/state.json } }", ""),
        ("{}", "content: { root: .git }"),
        ("{}", "content: { root: public/.git/x }"),
    ] {
        let folder = Folder::new(site_spec);
        folder.write("purgit.yaml", &project(spec));
        let ran = folder.run(&["validate"]);
        assert_eq!(ran.code, 1, "{spec} {site_spec}: {ran:?}");
        assert!(ran.stderr.contains("git"), "{ran:?}");
    }
}

#[test]
fn a_plan_is_not_written_over_the_projects_own_files() {
    let folder = Folder::new("");
    folder.publish(&["a"]);
    assert_eq!(folder.run(&["state", "baseline"]).code, 0);
    folder.write("purgit.status.yaml", "kind: Status\n");
    folder.write(".git/config", "[core]\n");
    let absolute = folder.path().join("purgit.yaml");
    #[cfg(unix)]
    std::os::unix::fs::symlink("purgit.yaml", folder.path().join("link.json")).unwrap();
    for path in [
        "purgit.yaml",
        "./public/../purgit.yaml",
        absolute.to_str().unwrap(),
        MANIFESTS,
        "purges/new.yaml",
        ".purgit/state.json",
        ".purgit/state.json.journal",
        "purgit.status.yaml",
        ".git/config",
        #[cfg(unix)]
        "link.json",
    ] {
        let file = folder.path().join(path);
        let before = fs::read(&file).ok();
        for arguments in [&["plan"][..], &["apply", "--auto-approve"]] {
            let ran = folder.run(&[arguments, &["--json-into", path]].concat());
            assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{path} {ran:?}");
            assert!(ran.stderr.contains("would overwrite"), "{path} {ran:?}");
            assert!(ran.stderr.contains("hint: name another file"), "{ran:?}");
        }
        assert_eq!(fs::read(&file).ok(), before, "{path}");
    }
    for path in ["plan.json", "public/plan.json"] {
        assert_eq!(folder.run(&["plan", "--json-into", path]).code, 0, "{path}");
        assert!(folder.path().join(path).is_file());
    }
    #[cfg(unix)]
    {
        let ran = folder.run(&["plan", "--json-into", "/dev/stdout"]);
        assert!(ran.stdout.contains("\"format_version\""), "{ran:?}");
        assert_eq!(folder.run(&["plan", "--json-into", "/dev/null"]).code, 0);
    }
}

#[test]
fn a_content_root_that_does_not_exist_is_an_error() {
    let folder = Folder::new("content: { root: not/built }");
    for arguments in [
        &["plan"][..],
        &["apply", "--auto-approve"],
        &["state", "baseline"],
    ] {
        let ran = folder.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
        assert!(ran.stderr.contains("site `docs`"), "{ran:?}");
        assert!(ran.stderr.contains("there is no content folder"), "{ran:?}");
        assert!(ran.stderr.contains("not/built"), "{ran:?}");
        assert!(ran.stderr.contains("hint: build the site first"), "{ran:?}");
    }
    assert_eq!(folder.run(&["validate"]).code, 0, "a build may come later");
    folder.manifests(&site("content: { root: not/built }\nsuspend: true"));
    assert_eq!(
        folder.run(&["plan"]).code,
        0,
        "what is suspended is left alone"
    );
    folder.manifests(&site("content: { root: not/built }"));
    fs::create_dir_all(folder.path().join("not/built")).unwrap();
    assert_eq!(folder.run(&["plan"]).code, 0, "an empty one is no typo");
}
