//! Journal entries, the newer endpoint: by UUIDs, with a version header of its own
//! (source: freshbooks-journal-entries).

use jiff::civil::Date;
use serde_json::{Number, Value, json};

use super::config::JournalWrapper;
use super::journal::{DraftEntry, DraftLine, JournalDetail, JournalEntry, Side};
use super::journal_entries::{OBJECT, required_text};
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::call::ApiCall;
use crate::freshbooks::api::errors::{ApiError, unquoted};
use crate::freshbooks::api::fields::{Fields, read_amount, read_currency};
use crate::freshbooks::api::listing::Page;
use crate::http::{Pairs, Response, first_value};
use crate::money::{Currency, Money};

/// The version that calls must name.
const VERSION: &str = "2023-09-25";

const WRAPPER: &str = "manualJournalEntry";

impl FreshBooks {
    /// Routes a request on `/accounting/businesses/{business_uuid}/journal_entries`.
    pub(crate) fn handle_business_entries(
        &mut self,
        call: &ApiCall,
        version: Option<&str>,
    ) -> Result<Response, ApiError> {
        if version != Some(VERSION) {
            let message = format!("must be {VERSION}");
            return Err(ApiError::field(
                400,
                1004,
                OBJECT,
                "x-api-version",
                &message,
            ));
        }
        if !call.access.permits("journal_entries", call.method) {
            return Err(ApiError::forbidden());
        }
        match call.method {
            "POST" => self.create_business_entry(call),
            "GET" => self.list_business_entries(call),
            _ => Err(ApiError::no_route()),
        }
    }

    fn create_business_entry(&mut self, call: &ApiCall) -> Result<Response, ApiError> {
        let fields = self.unwrap_entry(call.body)?;
        let draft = self.read_business_entry(&fields)?;
        let at = self.post_entry(draft, call.now)?;
        let view = self.business_view(&self.journal.entries[at]);
        Ok(Response::json(200, &json!({"data": view})))
    }

    fn list_business_entries(&self, call: &ApiCall) -> Result<Response, ApiError> {
        let page = read_page(&call.query)?;
        let total = self.journal.entries_until(call.visible_until);
        let rows = self
            .page_places(page, total)
            .map(|at| &self.journal.entries[at]);
        let views: Vec<Value> = rows.map(|entry| self.business_view(entry)).collect();
        let meta = json!({"page_number": page.page, "page_size": page.per_page, "total": total,
            "pages": page.pages(total)});
        Ok(Response::json(200, &json!({"data": views, "meta": meta})))
    }

    fn unwrap_entry(&self, body: &[u8]) -> Result<Fields, ApiError> {
        let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else {
            return Err(ApiError::malformed(OBJECT));
        };
        match (body.remove(WRAPPER), self.config.ledger.wrapper) {
            (Some(Value::Object(fields)), JournalWrapper::Either | JournalWrapper::Required) => {
                Ok(fields)
            }
            (None, JournalWrapper::Either | JournalWrapper::Refused) => Ok(body),
            _ => Err(ApiError::malformed(OBJECT)),
        }
    }

    fn read_business_entry(&self, fields: &Fields) -> Result<DraftEntry, ApiError> {
        let name = required_text(fields, "name")?;
        let day = read_day(fields)?;
        let details = fields.get("details").and_then(Value::as_array);
        let details = details.ok_or_else(|| ApiError::required(OBJECT, "details"))?;
        let mut lines = Vec::new();
        let mut codes = Vec::new();
        for detail in details {
            let (line, code) = self.read_business_detail(detail)?;
            lines.push(line);
            codes.push(code);
        }
        let code = *codes.first().unwrap_or(&Currency::euro());
        if codes.iter().any(|other| *other != code) {
            let message = "All details must have one currency.";
            return Err(ApiError::field(422, 1004, OBJECT, "details", message));
        }
        let text = |name: &str| {
            fields
                .get(name)
                .filter(|value| !value.is_null())
                .map(unquoted)
        };
        let description = text("description").unwrap_or_default();
        self.check_length("name", &name)?;
        self.check_length("description", &description)?;
        Ok(DraftEntry {
            name,
            description,
            number: text("journalEntryNumber"),
            day,
            currency: code,
            lines,
        })
    }

    fn read_business_detail(&self, detail: &Value) -> Result<(DraftLine, Currency), ApiError> {
        let fields = detail.as_object().cloned().unwrap_or_default();
        let uuid = required_text(&fields, "accountId")?;
        let known = self.accounts.position_of_uuid(&uuid).filter(|at| {
            let row = &self.accounts.rows[*at];
            row.parent.is_some() || self.config.ledger.post_to_parents
        });
        let unknown =
            || ApiError::field(422, 1012, OBJECT, "accountId", "Account not found.").quoting(uuid);
        let account = known.ok_or_else(unknown)?;
        let money = fields.get("amount").filter(|value| value.is_object());
        let money = money.ok_or_else(|| ApiError::required(OBJECT, "amount"))?;
        let number =
            read_amount(money).ok_or_else(|| ApiError::invalid(OBJECT, "amount", money))?;
        let code = read_currency(&money["code"], OBJECT, "code")?;
        let side = match fields.get("type").and_then(Value::as_str) {
            Some("TYPE_DEBIT") => Side::Debit,
            Some("TYPE_CREDIT") => Side::Credit,
            _ => return Err(ApiError::required(OBJECT, "type")),
        };
        let line = DraftLine {
            account,
            side,
            amount: number,
        };
        Ok((line, code))
    }

