//! Finding the comment among many, and writing no more than needed.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use crate::common::scripted_transport::ScriptedTransport;
use purgit::comment::github::GitHub;
use purgit::comment::gitlab::GitLab;
use purgit::comment::{
    CommentError, Forge as _, Keeper, Marker, OnNoChanges, Outcome, PER_PAGE, Wanted,
};
use purgit::secret::Secret;

use super::forge::{Forge, Kind, Op, TOKEN};

pub(super) const BOTH: [Kind; 2] = [Kind::GitHub, Kind::GitLab];

pub(super) fn codec(kind: Kind) -> Box<dyn purgit::comment::Forge> {
    let token = Secret::new(TOKEN);
    match kind {
        Kind::GitHub => Box::new(GitHub {
            api: "https://forge.example/api/v3".to_owned(),
            repository: "octo/web.site".to_owned(),
            number: 7,
            token,
        }),
        Kind::GitLab => Box::new(GitLab {
            api: "https://forge.example/api/v4/".to_owned(),
            project: "group/web.site".to_owned(),
            number: 7,
            token,
        }),
    }
}

/// A forge, and a keeper of a comment there.
pub(super) struct Desk {
    kind: Kind,
    pub(super) forge: Arc<Forge>,
    /// Why and how long was waited.
    pub(super) waits: Mutex<Vec<(String, Duration)>>,
}

pub(super) fn wanted(text: &str) -> Wanted {
    Wanted {
        marker: Marker::new("www", Some("production")),
        text: text.to_owned(),
        nothing_to_say: None,
    }
}

impl Desk {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            forge: Arc::new(Forge::new(kind)),
            waits: Mutex::default(),
        }
    }

    pub(super) async fn keep(&self, wanted: &Wanted) -> Result<Outcome, CommentError> {
        let forge = self.forge.clone();
        let transport = ScriptedTransport::new(move |request| Ok(forge.call(&request.into())));
        let codec = codec(self.kind);
        let waiting = |reason: &str, delay| {
            self.waits.lock().unwrap().push((reason.to_owned(), delay));
        };
        let keeper = Keeper {
            forge: &*codec,
            transport: &transport,
            seed: 7,
            waiting: &waiting,
        };
        keeper.keep(wanted).await
    }

    /// That it went well, with its outcome.
    pub(super) async fn kept(&self, wanted: &Wanted) -> Outcome {
        self.keep(wanted).await.unwrap()
    }

    /// Texts of our comments.
    pub(super) fn ours(&self) -> Vec<String> {
        let comments = self.forge.comments().into_iter();
        let ours = comments.filter(|comment| comment.author == self.forge.me());
        ours.map(|comment| comment.body).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_created_left_alone_and_updated() {
    for kind in BOTH {
        let desk = Desk::new(kind);
        let plan = wanted("one\ntwo — ü <b>\n");
        assert_eq!(desk.kept(&plan).await, Outcome::Created);
        assert_eq!(desk.forge.writes(), [Op::Create]);
        assert_eq!(
            desk.ours(),
            ["<!-- purgit: project=www environment=production -->\none\ntwo — ü <b>\n"]
        );
        assert_eq!(desk.kept(&plan).await, Outcome::Unchanged);
        assert_eq!(desk.forge.writes(), []);
        assert_eq!(desk.kept(&wanted("three")).await, Outcome::Updated);
        assert_eq!(desk.forge.writes(), [Op::Update]);
        assert_eq!(desk.ours().len(), 1);
        assert!(desk.ours()[0].ends_with("\nthree"));
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_found_among_250_comments() {
    for kind in BOTH {
        for place in [0, 29, 30, 137, 249] {
            let desk = Desk::new(kind);
            let plan = wanted("new");
            for number in 0..250 {
                if number == place {
                    desk.forge.add(desk.forge.me(), &wanted("old").body());
                } else {
                    // Anybody may write our marker, and we may write other comments.
                    desk.forge.add("12", &plan.body());
                }
            }
            desk.forge.add(desk.forge.me(), "something else");
            assert_eq!(desk.kept(&plan).await, Outcome::Updated, "{place}");
            let asked = desk.forge.asked();
            let pages = asked.iter().filter(|op| **op == Op::List).count();
            assert_eq!(pages, 251_usize.div_ceil(PER_PAGE));
            assert_eq!(desk.forge.comments().len(), 251);
            assert_eq!(desk.forge.comments()[place].body, plan.body());
            assert_eq!(desk.kept(&plan).await, Outcome::Unchanged);
            assert_eq!(desk.forge.writes(), []);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_last_page_is_no_reason_to_miss_it() {
    for kind in BOTH {
        for others in [PER_PAGE - 1, PER_PAGE, 2 * PER_PAGE] {
            let desk = Desk::new(kind);
            for _ in 0..others {
                desk.forge.add("12", "hello");
            }
            assert_eq!(desk.kept(&wanted("a")).await, Outcome::Created);
            assert_eq!(desk.kept(&wanted("b")).await, Outcome::Updated);
            assert_eq!(desk.ours().len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_the_oldest_stays() {
    for kind in BOTH {
        let desk = Desk::new(kind);
        let oldest = desk.forge.add(desk.forge.me(), &wanted("1").body());
        desk.forge.add("12", &wanted("2").body());
        desk.forge.add(desk.forge.me(), &wanted("3").body());
        desk.forge.add(desk.forge.me(), &wanted("4").body());
        assert_eq!(desk.kept(&wanted("5")).await, Outcome::Updated);
        assert_eq!(desk.forge.writes(), [Op::Update, Op::Delete, Op::Delete]);
        assert_eq!(desk.ours(), [wanted("5").body()]);
        assert_eq!(desk.forge.comments()[0].id, oldest);
        assert_eq!(desk.forge.comments().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn without_changes_it_is_as_asked_for() {
    for kind in BOTH {
        let nothing = |mode| Wanted {
            nothing_to_say: Some(mode),
            ..wanted("nothing to purge")
        };
        for mode in [OnNoChanges::Update, OnNoChanges::Delete, OnNoChanges::Keep] {
            let desk = Desk::new(kind);
            assert_eq!(desk.kept(&nothing(mode)).await, Outcome::Absent);
            assert_eq!(desk.forge.writes(), []);
            desk.kept(&wanted("something")).await;
            let outcome = desk.kept(&nothing(mode)).await;
            let left = desk.ours();
            match mode {
                OnNoChanges::Update => {
                    assert_eq!(
                        (outcome, left),
                        (Outcome::Updated, vec![nothing(mode).body()])
                    );
                }
                OnNoChanges::Delete => assert_eq!((outcome, left), (Outcome::Deleted, vec![])),
                OnNoChanges::Keep => {
                    assert_eq!(
                        (outcome, left),
                        (Outcome::Unchanged, vec![wanted("something").body()])
                    );
                }
            }
        }
    }
}

#[test]
fn the_api_of_github_itself_has_no_path() {
    let github = GitHub {
        api: "https://api.github.com".to_owned(),
        repository: "octo/web".to_owned(),
        number: 7,
        token: Secret::new(TOKEN),
    };
    assert_eq!(github.whoami().url, "https://api.github.com/graphql");
    assert_eq!(
        github.delete(3).url,
        "https://api.github.com/repos/octo/web/issues/comments/3"
    );
}
