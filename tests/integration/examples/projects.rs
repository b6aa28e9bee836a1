//! The project folders, from the schema to the emulator.

use std::fs;

use purgit::emulator::azure_china_cdn::{
    AccountEndpoint, AzureChinaCdn, ENDPOINT_ID, KEY_ID, KEY_VALUE, SUBSCRIPTION_ID,
};
use purgit::emulator::{Emulator, Settings, fastly};
use purgit::entry::TargetKind;
use purgit::manifest;

use super::{connect, copy, edit, emulator, folder, hermetic, plan_from_rust, purgit, run, said};

const PROJECTS: [&str; 7] = [
    "cloudfront",
    "content-directory",
    "many-endpoints",
    "merge-by-history",
    "minimal",
    "own-caches",
    "surrogate-keys",
];

/// Status files and CI's are YAML too.
fn is_manifest(document: &str) -> bool {
    document.contains("apiVersion: purgit/") && !document.contains("kind: Status")
}

#[test]
fn manifests_have_no_problems() {
    let validator = jsonschema::draft7::new(&manifest::schema::schema()).unwrap();
    for name in PROJECTS {
        let parsed = manifest::load(&folder(name)).unwrap();
        assert!(parsed.problems.is_empty(), "{name}: {:?}", parsed.problems);
        let mut pending = vec![folder(name)];
        let mut documents = 0;
        while let Some(path) = pending.pop() {
            if path.is_dir() {
                pending.extend(
                    fs::read_dir(path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
            } else if path.extension().is_some_and(|end| end == "yaml") {
                let text = fs::read_to_string(&path).unwrap();
                for document in text.split("\n---\n").filter(|text| is_manifest(text)) {
                    let value = serde_saphyr::from_str(document).unwrap();
                    assert!(validator.is_valid(&value), "{}", path.display());
                    documents += 1;
                }
            }
        }
        let project = parsed.project.unwrap();
        let manifests = project.endpoints.len() + project.purges.len() + project.sites.len();
        assert_eq!(documents, 1 + manifests, "{name}");
    }
}

#[test]
fn the_rust_example_plans() {
    let report = plan_from_rust::report(&folder("minimal")).unwrap();
    let lines: Vec<_> = report.lines().collect();
    assert!(lines[0].starts_with("sha256:"), "{report}");
    assert_eq!(
        lines[1..],
        [
            "revision_changed purge/spring-campaign/file/https://www.example.com/spring/",
            "added purge/spring-campaign/file/https://www.example.com/spring/prices.json",
            "revision_changed purge/spring-campaign/directory/https://www.example.com/spring/pictures/",
        ]
    );
    let broken = copy("minimal");
    let path = broken.path().join("purges/spring-campaign.yaml");
    edit(&path, "revision:", "revison:");
    let error = plan_from_rust::report(broken.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains("did you mean `revision`?"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_minimal_project_is_purged_once() {
    let emulator = emulator(Settings::default(), AzureChinaCdn::default()).await;
    let project = copy("minimal");
    connect(&project.path().join("purgit.yaml"), &emulator);
    let applied = purgit(project.path(), &["apply"]).await;
    assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));
    let log = emulator.purge_log();
    assert_eq!(log.len(), 1);
    assert_eq!(
        log[0].listed(TargetKind::File),
        [
            "https://www.example.com/spring/",
            "https://www.example.com/spring/prices.json"
        ]
    );
    assert_eq!(
        log[0].listed(TargetKind::Directory),
        ["https://www.example.com/spring/pictures/"]
    );
    let again = purgit(project.path(), &["plan", "--detailed-exitcode"]).await;
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_purged_by_their_surrogate_keys() {
    let api = Box::new(fastly::Fastly::default());
    let emulator = Emulator::start(Settings::default(), api).await.unwrap();
    let project = copy("surrogate-keys");
    connect(&project.path().join("purgit.yaml"), &emulator);
    let mut command = hermetic(env!("CARGO_BIN_EXE_purgit"), project.path());
    command
        .arg("apply")
        .env("FASTLY_API_TOKEN", fastly::API_TOKEN);
    let applied = run(command).await;
    assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));
    let log = emulator.purge_log();
    let listed = |kind| log.iter().flat_map(move |task| task.listed(kind));
    let keys: Vec<_> = listed(TargetKind::Tag).collect();
    assert_eq!(keys, ["category-shoes", "product-4711"]);
    assert_eq!(
        listed(TargetKind::File).collect::<Vec<_>>(),
        ["www.example.com/"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_endpoints_read_their_own_keys_and_keep_their_own_limits() {
    const PICTURES: &str = "00000000-0000-0000-0000-000000000003";
    let mut api = AzureChinaCdn::default();
    let pictures = AccountEndpoint::new(SUBSCRIPTION_ID, PICTURES, "cn.img.example.com");
    api.account.endpoints.push(pictures);
    let emulator = emulator(Settings::default(), api).await;
    let project = copy("many-endpoints");
    connect(&project.path().join("endpoints.yaml"), &emulator);

    let without_key = purgit(project.path(), &["apply"]).await;
    assert_eq!(without_key.status.code(), Some(7), "{}", said(&without_key));
    assert!(emulator.requests().is_empty());

    let secrets = project.path().join(".secrets");
    fs::create_dir(&secrets).unwrap();
    fs::write(secrets.join("pictures-key-id"), format!("{KEY_ID}\n")).unwrap();
    fs::write(secrets.join("pictures-key-value"), format!("{KEY_VALUE}\n")).unwrap();
    let applied = purgit(project.path(), &["apply"]).await;
    assert_eq!(applied.status.code(), Some(0), "{}", said(&applied));

    let log = emulator.purge_log();
    let of = |id: &str| {
        log.iter()
            .find(|task| task.scope.eq_ignore_ascii_case(id))
            .unwrap()
    };
    assert_eq!(log.len(), 2);
    assert_eq!(of(ENDPOINT_ID).listed(TargetKind::File).len(), 3);
    assert_eq!(
        of(PICTURES).listed(TargetKind::File)[1],
        "https://cn.img.example.com/kaffee-gr%C3%B6%C3%9Fe.jpg"
    );
    assert_eq!(
        of(PICTURES).listed(TargetKind::Directory),
        ["https://cn.img.example.com/teasers/"]
    );
    let status = fs::read_to_string(project.path().join("status/purgit.yaml")).unwrap();
    assert!(status.contains("Suspended"), "{status}");
}
