//! Bills and bill vendors, as far as the flows that make them need them.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{answer, done};
use crate::contract::http::{Method, SendOutcome};
use crate::money;

/// What was made.
#[derive(Debug, Default)]
pub(in crate::flows::tests) struct Payables {
    /// Bills as they are shown one by one; the first has the id 1.
    pub(in crate::flows::tests) bills: Vec<Value>,
    /// Bill vendors; the first has the id 1.
    pub(in crate::flows::tests) vendors: Vec<Value>,
    /// What is added to the total of each bill that is made.
    pub(in crate::flows::tests) off_by: Decimal,
}

impl Payables {
    pub(super) fn has(path: &str) -> bool {
        path.contains("/bills/bills") || path.contains("/bill_vendors/bill_vendors")
    }

    pub(super) fn handle(&mut self, method: Method, path: &str, body: &str) -> SendOutcome {
        let id = path
            .rsplit('/')
            .next()
            .and_then(|id| id.parse::<usize>().ok());
        if path.contains("/bill_vendors/") {
            return self.handle_vendors(method, body);
        }
        match (method, id) {
            (Method::Get, None) => self.list(),
            (Method::Post, _) => self.create(body),
            (_, Some(id)) if (1..=self.bills.len()).contains(&id) => {
                let bill = &mut self.bills[id - 1];
                if method == Method::Put {
                    let wanted: Value = serde_json::from_str(body).expect("is JSON");
                    assert_eq!(wanted, json!({"bill": {"vis_state": 1}}));
                    bill["vis_state"] = json!(1);
                }
                one("bill", bill)
            }
            _ => answer(404, r#"{"response":{"errors":[{"errno":1012}]}}"#),
        }
    }

    fn list(&self) -> SendOutcome {
        let live = self.bills.iter().filter(|bill| bill["vis_state"] == 0);
        let rows: Vec<Value> = live
            .map(|bill| {
                let mut row = bill.clone();
                row["lines"] = json!([]);
                row
            })
            .collect();
        done(&json!({"response": {"result": {"bills": rows, "page": 1, "pages": 1}}}))
    }

    fn create(&mut self, body: &str) -> SendOutcome {
        let mut wanted: Value = serde_json::from_str(body).expect("is JSON");
        let mut bill = wanted["bill"].take();
        let total = total(&bill) + self.off_by;
        let money = |amount: Decimal| json!({"amount": amount.to_string(), "code": "CAD"});
        bill["id"] = json!(self.bills.len() + 1);
        bill["vis_state"] = json!(0);
        bill["total_amount"] = money(total);
        bill["paid"] = money(Decimal::ZERO);
        self.bills.push(bill.clone());
        one("bill", &bill)
    }

    fn handle_vendors(&mut self, method: Method, body: &str) -> SendOutcome {
        if method == Method::Get {
            let rows = &self.vendors;
            return done(&json!({"response": {"result": {"bill_vendors": rows, "pages": 1}}}));
        }
        let mut wanted: Value = serde_json::from_str(body).expect("is JSON");
        let mut vendor = wanted["bill_vendor"].take();
        vendor["vendorid"] = json!(self.vendors.len() + 1);
        self.vendors.push(vendor.clone());
        one("bill_vendor", &vendor)
    }
}

fn one(key: &str, object: &Value) -> SendOutcome {
    done(&json!({"response": {"result": {key: object}}}))
}

fn total(bill: &Value) -> Decimal {
    let number = |value: &Value| value.as_str().and_then(money::parse).unwrap_or_default();
    let lines = bill["lines"].as_array().into_iter().flatten();
    lines
        .map(|line| {
            let net = number(&line["unit_cost"]["amount"]);
            let taxes = (1..=2).map(|at| {
                let percent = number(&line[format!("tax_percent{at}")]);
                money::round(net * percent / Decimal::ONE_HUNDRED, 2)
            });
            net + taxes.sum::<Decimal>()
        })
        .sum()
}
