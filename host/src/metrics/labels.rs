//! The labels of what is counted.

use prometheus_client::encoding::EncodeLabelSet;

/// The labels of a count by connection and what happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Happened {
    /// The connection's name; empty where it is unknown, as for a peer that is refused.
    pub connection: String,
    /// What happened: a stable kebab-case word.
    pub what: String,
}

/// The labels of a count by connection, system and what happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HappenedAt {
    /// The connection's name, 1 to 64 characters, such as `acme`.
    pub connection: String,
    /// The system's name: `freshbooks` or `concur`.
    pub system: String,
    /// What happened: a stable kebab-case word.
    pub what: String,
}

/// The labels that tell which component runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ComponentLabels {
    /// SHA-256 of the `.wasm` file, 64 characters of lower-case hex.
    pub sha256: String,
    /// The version of the contract that it exports, such as `0.1.0`.
    pub contract_version: String,
    /// The version of this program.
    pub program_version: String,
}

/// The labels of a count by listener and why a stranger was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Refused {
    /// The listener: `webhooks`, `events`, `monitoring` or `admin`.
    pub listener: &'static str,
    /// Why: a stable kebab-case word.
    pub what: &'static str,
}
