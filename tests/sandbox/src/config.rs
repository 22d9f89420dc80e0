//! What a sandbox is made of.

use serde::{Deserialize, Serialize};

use crate::{ConcurConfig, FreshBooksConfig};

/// The seed and both vendors, every switch included.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxConfig {
    /// Seeds everything that looks random.
    pub seed: u64,
    /// FreshBooks.
    pub freshbooks: FreshBooksConfig,
    /// SAP Concur.
    pub concur: ConcurConfig,
}
