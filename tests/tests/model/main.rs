//! Random histories and crashes at every effect, against what must be true afterwards.
//!
//! First chaos: people work in both systems while calls fail, deliveries come twice, late or not at
//! all, and the process dies. Then everything is healed and the promises of ARCHITECTURE.md are
//! checked.
//!
//! The same cases are played every time, so that a change is judged by what it changes.
//! `MODEL_SEED` plays others, `MODEL_CASES` more of them. A case that fails is written down in
//! `regressions/`, and played first from then on; its minimal input becomes a scenario.

mod bills;
mod renewals;
mod round_trip;
mod shared;
mod way_back;
mod way_there;
