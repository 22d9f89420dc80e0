//! The logic of ml-connector, as a pure library and as a WebAssembly component without imports.
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
//! The public modules have the names of the interfaces in `wit/`, beside [`settings`] and
//! [`marker`]. The private ones, from what knows least:
//!
//! - `money`, `text`, `country`, `subdivisions`, `lax_json`, `error_bodies`: helpers;
//! - `concur`, `freshbooks`: the two wires, read tolerantly and written;
//! - `payment_request`, `vendor`, `financial`: translations, pure, gathering every problem;
//! - `classify`, `runs`, `flow`: the run mechanism, and what flows are written in;
//! - `flows`: the stories, one for each kind of object;
//! - `exports`: the component's interfaces, each one line.

#![no_std]

extern crate alloc;
// Links the allocator and the panic handler, while `std::` cannot be named.
extern crate std as _;

pub mod admission;
mod classify;
mod concur;
pub mod contract;
mod country;
pub mod credentials;
mod error_bodies;
pub mod events;
#[cfg(target_arch = "wasm32")]
#[allow(
    unsafe_code,
    reason = "the generated glue between the component's ABI and the library"
)]
mod exports;
mod financial;
mod flow;
mod flows;
mod freshbooks;
mod lax_json;
pub mod mapping;
pub mod marker;
mod money;
pub mod pacing;
mod payment_request;
pub mod retry;
pub mod runs;
pub mod settings;
mod subdivisions;
mod text;
mod vendor;
pub mod webhooks;
