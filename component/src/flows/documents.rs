//! Invoices and bills become payment requests.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::{concur, rejected, stamp, unchanged, unmapped};
use crate::concur::{self as wire, Digest, PaymentRequest, VendorKey};
use crate::contract::runs::{
    Confirmation, Conflict, Ending, EndingKind, How, Intent, Link, NewTask, Reason, Save, Standing,
    Stop, WaitReason,
};
use crate::contract::types::{Duration, ObjectRef, System};
use crate::document::{Document, Kind};
use crate::payment_request::{self, Translated};
use crate::runs::{AMBIGUOUS, Flow, Halt, LookUp, next_look};
use crate::update::Change;
use crate::{freshbooks, marker};

/// How often a run looks after a vendor that is being carried over, unless it is woken.
const VENDOR_LOOK: Duration = 3_600_000;
/// Pages and candidates of one look-up; more than these for one invoice number is no look-up but a search.
const LOOK_UP_PAGES_MAX: u32 = 20;
const CANDIDATES_MAX: usize = 50;

/// Reads the document, and creates or changes its payment request if its content is not there yet.
pub(super) async fn carry(flow: &Flow, kind: Kind) -> Result<Ending, Halt> {
    if !enabled(flow, kind) {
        let sentence = format!("the settings do not carry over {}s", kind.name());
        return Ok(unchanged("not-enabled", sentence));
    }
    let request = freshbooks::document(
        &flow.settings.freshbooks.account_id,
        kind,
        &flow.task.object.id,
    );
    let reader = match kind {
        Kind::Invoice => freshbooks::read_invoice,
        Kind::Bill => freshbooks::read_bill,
    };
    let document = match flow.read(request, reader).await? {
        Ok(document) => document,
        Err(refusal) if refusal.is_missing() => return gone(flow, kind, "is not there").await,
        Err(refusal) => return Err(rejected(flow, System::Freshbooks, "to show it", &refusal)),
    };
    flow.looked_at(&stamp::settled(&document.version, flow.now()));
    if document.deleted {
        return gone(flow, kind, "was deleted").await;
    }
    carry_document(flow, &document).await
}

async fn carry_document(flow: &Flow, document: &Document) -> Result<Ending, Halt> {
    let objects = vec![flow.task.object.clone(), document.party.clone()];
    let mut standings = flow.find(objects).await.into_iter();
    let (Some(own), Some(party)) = (standings.next(), standings.next()) else {
        unreachable!("a report on two objects holds two standings")
    };
    if document.draft && !flow.settings.invoice.drafts && own.link.is_none() {
        let sentence = "a draft; it is carried over when it is sent".to_string();
        return Ok(unchanged("draft", sentence));
    }
    let marker = flow.marker("payment-request");
    let translated = payment_request::translate(document, &flow.settings, &marker)
        .map_err(|problems| unmapped(flow, document.kind.name(), problems))?;
    let vendor = vendor(flow, party).await?;
    let body = translated.to_create(&vendor);
    let carried = Carried {
        flow,
        document,
        hash: marker::content_hash(body.as_bytes()),
        translated,
        vendor,
        body,
        marker,
    };
    match own.link.clone() {
        Some(link) if link.content_hash == carried.hash => {
            let sentence = format!("its content is already there as {}", link.target.id);
            Ok(unchanged("same-content", sentence))
        }
        Some(link) => carried.update(&link.target.id).await,
        None => carried.create(&own).await,
    }
}

fn enabled(flow: &Flow, kind: Kind) -> bool {
    match kind {
        Kind::Invoice => flow.settings.invoice.enabled,
        Kind::Bill => flow.settings.bill_enabled,
    }
}

/// The vendor of the document's party; carried over first if it is not there.
async fn vendor(flow: &Flow, mut party: Standing) -> Result<VendorKey, Halt> {
    let mut started = false;
    loop {
        if let Some(link) = &party.link {
            return VendorKey::from_id(&link.target.id).ok_or_else(|| {
                Halt::Parked(flow.stop(
                    "link-unreadable",
                    format!("the link to vendor {} cannot be read", link.target.id),
                    "report this as a bug",
                ))
            });
        }
        if started && !party.active {
            return Err(vendor_stopped(flow, &party));
        }
        if !party.active {
            let task = NewTask {
                object: party.object.clone(),
                reason: Reason::Dependency,
            };
            flow.start(vec![task]).await;
        }
        started = true;
        let sentence = format!(
            "{} {} must become a vendor first",
            party.object.kind, party.object.id
        );
        let on = Some(party.object.clone());
        flow.wait_on(VENDOR_LOOK, WaitReason::Dependency, on, sentence)
            .await;
        let found = flow.find(vec![party.object]).await;
        let Some(standing) = found.into_iter().next() else {
            unreachable!("a report on one object holds one standing")
        };
        party = standing;
    }
}

