//! Taxes: names with percentages; DELETE removes them for good (source: freshbooks-taxes).

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use super::lines::{KnownTaxes, read_percent};
use crate::calendar::eastern_stamp;
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::errors::ApiError;
use crate::freshbooks::api::fields::{Fields, SparseFields};
use crate::freshbooks::api::listing::SearchFilters;
use crate::freshbooks::api::resource::{Resource, RowHead, ViewContext, deleted_response};
use crate::http::{Millis, Response};
use crate::sparse_fields::WrittenFields;

const TEXTS: &[&str] = &["name", "number"];

/// A tax of the account: a name with a percentage.
#[derive(Clone, Debug)]
pub(crate) struct Tax {
    pub(crate) head: RowHead,
    texts: SparseFields,
    percent: Decimal,
    compound: bool,
}

/// A tax as it is written.
#[derive(Serialize)]
pub(crate) struct TaxView<'a> {
    id: u64,
    taxid: u64,
    #[serde(flatten)]
    texts: WrittenFields<'a>,
    amount: String,
    compound: bool,
    updated: String,
    accounting_systemid: &'a str,
}

impl Resource for Tax {
    const ONE: &'static str = "tax";
    const MANY: &'static str = "taxes";
    const ID_FIELD: &'static str = "taxid";
    const SCOPE: &'static str = "taxes";
    type View<'a> = TaxView<'a>;

    fn create(machine: &mut FreshBooks, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        let mut tax = Self {
            head: RowHead::draft(now),
            texts: SparseFields::new(TEXTS),
            percent: Decimal::ZERO,
            compound: false,
        };
        tax.apply(machine, fields)?;
        Ok(machine.taxes.insert_new(tax))
    }

    fn apply(&mut self, _: &FreshBooks, fields: &Fields) -> Result<(), ApiError> {
        self.texts.write_fields(fields, Self::ONE)?;
        if self.texts.get("name").is_empty() {
            return Err(ApiError::required(Self::ONE, "name"));
        }
        if let Some(value) = fields.get("amount") {
            let percent = read_percent(value);
            self.percent = percent.ok_or_else(|| {
                ApiError::field(422, 1018, Self::ONE, "amount", "Invalid percentage.")
            })?;
        }
        self.compound = fields
            .get("compound")
            .and_then(Value::as_bool)
            .unwrap_or(self.compound);
        Ok(())
    }

    fn matches(&self, _: &SearchFilters, _: &ViewContext) -> bool {
        true
    }

    fn view<'a>(&'a self, showing: &ViewContext<'a>) -> TaxView<'a> {
        TaxView {
            id: self.head.id,
            taxid: self.head.id,
            texts: self.texts.members(showing.config().unwritten_texts_null),
            amount: self.percent.normalize().to_string(),
            compound: self.compound,
            updated: eastern_stamp(self.head.updated),
            accounting_systemid: &showing.machine.config.account_id,
        }
    }

    fn delete(machine: &mut FreshBooks, id: u64, now: Millis) -> Result<Response, ApiError> {
        machine.taxes.rows.remove(&id);
        machine.emit(Self::ONE, "delete", id, now);
        Ok(deleted_response())
    }
}

impl FreshBooks {
    /// The account's taxes, for lines that give a tax by its name alone.
    pub(crate) fn known_taxes(&self) -> KnownTaxes {
        self.taxes
            .rows
            .values()
            .map(|tax| (tax.texts.get("name").to_owned(), tax.percent))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    #[test]
    fn a_deleted_tax_is_gone() {
        let mut harness = FreshBooksHarness::new();
        let body = json!({"tax": {"name": "MwSt", "amount": "19", "compound": false}});
        let tax = object(
            &harness.accounting("POST", "taxes/taxes", Some(body)),
            "tax",
        );
        assert_eq!((&tax["amount"], &tax["id"]), (&json!("19"), &tax["taxid"]));
        let path = format!("taxes/taxes/{}", tax["id"]);
        let answer = harness.accounting("DELETE", &path, None);
        assert_eq!(
            (answer.status, answer.value()),
            (200, json!({"response": {}}))
        );
        assert_eq!(harness.accounting("GET", &path, None).status, 404);
    }

    #[test]
    fn percentages_are_checked() {
        let mut harness = FreshBooksHarness::new();
        assert_eq!(
            harness.refused("POST", "taxes/taxes", json!({"tax": {"amount": "19"}})),
            (422, 1001)
        );
        let body = json!({"tax": {"name": "MwSt", "amount": "-1"}});
        assert_eq!(harness.refused("POST", "taxes/taxes", body), (422, 1018));
    }
}
