//! Documents that are dated before the cut-over and not linked: nothing is posted of them. What was
//! typed into SAP Concur by hand in those days is shown beside its document, for a person to adopt.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::civil::Date;

use super::look_up::{Ownership, RequestSearch, bare, show_request, shown_number};
use crate::concur::{self, Digest, PaymentRequest, VendorKey};
use crate::contract::runs::{Ending, ObjectStatus};
use crate::contract::types::ObjectRef;
use crate::flow::{EarlyEnd, Flow, unchanged};
use crate::freshbooks::Document;
use crate::marker;
use crate::payment_request;
use crate::text::clean;

/// The code of a document before the cut-over that SAP Concur has nothing of.
pub(in crate::flows) const BEFORE_CUT_OVER: &str = "before-cut-over";

/// The code of a document before the cut-over that somebody typed into SAP Concur.
pub(in crate::flows) const TYPED_BY_HAND: &str = "typed-by-hand";

/// Whether a document of this date is from before the cut-over.
pub(in crate::flows) fn is_dated_before(flow: &Flow, issued: Option<Date>) -> bool {
    let first_day = flow.settings.cut_over;
    first_day
        .zip(issued)
        .is_some_and(|(first_day, issued)| issued < first_day)
}

/// Whether nothing may be posted of a document. One whose date cannot be read is not translated
/// either.
pub(super) fn is_before(flow: &Flow, document: &Document, own: &ObjectStatus) -> bool {
    own.link.is_none() && is_document_before(flow, document)
}

/// Whether a document is from before the cut-over, linked or not.
pub(super) fn is_document_before(flow: &Flow, document: &Document) -> bool {
    let issued = document.issued.as_deref();
    is_dated_before(flow, issued.and_then(|issued| issued.parse().ok()))
}

/// Looks up what a document before the cut-over is in SAP Concur, and ends the run with it; nothing
/// if that carries our marker, since it was not typed by hand then.
pub(super) async fn end_without_posting(
    flow: &Flow,
    document: &Document,
) -> Result<Option<Ending>, EarlyEnd> {
    let marker = flow.marker("payment-request");
    let number = payment_request::number_of(document);
    let vendor = flow.find_one(document.party.clone()).await.link;
    let vendor = vendor.and_then(|link| VendorKey::from_id(&link.target.id));
    let search = RequestSearch {
        flow,
        document,
        number: &number,
        marker: &marker,
        vendor_code: vendor.as_ref().map(|vendor| vendor.code.as_str()),
    };
    let mut typed: Vec<String> = Vec::new();
    for digest in search.candidates().await? {
        let found = show_request(flow, &digest.id).await?;
        let Some(found) = found.filter(|found| !found.deleted) else {
            continue;
        };
        if matches!(search.ownership(&digest, &found), Ownership::Ours) {
            return Ok(None);
        }
        if is_typed_by_hand(&search, &digest, &found).await {
            typed.push(found.id);
        }
    }
    match typed.is_empty() {
        true => Ok(Some(nothing_there(flow, document, &number))),
        false => Err(typed_by_hand(flow, document, &number, &typed)),
    }
}

/// Whether a payment request is the document's by its number and vendor, and neither carries a
/// marker nor is linked to another document. A vendor that was typed by hand has a code of its own,
/// so that the name counts too; one that shows no name cannot be told from the document's.
async fn is_typed_by_hand(
    search: &RequestSearch<'_>,
    row: &Digest,
    found: &PaymentRequest,
) -> bool {
    if concur::has_custom_text(&found.header, marker::is_marker)
        || !has_number(search, row, found)
        || !is_like_vendor(search, row, found)
    {
        return false;
    }
    let object = ObjectRef::concur("payment-request", found.id.clone());
    search.flow.find_one(object).await.link.is_none()
}

fn has_number(search: &RequestSearch, row: &Digest, found: &PaymentRequest) -> bool {
    let number = bare(&shown_number(row, found));
    number.is_empty() || number == bare(search.number)
}

fn is_like_vendor(search: &RequestSearch, row: &Digest, found: &PaymentRequest) -> bool {
    let ours = search.vendor_code;
    let mut codes = [&found.vendor_code, &row.vendor_code].into_iter();
    let same_code = codes.any(|code| ours.is_some_and(|ours| code.eq_ignore_ascii_case(ours)));
    let theirs = clean(&found.vendor_name);
    let name = search.document.party_name.as_deref().map(clean);
    let same_name = name.is_none_or(|name| name.eq_ignore_ascii_case(&theirs));
    same_code || same_name || theirs.is_empty()
}

fn nothing_there(flow: &Flow, document: &Document, number: &str) -> Ending {
    let message = format!(
        "it is dated {}, before the cut-over on {}, and SAP Concur has no payment request of its \
         vendor with the number {number}: nothing is posted of it",
        dated(document),
        first_day(flow)
    );
    unchanged(BEFORE_CUT_OVER, message)
}

fn typed_by_hand(flow: &Flow, document: &Document, number: &str, ids: &[String]) -> EarlyEnd {
    let ObjectRef { kind, id, .. } = &flow.task.object;
    let message = format!(
        "{kind} {id} is dated {}, before the cut-over on {}, and SAP Concur has payment request {} \
         of its vendor with the number {number}, which was typed in by hand: nothing is \
         posted of it",
        dated(document),
        first_day(flow),
        ids.join(", ")
    );
    let target = match ids {
        [only] => only.as_str(),
        _ => "ID",
    };
    let remedy = format!(
        "if they are the same, `ml-connector links adopt freshbooks/{kind}/{id} \
         concur/payment-request/{target}`; if not, leave this run parked"
    );
    flow.parked(TYPED_BY_HAND, message, &remedy)
}

fn dated(document: &Document) -> &str {
    document.issued.as_deref().unwrap_or_default()
}

/// The day of the cut-over; empty without one.
pub(in crate::flows) fn first_day(flow: &Flow) -> String {
    let day = flow.settings.cut_over;
    day.map(|day| format!("{day}")).unwrap_or_default()
}
