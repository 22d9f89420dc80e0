//! The proof of ml-connector: what the tests, the benchmarks and the demo share.
//!
//! [`sim`] is another host: a store, a clock and both vendors in virtual time, single-threaded and
//! repeatable. It drives the same logic natively or through the built component ([`mind`]).

pub mod books;
pub mod built;
pub mod demo;
pub mod mind;
pub mod office;
pub mod sim;
pub mod world;
