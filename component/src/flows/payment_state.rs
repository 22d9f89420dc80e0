//! Payments close the loop: what is fully paid in FreshBooks is confirmed to SAP Concur.
//!
//! A run is about how far one document is paid, not about its content: the document's own run is
//! not disturbed. What was paid in SAP Concur is shown, and never confirmed a second time.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

use super::day::day_before;
use super::{ambiguity, change_stamp};
use crate::concur::{self, PaymentRequest, PaymentRow};
use crate::contract::runs::{
    Change, Changes, Confirmation, Ending, Failure, Intent, Link, NewTask, ObjectStatus,
    StartReason,
};
use crate::contract::types::{Duration, ObjectRef, System};
use crate::flow::{EARLIER, EarlyEnd, Flow, LookUp, remote_refused, unchanged};
use crate::freshbooks::{self, Kind, Paid, PaymentState};
use crate::text::non_empty;

/// The kind of such an object.
pub(super) const KIND: &str = "payment-state";
/// Pages of the history that a look-up reads, of 500 payments each; they are of one invoice number.
const PAGES_MAX: u32 = 20;
/// How long a request that is not extracted yet is left alone: it is extracted when its financial
/// document is posted, which people decide.
const EXTRACTION_WAIT: Duration = 6 * 3_600_000;

/// What SAP Concur shows of the payment of a request.
struct Shown {
    request: PaymentRequest,
    /// The last of its payments.
    last: Option<PaymentRow>,
}

impl Shown {
    fn member(&self, name: &str) -> String {
        concur::member_text(&self.request.header, name)
    }

    /// A payment made there may be missing in the history until somebody has fetched it.
    fn is_paid(&self) -> bool {
        match &self.last {
            Some(payment) => payment.is_paid(),
            None => !self.member("PaidDate").is_empty(),
        }
    }
}

/// Brings how far a document is paid to SAP Concur.
pub(super) async fn sync_payment_state(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let own = flow.find_own().await;
    let since = ambiguity::ambiguous_since(flow, &own, Intent::LookUpThenPark, own.link.is_none());
    let ended = read_and_confirm(flow, &own, since.is_some()).await;
    match since {
        Some(since) => ambiguity::stay_ambiguous(flow, since, ended),
        None => ended,
    }
}

async fn read_and_confirm(
    flow: &Flow,
    own: &ObjectStatus,
    is_unknown: bool,
) -> Result<Ending, EarlyEnd> {
    if !flow.settings.confirms_payments {
        let message = "the settings do not confirm payments".to_string();
        return Ok(unchanged("not-enabled", message));
    }
    let Some((kind, id)) = read_id(&flow.task.object.id) else {
        let message = format!("\"{}\" names no document", flow.task.object.id);
        return Err(flow.parked("unknown-source", message, "report this as a bug"));
    };
    let document = flow.find_one(ObjectRef::freshbooks(kind.name(), id)).await;
    let carried = document.link.map(|link| link.target);
    let Some(request) = carried.filter(|target| target.kind == "payment-request") else {
        let message = format!("the {} is no payment request", kind.name());
        return Ok(unchanged("not-carried", message));
    };
    let state = read_state(flow, kind, id).await?;
    let version = format!("{} {}", state.version, state.status);
    flow.note_version(&change_stamp::mark_if_fresh(&version, flow.now()));
    let is_new = own.link.is_none() && !is_unknown;
    let wanted = match &state.paid {
        Paid::InFull if !state.deleted => true,
        Paid::InPart(left) if is_new => {
            let message = format!("paid in part: {left} is left; only full payments are sent");
            return Ok(unchanged("part-paid", message));
        }
        _ if is_new => {
            return Ok(unchanged(
                "not-paid",
                format!("the {} is not paid", kind.name()),
            ));
        }
        _ => false,
    };
    confirm(flow, own, &request, wanted, is_unknown).await
}

async fn read_state(flow: &Flow, kind: Kind, id: &str) -> Result<PaymentState, EarlyEnd> {
    let request = freshbooks::get_document(&flow.settings.freshbooks.account_id, kind, id);
    let reader = match kind {
        Kind::Invoice => freshbooks::read_invoice_payment_state,
        Kind::Bill => freshbooks::read_bill_payment_state,
    };
    match flow.read(request, reader).await? {
        Ok(state) => Ok(state),
        Err(refusal) if refusal.is_missing() => Ok(PaymentState {
            version: String::new(),
            status: String::new(),
            deleted: true,
            paid: Paid::Nothing,
        }),
        Err(refusal) => Err(remote_refused(
            flow,
            System::Freshbooks,
            "to show it",
            &refusal,
        )),
    }
}

/// Confirms that a payment request is paid, or that its payment was taken back, unless SAP Concur
/// says so already.
async fn confirm(
    flow: &Flow,
    own: &ObjectStatus,
    request: &ObjectRef,
    wanted: bool,
    is_unknown: bool,
) -> Result<Ending, EarlyEnd> {
    let shown = show(flow, request).await?;
    if shown.is_paid() == wanted && is_unknown {
        return Ok(link(flow, request, wanted, Change::Adopted).await);
    }
    if wanted && shown.is_paid() {
        return Ok(already_paid(own, request, &shown));
    }
    if !wanted && !shown.is_paid() {
        return Ok(link(flow, request, wanted, Change::Checked).await);
    }
    if ambiguity::left_by_earlier_run(flow, own).is_some() {
        return Err(EarlyEnd::park(flow.ambiguous(EARLIER)));
    }
    if wanted && shown.member("ExtractDate").is_empty() {
        return Err(not_extracted(flow, request));
    }
    let look_up = async || {
        let day = day_before(flow.now(), 0);
        Ok(match show(flow, request).await?.is_paid() == wanted {
            true => LookUp::Found(()),
            false => LookUp::Missing(concur::confirm_payment(&request.id, wanted, &day)),
        })
    };
    let reader = concur::read_payment_confirmed;
    // A second PAID may be a second payment, so nothing is sent again unseen.
    match flow.write(Intent::LookUpThenPark, reader, look_up).await? {
        Ok(_) => {
            let change = if wanted {
                Change::Created
            } else {
                Change::Withdrawn
            };
            Ok(link(flow, request, wanted, change).await)
        }
        Err(refusal) => Err(remote_refused(
            flow,
            System::Concur,
            "the payment",
            &refusal,
        )),
    }
}

