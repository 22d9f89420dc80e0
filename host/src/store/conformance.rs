//! The suite that every implementation of [`Store`] has to pass, with the feature `conformance`.
//!
//! A check is given a place: a function that opens the store there, again and again, each time with
//! what was committed before. [`store_conformance!`](crate::store_conformance) makes a test of
//! every check. Checks panic where a promise is broken.

mod batches;
mod chains;
mod crosswalk;
mod events;
mod histories;
mod keeping;
mod listing;
mod model;
mod notices;
mod property;
mod runs;
mod samples;
mod waiting;

pub use batches::*;
pub use chains::*;
pub use crosswalk::*;
pub use events::*;
pub use histories::*;
pub use keeping::*;
pub use listing::*;
pub use model::ModelStore;
pub use notices::*;
pub use property::*;
pub use runs::*;
#[cfg(test)]
pub(crate) use samples::{sample_completions, sample_entries};
pub use waiting::*;

use super::{Pending, Receipt, Run, RunId, Store, StoreError, Write};

/// Makes a test of every check. The argument is called for each and returns a new, empty place.
#[macro_export]
macro_rules! store_conformance {
    ($new_place:expr) => {
        $crate::store_conformance!($new_place =>
            a_refused_batch_leaves_nothing
            a_refused_batch_harms_no_other
            committed_batches_are_there_after_reopening
            reads_see_what_has_returned
            abandoned_commits_are_whole_or_absent
            notices_wait_in_order_for_a_decision
            a_notice_is_decided_once
            undecided_notices_of_an_object_are_one
            what_comes_while_a_notice_is_decided_is_not_lost
            an_event_is_kept_once
            events_are_counted
            old_events_are_forgotten
            of_what_cannot_be_read_the_latest_are_kept
            an_object_has_one_run_at_a_time
            of_concurrent_starts_one_succeeds
            concurrent_notices_start_one_run
            a_dirty_mark_leads_to_the_next_run
            a_replay_mark_stays
            an_ended_run_is_closed
            a_run_starts_over_in_the_next_epoch
            a_parked_run_is_looked_at_again
            a_notice_takes_the_look_that_has_not_begun
            due_runs_come_soonest_first
            a_wait_says_why_and_until_when
            a_run_that_is_due_too_late_is_brought_forward
            the_end_of_an_object_wakes_who_waits_for_it
            an_end_wakes_nobody_of_another_connection
            a_wait_for_what_has_ended_is_over_at_once
            a_history_is_kept_in_order
            a_row_is_taken_once
            an_open_row_is_completed_once
            a_stale_epoch_is_refused
            retired_histories_are_forgotten
            a_history_is_a_chain
            endings_are_a_chain
            the_last_checkpoint_is_kept
            what_was_stored_is_no_damage
            retired_runs_leave_the_latest_of_each_object
            retired_notices_and_settings_are_forgotten
            an_object_keeps_its_latest_histories
            runs_beyond_the_bound_are_whole_and_go_in_their_time
            runs_of_an_object_go_oldest_first
            links_are_kept_by_source_and_connection
            links_are_listed_by_filter
            links_say_when_and_by_which_run
            links_are_paged_by_source
            changes_of_links_are_recorded
            links_are_not_changed_under_a_run
            standings_tell_how_the_last_run_ended
            settings_are_kept_by_version
            a_credential_never_goes_back_a_generation
            the_rest_is_kept_by_name
            runs_are_listed_by_filter
            runs_are_paged_newest_first
            runs_are_counted
        );

        #[test]
        fn random_batches_agree_with_the_model() {
            $crate::store::conformance::random_batches_agree_with_the_model(&$new_place);
        }
    };
    ($new_place:expr => $($check:ident)*) => {
        $(#[test]
        fn $check() {
            $crate::store::conformance::$check(&$new_place());
        })*
    };
}

/// The runs that are under way, to leave out of a query: none.
const NONE: [RunId; 0] = [];

/// Waits for an answer, without a runtime around it.
fn wait<T>(pending: Pending<'_, T>) -> Result<T, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(pending)
}

/// Waits for an answer that has to be given.
fn get<T>(pending: Pending<'_, T>) -> T {
    wait(pending).expect("the store answers")
}

fn commit(store: &impl Store, batch: Vec<Write>) -> Receipt {
    get(store.commit(batch))
}

fn refuse(store: &impl Store, batch: Vec<Write>) {
    let answer = wait(store.commit(batch.clone()));
    assert!(
        matches!(answer, Err(StoreError::Refused(_))),
        "{answer:?} for {batch:?}"
    );
}

/// Commits a batch that starts one run.
fn start(store: &impl Store, write: Write) -> RunId {
    let receipt = commit(store, vec![write]);
    assert_eq!(receipt.runs.len(), 1, "one run is started");
    receipt.runs[0]
}

fn run(store: &impl Store, id: RunId) -> Run {
    get(store.run(id)).expect("the run is there")
}

#[cfg(test)]
mod tests {
    use super::ModelStore;

    /// The model obeys its own suite, so that the suite asks for nothing that only one store does.
    mod model {
        use super::ModelStore;

        fn place() -> impl Fn() -> ModelStore {
            let store = ModelStore::default();
            move || store.clone()
        }

        crate::store_conformance!(place);
    }
}
