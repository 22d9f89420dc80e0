//! What the tests of both machines share.

pub(crate) mod concur;
pub(crate) mod freshbooks;
