//! The sections of a connection's settings, one table each.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::checks::{allocation_field, anything, base_url, code32, country_code, header_field};
use super::reader::Reader;
use crate::contract::runs::Intent;
use crate::contract::types::Duration;
use crate::retry::{self, Policy};

/// Which FreshBooks account, and our app there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshBooks {
    /// The API's base URL, without a trailing slash.
    pub base: String,
    /// The consent page's base URL, without a trailing slash.
    pub consent_base: String,
    /// `account_id`: the key of the accounting and events families.
    pub account_id: String,
    /// `business.id`: the key of the projects family.
    pub business_id: u64,
    /// Our app's client id.
    pub client_id: String,
    /// Our app's redirect URI, exactly as registered.
    pub redirect_uri: String,
    /// Scopes to ask for, separated by spaces.
    pub scopes: String,
}

/// Which SAP Concur company, and our app there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concur {
    /// The base URL of the first token request, without a trailing slash.
    pub token_base: String,
    /// The company's UUID; it names the company in token requests and events.
    pub company_id: String,
    /// Our app's client id.
    pub client_id: String,
    /// Base URLs to accept beside SAP's published ones, without a trailing slash.
    pub extra_bases: Vec<String>,
}

/// How clients and bill vendors become vendors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vendor {
    /// What every vendor code that we make begins with.
    pub code_prefix: String,
    /// The address code of every vendor that we make.
    pub address_code: String,
    /// The country of clients and bill vendors that have none in FreshBooks.
    pub default_country: Option<String>,
}

/// How invoices and bills become payment requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRequest {
    /// The owner or policy keys that Concur needs, by field name.
    pub owner: BTreeMap<String, String>,
    /// The custom field of the header that holds our marker, spelt as it is written.
    pub marker_field: String,
    /// The custom field of an allocation that holds the cost code, spelt as it is written.
    pub cost_code_field: String,
    /// What to do when nobody can know whether one was created.
    pub ambiguity: Intent,
    /// How long an ambiguous write is left alone before it is looked up.
    pub settle: Duration,
}

/// Which invoices are carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Whether they are carried over.
    pub enabled: bool,
    /// Whether drafts are carried over too, and not only once they are sent.
    pub drafts: bool,
}

/// Which Concur expense type a line gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpenseTypes {
    /// For lines that nothing else matches; without it such lines park the document.
    pub default: Option<String>,
    /// By the name of an invoice line.
    pub by_item: BTreeMap<String, String>,
    /// By the expense category id of a bill line.
    pub by_category: BTreeMap<String, String>,
}

/// The sweep for missed webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Seconds between two sweeps of a kind.
    pub interval_s: u64,
    /// Days that a sweep looks back.
    pub lookback_days: u64,
}

/// Back-fills of what was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backfill {
    /// Runs of documents that a back-fill has under way at once, 1 to 100.
    pub runs_under_way_max: usize,
}

impl Backfill {
    pub(super) fn read(table: &mut Reader) -> Self {
        // Half of the runs that a service drives at once by default, so that what webhooks announce
        // finds room.
        let most = table.whole("runs_under_way_max", 16, 1..=100);
        Self {
            runs_under_way_max: usize::try_from(most).unwrap_or(1),
        }
    }
}

impl FreshBooks {
    pub(super) fn read(table: &mut Reader) -> Self {
        Self {
            base: base(table, "base", "https://api.freshbooks.com"),
            consent_base: base(table, "consent_base", "https://auth.freshbooks.com"),
            account_id: table.text("account_id"),
            business_id: table.whole("business_id", 0, 1..=u64::MAX),
            client_id: table.text("client_id"),
            redirect_uri: table.text("redirect_uri"),
            scopes: table.optional_text("scopes").unwrap_or_default(),
        }
    }
}

impl Concur {
    pub(super) fn read(table: &mut Reader) -> Self {
        Self {
            // The global landing zone (source: concur-base-uris).
            token_base: base(table, "token_base", "https://glz.api.concursolutions.com"),
            company_id: table.text("company_id"),
            client_id: table.text("client_id"),
            extra_bases: table
                .texts("extra_bases", base_url)
                .iter()
                .map(|base| trimmed(base))
                .collect(),
        }
    }
}

impl Vendor {
    pub(super) fn read(table: &mut Reader) -> Self {
        Self {
            code_prefix: table.checked_or("code_prefix", "FB-", |prefix| {
                (prefix.chars().count() <= 12)
                    .then_some(())
                    .ok_or("at most 12 characters")
            }),
            address_code: table.checked_or("address_code", "MAIN", code32),
            default_country: table.optional_checked("default_country", country_code),
        }
    }
}

impl PaymentRequest {
    /// Settings keys of the owner and Concur's fields for them (source: concur-payment-request).
    const OWNERS: [(&str, &str); 5] = [
        ("employee_login_id", "EmployeeLoginId"),
        ("employee_id", "EmployeeId"),
        ("employee_email", "EmployeeEmailAddress"),
        ("ledger_code", "LedgerCode"),
        ("policy_id", "ExternalPolicyId"),
    ];

    pub(super) fn read(table: &mut Reader) -> Self {
        // How long SAP Concur takes to list a new payment request is not documented; half an hour
        // is longer than any request is known to take.
        const SETTLE_S: u64 = 1_800;
        let owner = Self::read_owner(table);
        let ambiguity = match table.choice("ambiguity", &["park", "resend"]) {
            "resend" => Intent::LookUpThenResend,
            _ => Intent::LookUpThenPark,
        };
        Self {
            owner,
            marker_field: table.checked_or("marker_field", "Custom24", header_field),
            cost_code_field: table.checked_or("cost_code_field", "Custom1", allocation_field),
            ambiguity,
            settle: table.whole("settle_s", SETTLE_S, 1..=86_400) * 1_000,
        }
    }

    fn read_owner(table: &mut Reader) -> BTreeMap<String, String> {
        let mut owner = BTreeMap::new();
        for (key, field) in Self::OWNERS {
            if let Some(value) = table.optional_text(key) {
                owner.insert(field.to_string(), value);
            }
        }
        if owner.is_empty() {
            let keys: Vec<_> = Self::OWNERS.iter().map(|(key, _)| *key).collect();
            table.problem(
                "owner-missing",
                format!(
                    "set at least one of {}: SAP Concur must know whose payment request it is",
                    keys.join(", ")
                ),
            );
        }
        owner
    }
}

impl ExpenseTypes {
    pub(super) fn read(table: &mut Reader) -> Self {
        Self {
            default: table.optional_text("default"),
            by_item: table.map("by_item", anything),
            by_category: table.map("by_category", anything),
        }
    }
}

fn base(table: &mut Reader, key: &str, default: &str) -> String {
    trimmed(&table.checked_or(key, default, base_url))
}

fn trimmed(base: &str) -> String {
    base.strip_suffix('/').unwrap_or(base).to_string()
}

/// The back-off policy; what is not set is as in [`retry::default_policy`].
pub(super) fn read_retry(table: &mut Reader) -> Policy {
    let default = retry::default_policy();
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Policy {
        retries_max: small(table.whole("retries_max", u64::from(default.retries_max), 0..=20)),
        delay_first: table.whole("delay_first_s", default.delay_first / 1_000, 1..=86_400) * 1_000,
        factor: small(table.whole("factor", u64::from(default.factor), 1..=10)),
        delay_max: table.whole("delay_max_s", default.delay_max / 1_000, 1..=604_800) * 1_000,
        jitter_permille: small(table.whole(
            "jitter_permille",
            u64::from(default.jitter_permille),
            0..=1_000,
        )),
    }
}
