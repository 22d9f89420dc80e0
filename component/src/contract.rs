//! The contract of `wit/` as Rust types, made by wit-bindgen: the same types inside the component
//! and in the native library.
//!
//! Names are those of the WIT files, so that `wit/runs.wit` says what `runs::Demand` is. (The
//! bindings' `runs::Run` and `settings::Settings` are handles that live only inside a component;
//! native callers use [`crate::runs::Run`] and [`crate::settings::Settings`].)

#[allow(
    missing_docs,
    unsafe_code,
    reason = "generated; the WIT files carry the documentation"
)]
pub(crate) mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "connector",
        additional_derives: [PartialEq, Eq, Clone, serde::Serialize, serde::Deserialize],
        generate_all,
        pub_export_macro: true,
    });
}

mod names;

#[cfg(target_arch = "wasm32")]
pub(crate) use bindings::export;
pub use bindings::exports::ml_connector::sync::{
    admission, credentials, crosswalk, events, http, mapping, pacing, reconciliation, runs,
    settings, types, webhooks,
};
