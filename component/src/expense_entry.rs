//! An expense as a SAP Concur expense entry: a pure translation that gathers every problem
//! (source: concur-expense-entries).

pub(crate) mod period;
pub(crate) mod quick;
pub(crate) mod unseen;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::contract::types::Problem;
use crate::freshbooks;
use crate::money::{self, WRITTEN_DECIMALS};
use crate::reference;
use crate::settings::Settings;
use crate::settings::expense::Expense as Policy;
use crate::text::{quoted, shortened};

/// The longest description and the longest value of a custom field, in characters
/// (source: concur-expense-entries).
const DESCRIPTION_CHARS_MAX: usize = 64;
/// As much of a name is repeated in a problem's message.
const SHOWN_CHARS_MAX: usize = 60;

// Members of an entry.
pub(crate) const AMOUNT: &str = "TransactionAmount";
pub(crate) const CURRENCY: &str = "TransactionCurrencyCode";
pub(crate) const DATE: &str = "TransactionDate";
pub(crate) const DESCRIPTION: &str = "Description";
/// Computed by SAP Concur, and never written.
pub(crate) const EXCHANGE_RATE: &str = "ExchangeRate";
pub(crate) const EXPENSE_TYPE: &str = "ExpenseTypeCode";
pub(crate) const PAYMENT_TYPE: &str = "PaymentTypeID";
pub(crate) const TAX_RECEIPT: &str = "TaxReceiptType";

/// An entry, ready but for its report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Translated {
    /// Every member that we decide, as text; empty for one that is to hold nothing.
    pub(crate) members: BTreeMap<String, String>,
    /// The members that are custom fields or org units, which SAP Concur drops in silence where
    /// the form does not have them.
    pub(crate) custom_fields: Vec<String>,
    /// Where the marker is: a custom field, or [`DESCRIPTION`].
    pub(crate) marker_member: String,
}

impl Translated {
    /// The body that creates it in this report.
    #[must_use]
    pub(crate) fn to_create(&self, report_id: &str) -> String {
        let report = [("ReportID", report_id)];
        let members = self.members.iter();
        let members = members.map(|(name, text)| (name.as_str(), text.as_str()));
        let filled = members.filter(|(_, text)| !text.is_empty());
        body(report.into_iter().chain(filled))
    }

    /// The body that changes the members of these names of an entry in this report. SAP's API
    /// description requires three members of every change, its page none: they are always sent
    /// (source: concur-expense-entries).
    #[must_use]
    pub(crate) fn to_update(&self, report_id: &str, names: &[&str]) -> String {
        let report = [("ReportID", report_id)];
        let members = self.members.iter();
        let members = members.map(|(name, text)| (name.as_str(), text.as_str()));
        let is_sent = |name: &str| [DATE, EXPENSE_TYPE].contains(&name) || names.contains(&name);
        let sent = members.filter(|(name, _)| is_sent(name));
        body(report.into_iter().chain(sent))
    }

    /// The custom fields that are filled.
    pub(crate) fn filled_fields(&self) -> impl Iterator<Item = &str> {
        let fields = self.custom_fields.iter().map(String::as_str);
        fields.filter(|field| {
            self.members
                .get(*field)
                .is_some_and(|text| !text.is_empty())
        })
    }

    /// A member as text; empty for none.
    #[must_use]
    pub(crate) fn text(&self, name: &str) -> &str {
        self.members.get(name).map_or("", String::as_str)
    }
}

/// A JSON object of text, in which the amount is a number (source: concur-expense-entries). It is
/// written digit by digit, so that no float is involved.
fn body<'a>(members: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let members = members.map(|(name, text)| match name {
        AMOUNT => format!("\"{name}\":{text}"),
        _ => format!("\"{name}\":{}", Value::String(text.to_string())),
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// Translates an expense. `projects` are the cost codes of projects that the settings do not name,
/// `category` is the name of its category, where that had to be read, and `marker` is what the
/// entry is found by.
///
/// # Errors
///
/// Every problem found, each with the pointer into the FreshBooks expense and the setting that
/// would help. To a host:
///
/// ```
/// use ml_connector_component::contract::mapping::Translation;
/// use ml_connector_component::mapping::preview;
/// use ml_connector_component::settings::Settings;
///
/// # const SETTINGS: &str =
/// #     include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings/minimal.json"));
/// let expenses = r#"{"expense": {"enabled": true, "payment_type": "gWqCompanyPaid",
///     "currencies": ["CAD"], "report": {"policy_id": "0A1B"},
///     "categories": {"3344": "TAXIX"}}, "#;
/// let settings = Settings::load("acme", &SETTINGS.replacen('{', expenses, 1)).expect("is right");
/// let expense = r#"{"id": 7, "staffid": 1, "categoryid": 3344, "date": "2026-02-11",
///     "vendor": "City Cabs", "amount": {"amount": "40.00", "code": "CAD"}}"#;
/// let translations = preview(&settings, "expense", expense).expect("translates");
/// let [Translation::Record(record)] = translations.as_slice() else { panic!("one entry") };
/// assert!(record.json.contains(r#""TransactionAmount":40.00"#));
/// assert!(record.json.contains(r#""Description":"City Cabs mlc-"#));
/// let unknown = expense.replace("3344", "9");
/// let problems = preview(&settings, "expense", &unknown).expect_err("has no expense type");
/// assert_eq!(problems[0].code, "expense-type-unmapped");
/// ```
pub(crate) fn translate(
    expense: &freshbooks::Expense,
    settings: &Settings,
    projects: &BTreeMap<String, String>,
    category: Option<&str>,
    marker: &str,
) -> Result<Translated, Vec<Problem>> {
    let mut work = Work {
        expense,
        settings,
        projects,
        policy: &settings.expense,
        problems: expense.problems.clone(),
    };
    let translated = work.translate(category, marker);
    if work.problems.is_empty() {
        Ok(translated)
    } else {
        Err(work.problems)
    }
}

