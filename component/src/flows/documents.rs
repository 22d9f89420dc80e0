//! Invoices and bills become payment requests.

pub(super) mod cut_over;
mod look_up;
mod payment_request_run;
pub(super) mod turn;

use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use payment_request_run::{PaymentRequestRun, unknown_since};

use super::parties::with_party;
use super::{ambiguity, change_stamp, dependency, from_concur, reference};
use crate::concur::{self, VendorKey};
use crate::contract::runs::{Change, Changes, Confirmation, Ending, ObjectStatus};
use crate::contract::types::{ObjectRef, System};
use crate::flow::{EarlyEnd, Flow, cannot_translate, remote_refused, unchanged};
use crate::freshbooks::{self, Document, Kind};
use crate::marker;
use crate::payment_request;
use crate::remedy::{Replay, after_settings};

/// Reads the document, and creates or changes its payment request if its content is not there yet.
pub(super) async fn sync_document(flow: &Flow, kind: Kind) -> Result<Ending, EarlyEnd> {
    let own = flow.find_own().await;
    let ended = read_and_sync(flow, kind, &own).await;
    match unknown_since(flow, &own) {
        Some(since) => ambiguity::stay_ambiguous(flow, since, ended),
        None => ended,
    }
}

async fn read_and_sync(flow: &Flow, kind: Kind, own: &ObjectStatus) -> Result<Ending, EarlyEnd> {
    if !is_enabled(flow, kind) {
        let message = format!("the settings do not carry over {}s", kind.name());
        return Ok(unchanged("not-enabled", message));
    }
    let id = &flow.task.object.id;
    let request = freshbooks::get_document(&flow.settings.freshbooks.account_id, kind, id);
    let reader = match kind {
        Kind::Invoice => freshbooks::read_invoice,
        Kind::Bill => freshbooks::read_bill,
    };
    let document = match flow.read(request, reader).await? {
        Ok(document) => document,
        Err(refusal) if refusal.is_missing() => {
            if let Some(ended) = from_concur::by_link(own) {
                return Ok(ended);
            }
            return sync_withdrawal(flow, kind, own, Reason::Missing).await;
        }
        Err(refusal) => {
            return Err(remote_refused(
                flow,
                System::Freshbooks,
                "to show it",
                &refusal,
            ));
        }
    };
    if !document.id.is_empty() && document.id != *id {
        return Err(other_document(flow, &document));
    }
    flow.note_version(&change_stamp::mark_if_fresh(&document.version, flow.now()));
    flow.note_facts(document.facts());
    if let Some(ended) = from_concur::by_link(own).or_else(|| from_concur::by_marker(&document)) {
        return Ok(ended);
    }
    if document.deleted {
        return sync_withdrawal(flow, kind, own, Reason::Deleted).await;
    }
    sync_content(flow, document, own).await
}

async fn sync_content(
    flow: &Flow,
    document: Document,
    own: &ObjectStatus,
) -> Result<Ending, EarlyEnd> {
    if document.draft && !flow.settings.invoice.drafts && own.link.is_none() {
        let message = "a draft; it is carried over when it is sent".to_string();
        return Ok(unchanged("draft", message));
    }
    if payment_request::nothing_to_pay(&document).is_some() {
        return sync_withdrawal(flow, document.kind, own, Reason::NothingToPay).await;
    }
    let document = &with_party(flow, document).await?;
    flow.note_facts(document.facts());
    let is_before_cut_over = cut_over::is_before(flow, document, own);
    if is_before_cut_over && let Some(ended) = cut_over::end_without_posting(flow, document).await?
    {
        return Ok(ended);
    }
    let marker = flow.marker("payment-request");
    let named = document
        .lines
        .iter()
        .filter_map(|line| line.project.as_ref());
    let projects = reference::project_codes(flow, named).await;
    let translated = payment_request::translate(document, &flow.settings, &projects, &marker)
        .map_err(|problems| cannot_translate(flow, document.kind.name(), problems))?;
    let vendor = require_vendor(flow, document.party.clone()).await?;
    let body = translated.to_create(&vendor);
    let run = PaymentRequestRun {
        flow,
        form: turn::form_of(flow, &translated),
        document,
        hash: marker::content_hash(body.as_bytes()),
        translated,
        vendor,
        body,
        marker,
    };
    match &own.link {
        Some(link) if link.content_hash.as_deref() == Some(run.hash.as_str()) => {
            let message = format!("its content is already there as {}", link.target.id);
            Ok(unchanged("same-content", message))
        }
        Some(link) => run.update(own, link).await,
        None if is_before_cut_over => run.look_only().await,
        None => run.create(own).await,
    }
}

