//! The way back: which financial documents become journal entries, and on which accounts.

mod accounts;
mod bills;
mod calendar;
mod cost_codes;
mod ledgers;
mod posting_date;
mod project_expenses;
mod zone;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::checks::{code, day, uuid};
use super::reader::Reader;
pub use crate::concur::DocumentType;
use crate::contract::runs::Intent;
use crate::contract::settings::Schedule;
use crate::contract::types::{Duration, ObjectRef};
pub use accounts::Accounts;
pub(super) use bills::BILL_SCOPES;
pub use bills::{BillTax, Bills, InvoiceForm};
pub use calendar::Calendar;
pub use cost_codes::CostCodeField;
pub use ledgers::{Entity, Ledgers};
pub use posting_date::{PostingDate, PostingDates};
pub(super) use project_expenses::PROJECT_EXPENSE_SCOPES;
pub use project_expenses::{Billable, OtherCostCodes, ProjectCosts, ProjectExpenses, ProjectField};

/// Financial documents from SAP Concur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Financial {
    /// Whether they are fetched at all.
    pub enabled: bool,
    /// The types that are fetched.
    pub documents: BTreeSet<DocumentType>,
    /// Seconds between two looks into a queue.
    pub interval_s: u64,
    /// When to look into the queues instead, where that is not at intervals.
    pub schedule: Option<Calendar>,
    /// The time zone in which a moment of a document is a day.
    pub zone: TimeZone,
    /// Which of its dates a document is posted on.
    pub posting_dates: PostingDates,
    /// Which legal entities' documents are taken.
    pub ledgers: Ledgers,
    /// The month with which the fiscal year begins, 1 to 12.
    pub fiscal_year_first_month: i8,
    /// Which calendar year a fiscal year over two of them is called by.
    pub fiscal_year_named_by: FiscalYearName,
    /// How the lines of an entry are written.
    pub entry_lines: EntryLines,
    /// Documents asked for at once.
    pub page_size: u64,
    /// The name under which we acknowledge and confirm; at most 50 characters.
    pub system_id: String,
    /// The company that posting confirmations name; at most 32 characters.
    pub company_code: String,
    /// What suppliers' invoices become.
    pub invoices: InvoiceForm,
    /// How they become bills.
    pub bills: Bills,
    /// What rows that name a project become.
    pub project_costs: ProjectCosts,
    /// How they become expenses.
    pub project_expenses: ProjectExpenses,
    /// What is done with invoices that we brought to SAP Concur ourselves.
    pub own_invoices: OwnInvoices,
    /// What is done with entries of reports that we brought to SAP Concur ourselves.
    pub own_expenses: OwnExpenses,
    /// Which problems are reported to SAP Concur as a failed posting.
    pub confirm_errors: ConfirmErrors,
    /// The last day of the closed books, `YYYY-MM-DD`.
    pub closed_until: Option<String>,
    /// What is done with documents dated in the closed books.
    pub closed_period: ClosedPeriod,
    /// What is done with payroll documents.
    pub payroll: Payroll,
    /// The generation of FreshBooks' journal entries.
    pub endpoint: Endpoint,
    /// The key of the newer generation.
    pub business_uuid: Option<String>,
    /// When FreshBooks is asked for our entry before one is posted.
    pub look_up: LookUp,
    /// What is done when nobody can know whether an entry was posted.
    pub ambiguity: Intent,
    /// How long an ambiguous write is left alone before it is looked up.
    pub settle: Duration,
    /// The custom field of an allocation that holds the cost code, 1 to 20.
    pub cost_code_field: u8,
    /// The field of an entry that holds it where the allocation has none.
    pub entry_cost_code_field: CostCodeField,
    /// Which FreshBooks account an amount goes to.
    pub accounts: Accounts,
}

/// Invoices that come back to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnInvoices {
    /// Acknowledged and confirmed, not posted a second time.
    Confirm,
    /// Posted like any other.
    Post,
}

/// Expenses that come back to us in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnExpenses {
    /// Left out of the journal entry, and named beside it in the confirmation.
    LeaveOut,
    /// Posted like any other.
    Post,
}

/// Which problems are reported to SAP Concur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfirmErrors {
    /// Those that only a change of the document fixes.
    Document,
    /// All, also those that a setting would fix.
    All,
    /// None: they are parked here.
    None,
}

/// Documents dated in the closed books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedPeriod {
    /// Kept, and looked at again every day.
    Hold,
    /// Posted on the first open day.
    NextOpenDay,
    /// Parked until a person decides.
    Park,
}