struct Work<'a> {
    expense: &'a freshbooks::Expense,
    settings: &'a Settings,
    projects: &'a BTreeMap<String, String>,
    policy: &'a Policy,
    problems: Vec<Problem>,
}

impl Work<'_> {
    fn translate(&mut self, category: Option<&str>, marker: &str) -> Translated {
        let policy = self.policy;
        let staff = self.staff();
        let category_id = self.expense.category.as_deref().unwrap_or_default();
        let in_text = policy.marker_field.is_none().then_some(marker);
        let mut members = BTreeMap::from([
            (AMOUNT, self.amount()),
            (CURRENCY, self.currency()),
            (DATE, self.date()),
            (DESCRIPTION, self.description(in_text)),
            (EXPENSE_TYPE, self.expense_type(category)),
            (
                PAYMENT_TYPE,
                policy.payment_types.of(&staff, category_id).to_string(),
            ),
        ]);
        if let Some(receipt) = self.tax_receipt() {
            members.insert(TAX_RECEIPT, receipt);
        }
        let fields = [
            (&policy.marker_field, marker.to_string()),
            (&policy.project_field, self.project_code()),
            (&policy.cost_code_field, self.cost_code()),
            (&policy.tax.amount_field, self.tax_amount()),
        ];
        let fields = fields
            .into_iter()
            .filter_map(|(field, text)| Some((field.as_deref()?, text)));
        let mut custom_fields = Vec::new();
        for (field, text) in fields {
            custom_fields.push(field.to_string());
            members.insert(field, text);
        }
        let members = members.into_iter();
        Translated {
            members: members
                .map(|(name, text)| (name.to_string(), text))
                .collect(),
            custom_fields,
            marker_member: policy
                .marker_field
                .clone()
                .unwrap_or_else(|| DESCRIPTION.to_string()),
        }
    }

    fn staff(&mut self) -> String {
        let staff = self.expense.staff.clone();
        staff.unwrap_or_else(|| {
            let message = "FreshBooks does not say whose expense it is; choose a member of staff \
                           there";
            self.report("/staffid", "id-missing", message.to_string());
            String::new()
        })
    }

    fn amount(&mut self) -> String {
        let Decimals { wire, max } = Decimals::of(&self.expense.currency);
        let amount = self.expense.amount;
        let is_read = self.expense.problems.is_empty();
        if is_read && amount <= Decimal::ZERO {
            let message = format!(
                "{amount} is no amount that an expense entry can have; enter what was given back \
                 in SAP Concur by hand"
            );
            self.report("/amount/amount", "wrong-value", message);
        }
        if !money::fits(amount, max) {
            let message = format!(
                "{amount} has more digits after the point than {} has; correct it in FreshBooks",
                quoted(&self.expense.currency, SHOWN_CHARS_MAX)
            );
            self.report("/amount/amount", "amount-precision", message);
        }
        money::wire(amount, wire)
    }

    fn currency(&mut self) -> String {
        let currency = self.expense.currency.clone();
        let shown = quoted(&currency, SHOWN_CHARS_MAX);
        if currency.is_empty() {
            return currency;
        }
        if !self.settings.currencies.contains(&currency) {
            let message = format!("currency {shown} is not carried over; add it to `currencies`");
            self.report("/amount/code", "currency-unmapped", message);
        } else if !self.policy.currencies.contains(&currency) {
            let message = format!(
                "SAP Concur is not known to have a rate for {shown}, and would take the amount \
                 one to one; set one up there, then add {currency} to `expense.currencies`"
            );
            self.report("/amount/code", "rate-missing", message);
        }
        currency
    }

    fn date(&mut self) -> String {
        let unread = |problem: &Problem| problem.pointer == "/date";
        let date = self.expense.date.clone();
        if date.is_none() && !self.problems.iter().any(unread) {
            let message = "FreshBooks shows no date of the expense; enter it there";
            self.report("/date", "date-missing", message.to_string());
        }
        date.unwrap_or_default()
    }

    /// Whom it was paid to and what for, and the marker at the end where no field holds it.
    fn description(&self, marker: Option<&str>) -> String {
        let vendor = self.expense.vendor.as_deref().unwrap_or_default();
        let notes = self.expense.notes.as_deref().unwrap_or_default();
        let text = match (vendor, notes) {
            ("", "") => format!("FreshBooks expense {}", self.expense.id),
            ("", text) | (text, "") => text.to_string(),
            (vendor, notes) => format!("{vendor}: {notes}"),
        };
        let Some(marker) = marker else {
            return shortened(&text, DESCRIPTION_CHARS_MAX);
        };
        let rest = DESCRIPTION_CHARS_MAX.saturating_sub(marker.chars().count() + 1);
        format!("{} {marker}", shortened(&text, rest))
    }

    fn expense_type(&mut self, category: Option<&str>) -> String {
        let Some(id) = self.expense.category.clone() else {
            let message = "FreshBooks shows no category of the expense; choose one there";
            self.report("/categoryid", "expense-type-unmapped", message.to_string());
            return String::new();
        };
        if let Some(code) = expense_type_of(self.policy, &id, category) {
            return code.to_string();
        }
        let named = category.map(|name| format!(" {}", quoted(name, SHOWN_CHARS_MAX)));
        let message = format!(
            "expense category {}{} has no Concur expense type; add \"{id}\" to \
             `expense.categories`",
            shortened(&id, SHOWN_CHARS_MAX),
            named.unwrap_or_default()
        );
        self.report("/categoryid", "expense-type-unmapped", message);
        String::new()
    }

    fn project_code(&mut self) -> String {
        let is_wanted = self.policy.project_field.is_some();
        let Some(project) = self.expense.project.clone().filter(|_| is_wanted) else {
            return String::new();
        };
        if let Some(code) = reference::project_code(self.settings, self.projects, &project) {
            return code.clone();
        }
        let message = reference::without_project_code(self.settings, &project);
        self.report("/modern_projectid", "project-unmapped", message);
        String::new()
    }

    fn cost_code(&mut self) -> String {
        let is_wanted = self.policy.cost_code_field.is_some();
        let Some(category) = self.expense.category.clone().filter(|_| is_wanted) else {
            return String::new();
        };
        if let Some(code) = self.policy.cost_codes.get(&category) {
            return code.clone();
        }
        let message = format!(
            "expense category {} has no Concur cost code; add it to `expense.cost_codes`",
            shortened(&category, SHOWN_CHARS_MAX)
        );
        self.report("/categoryid", "cost-code-unmapped", message);
        String::new()
    }

    fn tax_receipt(&self) -> Option<String> {
        let tax = &self.policy.tax;
        if self.expense.tax.is_zero() {
            tax.receipt_without.clone()
        } else {
            tax.receipt_with.clone()
        }
    }

    fn tax_amount(&self) -> String {
        if self.expense.tax.is_zero() {
            return String::new();
        }
        money::wire(self.expense.tax, Decimals::of(&self.expense.currency).wire)
    }

    fn report(&mut self, pointer: &str, code: &str, message: String) {
        self.problems.push(Problem {
            pointer: pointer.to_string(),
            code: code.to_string(),
            message,
        });
    }
}

/// The digits after the point of an amount.
struct Decimals {
    /// As it is written to SAP Concur.
    wire: u32,
    /// The most that it may have.
    max: u32,
}

impl Decimals {
    fn of(currency: &str) -> Self {
        let minor_units = money::minor_units(currency).unwrap_or(WRITTEN_DECIMALS);
        Self {
            wire: minor_units,
            max: minor_units,
        }
    }
}

/// Whether the settings know some categories by their names, and not by their ids.
pub(crate) fn names_categories(policy: &Policy) -> bool {
    let is_name = |key: &String| !key.bytes().all(|byte| byte.is_ascii_digit());
    policy.categories.keys().any(is_name)
}

/// The expense type of a category, by its id, else by its name.
pub(crate) fn expense_type_of<'a>(
    policy: &'a Policy,
    id: &str,
    name: Option<&str>,
) -> Option<&'a str> {
    let by_name = || policy.categories.get(&name?.trim().to_lowercase());
    let code = policy.categories.get(id).or_else(by_name);
    code.map(String::as_str)
}

#[cfg(test)]
mod tests;
