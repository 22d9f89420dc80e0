//! Expenses: which become expense entries in SAP Concur, whose they are, and what they are paid
//! with.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};

use super::checks::{
    anything, cost_code, currency, entry_field, expense_type_code, payment_type,
    staff_or_category_id,
};
use super::reader::Reader;
use crate::contract::runs::Intent;
use crate::contract::settings::Schedule;
use crate::contract::types::ObjectRef;

/// How expenses become expense entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expense {
    /// Whether they are carried over.
    pub enabled: bool,
    /// What an expense becomes in SAP Concur.
    pub form: ExpenseForm,
    /// Who paid, as SAP Concur knows it.
    pub payment_types: PaymentTypes,
    /// FreshBooks categories, by id or by name in lower case, to Concur expense type codes.
    pub categories: BTreeMap<String, String>,
    /// FreshBooks staff ids to employees: an employee number, an e-mail address, or Concur's UUID.
    pub staff: BTreeMap<String, String>,
    /// Currencies that SAP Concur has a rate for, or that employees are paid in.
    pub currencies: BTreeSet<String>,
    /// The reports that entries go into.
    pub report: Report,
    /// How far a report is brought on that holds nothing but our entries.
    pub workflow: Workflow,
    /// Days after the last one of a report's period, after which it is brought on.
    pub workflow_after_days: u32,
    /// The field of an entry that holds our marker; none for the end of its description.
    pub marker_field: Option<String>,
    /// The field of an entry that holds the cost code of its project; none to leave projects out.
    pub project_field: Option<String>,
    /// The field of an entry that holds the cost code of its category; none for no such field.
    pub cost_code_field: Option<String>,
    /// FreshBooks category ids to cost codes for that field.
    pub cost_codes: BTreeMap<String, String>,
    /// How taxes are written.
    pub tax: Tax,
    /// What is done with what may have been imported.
    pub bank_imported: BankImported,
    /// What to do when nobody can know whether an entry was created.
    pub ambiguity: Intent,
}

/// The two forms in which SAP Concur takes an expense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpenseForm {
    /// Entries on a report.
    Entry,
    /// Available expenses, which their employees put on a report. No call reads, changes or
    /// deletes them (source: concur-quick-expense).
    QuickExpense,
}

/// Who paid, as SAP Concur knows it: encrypted ids of payment types, which differ per company.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentTypes {
    /// For whatever the two maps do not name.
    pub default: String,
    /// By FreshBooks staff id; comes first.
    pub by_staff: BTreeMap<String, String>,
    /// By FreshBooks category id.
    pub by_category: BTreeMap<String, String>,
}

/// The reports that entries go into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The id of the policy that they are under.
    pub policy_id: String,
    /// What they are called; `{period}` stands for the month or week.
    pub name: String,
    /// Their business purpose, likewise; none for no purpose.
    pub purpose: Option<String>,
    /// What one of them is for.
    pub period: Period,
}

/// What a report is for: all expenses of an employee in this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A calendar month.
    Month,
    /// A week from Monday to Sunday, by ISO 8601.
    Week,
}

/// How far reports are brought on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workflow {
    /// They are left to their employees.
    Leave,
    /// They are submitted, and left to their approvers.
    Submit,
    /// They are submitted and approved.
    Approve,
}

/// How taxes are written. SAP Concur computes them by itself and takes no amount.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tax {
    /// `TaxReceiptType` of an expense with taxes; none to leave it to SAP Concur.
    pub receipt_with: Option<String>,
    /// The same of one without.
    pub receipt_without: Option<String>,
    /// The field of an entry that holds what the taxes come to, for people.
    pub amount_field: Option<String>,
}

/// What is done with expenses that may have been imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BankImported {
    /// Parked until a person has them replayed.
    Ask,
    /// Carried over like any other.
    Send,
    /// Left alone.
    Leave,
}

/// The kind of the objects whose runs look for reports that are to be submitted.
pub(crate) const REPORT_QUEUE: &str = "expense-report-queue";
/// How an employee pays out of their own pocket, among the payment types of quick expenses.
const CASH: &str = "CASHX";
/// What a period stands for in a report's name.
pub(crate) const PERIOD: &str = "{period}";
/// The longest name of a report in characters (source: concur-financial-schema).
const REPORT_NAME_CHARS_MAX: usize = 40;
/// FreshBooks scopes that expenses need beside those of the other flows.
const SCOPES: [&str; 2] = ["user:expenses:read", "user:teams:read"];

