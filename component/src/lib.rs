//! The logic of ml-connector, as a pure library and as a WebAssembly component without imports.
//!
//! It keeps FreshBooks and SAP Concur in step, and never touches either. A host opens a run of one
//! object and meets its demands, one at a time: send this request, look up what you have stored,
//! store these links, wait until then. What came of each goes back in with the host's clock.
//!
//! **The same task, settings and history give the same demands, byte for byte.** So recovery is
//! replay: a host that stops anywhere opens the run again with the history it has stored, and the
//! run stands where it stopped. Nothing else needs to be remembered.
//!
//! # Who owns what
//!
//! | The component | The host |
//! |---|---|
//! | what to send, in which order, and what an answer means | HTTP: sockets, TLS, base URLs |
//! | whether a write may be repeated, and when to look it up | a durable history and the links |
//! | when to try again, and when a person is needed | the clock, and waking up |
//! | which secret goes where, by name | the secrets themselves, sealed |
//! | whether a webhook is authentic, and what it leads to | receiving it, and storing it first |
//!
//! # The loop
//!
//! 1. [`settings::Settings::load`], once for each version of the settings.
//! 2. [`runs::Run::open`] with the task and the stored history: there is a demand.
//! 3. Meet it. A write is stored **before** its first byte leaves, without an outcome.
//! 4. Store the entry with its outcome, and report it with [`runs::Run::step`]: the next demand.
//! 5. Until the demand is `done`.
//!
//! ```
//! use ml_connector_component::contract::http::{Body, Response, SendOutcome};
//! use ml_connector_component::contract::runs::{
//!     Action, Demand, Ending, HistoryEntry, ObjectStatus, Outcome, Report, StartReason, Task,
//!     Wake,
//! };
//! use ml_connector_component::contract::types::ObjectRef;
//! use ml_connector_component::{runs::Run, settings::Settings};
//!
//! # const SETTINGS: &str =
//! #     include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings/minimal.json"));
//! let settings = std::rc::Rc::new(Settings::load("acme", SETTINGS).expect("is right")); // 1
//! let task = Task {
//!     object: ObjectRef::freshbooks("invoice", "778120"),
//!     reason: StartReason::Notice,
//!     started: 1_772_323_200_000,
//!     receive_url: None,
//!     unknown_since: None,
//! };
//! let mut history: Vec<HistoryEntry> = Vec::new(); // in memory; a real one is on disk
//! let mut now = task.started;
//! let mut run = Run::open(task, settings, history.clone()).expect("opens"); // 2
//! let completion = loop {
//!     now += 1_000;
//!     let demand = run.demand().clone();
//!     let (id, report) = match &demand {
//!         Demand::Done(completion) => break completion.clone(), // 5
//!         Demand::Wait(wait) => {
//!             now = now.max(wait.until); // a real host drops the run and wakes up then
//!             (wait.id, Report::Woken(Wake::Due))
//!         }
//!         Demand::Perform(effect) => (effect.id, match &effect.action { // 3
//!             Action::Send(outbound) => {
//!                 assert!(outbound.request.path_with_query.contains("/778120"));
//!                 let (status, body) = (404, Body::Text(String::new())); // a canned answer
//!                 Report::Sent(SendOutcome::Response(Response { status, headers: vec![], body }))
//!             }
//!             Action::FindObjects(objects) => Report::Found(objects.iter().map(|object| {
//!                 ObjectStatus { object: object.clone(), link: None, active: true, last: None }
//!             }).collect()),
//!             Action::Save(_) => Report::Saved,
//!             Action::TrustVerifier(_) => Report::Trusted(false),
//!         }),
//!     };
//!     let outcome = Outcome { id, report, at: now };
//!     history.push(HistoryEntry { demand, outcome: Some(outcome.clone()) }); // 4
//!     run.step(outcome).expect("answers the demand");
//! };
//! assert!(matches!(completion.ending, Ending::Unchanged(note) if note.code == "not-carried"));
//! ```
//!
//! # What never happens
//!
//! - A second record for one object: every write is looked up by its marker first, and one that
//!   nobody can know the outcome of waits out a settle time before it is looked up again.
//! - Input or output, a clock, a random number: time is an argument, and what looks random is
//!   derived from a name.
//! - A secret in an argument or a result, but for the verifiers that webhooks are checked with.
//! - A panic over anything that a remote or a stranger sends, a float near money, `unsafe`.
//! - A refused [`runs::Run::step`] that changes anything.
//!
//! # Where to read on
//!
//! The public modules have the names of the interfaces in `wit/`, beside [`marker`] and [`retry`].
//! The private ones, from what knows least:
//!
//! - `money`, `text`, `place_names`, `country`, `subdivisions`, `lax_json` and `error_bodies`:
//!   helpers;
//! - `concur`, `freshbooks`: the two wires, read tolerantly and written;
//! - `payment_request`, `expense_entry`, `vendor`, `financial`, `reference`: translations, pure,
//!   gathering every problem;
//! - `facts`: what an object is to a person;
//! - `classify`, `runs`, `flow`: the run mechanism, and what flows are written in;
//! - `flows`: the stories, one for each kind of object;
//! - [`reconciliation`]: what both sides of a flow hold, spelt alike;
//! - `exports`: the component's interfaces, each one line.

#![no_std]

extern crate alloc;
// Links the allocator and the panic handler, while `std::` cannot be named.
extern crate std as _;

pub mod admission;
mod classify;
mod concur;
pub mod contract;
mod country;
pub mod credentials;
pub mod crosswalk;
mod error_bodies;
pub mod events;
mod expense_entry;
#[cfg(target_arch = "wasm32")]
#[allow(
    unreachable_pub,
    unsafe_code,
    reason = "the generated glue between the component's ABI and the library"
)]
mod exports;
mod facts;
mod financial;
mod flow;
mod flows;
mod freshbooks;
mod lax_json;
pub mod mapping;
pub mod marker;
mod money;
pub mod pacing;
mod payment_request;
mod place_names;
pub mod reconciliation;
mod reference;
mod remedy;
pub mod retry;
pub mod runs;
pub mod settings;
mod subdivisions;
mod text;
mod vendor;
pub mod webhooks;
