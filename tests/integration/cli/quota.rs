//! `plan --refresh-quota`: what CDNs say of their quotas, as far as they can be asked.

use super::cloudfront::Distribution;
use crate::common::World;

#[test]
fn a_cdn_that_cannot_be_asked_is_named_and_needs_no_credentials() {
    let mut world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.unset("AZURE_CDN_KEY_ID");
    world.unset("AZURE_CDN_KEY_VALUE");
    let plain = world.run("plan").code(0);
    let asked = world.run("plan --refresh-quota").code(0).stderr_has(
        "[www] `azure-china-cdn` cannot be asked what is left of its quota: only what purgit sent is counted\n",
    );
    assert_eq!(asked.stdout, plain.stdout);
    assert_eq!(world.cdn.requests().len(), 0);
    assert!(!world.exists(".purgit/state.json"));
}

#[test]
fn where_there_is_no_quota_of_the_day_that_is_said() {
    let world = Distribution::new();
    let asked = world.env.run("plan --refresh-quota").code(0);
    asked.stderr_has("[www] no quota of the day: there is nothing to ask for\n");
}

#[test]
fn what_is_explained_is_not_asked_about() {
    let world = World::new();
    world.run("plan --refresh-quota --explain purge/a").code(64);
}
