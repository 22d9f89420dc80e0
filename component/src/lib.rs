//! The brain of ml-connector, as a pure library and as a WebAssembly component without imports.
//!
//! All that it knows arrives as an argument, and all that it wants done is returned as a value.
//! There is no clock, no socket, no store and no random source in it: time is an argument, and
//! whatever looks random is derived from a name.
//!
//! The work is in [`runs::Run`]: opened with a task, the settings and a history, it demands one
//! thing at a time; [`runs::Run::step`] reports what came of it and returns the next demand; a
//! refused step changes nothing. The same task, settings and history give the same demands, byte
//! for byte, so recovery is replay.
//!
//! The modules have the names of the interfaces in `wit/`.

#![no_std]

extern crate alloc;
// Links the allocator and the panic handler, while `std::` cannot be named.
extern crate std as _;

pub mod admission;
pub mod chart;
pub mod concur;
pub mod contract;
pub mod country;
pub mod credentials;
pub mod document;
pub mod events;
#[cfg(target_arch = "wasm32")]
#[allow(
    unsafe_code,
    reason = "the generated glue between the component's ABI and the library"
)]
mod exports;
pub mod financial;
mod flows;
mod freshbooks;
pub mod geolocation;
pub mod mapping;
pub mod marker;
pub mod money;
pub mod pacing;
pub mod party;
pub mod payment_request;
pub mod refusals;
pub mod retry;
pub mod runs;
pub mod settings;
pub mod states;
mod text;
pub mod update;
pub mod vendor;
pub mod webhooks;
