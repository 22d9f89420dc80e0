//! FreshBooks and SAP Concur as pure machines.
//!
//! **`exchange` is the only way in, `advance` the only way out, and time is an argument.** A
//! [`Sandbox`] holds both vendors. It opens no socket, reads no clock and starts no thread; the
//! same seed and the same calls give the same bytes. Whoever drives it decides what a moment is: a
//! simulator in virtual time, or the [`skin`], which puts the same machines behind real sockets.
//!
//! The machines are written from the vendors' documentation with all oddities, and bend to no
//! client. What the documentation leaves open is a named switch in [`FreshBooksConfig`] or
//! [`ConcurConfig`]; each says where it comes from.

mod calendar;
pub mod concur;
mod config;
mod delivery;
mod fault;
pub mod freshbooks;
mod http;
mod journal;
mod money;
mod random;
mod sandbox;
pub mod skin;
mod stats;
mod texts;

pub use concur::{Concur, ConcurConfig};
pub use config::SandboxConfig;
pub use delivery::{Delivery, DeliveryResult};
pub use fault::{Fault, FaultRule};
pub use freshbooks::{FreshBooks, FreshBooksConfig};
pub use http::{Millis, Request, Response, System};
pub use sandbox::{Answer, Sandbox};
pub use stats::Stats;
