//! Expense categories: a tree that expenses and bill lines point into, read-only for clients
//! (source: freshbooks-expense-categories).

use serde_json::{Value, json};

use crate::calendar::eastern_stamp;
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::call::ApiCall;
use crate::freshbooks::api::errors::{ApiError, unquoted};
use crate::freshbooks::api::fields::{Fields, read_flag, read_id};
use crate::freshbooks::api::listing::SearchFilters;
use crate::freshbooks::api::resource::{Resource, RowHead, Table, ViewContext};
use crate::freshbooks::config::Category;
use crate::http::{Millis, Response};

/// 2024-01-02T03:04:05Z: when the account was opened.
const OPENED: Millis = 1_704_164_645_000;

/// A category: what an expense was for.
#[derive(Clone, Debug)]
pub(crate) struct ExpenseCategory {
    pub(crate) head: RowHead,
    pub(crate) name: String,
    pub(crate) parent: Option<u64>,
    pub(crate) is_cogs: bool,
    is_editable: bool,
    /// The number of the sub-account that its expenses are booked to.
    pub(crate) account: Option<String>,
}

/// The categories as configured, none of which a person may edit.
pub(crate) fn configured_categories(categories: &[Category]) -> Table<ExpenseCategory> {
    let next_id = categories.iter().map(|category| category.id + 1).max();
    let mut table = Table::starting_at(next_id.unwrap_or_default().max(3_401));
    for category in categories {
        let row = ExpenseCategory {
            head: RowHead {
                id: category.id,
                ..RowHead::draft(OPENED)
            },
            name: category.name.clone(),
            parent: category.parent,
            is_cogs: category.is_cogs,
            is_editable: false,
            account: category.account.clone(),
        };
        table.rows.insert(category.id, row);
    }
    table
}

impl Resource for ExpenseCategory {
    const ONE: &'static str = "category";
    const MANY: &'static str = "categories";
    const ID_FIELD: &'static str = "categoryid";
    const SCOPE: &'static str = "expenses";
    type View<'a> = Value;

    fn create(machine: &mut FreshBooks, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        let mut category = Self {
            head: RowHead::draft(now),
            name: String::new(),
            parent: None,
            is_cogs: false,
            is_editable: true,
            account: None,
        };
        category.apply(machine, fields)?;
        Ok(machine.categories.insert_new(category))
    }

    fn apply(&mut self, machine: &FreshBooks, fields: &Fields) -> Result<(), ApiError> {
        if let Some(name) = fields.get("category") {
            self.name = unquoted(name);
        }
        if self.name.is_empty() || fields.get("category").is_some_and(Value::is_null) {
            return Err(ApiError::required(Self::ONE, "category"));
        }
        if let Some(value) = fields.get("parentid") {
            self.parent = read_id(value);
            let is_known = |parent| parent != self.head.id && machine.category(parent).is_some();
            if !value.is_null() && !self.parent.is_some_and(is_known) {
                return Err(ApiError::invalid(Self::ONE, "parentid", value));
            }
        }
        if let Some(value) = fields.get("is_cogs") {
            self.is_cogs = read_flag(value, Self::ONE, "is_cogs")?;
        }
        Ok(())
    }

    fn matches(&self, search: &SearchFilters, _: &ViewContext) -> bool {
        let flag = |key: &str, flag: bool| {
            search
                .value(key)
                .is_none_or(|text| text == flag.to_string())
        };
        let name = self.name.to_lowercase();
        search.id_passes("categoryid", "categoryids", self.head.id)
            && search
                .value("name")
                .is_none_or(|part| name.contains(&part.to_lowercase()))
            && flag("is_cogs", self.is_cogs)
            && flag("is_editable", self.is_editable)
            && search
                .value("parentid")
                .is_none_or(|parent| parent.parse().ok() == self.parent)
    }

    fn view<'a>(&'a self, _: &ViewContext<'a>) -> Value {
        json!({"id": self.head.id, "categoryid": self.head.id, "category": self.name,
            "parentid": self.parent, "is_cogs": self.is_cogs, "is_editable": self.is_editable,
            "transaction_posted": true, "created_at": eastern_stamp(self.head.created),
            "updated_at": eastern_stamp(self.head.updated), "vis_state": self.head.vis_state})
    }
}

impl FreshBooks {
    /// Routes a request on `expenses/categories[/{id}]`.
    pub(crate) fn handle_categories(
        &mut self,
        call: &ApiCall,
        id: Option<&str>,
    ) -> Result<Response, ApiError> {
        if call.method != "GET" && !self.config.expenses.category_writes {
            return Err(ApiError::forbidden());
        }
        self.handle_resource::<ExpenseCategory>(call, id)
    }

    /// The id of the category whose expenses are booked to the sub-account of a number.
    pub(crate) fn category_of_account(&self, number: &str) -> Option<u64> {
        let mut rows = self.categories.rows.values();
        let found = rows.find(|category| category.account.as_deref() == Some(number));
        found.map(|category| category.head.id)
    }

    /// The category of that id, deleted ones included.
    pub(crate) fn category(&self, id: u64) -> Option<&ExpenseCategory> {
        self.categories.rows.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    #[test]
    fn categories_form_a_tree_and_cannot_be_written() {
        let mut harness = FreshBooksHarness::new();
        let hotels = harness.accounting("GET", "expenses/categories/3345", None);
        assert_eq!(object(&hotels, "category")["parentid"], 3344);
        assert_eq!(harness.listed("expenses/categories", "categories").len(), 6);
        let body = json!({"category": {"category": "Fuel"}});
        assert_eq!(
            harness.refused("POST", "expenses/categories", body.clone()),
            (403, 1003)
        );
        assert_eq!(
            harness.refused("PUT", "expenses/categories/3345", body),
            (403, 1003)
        );
    }

    #[test]
    fn filters_narrow_the_tree() {
        let mut harness = FreshBooksHarness::new();
        for (filter, count) in [
            ("search[parentid]=3344", 1),
            ("search[name]=office", 1),
            ("search[is_cogs]=true", 0),
            ("search[is_editable]=false", 6),
            ("search[categoryids][]=3340&search[categoryids][]=3346", 2),
            ("search[category]=office", 6),
        ] {
            let listed = harness.listed(&format!("expenses/categories?{filter}"), "categories");
            assert_eq!(listed.len(), count, "{filter}");
        }
    }

    #[test]
    fn by_switch_the_api_writes_categories_and_checks_them() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.expenses.category_writes = true;
        let path = "expenses/categories";
        let body = json!({"category": {"category": "Fuel", "parentid": "3344"}});
        let made = object(&harness.accounting("POST", path, Some(body)), "category");
        assert_eq!(
            (&made["parentid"], &made["is_editable"]),
            (&json!(3344), &json!(true))
        );
        for (fields, errno) in [
            (json!({}), 1001),
            (json!({"category": null}), 1001),
            (json!({"category": "X", "parentid": 1}), 1004),
            (json!({"category": "X", "is_cogs": "yes"}), 1031),
        ] {
            let body = json!({"category": fields});
            assert_eq!(harness.refused("POST", path, body), (422, errno));
        }
    }
}
