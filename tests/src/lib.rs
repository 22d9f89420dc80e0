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

/// Makes two tests of each scenario, a function that takes a [`Backend`].
///
/// [`Backend`]: logic::Backend
#[macro_export]
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        mod native {
            $(#[test] fn $name() { super::$name($crate::logic::Backend::Native) })*
        }
        mod wasm {
            $(#[test] fn $name() { super::$name($crate::logic::Backend::Wasm) })*
        }
    };
}
