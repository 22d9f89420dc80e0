//! Expense categories: read-only (source: freshbooks-expense-categories).

use serde_json::{Value, json};

use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::call::ApiCall;
use crate::freshbooks::api::errors::ApiError;
use crate::freshbooks::api::listing::{Page, object_page, one_object};
use crate::freshbooks::config::Category;
use crate::http::Response;

impl FreshBooks {
    /// Routes a request on `expenses/categories[/{id}]`.
    pub(crate) fn handle_categories(
        &self,
        call: &ApiCall,
        id: Option<&str>,
    ) -> Result<Response, ApiError> {
        if call.method != "GET" || !call.access.permits("expenses", "GET") {
            return Err(ApiError::forbidden());
        }
        let Some(id) = id else {
            let page = Page::read(&call.query, 15)?;
            let (rows, total) = page.select(self.config.categories.iter().map(view));
            return Ok(object_page("categories", &rows, page, total, &self.config));
        };
        let found = id.parse().ok().and_then(|id| self.category(id));
        found
            .map(|category| one_object("category", &view(category)))
            .ok_or_else(|| ApiError::not_found("category", "categoryid", id))
    }

    /// The category of that id.
    pub(crate) fn category(&self, id: u64) -> Option<&Category> {
        self.config
            .categories
            .iter()
            .find(|category| category.id == id)
    }
}

fn view(category: &Category) -> Value {
    json!({"id": category.id, "categoryid": category.id, "category": category.name,
        "parentid": category.parent,
        "is_cogs": false, "is_editable": false, "transaction_posted": true, "vis_state": 0,
        "created_at": "2024-01-02 03:04:05", "updated_at": "2024-01-02 03:04:05"})
}

#[cfg(test)]
mod tests {
    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    #[test]
    fn categories_form_a_tree_and_cannot_be_written() {
        let mut harness = FreshBooksHarness::new();
        let hotels = harness.accounting("GET", "expenses/categories/3345", None);
        assert_eq!(object(&hotels, "category")["parentid"], 3344);
        assert_eq!(harness.listed("expenses/categories", "categories").len(), 6);
        assert_eq!(
            harness
                .accounting("POST", "expenses/categories", None)
                .status,
            403
        );
    }
}
