//! Safety checks: thresholds at the boundary, texts to the letter, and force.

use purgit::plan::checks::{Force, MIN_OBSERVED};
use purgit::plan::{CheckName, CheckStatus, number};

use super::{Paper, PaperCdn, directories, directory, endpoint, files, of_cdn, purge};

/// `changed` of `observed` entries change.
fn changing(changed: usize, observed: usize) -> Paper {
    let all = files(observed);
    let mut paper = Paper::new(vec![purge("spring", all.clone(), Vec::new())]);
    paper.confirm(&all[..changed], "r1");
    paper.confirm(&all[changed..], "r2");
    paper
}

#[test]
fn the_share_of_changes_is_refused_with_its_arithmetic() {
    let check = changing(8, 11).check(CheckName::MaxChangePercent);
    assert_eq!(check.status, CheckStatus::Failed);
    let text = "[www] 72.7% of entries change, limit 30% (8/11); --force=max-change-percent:www";
    assert_eq!(check.detail, text);
    assert!(!changing(8, 11).plan().is_applyable());
}

#[test]
fn the_share_may_reach_its_limit_but_not_pass_it() {
    let rows = [
        (3, 10, 30, CheckStatus::Passed, "30.0%"),
        (4, 10, 30, CheckStatus::Failed, "40.0%"),
        (300, 1000, 30, CheckStatus::Passed, "30.0%"),
        // Over the limit, though it rounds to it.
        (3001, 10_000, 30, CheckStatus::Failed, "30.0%"),
        (1, 10, 0, CheckStatus::Failed, "10.0%"),
        (10, 10, 100, CheckStatus::Passed, "100.0%"),
        (1, 3000, 100, CheckStatus::Passed, "0.0%"),
        (2, 3000, 100, CheckStatus::Passed, "0.1%"),
    ];
    for (changed, observed, limit, status, share) in rows {
        let mut paper = changing(changed, observed);
        paper.project.safety.max_change_percent = limit;
        let check = paper.check(CheckName::MaxChangePercent);
        assert_eq!(check.status, status, "{}", check.detail);
        let (changed, observed) = (number(changed), number(observed));
        let text =
            format!("[www] {share} of entries change, limit {limit}% ({changed}/{observed})");
        assert!(check.detail.starts_with(&text), "{}", check.detail);
    }
}

#[test]
fn few_observed_entries_have_no_share() {
    let few = changing(MIN_OBSERVED - 1, MIN_OBSERVED - 1).check(CheckName::MaxChangePercent);
    assert_eq!(few.status, CheckStatus::Passed);
    let text = "[www] 9 of 9 observed entries change; a share is checked from 10 observed";
    assert_eq!(few.detail, text);
    let enough = changing(MIN_OBSERVED, MIN_OBSERVED).check(CheckName::MaxChangePercent);
    assert_eq!(enough.status, CheckStatus::Failed);
}

#[test]
fn additions_and_repetitions_do_not_count_as_changes() {
    let all = files(200);
    let mut paper = Paper::new(vec![purge("spring", all.clone(), Vec::new())]);
    paper.confirm(&all[..10], "r2");
    // Five of the ten are purged again after a failure.
    for observed in paper.state.entries.values_mut().take(5) {
        let failed = purgit::state::Outcome::Failed;
        observed.attempt = super::super::state_fixture::attempted("r2", failed).attempt;
    }
    assert_eq!(paper.plan().changes.len(), 195);
    let check = paper.check(CheckName::MaxChangePercent);
    assert_eq!(check.status, CheckStatus::Passed);
    assert_eq!(
        check.detail,
        "[www] 0.0% of entries change, limit 30% (0/10)"
    );
}

