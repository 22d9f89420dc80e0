//! What flows are written in: one run's effects, requests that are sent until their outcome is
//! known, and the ways in which a run stops for a person.
//!
//! - [`effects`]: the handle of a run, and what it can ask of the host besides requests;
//! - [`parking`]: early ends, and since when they last;
//! - [`attempts`]: what one request may cost in time and retries;
//! - [`sending`]: reads, writes and the look-ups around a write.

mod attempts;
mod effects;
mod parking;
mod sending;

pub(crate) use effects::Flow;
pub(crate) use parking::{
    EARLIER, EarlyEnd, NOT_SHOWN, cannot_translate, remote_refused, summary, unchanged,
};
pub(crate) use sending::{LookUp, Written};
