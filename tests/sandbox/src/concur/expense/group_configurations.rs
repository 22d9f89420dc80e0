//! Expense Group Configurations v3: deprecated, and the only call that lists the encrypted ids of
//! payment types (source: concur-expense-group-configurations).

use serde_json::{Value, json};

use super::config::{ExpenseTypeConfig, PaymentTypeConfig, Policy};
use crate::concur::Concur;
use crate::concur::gateway::{GatewayCall, GatewayError, Reply};

/// Where group configurations are.
pub(crate) const GROUPS: &str = "/api/v3.0/expense/expensegroupconfigurations";

impl Concur {
    /// Lists the one group that the company has.
    pub(crate) fn handle_group_configurations(
        &self,
        call: &GatewayCall,
    ) -> Result<Reply, GatewayError> {
        if call.method != "GET" {
            return Err(GatewayError::method_not_allowed(call.method));
        }
        self.user_of_call(call)?;
        let config = &self.config.expense;
        let kinds = config.expense_types.iter().filter(|kind| !kind.is_category);
        let kinds: Vec<Value> = kinds.map(expense_type_view).collect();
        let policy = |(at, policy): (usize, &Policy)| {
            json!({"ID": policy.id, "Name": policy.name, "IsDefault": at == 0,
                "ExpenseTypes": kinds})
        };
        let policies: Vec<Value> = config.policies.iter().enumerate().map(policy).collect();
        let payments = config.payment_types.iter().enumerate();
        let payments: Vec<Value> = payments.map(payment_type_view).collect();
        let group = json!({"ID": "gWgGlobalGroupConfiguration", "Name": "Global",
            "URI": format!("{}{GROUPS}", call.base_url), "Policies": policies,
            "PaymentTypes": payments, "AttendeeTypes": [], "AttendeeListFormID": null});
        let body = json!({"Items": [group], "NextPage": null});
        Ok(Reply::ok("ExpenseGroupConfigurations", body))
    }
}

fn expense_type_view(kind: &ExpenseTypeConfig) -> Value {
    json!({"Code": kind.code, "Name": kind.name, "ExpenseCode": "OTHER"})
}

fn payment_type_view((at, kind): (usize, &PaymentTypeConfig)) -> Value {
    json!({"ID": kind.v3_id, "Name": kind.name, "IsDefault": at == 0})
}
