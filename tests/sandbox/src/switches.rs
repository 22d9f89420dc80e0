//! The switches of a sandbox, found in its configuration: what has two readings or more can be
//! tried in each of them.
//!
//! A new `bool` or enum in the configuration is a switch at once. Every other new member needs a
//! line in `OTHER_VALUES` or `FIXED`; a test says which one lacks it.

pub mod covering_array;
mod row;

use serde_json::Value;

use crate::SandboxConfig;
pub use row::Row;

/// A member of the configuration that has several readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// Where it is, such as `freshbooks.webhooks.field_order`.
    pub name: String,
    /// Its readings, at least two, the default first.
    pub values: Vec<Value>,
}

/// Other values of numbers, texts and lists, each line a list of readings as JSON: values that a
/// `bool` or an enum has of itself.
const OTHER_VALUES: &[(&str, &str)] = &[
    ("freshbooks.access_token_life_s", "[900]"),
    ("freshbooks.retry_after_on_success_s", "[3]"),
    ("freshbooks.hidden_rows", "[2]"),
    ("freshbooks.webhooks.delay_ms", "[1500]"),
    ("freshbooks.webhooks.duplicate_per_mille", "[300]"),
    ("freshbooks.webhooks.disorder_per_mille", "[300]"),
    ("concur.token.access_life_s", "[3000]"),
    ("concur.vendors.refused_type", r#"["ERROR"]"#),
    ("concur.payment_requests.digest_lag_ms", "[60000]"),
    ("concur.payment_requests.digest_page_max", "[2]"),
    (
        "concur.payment_requests.approval_codes",
        r#"[["NEW","SENT","OK"]]"#,
    ),
    ("concur.lists.bulk_calls_per_minute", "[2]"),
    ("concur.lists.bulk_timeout_after", "[40]"),
    ("concur.expense.approval_steps", r#"[["A_PEND","A_EXTV"]]"#),
    ("concur.expense.creation_takes_ms", "[20000]"),
    ("concur.expense.idempotency_life_ms", "[3600000]"),
    ("concur.expense.page_max", "[2]"),
    ("concur.expense.quick_image_bytes_max", "[50000000]"),
    ("concur.financial.limit_max", "[3]"),
    ("concur.financial.advance_return_type", "[3]"),
    (
        "concur.financial.always",
        r#"[["text","shuffled","missing_blocks"],["eight_decimals","zero_exponent","unknown_fields"],
            ["quoted_numbers","padded_codes"]]"#,
    ),
];

/// What is no reading of a page, with why: members, whole tables, and single values of a switch.
const FIXED: &[(&str, &str)] = &[
    ("seed", "what is drawn, not how it is written"),
    ("freshbooks.account_id", WHO),
    ("freshbooks.business_id", WHO),
    ("freshbooks.business_uuid", WHO),
    ("freshbooks.identity_id", WHO),
    ("freshbooks.business_name", WHO),
    ("freshbooks.currency", WHO),
    ("freshbooks.apps", WHO),
    ("freshbooks.categories", WHO),
    ("freshbooks.staff", WHO),
    ("freshbooks.ledger.accounts", WHO),
    ("freshbooks.ledger.expense_accounts", WHO),
    (
        "freshbooks.missing_features",
        "a plan without bills has none to carry over",
    ),
    (
        "freshbooks.ledger.text_chars_max",
        "a bound that nobody publishes, and no form of an entry",
    ),
    ("freshbooks.webhooks.retry_after_s", FATE),
    ("freshbooks.webhooks.disable_after_drops", FATE),
    ("freshbooks.webhooks.drop_per_mille", FATE),
    ("freshbooks.webhooks.disorder_ms", FATE),
    ("freshbooks.webhooks.silent", FATE),
    ("concur.hosts", WHO),
    ("concur.datacenter", WHO),
    ("concur.company_uuid", WHO),
    ("concur.apps", WHO),
    ("concur.employees", WHO),
    ("concur.users", WHO),
    ("concur.lists.initial", WHO),
    ("concur.expense_types", WHO),
    ("concur.ledgers", WHO),
    ("concur.allocation_lists", WHO),
    ("concur.vendor_lists", WHO),
    ("concur.payment_requests.fields_off_form", WHO),
    ("concur.expense.policies", WHO),
    ("concur.expense.expense_types", WHO),
    ("concur.expense.payment_types", WHO),
    ("concur.expense.entry_fields", WHO),
    ("concur.expense.report_fields", WHO),
    ("concur.expense.exchange_rates", WHO),
    (
        "concur.payment_requests.custom_spelling=padded",
        "settings must have this spelling too",
    ),
    (
        "concur.token.refresh_life_s",
        "a person connects once it is over",
    ),
    ("concur.token.maintenance", FATE),
    (
        "concur.token.geolocation=off_the_list",
        "a host that no token may be sent to is refused",
    ),
    (
        "concur.financial.enabled",
        "without the integration there are no documents",
    ),
    ("concur.financial.company_id", WHO),
    ("concur.financial.entity_id", WHO),
    (
        "concur.events",
        "events reach receivers over TLS only, which virtual time has not",
    ),
];

/// Why the names and tables of an account are no readings.
const WHO: &str = "who and what is there; documents and settings name it";
/// Why what becomes of single calls is no reading.
const FATE: &str = "what goes wrong for a while, which faults and scenarios play";

/// Every switch, in the order of the configuration's names.
///
/// # Panics
///
/// If a member of the configuration is in none of the tables and is neither a `bool` nor an enum.
#[must_use]
pub fn switches() -> Vec<Switch> {
    let default = default_values();
    let mut switches = Vec::new();
    collect("", &default, &mut switches);
    switches
}

fn default_values() -> Value {
    serde_json::to_value(SandboxConfig::default()).unwrap_or_default()
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('.', "/"))
}

