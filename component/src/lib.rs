//! The brain of ml-connector.

#![no_std]

extern crate alloc;
// Links the allocator and the panic handler, while `std::` cannot be named.
extern crate std as _;

pub mod admission;
pub mod contract;
pub mod credentials;
pub mod geolocation;
pub mod pacing;
pub mod retry;
pub mod webhooks;
