//! The other party of a document, read from FreshBooks.

use crate::contract::types::{ObjectRef, System};
use crate::error_bodies::Refusal;
use crate::flow::{EarlyEnd, Flow, remote_refused};
use crate::freshbooks::{self, Document, Party};

/// Reads a client or bill vendor, or how FreshBooks refuses it.
pub(super) async fn read_party(
    flow: &Flow,
    object: &ObjectRef,
) -> Result<Result<Party, Refusal>, EarlyEnd> {
    let account_id = &flow.settings.freshbooks.account_id;
    if object.kind == "client" {
        let request = freshbooks::get_client(account_id, &object.id);
        flow.read(request, freshbooks::read_client).await
    } else {
        let request = freshbooks::get_bill_vendor(account_id, &object.id);
        flow.read(request, freshbooks::read_bill_vendor).await
    }
}

/// The document with what it leaves out of its other party: a bill may come without the country of
/// its vendor, or without the vendor (source: freshbooks-bills).
pub(super) async fn with_party(flow: &Flow, mut document: Document) -> Result<Document, EarlyEnd> {
    if document.country.is_some() || document.party.id.is_empty() {
        return Ok(document);
    }
    match read_party(flow, &document.party).await? {
        Ok(party) => {
            document.country = party.country;
            document.party_name = document.party_name.or(party.name);
            Ok(document)
        }
        Err(refusal) if refusal.is_missing() => Ok(document),
        Err(refusal) => Err(remote_refused(
            flow,
            System::Freshbooks,
            "to show its other party",
            &refusal,
        )),
    }
}
