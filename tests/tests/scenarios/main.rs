//! Scenarios in virtual time: both vendors, the logic, and what may happen between them. Each is
//! played with the native library and with the built component, and natively under each row of the
//! sandbox's switches too.

mod adopted;
mod backfill;
mod documents;
mod expenses;
mod failures;
mod financial;
mod financial_bills;
mod financial_entities;
mod financial_failures;
mod forms;
mod look_ups;
mod payments;
mod project_costs;
mod published;
mod reference;
mod report_workflow;
mod vendor_changes;

use ml_connector_tests::scenarios;
