//! What a company's Expense is set up with, and the switches of its calls.

mod defaults;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::concur::invoice::config::{NextPage, NoNextPage};

/// Policies, types, forms and rates, and how the Expense calls behave where the docs leave room.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExpenseConfig {
    /// Policies that reports may name; the default one first.
    pub policies: Vec<Policy>,
    /// Expense types that entries may name.
    pub expense_types: Vec<ExpenseTypeConfig>,
    /// Payment types that entries may name.
    pub payment_types: Vec<PaymentTypeConfig>,
    /// The custom fields and org units of the entry form, by the name that v3 uses: `Custom1`.
    pub entry_fields: BTreeMap<String, FormField>,
    /// Those of the report form, by the same names.
    pub report_fields: BTreeMap<String, FormField>,
    /// The company's rates, by currency spent and currency of the report: `USD/CAD`.
    pub exchange_rates: BTreeMap<String, String>,
    /// The approval codes of a report's steps, in their order.
    pub approval_steps: Vec<String>,
    /// What becomes of a member that the API description does not know (naming; errors of field
    /// names are not documented). Default: refused, since a test has to see a misspelt name.
    pub unknown_fields: UnknownFields,
    /// What becomes of a field that the form does not have (entries v3, "only if on the form").
    /// Default: dropped.
    pub fields_off_form: FieldsOffForm,
    /// What becomes of `VendorDescription` and `VendorListItemID` (entries v3: the page says
    /// read-only since 2025-03, the API description has them). Default: dropped.
    pub vendor_fields: WriteOnReadOnly,
    /// What becomes of `ExchangeRate` (entries v3: as above). Default: dropped.
    pub exchange_rate: WriteOnReadOnly,
    /// What becomes of `IsBillable` (entries v3: as above). Default: dropped.
    pub is_billable: WriteOnReadOnly,
    /// What becomes of a code that a field's list does not have (list items in custom fields: "may
    /// be stored as bad data"). Default: stored.
    pub unknown_list_code: UnknownListCode,
    /// An amount in a currency without a rate is refused; the page says that the rate is 1.0
    /// (entries v3). Default: false.
    pub missing_rate_refused: bool,
    /// DELETE of a v3 entry is refused with 403: deprecated since 2025-06, and new apps are refused
    /// deprecated calls (deprecation policy). Default: true.
    pub entry_delete_refused: bool,
    /// Milliseconds for which the creation of a report runs; the same `idempotency-id` gets 409
    /// meanwhile (reports v4). Default: 0.
    pub creation_takes_ms: u64,
    /// Milliseconds after which an `idempotency-id` is forgotten (reports v4; open). Default: a
    /// day.
    pub idempotency_life_ms: u64,
    /// Which steps a company token may approve (workflows v4: the page names no limit, the API
    /// description says "a system step"). Default: any_step.
    pub system_approval: SystemApproval,
    /// Amounts of v4 have eight decimals, and zero is `0E-8` (reports v4; sampled). Default: true.
    pub amounts_with_eight_decimals: bool,
    /// Custom fields of an entry are copied to its allocation when it is approved (allocations v4;
    /// inferred). Default: true.
    pub copied_to_allocations: bool,
    /// The most rows of a page of v3 entries or reports. Default: 100.
    pub page_max: usize,
    /// How `NextPage` is written (paging). Default: uri.
    pub next_page: NextPage,
    /// What `NextPage` is when there is none (paging). Default: null.
    pub no_next_page: NoNextPage,
    /// A quick expense needs no `location` (quick expense v4: the page has it optional, the API
    /// description required). Default: false.
    pub quick_location_optional: bool,
    /// The most bytes of a receipt image (quick expense v4: the page says 50 MB, the API
    /// description 5 MB). Default: 5 MB.
    pub quick_image_bytes_max: usize,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its id, 32 upper-case hexadecimal digits.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// An expense type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpenseTypeConfig {
    /// Its code, five characters at most: `ExpenseTypeCode` and `expenseTypeId`.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// The account that it is posted to.
    pub account: String,
    /// The code of its spend category.
    pub category: String,
    /// It is a heading: no entry can have it.
    #[serde(default)]
    pub is_category: bool,
}

/// A payment type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentTypeConfig {
    /// The id that v4 shows, four characters.
    pub id: String,
    /// The encrypted id that v3 wants.
    pub v3_id: String,
    /// What people call it.
    pub name: String,
    /// Who paid.
    pub payer: Payer,
}

/// Who paid for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payer {
    /// The employee, who is paid back.
    Employee,
    /// The company itself (COPD).
    Company,
    /// A card that the company is billed for (CBCP).
    CompanyCard,
    /// A card that the employee is billed for and the company pays (IBCP).
    IndividualCard,
}

/// A custom field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormField {
    /// What people see above it.
    pub name: String,
    /// It has to be filled before the report is submitted.
    #[serde(default)]
    pub required: bool,
    /// The id of its list and the items of it; a field without is text of 48 characters.
    #[serde(default)]
    pub list: Option<FieldList>,
}

/// The list behind a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldList {
    /// The id of the list.
    pub id: String,
    /// Its items.
    pub items: Vec<FieldItem>,
}

/// An item of the list behind a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldItem {
    /// The id that v4 wants.
    pub id: String,
    /// The code that v3 wants.
    pub code: String,
    /// The name that people see.
    pub name: String,
}

/// What becomes of members that no API description knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownFields {
    /// The call is refused.
    Refused,
    /// They are dropped in silence.
    Dropped,
}

/// What becomes of a field that the form does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldsOffForm {
    /// It is dropped in silence.
    Dropped,
    /// The call is refused.
    Refused,
}

/// What becomes of a field that may be read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteOnReadOnly {
    /// It is dropped in silence.
    Dropped,
    /// The call is refused.
    Refused,
    /// It is written: it is not read-only.
    Written,
}

/// What becomes of a code that a list does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownListCode {
    /// It is stored, and stands for nothing.
    Stored,
    /// The call is refused.
    Refused,
}

/// Which steps a company token may approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemApproval {
    /// Any step.
    AnyStep,
    /// The steps that no person takes: `A_EXTV` and `A_PVAL`.
    SystemStep,
}

impl ExpenseConfig {
    /// The expense type of that code; headings are none.
    pub(crate) fn expense_type(&self, code: &str) -> Option<&ExpenseTypeConfig> {
        let same = |one: &&ExpenseTypeConfig| one.code == code && !one.is_category;
        self.expense_types.iter().find(same)
    }

    /// The payment type with that v4 id.
    pub(crate) fn payment_type(&self, id: &str) -> Option<&PaymentTypeConfig> {
        self.payment_types.iter().find(|one| one.id == id)
    }

    /// The payment type with that encrypted id.
    pub(crate) fn payment_type_of_v3(&self, v3_id: &str) -> Option<&PaymentTypeConfig> {
        self.payment_types.iter().find(|one| one.v3_id == v3_id)
    }

    /// The policy of that id.
    pub(crate) fn policy(&self, id: &str) -> Option<&Policy> {
        self.policies.iter().find(|one| one.id == id)
    }
}

impl FormField {
    /// The item of its list with that code.
    pub(crate) fn item_with_code(&self, code: &str) -> Option<&FieldItem> {
        let items = self.list.as_ref()?.items.iter();
        items.into_iter().find(|item| item.code == code)
    }

    /// The item of its list with that id.
    pub(crate) fn item_with_id(&self, id: &str) -> Option<&FieldItem> {
        let items = self.list.as_ref()?.items.iter();
        items.into_iter().find(|item| item.id == id)
    }
}
