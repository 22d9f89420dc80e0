//! The host of ml-connector as a library: it sends HTTP, keeps things, wakes up and holds secrets
//! for the component, and decides nothing about the business.

pub mod admin;
pub mod callbacks;
pub mod config;
pub mod contract;
pub mod credentials;
pub mod engine;
#[cfg(test)]
mod fixtures;
pub mod guest;
pub mod metrics;
pub mod receive;
pub mod seal;
pub mod secrets;
pub mod send;
pub mod serve;
pub mod settings;
pub mod store;
