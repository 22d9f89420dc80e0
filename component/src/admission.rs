//! What a notice leads to. Notices are level-triggered: each says only that an object may have
//! changed, so marks on an object that is already dirty coalesce, and a change during a run leads
//! to another look.

use alloc::format;

use crate::contract::admission::{Activity, Admission};
use crate::contract::types::{ObjectRef, System};
use crate::events::QUEUE_KIND;

/// The FreshBooks objects that are brought across when they change.
const CARRIED_KINDS: [&str; 7] = [
    "invoice",
    "bill",
    "expense",
    "client",
    "bill-vendor",
    "project",
    "service",
];

/// Decides what a notice or an event's hint leads to, given what is known of the object it names.
///
/// Documents and reference data of FreshBooks and queues of financial documents in SAP Concur start
/// runs; the run of a client, vendor, project or service says itself whether the settings have it
/// carried over. Every other object (such as a payment of a bill) is read when another needs it, so
/// that a notice of it is nothing new.
///
/// ```
/// use ml_connector_component::admission::admit;
/// use ml_connector_component::contract::admission::{Activity, Admission};
/// use ml_connector_component::contract::types::ObjectRef;
///
/// let invoice = ObjectRef::freshbooks("invoice", "778120");
/// assert_eq!(admit(&invoice, Activity::Idle), Admission::Start(invoice.clone()));
/// // A change during a run leads to another look, and two of them to one.
/// assert_eq!(admit(&invoice, Activity::Running), Admission::MarkDirty(invoice.clone()));
/// assert!(matches!(admit(&invoice, Activity::Dirty), Admission::NothingNew(_)));
/// ```
pub fn admit(object: &ObjectRef, activity: Activity) -> Admission {
    if !is_carried(object) {
        return Admission::NothingNew(format!(
            "A change of {} {} starts nothing: it is read when another object needs it.",
            object.kind, object.id
        ));
    }
    match activity {
        Activity::Idle => Admission::Start(object.clone()),
        Activity::Running => Admission::MarkDirty(object.clone()),
        Activity::Dirty => Admission::NothingNew(format!(
            "Another look at {} {} is already due.",
            object.kind, object.id
        )),
    }
}

fn is_carried(object: &ObjectRef) -> bool {
    match object.system {
        System::Freshbooks => CARRIED_KINDS.contains(&object.kind.as_str()),
        System::Concur => object.kind == QUEUE_KIND,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;
    const ACTIVITIES: [Activity; 3] = [Activity::Idle, Activity::Running, Activity::Dirty];

    fn object(system: System, kind: &str) -> ObjectRef {
        ObjectRef {
            system,
            kind: kind.to_string(),
            id: "41".to_string(),
        }
    }

    fn is_nothing_new(admission: &Admission) -> bool {
        matches!(admission, Admission::NothingNew(message) if message.ends_with('.'))
    }

    #[test]
    fn documents_start_then_mark_then_coalesce() {
        for kind in CARRIED_KINDS {
            let object = object(System::Freshbooks, kind);
            assert_eq!(
                admit(&object, Activity::Idle),
                Admission::Start(object.clone())
            );
            assert_eq!(
                admit(&object, Activity::Running),
                Admission::MarkDirty(object.clone())
            );
            assert!(is_nothing_new(&admit(&object, Activity::Dirty)));
        }
    }

    #[test]
    fn a_queue_of_financial_documents_is_looked_at() {
        let object = object(System::Concur, "financial-queue");
        assert_eq!(
            admit(&object, Activity::Idle),
            Admission::Start(object.clone())
        );
        assert_eq!(
            admit(&object, Activity::Running),
            Admission::MarkDirty(object.clone())
        );
        assert!(is_nothing_new(&admit(&object, Activity::Dirty)));
    }

    #[test]
    fn what_is_not_carried_names_itself() {
        for activity in ACTIVITIES {
            let admission = admit(&object(System::Freshbooks, "item"), activity);
            assert!(matches!(admission, Admission::NothingNew(said) if said.contains("item 41")));
        }
    }

    #[test]
    fn the_same_kind_elsewhere_starts_nothing() {
        assert!(is_nothing_new(&admit(
            &object(System::Concur, "invoice"),
            Activity::Idle
        )));
    }

    proptest! {
        /// A sequence of notices and ends of runs: the last notice is always followed by a start.
        #[test]
        fn a_change_is_never_lost(steps in proptest::collection::vec(any::<bool>(), 0..60)) {
            let object = object(System::Freshbooks, "invoice");
            let (mut activity, mut unseen) = (Activity::Idle, false);
            for arrives in steps.into_iter().chain([false, false]) {
                if arrives {
                    unseen = true;
                    match admit(&object, activity) {
                        Admission::Start(_) => (activity, unseen) = (Activity::Running, false),
                        Admission::MarkDirty(_) => activity = Activity::Dirty,
                        Admission::NothingNew(_) => prop_assert_eq!(activity, Activity::Dirty),
                    }
                } else if activity == Activity::Dirty {
                    (activity, unseen) = (Activity::Running, false);
                } else {
                    activity = Activity::Idle;
                }
            }
            prop_assert!(!unseen && activity == Activity::Idle);
        }
    }
}
