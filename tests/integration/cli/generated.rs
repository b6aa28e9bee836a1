//! `schema`, `completions` and `man`: generated from what the program is.

use purgit::exit::Exit;

use crate::common::{Environment, World};

#[test]
fn schemas_are_json_and_hold_what_the_documents_are() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &["/d/"], "1");
    let manifest = world.run("schema").code(0).stderr_is_empty();
    assert_eq!(manifest, world.run("schema manifest"));
    assert!(jsonschema::validator_for(&manifest.json()).is_ok());

    let schema = world.run("schema plan").code(0).json();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for line in ["plan --format json", "apply --format json"] {
        let document = world.run(line).code(0).json();
        schema.validate(&document).unwrap();
    }
}

#[test]
fn completions_know_commands_and_flags() {
    let env = Environment::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        env.run(&format!("completions {shell}"))
            .code(0)
            .stderr_is_empty()
            .stdout_has("detailed-exitcode")
            .stdout_has("emulator");
    }
}

#[test]
fn the_manual_has_every_command_exit_code_and_variable() {
    let output = Environment::new().run("man").code(0).stderr_is_empty();
    let page = output.stdout.replace("\\-", "-");
    for command in ["init", "validate", "plan", "apply", "status", "purge"] {
        assert!(page.contains(&format!("\"purgit {command}\"")), "{command}");
    }
    let table = page.split(".SH EXIT STATUS").nth(1).unwrap();
    for exit in Exit::ALL {
        let row = format!(".TP\n{}\n{}\n", exit.code(), exit.meaning());
        assert!(table.contains(&row), "{row}");
    }
    for variable in ["PURGIT_LOG", "NO_COLOR", "HTTPS_PROXY"] {
        assert!(page.contains(&format!(".TP\n{variable}\n")), "{variable}");
    }
}
