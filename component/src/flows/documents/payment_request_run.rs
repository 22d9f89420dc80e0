//! A translated document becomes a payment request: found by our marker, created or changed.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use crate::concur::{self, Digest, PaymentRequest, VendorKey};
use crate::contract::runs::{
    Change, Changes, Confirmation, Conflict, Ending, Intent, Link, ObjectStatus,
};
use crate::contract::types::{Instant, ObjectRef, System};
use crate::error_bodies::Cause;
use crate::flow::{EARLIER, EarlyEnd, Flow, LookUp, remote_refused};
use crate::flows::ambiguity;
use crate::freshbooks::Document;
use crate::payment_request::Translated;
use crate::payment_request::diff::Difference;
use crate::text::{clean, non_empty};

/// Pages of one look-up, of 1 000 rows each. An invoice number has a handful of payment requests;
/// the bound ends a list whose cursor never does.
const LOOK_UP_PAGES_MAX: u32 = 20;
/// Payment requests of one number that are read in full, one request each, to see their markers.
/// More than these share a number that is none, such as "1" or "n/a".
const CANDIDATES_MAX: usize = 50;

/// A run that brings a translated document to its payment request.
pub(super) struct PaymentRequestRun<'a> {
    pub(super) flow: &'a Flow,
    pub(super) document: &'a Document,
    pub(super) translated: Translated,
    pub(super) vendor: VendorKey,
    pub(super) body: String,
    pub(super) marker: String,
    pub(super) hash: String,
}