impl Expense {
    pub(super) fn read(table: &mut Reader) -> Self {
        let enabled = table.flag("enabled", false);
        let form = match table.choice("kind", &["entry", "quick-expense"]) {
            "quick-expense" => ExpenseForm::QuickExpense,
            _ => ExpenseForm::Entry,
        };
        let has_report = enabled && form == ExpenseForm::Entry;
        let expense = Self {
            enabled,
            form,
            payment_types: PaymentTypes::read(table, enabled, form),
            categories: lower_case(table.map("categories", expense_type_code)),
            staff: table.map("staff", anything),
            currencies: table.texts("currencies", currency).into_iter().collect(),
            report: table.table("report", |table| Report::read(table, has_report)),
            workflow: match table.choice("workflow", &["leave", "submit", "approve"]) {
                "submit" => Workflow::Submit,
                "approve" => Workflow::Approve,
                _ => Workflow::Leave,
            },
            workflow_after_days: days(table),
            marker_field: table.optional_checked("marker_field", entry_field),
            project_field: table.optional_checked("project_field", entry_field),
            cost_code_field: table.optional_checked("cost_code_field", entry_field),
            cost_codes: table.map("cost_codes", cost_code),
            tax: table.table("tax", Tax::read),
            bank_imported: match table.choice("bank_imported", &["ask", "send", "leave"]) {
                "send" => BankImported::Send,
                "leave" => BankImported::Leave,
                _ => BankImported::Ask,
            },
            ambiguity: match table.choice("ambiguity", &["park", "resend"]) {
                "resend" => Intent::LookUpThenResend,
                _ => Intent::LookUpThenPark,
            },
        };
        if enabled && expense.currencies.is_empty() {
            let message = "name the currencies that SAP Concur has a rate for or that employees \
                           are paid in: without a rate it would take an amount one to one";
            table.problem_at("currencies", "missing", message.to_string());
        }
        expense.check_fields(table);
        if form == ExpenseForm::QuickExpense {
            expense.check_quick_expense(table);
        }
        expense
    }

    /// A quick expense has no custom fields and no report, and cannot be looked up before it would
    /// be sent again (source: concur-quick-expense).
    fn check_quick_expense(&self, table: &mut Reader) {
        let tax = [
            ("tax.receipt_with", self.tax.receipt_with.as_ref()),
            ("tax.receipt_without", self.tax.receipt_without.as_ref()),
        ];
        let named = self.fields().into_iter().chain(tax);
        for (setting, _) in named.filter(|(_, field)| field.is_some()) {
            let message = "a quick expense has no such field: leave it out, or choose `kind = \
                           \"entry\"`";
            table.problem_at(
                &setting.replace('.', "/"),
                "wrong-value",
                message.to_string(),
            );
        }
        if self.workflow > Workflow::Leave {
            let message = "quick expenses are put on reports by their employees, who submit them: \
                           leave this out, or choose `kind = \"entry\"`";
            table.problem_at("workflow", "wrong-value", message.to_string());
        }
        if self.ambiguity == Intent::LookUpThenResend {
            let message = "no call shows whether a quick expense is there, so that none may be \
                           sent again: choose \"park\"";
            table.problem_at("ambiguity", "wrong-value", message.to_string());
        }
    }

    /// FreshBooks scopes that they need beside those of the other flows.
    pub(super) fn scopes(&self) -> &'static [&'static str] {
        if self.enabled { &SCOPES } else { &[] }
    }

    /// The daily look for reports that are to be submitted.
    pub(super) fn schedule(&self) -> Option<Schedule> {
        const INTERVAL_S: u64 = 86_400;
        let is_wanted = self.enabled && self.workflow > Workflow::Leave;
        is_wanted.then(|| Schedule {
            object: ObjectRef::concur(REPORT_QUEUE, "unsubmitted"),
            interval_s: INTERVAL_S,
            needs: None,
            purpose: "looks for expense reports that are to be submitted".to_string(),
        })
    }

    /// Every field that is written, with the setting that names it.
    fn fields(&self) -> [(&'static str, Option<&String>); 4] {
        [
            ("marker_field", self.marker_field.as_ref()),
            ("project_field", self.project_field.as_ref()),
            ("cost_code_field", self.cost_code_field.as_ref()),
            ("tax.amount_field", self.tax.amount_field.as_ref()),
        ]
    }

    /// One field holds one thing.
    fn check_fields(&self, table: &mut Reader) {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (setting, field) in self.fields() {
            let Some(field) = field else { continue };
            if let Some(other) = seen.insert(field, setting) {
                let message = format!("`{setting}` and `{other}` both name {field}");
                table.problem("wrong-value", message);
            }
        }
    }
}