    fn business_view(&self, entry: &JournalEntry) -> Value {
        let detail = |detail: &JournalDetail| {
            let side = match detail.side {
                Side::Debit => "TYPE_DEBIT",
                Side::Credit => "TYPE_CREDIT",
            };
            let amount = Money(detail.amount, detail.currency).text();
            let amount = if self.config.ledger.amounts_as_text {
                Value::String(amount)
            } else {
                amount
                    .parse()
                    .map_or(Value::String(amount), |number: Number| json!(number))
            };
            json!({"accountId": self.accounts.rows[detail.account].uuid, "type": side,
                "amount": {"amount": amount, "code": detail.currency.code()}})
        };
        let details = &self.journal.details[entry.details.clone()];
        json!({"uuid": entry.uuid, "name": entry.name, "description": entry.description,
            "journalEntryNumber": entry.number, "userEnteredDate": {"year": entry.day.year(),
                "month": entry.day.month(), "day": entry.day.day()},
            "details": details.iter().map(detail).collect::<Vec<_>>()})
    }
}

fn read_day(fields: &Fields) -> Result<Date, ApiError> {
    let name = "userEnteredDate";
    let value = fields.get(name).filter(|value| !value.is_null());
    let value = value.ok_or_else(|| ApiError::required(OBJECT, name))?;
    let part = |name: &str| value[name].as_i64();
    let day = match (part("year"), part("month"), part("day")) {
        (Some(year), Some(month), Some(day)) => {
            let parts = (i16::try_from(year), i8::try_from(month), i8::try_from(day));
            match parts {
                (Ok(year), Ok(month), Ok(day)) => Date::new(year, month, day).ok(),
                _ => None,
            }
        }
        _ => None,
    };
    day.ok_or_else(|| ApiError::invalid(OBJECT, name, value))
}

