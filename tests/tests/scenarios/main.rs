//! Scenarios in virtual time: both vendors, the logic, and what may happen between them. Each is
//! played twice, with the native library and with the built component.

mod documents;
mod failures;
mod financial;
mod financial_bills;
mod financial_failures;

use ml_connector_tests::scenarios;
