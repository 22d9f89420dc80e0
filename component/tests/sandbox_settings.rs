//! `docs/examples/sandbox-settings.json`, with which a new host tries itself on the sandbox.

use ml_connector_component::settings::Settings;

#[test]
fn the_component_accepts_the_settings_for_the_sandbox() {
    let text = include_str!("../../docs/examples/sandbox-settings.json");
    Settings::load("acme", text).unwrap_or_else(|problems| panic!("{problems:?}"));
}
