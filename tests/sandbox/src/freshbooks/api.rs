//! What every FreshBooks call shares: the call itself, reading fields, lists, resources and the
//! shapes of errors.

pub(crate) mod call;
pub(crate) mod errors;
pub(crate) mod fields;
pub(crate) mod listing;
pub(crate) mod resource;
