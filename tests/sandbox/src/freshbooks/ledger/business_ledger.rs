//! The ledger family below `/accounting/businesses/{business_uuid}`: the newer journal entries, the
//! chart-of-accounts report and the ledger accounts with the ids of all generations
//! (source: freshbooks-journal-entries, freshbooks-chart-of-accounts).

use serde_json::{Value, json};

use super::accounts::Account;
use crate::calendar::zulu_stamp;
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::call::ApiCall;
use crate::freshbooks::api::errors::ApiError;
use crate::http::{Response, first_value};

impl FreshBooks {
    /// Routes a request below `/accounting/businesses/`. `version` is the request's
    /// `x-api-version`.
    pub(crate) fn handle_ledger(
        &mut self,
        call: &ApiCall,
        segments: &[&str],
        version: Option<&str>,
    ) -> Result<Response, ApiError> {
        let [business, rest @ ..] = segments else {
            return Err(ApiError::no_route());
        };
        if *business != self.config.business_uuid {
            return Err(ApiError::no_route());
        }
        match (call.method, rest) {
            (_, ["journal_entries"]) => self.handle_business_entries(call, version),
            ("GET", ["reports", "chart_of_accounts"]) => self.show_chart(call),
            ("GET", ["ledger_accounts", "accounts"]) => self.list_ledger_accounts(call),
            ("GET", ["ledger_accounts", "accounts", uuid]) => self.show_ledger_account(call, uuid),
            _ => Err(ApiError::no_route()),
        }
    }

    fn show_chart(&mut self, call: &ApiCall) -> Result<Response, ApiError> {
        refuse_reader(call)?;
        if first_value(&call.query, "use_ledger_entries") != Some("true") {
            let field = "use_ledger_entries";
            return Err(ApiError::field(422, 1001, "", field, "required"));
        }
        self.post_invoices();
        let kind = first_value(&call.query, "account_type");
        let wanted = |row: &&Account| {
            row.parent.is_none()
                && row.created <= call.visible_until
                && kind.is_none_or(|kind| kind == row.kind.as_str())
        };
        let mut rows: Vec<&Account> = self.accounts.rows.iter().filter(wanted).collect();
        match first_value(&call.query, "sort") {
            Some("account_number_asc") => rows.sort_by(|a, b| a.number.cmp(&b.number)),
            Some("account_number_desc") => rows.sort_by(|a, b| b.number.cmp(&a.number)),
            _ => {}
        }
        let views: Vec<Value> = rows.into_iter().map(|row| self.chart_view(row)).collect();
        let result = json!({"journal_entry_accounts": views});
        Ok(Response::json(
            200,
            &json!({"response": {"result": result}}),
        ))
    }

    fn chart_view(&self, account: &Account) -> Value {
        let sub = |at: &usize| {
            let row = &self.accounts.rows[*at];
            let mut view = chart_row(row, &self.config.currency);
            view["balance"] = json!(self.balance_text(*at));
            view["parent_account_uuid"] = json!(account.uuid);
            view
        };
        let mut view = chart_row(account, &self.config.currency);
        let balance = account.subs.iter().map(|at| self.balance(*at)).sum();
        view["balance"] = json!(self.amount_text(balance));
        view["sub_accounts"] = account.subs.iter().map(sub).collect();
        view
    }

    fn list_ledger_accounts(&self, call: &ApiCall) -> Result<Response, ApiError> {
        refuse_reader(call)?;
        let rows = self.accounts.rows.iter();
        let visible = rows.filter(|row| row.created <= call.visible_until);
        let views: Vec<Value> = visible.map(|row| self.ledger_account(row)).collect();
        Ok(Response::json(200, &json!({"data": views})))
    }

    fn show_ledger_account(&self, call: &ApiCall, uuid: &str) -> Result<Response, ApiError> {
        refuse_reader(call)?;
        let missing = || ApiError::not_found("account", "uuid", uuid);
        let at = self.accounts.position_of_uuid(uuid).ok_or_else(missing)?;
        let view = self.ledger_account(&self.accounts.rows[at]);
        Ok(Response::json(200, &json!({"data": view})))
    }

    fn ledger_account(&self, row: &Account) -> Value {
        let uuid_of = |at: &usize| self.accounts.rows[*at].uuid.as_str();
        let parent = row.parent.map(|at| &self.accounts.rows[at]);
        let subs: Vec<&str> = row.subs.iter().map(uuid_of).collect();
        let category = self.category_of_account(&row.number);
        json!({"uuid": row.uuid, "name": row.name, "number": row.number, "description": null,
            "type": row.kind,
            "sub_type": row.sub_type, "system_account_name": null,
            "parent_account": parent.map(|row| &row.uuid),
            "sub_accounts": subs, "auto_created": false, "state": "active",
            "updated_at": zulu_stamp(row.created).replace('Z', ".000000Z"), "category_id": category,
            "jea_id": parent.map_or(row.id, |parent| parent.id), "jesa_id": parent.map(|_| row.id)})
    }
}