#[test]
fn only_the_entries_of_the_endpoint_count() {
    let mut paper = changing(2, 20);
    paper
        .project
        .endpoints
        .insert("img".into(), endpoint("img", true));
    let mut other = purge("images", files(10), Vec::new());
    other.endpoint = "img".into();
    paper.project.purges.push(other);
    let plan = paper.plan();
    let shares: Vec<_> = plan
        .checks
        .iter()
        .filter(|check| check.name == CheckName::MaxChangePercent)
        .map(|check| check.detail.as_str())
        .collect();
    let expected = [
        "[img] 0 of 0 observed entries change; a share is checked from 10 observed",
        "[www] 10.0% of entries change, limit 30% (2/20)",
    ];
    assert_eq!(shares, expected);
}

#[test]
fn urls_directories_and_quota_may_reach_their_limits_but_not_pass_them() {
    let rows = [
        (
            5,
            0,
            CheckName::MaxUrls,
            CheckStatus::Passed,
            "[www] 5 URLs in one plan, limit 5",
        ),
        (
            5,
            1,
            CheckName::MaxUrls,
            CheckStatus::Failed,
            "[www] 6 URLs in one plan, limit 5; --force=max-urls:www",
        ),
        (
            0,
            2,
            CheckName::MaxDirectories,
            CheckStatus::Passed,
            "[www] 2 directories in one plan, limit 2",
        ),
        (
            0,
            3,
            CheckName::MaxDirectories,
            CheckStatus::Failed,
            "[www] 3 directories in one plan, limit 2; --force=max-directories:www",
        ),
        (
            4,
            1,
            CheckName::Quota,
            CheckStatus::Passed,
            "[www] 4 files a day, limit 4; 1 directory a day, limit 1",
        ),
        (
            5,
            1,
            CheckName::Quota,
            CheckStatus::Passed,
            "[www] 4 files a day, limit 4, 1 deferred until 2026-11-18 16:00Z; 1 directory a day, limit 1",
        ),
        (
            1,
            2,
            CheckName::Quota,
            CheckStatus::Passed,
            "[www] 1 file a day, limit 4; 1 directory a day, limit 1, 1 deferred until 2026-11-18 16:00Z",
        ),
    ];
    for (of_files, of_directories, name, status, text) in rows {
        let purge = purge("spring", files(of_files), directories(of_directories));
        let mut paper = Paper::new(vec![purge]);
        paper.project.safety.max_urls = 5;
        paper.project.safety.max_directories = 2;
        paper.www().limits.files_per_day = 4;
        paper.www().limits.directories_per_day = 1;
        let check = paper.check(name);
        assert_eq!((check.status, check.detail.as_str()), (status, text));
    }
}

#[test]
fn a_root_directory_always_needs_force() {
    let mut paper = Paper::new(vec![purge("spring", Vec::new(), vec![directory("/")])]);
    let check = paper.check(CheckName::MaxDirectories);
    assert_eq!(check.status, CheckStatus::Failed);
    let text = "[www] https://www.example.com/ is a root directory: all of it; 1 directory in one \
                plan, limit 50; --force=max-directories:www";
    assert_eq!(check.detail, text);
    paper.force("max-directories");
    assert_eq!(
        paper.check(CheckName::MaxDirectories).status,
        CheckStatus::Forced
    );
}

#[test]
fn a_url_that_two_manifests_want_counts_once() {
    let twice = |name| purge(name, files(3), Vec::new());
    let paper = Paper::new(vec![twice("autumn"), twice("spring")]);
    assert_eq!(paper.plan().changes.len(), 6);
    let detail = paper.check(CheckName::MaxUrls).detail;
    assert_eq!(detail, "[www] 3 URLs in one plan, limit 2,000");
}

#[test]
fn force_has_a_scope_and_is_harmless_where_the_check_passes() {
    let rows = [
        ("max-change-percent", CheckStatus::Forced),
        ("max-change-percent:www", CheckStatus::Forced),
        ("max-change-percent:img", CheckStatus::Failed),
        ("max-urls", CheckStatus::Failed),
        ("quota:www", CheckStatus::Failed),
    ];
    for (text, status) in rows {
        let mut paper = changing(8, 11);
        paper.force(text);
        let check = paper.check(CheckName::MaxChangePercent);
        assert_eq!(check.status, status, "{text}");
        assert_eq!(paper.plan().is_applyable(), status == CheckStatus::Forced);
        assert_eq!(paper.check(CheckName::MaxUrls).status, CheckStatus::Passed);
    }
    let mut paper = changing(8, 11);
    paper.force("max-change-percent:www");
    let text = "[www] 72.7% of entries change, limit 30% (8/11); forced";
    assert_eq!(paper.check(CheckName::MaxChangePercent).detail, text);
}

