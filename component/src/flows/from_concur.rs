//! Bills and expenses that we made out of SAP Concur's documents: they never go back there, where
//! they came from.
//!
//! FreshBooks announces them as it announces every bill, and may do so before the link is stored.
//! So the marker in the description of a line counts as much as the link.

use alloc::format;
use alloc::string::ToString;

use crate::contract::runs::{Ending, ObjectStatus};
use crate::flow::unchanged;
use crate::freshbooks::{Document, Kind};
use crate::marker;

/// The kind of the documents that become bills.
const SOURCE_KIND: &str = "financial-document";

/// The end of a run of a bill or expense that a link calls ours.
pub(super) fn by_link(own: &ObjectStatus) -> Option<Ending> {
    let link = own.link.as_ref();
    let link = link.filter(|link| link.target.kind == SOURCE_KIND)?;
    let message = format!(
        "we made it of SAP Concur's {}, and it does not go back there",
        link.target.id
    );
    Some(unchanged("made-by-us", message))
}

/// Whether a bill carries a marker of ours.
pub(crate) fn made_of_invoice(document: &Document) -> bool {
    let mut descriptions = document
        .lines
        .iter()
        .filter_map(|line| line.description.as_deref());
    document.kind == Kind::Bill && descriptions.any(marker::holds_marker)
}

/// The end of a run of a bill that carries a marker of ours.
pub(super) fn by_marker(document: &Document) -> Option<Ending> {
    made_of_invoice(document).then(|| {
        let message = "a line of it carries a marker of ml-connector: we made it of an invoice of \
                       SAP Concur, or it is a copy of such a bill, and it does not go back there"
            .to_string();
        unchanged("made-by-us", message)
    })
}

/// The end of a run of an expense whose notes carry a marker of ours.
pub(super) fn by_notes(notes: Option<&str>) -> Option<Ending> {
    notes.filter(|notes| marker::holds_marker(notes)).map(|_| {
        let message = "its notes carry a marker of ml-connector: we made it of a document of SAP \
                       Concur, or it is a copy of such an expense, and it does not go back there"
            .to_string();
        unchanged("made-by-us", message)
    })
}
