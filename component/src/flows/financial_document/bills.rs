//! FreshBooks' bills: found by the marker in the description of a line, shown, and deleted.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;

use crate::contract::runs::{Conflict, Failure};
use crate::contract::types::{ObjectRef, System};
use crate::error_bodies::Refusal;
use crate::flow::{EarlyEnd, Flow, remote_refused};
use crate::flows::day::DAY;
use crate::freshbooks::{self, BillRecord, bill_object};
use crate::remedy::{Replay, after_settings};
use crate::settings::financial::ClosedPeriod;

/// Pages of one look-up, of 100 bills each: as many rows as a look-up in the journal reads.
const PAGES_MAX: u32 = 500;
/// Bills that are read one by one because the list shows no lines of them. More than these share
/// the day or the amount only in an account whose amounts say nothing.
const CANDIDATES_MAX: usize = 200;
/// The plan has no bills (source: freshbooks-errors).
const NO_BILLS: &str = "41001";

/// The bills of this connection's account.
pub(super) struct Bills<'a> {
    pub(super) flow: &'a Flow,
}

/// What a bill that we made has in a list, which shows no lines. Somebody who has changed both made
/// another bill of it.
pub(super) struct Looks {
    /// The days that it may have, `YYYY-MM-DD`.
    pub(super) days: Vec<String>,
    /// What it comes to, but for FreshBooks' rounding.
    pub(super) total: Option<Decimal>,
}

impl Bills<'_> {
    /// The bill that carries the marker.
    pub(super) async fn find_marked(
        &self,
        marker: &str,
        looks: &Looks,
    ) -> Result<Option<ObjectRef>, EarlyEnd> {
        let mut ids = BTreeSet::new();
        let mut unseen = Vec::new();
        for bill in self.list().await? {
            if holds(&bill, marker) {
                ids.insert(bill.id);
            } else if !bill.has_lines && looks.fit(&bill) {
                unseen.push(bill.id);
            }
        }
        if unseen.len() > CANDIDATES_MAX {
            return Err(self.too_many(marker));
        }
        for id in unseen {
            let bill = self.read(&id).await?;
            if bill.is_some_and(|bill| !bill.is_deleted && holds(&bill, marker)) {
                ids.insert(id);
            }
        }
        if ids.len() > 1 {
            return Err(conflict(marker, &ids));
        }
        Ok(ids.into_iter().next().map(|id| bill_object(&id)))
    }

    /// A bill as FreshBooks shows it; nothing if it is not there.
    pub(super) async fn read(&self, id: &str) -> Result<Option<BillRecord>, EarlyEnd> {
        let request = freshbooks::get_bill(&self.flow.settings.freshbooks.account_id, id);
        match self
            .flow
            .read(request, freshbooks::read_bill_record)
            .await?
        {
            Ok(bill) => Ok(Some(bill)),
            Err(refusal) if refusal.is_missing() => Ok(None),
            Err(refusal) => Err(self.refused("to show a bill", &refusal)),
        }
    }

    /// Deletes a bill that nobody has paid and whose day is open; nothing if it is gone.
    pub(super) async fn delete(&self, id: &str) -> Result<(), EarlyEnd> {
        let bill = match self.read(id).await? {
            Some(bill) if !bill.is_deleted => bill,
            _ => return Ok(()),
        };
        if bill.is_paid {
            return Err(self.paid(id));
        }
        self.check_open(&bill)?;
        let request = freshbooks::delete_bill(&self.flow.settings.freshbooks.account_id, id);
        let reader = freshbooks::read_deleted_bill;
        match self.flow.send_idempotent(request, reader).await? {
            Ok(_) => Ok(()),
            Err(refusal) if refusal.is_missing() => Ok(()),
            Err(refusal) => Err(self.kept(id, &refusal)),
        }
    }

    /// All bills that are not deleted; none where the plan has no bills.
    async fn list(&self) -> Result<Vec<BillRecord>, EarlyEnd> {
        let account_id = &self.flow.settings.freshbooks.account_id;
        let mut bills = Vec::new();
        for page in 1..=PAGES_MAX {
            let request = freshbooks::list_bills(account_id, page);
            let listed = match self
                .flow
                .read(request, freshbooks::read_bill_records)
                .await?
            {
                Ok(listed) => listed,
                Err(refusal) if has_no_bills(&refusal) => return Ok(Vec::new()),
                Err(refusal) => return Err(self.refused("the list of bills", &refusal)),
            };
            bills.extend(listed.bills.into_iter().filter(|bill| !bill.is_deleted));
            if u64::from(page) >= listed.pages {
                return Ok(bills);
            }
        }
        let message = format!("there are more than {PAGES_MAX} pages of bills to look through");
        let remedy =
            "search for the marker in FreshBooks by hand; `ml-connector show RUN` shows it";
        Err(self.flow.parked("ledger-too-long", message, remedy))
    }

    fn refused(&self, what: &str, refusal: &Refusal) -> EarlyEnd {
        remote_refused(self.flow, System::Freshbooks, what, refusal)
    }

    fn too_many(&self, marker: &str) -> EarlyEnd {
        let message = format!(
            "more than {CANDIDATES_MAX} bills have this day or amount, and may carry our marker \
             {marker}"
        );
        let remedy = "search for the marker in FreshBooks by hand, then `ml-connector replay RUN`";
        self.flow.parked("too-many-candidates", message, remedy)
    }

    fn paid(&self, id: &str) -> EarlyEnd {
        let message = format!(
            "bill {id} has payments in FreshBooks, and its invoice was recalled or changed in SAP \
             Concur"
        );
        let remedy = "remove the payments from that bill in FreshBooks, then `ml-connector replay \
                      RUN`: it deletes the bill, and makes one of the corrected invoice if there \
                      is one";
        self.flow.parked("bill-paid", message, remedy)
    }

    fn kept(&self, id: &str, refusal: &Refusal) -> EarlyEnd {
        let message = format!(
            "FreshBooks does not let bill {id} be deleted (HTTP {}): \"{}\"",
            refusal.status, refusal.words
        );
        let remedy = "delete that bill in FreshBooks by hand, then `ml-connector replay RUN`";
        self.flow.parked("bill-kept", message, remedy)
    }

    /// A bill leaves the books on the day that it is in them, so that a closed day keeps it.
    fn check_open(&self, bill: &BillRecord) -> Result<(), EarlyEnd> {
        let settings = &self.flow.settings.financial;
        let issued = bill.issued.as_deref().unwrap_or_default();
        let closed_until = settings.closed_until.as_deref();
        let Some(end) = closed_until.filter(|end| !issued.is_empty() && issued <= *end) else {
            return Ok(());
        };
        let message = format!(
            "bill {} of {issued} is to be deleted, and the books are closed until {end}",
            bill.id
        );
        let change = "open the books (`financial.closed_until`), or delete that bill in FreshBooks \
                      by hand";
        let remedy = after_settings(change, Replay::Run);
        let failure = self.flow.failure("closed-period", message, &remedy);
        let is_held = settings.closed_period == ClosedPeriod::Hold;
        Err(EarlyEnd::park(Failure {
            look_again: is_held.then(|| self.flow.now().saturating_add(DAY)),
            ..failure
        }))
    }
}

