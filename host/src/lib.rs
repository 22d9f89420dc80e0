//! The host of ml-connector as a library.

pub mod contract;
