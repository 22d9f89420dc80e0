//! A form of payment requests: gives the first place to one of the documents that claim it.
//!
//! There is one run of an object at a time, so this is where documents that start together are put
//! in order: the first with a set of custom fields is read back before the second one is made.

use alloc::format;
use alloc::string::ToString;
use alloc::vec;

use super::documents::turn::{Standing, claim_of, standing};
use crate::contract::runs::{Change, Confirmation, Ending, Link};
use crate::flow::{EarlyEnd, Flow, unchanged};

/// Gives the first place to the document that claimed it last, unless another one has it.
pub(super) async fn give_first_place(flow: &Flow) -> Result<Ending, EarlyEnd> {
    let form = &flow.task.object;
    let Some(claim) = flow.find_one(claim_of(form)).await.link else {
        return Ok(unchanged("not-there", "nothing claims it".to_string()));
    };
    let is_free = match standing(flow, form).await {
        Standing::Open => true,
        Standing::Given(holder) if holder.active => false,
        // Its run has ended; what that run stored before is stored by now.
        Standing::Given(holder) => {
            let now = flow.find_one(form.clone()).await.link;
            now.is_some_and(|link| link.target == holder.object)
        }
        Standing::Unseen(..) | Standing::Proven => false,
    };
    if !is_free {
        return Ok(unchanged("linked", "it has its first document".to_string()));
    }
    let message = format!(
        "{} {} is the first with these custom fields",
        claim.target.kind, claim.target.id
    );
    flow.save_links(vec![Link {
        source: form.clone(),
        ..claim.clone()
    }])
    .await;
    Ok(Ending::Confirmed(Confirmation {
        target: claim.target,
        change: Change::Checked,
        message,
    }))
}
