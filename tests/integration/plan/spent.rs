//! What was spent already: by the CDN's word, and of what is free of charge.

use purgit::entry::{Target, TargetKind};
use purgit::manifest::resource::Endpoint;
use purgit::manifest::{ManifestFile, parse};
use purgit::plan::{Cost, count};
use purgit::state::{LedgerKey, Record, Told};

use super::{Paper, at, file, files, purge};

#[test]
fn what_is_counted_reads_as_english_whatever_its_kinds() {
    for (amount, words, text) in [
        (1, "file", "1 file"),
        (2000, "directory", "2,000 directories"),
        (0, "entry", "0 entries"),
        (3, "everything", "3 whole endpoints"),
        (1, "file+directory", "1 file or directory"),
        (
            3,
            "directory+everything",
            "3 directories and whole endpoints",
        ),
        (1, "directory+everything", "1 directory or whole endpoint"),
        (
            5,
            "file+directory+tag+everything",
            "5 files, directories, tags and whole endpoints",
        ),
    ] {
        assert_eq!(count(amount, words), text);
    }
}

/// What the CDN said of the files of `www`, at the start of a window, until a second of the tests.
fn told(paper: &mut Paper, used: u64, booked: u64, until: i64) {
    let endpoint = &paper.project.endpoints["www"];
    let budget = &endpoint.budgets()[0];
    let key = LedgerKey::of(budget, at(0)).unwrap();
    let spend = |amount| Record::Spend {
        scope: key.scope.clone(),
        counts: key.counts.clone(),
        window: key.window,
        amount,
    };
    let told = Told {
        used,
        limit: None,
        booked,
        window: key.window,
        until: at(until),
    };
    let tell = Record::Tell {
        scope: key.scope.clone(),
        counts: key.counts.clone(),
        told,
    };
    paper.state.apply(spend(7));
    paper.state.apply(tell);
}

#[test]
fn the_cdns_word_counts_with_what_was_booked_since_as_long_as_it_holds() {
    let used = |used, booked, until| {
        let mut paper = Paper::new(vec![purge("spring", files(1), Vec::new())]);
        told(&mut paper, used, booked, until);
        paper.plan().quota[0].used
    };
    assert_eq!(used(2000, 7, 99), 2000);
    // Less than what was booked is its word too: not all of that arrived.
    assert_eq!(used(3, 7, 99), 3);
    assert_eq!(used(100, 5, 99), 102);
    // Booked back since then.
    assert_eq!(used(100, 9, 99), 100);
    assert_eq!(used(2000, 7, -1), 7, "it is over");
}

#[test]
fn no_more_is_left_of_the_declared_limit_than_the_cdn_has_left() {
    let used = |used, limit| {
        let mut paper = Paper::new(vec![purge("spring", files(1), Vec::new())]);
        told(&mut paper, used, 7, 99);
        for told in paper.state.told.values_mut() {
            told.limit = Some(limit);
        }
        paper.plan().quota[0].used
    };
    // 2,000 are declared.
    assert_eq!(used(300, 2000), 300);
    assert_eq!(used(300, 10_000), 300);
    assert_eq!(used(9_000, 10_000), 9_000);
    assert_eq!(used(300, 1000), 1300);
    assert_eq!(used(5, 5), 2000);
}

#[test]
fn a_plan_of_an_account_that_is_used_up_says_so() {
    let mut paper = Paper::new(vec![purge("spring", files(1), Vec::new())]);
    told(&mut paper, 2000, 7, 99);
    let quota = &paper.plan().quota[0];
    assert_eq!((quota.used, quota.limit), (2000, 2000));
    assert_eq!((quota.planned, quota.deferred), (0, 1));
}

