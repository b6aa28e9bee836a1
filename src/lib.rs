//! purgit: GitOps for CDN caches. A library, and a thin binary around [`cli`].
//!
//! A purge is an action that can be repeated and cannot be read back. So what is desired is a
//! *generation* of a URL, what is observed is the generation last *confirmed* purged, and a crash is
//! resolved by asking the CDN about the recorded task, or by purging again.
//!
//! # The flow
//!
//! ```text
//!  YAML ─▶ manifest ─▶ resources ───────────┐
//!  disk or git ─▶ workspace ─▶ content ids ─┴▶ desired ─▶ entries ─┐
//!  state, or the same at a git revision ─▶ observed ───────────────┴▶ diff ─▶ changes ─▶ plan ─▶ output
//!  plan ─▶ execute ─▶ provider (operation ▶ request) ─▶ transport ─▶ CDN ─▶ response ─▶ provider ▶ answer
//!                                     answer ─▶ state (one line per entry), status (for people)
//! ```
//!
//! | module | does | knows nothing of |
//! |---|---|---|
//! | [`url`](mod@url) | text → the identity of a URL, however it was spelt | manifests, CDNs |
//! | [`entry`] | what is purged (a target), who wants it, and which generation of it | how any of it is found out |
//! | [`escape`] | foreign text → text that can be shown without forging anything | formats' own markup |
//! | [`yaml`] | YAML text → a tree with places, or every problem at once | fields |
//! | [`field`] | the tree → blocks of fields: one declaration reads, describes and digests a field | kinds of manifest |
//! | [`operation`] | what one request purges and serves, and what runs at the CDN afterwards | CDNs, requests |
//! | [`credential`] | a reference to a key, and where the key is read from | what a key is for |
//! | [`manifest`] | YAML documents → resources, or every problem at once | CDNs, state, time |
//! | [`content`] `[io]`, [`git`] `[io]` | what is on disk or in a git tree: path → content id; refs of our own | URLs, manifests |
//! | [`workspace`] `[io]` | a project where it lives: its content now, and manifests and content at a revision | what is wanted of them |
//! | [`view`] `[io]` | the part of a state that a plan needs, kept between commands; unchanged files are only counted | requests |
//! | [`desired`] | resources and content → entries with generations | state, CDNs |
//! | [`observed`] | what counts as purged: the state, or what was wanted at a revision | how either was read |
//! | [`diff`] | desired × observed → changes, each with a reason | requests |
//! | [`plan`] | changes → requests within limits, quota forecast, safety checks, plan id | network, time |
//! | [`execute`] | submits, polls, retries, records; makes no choice | manifests, files |
//! | [`verify`] | what users get → fresh, stale or unknown, with the evidence | CDNs, state |
//! | [`origin`] | what an origin answers → ready to be purged, not yet, or unknown | CDNs, state |
//! | [`status`] | outcomes → conditions in Kubernetes' words, written back | requests |
//! | [`reconcile`] | all stages in one screen: the only place that knows their order | terminals |
//! | [`watch`] | decides *when* to reconcile, and nothing else | what is done then |
//! | [`doctor`] | facts → what keeps a project from purging, each with its remedy | how facts are gathered |
//! | [`output`] | how plans and results look | where they are printed |
//! | [`comment`] | one comment on a pull or merge request, kept up to date | what it says |
//! | [`provider`] | a CDN's API as a pure codec: targets, budgets, requests, answers | sending, waiting, clocks |
//! | [`state`] | what was confirmed, what is due and under way, as records; a port with adapters | CDNs, manifests |
//! | [`transport`] | the one door to the network, and when to try again | CDNs |
//! | [`emulator`] | a strict local CDN API with a caching edge, to try and to test against | the client |
//! | [`cli`] | arguments, files, environment, terminal | decisions |
//!
//! The rest is small: `cache` `[io]` keeps on disk what can be computed again, `confine` `[io]` resolves
//! symbolic links, [`clock`] and [`secret`] are values that would otherwise be ambient,
//! [`diagnostic`] shows problems in files, [`error`] joins chains, [`exit`] is the table of exit codes,
//! `word_enum` declares enums whose variants are words.
//!
//! Stages are modules of the top level, an extension point is a folder whose `mod.rs` is the port, and
//! clock, randomness, environment, files and network stay in leaves marked `[io]`, in [`cli`], and in
//! [`emulator`], which is a server: everything else gets time and content as values.
//!
//! # Invariants
//! In the order of the flow:
//!
//! 1. A manifest is valid as a whole or refused as a whole, with every problem named.
//! 2. One URL is one [`CdnUrl`](crate::url::CdnUrl), however it was spelt; what a cache keeps apart stays apart.
//! 3. The same inputs give a byte-identical plan and plan id, whatever the file order, the time or the
//!    machine; any other input gives another id.
//! 4. A plan over a limit refuses itself; it is shown all the same.
//! 5. Execution makes no choice: all it needs is in the operation.
//! 6. An intent is durable before its POST, and anything that a later plan could not find again is durable
//!    before the first POST. After a crash at any point the next run converges: nothing is lost, and at most
//!    the requests in flight, and those recorded ahead because recording takes a round trip, are purged
//!    twice. A request in doubt is sent again at most once.
//! 7. Signed bytes are the bytes sent: build once, sign, send; a retry is built and signed anew.
//! 8. Only a confirmed success advances a generation. A status word nobody knows is no success.
//! 9. When run twice, the second plan is empty.
//! 10. The status is written on every path once the manifests are valid and the lock is held: refusal,
//!     partial failure, cancellation, missing credentials.
//! 11. No secret can be formatted: it is a type without `Display`, and manifests hold references.
//! 12. What is printed cannot lie: text from manifests, files, state, CDNs and git is escaped at the door.
//! 13. Every loop, queue, batch, retry and body has a limit, which is a constant with a name, a unit and
//!     a reason.
//! 14. No `_ =>` on an enum of our own: adding a variant must break every match.
//! 15. Nothing outside `provider/<name>` and `emulator/<name>` knows which CDN there is.
//! 16. Imports go one way, from the rooms declared last to those declared first, and never in a circle.
//! 17. Only bytes, or an origin that names its release, prove something fresh; what is not proven counts as
//!     neither fresh nor stale.
//!
//! # Where to add what
//! | to add | write | register in | what you forget is caught by |
//! |---|---|---|---|
//! | a CDN | `provider/<name>/`, `emulator/<name>/` | [`provider::REGISTRY`], [`emulator::REGISTRY`] | the conformance suite over the registry, the schema test |
//! | a limit of a CDN | a [`provider::Budget`] in its `budgets` | — | the conformance suite: every window has a reader |
//! | a field of a manifest | one line in its block, see [`field`] | — | the schema test |
//! | a kind of manifest | `manifest/resource/<name>.rs` | `KINDS` in `manifest/document.rs` | the compiler, the schema test |
//! | a state backend | `state/<name>.rs` | [`workspace::places`] | the conformance suite over all backends |
//! | a forge to comment on | `comment/<name>.rs` | `cli/commands/comment.rs` | the compiler |
//! | an output format | `output/<name>.rs` | the `--format` of `cli/args.rs` | the compiler |
//! | a command | `cli/commands/<verb>.rs` | `cli/args.rs` | the compiler, the test of the README's tables |
//! | an exit code | a variant of [`exit::Exit`] | its `ALL` | the compiler, the test of the README's tables |
//! | an environment variable | — | [`cli::environment::VARIABLES`] | the test of the README's tables |
//!
//! Each port's own page has the recipe, step by step; the one for a CDN is `docs/adding-a-cdn.md`. Tests
//! are one binary, `tests/integration`. `UPDATE=1 cargo test` rewrites what is generated (schemas, the
//! README's tables).

// The order is a rule: a room imports only from rooms above it, which `tests/integration/architecture`
// proves. Values and leaves first, then ports with their adapters, then the stages.
pub mod clock;
pub mod error;
pub mod escape;
pub mod exit;
pub mod secret;
mod word_enum;

mod confine;

pub mod cache;
pub mod diagnostic;

pub mod url;
pub mod yaml;

pub mod field;

pub mod content;
pub mod entry;
pub mod operation;

pub mod transport;
pub mod verify;

pub mod credential;
pub mod origin;

pub mod provider;

pub mod git;
pub mod state;

pub mod manifest;

pub mod desired;
pub mod observed;

pub mod diff;
pub mod plan;

pub mod execute;
pub mod status;

pub mod view;
pub mod workspace;

pub mod doctor;
pub mod reconcile;

pub mod output;
pub mod watch;

pub mod comment;

pub mod emulator;

pub mod cli;
