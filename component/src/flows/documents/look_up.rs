//! Whether a document's payment request is in SAP Concur already: by our marker, then by vendor
//! and number.
//!
//! The list has no custom fields, so what it names is read one by one. A filter may be ignored
//! silently, and what is said of a payment request is what it shows of itself.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::payment_request_run::PaymentRequestRun;
use crate::concur::{self, Digest, PaymentRequest};
use crate::contract::runs::Conflict;
use crate::contract::types::{ObjectRef, System};
use crate::flow::{EarlyEnd, Flow, remote_refused};
use crate::freshbooks::Document;
use crate::marker;
use crate::text::{clean, non_empty};

/// Pages of one look-up, of 1 000 rows each. An invoice number has a handful of payment requests;
/// the bound ends a list whose cursor never does.
const LOOK_UP_PAGES_MAX: u32 = 20;
/// Payment requests of one number that are read in full, one request each, to see their markers.
/// More than these share a number that is none, such as "1" or "n/a".
const CANDIDATES_MAX: usize = 50;

/// What a payment request is to this run.
pub(super) enum Ownership {
    /// It carries our marker, in whichever custom field.
    Ours,
    /// It has the document's vendor and number, and not our marker.
    SameKey,
    /// It has another vendor or number.
    Other,
}

/// A payment request with the document's vendor and number, and not our marker.
struct Occupant {
    id: String,
    /// Whether it carries a marker of another document.
    is_marked: bool,
}

impl PaymentRequestRun<'_> {
    fn search(&self) -> RequestSearch<'_> {
        RequestSearch {
            flow: self.flow,
            document: self.document,
            number: &self.translated.invoice_number,
            marker: &self.marker,
            vendor_code: Some(&self.vendor.code),
        }
    }

    /// The payment request that is this document's.
    pub(super) async fn find_ours(&self) -> Result<Option<String>, EarlyEnd> {
        let mut marked = Vec::new();
        let mut occupant = None;
        let search = self.search();
        for digest in search.candidates().await? {
            let Some(found) = self.read_request(&digest.id).await? else {
                continue;
            };
            match search.ownership(&digest, &found) {
                Ownership::Ours => marked.push(found.id),
                Ownership::SameKey => {
                    let is_marked = concur::has_custom_text(&found.header, marker::is_marker);
                    let id = found.id;
                    occupant = Some(Occupant { id, is_marked });
                }
                Ownership::Other => {}
            }
        }
        if marked.len() > 1 {
            return Err(self.conflict(&marked));
        }
        match (marked.pop(), occupant) {
            (None, Some(occupant)) => self.judge(occupant).await.map(Some),
            (found, _) => Ok(found),
        }
    }

    /// A payment request; none if it is deleted, or is not there.
    pub(super) async fn read_request(&self, id: &str) -> Result<Option<PaymentRequest>, EarlyEnd> {
        let there = self.show_request(id).await?;
        Ok(there.filter(|there| !there.deleted))
    }

    /// A payment request, deleted or not; none if it is not there.
    pub(super) async fn show_request(&self, id: &str) -> Result<Option<PaymentRequest>, EarlyEnd> {
        show_request(self.flow, id).await
    }

    /// Whose the payment request with this vendor and number is. One that is linked to this very
    /// document is ours; any other stops the run.
    async fn judge(&self, occupant: Occupant) -> Result<String, EarlyEnd> {
        let id = occupant.id;
        let object = ObjectRef::concur("payment-request", id.clone());
        let owner = self
            .flow
            .find_one(object)
            .await
            .link
            .map(|link| link.target);
        match owner {
            Some(owner) if owner == self.flow.task.object => Ok(id),
            Some(owner) => Err(self.same_number(&id, &owner)),
            None if occupant.is_marked => Err(self.marked_elsewhere(&id)),
            None => Err(self.already_there(&id)),
        }
    }

    fn same_number(&self, id: &str, owner: &ObjectRef) -> EarlyEnd {
        let message = format!(
            "payment request {id} of the same vendor has the number {} already; it is that of {} \
             {} in FreshBooks",
            self.translated.invoice_number, owner.kind, owner.id
        );
        let remedy = "both are right where they are; give one of the two documents a number of its \
            own in FreshBooks, then `ml-connector replay RUN`";
        self.flow.parked("already-there", message, remedy)
    }

    fn marked_elsewhere(&self, id: &str) -> EarlyEnd {
        let message = format!(
            "payment request {id} of the same vendor has the number {} already; it carries a \
             marker of ml-connector, and this connection knows of no document that it belongs to",
            self.translated.invoice_number
        );
        let remedy = "if another connection carries the same account, let only one of them do so; \
            else give this document a number of its own in FreshBooks, then `ml-connector replay \
            RUN`";
        self.flow.parked("already-there", message, remedy)
    }

    fn already_there(&self, id: &str) -> EarlyEnd {
        let message = format!(
            "payment request {id} of the same vendor has the number {} already, and is not ours",
            self.translated.invoice_number
        );
        let remedy = "someone may have typed it in: if it is this document, leave this run parked; \
            if not, give this document a number of its own in FreshBooks, then `ml-connector \
            replay RUN`";
        self.flow.parked("already-there", message, remedy)
    }

    fn conflict(&self, ids: &[String]) -> EarlyEnd {
        EarlyEnd::Conflict(Conflict {
            targets: ids
                .iter()
                .map(|id| ObjectRef::concur("payment-request", id.clone()))
                .collect(),
            message: format!(
                "{} payment requests carry our marker {}: {}",
                ids.len(),
                self.marker,
                ids.join(", ")
            ),
            remedy: "they are one document twice: keep the one that is furthest in approval and \
                withdraw the others in SAP Concur, then `ml-connector replay RUN`"
                .to_string(),
        })
    }
}

