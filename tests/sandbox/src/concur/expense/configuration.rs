//! Expense Configuration v4: the policies, expense types and payment types of a user, and group
//! configurations (source: concur-expense-configuration).

use serde_json::{Value, json};

use super::config::{ExpenseTypeConfig, PaymentTypeConfig, Policy};
use super::v4::{V4Call, V4Error, V4Reply, V4Result};
use crate::concur::Concur;

/// The scope that a call needs.
pub(super) fn scope_of(rest: &[&str]) -> &'static str {
    match rest.last() {
        Some(&"policies") => "expense.config.policies.restricted.read",
        Some(&"expensetypes") => "expense.config.expensetypes.restricted.read",
        Some(&"paymenttypes") => "expense.config.paymenttypes.restricted.read",
        Some(&"attendeetypes") => "expense.config.attendeetypes.restricted.read",
        _ => "expense.config.groups.restricted.read",
    }
}

impl Concur {
    /// Routes a GET below `/expenseconfig/v4/`.
    pub(super) fn route_configuration(&self, call: &V4Call, rest: &[&str]) -> V4Result {
        let config = &self.config.expense;
        let body = match rest {
            ["users", user, rest @ ..] => {
                self.user_of_path(call, user)?;
                match rest {
                    ["policies"] => self.policy_views(),
                    ["policies", policy, "expensetypes"] => {
                        let known = config.policy(policy);
                        known.ok_or_else(|| V4Error::not_found("policyId"))?;
                        config.expense_types.iter().map(expense_type_view).collect()
                    }
                    ["paymenttypes"] => payment_type_views(&config.payment_types),
                    ["attendeetypes"] => json!([]),
                    ["groupconfigs"] => self.group_views(),
                    _ => return Err(V4Error::not_found("The requested resource was")),
                }
            }
            // The page has both spellings.
            ["companies" | "company", company, "groupconfigs", ..] => {
                call.company_only()?;
                if !company.eq_ignore_ascii_case(&self.config.company_uuid) {
                    return Err(V4Error::not_found("companyId"));
                }
                self.group_views()
            }
            _ => return Err(V4Error::not_found("The requested resource was")),
        };
        Ok(V4Reply::Json(200, body))
    }

    fn policy_views(&self) -> Value {
        let policies = self.config.expense.policies.iter().enumerate();
        policies.map(policy_view).collect()
    }

    fn group_views(&self) -> Value {
        json!([{"hierarchyNodeId": "1", "groupName": "Global", "policies": self.policy_views(),
            "paymentTypes": payment_type_views(&self.config.expense.payment_types),
            "attendeeTypes": []}])
    }
}

fn expense_type_view(kind: &ExpenseTypeConfig) -> Value {
    json!({"expenseTypeId": kind.code, "expenseTypeName": kind.name,
        "spendCategoryCode": kind.category, "spendCategoryName": kind.category,
        "isCategory": kind.is_category, "parentExpenseTypeId": null, "parentName": null})
}

fn policy_view((at, policy): (usize, &Policy)) -> Value {
    json!({"policyId": policy.id, "policyName": policy.name, "isDefault": at == 0})
}

fn payment_type_views(kinds: &[PaymentTypeConfig]) -> Value {
    kinds.iter().enumerate().map(payment_type_view).collect()
}

fn payment_type_view((at, kind): (usize, &PaymentTypeConfig)) -> Value {
    json!({"paymentTypeId": kind.id, "paymentTypeName": kind.name, "isDefault": at == 0})
}