fn already_paid(own: &ObjectStatus, request: &ObjectRef, shown: &Shown) -> Ending {
    if own.link.is_some() {
        let message = format!("payment request {} is confirmed as paid", request.id);
        return unchanged("already-confirmed", message);
    }
    let how = shown.last.as_ref().map(|payment| {
        let (method, day) = (&payment.method, &payment.day);
        format!(" ({method} {day})")
    });
    let message = format!(
        "payment request {} is paid in SAP Concur{}, and not by us: nothing was sent",
        request.id,
        how.unwrap_or_default()
    );
    unchanged("paid-in-concur", message)
}

fn not_extracted(flow: &Flow, request: &ObjectRef) -> EarlyEnd {
    let message = format!(
        "it is paid in FreshBooks, and payment request {} is not extracted in SAP Concur yet",
        request.id
    );
    let remedy = "nothing: it is confirmed once SAP Concur has extracted it, which is looked at \
                  every six hours";
    EarlyEnd::park(Failure {
        look_again: Some(flow.now().saturating_add(EXTRACTION_WAIT)),
        ..flow.failure("not-extracted", message, remedy)
    })
}

/// What SAP Concur shows now.
async fn show(flow: &Flow, request: &ObjectRef) -> Result<Shown, EarlyEnd> {
    let refused = |refusal: &_| remote_refused(flow, System::Concur, "to show it", refusal);
    let call = concur::get_payment_request(&request.id);
    let read = flow.read(call, concur::read_payment_request).await?;
    let there = read.map_err(|refusal| refused(&refusal))?;
    if there.deleted {
        let message = format!("payment request {} was deleted in SAP Concur", request.id);
        let remedy = "nothing if it is not to be paid there; else recreate the document in \
                      FreshBooks under a new number";
        return Err(flow.parked("deleted-in-concur", message, remedy));
    }
    let number = concur::member_text(&there.header, "InvoiceNumber");
    let mut last = None;
    for page in 1..=PAGES_MAX {
        let call = concur::list_payments(&number, &there.vendor_code, page);
        let read = flow.read(call, concur::read_payments).await?;
        let rows = read.map_err(|refusal| refused(&refusal))?;
        let is_last = rows.len() < concur::PAYMENT_ROWS_MAX;
        let mut ours = rows.into_iter().filter(|row| row.request_id == request.id);
        last = ours.next_back().or(last);
        if is_last {
            break;
        }
    }
    Ok(Shown {
        request: there,
        last,
    })
}

/// Stores what SAP Concur knows now, and confirms it. A payment that was taken back leaves no link:
/// it may be paid once more.
async fn link(flow: &Flow, request: &ObjectRef, is_paid: bool, change: Change) -> Ending {
    let own = flow.task.object.clone();
    let target = ObjectRef::concur("payment", request.id.clone());
    let mut changes = Changes {
        links: vec![],
        unlinks: vec![],
        tasks: vec![],
    };
    if is_paid {
        changes.links.push(Link {
            source: own,
            target: target.clone(),
            version: None,
            content_hash: non_empty("paid"),
        });
    } else {
        changes.unlinks.push(own);
    }
    flow.save(changes).await;
    let says = if is_paid { "paid" } else { "not paid" };
    Ending::Confirmed(Confirmation {
        message: format!("SAP Concur knows payment request {} as {says}", request.id),
        target,
        change,
    })
}

/// The kind and the id of the document that an object is about: `bill/12`.
fn read_id(id: &str) -> Option<(Kind, &str)> {
    let (kind, id) = id.split_once('/')?;
    let kind = Kind::named(kind)?;
    (!id.is_empty()).then_some((kind, id))
}

/// The object about how far a document is paid.
pub(super) fn object(kind: Kind, id: &str) -> ObjectRef {
    ObjectRef::freshbooks(KIND, format!("{}/{id}", kind.name()))
}

/// A payment that a webhook names: starts the run about its invoice.
pub(super) async fn read_payment(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let account_id = &flow.settings.freshbooks.account_id;
    let request = freshbooks::get_payment(account_id, &flow.task.object.id);
    let invoice = match flow.read(request, freshbooks::read_payment_invoice).await? {
        Ok(invoice) => invoice,
        Err(refusal) if refusal.is_missing() => {
            let message = "the payment is not there; the sweep finds its invoice".to_string();
            return Ok(unchanged("not-there", message));
        }
        Err(refusal) => {
            let what = "to show the payment";
            return Err(remote_refused(flow, System::Freshbooks, what, &refusal));
        }
    };
    let about = object(Kind::Invoice, &invoice);
    flow.start(vec![NewTask {
        object: about.clone(),
        reason: StartReason::Notice,
    }])
    .await;
    Ok(Ending::Confirmed(Confirmation {
        target: about,
        change: Change::Checked,
        message: format!("a payment of invoice {invoice}"),
    }))
}
