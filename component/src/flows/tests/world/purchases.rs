//! Expenses of FreshBooks, as far as the way back makes them.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{answer, done};
use crate::contract::http::{Method, SendOutcome};

/// The path of expenses.
const PATH: &str = "/expenses/expenses";

/// Expenses that were made in FreshBooks, as they were sent, by id.
#[derive(Debug, Default)]
pub(in crate::flows::tests) struct Purchases {
    pub(in crate::flows::tests) expenses: BTreeMap<u64, Value>,
    /// What every amount is shown as instead.
    pub(in crate::flows::tests) shown_as: Option<&'static str>,
}

impl Purchases {
    pub(super) fn has(path: &str) -> bool {
        path.contains(PATH)
    }

    /// Those that are not deleted.
    pub(in crate::flows::tests) fn live(&self) -> Vec<&Value> {
        let expenses = self.expenses.values();
        expenses
            .filter(|expense| expense["vis_state"] != 1)
            .collect()
    }

    pub(super) fn handle(&mut self, method: Method, path: &str, body: &str) -> SendOutcome {
        let id = path.rsplit('/').next().and_then(|id| id.parse().ok());
        let sent: Value = serde_json::from_str(body).unwrap_or_default();
        match (method, id) {
            (Method::Get, None) => {
                let listed = self.live();
                done(
                    &json!({"response": {"result": {"expenses": listed, "page": 1,
                    "pages": 1}}}),
                )
            }
            (Method::Post, _) => {
                let id = 500 + self.expenses.len() as u64;
                let mut expense = sent["expense"].clone();
                expense["id"] = json!(id);
                self.expenses.insert(id, expense);
                self.show(id)
            }
            (Method::Put, Some(id)) => {
                if let Some(expense) = self.expenses.get_mut(&id) {
                    expense["vis_state"] = sent["expense"]["vis_state"].clone();
                }
                self.show(id)
            }
            (_, id) => self.show(id.unwrap_or_default()),
        }
    }

    fn show(&self, id: u64) -> SendOutcome {
        let Some(mut expense) = self.expenses.get(&id).cloned() else {
            return answer(
                404,
                r#"{"response":{"errors":[{"errno":1012,"message":"Not found."}]}}"#,
            );
        };
        if let Some(amount) = self.shown_as {
            expense["amount"]["amount"] = json!(amount);
        }
        done(&json!({"response": {"result": {"expense": expense}}}))
    }
}
