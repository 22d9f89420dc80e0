//! The proof of ml-connector: what the tests, the benchmarks and the demo share.
//!
//! [`sim`] is another host: a store, a clock and both vendors in virtual time, single-threaded and
//! repeatable. It drives the same logic natively or as the built component ([`logic`]).
//! [`fixtures`] sets up the real host between both vendors behind sockets, and [`switches`] says
//! how the vendors behave where their pages leave it open.

pub mod books;
pub mod built;
pub mod demo;
pub mod fixtures;
pub mod logic;
pub mod published;
pub mod sim;
pub mod switches;

/// Makes three tests of each scenario, a function that takes a [`Backend`]: natively, through the
/// component, and natively under each row of the sandbox's [`switches`].
///
/// [`Backend`]: logic::Backend
#[macro_export]
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        pub(crate) const SCENARIOS: &[fn($crate::logic::Backend)] = &[$($name),*];
        mod native {
            $(#[test] fn $name() {
                $crate::switches::under_one_row(|| super::$name($crate::logic::Backend::Native));
            })*
        }
        mod wasm {
            $(#[test] fn $name() {
                $crate::switches::under_one_row(|| super::$name($crate::logic::Backend::Wasm));
            })*
        }
        mod rows {
            $(#[test] fn $name() {
                let test = concat!(module_path!(), "::", stringify!($name));
                let play = || super::$name($crate::logic::Backend::Native);
                $crate::switches::under_each_row(test, play);
            })*
        }
    };
}
