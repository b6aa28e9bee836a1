//! What holds for every emulated CDN.

use clap::Parser as _;
use purgit::cli::args::{Cli, Command};
use purgit::emulator::{ApiKind, ApiOptions, Emulator, REGISTRY, Role, Running, Settings, help};
use purgit::provider;

use super::client::http;

async fn start(kind: &ApiKind) -> Running {
    let api = (kind.build)(&ApiOptions::default()).unwrap();
    Emulator::start(Settings::default(), api).await.unwrap()
}

#[test]
fn each_emulates_a_provider_and_names_its_operations() {
    let help = help();
    for kind in REGISTRY {
        let mut providers = provider::REGISTRY.iter();
        assert!(
            providers.any(|provider| provider.name == kind.name),
            "{}",
            kind.name
        );
        let purges = |role| {
            kind.operations
                .iter()
                .any(|operation| operation.role == role)
        };
        assert!(purges(Role::Purge), "{}", kind.name);
        let names: Vec<_> = kind.operations.iter().map(|known| known.name).collect();
        let line = format!("OPERATION of {}: {}", kind.name, names.join(", "));
        assert!(help.lines().any(|found| found == line), "{line} in\n{help}");
    }
}

#[test]
fn the_defaults_in_the_help_are_the_defaults() {
    for kind in REGISTRY {
        let line = format!("purgit emulator {}", kind.defaults);
        let Command::Emulator(typed) = Cli::parse_from(line.split_whitespace()).command else {
            panic!("{line}");
        };
        let options = ApiOptions {
            files_per_day: typed.files_per_day,
            directories_per_day: typed.directories_per_day,
            items_per_request: typed.items_per_request,
            requests_per_second: typed.requests_per_second,
            window: typed.window,
            ..ApiOptions::default()
        };
        let set = (kind.build)(&options).unwrap();
        let usual = (kind.build)(&ApiOptions::default()).unwrap();
        assert_eq!(format!("{set:?}"), format!("{usual:?}"));
    }
}

#[tokio::test]
async fn each_prints_a_manifest_with_its_own_address_and_credentials() {
    for kind in REGISTRY {
        let running = start(kind).await;
        let manifest = running.manifest();
        assert!(
            manifest.contains(&format!(" {}\n", running.api_url())),
            "{manifest}"
        );
        assert!(
            manifest.contains("hosts: [\"www.example.com\"]"),
            "{manifest}"
        );
        assert!(!running.credentials().is_empty());
        for (name, value) in running.credentials() {
            assert!(
                manifest.contains(&format!("{{ env: {name} }}")),
                "{manifest}"
            );
            assert!(!manifest.contains(&value), "{manifest}");
        }
    }
}

#[tokio::test]
async fn each_refuses_in_its_own_words_and_with_the_id_of_the_request() {
    for kind in REGISTRY {
        let running = start(kind).await;
        let credentials = running.credentials();
        let documented = kind
            .errors
            .iter()
            .flat_map(|error| [format!("error={error}"), format!("leak={error}")]);
        let others = ["throttle=3", "expire", "status=503"].map(str::to_owned);
        for fault in documented.chain(others) {
            running.inject(fault.parse().unwrap()).unwrap();
            let seen = http().get(running.api_url()).send().await.unwrap();
            assert!(seen.status().as_u16() >= 400, "{fault}");
            if let Some(header) = kind.request_id_header {
                assert!(!seen.headers()[header].is_empty(), "{fault}");
            }
            let wait = seen.headers().contains_key("retry-after");
            assert_eq!(wait, fault == "throttle=3", "{fault}");
            let text = seen.text().await.unwrap();
            let leaks = credentials.iter().all(|(_, value)| text.contains(value));
            assert_eq!(leaks, fault.starts_with("leak="), "{fault}: {text}");
            let record = running.requests().pop().unwrap();
            assert_eq!(record.faults, [fault]);
        }
    }
}
