//! The least host that there can be: it does what the three numbered rules of `wit/world.wit` say
//! and nothing else. Its store is a few lists, it knows nothing of interruption, and whatever it
//! finds in its store after a restart it hands over as it is. No record is lost or doubled by it,
//! wherever it is killed.

mod host;

use ml_connector_component::contract::runs::{Ending, Intent, StartReason};
use ml_connector_component::contract::types::ObjectRef;
use ml_connector_tests::fixtures::documents;
use ml_connector_tests::logic::Backend;
use ml_connector_tests::sim::{START, object};

use self::host::{Kill, NaiveHost, RESTARTS_MAX};

ml_connector_tests::scenarios!(
    an_invoice_is_carried_over,
    a_kill_at_any_write_loses_and_doubles_nothing,
    waking_every_run_too_early_does_no_harm,
);

/// A host that carries a new invoice over, killed or not; the invoice too.
fn carried_over(
    backend: Backend,
    ambiguity: &str,
    kill: Option<Kill>,
    restarts: u32,
) -> (NaiveHost, ObjectRef) {
    let mut host = NaiveHost::new(backend, ambiguity);
    host.kill = kill;
    host.restarts_left = restarts;
    let freshbooks = &mut host.sandbox.freshbooks;
    let client = freshbooks.create_client(&documents::client(), START);
    let invoice = documents::invoice(client.expect("is created"), "2093");
    let id = freshbooks.create_invoice(&invoice, START);
    let invoice = object("invoice", &id.expect("is created").to_string());
    host.start(invoice.clone(), StartReason::Notice);
    host.work();
    (host, invoice)
}

/// One payment request, or where a write was recorded and never left and may not be sent again:
/// none, and a person is told.
fn assert_exactly_once(host: &NaiveHost, invoice: &ObjectRef, case: &str) {
    let lost = host.killed.as_ref().filter(|(_, intent)| {
        let was_sent = host.kill.is_some_and(|kill| kill.sent);
        *intent == Intent::LookUpThenPark && !was_sent
    });
    let Some((object, _)) = lost else {
        let ending = host.ending(invoice);
        assert!(matches!(ending, Ending::Confirmed(_)), "{case}: {ending:?}");
        assert_eq!(host.payment_requests(invoice), 1, "{case}");
        return;
    };
    let Ending::Parked(failure) = host.ending(object) else {
        panic!("{case}: {:?}", host.ending(object));
    };
    assert_eq!(failure.code, "ambiguous", "{case}");
    assert_eq!(host.payment_requests(invoice), 0, "{case}");
}

fn an_invoice_is_carried_over(backend: Backend) {
    for ambiguity in ["park", "resend"] {
        let (host, invoice) = carried_over(backend, ambiguity, None, 0);
        assert_exactly_once(&host, &invoice, ambiguity);
    }
}

fn a_kill_at_any_write_loses_and_doubles_nothing(backend: Backend) {
    for ambiguity in ["park", "resend"] {
        let writes = carried_over(backend, ambiguity, None, 0).0.writes;
        assert!(writes >= 2, "a vendor and a payment request");
        for write in 0..writes {
            for sent in [false, true] {
                let kill = Kill { write, sent };
                let case = format!("{ambiguity}, {kill:?}");
                let (host, invoice) = carried_over(backend, ambiguity, Some(kill), 0);
                assert!(host.killed.is_some(), "{case}");
                assert_exactly_once(&host, &invoice, &case);
                assert!(has_hole(&host), "{case}");
            }
        }
    }
}

fn waking_every_run_too_early_does_no_harm(backend: Backend) {
    for ambiguity in ["park", "resend"] {
        let writes = carried_over(backend, ambiguity, None, 0).0.writes;
        for sent in [false, true] {
            let kill = Kill {
                write: writes - 1,
                sent,
            };
            let case = format!("{ambiguity}, {kill:?}, restless");
            let (host, invoice) = carried_over(backend, ambiguity, Some(kill), RESTARTS_MAX);
            assert_exactly_once(&host, &invoice, &case);
            assert!(host.refused_too_early > 0, "{case}");
        }
    }
}

/// Whether a write stands in a history without its outcome.
fn has_hole(host: &NaiveHost) -> bool {
    let mut entries = host.runs.iter().flat_map(|run| &run.history);
    entries.any(|entry| entry.outcome.is_none())
}
