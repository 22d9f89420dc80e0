//! A translated document becomes a payment request: found by our marker, created or changed.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::unknown_since;
use crate::concur::{self as wire, Digest, PaymentRequest, VendorKey};
use crate::contract::runs::{Confirmation, Conflict, Ending, How, Intent, Link, Save, Standing};
use crate::contract::types::{ObjectRef, System};
use crate::document::Document;
use crate::flows::{concur, rejected};
use crate::payment_request::Translated;
use crate::runs::{EARLIER, Flow, Halt, LookUp};
use crate::text::clean;
use crate::update::Change;

/// Pages and candidates of one look-up; more than these for one invoice number is no look-up but a
/// search.
const LOOK_UP_PAGES_MAX: u32 = 20;
const CANDIDATES_MAX: usize = 50;

/// A translated document on its way.
pub(super) struct Carried<'a> {
    pub(super) flow: &'a Flow,
    pub(super) document: &'a Document,
    pub(super) translated: Translated,
    pub(super) vendor: VendorKey,
    pub(super) body: String,
    pub(super) marker: String,
    pub(super) hash: String,
}

impl Carried<'_> {
    pub(super) async fn create(&self, own: &Standing) -> Result<Ending, Halt> {
        if unknown_since(self.flow, own).is_some() {
            return self.look_only().await;
        }
        let intent = self.flow.settings.payment_request.ambiguity;
        let look_up = async || {
            Ok(match self.find_marked().await? {
                Some(id) => LookUp::There(id),
                None => LookUp::Missing(wire::create_payment_request(self.body.clone())),
            })
        };
        match self.flow.write(intent, wire::read_id, look_up).await? {
            Ok(written) if written.found => self.link(written.record, How::Adopted).await,
            Ok(written) => self.link(written.record, How::Created).await,
            Err(refusal) => Err(rejected(
                self.flow,
                System::Concur,
                "the payment request",
                &refusal,
            )),
        }
    }

    /// An earlier run could not know whether it created it: only a person may have it sent again.
    async fn look_only(&self) -> Result<Ending, Halt> {
        match self.find_marked().await? {
            Some(id) => self.link(id, How::Adopted).await,
            None => Err(Halt::Parked(self.flow.ambiguous(EARLIER))),
        }
    }

    /// The payment request that carries our marker.
    async fn find_marked(&self) -> Result<Option<String>, Halt> {
        let mut marked = Vec::new();
        let mut foreign = None;
        for digest in self.candidates().await? {
            let request = wire::payment_request(&digest.id);
            let found = match self.flow.read(request, wire::read_payment_request).await? {
                Ok(found) => found,
                Err(refusal) if refusal.is_missing() => continue,
                Err(refusal) => {
                    return Err(rejected(
                        self.flow,
                        System::Concur,
                        "to show a payment request",
                        &refusal,
                    ));
                }
            };
            match self.judge(&found) {
                _ if found.deleted => {}
                Whose::Ours => marked.push(found.id),
                Whose::Foreign => foreign = Some(found.id),
                Whose::Other => {}
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

    async fn candidates(&self) -> Result<Vec<Digest>, Halt> {
        let mut candidates: Vec<Digest> = Vec::new();
        let mut offset: Option<String> = None;
        for _ in 0..LOOK_UP_PAGES_MAX {
            let request = wire::digests(&self.translated.invoice_number, offset.as_deref());
            let page = match self.flow.read(request, wire::read_digests).await? {
                Ok(page) => page,
                Err(refusal) => {
                    return Err(rejected(self.flow, System::Concur, "the look-up", &refusal));
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

    fn too_many_candidates(&self) -> Halt {
        let sentence = format!(
            "more than {CANDIDATES_MAX} payment requests have the number {}",
            self.translated.invoice_number
        );
        let remedy = "give the document a number of its own, then `ml-connector replay RUN`";
        Halt::Parked(self.flow.stop("too-many-candidates", sentence, remedy))
    }

    fn judge(&self, found: &PaymentRequest) -> Whose {
        let field = &self.flow.settings.payment_request.marker_field;
        let same_vendor = if found.vendor_code.is_empty() {
            let ours = self.document.party_name.as_deref().map(clean);
            ours.is_some_and(|name| name.eq_ignore_ascii_case(&clean(&found.vendor_name)))
        } else {
            found.vendor_code.eq_ignore_ascii_case(&self.vendor.code)
        };
        if wire::text(&found.header, field) == self.marker {
            Whose::Ours
        } else if same_vendor {
            Whose::Foreign
        } else {
            Whose::Other
        }
    }

    fn conflict(&self, ids: &[String]) -> Halt {
        Halt::Conflict(Conflict {
            targets: ids
                .iter()
                .map(|id| concur("payment-request", id.clone()))
                .collect(),
            sentence: format!(
                "{} payment requests carry our marker {}: {}",
                ids.len(),
                self.marker,
                ids.join(", ")
            ),
            remedy: "delete all but one in SAP Concur, then `ml-connector replay RUN`".to_string(),
        })
    }

    fn already_there(&self, id: &str) -> Halt {
        let sentence = format!(
            "payment request {id} has the same vendor and number {} but is not ours",
            self.translated.invoice_number
        );
        let remedy =
            "someone may have typed it in; delete one of them, then `ml-connector replay RUN`";
        Halt::Parked(self.flow.stop("already-there", sentence, remedy))
    }

    /// Changes the payment request until it says what the document says. Every attempt is made of
    /// what a fresh read shows, so that lines are never inserted twice.
    pub(super) async fn update(&self, id: &str) -> Result<Ending, Halt> {
        let look_up = async || {
            let request = wire::payment_request(id);
            let current = match self.flow.read(request, wire::read_payment_request).await? {
                Ok(current) if !current.deleted => current,
                Ok(_) => return Err(self.withdrawn(id)),
                Err(refusal) if refusal.is_missing() => return Err(self.withdrawn(id)),
                Err(refusal) => {
                    return Err(rejected(self.flow, System::Concur, "to show it", &refusal));
                }
            };
            Ok(
                match Change::between(&current, &self.translated, &self.vendor) {
                    None => LookUp::There(id.to_string()),
                    Some(change) => {
                        LookUp::Missing(wire::update_payment_request(change.to_update()))
                    }
                },
            )
        };
        match self
            .flow
            .write(Intent::LookUpThenResend, wire::read_id, look_up)
            .await?
        {
            Ok(_) => self.link(id.to_string(), How::Updated).await,
            Err(refusal) => {
                let sentence = format!(
                    "SAP Concur does not let payment request {id} be changed (HTTP {}): \"{}\"",
                    refusal.status, refusal.words
                );
                let remedy = "send it back in SAP Concur, then `ml-connector replay RUN`";
                Err(Halt::Parked(self.flow.stop(
                    "update-refused",
                    sentence,
                    remedy,
                )))
            }
        }
    }

    fn withdrawn(&self, id: &str) -> Halt {
        let sentence = format!(
            "payment request {id} was deleted in SAP Concur, and the {} has changed since",
            self.document.kind.name()
        );
        let remedy = "delete it in FreshBooks too, or recreate it there under a new number";
        Halt::Parked(self.flow.stop("deleted-in-concur", sentence, remedy))
    }

    async fn link(&self, id: String, how: How) -> Result<Ending, Halt> {
        let source = self.flow.task.object.clone();
        let target = concur("payment-request", id);
        let link = |source: &ObjectRef, target: &ObjectRef| Link {
            source: source.clone(),
            target: target.clone(),
            version: self.document.version.clone(),
            content_hash: self.hash.clone(),
        };
        // The way back knows by the second one what it must not post again.
        let links = vec![link(&source, &target), link(&target, &source)];
        self.flow
            .save(Save {
                links,
                unlinks: Vec::new(),
                tasks: Vec::new(),
            })
            .await;
        Ok(Ending::Confirmed(Confirmation {
            sentence: sentence(how, &target),
            target,
            how,
        }))
    }
}

enum Whose {
    /// It carries our marker.
    Ours,
    /// Same vendor, same number, not our marker.
    Foreign,
    /// Another vendor's.
    Other,
}

fn sentence(how: How, target: &ObjectRef) -> String {
    match how {
        How::Created => format!("created payment request {}", target.id),
        How::Adopted => format!(
            "payment request {} was there already, with our marker",
            target.id
        ),
        _ => format!("brought payment request {} up to date", target.id),
    }
}
