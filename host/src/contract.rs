//! The contract of `wit/` as Rust types, made by wasmtime's bindings generator.
//!
//! Names are those of the WIT files, so that `wit/runs.wit` says what `runs::Demand` is.

mod completion;
pub mod portable;
pub(crate) mod words;

mod bindings {
    #![allow(missing_docs, reason = "the WIT files carry the documentation")]

    wasmtime::component::bindgen!({
        path: "../wit",
        world: "connector",
        additional_derives: [PartialEq, Eq, Clone, serde::Serialize, serde::Deserialize],
    });
}

pub use bindings::exports::ml_connector::sync::{
    admission, credentials, crosswalk, events, http, mapping, pacing, reconciliation, runs,
    settings, types, webhooks,
};
pub use bindings::{Connector, ConnectorPre};
