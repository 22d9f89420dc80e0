//! Expenses: what somebody of the business spent (source: freshbooks-expenses).

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::Value;

use super::expense_taxes::{ExpenseTax, TaxBase, read_taxes};
use super::expense_view::expense_view;
use super::lines::read_percent;
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::errors::ApiError;
use crate::freshbooks::api::fields::{
    Fields, SparseFields, read_amount, read_currency, read_flag, read_id, required_day, required_id,
};
use crate::freshbooks::api::listing::SearchFilters;
use crate::freshbooks::api::resource::{Resource, RowHead, ViewContext, refuse_read_only};
use crate::freshbooks::expense_config::ProjectField;
use crate::http::Millis;
use crate::money::{Currency, parse_decimal, rounded};

const TEXTS: &[&str] = &["notes", "vendor"];

/// Fields that only the server writes. What is neither here nor read is ignored, such as the
/// `ext_*` ids, which have no documented meaning.
const READ_ONLY: &[&str] = &[
    "id",
    "expenseid",
    "accounting_systemid",
    "account_name",
    "accountid",
    "background_jobid",
    "bank_name",
    "bill_matches",
    "converse_projectid",
    "from_bulk_import",
    "has_receipt",
    "invoiceid",
    "is_cogs",
    "isduplicate",
    "potential_bill_payment",
    "profileid",
    "status",
    "updated",
    "version",
];

/// An expense: an amount that includes its taxes, spent by a staff member for a category.
#[derive(Clone, Debug)]
pub(crate) struct Expense {
    pub(crate) head: RowHead,
    pub(crate) texts: SparseFields,
    pub(crate) category: u64,
    pub(crate) staff: u64,
    /// The client it was spent for; 0 is none.
    pub(crate) client: u64,
    pub(crate) project: Option<u64>,
    pub(crate) date: Date,
    pub(crate) amount: Decimal,
    pub(crate) currency: Currency,
    pub(crate) taxes: [Option<ExpenseTax>; 2],
    /// The second tax is on top of the first.
    pub(crate) compounded: bool,
    pub(crate) billable: bool,
    pub(crate) markup_percent: Decimal,
    pub(crate) include_receipt: bool,
    /// The id of the upload that is its receipt.
    pub(crate) receipt: Option<u64>,
    /// Where it comes from, if a bank feed imported it.
    pub(crate) feed: Option<BankFeed>,
}

/// The bank account whose feed imported an expense.
#[derive(Clone, Debug)]
pub(crate) struct BankFeed {
    pub(crate) bank: String,
    pub(crate) account: u64,
}

impl Resource for Expense {
    const ONE: &'static str = "expense";
    const MANY: &'static str = "expenses";
    const ID_FIELD: &'static str = "expenseid";
    const SCOPE: &'static str = "expenses";
    type View<'a> = Value;

    fn create(machine: &mut FreshBooks, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        // Reported before anything that is missing.
        machine.refuse_expense_fields(fields)?;
        if fields.get("amount").is_none_or(Value::is_null) {
            return Err(ApiError::required(Self::ONE, "amount"));
        }
        let mut expense = Self {
            head: RowHead::draft(now),
            texts: SparseFields::new(TEXTS),
            category: required_id(fields, Self::ONE, "categoryid")?,
            staff: required_id(fields, Self::ONE, "staffid")?,
            client: 0,
            project: None,
            date: required_day(fields, Self::ONE, "date")?,
            amount: Decimal::ZERO,
            currency: machine.default_currency(),
            taxes: [None, None],
            compounded: false,
            billable: false,
            markup_percent: Decimal::ZERO,
            include_receipt: false,
            receipt: None,
            feed: None,
        };
        expense.apply(machine, fields)?;
        Ok(machine.expenses.insert_new(expense))
    }

    /// Writes the fields that a body names; taxes are read once the amount is known.
    fn apply(&mut self, machine: &FreshBooks, fields: &Fields) -> Result<(), ApiError> {
        machine.refuse_expense_fields(fields)?;
        self.texts.write_fields(fields, Self::ONE)?;
        for (name, value) in fields {
            self.apply_field(machine, name, value)?;
        }
        let base = TaxBase {
            gross: self.amount,
            currency: self.currency,
            compounded: self.compounded,
            digits: machine.config.digits(self.currency),
            rule: machine.config.expenses.tax_rule,
        };
        self.taxes = read_taxes(fields, &self.taxes, &base)?;
        Ok(())
    }

    fn after_change(machine: &mut FreshBooks, id: u64, now: Millis) {
        machine.book_expense(id, now);
    }

    fn matches(&self, search: &SearchFilters, showing: &ViewContext) -> bool {
        let inclusive = showing.config().max_filter_inclusive;
        let has_receipt = self.receipt.is_some().to_string();
        let is_not = |id: &str| id.parse() != Ok(self.client);
        search.id_passes("expenseid", "expenseids", self.head.id)
            && search.id_passes("clientid", "clientids", self.client)
            && search.value("clientid_not").is_none_or(is_not)
            && search.id_passes("staffid", "staffids", self.staff)
            && search.id_passes("profileid", "profileids", 0)
            && search.id_passes("categoryid", "categoryids", self.category)
            && search.id_passes("projectid", "projectids", self.project.unwrap_or_default())
            && search
                .value("has_receipt")
                .is_none_or(|text| text == has_receipt)
            && search
                .value("vendor")
                .is_none_or(|vendor| vendor == self.texts.get("vendor"))
            && self.amount_passes(search, inclusive)
            && search.days("date", inclusive).contain(self.date)
            && search
                .days("updated", inclusive)
                .contain_instant(self.head.updated)
    }