/// Two distributions of one account.
fn distributions() -> Vec<Endpoint> {
    let endpoint = |name: &str| {
        format!(
            "---\napiVersion: purgit/v1alpha1\nkind: Endpoint\nmetadata: {{ name: {name} }}\nspec:\n  \
             hosts: [{name}.example.com]\n  cloudfront: {{ distributionId: E{}, credentials: {{ chain: {{}} }} }}\n",
            name.to_uppercase()
        )
    };
    let text = format!(
        "apiVersion: purgit/v1alpha1\nkind: Project\nmetadata: {{ name: www }}\n{}{}",
        endpoint("img"),
        endpoint("www")
    );
    let parsed = parse(vec![ManifestFile::new("purgit.yaml", text)]);
    let project = parsed.project.unwrap();
    project.endpoints.into_values().collect()
}

/// What a plan of 12 files of `www` and 3 of `img` costs, after so many this month and in the last one.
fn costs(this_month: i64, last_month: i64) -> Vec<Cost> {
    let pictures: Vec<_> = (0..3)
        .map(|number| {
            let url = format!("https://img.example.com/{number}");
            Target::parse(TargetKind::File, &url).unwrap()
        })
        .collect();
    let mut of_img = purge("pictures", pictures, Vec::new());
    of_img.endpoint = "img".into();
    let mut paper = Paper::new(vec![purge("spring", files(12), Vec::new()), of_img]);
    for endpoint in distributions() {
        let price = endpoint.provider.price().unwrap();
        for (amount, day) in [(this_month, "2026-11-30"), (last_month, "2026-10-31")] {
            let key = LedgerKey::charged(&price, format!("{day}T23:59:59Z").parse().unwrap());
            paper.state.apply(Record::Spend {
                scope: key.scope,
                counts: key.counts,
                window: key.window,
                amount,
            });
        }
        paper
            .project
            .endpoints
            .insert(endpoint.name.clone(), endpoint);
    }
    paper.plan().costs
}

#[test]
fn only_what_goes_beyond_the_free_ones_of_the_month_is_charged() {
    // Both endpoints book the same account: twice as much as one.
    for (booked, expected) in [
        (
            0,
            [("img", 3, 0, 1000, "0.00"), ("www", 12, 0, 997, "0.00")],
        ),
        (
            495,
            [("img", 3, 990, 10, "0.00"), ("www", 12, 990, 7, "0.025")],
        ),
        (
            499,
            [("img", 3, 998, 2, "0.005"), ("www", 12, 998, 0, "0.06")],
        ),
        (
            900,
            [("img", 3, 1800, 0, "0.015"), ("www", 12, 1800, 0, "0.06")],
        ),
    ] {
        let costs = costs(booked, 5000);
        let found: Vec<_> = costs
            .iter()
            .map(|cost| {
                (
                    &*cost.endpoint,
                    cost.charged,
                    cost.used,
                    cost.free,
                    cost.amount(),
                )
            })
            .collect();
        let expected = expected.map(|(name, charged, used, free, amount)| {
            (name, charged, used, free, amount.to_owned())
        });
        assert_eq!(found, expected);
    }
}

#[test]
fn months_are_tidied_as_days_are_and_the_one_that_counts_stays() {
    let mut paper = Paper::new(vec![purge("spring", vec![file("/a")], Vec::new())]);
    let price = distributions()[0].provider.price().unwrap();
    let mut windows = |day: &str| {
        let key = LedgerKey::charged(&price, day.parse().unwrap());
        paper.state.spend(key, 1);
        let of_day = LedgerKey {
            scope: "account".into(),
            counts: "file".into(),
            window: day.parse().unwrap(),
        };
        paper.state.spend(of_day, 1);
        let keys = paper.state.ledger.keys();
        let charged = keys.filter(|key| &*key.counts == "charged");
        charged
            .map(|key| key.window.format("%m").to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(windows("2026-10-31T00:00:00Z"), ["10"]);
    assert_eq!(windows("2026-11-30T00:00:00Z"), ["11"]);
    assert_eq!(windows("2026-12-31T00:00:00Z"), ["12"]);
    assert_eq!(windows("2027-01-01T00:00:00Z"), ["12", "01"]);
}
