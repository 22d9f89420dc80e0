//! Tasks: what time is spent on, of the accounting family despite their path
//! (source: freshbooks-services).

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::calendar::eastern_stamp;
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::errors::ApiError;
use crate::freshbooks::api::fields::{Fields, SparseFields, read_amount, read_flag, read_id};
use crate::freshbooks::api::listing::SearchFilters;
use crate::freshbooks::api::resource::{Resource, RowHead, ViewContext, refuse_read_only};
use crate::http::Millis;
use crate::money::Money;

/// A task with a rate.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) head: RowHead,
    texts: SparseFields,
    rate: Decimal,
    billable: bool,
    taxes: [u64; 2],
}

impl Resource for Task {
    const ONE: &'static str = "task";
    const MANY: &'static str = "tasks";
    const ID_FIELD: &'static str = "taskid";
    const SCOPE: &'static str = "projects";
    type View<'a> = Value;

    fn create(machine: &mut FreshBooks, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        let mut task = Self {
            head: RowHead::draft(now),
            texts: SparseFields::new(&["name", "description"]),
            rate: Decimal::ZERO,
            billable: true,
            taxes: [0, 0],
        };
        task.apply(machine, fields)?;
        Ok(machine.tasks.insert_new(task))
    }

    fn apply(&mut self, machine: &FreshBooks, fields: &Fields) -> Result<(), ApiError> {
        refuse_read_only(
            fields,
            Self::ONE,
            &["id", "taskid", "tname", "tdesc", "updated"],
        )?;
        self.texts.write_fields(fields, Self::ONE)?;
        if self.texts.get("name").is_empty() {
            return Err(ApiError::required(Self::ONE, "name"));
        }
        if let Some(value) = fields.get("rate") {
            let rate = read_amount(value);
            self.rate = rate.ok_or_else(|| ApiError::invalid(Self::ONE, "rate", value))?;
        }
        if let Some(value) = fields.get("billable") {
            self.billable = read_flag(value, Self::ONE, "billable")?;
        }
        for (at, name) in ["tax1", "tax2"].into_iter().enumerate() {
            let Some(value) = fields.get(name) else {
                continue;
            };
            let is_known = |id: &u64| *id == 0 || machine.taxes.rows.contains_key(id);
            let tax = read_id(value).filter(is_known);
            self.taxes[at] = tax.ok_or_else(|| ApiError::invalid(Self::ONE, name, value))?;
        }
        Ok(())
    }

    fn matches(&self, search: &SearchFilters, _: &ViewContext) -> bool {
        search.id_passes("taskid", "taskids", self.head.id)
    }

    fn view<'a>(&'a self, showing: &ViewContext<'a>) -> Value {
        let currency = showing.machine.default_currency();
        let (name, description) = (self.texts.get("name"), self.texts.get("description"));
        json!({"id": self.head.id, "taskid": self.head.id, "name": name, "tname": name,
            "description": description, "tdesc": description,
            "rate": Money(self.rate, currency), "billable": self.billable,
            "tax1": self.taxes[0], "tax2": self.taxes[1],
            "updated": eastern_stamp(self.head.updated), "vis_state": self.head.vis_state})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    #[test]
    fn tasks_have_twin_names_and_a_rate() {
        let mut harness = FreshBooksHarness::new();
        let body = json!({"task": {"name": "Design", "rate": {"amount": "95", "code": "EUR"}}});
        let path = "projects/tasks";
        let task = object(&harness.accounting("POST", path, Some(body)), "task");
        assert_eq!(
            (&task["tname"], &task["rate"]["amount"]),
            (&json!("Design"), &json!("95.00"))
        );
        for (fields, errno) in [
            (json!({}), 1001),
            (json!({"name": "X", "tax1": 9}), 1004),
            (json!({"name": "X", "billable": 1}), 1031),
        ] {
            let body = json!({"task": fields});
            assert_eq!(harness.refused("POST", path, body), (422, errno));
        }
        assert_eq!(harness.listed(path, "tasks").len(), 1);
        harness.hold("user:expenses:read");
        assert_eq!(harness.accounting("GET", path, None).status, 403);
    }
}
