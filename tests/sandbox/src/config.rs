//! What a sandbox is made of.

use serde::{Deserialize, Serialize};

use crate::{ConcurConfig, FreshBooksConfig};

/// The seed and both vendors, every switch included.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxConfig {
    /// The seed of everything generated: ids, tokens, amounts and chance.
    pub seed: u64,
    /// The FreshBooks account and its switches.
    pub freshbooks: FreshBooksConfig,
    /// The Concur company and its switches.
    pub concur: ConcurConfig,
}