fn is_fixed(name: &str) -> bool {
    FIXED.iter().any(|(fixed, _)| *fixed == name)
}

fn collect(name: &str, default: &Value, into: &mut Vec<Switch>) {
    if is_fixed(name) {
        return;
    }
    if let Value::Object(members) = default {
        for (member, value) in members {
            let inner = match name {
                "" => member.clone(),
                _ => format!("{name}.{member}"),
            };
            collect(&inner, value, into);
        }
        return;
    }
    let mut others = other_values(name, default);
    others.retain(|other| other != default && !is_fixed(&format!("{name}={}", text(other))));
    assert!(
        !others.is_empty(),
        "{name} is no switch: it needs a line in OTHER_VALUES or FIXED of {}",
        file!()
    );
    let values = [vec![default.clone()], others].concat();
    into.push(Switch {
        name: name.to_owned(),
        values,
    });
}

/// A value as a name in [`FIXED`] ends in it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn other_values(name: &str, default: &Value) -> Vec<Value> {
    if let Some((_, values)) = OTHER_VALUES.iter().find(|(listed, _)| *listed == name) {
        return serde_json::from_str(values).unwrap_or_default();
    }
    match default {
        Value::Bool(on) => vec![Value::Bool(!on)],
        Value::String(_) => variants(name),
        _ => Vec::new(),
    }
}

/// The names of an enum's variants, as serde lists them in the error about one that is none of
/// them: `expected one of`, each name between two backticks. Nothing if the member takes any text.
fn variants(name: &str) -> Vec<Value> {
    let none = Value::from("none of them");
    let row = Row::default().with(name, none);
    let Err(error) = row.config() else {
        return Vec::new();
    };
    let (_, expected) = error.split_once("expected").unwrap_or_default();
    let names = expected.split('`').skip(1).step_by(2);
    names.map(Value::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_a_switch_or_named_as_none() {
        let switches = switches();
        assert!(switches.len() > 60, "{}", switches.len());
        for switch in &switches {
            for value in &switch.values {
                let read = Row::default().with(&switch.name, value.clone()).config();
                assert!(read.is_ok(), "{}: {read:?}", switch.name);
            }
        }
    }

    #[test]
    fn every_name_in_the_tables_is_one_of_the_configuration() {
        let default = default_values();
        let names = OTHER_VALUES.iter().chain(FIXED).map(|(name, _)| *name);
        for name in names {
            let place = name.split('=').next().unwrap_or_default();
            assert!(default.pointer(&pointer(place)).is_some(), "{name}");
        }
    }

    #[test]
    fn variants_are_found_and_the_default_is_first() {
        let switches = switches();
        let values = |name: &str| {
            let found = switches.iter().find(|switch| switch.name == name);
            serde_json::json!(found.expect("is a switch").values)
        };
        let refresh = serde_json::json!(["same", "rotate_with_overlap", "rotate_strict"]);
        assert_eq!(values("concur.token.refresh"), refresh);
        let geolocation = serde_json::json!(["plain", "with_path", "upper_case"]);
        assert_eq!(values("concur.token.geolocation"), geolocation);
        let two = serde_json::json!([true, false]);
        assert_eq!(values("freshbooks.newest_first"), two);
    }
}
