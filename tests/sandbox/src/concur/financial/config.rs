//! The switches for what the documentation of Financial Integration leaves open.

use serde::{Deserialize, Serialize};

use super::Oddity;

/// How the queue and its documents behave. `docs/sources.md` explains the section names in
/// parentheses.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinancialConfig {
    /// The company has the integration: approved payment requests become documents (prerequisites).
    /// Default: true.
    pub enabled: bool,
    /// The older, short id of the company.
    pub company_id: String,
    /// The id of the company's entity.
    pub entity_id: String,
    /// More documents than this are never on one page, whatever is asked for (GET; not published).
    /// Default: 100.
    pub limit_max: usize,
    /// The order of READY documents (GET; not stated). Default: oldest_first.
    pub order: QueueOrder,
    /// Whether `document` is an object or a text (GET; the page's own example has a text). Default:
    /// as_asked.
    pub document_format: DocumentFormat,
    /// POST calls without `systemId` are refused (page: optional, Swagger: required). Default:
    /// false.
    pub system_id_required: bool,
    /// GET with `systemId` hides documents that another system acknowledged (not stated). Default:
    /// false.
    pub system_id_filters: bool,
    /// When a different `systemId` is answered with code 99 (open for an empty one). Default:
    /// when_stored.
    pub system_id_check: SystemIdCheck,
    /// A success without posting documents is accepted instead of refused (posting confirmation;
    /// reported by users). Default: false.
    pub blank_posting_docs_allowed: bool,
    /// A confirmed failure can be confirmed again as a success, not answered with 113 (not stated).
    /// Default: false.
    pub success_after_failure: bool,
    /// A failed document that is recalled becomes RECALLED; the status matrix lets it stay failed.
    /// Default: false.
    pub recall_marks_failed: bool,
    /// Acknowledged documents can be recalled, as before October 2023 (acknowledge). Default:
    /// false.
    pub recall_acknowledged: bool,
    /// A resubmission has the same `revisionNumber` (open). Default: false, that is one more.
    pub revision_stays: bool,
    /// Documents write every custom field and organisation unit, null when empty, as published
    /// samples do. Default: true.
    pub null_fields: bool,
    /// How an invoice document writes its days (schema, example and workbook differ). Default:
    /// slashes.
    pub invoice_dates: InvoiceDates,
    /// Which midnight the days of a report are written as (samples of 2019 and of 2016 differ).
    /// Default: utc.
    pub report_days: ReportDays,
    /// What `amountGross` of a split invoice line is (open). Default: per_allocation.
    pub invoice_gross: InvoiceGross,
    /// An invoice's tax is in its header only, not in its journals (open). Default: false.
    pub invoice_tax_in_header: bool,
    /// Payroll reimburses every report, which then names its clearing account (schema). Default:
    /// false.
    pub reports_by_payroll: bool,
    /// The rows of personal items have no account code, only their entry has its clearing account
    /// code (published samples have both). Default: false.
    pub personal_items_without_account: bool,
    /// The `transactionType` of an advance that comes back (schema: 1 is an issue or a return to
    /// the administrator, 3 a carry forward). Default: 1.
    pub advance_return_type: u8,
    /// What is odd about every document. Default: nothing.
    pub always: Vec<Oddity>,
}

/// The order of READY documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueOrder {
    /// As they were approved.
    OldestFirst,
    /// The other way round.
    NewestFirst,
    /// By document id, which is random.
    ById,
}

/// Whether `document` is an object or a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentFormat {
    /// As the header `DocumentFormatAs` asks, an object without it.
    AsAsked,
    /// An object, whatever the header says.
    Json,
    /// A text, whatever the header says.
    Text,
}

/// When a different `systemId` is answered with code 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemIdCheck {
    /// If the acknowledgement named one.
    WhenStored,
    /// Also if the acknowledgement named none.
    Always,
    /// A different `systemId` is never refused.
    Never,
}

/// How an invoice document writes its days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceDates {
    /// `MM/DD/YYYY`, as in the example.
    Slashes,
    /// `YYYY-MM-DD`, as in the schema.
    Iso,
    /// `YYYY/MM/DD`, as in the extract's workbook.
    YearFirst,
    /// With a time behind it.
    DateTime,
}

/// Which midnight the days of a report are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportDays {
    /// That of UTC.
    Utc,
    /// That of US Pacific time in summer, seven hours later.
    Pacific,
}

/// What `amountGross` of a split invoice line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceGross {
    /// The allocation's share of the line's total.
    PerAllocation,
    /// The line's total, in every allocation again.
    PerLine,
}

impl Default for FinancialConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            company_id: "500123".into(),
            entity_id: "p0001234abcd".into(),
            limit_max: 100,
            order: QueueOrder::OldestFirst,
            document_format: DocumentFormat::AsAsked,
            system_id_required: false,
            system_id_filters: false,
            system_id_check: SystemIdCheck::WhenStored,
            blank_posting_docs_allowed: false,
            success_after_failure: false,
            recall_marks_failed: false,
            recall_acknowledged: false,
            revision_stays: false,
            null_fields: true,
            invoice_dates: InvoiceDates::Slashes,
            report_days: ReportDays::Utc,
            invoice_gross: InvoiceGross::PerAllocation,
            invoice_tax_in_header: false,
            reports_by_payroll: false,
            personal_items_without_account: false,
            advance_return_type: 1,
            always: Vec::new(),
        }
    }
}
