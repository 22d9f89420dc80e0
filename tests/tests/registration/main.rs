//! Webhook registrations among strangers who know the address, and what a person sees who connects:
//! what is trusted is what was proven, and what is said is what is so.

mod consent;
mod real_host;
mod simulated;