impl Looks {
    fn fit(&self, bill: &BillRecord) -> bool {
        let issued = bill.issued.as_deref();
        let has_day = issued.is_none_or(|issued| self.days.iter().any(|day| day == issued));
        let has_total = match (self.total, bill.total) {
            // FreshBooks may round the taxes otherwise, by a few of the smallest units.
            (Some(ours), Some(theirs)) => {
                let tolerance = Decimal::ONE + ours.abs() / Decimal::ONE_HUNDRED;
                (ours - theirs).abs() <= tolerance
            }
            _ => true,
        };
        has_day || has_total
    }
}

fn holds(bill: &BillRecord, marker: &str) -> bool {
    let mut descriptions = bill.descriptions.iter();
    descriptions.any(|description| description.contains(marker))
}

fn has_no_bills(refusal: &Refusal) -> bool {
    refusal.has_code(NO_BILLS)
}

fn conflict(marker: &str, ids: &BTreeSet<String>) -> EarlyEnd {
    let listed: Vec<&str> = ids.iter().map(String::as_str).collect();
    EarlyEnd::Conflict(Conflict {
        targets: ids.iter().map(|id| bill_object(id)).collect(),
        message: format!(
            "{} bills carry our marker {marker}: {}",
            ids.len(),
            listed.join(", ")
        ),
        remedy: "they are one invoice twice: keep the one with payments, take the others away in \
                 FreshBooks, then `ml-connector replay RUN`"
            .to_string(),
    })
}
