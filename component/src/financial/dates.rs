//! The dates of a document, and the one that its entry is posted on.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::concur::document_schema::ExpenseEntry;
use crate::concur::document_schema::{CashAdvanceData, Report, RequestHeader, When};
use crate::settings::financial::PostingDate;

/// What stands in a document under each of its dates, best first.
pub(super) struct Dates<'a>(Vec<Dated<'a>>);

struct Dated<'a> {
    which: PostingDate,
    /// The pointer to it.
    at: String,
    when: When<'a>,
}

/// A date that stands in the document and cannot be read.
pub(super) struct UnreadableDate<'a> {
    pub(super) at: String,
    pub(super) text: Cow<'a, str>,
}

impl<'a> Dates<'a> {
    pub(super) fn of_report(report: &Report<'a>, entries: &[ExpenseEntry<'a>]) -> Self {
        let (last_at, last) = last_expense(entries);
        let at = |key: &str| format!("/report/{key}");
        Self(Vec::from([
            dated(
                PostingDate::Processing,
                at("reportPaymentProcessingDate"),
                report.processed.when(),
            ),
            dated(
                PostingDate::Submit,
                at("reportSubmitDate"),
                report.submitted.when(),
            ),
            dated(
                PostingDate::UserDefined,
                at("reportUserDefinedDate"),
                report.user_defined.when(),
            ),
            dated(
                PostingDate::ReportEnd,
                at("reportEndDate"),
                report.ended.when(),
            ),
            dated(
                PostingDate::Created,
                at("reportCreationDate"),
                report.created.when(),
            ),
            dated(PostingDate::LastExpense, last_at.clone(), last.clone()),
            dated(PostingDate::ExpenseMonthEnd, last_at, month_end(last)),
        ]))
    }

    pub(super) fn of_request(request: &RequestHeader<'a>) -> Self {
        let at = |key: &str| format!("/requestHeader/{key}");
        let invoiced = request.invoiced.when();
        Self(Vec::from([
            dated(
                PostingDate::Posting,
                at("postingDate"),
                request.posted.when(),
            ),
            dated(PostingDate::Invoice, at("invoiceDate"), invoiced.clone()),
            dated(
                PostingDate::Completed,
                at("processCompleteDate"),
                request.completed.when(),
            ),
            dated(
                PostingDate::Submit,
                at("submitDate"),
                request.submitted.when(),
            ),
            dated(
                PostingDate::Received,
                at("invoiceReceivedDate"),
                request.received.when(),
            ),
            dated(
                PostingDate::InvoiceMonthEnd,
                at("invoiceDate"),
                month_end(invoiced),
            ),
        ]))
    }

    pub(super) fn of_advance(advance: &CashAdvanceData<'a>) -> Self {
        let at = |key: &str| format!("/cashAdvanceData/{key}");
        Self(Vec::from([
            dated(PostingDate::Issued, at("issuedDate"), advance.issued.when()),
            dated(
                PostingDate::Requested,
                at("requestDate"),
                advance.requested.when(),
            ),
        ]))
    }

    /// The day of the wanted date in a time zone, else of the best one that the document has;
    /// nothing if it has none.
    ///
    /// # Errors
    ///
    /// The first of them that stands there and cannot be read: whatever it was meant to say, no
    /// other date does.
    pub(super) fn day(
        &self,
        wanted: PostingDate,
        zone: &TimeZone,
    ) -> Result<Option<Date>, UnreadableDate<'a>> {
        let is_wanted = |date: &&Dated| date.which == wanted;
        let others = self.0.iter().filter(|date| date.which != wanted);
        for date in self.0.iter().filter(is_wanted).chain(others) {
            let day = date.when.day_in(zone).map_err(|text| UnreadableDate {
                at: date.at.clone(),
                text: text.clone(),
            })?;
            if day.is_some() {
                return Ok(day);
            }
        }
        Ok(None)
    }

    /// The pointer to the best one.
    pub(super) fn first_at(&self) -> &str {
        self.0.first().map_or("", |date| &date.at)
    }
}

fn dated(which: PostingDate, at: String, when: When) -> Dated {
    Dated { which, at, when }
}

/// The latest day of any expense; one that cannot be read may be the latest.
fn last_expense<'a>(entries: &[ExpenseEntry<'a>]) -> (String, When<'a>) {
    let mut found = ("/expenseEntry".to_string(), When::Missing);
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("/expenseEntry/{index}/entryDate");
        match (entry.date.when(), &found.1) {
            (unread @ When::Unreadable(_), _) => return (at, unread),
            (When::Day(day), When::Day(latest)) if day <= *latest => {}
            (When::Day(day), _) => found = (at, When::Day(day)),
            _ => {}
        }
    }
    found
}

/// The last day of the month.
fn month_end(when: When) -> When {
    match when {
        When::Day(day) => When::Day(day.last_of_month()),
        other => other,
    }
}
