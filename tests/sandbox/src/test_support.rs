//! What the tests of both vendors share.

pub(crate) mod concur;
pub(crate) mod freshbooks;