fn chart_row(row: &Account, currency: &str) -> Value {
    json!({"account_uuid": row.uuid, "account_name": row.name, "account_number": row.number,
        "account_type": row.kind,
        "account_sub_type": row.sub_type, "system_account_name": null, "auto_created": false,
        "state": "active",
        "currency_code": currency})
}

/// The documentation names different scopes in different places: either will do.
fn refuse_reader(call: &ApiCall) -> Result<(), ApiError> {
    let permitted = |object| call.access.permits(object, "GET");
    if permitted("journal_entries") || permitted("reports") {
        Ok(())
    } else {
        Err(ApiError::forbidden())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::FreshBooksHarness;

    #[test]
    fn accounts_name_the_category_whose_expenses_they_hold() {
        let mut harness = FreshBooksHarness::new();
        let rows = get(&mut harness, "ledger_accounts/accounts").value()["data"].clone();
        let rows = rows.as_array().expect("a list").iter();
        let linked: Vec<&Value> = rows.filter(|row| row["number"] == "6100-1").collect();
        assert_eq!(linked[0]["category_id"], 3345);
    }

    const BASE: &str = "/accounting/businesses/3f2c5f0e-4b7a-4d57-9a5e-6a1f2b3c4d5e";

    fn get(harness: &mut FreshBooksHarness, path: &str) -> Response {
        harness.send("GET", &format!("{BASE}/{path}"), None)
    }

    #[test]
    fn ledger_accounts_bridge_the_ids_of_all_generations() {
        let mut harness = FreshBooksHarness::new();
        let rows = get(&mut harness, "ledger_accounts/accounts").value()["data"].clone();
        let rows = rows.as_array().expect("a list");
        assert_eq!(rows.len(), harness.machine.accounts().len());
        for account in harness.machine.accounts() {
            let row = rows.iter().find(|row| row["uuid"] == account.uuid.as_str());
            let row = row.expect("the account");
            assert_eq!(
                (&row["jea_id"], &row["jesa_id"]),
                (&json!(account.account_id), &json!(account.sub_account_id))
            );
            assert_eq!(
                row["parent_account"].is_null(),
                account.sub_account_id.is_none()
            );
        }
        let uuid = rows[0]["uuid"].as_str().expect("a UUID").to_owned();
        let one = get(&mut harness, &format!("ledger_accounts/accounts/{uuid}")).value();
        assert_eq!(one["data"], rows[0]);
        assert_eq!(get(&mut harness, "ledger_accounts/accounts/x").status, 404);
    }

    #[test]
    fn the_chart_report_needs_its_parameter() {
        let mut harness = FreshBooksHarness::new();
        let path = "reports/chart_of_accounts";
        let refused = get(&mut harness, path);
        assert_eq!(
            (refused.status, &refused.value()["errors"]["status"]),
            (400, &json!(400))
        );
        let query = "use_ledger_entries=true&account_type=liability&sort=account_number_desc";
        let report = get(&mut harness, &format!("{path}?{query}")).value();
        let rows = &report["response"]["result"]["journal_entry_accounts"];
        assert_eq!(
            (&rows[0]["account_number"], &rows[3]["account_number"]),
            (&json!("2300"), &json!("2000"))
        );
        assert_eq!(
            rows[0]["sub_accounts"][0]["parent_account_uuid"],
            rows[0]["account_uuid"]
        );
    }

    #[test]
    fn the_other_ids_of_the_business_are_404() {
        let mut harness = FreshBooksHarness::new();
        for id in ["zQ7pLm", "8812345"] {
            let path = format!("/accounting/businesses/{id}/ledger_accounts/accounts");
            let refused = harness.send("GET", &path, None);
            assert_eq!(
                (refused.status, &refused.value()["errors"]["status"]),
                (404, &json!(404))
            );
        }
    }

    #[test]
    fn either_scope_reads_the_ledger() {
        let mut harness = FreshBooksHarness::new();
        for (scope, status) in [
            ("user:reports:read", 200),
            ("user:journal_entries:read", 200),
            ("user:invoices:read", 403),
        ] {
            harness.hold(scope);
            assert_eq!(
                get(&mut harness, "ledger_accounts/accounts").status,
                status,
                "{scope}"
            );
        }
    }
}
