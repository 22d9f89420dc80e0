//! The switches for what the pages of Identity leave open.

use serde::{Deserialize, Serialize};

/// Identity v4 and v4.1.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// How refusals look; pages and public code differ. Default: both.
    pub error_shape: IdentityErrorShape,
    /// E-mail addresses and logins are compared with their case; only a sample says that they are
    /// not. Default: false.
    pub case_matters: bool,
    /// A filter by an attribute that the token may not read is refused with 403; false: nobody has
    /// the attribute (open). Default: false.
    pub unscoped_filter_refused: bool,
    /// Lists and searches leave inactive users out unless they filter by `active` (open). Default:
    /// false.
    pub inactive_left_out: bool,
}

/// How a refusal looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityErrorShape {
    /// `status`, `scimType` and `detail`, and Concur's messages.
    Both,
    /// `status`, `scimType` and `detail`.
    Standard,
    /// Concur's own messages, and nothing of the standard.
    Messages,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            error_shape: IdentityErrorShape::Both,
            case_matters: false,
            unscoped_filter_refused: false,
            inactive_left_out: false,
        }
    }
}
