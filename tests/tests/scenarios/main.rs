//! Scenarios in virtual time: both vendors, the logic, and what may happen between them. Each is
//! played twice, with the native library and with the built component.

mod documents;
mod failures;
mod financial;
mod financial_failures;

/// Makes two tests of each scenario, a function that takes a [`Backend`].
///
/// [`Backend`]: ml_connector_tests::logic::Backend
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        mod native {
            $(#[test] fn $name() { super::$name(ml_connector_tests::logic::Backend::Native) })*
        }
        mod wasm {
            $(#[test] fn $name() { super::$name(ml_connector_tests::logic::Backend::Wasm) })*
        }
    };
}
use scenarios;