impl PaymentRequestRun<'_> {
    pub(super) async fn create(&self, own: &ObjectStatus) -> Result<Ending, EarlyEnd> {
        if ambiguity::left_by_earlier_run(self.flow, own).is_some() {
            return self.look_only().await;
        }
        let intent = self.flow.settings.payment_request.ambiguity;
        let look_up = async || {
            Ok(match self.find_marked().await? {
                Some(id) => LookUp::Found(id),
                None => LookUp::Missing(concur::create_payment_request(self.body.clone())),
            })
        };
        match self
            .flow
            .write(intent, concur::read_written_id, look_up)
            .await?
        {
            Ok(written) if written.found => self.link(written.record, Change::Adopted).await,
            Ok(written) => self.link(written.record, Change::Created).await,
            Err(refusal) => Err(remote_refused(
                self.flow,
                System::Concur,
                "the payment request",
                &refusal,
            )),
        }
    }

    /// An earlier run could not know whether it created it: only a person may have it sent again.
    async fn look_only(&self) -> Result<Ending, EarlyEnd> {
        match self.find_marked().await? {
            Some(id) => self.link(id, Change::Adopted).await,
            None => Err(EarlyEnd::park(self.flow.ambiguous(EARLIER))),
        }
    }

    /// The payment request that carries our marker.
    async fn find_marked(&self) -> Result<Option<String>, EarlyEnd> {
        let mut marked = Vec::new();
        let mut foreign = None;
        for digest in self.candidates().await? {
            let request = concur::get_payment_request(&digest.id);
            let found = match self
                .flow
                .read(request, concur::read_payment_request)
                .await?
            {
                Ok(found) => found,
                Err(refusal) if refusal.is_missing() => continue,
                Err(refusal) => {
                    return Err(remote_refused(
                        self.flow,
                        System::Concur,
                        "to show a payment request",
                        &refusal,
                    ));
                }
            };
            match self.ownership(&found) {
                _ if found.deleted => {}
                Ownership::Ours => marked.push(found.id),
                Ownership::Foreign => foreign = Some(found.id),
                Ownership::Other => {}
            }
        }
        if marked.len() > 1 {
            return Err(self.conflict(&marked));
        }
        match (marked.pop(), foreign) {
            (None, Some(id)) => Err(self.already_there(&id)),
            (found, _) => Ok(found),
        }
    }

    async fn candidates(&self) -> Result<Vec<Digest>, EarlyEnd> {
        let mut candidates: Vec<Digest> = Vec::new();
        let mut offset: Option<String> = None;
        for _ in 0..LOOK_UP_PAGES_MAX {
            let request = concur::list_digests(&self.translated.invoice_number, offset.as_deref());
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
            for digest in page.digests.into_iter().filter(|digest| !digest.deleted) {
                if !candidates.contains(&digest) {
                    candidates.push(digest);
                }
            }
            // A cursor that repeats would go round for ever.
            let is_last = page.next.is_none() || page.next == offset;
            if is_last && candidates.len() <= CANDIDATES_MAX {
                return Ok(candidates);
            }
            if is_last {
                break;
            }
            offset = page.next;
        }
        Err(self.too_many_candidates())
    }

    fn too_many_candidates(&self) -> EarlyEnd {
        let message = format!(
            "more than {CANDIDATES_MAX} payment requests have the number {}",
            self.translated.invoice_number
        );
        let remedy = "give the document a number of its own, then `ml-connector replay RUN`";
        self.flow.parked("too-many-candidates", message, remedy)
    }

    fn ownership(&self, found: &PaymentRequest) -> Ownership {
        let field = &self.flow.settings.payment_request.marker_field;
        let same_vendor = if found.vendor_code.is_empty() {
            let ours = self.document.party_name.as_deref().map(clean);
            ours.is_some_and(|name| name.eq_ignore_ascii_case(&clean(&found.vendor_name)))
        } else {
            found.vendor_code.eq_ignore_ascii_case(&self.vendor.code)
        };
        if concur::member_text(&found.header, field) == self.marker {
            Ownership::Ours
        } else if same_vendor {
            Ownership::Foreign
        } else {
            Ownership::Other
        }
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
            remedy: "delete all but one in SAP Concur, then `ml-connector replay RUN`".to_string(),
        })
    }

    fn already_there(&self, id: &str) -> EarlyEnd {
        let message = format!(
            "payment request {id} has the same vendor and number {} but is not ours",
            self.translated.invoice_number
        );
        let remedy =
            "someone may have typed it in; delete one of them, then `ml-connector replay RUN`";
        self.flow.parked("already-there", message, remedy)
    }

    /// Changes the payment request until it says what the document says. Every attempt is made of
    /// what a fresh read shows, so that lines are never inserted twice.
    pub(super) async fn update(&self, id: &str) -> Result<Ending, EarlyEnd> {
        let look_up = async || {
            let request = concur::get_payment_request(id);
            let current = match self
                .flow
                .read(request, concur::read_payment_request)
                .await?
            {
                Ok(current) if !current.deleted => current,
                Ok(_) => return Err(self.withdrawn(id)),
                Err(refusal) if refusal.is_missing() => return Err(self.withdrawn(id)),
                Err(refusal) => {
                    return Err(remote_refused(
                        self.flow,
                        System::Concur,
                        "to show it",
                        &refusal,
                    ));
                }
            };
            Ok(
                match Difference::between(&current, &self.translated, &self.vendor) {
                    None => LookUp::Found(id.to_string()),
                    Some(difference) => {
                        LookUp::Missing(concur::update_payment_request(difference.into_update()))
                    }
                },
            )
        };
        match self
            .flow
            .write(Intent::LookUpThenResend, concur::read_written_id, look_up)
            .await?
        {
            Ok(_) => self.link(id.to_string(), Change::Updated).await,
            Err(refusal) if refusal.cause(System::Concur) != Cause::Record => Err(remote_refused(
                self.flow,
                System::Concur,
                "the change of the payment request",
                &refusal,
            )),
            Err(refusal) => {
                let message = format!(
                    "SAP Concur does not let payment request {id} be changed {}",
                    refusal.said()
                );
                let remedy = "send it back in SAP Concur, then `ml-connector replay RUN`";
                Err(self.flow.parked("update-refused", message, remedy))
            }
        }
    }

    fn withdrawn(&self, id: &str) -> EarlyEnd {
        let message = format!(
            "payment request {id} was deleted in SAP Concur, and the {} has changed since",
            self.document.kind.name()
        );
        let remedy = "delete it in FreshBooks too, or recreate it there under a new number";
        self.flow.parked("deleted-in-concur", message, remedy)
    }

    async fn link(&self, id: String, change: Change) -> Result<Ending, EarlyEnd> {
        let source = self.flow.task.object.clone();
        let target = ObjectRef::concur("payment-request", id);
        let link = |source: &ObjectRef, target: &ObjectRef| Link {
            source: source.clone(),
            target: target.clone(),
            version: non_empty(self.document.version.clone()),
            content_hash: Some(self.hash.clone()),
        };
        // The way back knows by the second one what it must not post again.
        let links = vec![link(&source, &target), link(&target, &source)];
        self.flow
            .save(Changes {
                links,
                unlinks: Vec::new(),
                tasks: Vec::new(),
            })
            .await;
        Ok(Ending::Confirmed(Confirmation {
            message: message(change, &target),
            target,
            change,
        }))
    }
}

enum Ownership {
    /// It carries our marker.
    Ours,
    /// Same vendor, same number, not our marker.
    Foreign,
    /// Another vendor's, which happens to have the number.
    Other,
}

/// Since when nobody can know whether the payment request was created. What is linked was created;
/// a change of it is made of what a fresh read shows.
pub(super) fn unknown_since(flow: &Flow, own: &ObjectStatus) -> Option<Instant> {
    let is_new = own.link.is_none();
    ambiguity::ambiguous_since(flow, own, flow.settings.payment_request.ambiguity, is_new)
}

fn message(change: Change, target: &ObjectRef) -> String {
    match change {
        Change::Created => format!("created payment request {}", target.id),
        Change::Adopted => format!(
            "payment request {} was there already, with our marker",
            target.id
        ),
        _ => format!("brought payment request {} up to date", target.id),
    }
}