fn other_document(flow: &Flow, document: &Document) -> EarlyEnd {
    let message = format!(
        "FreshBooks was asked for {} {} and showed {}",
        document.kind.name(),
        flow.task.object.id,
        document.id
    );
    let remedy = &after_settings("check `freshbooks.account_id`", Replay::Run);
    flow.parked("other-document", message, remedy)
}

pub(super) fn is_enabled(flow: &Flow, kind: Kind) -> bool {
    match kind {
        Kind::Invoice => flow.settings.invoice.enabled,
        Kind::Bill => flow.settings.bill_enabled,
    }
}

/// The vendor of the document's party; carried over first if it is not there.
async fn require_vendor(flow: &Flow, party: ObjectRef) -> Result<VendorKey, EarlyEnd> {
    let id = dependency::require_link(flow, party).await?.target.id;
    VendorKey::from_id(&id).ok_or_else(|| {
        EarlyEnd::park(flow.failure(
            "link-unreadable",
            format!("the link to vendor {id} cannot be read"),
            "report this as a bug",
        ))
    })
}

/// Why there is to be no payment request of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Missing,
    Deleted,
    NothingToPay,
}

impl Reason {
    /// What is the matter with the document in FreshBooks.
    fn words(self) -> &'static str {
        match self {
            Self::Missing => "is not there",
            Self::Deleted => "was deleted",
            Self::NothingToPay => "comes to 0.00",
        }
    }

    /// The end of a document that was never carried over.
    fn not_carried(self, kind: Kind) -> Ending {
        let (name, words) = (kind.name(), self.words());
        match self {
            Self::Missing | Self::Deleted => unchanged(
                "not-carried",
                format!("the {name} {words} in FreshBooks and was never carried over"),
            ),
            Self::NothingToPay => Ending::Unchanged(payment_request::nothing_to_pay_of(kind)),
        }
    }

    /// The end of one whose payment request is still there.
    fn still_there(self, flow: &Flow, kind: Kind, id: &str) -> EarlyEnd {
        let message = format!(
            "the {} {} in FreshBooks, and SAP Concur has no call that takes payment request {id} \
             back",
            kind.name(),
            self.words()
        );
        let (code, remedy) = match self {
            Self::Missing | Self::Deleted => (
                "deleted-in-freshbooks",
                "withdraw it in SAP Concur by hand, or restore the document in FreshBooks; then \
                 `ml-connector replay RUN`",
            ),
            Self::NothingToPay => (
                payment_request::NOTHING_TO_PAY,
                "withdraw it in SAP Concur by hand, or correct the document in FreshBooks; then \
                 `ml-connector replay RUN`",
            ),
        };
        flow.parked(code, message, remedy)
    }
}

/// A document that there is to be no payment request of any more. SAP Concur's API cannot delete
/// one.
async fn sync_withdrawal(
    flow: &Flow,
    kind: Kind,
    own: &ObjectStatus,
    reason: Reason,
) -> Result<Ending, EarlyEnd> {
    let Some(link) = own.link.clone() else {
        return Ok(reason.not_carried(kind));
    };
    let id = &link.target.id;
    let there = match flow
        .read(
            concur::get_payment_request(id),
            concur::read_payment_request,
        )
        .await?
    {
        Ok(request) => !request.deleted,
        Err(refusal) if refusal.is_missing() => false,
        Err(refusal) => return Err(remote_refused(flow, System::Concur, "to show it", &refusal)),
    };
    if there {
        return Err(reason.still_there(flow, kind, id));
    }
    flow.save(Changes {
        links: Vec::new(),
        unlinks: vec![flow.task.object.clone(), link.target.clone()],
        tasks: Vec::new(),
    })
    .await;
    let message = format!(
        "the {} {} in FreshBooks and payment request {id} is deleted in SAP Concur",
        kind.name(),
        reason.words()
    );
    Ok(Ending::Confirmed(Confirmation {
        message,
        target: link.target,
        change: Change::Withdrawn,
    }))
}
