//! Webhooks: callbacks that apps register, deliveries to them, and the signature of a delivery.

pub(crate) mod callbacks;
pub(crate) mod deliveries;
pub(crate) mod signature;
