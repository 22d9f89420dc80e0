//! A translated document becomes a payment request: found by our marker, created or changed, and
//! read back.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

use super::cut_over;
use super::turn::{self, Turn};
use crate::concur::{self, VendorKey};
use crate::contract::runs::{Change, Confirmation, Ending, Intent, Link, ObjectStatus, WaitReason};
use crate::contract::types::{Duration, Instant, ObjectRef, System};
use crate::error_bodies::Cause;
use crate::flow::{EARLIER, EarlyEnd, Flow, LookUp, NOT_SHOWN, remote_refused};
use crate::flows::ambiguity;
use crate::freshbooks::Document;
use crate::payment_request::Translated;
use crate::payment_request::diff::Difference;
use crate::payment_request::unseen::Unseen;
use crate::text::non_empty;

/// How long SAP Concur is given to show what it has taken, before each look but the first, in
/// milliseconds: a list may lag behind a write, and nobody says that a read by id cannot.
const READ_BACK_DELAYS: [Duration; 3] = [2_000, 15_000, 60_000];

/// A run that brings a translated document to its payment request.
pub(super) struct PaymentRequestRun<'a> {
    pub(super) flow: &'a Flow,
    pub(super) document: &'a Document,
    pub(super) translated: Translated,
    pub(super) vendor: VendorKey,
    pub(super) body: String,
    pub(super) marker: String,
    pub(super) hash: String,
    /// The object of the form that it uses.
    pub(super) form: ObjectRef,
}

/// What a read of a payment request shows of what was written into it.
enum ReadBack {
    Seen,
    /// This did not come back.
    Unseen(Unseen),
    /// It is not there at all.
    Gone,
}

