//! `purgit suspend` and `purgit resume`.

use crate::common::World;

#[test]
fn a_suspended_manifest_is_left_alone_until_it_is_resumed() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let before = world.read("purges/spring.yaml");
    world
        .run_arguments(&[
            "suspend",
            "purge/spring",
            "--reason",
            "broken images",
            "--until",
            "2099-01-01",
        ])
        .code(0)
        .stdout_has(
            "Suspended purge/spring in purges/spring.yaml until 2099-01-01: broken images\n",
        );
    world.run("plan").code(0).stdout_has("No changes");
    world
        .run("suspend purge/spring")
        .code(0)
        .stdout_has("purge/spring is suspended already until 2099-01-01: broken images\n");
    world.run("status").code(0).stdout_has("broken images");
    world
        .run("-q resume purge/spring")
        .code(0)
        .stderr_is_empty();
    assert_eq!(world.read("purges/spring.yaml"), before);
    world
        .run("resume purge/spring")
        .code(0)
        .stdout_has("purge/spring is not suspended; nothing to do\n");
    world.run("plan").stdout_has("a.png");
}

#[test]
fn wrong_addresses_and_times_have_a_remedy_and_change_nothing() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let before = world.files();
    let entry = "purge/spring/file/https://www.example.com/a.png";
    for (line, code, message) in [
        (
            format!("suspend {entry}"),
            1,
            "hint: `purge/spring` is the manifest",
        ),
        (
            "suspend purge/sprin".to_owned(),
            1,
            "hint: did you mean `purge/spring`?",
        ),
        (
            "resume spring".to_owned(),
            1,
            "hint: did you mean `purge/spring`?",
        ),
        (
            "suspend purge/spring --until 2020-01-01".to_owned(),
            64,
            "`--until` is not in the future",
        ),
        (
            "suspend purge/spring --until tomorrow".to_owned(),
            64,
            "a duration like `36h`",
        ),
        ("suspend purge/spring --reason=".to_owned(), 64, "--reason"),
        ("suspend".to_owned(), 64, "<ADDRESS>"),
    ] {
        world
            .run(&line)
            .code(code)
            .stdout_is_empty()
            .stderr_has(message);
    }
    assert_eq!(world.files(), before);
    world.write("purges/spring.yaml", "kind: Purge\n");
    world
        .run("suspend purge/spring")
        .code(1)
        .stderr_has("the manifests have 3 errors");
}

#[test]
fn the_file_behind_a_link_is_written_with_its_mark_and_mode() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let text = format!("\u{feff}{}", world.read("purges/spring.yaml"));
    world.write("texts/spring.txt", &text);
    std::fs::remove_file(world.root().join("purges/spring.yaml")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = world.root().join("texts/spring.txt");
        std::os::unix::fs::symlink(
            "../texts/spring.txt",
            world.root().join("purges/spring.yaml"),
        )
        .unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        world.run("suspend purge/spring --until 36h").code(0);
        let after = world.read("texts/spring.txt");
        assert!(after.starts_with("\u{feff}api"), "{after}");
        assert!(
            after.contains("  suspend: true\n  suspendUntil: \""),
            "{after}"
        );
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(world.root().join("purges/spring.yaml").is_symlink());
    }
}
