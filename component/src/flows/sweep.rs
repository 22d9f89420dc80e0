//! The sweep for missed webhooks: lists what changed, and starts a run of each object that was not
//! looked at since.
//!
//! A run of a sweep does one page and starts the next, so that no history grows without bound. Its
//! object's id says which: `invoice`, then `invoice/2`, ..., then `invoice/deleted/1` and on.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::day::day_before;
use super::{looks_changed, payment_state};
use crate::contract::runs::{Change, Confirmation, Ending, NewTask, ObjectStatus, StartReason};
use crate::contract::types::{ObjectRef, System};
use crate::flow::{EarlyEnd, Flow, remote_refused};
use crate::freshbooks::{self, Kind, Listed, Row};

/// Sweeps the page that the object's id names, and starts the run of the next one.
pub(super) async fn sweep_page(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let Some(place) = Place::read(&flow.task.object.id) else {
        let message = format!("\"{}\" names no page of a sweep", flow.task.object.id);
        return Err(flow.parked("unknown-sweep", message, "report this as a bug"));
    };
    let account_id = &flow.settings.freshbooks.account_id;
    let since = day_before(flow.now(), flow.settings.sweep.lookback_days);
    let request =
        freshbooks::list_changed(account_id, place.listed, place.page, place.deleted, &since);
    let reader = match place.listed {
        Listed::Documents(Kind::Invoice) => freshbooks::read_invoice_page,
        Listed::Documents(Kind::Bill) => freshbooks::read_bill_page,
        Listed::Expenses => freshbooks::read_expense_page,
    };
    let page = match flow.read(request, reader).await? {
        Ok(page) => page,
        Err(refusal) => {
            return Err(remote_refused(
                flow,
                System::Freshbooks,
                "the list",
                &refusal,
            ));
        }
    };
    let mut tasks = missed(flow, &place, &page.rows).await;
    let count = tasks.len();
    tasks.extend(place.next(page.pages).map(|next| NewTask {
        object: ObjectRef::freshbooks("sweep", next.to_id()),
        reason: StartReason::Schedule,
    }));
    if !tasks.is_empty() {
        flow.start(tasks).await;
    }
    Ok(Ending::Confirmed(Confirmation {
        target: flow.task.object.clone(),
        change: Change::Checked,
        message: format!(
            "{} listed, {count} changed since they were last read",
            page.rows.len()
        ),
    }))
}

/// The rows that no run has looked at in this version.
async fn missed(flow: &Flow, place: &Place, rows: &[Row]) -> Vec<NewTask> {
    if rows.is_empty() {
        return Vec::new();
    }
    let objects = rows
        .iter()
        .map(|row| ObjectRef::freshbooks(place.listed.name(), row.id.clone()))
        .collect();
    let statuses = flow.find(objects).await;
    let mut tasks = paid_since(flow, place, rows, &statuses).await;
    let changed = rows
        .iter()
        .zip(statuses)
        .filter(|(row, status)| place.is_missed(row, status));
    tasks.extend(changed.map(|(_, status)| NewTask {
        object: status.object,
        reason: StartReason::Sweep,
    }));
    tasks
}

/// The runs about how far documents are paid, of those that became payment requests and look
/// changed: payments of bills are announced by no webhook.
async fn paid_since(
    flow: &Flow,
    place: &Place,
    rows: &[Row],
    statuses: &[ObjectStatus],
) -> Vec<NewTask> {
    let Listed::Documents(kind) = place.listed else {
        return Vec::new();
    };
    let carried = rows.iter().zip(statuses).filter(|(_, status)| {
        let link = status.link.as_ref();
        link.is_some_and(|link| link.target.kind == "payment-request")
    });
    let rows: Vec<&Row> = carried.map(|(row, _)| row).collect();
    if !flow.settings.confirms_payments || rows.is_empty() {
        return Vec::new();
    }
    let objects = rows.iter().map(|row| payment_state::object(kind, &row.id));
    let states = flow.find(objects.collect()).await;
    let changed = rows.into_iter().zip(states).filter(|(row, state)| {
        let version = format!("{} {}", row.version, row.status);
        looks_changed(state, &version)
    });
    changed
        .map(|(_, state)| NewTask {
            object: state.object,
            reason: StartReason::Sweep,
        })
        .collect()
}

/// Where a sweep stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    listed: Listed,
    deleted: bool,
    page: u32,
}

impl Place {
    fn read(id: &str) -> Option<Self> {
        let parts: Vec<&str> = id.split('/').collect();
        let (name, deleted, page) = match parts.as_slice() {
            [name] => (name, false, "1"),
            [name, page] => (name, false, *page),
            [name, "deleted", page] => (name, true, *page),
            _ => return None,
        };
        Some(Self {
            listed: Listed::named(name)?,
            deleted,
            page: page.parse().ok()?,
        })
    }

    fn to_id(self) -> String {
        let pass = if self.deleted { "deleted/" } else { "" };
        format!("{}/{pass}{}", self.listed.name(), self.page)
    }

    fn next(self, pages: u64) -> Option<Self> {
        if u64::from(self.page) < pages {
            let page = self.page.saturating_add(1);
            return Some(Self { page, ..self });
        }
        (!self.deleted).then_some(Self {
            deleted: true,
            page: 1,
            ..self
        })
    }

    /// A run under way may have read an older version, so its object is looked at once more too.
    fn is_missed(self, row: &Row, status: &ObjectStatus) -> bool {
        if self.deleted && status.link.is_none() && !status.active {
            return false;
        }
        looks_changed(status, &row.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn places_walk_through_both_passes() {
        let mut place = Place::read("invoice").expect("is a place");
        let mut seen = vec![place.to_id()];
        while let Some(next) = place.next(2) {
            place = next;
            assert_eq!(Place::read(&place.to_id()), Some(place));
            seen.push(place.to_id());
        }
        assert_eq!(
            seen,
            [
                "invoice/1",
                "invoice/2",
                "invoice/deleted/1",
                "invoice/deleted/2"
            ]
        );
    }

    #[test]
    fn what_is_no_place_is_said() {
        for id in [
            "",
            "client",
            "invoice/x",
            "invoice/deleted",
            "bill/deleted/1/2",
        ] {
            assert_eq!(Place::read(id), None, "{id}");
        }
    }
}