/// What is done with payroll documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payroll {
    /// Acknowledged and not posted.
    Acknowledge,
    /// Posted by wage type.
    Post,
}

/// The two generations of FreshBooks' journal entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Below the account id, with sub-account ids.
    Legacy,
    /// Below the business UUID, with account UUIDs.
    New,
}

/// Which calendar year a fiscal year over two of them is called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FiscalYearName {
    /// The one in which it ends.
    End,
    /// The one in which it begins.
    Start,
}

/// How the lines of an entry are written to FreshBooks, which stores no cost codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryLines {
    /// One line for each account and side.
    Merged,
    /// One line for each account, side, name and cost code.
    Apart,
}

/// Looking for our entry before posting one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookUp {
    /// Only where one may have been posted.
    WhenInDoubt,
    /// Before every entry, at the cost of listing the whole ledger each time.
    Always,
}

/// The kind of the objects whose runs look into a queue.
pub(super) const FINANCIAL_QUEUE: &str = "financial-queue";
/// Seconds that an ambiguous write is left alone by default. How long FreshBooks takes to show a
/// new entry is not documented; half an hour is longer than any request is known to take.
const SETTLE_S: u64 = 1_800;

impl Financial {
    pub(super) fn read(table: &mut Reader, account_id: &str) -> Self {
        let endpoint = match table.choice("endpoint", &["legacy", "new"]) {
            "new" => Endpoint::New,
            _ => Endpoint::Legacy,
        };
        let zone = zone::read(table, "zone", &TimeZone::UTC);
        let (project_costs, project_expenses) = project_expenses::read(table, endpoint);
        Self {
            enabled: table.flag("enabled", false),
            documents: documents(table),
            interval_s: table.whole("interval_s", 900, 1..=86_400),
            schedule: table.filled_table("schedule", |table| Calendar::read(table, &zone)),
            zone,
            posting_dates: table.table("posting_date", PostingDates::read),
            ledgers: table.table("ledgers", Ledgers::read),
            fiscal_year_first_month: first_month(table),
            fiscal_year_named_by: match table.choice("fiscal_year_named_by", &["end", "start"]) {
                "start" => FiscalYearName::Start,
                _ => FiscalYearName::End,
            },
            entry_lines: entry_lines(table),
            page_size: table.whole("page_size", 25, 1..=100),
            system_id: table.checked_or(
                "system_id",
                &format!("freshbooks-{account_id}"),
                code::<50>,
            ),
            company_code: table.checked_or("company_code", account_id, code::<32>),
            invoices: match table.choice("invoices", &["journal-entry", "bill"]) {
                "bill" => InvoiceForm::Bill,
                _ => InvoiceForm::JournalEntry,
            },
            bills: table.table("bills", Bills::read),
            project_costs,
            project_expenses,
            own_invoices: own_invoices(table),
            own_expenses: own_expenses(table),
            confirm_errors: match table.choice("confirm_errors", &["document", "all", "none"]) {
                "all" => ConfirmErrors::All,
                "none" => ConfirmErrors::None,
                _ => ConfirmErrors::Document,
            },
            closed_until: table.optional_checked("closed_until", day),
            closed_period: match table.choice("closed_period", &["hold", "next-open-day", "park"]) {
                "next-open-day" => ClosedPeriod::NextOpenDay,
                "park" => ClosedPeriod::Park,
                _ => ClosedPeriod::Hold,
            },
            payroll: match table.choice("payroll", &["acknowledge", "post"]) {
                "post" => Payroll::Post,
                _ => Payroll::Acknowledge,
            },
            endpoint,
            business_uuid: business_uuid(table, endpoint),
            look_up: match table.choice("look_up", &["when-in-doubt", "always"]) {
                "always" => LookUp::Always,
                _ => LookUp::WhenInDoubt,
            },
            ambiguity: match table.choice("ambiguity", &["park", "resend"]) {
                "resend" => Intent::LookUpThenResend,
                _ => Intent::LookUpThenPark,
            },
            settle: table.whole("settle_s", SETTLE_S, 1..=86_400) * 1_000,
            cost_code_field: cost_codes::of_allocations(table),
            entry_cost_code_field: cost_codes::of_entries(table),
            accounts: table.table("accounts", |table| Accounts::read(table, endpoint)),
        }
    }

