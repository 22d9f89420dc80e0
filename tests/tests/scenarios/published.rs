//! Every call that the scenarios make to SAP Concur is as SAP publishes it.

use ml_connector_tests::logic::Backend;
use ml_connector_tests::published::{Sender, assert_as_published, record};

/// The scenarios of a file get their line here.
const SCENARIOS: &[&[fn(Backend)]] = &[
    crate::adopted::SCENARIOS,
    crate::documents::SCENARIOS,
    crate::expenses::SCENARIOS,
    crate::financial::SCENARIOS,
    crate::financial_bills::SCENARIOS,
    crate::financial_entities::SCENARIOS,
    crate::financial_failures::SCENARIOS,
    crate::forms::SCENARIOS,
    crate::look_ups::SCENARIOS,
    crate::payments::SCENARIOS,
    crate::project_costs::SCENARIOS,
    crate::reference::SCENARIOS,
    crate::report_workflow::SCENARIOS,
    crate::vendor_changes::SCENARIOS,
];

#[test]
fn every_call_of_the_scenarios_is_as_sap_publishes_it() {
    let sent = record(|| {
        for scenario in SCENARIOS.iter().copied().flatten() {
            scenario(Backend::Native);
        }
    });
    assert_as_published(Sender::Scenarios, &sent);
}
