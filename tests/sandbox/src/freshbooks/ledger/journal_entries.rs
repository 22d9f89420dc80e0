//! Journal entries, the older endpoint: create only, by the legacy ids of sub-accounts
//! (source: freshbooks-journal-entries).

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::journal::{DraftEntry, DraftLine, JournalDetail, Side};
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::call::ApiCall;
use crate::freshbooks::api::errors::{ApiError, unquoted};
use crate::freshbooks::api::fields::{Fields, read_currency, required_day, required_id};
use crate::freshbooks::api::listing::one_object;
use crate::http::Response;
use crate::money::{Currency, Money, decimal};

pub(crate) const OBJECT: &str = "journal_entry";

impl FreshBooks {
    /// Routes a request on `journal_entries/journal_entries`.
    pub(crate) fn handle_journal_entries(&mut self, call: &ApiCall) -> Result<Response, ApiError> {
        if call.method != "POST" {
            return Err(ApiError::no_route());
        }
        if !call.access.permits("journal_entries", call.method) {
            return Err(ApiError::forbidden());
        }
        let draft = self.read_entry(&call.body(OBJECT)?)?;
        let at = self.post_entry(draft, call.now)?;
        Ok(one_object(OBJECT, &self.entry_view(at)))
    }

    fn read_entry(&self, fields: &Fields) -> Result<DraftEntry, ApiError> {
        let name = required_text(fields, "name")?;
        let day = required_day(fields, OBJECT, "user_entered_date")?;
        let details = fields.get("details").and_then(Value::as_array);
        let details = details.ok_or_else(|| ApiError::required(OBJECT, "details"))?;
        let currency = self.entry_currency(fields)?;
        let line = |value: &Value| {
            let fields = value.as_object().cloned().unwrap_or_default();
            self.read_detail(&fields)
        };
        let description = fields.get("description").and_then(Value::as_str);
        let description = description.unwrap_or_default().to_owned();
        self.check_length("name", &name)?;
        self.check_length("description", &description)?;
        Ok(DraftEntry {
            name,
            description,
            number: None,
            day,
            currency,
            lines: details.iter().map(line).collect::<Result<_, _>>()?,
        })
    }

    /// Refuses a text that is too long to be stored.
    pub(crate) fn check_length(&self, field: &str, text: &str) -> Result<(), ApiError> {
        if text.chars().count() <= self.config.ledger.text_chars_max {
            return Ok(());
        }
        Err(ApiError::field(
            422,
            1017,
            OBJECT,
            field,
            "The value is too long.",
        ))
    }

    fn entry_currency(&self, fields: &Fields) -> Result<Currency, ApiError> {
        match fields.get("currency_code").filter(|code| !code.is_null()) {
            Some(code) => read_currency(code, OBJECT, "currency_code"),
            None if self.config.ledger.missing_currency_is_500 => Err(ApiError::field(
                500,
                500,
                "",
                "",
                "An unexpected error occurred.",
            )),
            None => Err(ApiError::required(OBJECT, "currency_code")),
        }
    }

    fn read_detail(&self, fields: &Fields) -> Result<DraftLine, ApiError> {
        let id = required_id(fields, OBJECT, "sub_accountid")?;
        let unknown = || {
            ApiError::field(422, 1012, OBJECT, "sub_accountid", "Sub account not found.")
                .quoting(id.to_string())
        };
        let account = self.accounts.sub_account_position(id).ok_or_else(unknown)?;
        let (debit, credit) = (read_side(fields, "debit")?, read_side(fields, "credit")?);
        let (side, amount) = match (debit, credit) {
            (Some(amount), None) => (Side::Debit, amount),
            (None, Some(amount)) => (Side::Credit, amount),
            (None, None) => return Err(ApiError::required(OBJECT, "debit")),
            (Some(_), Some(_)) => {
                let message = "A detail is a debit or a credit.";
                return Err(ApiError::field(422, 1004, OBJECT, "credit", message));
            }
        };
        Ok(DraftLine {
            account,
            side,
            amount,
        })
    }

    fn entry_view(&self, at: usize) -> Value {
        let entry = &self.journal.entries[at];
        let detail = |detail: &JournalDetail| {
            let on =
                |side| (detail.side == side).then(|| Money(detail.amount, detail.currency).text());
            json!({"id": detail.id, "detailid": detail.id,
                "sub_accountid": self.accounts.rows[detail.account].id,
                "debit": on(Side::Debit), "credit": on(Side::Credit),
                "currency_code": detail.currency.code(),
                "categoryid": null, "description": entry.description, "name": entry.name,
                "user_entered_date": entry.day.to_string()})
        };
        let details = &self.journal.details[entry.details.clone()];
        json!({"id": entry.id, "entryid": entry.id, "name": entry.name,
            "description": entry.description,
            "currency_code": entry.currency.code(), "user_entered_date": entry.day.to_string(),
            "details": details.iter().map(detail).collect::<Vec<_>>()})
    }
}

