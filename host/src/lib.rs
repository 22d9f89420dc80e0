//! The host of ml-connector as a library: it receives and sends HTTP, stores, waits and
//! holds secrets for the component, which decides about the business.

pub mod admin;
pub mod backlog;
pub mod callbacks;
pub mod clock;
pub mod config;
pub mod contract;
pub mod credentials;
pub mod engine;
pub mod events;
#[cfg(test)]
mod fixtures;
pub mod guest;
pub mod http_client;
pub mod listener;
pub mod metrics;
pub mod portable_history;
pub mod seal;
pub mod secrets;
pub mod service;
pub mod store;
pub mod webhooks;
