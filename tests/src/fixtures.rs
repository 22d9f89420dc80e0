//! What tests, benchmarks and the demo start from.
//!
//! | Module | Gives |
//! |---|---|
//! | [`settings`] | settings of a connection that fit the sandbox |
//! | [`documents`] | a client, an invoice, a vendor and a bill for FreshBooks |
//! | [`installation`] | a directory with settings, secrets and store, and the program in it |
//! | [`deployment`] | an installation between both vendors behind sockets |
//! | [`service`] | the same, with the service in this process instead of one of its own |
//! | [`failing_store`] | a store whose disk fails on command |
//! | [`command`] | the program while it runs, and what it printed |
//! | [`deliveries`], [`handshakes`] | webhooks of FreshBooks, and of strangers |
//! | [`http`], [`ports`], [`waiting`] | one request, a free port, patience |

pub mod command;
pub mod deliveries;
pub mod deployment;
pub mod documents;
pub mod failing_store;
pub mod handshakes;
pub mod http;
pub mod installation;
pub mod ports;
pub mod service;
pub mod settings;
pub mod waiting;

pub use deployment::{Deployment, Options};
pub use installation::Installation;
