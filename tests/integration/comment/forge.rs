//! Fakes of the two APIs: strict about what they are asked, with faults to order. One function from
//! request to response, for a scripted transport and for a server alike.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use purgit::transport::{Request, Response};
use serde_json::{Value as Json, json};

pub(crate) const TOKEN: &str = "not-a-real-key-of-a-forge";

/// Whose API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    GitHub,
    GitLab,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Whoami,
    Origins,
    List,
    Create,
    Update,
    Delete,
}

/// An answer in place of the right one.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) on: Op,
    pub(crate) times: usize,
    /// Whether what was asked for is done all the same.
    pub(crate) done: bool,
    pub(crate) answer: Response,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) body: String,
}

#[derive(Debug, Default)]
struct State {
    comments: Vec<Stored>,
    last: u64,
    /// What is told of commits.
    origins: Vec<Json>,
    faults: Vec<Fault>,
    asked: Vec<Op>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Forge {
    kind: Kind,
    state: Mutex<State>,
}

/// A request, wherever it came from. Header names in lower case.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl From<Request> for Call {
    fn from(request: Request) -> Self {
        let (_, rest) = request.url.split_once("://").unwrap();
        let headers = request.headers.iter();
        Self {
            method: request.method.as_str().to_owned(),
            target: rest[rest.find('/').unwrap()..].to_owned(),
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), value.expose().to_owned()))
                .collect(),
            body: request.body,
        }
    }
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter();
    Response {
        status,
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
    }
}

impl Fault {
    pub(crate) fn new(on: Op, status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        Self {
            on,
            times: usize::MAX,
            done: false,
            answer: answer(status, headers, body),
        }
    }

    pub(crate) fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    pub(crate) fn although_done(self) -> Self {
        Self { done: true, ..self }
    }
}