/// A search for the payment requests of a document, by its number and vendor.
pub(super) struct RequestSearch<'a> {
    pub(super) flow: &'a Flow,
    pub(super) document: &'a Document,
    /// The number that they have in SAP Concur.
    pub(super) number: &'a str,
    pub(super) marker: &'a str,
    /// The code of the document's vendor; none where it has not become one.
    pub(super) vendor_code: Option<&'a str>,
}

impl RequestSearch<'_> {
    /// The payment requests that may be the document's, by what the list says.
    pub(super) async fn candidates(&self) -> Result<Vec<Digest>, EarlyEnd> {
        let mut candidates: Vec<Digest> = Vec::new();
        let mut offset: Option<String> = None;
        for _ in 0..LOOK_UP_PAGES_MAX {
            let request = concur::list_digests(self.number, offset.as_deref());
            let page = match self.flow.read(request, concur::read_digests).await? {
                Ok(page) => page,
                Err(refusal) => {
                    return Err(remote_refused(
                        self.flow,
                        System::Concur,
                        "the look-up",
                        &refusal,
                    ));
                }
            };
            let rows = page.digests.into_iter().filter(|row| self.may_be_it(row));
            for row in rows {
                if !candidates.contains(&row) {
                    candidates.push(row);
                }
            }
            if candidates.len() > CANDIDATES_MAX {
                return Err(self.too_many_candidates());
            }
            // A cursor that repeats would go round for ever.
            if page.next.is_none() || page.next == offset {
                return Ok(candidates);
            }
            offset = page.next;
        }
        Err(self.endless_list())
    }

    /// Whether a row of the list may be the document's payment request. SAP Concur may store a
    /// number without its punctuation, and the marker decides then.
    fn may_be_it(&self, row: &Digest) -> bool {
        let is_like = row.number.is_empty() || bare(&row.number) == bare(self.number);
        is_like && !row.deleted
    }

    /// What a payment request is to the document, by what it shows of itself.
    pub(super) fn ownership(&self, row: &Digest, found: &PaymentRequest) -> Ownership {
        let number = shown_number(row, found);
        let same_number = number.is_empty() || clean(&number).eq_ignore_ascii_case(self.number);
        if concur::has_custom_text(&found.header, |text| text == self.marker) {
            Ownership::Ours
        } else if same_number && self.is_same_vendor(row, found) {
            Ownership::SameKey
        } else {
            Ownership::Other
        }
    }

    /// By code where the payment request or its row shows one, else by name. What shows neither
    /// cannot be told from this vendor's.
    fn is_same_vendor(&self, row: &Digest, found: &PaymentRequest) -> bool {
        let mut codes = [&found.vendor_code, &row.vendor_code].into_iter();
        if let Some(code) = codes.find(|code| !code.is_empty()) {
            return (self.vendor_code).is_some_and(|ours| code.eq_ignore_ascii_case(ours));
        }
        let theirs = clean(&found.vendor_name);
        let ours = self.document.party_name.as_deref().map(clean);
        theirs.is_empty() || ours.is_none_or(|ours| ours.eq_ignore_ascii_case(&theirs))
    }

    fn too_many_candidates(&self) -> EarlyEnd {
        let message = format!(
            "SAP Concur lists more than {CANDIDATES_MAX} payment requests with the number {}",
            self.number
        );
        let remedy = "give the document a number of its own, then `ml-connector replay RUN`";
        self.flow.parked("too-many-candidates", message, remedy)
    }

    fn endless_list(&self) -> EarlyEnd {
        let message = format!(
            "SAP Concur's list of payment requests with the number {} has no end",
            self.number
        );
        let remedy = "replay it later with `ml-connector replay RUN`; if it stays so, give the \
            document a number of its own";
        self.flow.parked("too-many-candidates", message, remedy)
    }
}

/// A payment request, deleted or not; none if it is not there.
pub(super) async fn show_request(
    flow: &Flow,
    id: &str,
) -> Result<Option<PaymentRequest>, EarlyEnd> {
    let request = concur::get_payment_request(id);
    match flow.read(request, concur::read_payment_request).await? {
        Ok(found) => Ok(Some(found)),
        Err(refusal) if refusal.is_missing() => Ok(None),
        Err(refusal) => Err(remote_refused(
            flow,
            System::Concur,
            &format!("to show payment request {id}"),
            &refusal,
        )),
    }
}

/// A number without its punctuation, which SAP Concur may leave out, in lower case.
pub(super) fn bare(number: &str) -> String {
    let kept = number.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// The number that a payment request shows, or its row of the list; empty if neither does.
pub(super) fn shown_number(row: &Digest, found: &PaymentRequest) -> String {
    let number = non_empty(concur::member_text(&found.header, "InvoiceNumber"));
    number.unwrap_or_else(|| row.number.clone())
}
