//! The host of ml-connector as a library: it receives and sends HTTP, stores, waits and
//! holds secrets for the component, which decides about the business.
//!
//! # Examples
//!
//! Driving one run without the service around it: anyone who does this carries out each demand,
//! stores it with its outcome, and opens the run with that history after a crash.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! use ml_connector::clock::Clock;
//! use ml_connector::config::Limits;
//! use ml_connector::contract::runs::{Action, Demand, Outcome, Report, StartReason, Task};
//! use ml_connector::contract::types::{ObjectRef, System};
//! use ml_connector::guest::{Guest, SettingsText, SharedInstance};
//!
//! // `perform` sends the request, looks the objects up, or saves the changes.
//! # fn example(perform: impl Fn(&Action) -> Report) -> Result<(), Box<dyn std::error::Error>> {
//! let guest = Guest::load(Path::new("ml_connector_component.wasm"), &Limits::default())?;
//! let instance = SharedInstance::new(Arc::new(guest))?;
//! let settings = SettingsText {
//!     connection: "acme".into(),
//!     version: "1".into(),
//!     json: std::fs::read_to_string("acme.json")?.into(),
//! };
//! let clock = Clock::system();
//! let task = Task {
//!     object: ObjectRef {
//!         system: System::Freshbooks,
//!         kind: "invoice".into(),
//!         id: "1234".into(),
//!     },
//!     reason: StartReason::Notice,
//!     started: clock.now(),
//!     receive_url: None,
//!     unknown_since: None,
//! };
//! let opened = instance.open(&task, &settings, &[])?;
//! let mut demand = opened.demand;
//! let completion = loop {
//!     demand = match demand {
//!         Demand::Perform(effect) => {
//!             let report = perform(&effect.action);
//!             let (id, at) = (effect.id, clock.now());
//!             instance.step(opened.run, &Outcome { id, report, at })?
//!         }
//!         // Stored; the run is opened again with its history at `until`.
//!         Demand::Wait(wait) => return Ok(println!("waits until {}", wait.until)),
//!         Demand::Done(completion) => break completion,
//!     };
//! };
//! println!("{:?}", completion.ending);
//! # Ok(())
//! # }
//! ```

pub mod admin;
pub mod backlog;
pub mod callbacks;
pub mod clock;
pub mod component_record;
pub mod config;
pub mod contract;
pub mod credentials;
pub mod engine;
pub mod events;
#[cfg(test)]
mod fixtures;
pub mod guest;
pub mod health;
pub mod http_client;
pub mod listener;
pub mod metrics;
pub mod portable_history;
pub mod private;
pub mod rate_limit;
pub mod reconcile;
pub mod seal;
pub mod sealed;
pub mod secret_addresses;
pub mod secrets;
pub mod service;
pub mod store;
pub mod webhooks;