    fn view<'a>(&'a self, showing: &ViewContext<'a>) -> Value {
        expense_view(self, showing)
    }

    fn candidate_ids(_: &FreshBooks, search: &SearchFilters) -> Option<Vec<u64>> {
        search
            .value("expenseid")
            .map(|id| id.parse().into_iter().collect())
    }
}

impl Expense {
    /// 0 internal, 1 outstanding: to be billed to its client. 2 invoiced and 4 recouped are
    /// missing, as no invoice here bills an expense.
    pub(crate) fn status(&self) -> u8 {
        u8::from(self.client != 0 && self.billable)
    }

    fn apply_field(
        &mut self,
        machine: &FreshBooks,
        name: &str,
        value: &Value,
    ) -> Result<(), ApiError> {
        let invalid = || ApiError::invalid(Self::ONE, name, value);
        match name {
            "amount" => self.apply_amount(machine, value)?,
            "date" => {
                let fields = Fields::from_iter([(name.to_owned(), value.clone())]);
                self.date = required_day(&fields, Self::ONE, name)?;
            }
            "categoryid" => {
                let known = read_id(value).filter(|id| machine.is_usable_category(*id));
                self.category = known.ok_or_else(invalid)?;
            }
            "staffid" => {
                let known = read_id(value).filter(|id| machine.is_active_staff(*id));
                self.staff = known.ok_or_else(invalid)?;
            }
            "clientid" => {
                let is_known = |id: &u64| *id == 0 || machine.clients.rows.contains_key(id);
                let client = if value.is_null() {
                    Some(0)
                } else {
                    read_id(value)
                };
                self.client = client.filter(is_known).ok_or_else(invalid)?;
            }
            "projectid" | "modern_projectid" => self.apply_project(machine, name, value)?,
            "compounded_tax" => self.compounded = read_flag(value, Self::ONE, name)?,
            "billable" => self.billable = read_flag(value, Self::ONE, name)?,
            "include_receipt" => self.include_receipt = read_flag(value, Self::ONE, name)?,
            "markup_percent" => {
                self.markup_percent = read_percent(value)
                    .ok_or_else(|| ApiError::field(422, 1018, Self::ONE, name, "Bad percent."))?;
            }
            "attachment" if value.is_null() => self.receipt = None,
            "attachment" => {
                let jwt = value.get("jwt").and_then(Value::as_str).unwrap_or_default();
                self.receipt = Some(machine.uploads.id_of_jwt(jwt).ok_or_else(invalid)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn apply_amount(&mut self, machine: &FreshBooks, value: &Value) -> Result<(), ApiError> {
        let invalid = || ApiError::invalid(Self::ONE, "amount", value);
        if let Some(code) = value.get("code") {
            self.currency = read_currency(code, Self::ONE, "amount")?;
        }
        let amount = read_amount(value).ok_or_else(invalid)?;
        if amount < Decimal::ZERO && !machine.config.expenses.negative_allowed {
            let message = "Must not be negative.";
            return Err(ApiError::field(422, 1025, Self::ONE, "amount", message)
                .quoting(amount.to_string()));
        }
        self.amount = rounded(amount, machine.config.digits(self.currency));
        Ok(())
    }

    fn apply_project(
        &mut self,
        machine: &FreshBooks,
        name: &str,
        value: &Value,
    ) -> Result<(), ApiError> {
        let field = machine.config.expenses.project_field;
        let id = if value.is_null() {
            Some(0)
        } else {
            read_id(value)
        };
        match (name, field) {
            ("modern_projectid", ProjectField::Legacy) => return Ok(()),
            // The other field says which project it is.
            ("projectid", ProjectField::Modern | ProjectField::Both) if id == Some(0) => {
                return Ok(());
            }
            _ => {}
        }
        let is_known = |id: &u64| {
            let is_legacy = name == "projectid" && field == ProjectField::Modern;
            *id == 0 || !is_legacy && machine.projects.rows.contains_key(id)
        };
        let id = id.filter(is_known);
        let id = id.ok_or_else(|| ApiError::invalid(Self::ONE, name, value))?;
        self.project = Some(id).filter(|id| *id != 0);
        Ok(())
    }

    fn amount_passes(&self, search: &SearchFilters, max_inclusive: bool) -> bool {
        let bound = |key: &str| search.value(key).and_then(parse_decimal);
        let below = |max| self.amount < max || max_inclusive && self.amount == max;
        bound("amount_min").is_none_or(|min| self.amount >= min)
            && bound("amount_max").is_none_or(below)
    }
}

impl FreshBooks {
    /// Refuses fields that only the server writes, unless they are dropped.
    fn refuse_expense_fields(&self, fields: &Fields) -> Result<(), ApiError> {
        if self.config.expenses.read_only_dropped {
            return Ok(());
        }
        refuse_read_only(fields, Expense::ONE, READ_ONLY)
    }

    fn is_usable_category(&self, id: u64) -> bool {
        self.category(id)
            .is_some_and(|category| category.head.vis_state != 1)
    }
}

#[cfg(test)]
mod tests;