impl PaymentRequestRun<'_> {
    pub(super) async fn create(&self, own: &ObjectStatus) -> Result<Ending, EarlyEnd> {
        if ambiguity::left_by_earlier_run(self.flow, own).is_some() {
            return self.look_only().await;
        }
        let turn = turn::await_turn(self.flow, &self.form).await?;
        let intent = self.flow.settings.payment_request.ambiguity;
        let look_up = async || {
            Ok(match self.find_ours().await? {
                Some(id) => LookUp::Found(id),
                None => LookUp::Missing(concur::create_payment_request(self.body.clone())),
            })
        };
        match self
            .flow
            .write(intent, concur::read_written_id, look_up)
            .await?
        {
            Ok(written) => {
                let change = if written.found {
                    Change::Adopted
                } else {
                    Change::Created
                };
                self.read_back_and_link(written.record, change, turn).await
            }
            Err(refusal) => Err(remote_refused(
                self.flow,
                System::Concur,
                "the payment request",
                &refusal,
            )),
        }
    }

    /// What is there is linked, and nothing is created: an earlier run could not know whether it
    /// created it, and only a person may have it sent again; or it is from before the cut-over.
    pub(super) async fn look_only(&self) -> Result<Ending, EarlyEnd> {
        match self.find_ours().await? {
            Some(id) => {
                self.read_back_and_link(id, Change::Adopted, Turn::Proven)
                    .await
            }
            None => Err(EarlyEnd::park(self.flow.ambiguous(EARLIER))),
        }
    }

    /// Changes the payment request that the document is linked to until it says what the document
    /// says. Every attempt is made of what a fresh read shows, so that lines are never inserted
    /// twice.
    pub(super) async fn update(&self, own: &ObjectStatus, link: &Link) -> Result<Ending, EarlyEnd> {
        let id = link.target.id.as_str();
        if link.content_hash.is_none() {
            // One that did not show what was written into it may be taken away and made anew; but
            // not one that was adopted from before the cut-over.
            match self.show_request(id).await? {
                Some(there) if there.deleted => {
                    return match cut_over::is_document_before(self.flow, self.document) {
                        true => Err(self.withdrawn(id)),
                        false => self.create(own).await,
                    };
                }
                Some(_) => {}
                None => return Err(self.not_there(id)),
            }
        }
        let turn = turn::await_turn(self.flow, &self.form).await?;
        let look_up = async || {
            let Some(current) = self.read_request(id).await? else {
                return Err(self.withdrawn(id));
            };
            let difference = Difference::between(&current, &self.translated, &self.vendor);
            Ok(match difference {
                None => LookUp::Found(id.to_string()),
                Some(difference) => {
                    LookUp::Missing(concur::update_payment_request(difference.into_update()))
                }
            })
        };
        match self
            .flow
            .write(Intent::LookUpThenResend, concur::read_written_id, look_up)
            .await?
        {
            // All of it was just read.
            Ok(written) if written.found => self.link(id.to_string(), Change::Updated, turn).await,
            Ok(_) => {
                self.read_back_and_link(id.to_string(), Change::Updated, turn)
                    .await
            }
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

    /// Confirms what a read shows. What was written and cannot be seen is linked all the same, so
    /// that it is changed and never made twice, but not confirmed.
    async fn read_back_and_link(
        &self,
        id: String,
        change: Change,
        turn: Turn,
    ) -> Result<Ending, EarlyEnd> {
        let (end, stops_others) = match self.read_back(&id).await {
            Ok(ReadBack::Seen) => return self.link(id, change, turn).await,
            Ok(ReadBack::Unseen(unseen)) => (self.not_shown(&id, &unseen), unseen.has_marker()),
            Ok(ReadBack::Gone) => (self.not_there(&id), false),
            Err(end) => (end, false),
        };
        let stops_others = stops_others || turn == Turn::First;
        let form = stops_others.then_some(false);
        self.store(&id, None, form).await;
        Err(end)
    }

    async fn read_back(&self, id: &str) -> Result<ReadBack, EarlyEnd> {
        let mut delays = READ_BACK_DELAYS.into_iter();
        loop {
            let shown = match self.read_request(id).await? {
                None => ReadBack::Gone,
                Some(shown) => {
                    let fields = &self.flow.settings.payment_request;
                    match Unseen::find(&shown, &self.translated, fields) {
                        None => return Ok(ReadBack::Seen),
                        Some(unseen) => ReadBack::Unseen(unseen),
                    }
                }
            };
            let Some(delay) = delays.next() else {
                return Ok(shown);
            };
            let message = format!("payment request {id} does not show all of it yet");
            self.flow.wait(delay, WaitReason::Retry, message).await;
        }
    }

    fn not_shown(&self, id: &str, unseen: &Unseen) -> EarlyEnd {
        let fields = &self.flow.settings.payment_request;
        let message = format!(
            "SAP Concur took payment request {id}, but does not show all that was written into it: \
             {} did not come back",
            unseen.message(fields)
        );
        self.flow.parked(NOT_SHOWN, message, unseen.remedy(fields))
    }

    fn not_there(&self, id: &str) -> EarlyEnd {
        let message = format!("SAP Concur took payment request {id}, but does not show it");
        let remedy = "look for it in SAP Concur, then `ml-connector replay RUN`";
        self.flow.parked(NOT_SHOWN, message, remedy)
    }

    async fn link(&self, id: String, change: Change, turn: Turn) -> Result<Ending, EarlyEnd> {
        let form = (turn == Turn::First).then_some(true);
        self.store(&id, Some(&self.hash), form).await;
        let target = ObjectRef::concur("payment-request", id);
        Ok(Ending::Confirmed(Confirmation {
            message: message(change, &target),
            target,
            change,
        }))
    }

    /// Stores both links, and whether the fields of the form were seen, where this run says so.
    async fn store(&self, id: &str, hash: Option<&str>, form_seen: Option<bool>) {
        let source = &self.flow.task.object;
        let target = ObjectRef::concur("payment-request", id);
        let link = |source: &ObjectRef, target: &ObjectRef| Link {
            source: source.clone(),
            target: target.clone(),
            version: non_empty(self.document.version.clone()),
            content_hash: hash.map(ToString::to_string),
        };
        // The way back knows by the second one what it must not post again.
        let mut links = vec![link(source, &target), link(&target, source)];
        links.extend(form_seen.map(|is_seen| turn::seen_link(&self.form, &target, is_seen)));
        self.flow.save_links(links).await;
    }
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