/// A field that must be a text and not be empty.
pub(crate) fn required_text(fields: &Fields, name: &str) -> Result<String, ApiError> {
    match fields.get(name).filter(|value| !value.is_null()) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::String(_)) | None => Err(ApiError::required(OBJECT, name)),
        Some(other) => Err(ApiError::invalid(OBJECT, name, other)),
    }
}

fn read_side(fields: &Fields, name: &str) -> Result<Option<Decimal>, ApiError> {
    let Some(value) = fields.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let amount = decimal(value).ok_or_else(|| {
        ApiError::field(422, 1015, OBJECT, name, "Must be a number.").quoting(unquoted(value))
    });
    amount.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    const PATH: &str = "journal_entries/journal_entries";

    fn sub(harness: &FreshBooksHarness, number: &str) -> u64 {
        let found = harness.machine.accounts();
        let found = found.iter().find(|account| account.number == number);
        found
            .and_then(|one| one.sub_account_id)
            .expect("a sub-account")
    }

    /// An acceptable entry with changes.
    fn entry(harness: &FreshBooksHarness, changes: Value) -> Value {
        let mut entry = json!({"name": "CONCUR-1", "description": "Batch 77",
            "user_entered_date": "2026-01-31",
            "currency_code": "EUR", "details": [{"sub_accountid": sub(harness, "6100-1"),
            "debit": "119.00"},
                {"sub_accountid": sub(harness, "2000-2"), "credit": "119.00"}]});
        for (name, value) in changes.as_object().cloned().unwrap_or_default() {
            entry[name] = value;
        }
        json!({"journal_entry": entry})
    }

    fn refused(harness: &mut FreshBooksHarness, changes: Value) -> (u16, u64) {
        let body = entry(harness, changes);
        let refused = harness.refused("POST", PATH, body);
        assert_eq!(harness.machine.journal_entry_count(), 0);
        refused
    }

    fn details(harness: &mut FreshBooksHarness, amounts: &[(&str, Value)]) -> (u16, u64) {
        let id = sub(harness, "6100-1");
        let rows = amounts
            .iter()
            .map(|(side, amount)| json!({"sub_accountid": id, *side: amount}));
        let rows: Vec<Value> = rows.collect();
        refused(harness, json!({"details": rows}))
    }

    #[test]
    fn an_entry_answers_with_twin_ids_and_plain_amounts() {
        let mut harness = FreshBooksHarness::new();
        let body = entry(&harness, json!({}));
        let answer = harness.accounting("POST", PATH, Some(body));
        let shown = object(&answer, "journal_entry");
        assert_eq!((answer.status, &shown["id"]), (200, &shown["entryid"]));
        let [debit, credit] = [&shown["details"][0], &shown["details"][1]];
        assert_eq!(
            (&debit["debit"], &debit["credit"], &credit["credit"]),
            (&json!("119.00"), &json!(null), &json!("119.00"))
        );
        assert_eq!(
            (&debit["description"], &debit["id"]),
            (&json!("Batch 77"), &debit["detailid"])
        );
    }

    #[test]
    fn required_fields_are_required() {
        let mut harness = FreshBooksHarness::new();
        for name in ["name", "user_entered_date", "details"] {
            assert_eq!(
                refused(&mut harness, json!({name: null})),
                (422, 1001),
                "{name}"
            );
        }
        assert_eq!(refused(&mut harness, json!({"name": ""})), (422, 1001));
        assert_eq!(
            refused(&mut harness, json!({"user_entered_date": "31.01.2026"})),
            (422, 1033)
        );
    }

    #[test]
    fn a_missing_currency_is_500_or_by_switch_422() {
        let mut harness = FreshBooksHarness::new();
        assert_eq!(
            refused(&mut harness, json!({"currency_code": null})),
            (500, 500)
        );
        harness.machine.config.ledger.missing_currency_is_500 = false;
        assert_eq!(
            refused(&mut harness, json!({"currency_code": null})),
            (422, 1001)
        );
        assert_eq!(
            refused(&mut harness, json!({"currency_code": "eur"})),
            (422, 1004)
        );
    }

    #[test]
    fn long_names_and_descriptions_are_refused() {
        for name in ["name", "description"] {
            let mut harness = FreshBooksHarness::new();
            let long = "x".repeat(256);
            assert_eq!(refused(&mut harness, json!({name: long})), (422, 1017));
            let body = entry(&harness, json!({name: "ü".repeat(255)}));
            assert_eq!(harness.accounting("POST", PATH, Some(body)).status, 200);
        }
    }

    #[test]
    fn entries_must_balance_and_have_two_details() {
        let mut harness = FreshBooksHarness::new();
        let pair = |a: &str, b: &str| [("debit", json!(a)), ("credit", json!(b))];
        assert_eq!(details(&mut harness, &pair("1.00", "1.01")), (422, 1040));
        assert_eq!(details(&mut harness, &[]), (422, 1004));
        assert_eq!(details(&mut harness, &[("debit", json!("1"))]), (422, 1004));
    }

    #[test]
    fn amounts_are_plain_positive_decimals_of_the_currency() {
        let mut harness = FreshBooksHarness::new();
        let both = |amount: Value| [("debit", amount.clone()), ("credit", amount)];
        assert_eq!(details(&mut harness, &both(json!("1.005"))), (422, 1004));
        assert_eq!(details(&mut harness, &both(json!("-1"))), (422, 1025));
        assert_eq!(details(&mut harness, &both(json!("0.00"))), (422, 1004));
        assert_eq!(details(&mut harness, &both(json!("1e2"))), (422, 1015));
        assert_eq!(
            details(&mut harness, &both(json!({"amount": "1", "code": "EUR"}))),
            (422, 1015)
        );
        assert_eq!(details(&mut harness, &both(json!(null))), (422, 1001));
    }

    #[test]
    fn too_many_decimals_are_rounded_by_switch() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.ledger.round_amounts = true;
        let id = sub(&harness, "6100-1");
        let rows =
            json!([{"sub_accountid": id, "debit": "1.005"}, {"sub_accountid": id, "credit": 1.01}]);
        let body = entry(&harness, json!({"details": rows}));
        assert_eq!(harness.accounting("POST", PATH, Some(body)).status, 200);
    }

    #[test]
    fn details_name_a_known_sub_account_and_one_side() {
        let mut harness = FreshBooksHarness::new();
        let row = |id: Value| json!({"sub_accountid": id, "debit": "1"});
        for (id, errno) in [(json!(501), 1012), (json!("x"), 1015), (json!(null), 1001)] {
            let rows = json!({"details": [row(id.clone()), row(id)]});
            assert_eq!(refused(&mut harness, rows), (422, errno));
        }
        let id = sub(&harness, "6100-1");
        let both = json!({"sub_accountid": id, "debit": "1", "credit": "1"});
        assert_eq!(
            refused(&mut harness, json!({"details": [both, both]})),
            (422, 1004)
        );
    }

    #[test]
    fn the_same_entry_twice_is_two_entries() {
        let mut harness = FreshBooksHarness::new();
        for _ in 0..2 {
            let body = entry(&harness, json!({}));
            assert_eq!(harness.accounting("POST", PATH, Some(body)).status, 200);
        }
        assert_eq!(harness.machine.journal_entry_count(), 2);
    }

    #[test]
    fn entries_are_neither_shown_nor_changed_nor_deleted() {
        let mut harness = FreshBooksHarness::new();
        let body = entry(&harness, json!({}));
        let id = object(
            &harness.accounting("POST", PATH, Some(body.clone())),
            OBJECT,
        )["id"]
            .clone();
        for (method, path) in [
            ("GET", PATH.to_owned()),
            ("GET", format!("{PATH}/{id}")),
            ("PUT", format!("{PATH}/{id}")),
            ("DELETE", format!("{PATH}/{id}")),
        ] {
            let answer = harness.accounting(method, &path, Some(body.clone()));
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }

    #[test]
    fn scopes_are_those_of_journal_entries() {
        let mut harness = FreshBooksHarness::new();
        let body = entry(&harness, json!({}));
        let reads = [
            "journal_entry_accounts/journal_entry_accounts",
            "journal_entries/journal_entry_details",
        ];
        for (scope, write, read) in [
            ("user:journal_entries:write", 200, 403),
            ("user:journal_entries:read", 403, 200),
            ("user:invoices:read", 403, 403),
        ] {
            harness.hold(scope);
            assert_eq!(
                harness.accounting("POST", PATH, Some(body.clone())).status,
                write,
                "{scope}"
            );
            for path in reads {
                assert_eq!(
                    harness.accounting("GET", path, None).status,
                    read,
                    "{scope} {path}"
                );
            }
        }
    }
}
