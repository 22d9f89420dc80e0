//! What holds for every document and for every history of calls.

mod checks;
mod histories;
mod properties;