#[test]
fn forces_that_mean_nothing_are_refused() {
    for name in CheckName::ALL {
        assert!(name.as_str().parse::<Force>().is_ok());
    }
    let wrong = "max-url".parse::<Force>().unwrap_err();
    assert!(
        wrong.starts_with("there is no check `max-url`; the checks are `max-change-percent`, ")
    );
    assert_eq!(
        "quota:".parse::<Force>(),
        Err("no endpoint behind the colon".to_owned())
    );
}

#[test]
fn an_empty_plan_has_no_checks() {
    let plan = changing(0, 20).plan();
    assert!(plan.is_empty() && plan.is_applyable() && plan.checks.is_empty());
    assert!(plan.steps.is_empty() && plan.quota.is_empty());
    assert_eq!(plan.noop, 20);
}

/// Two endpoints of one account, with so many files each, of which the account takes 2,000 a day.
fn of_one_account(www: usize, img: usize) -> Paper {
    let mut other = purge("images", files(img), Vec::new());
    other.endpoint = "img".into();
    let mut paper = Paper::new(vec![purge("spring", files(www), Vec::new()), other]);
    for name in ["www", "img"] {
        let cdn = PaperCdn {
            mixed_kinds: true,
            account: "one",
            more: Vec::new(),
        };
        paper
            .project
            .endpoints
            .insert(name.into(), of_cdn(name, cdn));
    }
    paper
}

fn quotas(paper: &Paper) -> Vec<(CheckStatus, String)> {
    let checks = paper.plan().checks.into_iter();
    let quotas = checks.filter(|check| check.name == CheckName::Quota);
    quotas.map(|check| (check.status, check.detail)).collect()
}

#[test]
fn endpoints_of_one_account_share_its_quota() {
    let over = quotas(&of_one_account(1500, 1501));
    let text = |name: &str, late: &str| {
        let text = format!(
            "[{name}] 2,000 files a day (1,000 planned on other endpoints of the account), \
             limit 2,000, {late} deferred until 2026-11-18 16:00Z; 0 directories a day, limit 500"
        );
        (CheckStatus::Passed, text)
    };
    assert_eq!(over, [text("img", "501"), text("www", "500")]);
    let mut forced = of_one_account(1500, 1501);
    forced.force("quota:www");
    let [img, www] = &quotas(&forced)[..] else {
        panic!("{:?}", quotas(&forced));
    };
    assert_eq!((img.0, www.0), (CheckStatus::Passed, CheckStatus::Passed));
    assert!(img.1.contains("1,001 deferred"), "{}", img.1);

    let within = of_one_account(1000, 1000);
    assert!(within.plan().is_applyable(), "{:?}", quotas(&within));
    // Accounts of their own take as much each.
    let mut apart = of_one_account(1500, 1501);
    for name in ["www", "img"] {
        apart
            .project
            .endpoints
            .insert(name.into(), endpoint(name, true));
    }
    assert!(apart.plan().is_applyable(), "{:?}", quotas(&apart));
}

#[test]
fn the_limit_of_each_endpoint_holds_for_the_whole_account() {
    let mut paper = of_one_account(10, 10);
    paper.www().limits.files_per_day = 15;
    let [img, www] = &quotas(&paper)[..] else {
        panic!("{:?}", quotas(&paper));
    };
    assert_eq!((img.0, www.0), (CheckStatus::Passed, CheckStatus::Passed));
    // They take turns up to the smaller limit, and then the other goes on.
    assert!(!img.1.contains("deferred"), "{}", img.1);
    assert!(
        www.1.contains(
            "17 files a day (10 planned on other endpoints of the account), limit 15, 3 deferred"
        ),
        "{}",
        www.1
    );
}
