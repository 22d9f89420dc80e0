//! Expenses as quick expenses: created once, and never seen again. Whatever would need a look at
//! one, or a change of it, waits for a person.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

use crate::concur;
use crate::contract::runs::{Change, Confirmation, Ending, Intent, Link, ObjectStatus};
use crate::contract::types::{ObjectRef, System};
use crate::expense_entry::Translated;
use crate::expense_entry::quick::quick_expense;
use crate::flow::{EARLIER, EarlyEnd, Flow, LookUp, remote_refused, unchanged};
use crate::flows::ambiguity;
use crate::flows::employees::require_employee;
use crate::freshbooks::Expense;
use crate::marker;
use crate::remedy::{Replay, after_settings};
use crate::text::non_empty;

/// The kind of a quick expense.
pub(super) const QUICK_EXPENSE: &str = "quick-expense";
/// What a person does about a quick expense that has to change.
const BY_HAND: &str = "change or delete it in SAP Concur by hand; then `ml-connector links break`, \
                       and `links adopt` if it stays, and `ml-connector replay RUN`";

/// The link to the quick expense that an expense became.
pub(super) fn quick_expense_of(own: &ObjectStatus) -> Option<&Link> {
    let link = own.link.as_ref();
    link.filter(|link| link.target.kind == QUICK_EXPENSE)
}

/// Creates the quick expense of an expense; one that is there can be left alone or changed by hand.
pub(super) async fn sync_quick_expense(
    flow: &Flow,
    own: &ObjectStatus,
    expense: &Expense,
    translated: &Translated,
) -> Result<Ending, EarlyEnd> {
    let staff = expense.staff.clone().unwrap_or_default();
    let marker = flow.marker(QUICK_EXPENSE);
    let body = quick_expense(expense, translated, &marker);
    let hash = marker::content_hash(format!("{staff} {body}").as_bytes());
    let source = Source {
        flow,
        expense,
        hash,
    };
    match &own.link {
        None => source.create(own, &staff, body).await,
        Some(link) if link.target.kind != QUICK_EXPENSE => Err(was_entry(flow, &link.target)),
        Some(link) if link.content_hash.as_ref() == Some(&source.hash) => {
            let message = format!("its content is already there as {}", link.target.id);
            Ok(unchanged("same-content", message))
        }
        // A person has said that it is this one, as it is now.
        Some(link) if link.content_hash.is_none() => {
            source.store(&link.target).await;
            Ok(confirmed(&link.target, Change::Adopted))
        }
        Some(link) => {
            let message = format!(
                "the expense has changed, and SAP Concur has no call that changes quick expense {}",
                link.target.id
            );
            Err(flow.parked("update-refused", message, BY_HAND))
        }
    }
}

/// An expense that is no longer there: nothing takes its quick expense away.
pub(super) fn cannot_withdraw(flow: &Flow, link: &Link, how: &str) -> EarlyEnd {
    let message = format!(
        "the expense {how} in FreshBooks, and SAP Concur has no call that deletes quick expense {}",
        link.target.id
    );
    flow.parked("deleted-in-freshbooks", message, BY_HAND)
}

fn was_entry(flow: &Flow, target: &ObjectRef) -> EarlyEnd {
    let message = format!(
        "the expense was carried over to {} {} before `expense.kind` was \"quick-expense\"",
        target.kind, target.id
    );
    let change = "change the entry in SAP Concur by hand, or set `expense.kind = \"entry\"`";
    let remedy = after_settings(change, Replay::Run);
    flow.parked("update-refused", message, remedy)
}

fn confirmed(target: &ObjectRef, change: Change) -> Ending {
    let message = match change {
        Change::Created => format!("created quick expense {}", target.id),
        _ => format!("it is quick expense {}, as a person has said", target.id),
    };
    Ending::Confirmed(Confirmation {
        target: target.clone(),
        change,
        message,
    })
}

/// The expense, and the hash of what it becomes.
struct Source<'a> {
    flow: &'a Flow,
    expense: &'a Expense,
    hash: String,
}

impl Source<'_> {
    /// Creates it, once: a look-up cannot find it, so that one that may be there parks.
    async fn create(
        &self,
        own: &ObjectStatus,
        staff: &str,
        body: String,
    ) -> Result<Ending, EarlyEnd> {
        let flow = self.flow;
        if ambiguity::left_by_earlier_run(flow, own).is_some() {
            return Err(EarlyEnd::park(flow.ambiguous(EARLIER)));
        }
        let employee = require_employee(flow, staff).await?;
        let request = concur::create_quick_expense(&employee.id, body);
        let look_up = async || Ok(LookUp::Missing(request.clone()));
        let reader = concur::read_created_quick_expense;
        match flow.write(Intent::LookUpThenPark, reader, look_up).await? {
            Ok(written) => {
                let target = ObjectRef::concur(QUICK_EXPENSE, written.record);
                self.store(&target).await;
                Ok(confirmed(&target, Change::Created))
            }
            Err(refusal) => {
                let what = "the quick expense";
                Err(remote_refused(flow, System::Concur, what, &refusal))
            }
        }
    }

    async fn store(&self, target: &ObjectRef) {
        let link = Link {
            source: self.flow.task.object.clone(),
            target: target.clone(),
            version: non_empty(self.expense.version.clone()),
            content_hash: Some(self.hash.to_string()),
        };
        self.flow.save_links(vec![link]).await;
    }
}
