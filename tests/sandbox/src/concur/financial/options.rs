//! What people decide when they approve, issue, run or resubmit something.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Oddity;
use crate::money::parse_decimal;

/// What is special about a document on its way through the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filing {
    /// What is odd about the document.
    pub oddities: Vec<Oddity>,
    /// Milliseconds for which it is DELAYED before it becomes READY.
    pub ready_after_ms: u64,
    /// How many acknowledgements are answered with 103 although it is READY.
    pub not_ready_times: u32,
    /// How many posting confirmations are answered with 199.
    pub unknown_error_times: u32,
    /// It is recalled right after it was listed.
    pub recalled_after_get: bool,
}

/// The kinds of entry that a report can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Paid in cash by the employee.
    Cash,
    /// A card that the employee is billed for and the company pays (IBCP).
    IndividualCard,
    /// A card that the company is billed for (CBCP).
    CompanyCard,
    /// Paid by the company itself (COPD).
    CompanyPaid,
    /// Split over several cost codes.
    Split,
    /// With a tax that is reclaimed whole.
    Taxed,
    /// With two taxes of which a part is reclaimed.
    PartlyTaxed,
    /// With a tax that is not reclaimed.
    LostTax,
    /// Split, taxed twice and with several rows per allocation.
    SplitTaxed,
    /// A private purchase on a company-billed card; nothing is approved.
    Personal,
    /// Several rows on one account.
    SameAccount,
    /// Partly offset: the employee pays one part, the card another.
    Offset,
    /// Money back: every amount is negative.
    Refund,
    /// In a foreign currency whose rate multiplies.
    Foreign,
    /// In a foreign currency whose rate divides.
    ForeignDivided,
    /// The cost code is on the entry, not on its allocation.
    EntryCostCode,
}

impl Shape {
    /// Every shape, for tests that go through them all.
    pub const ALL: [Self; 16] = [
        Self::Cash,
        Self::IndividualCard,
        Self::CompanyCard,
        Self::CompanyPaid,
        Self::Split,
        Self::Taxed,
        Self::PartlyTaxed,
        Self::LostTax,
        Self::SplitTaxed,
        Self::Personal,
        Self::SameAccount,
        Self::Offset,
        Self::Refund,
        Self::Foreign,
        Self::ForeignDivided,
        Self::EntryCostCode,
    ];
}

/// An expense report to approve. What is left out is generated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportOptions {
    /// The currency of the employee.
    pub currency: Option<String>,
    /// The shapes of its entries; up to seven random ones if empty.
    pub entries: Vec<Shape>,
    /// The legal entity that it belongs to.
    pub entity: EntityOptions,
    /// The cash advance that it uses up; one in eight drawn reports uses one.
    pub advance: Option<AdvanceUse>,
    /// Draws the same report again in any sandbox.
    pub seed: Option<u64>,
    /// On its way through the queue.
    pub filing: Filing,
}

/// The legal entity of a report or an invoice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EntityOptions {
    /// The code of its ledger; `DEFAULT` if none is given.
    pub ledger: Option<String>,
    /// The id of its policy; none if none is given.
    pub policy: Option<String>,
    /// The home country of the employee, two letters; that of the currency if none is given.
    pub country: Option<String>,
}

/// How a report uses a cash advance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdvanceUse {
    /// The source id of an issued advance.
    pub id: Option<String>,
    /// A part of the cash is returned unused.
    pub returned: bool,
}

/// A supplier invoice that was entered in Concur. What is left out is generated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InvoiceOptions {
    /// Its currency, such as `CAD`.
    pub currency: Option<String>,
    /// The legal entity that it belongs to; an invoice has no home country.
    pub entity: EntityOptions,
    /// How many lines it has.
    pub lines: Option<u8>,
    /// It is a credit memo: every amount is negative.
    pub credit_memo: bool,
    /// Draws the same invoice again in any sandbox.
    pub seed: Option<u64>,
    /// On its way through the queue.
    pub filing: Filing,
}

/// A cash advance to issue. What is left out is generated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdvanceOptions {
    /// The currency of the employee.
    pub currency: Option<String>,
    /// The amount in that currency.
    #[serde(serialize_with = "write_amount", deserialize_with = "read_amount")]
    pub amount: Option<Decimal>,
    /// It is asked for in another currency.
    pub foreign: bool,
    /// Cash comes back: a negative amount on the credit side.
    pub returned: bool,
    /// Draws the same advance again in any sandbox.
    pub seed: Option<u64>,
    /// On its way through the queue.
    pub filing: Filing,
}

/// A payroll run. What is left out is generated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PayrollOptions {
    /// The source id of the approved report that is paid out; without one a report is drawn.
    pub report: Option<String>,
    /// The currency of the employee, if the report is drawn.
    pub currency: Option<String>,
    /// For tax records only: nothing is paid out through the payroll.
    pub record_only: bool,
    /// Draws the same run again in any sandbox.
    pub seed: Option<u64>,
    /// On its way through the queue.
    pub filing: Filing,
}

/// How many documents to approve at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentBulk {
    /// Expense reports of every shape.
    pub reports: u32,
    /// Supplier invoices entered in Concur.
    pub invoices: u32,
    /// Cash advances issued to employees.
    pub cash_advances: u32,
    /// Payroll runs, each for a report of its own.
    pub payrolls: u32,
    /// The currency of all of them; drawn per document if none is given.
    pub currency: Option<String>,
    /// The seed of the variety.
    pub seed: u64,
}

/// How something recalled is submitted and approved again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resubmission {
    /// What is different from the document before.
    pub change: Change,
    /// It happens although the document was not recalled, whatever its state.
    pub even_if_not_recalled: bool,
    /// On its way through the queue.
    pub filing: Filing,
}

/// What is different about a resubmission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The same content again.
    #[default]
    Same,
    /// Another total: a report or an invoice gets one entry or line more.
    Amounts,
}

fn write_amount<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    amount
        .map(|amount| amount.to_string())
        .serialize(serializer)
}

fn read_amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let read = |text: String| {
        parse_decimal(&text).ok_or_else(|| serde::de::Error::custom("amounts are plain decimals"))
    };
    text.map(read).transpose()
}