    /// The looks into each queue.
    pub(super) fn schedules(&self) -> impl Iterator<Item = Schedule> {
        let documents = self.documents.iter().filter(|_| self.enabled);
        documents.map(|kind| Schedule {
            object: ObjectRef::concur(FINANCIAL_QUEUE, kind.name()),
            interval_s: self.interval_s,
            needs: None,
            purpose: format!(
                "fetches {} documents that SAP Concur has ready",
                kind.name()
            ),
        })
    }

    /// Whether suppliers' invoices become bills.
    #[must_use]
    pub fn makes_bills(&self) -> bool {
        self.carries(DocumentType::Invoice) && self.invoices == InvoiceForm::Bill
    }

    /// FreshBooks scopes that it needs beside those of the other flows.
    pub(super) fn scopes(&self) -> Vec<&'static str> {
        let mut scopes = Vec::new();
        if self.enabled {
            scopes.extend(["user:journal_entries:read", "user:journal_entries:write"]);
        }
        // The chart of accounts is a report.
        if self.enabled && self.endpoint == Endpoint::New {
            scopes.push("user:reports:read");
        }
        if self.makes_bills() {
            scopes.extend(bills::WRITE_SCOPES);
        }
        if self.makes_project_expenses() {
            scopes.extend(PROJECT_EXPENSE_SCOPES);
        }
        scopes
    }
}

impl Financial {
    /// The day to post a document of this day on, `YYYY-MM-DD`: its own, or the first open one.
    ///
    /// # Errors
    ///
    /// The last day of the closed books, where the document has to wait for a person.
    pub fn posting_day(&self, day: &str) -> Result<String, &str> {
        match self.closed_until.as_deref().filter(|end| day <= *end) {
            None => Ok(day.to_string()),
            Some(end) if self.closed_period == ClosedPeriod::NextOpenDay => Ok(day_after(end)),
            Some(end) => Err(end),
        }
    }

    /// The fiscal year of a day, `YYYY-MM-DD`; nothing if it is none.
    #[must_use]
    pub fn fiscal_year(&self, day: &str) -> Option<i16> {
        let day: Date = day.parse().ok()?;
        let is_over_two = self.fiscal_year_first_month > 1;
        let is_in_second = day.month() < self.fiscal_year_first_month;
        Some(match self.fiscal_year_named_by {
            FiscalYearName::End if is_over_two && !is_in_second => day.year() + 1,
            FiscalYearName::Start if is_in_second => day.year() - 1,
            _ => day.year(),
        })
    }

    /// Whether documents of this type are brought across.
    #[must_use]
    pub fn carries(&self, kind: DocumentType) -> bool {
        self.enabled && self.documents.contains(&kind)
    }
}

fn first_month(table: &mut Reader) -> i8 {
    let month = table.whole("fiscal_year_first_month", 1, 1..=12);
    i8::try_from(month).unwrap_or(1)
}

fn day_after(day: &str) -> String {
    let next = day.parse::<Date>().and_then(|date| date.tomorrow());
    next.map_or_else(|_| day.to_string(), |date| date.to_string())
}

fn entry_lines(table: &mut Reader) -> EntryLines {
    match table.choice("entry_lines", &["merged", "apart"]) {
        "apart" => EntryLines::Apart,
        _ => EntryLines::Merged,
    }
}

fn own_invoices(table: &mut Reader) -> OwnInvoices {
    match table.choice("own_invoices", &["confirm", "post"]) {
        "post" => OwnInvoices::Post,
        _ => OwnInvoices::Confirm,
    }
}

fn own_expenses(table: &mut Reader) -> OwnExpenses {
    match table.choice("own_expenses", &["leave-out", "post"]) {
        "post" => OwnExpenses::Post,
        _ => OwnExpenses::LeaveOut,
    }
}

fn documents(table: &mut Reader) -> BTreeSet<DocumentType> {
    let named = table.texts("documents", |name| {
        DocumentType::named(name)
            .map(drop)
            .ok_or("one of expense, invoice, cash-advance, payroll")
    });
    let named: BTreeSet<_> = named
        .iter()
        .filter_map(|name| DocumentType::named(name))
        .collect();
    if named.is_empty() {
        DocumentType::ALL.into()
    } else {
        named
    }
}

fn business_uuid(table: &mut Reader, endpoint: Endpoint) -> Option<String> {
    let business_uuid = table.optional_checked("business_uuid", uuid);
    if endpoint == Endpoint::New && business_uuid.is_none() {
        let message =
            "set `business_uuid` of the FreshBooks business: `endpoint = \"new\"` needs it";
        table.problem("business-uuid-missing", message.to_string());
    }
    business_uuid
}