fn read_page(query: &Pairs) -> Result<Page, ApiError> {
    let number = |name: &str, default: usize| match first_value(query, name) {
        Some(text) => text
            .parse()
            .map_err(|_| ApiError::field(422, 1015, OBJECT, name, "must be a number")),
        None => Ok(default),
    };
    let (page, per_page): (usize, usize) = (number("page_number", 1)?, number("page_size", 30)?);
    Ok(Page {
        page: page.max(1),
        per_page: per_page.clamp(1, 100),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::FreshBooksHarness;

    const PATH: &str =
        "/accounting/businesses/3f2c5f0e-4b7a-4d57-9a5e-6a1f2b3c4d5e/journal_entries";

    fn uuid(harness: &FreshBooksHarness, number: &str) -> String {
        let accounts = harness.machine.accounts();
        let found = accounts
            .into_iter()
            .find(|account| account.number == number);
        found.expect("the account").uuid
    }

    fn line(harness: &FreshBooksHarness, number: &str, amount: Value, side: &str) -> Value {
        json!({"accountId": uuid(harness, number), "amount": {"amount": amount, "code": "EUR"},
            "type": side})
    }

    /// An acceptable entry with changes.
    fn entry(harness: &FreshBooksHarness, changes: Value) -> Value {
        let details = [
            line(harness, "6100-1", json!(119.0), "TYPE_DEBIT"),
            line(harness, "2000-2", json!("119.00"), "TYPE_CREDIT"),
        ];
        let mut entry = json!({"userEnteredDate": {"year": 2026, "month": 1, "day": 31},
            "name": "CONCUR-1",
            "journalEntryNumber": "77", "description": "Batch 77", "details": details});
        for (name, value) in changes.as_object().cloned().unwrap_or_default() {
            entry[name] = value;
        }
        entry
    }

    fn send(
        harness: &mut FreshBooksHarness,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Response {
        let request = harness.request(method, path, body);
        let request = request.with_header("x-api-version", VERSION);
        harness.machine.handle(&request, harness.now, 0)
    }

    /// The field that a refusal names.
    fn refused(harness: &mut FreshBooksHarness, changes: Value) -> String {
        let body = entry(harness, changes);
        let answer = send(harness, "POST", PATH, Some(body));
        assert_eq!(answer.status, 400, "{}", answer.value());
        let detail = answer.value()["errors"]["details"][0].clone();
        assert!(detail["reason"].is_string());
        detail["metadata"]["field"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    #[test]
    fn the_version_header_is_required() {
        let mut harness = FreshBooksHarness::new();
        let body = entry(&harness, json!({}));
        for (method, body) in [("POST", Some(body)), ("GET", None)] {
            let refused = harness.send(method, PATH, body);
            assert_eq!(refused.status, 400);
            assert_eq!(
                refused.value()["errors"]["details"][0]["metadata"]["field"],
                "x-api-version"
            );
        }
    }

    #[test]
    fn numbers_and_strings_are_amounts_with_or_without_the_wrapper() {
        let mut harness = FreshBooksHarness::new();
        let bare = entry(&harness, json!({}));
        let wrapped = json!({"manualJournalEntry": bare});
        for (wrapper, statuses) in [
            (JournalWrapper::Either, [200, 200]),
            (JournalWrapper::Required, [400, 200]),
            (JournalWrapper::Refused, [200, 400]),
        ] {
            harness.machine.config.ledger.wrapper = wrapper;
            let bodies = [bare.clone(), wrapped.clone()];
            let answers = bodies.map(|body| send(&mut harness, "POST", PATH, Some(body)).status);
            assert_eq!(answers, statuses, "{wrapper:?}");
        }
        let entries = harness.machine.journal_entries();
        assert_eq!(
            (entries.len(), entries[0].number.as_deref()),
            (4, Some("77"))
        );
        assert_eq!(entries[0].lines[0].debit, 119.into());
    }

    #[test]
    fn wrong_entries_are_400_with_the_field() {
        let mut harness = FreshBooksHarness::new();
        for name in ["name", "userEnteredDate", "details"] {
            assert_eq!(refused(&mut harness, json!({name: null})), name);
        }
        let day = json!({"userEnteredDate": {"year": 2026, "month": 2, "day": 30}});
        assert_eq!(refused(&mut harness, day), "userEnteredDate");
        let changed = |harness: &FreshBooksHarness, name: &str, value: Value| {
            let mut rows = entry(harness, json!({}))["details"].clone();
            rows[0][name] = value;
            json!({"details": rows})
        };
        for (name, value, field) in [
            ("accountId", json!("unknown"), "accountId"),
            ("accountId", json!(uuid(&harness, "6100")), "accountId"),
            ("amount", json!("119.00"), "amount"),
            (
                "amount",
                json!({"amount": 119.001, "code": "EUR"}),
                "amount",
            ),
            ("amount", json!({"amount": 118, "code": "EUR"}), "details"),
            ("amount", json!({"amount": 119, "code": "CAD"}), "details"),
            ("amount", json!({"amount": 119}), "code"),
            ("type", json!("debit"), "type"),
        ] {
            let changes = changed(&harness, name, value);
            assert_eq!(refused(&mut harness, changes), field);
        }
        assert_eq!(harness.machine.journal_entry_count(), 0);
        harness.machine.config.ledger.post_to_parents = true;
        let changes = changed(&harness, "accountId", json!(uuid(&harness, "6100")));
        let body = entry(&harness, changes);
        assert_eq!(send(&mut harness, "POST", PATH, Some(body)).status, 200);
    }

    #[test]
    fn entries_of_both_endpoints_are_listed_by_pages() {
        let mut harness = FreshBooksHarness::new();
        for _ in 0..3 {
            let body = entry(&harness, json!({}));
            send(&mut harness, "POST", PATH, Some(body));
        }
        let page = send(
            &mut harness,
            "GET",
            &format!("{PATH}?page_size=2&page_number=2"),
            None,
        )
        .value();
        assert_eq!(
            (
                page["data"].as_array().map(Vec::len),
                &page["meta"]["total"]
            ),
            (Some(1), &json!(3))
        );
        let row = &page["data"][0];
        assert_eq!(row["uuid"].as_str().map(str::len), Some(36));
        assert_eq!(
            (
                &row["details"][0]["amount"]["amount"],
                &row["userEnteredDate"]["day"]
            ),
            (&json!(119.0), &json!(31))
        );
        harness.machine.config.ledger.amounts_as_text = true;
        let page = send(&mut harness, "GET", PATH, None).value();
        assert_eq!(page["data"][0]["details"][0]["amount"]["amount"], "119.00");
        let details = harness.listed(
            "journal_entries/journal_entry_details",
            "journal_entry_details",
        );
        assert_eq!(details.len(), 6);
        assert_eq!(
            send(&mut harness, "GET", &format!("{PATH}?page_size=x"), None).status,
            400
        );
        assert_eq!(send(&mut harness, "PUT", PATH, None).status, 404);
    }

    #[test]
    fn stale_look_ups_miss_the_youngest_entries() {
        let mut harness = FreshBooksHarness::new();
        let body = entry(&harness, json!({}));
        send(&mut harness, "POST", PATH, Some(body));
        let request = harness
            .request("GET", PATH, None)
            .with_header("X-Api-Version", VERSION);
        let mut total = |stale| {
            harness.machine.handle(&request, harness.now, stale).value()["meta"]["total"].clone()
        };
        assert_eq!((total(0), total(1)), (json!(1), json!(0)));
    }
}
