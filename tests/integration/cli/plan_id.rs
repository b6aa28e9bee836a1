//! The plan id: the same for the same inputs anywhere, another after any change of an input.

use crate::common::World;

fn plan_id(world: &World, arguments: &str) -> String {
    let plan = world.run(&format!("plan --format json {arguments}"));
    plan.json()["plan_id"].as_str().unwrap().to_owned()
}

/// A world whose manifests do not depend on the emulator's port.
fn world() -> World {
    let world = World::new();
    let url = format!("apiUrl: {}", world.cdn.api_url());
    world.edit("purgit.yaml", &url, "apiUrl: http://127.0.0.1:1");
    world.purge("spring", &["/a.png", "/b.png"], &["/d/"], "1");
    world.purge("summer", &["/c.png"], &[], "1");
    world
}

#[test]
fn the_same_inputs_give_the_same_id_wherever_they_are() {
    let first = world();
    let id = plan_id(&first, "");
    assert_eq!(plan_id(&first, ""), id, "again");
    assert_eq!(plan_id(&world(), ""), id, "in another folder");
    first.run("plan").stdout_has(&format!("Plan id: {id}\n"));

    let renamed = world();
    let spring = renamed.read("purges/spring.yaml");
    std::fs::remove_file(renamed.root().join("purges/spring.yaml")).unwrap();
    renamed.write("purges/z/last.yaml", &spring);
    assert_eq!(plan_id(&renamed, ""), id, "in other files");

    let joined = world();
    let all = ["purges/summer.yaml", "purges/spring.yaml"].map(|path| joined.read(path));
    std::fs::remove_dir_all(joined.root().join("purges")).unwrap();
    joined.write("purges/all.yaml", &all.join("---\n"));
    assert_eq!(plan_id(&joined, ""), id, "in one file, the other way round");

    let shuffled = world();
    shuffled.purge("spring", &["/b.png", "/a.png", "/b.png"], &["/d/"], "1");
    assert_eq!(
        plan_id(&shuffled, ""),
        id,
        "with URLs in another order, one twice"
    );

    let commented = world();
    let text = commented.read("purgit.yaml") + "# a comment\n";
    commented.write("purgit.yaml", &text);
    assert_eq!(plan_id(&commented, ""), id, "with a comment");
}

#[test]
fn any_change_of_an_input_gives_another_id() {
    type Edit = fn(&World);
    let edits: [(&str, Edit); 13] = [
        ("revision", |world| {
            world.purge("summer", &["/c.png"], &[], "2");
        }),
        ("file", |world| {
            world.purge("summer", &["/c.png", "/e.png"], &[], "1");
        }),
        ("fewer files", |world| {
            world.purge("spring", &["/a.png"], &["/d/"], "1");
        }),
        ("kind", |world| {
            world.purge("summer", &["/c.png"], &["/c/"], "1");
        }),
        ("name", |world| {
            world.edit("purges/summer.yaml", "name: summer", "name: sommer");
        }),
        ("manifest", |world| {
            world.purge("new", &["/a.png"], &[], "1");
        }),
        ("apiUrl", |world| {
            world.edit("purgit.yaml", "127.0.0.1:1\n", "127.0.0.1:2\n");
        }),
        ("endpointId", |world| {
            world.edit("purgit.yaml", "000000000002", "000000000003");
        }),
        ("hosts", |world| {
            world.edit("purgit.yaml", "hosts: [", "hosts: [img.example.com, ");
        }),
        ("credentials", |world| {
            world.edit("purgit.yaml", "AZURE_CDN_KEY_ID", "OTHER_KEY_ID");
        }),
        ("limits", |world| {
            world.edit(
                "purgit.yaml",
                "concurrentRequests: 16",
                "concurrentRequests: 8",
            );
        }),
        ("poll", |world| {
            world.edit("purgit.yaml", "timeout: 30s", "timeout: 31s");
        }),
        ("safety", |world| {
            let name = "metadata: { name: emulated }\n";
            let safety = format!("{name}spec: {{ safety: {{ maxUrls: 2001 }} }}\n");
            world.edit("purgit.yaml", name, &safety);
        }),
    ];
    let mut ids = vec![("nothing", plan_id(&world(), ""))];
    for (what, edit) in edits {
        let world = world();
        edit(&world);
        let id = plan_id(&world, "");
        if let Some((same, _)) = ids.iter().find(|(_, other)| *other == id) {
            panic!("a change of {what} gives the id of a change of {same}");
        }
        ids.push((what, id));
    }
    let narrowed = plan_id(&world(), "--target purge/spring");
    assert!(ids.iter().all(|(_, id)| *id != narrowed), "a selection");
}

#[test]
fn the_state_is_an_input_also_of_an_empty_plan() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let first = plan_id(&world, "");
    world.run("apply").code(0);
    let empty = plan_id(&world, "");
    assert_ne!(first, empty);
    world.run("apply").code(0);
    assert_eq!(plan_id(&world, ""), empty, "nothing happened meanwhile");
    world.run("status").code(0);
    assert_eq!(plan_id(&world, ""), empty, "nor here");
}

#[test]
fn apply_shows_and_records_the_id_of_the_plan() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let id = plan_id(&world, "");
    let applied = world
        .run("apply --format json --json-into plan.json")
        .json();
    assert_eq!(applied["plan_id"], id.as_str());
    assert!(world.read("plan.json").contains(&id));
    assert_eq!(world.state().history[0].plan_id, id);
    assert_eq!(world.status().last_run.unwrap().plan_id, Some(id.into()));
}