fn vendor_stopped(flow: &Flow, party: &Standing) -> Halt {
    let sentence = format!(
        "its {} {} has not become a vendor: {}",
        party.object.kind, party.object.id, party.sentence
    );
    let remedy = "mend what stopped the vendor, then `ml-connector replay --parked`";
    Halt::Parked(flow.stop(&format!("vendor-{}", party.code), sentence, remedy))
}

/// A document that is no longer there. SAP Concur's API cannot delete a payment request.
async fn gone(flow: &Flow, kind: Kind, how: &str) -> Result<Ending, Halt> {
    let found = flow.find(vec![flow.task.object.clone()]).await;
    let Some(link) = found.into_iter().next().and_then(|standing| standing.link) else {
        let sentence = format!(
            "the {} {how} in FreshBooks and was never carried over",
            kind.name()
        );
        return Ok(unchanged("not-carried", sentence));
    };
    let id = &link.target.id;
    let there = match flow
        .read(wire::payment_request(id), wire::read_payment_request)
        .await?
    {
        Ok(request) => !request.deleted,
        Err(refusal) if refusal.is_missing() => false,
        Err(refusal) => return Err(rejected(flow, System::Concur, "to show it", &refusal)),
    };
    if there {
        let sentence = format!(
            "the {} {how} in FreshBooks; SAP Concur has no call that deletes payment request {id}",
            kind.name()
        );
        let remedy = "delete it in SAP Concur by hand, then `ml-connector replay RUN`";
        return Err(Halt::Parked(flow.stop(
            "deleted-in-freshbooks",
            sentence,
            remedy,
        )));
    }
    flow.save(Save {
        links: Vec::new(),
        unlinks: vec![flow.task.object.clone()],
        tasks: Vec::new(),
    })
    .await;
    Ok(Ending::Confirmed(Confirmation {
        sentence: format!("deleted here and payment request {id} is deleted there"),
        target: link.target,
        how: How::Withdrawn,
    }))
}

/// A translated document on its way.
struct Carried<'a> {
    flow: &'a Flow,
    document: &'a Document,
    translated: Translated,
    vendor: VendorKey,
    body: String,
    marker: String,
    hash: String,
}

impl Carried<'_> {
    async fn create(&self, own: &Standing) -> Result<Ending, Halt> {
        if is_ambiguous(own) && self.flow.task.reason != Reason::Replay {
            return self.look_only(own).await;
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
    async fn look_only(&self, own: &Standing) -> Result<Ending, Halt> {
        if let Some(id) = self.find_marked().await? {
            return self.link(id, How::Adopted).await;
        }
        let Halt::Parked(stop) = self.flow.ambiguous("an earlier attempt was never answered")
        else {
            unreachable!("an ambiguous write is parked")
        };
        Err(Halt::Parked(Stop {
            since: own.since,
            look_again: next_look(own.since, self.flow.now()),
            ..stop
        }))
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
            if page.next.is_none() || page.next == offset {
                break;
            }
            offset = page.next;
        }
        if candidates.len() > CANDIDATES_MAX {
            let sentence = format!(
                "{} payment requests have the number {}",
                candidates.len(),
                self.translated.invoice_number
            );
            let remedy = "give the document a number of its own, then `ml-connector replay RUN`";
            return Err(Halt::Parked(self.flow.stop(
                "too-many-candidates",
                sentence,
                remedy,
            )));
        }
        Ok(candidates)
    }

    fn judge(&self, found: &PaymentRequest) -> Whose {
        let field = &self.flow.settings.payment_request.marker_field;
        let same_vendor = if found.vendor_code.is_empty() {
            self.document.party_name.as_deref() == Some(found.vendor_name.as_str())
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

    /// Changes the payment request until it says what the document says. Every attempt is made of what a
    /// fresh read shows, so that lines are never inserted twice.
    async fn update(&self, id: &str) -> Result<Ending, Halt> {
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
        let target = concur("payment-request", id);
        let link = Link {
            source: self.flow.task.object.clone(),
            target: target.clone(),
            version: self.document.version.clone(),
            content_hash: self.hash.clone(),
        };
        self.flow
            .save(Save {
                links: vec![link],
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

fn is_ambiguous(own: &Standing) -> bool {
    own.ending == EndingKind::Parked && own.code == AMBIGUOUS
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