impl Forge {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Who the token belongs to.
    pub(crate) fn me(&self) -> &'static str {
        match self.kind {
            Kind::GitHub => "github-actions[bot]",
            Kind::GitLab => "4711",
        }
    }

    /// Writes a comment as anybody, before the test.
    pub(crate) fn add(&self, author: &str, body: &str) -> u64 {
        let mut state = self.state();
        state.last += 1;
        let id = state.last;
        state.comments.push(Stored {
            id,
            author: author.to_owned(),
            body: body.to_owned(),
        });
        id
    }

    /// Tells of every commit that it came from the request, which has these fields besides.
    pub(crate) fn merge(&self, fields: Json) {
        let mut origin = fields;
        let number = match self.kind {
            Kind::GitHub => "number",
            Kind::GitLab => "iid",
        };
        origin[number] = json!(7);
        self.state().origins.push(origin);
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    pub(crate) fn heal(&self) {
        self.state().faults.clear();
    }

    pub(crate) fn comments(&self) -> Vec<Stored> {
        self.state().comments.clone()
    }

    /// What was asked for so far; forgotten by that.
    pub(crate) fn asked(&self) -> Vec<Op> {
        std::mem::take(&mut self.state().asked)
    }

    /// What was written so far; forgotten by that.
    pub(crate) fn writes(&self) -> Vec<Op> {
        let asked = self.asked().into_iter();
        asked
            .filter(|op| !matches!(op, Op::Whoami | Op::Origins | Op::List))
            .collect()
    }

    /// Answers as the real one would.
    pub(crate) fn call(&self, call: &Call) -> Response {
        let (op, id, page) = self.route(call);
        self.check(call, op);
        let mut state = self.state();
        state.asked.push(op);
        let fault = state
            .faults
            .iter_mut()
            .find(|fault| fault.on == op && fault.times > 0);
        let fault = fault.map(|fault| {
            fault.times -= 1;
            fault.clone()
        });
        if let Some(fault) = fault {
            if fault.done {
                self.act(&mut state, op, id, page, &call.body);
            }
            return fault.answer;
        }
        self.act(&mut state, op, id, page, &call.body)
    }

    fn act(&self, state: &mut State, op: Op, id: u64, page: usize, body: &[u8]) -> Response {
        let at = state.comments.iter().position(|comment| comment.id == id);
        let text = || {
            let body: Json = serde_json::from_slice(body).unwrap();
            body["body"].as_str().unwrap().to_owned()
        };
        let missing = || answer(404, &[], r#"{"message":"Not Found"}"#);
        match op {
            Op::Whoami => match self.kind {
                Kind::GitHub => {
                    let query: Json = serde_json::from_slice(body).unwrap();
                    assert_eq!(query["query"], "query { viewer { login } }");
                    let viewer = json!({ "data": { "viewer": { "login": self.me() } } });
                    answer(200, &[], &viewer.to_string())
                }
                Kind::GitLab => answer(200, &[], r#"{"id":4711,"username":"project_1_bot"}"#),
            },
            Op::Origins => answer(200, &[], &json!(state.origins).to_string()),
            Op::List => self.page(state, page),
            Op::Create | Op::Update => {
                let text = text();
                let limit = match self.kind {
                    Kind::GitHub => 65_536,
                    Kind::GitLab => 1_000_000,
                };
                if text.chars().count() > limit {
                    return answer(422, &[], r#"{"message":"Body is too long"}"#);
                }
                if op == Op::Create {
                    state.last += 1;
                    let (id, author) = (state.last, self.me().to_owned());
                    let body = text;
                    state.comments.push(Stored { id, author, body });
                    return answer(201, &[], "{}");
                }
                let Some(at) = at else { return missing() };
                assert_eq!(state.comments[at].author, self.me(), "another's comment");
                state.comments[at].body = text;
                answer(200, &[], "{}")
            }
            Op::Delete => {
                let Some(at) = at else { return missing() };
                assert_eq!(state.comments[at].author, self.me(), "another's comment");
                state.comments.remove(at);
                answer(204, &[], "")
            }
        }
    }

    fn page(&self, state: &State, page: usize) -> Response {
        let per_page = purgit::comment::PER_PAGE;
        let from = (page - 1) * per_page;
        let comments = state.comments.iter().skip(from).take(per_page);
        let comments = comments.map(|comment| match self.kind {
            Kind::GitHub => json!({
                "id": comment.id,
                "user": { "login": comment.author, "id": 1 },
                "body": comment.body,
            }),
            Kind::GitLab => json!({
                "id": comment.id,
                "author": { "id": comment.author.parse().unwrap_or(0), "username": "x" },
                "body": comment.body,
                "system": false,
            }),
        });
        let body = Json::Array(comments.collect()).to_string();
        let has_more = state.comments.len() > from + per_page;
        let link = match (self.kind, has_more) {
            (_, true) => {
                "<https://x.example/?page=2>; rel=\"next\", <https://x.example/?page=9>; rel=\"last\""
            }
            // One page has no header at GitHub, and GitLab always sends one.
            (Kind::GitHub, false) if page == 1 => return answer(200, &[], &body),
            (Kind::GitHub | Kind::GitLab, false) => "<https://x.example/?page=1>; rel=\"first\"",
        };
        answer(200, &[("link", link)], &body)
    }

    fn route(&self, call: &Call) -> (Op, u64, usize) {
        let (path, query) = call.target.split_once('?').unwrap_or((&call.target, ""));
        let method = call.method.as_str();
        let (whoami, comments, comment, change) = match self.kind {
            Kind::GitHub => (
                ("POST", "/api/graphql"),
                "/api/v3/repos/octo/web.site/issues/7/comments",
                "/api/v3/repos/octo/web.site/issues/comments/",
                "PATCH",
            ),
            Kind::GitLab => (
                ("GET", "/api/v4/user"),
                "/api/v4/projects/group%2Fweb.site/merge_requests/7/notes",
                "/api/v4/projects/group%2Fweb.site/merge_requests/7/notes/",
                "PUT",
            ),
        };
        let parameter = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let mut values = pairs.filter(|(key, _)| *key == name);
            values.next().map(|(_, value)| value.to_owned())
        };
        let id = path.strip_prefix(comment).map(|id| id.parse().unwrap());
        let (commits, of_commit) = match self.kind {
            Kind::GitHub => ("/api/v3/repos/octo/web.site/commits/", "/pulls"),
            Kind::GitLab => (
                "/api/v4/projects/group%2Fweb.site/repository/commits/",
                "/merge_requests",
            ),
        };
        let commit = path.strip_prefix(commits);
        let commit = commit.and_then(|rest| rest.strip_suffix(of_commit));
        match (method, id) {
            ("GET", None) if commit.is_some_and(|id| id.len() == 40) => (Op::Origins, 0, 0),
            _ if (method, path) == whoami => (Op::Whoami, 0, 0),
            ("GET", None) if path == comments => {
                let per_page = purgit::comment::PER_PAGE.to_string();
                assert_eq!(parameter("per_page"), Some(per_page), "{call:?}");
                if self.kind == Kind::GitLab {
                    assert_eq!(parameter("sort").as_deref(), Some("asc"));
                }
                (Op::List, 0, parameter("page").unwrap().parse().unwrap())
            }
            ("POST", None) if path == comments => (Op::Create, 0, 0),
            (method, Some(id)) if method == change => (Op::Update, id, 0),
            ("DELETE", Some(id)) => (Op::Delete, id, 0),
            _ => panic!("no such call: {call:?}"),
        }
    }

    fn check(&self, call: &Call, op: Op) {
        let header = |name: &str| call.headers.get(name).map(String::as_str);
        match self.kind {
            Kind::GitHub => {
                let bearer = format!("Bearer {TOKEN}");
                assert_eq!(header("authorization"), Some(bearer.as_str()));
                assert_eq!(header("accept"), Some("application/vnd.github+json"));
                assert_eq!(header("x-github-api-version"), Some("2022-11-28"));
            }
            Kind::GitLab => {
                assert_eq!(header("private-token"), Some(TOKEN));
                assert_eq!(header("authorization"), None);
            }
        }
        if matches!(op, Op::Create | Op::Update) {
            assert_eq!(header("content-type"), Some("application/json"));
        }
    }
}
