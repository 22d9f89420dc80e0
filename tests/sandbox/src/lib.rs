//! Local stand-ins for FreshBooks and SAP Concur, written from the vendors' documentation with all
//! their oddities and bent to no client.
//!
//! **Requests come in through [`Sandbox::exchange`], webhooks and events go out through
//! [`Sandbox::advance`], and time is an argument.** A [`Sandbox`] opens no socket, reads no clock
//! and starts no thread; the same seed and the same calls give the same bytes. A simulator may
//! drive it in virtual time; the [`server`] puts the same sandbox behind real sockets.
//!
//! | Part | What it holds |
//! |---|---|
//! | [`freshbooks`] | one account: accounting, ledger, OAuth, webhooks |
//! | [`concur`] | one company: vendors, invoices, financial documents, OAuth, events |
//! | `user_actions`, in both | what people do in the browser |
//! | `inspect`, in both | what test oracles may look at |
//! | [`switches`] | every switch of the configuration, with its readings |
//! | [`Fault`] | what goes wrong between a client and a vendor |
//! | [`server`] | sockets, deliveries over TLS, and the control plane |
//!
//! What the documentation leaves open is a named switch in [`FreshBooksConfig`] or
//! [`ConcurConfig`]; each names its source. What stands in parentheses behind "source:" is a row of
//! `docs/sources.md`.
//!
//! ```
//! use ml_connector_sandbox::{Request, Sandbox, SandboxConfig, System, WireOutcome};
//!
//! let now = 1_772_463_600_000;
//! let mut sandbox = Sandbox::new(SandboxConfig::default(), now);
//! let token = sandbox.freshbooks.person_token(now);
//! let request = Request::new("api.freshbooks.com", "GET", "/auth/api/v1/users/me")
//! .with_bearer(&token);
//! match sandbox.exchange(System::FreshBooks, &request, now) {
//! WireOutcome::Response { response, .. } => assert_eq!(response.status, 200),
//! other => panic!("no fault is switched on, but: {other:?}"),
//! }
//! ```

mod calendar;
pub mod concur;
mod config;
mod delivery;
mod exchange_log;
mod fault;
pub mod freshbooks;
mod http;
mod money;
mod random;
mod sandbox;
pub mod server;
mod sparse_fields;
mod stats;
pub mod switches;
#[cfg(test)]
mod test_support;

pub use concur::{Concur, ConcurConfig};
pub use config::SandboxConfig;
pub use delivery::{Delivery, DeliveryResult};
pub use fault::{Fault, FaultRule, ThrottleWords};
pub use freshbooks::{FreshBooks, FreshBooksConfig};
pub use http::{Millis, Request, Response, System};
pub use sandbox::{Sandbox, WireOutcome};
pub use stats::Stats;
