//! The proof of ml-connector: what the tests, the benchmarks and the demo share.
//!
//! [`sim`] is another host: a store, a clock and both vendors in virtual time, single-threaded and
//! repeatable. It drives the same logic natively or as the built component ([`logic`]).
//! [`fixtures`] sets up the real host between both vendors behind sockets.

pub mod books;
pub mod built;
pub mod demo;
pub mod fixtures;
pub mod logic;
pub mod sim;
