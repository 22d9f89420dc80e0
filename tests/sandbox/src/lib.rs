//! Slice.
mod calendar;
pub mod freshbooks;
mod http;
mod money;
mod random;
pub use http::{Millis, Request, Response, System};