impl PaymentTypes {
    fn read(table: &mut Reader, enabled: bool, form: ExpenseForm) -> Self {
        let check = match form {
            ExpenseForm::Entry => payment_type,
            ExpenseForm::QuickExpense => quick_payment_type,
        };
        let types = Self {
            default: match enabled {
                true => table.text("payment_type"),
                false => table.text_or("payment_type", ""),
            },
            by_staff: table.map("payment_types_by_staff", check),
            by_category: table.map("payment_types_by_category", check),
        };
        if let Err(expected) = check(&types.default)
            && !types.default.is_empty()
        {
            table.problem_at("payment_type", "wrong-value", format!("must be {expected}"));
        }
        let mut reimbursed = table.texts("reimbursed_payment_types", check);
        if form == ExpenseForm::QuickExpense {
            reimbursed.push(CASH.to_string());
        }
        types.check_reimbursed(table, &reimbursed);
        types
    }

    /// Who paid for an expense of this member of staff and of this category.
    #[must_use]
    pub fn of(&self, staff: &str, category: &str) -> &str {
        let own = self.by_staff.get(staff);
        own.or_else(|| self.by_category.get(category))
            .unwrap_or(&self.default)
    }

    /// FreshBooks has booked an expense as paid: what SAP Concur reimburses is paid a second time,
    /// so that the settings must say so for each member of staff or category.
    fn check_reimbursed(&self, table: &mut Reader, reimbursed: &[String]) {
        let allowed_staff = table.texts_or_numbers("reimburse_staff", staff_or_category_id);
        let allowed_categories =
            table.texts_or_numbers("reimburse_categories", staff_or_category_id);
        if reimbursed.contains(&self.default) {
            let message = "SAP Concur reimburses this payment type, and would pay again what \
                           FreshBooks has booked as paid: choose one that the company pays";
            table.problem_at("payment_type", "reimbursed", message.to_string());
        }
        let maps = [
            (
                "payment_types_by_staff",
                &self.by_staff,
                "reimburse_staff",
                allowed_staff,
            ),
            (
                "payment_types_by_category",
                &self.by_category,
                "reimburse_categories",
                allowed_categories,
            ),
        ];
        for (map, types, list, allowed) in maps {
            for (id, _) in types
                .iter()
                .filter(|(id, kind)| reimbursed.contains(kind) && !allowed.contains(id))
            {
                let message = format!(
                    "SAP Concur reimburses this payment type, and would pay again what FreshBooks \
                     has booked as paid: choose another, or add \"{id}\" to `{list}` if that is \
                     meant"
                );
                table.problem_at(&format!("{map}/{id}"), "reimbursed", message);
            }
        }
    }
}

impl Report {
    fn read(table: &mut Reader, enabled: bool) -> Self {
        Self {
            policy_id: match enabled {
                true => table.text("policy_id"),
                false => table.text_or("policy_id", ""),
            },
            name: table.checked_or("name", "FreshBooks {period}", |name| {
                // A second report of a period has its number after the name.
                let longest = name.replace(PERIOD, "2026-W07 (20)");
                let fits = longest.chars().count() <= REPORT_NAME_CHARS_MAX;
                (fits && name.contains(PERIOD))
                    .then_some(())
                    .ok_or("a name with {period} in it, of at most 40 characters with the period")
            }),
            purpose: table.optional_text("purpose"),
            period: match table.choice("period", &["month", "week"]) {
                "week" => Period::Week,
                _ => Period::Month,
            },
        }
    }
}

impl Tax {
    fn read(table: &mut Reader) -> Self {
        let receipt = |text: &str| {
            matches!(text, "T" | "R" | "N")
                .then_some(())
                .ok_or("T (tax receipt), R (receipt) or N (none)")
        };
        Self {
            receipt_with: table.optional_checked("receipt_with", receipt),
            receipt_without: table.optional_checked("receipt_without", receipt),
            amount_field: table.optional_checked("amount_field", entry_field),
        }
    }
}

/// The payment types of quick expenses, of which the page gives the names alone
/// (source: concur-quick-expense).
fn quick_payment_type(id: &str) -> Result<(), &'static str> {
    matches!(id, "CASHX" | "CPAID" | "PENDC")
        .then_some(())
        .ok_or("CPAID (paid by the company), PENDC (on a company card) or CASHX (reimbursed)")
}

fn days(table: &mut Reader) -> u32 {
    let days = table.whole("workflow_after_days", 7, 0..=366);
    u32::try_from(days).unwrap_or(u32::MAX)
}

fn lower_case(map: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let entries = map.into_iter();
    entries
        .map(|(name, code)| (name.trim().to_lowercase(), code))
        .collect()
}
