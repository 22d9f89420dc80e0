//! Every call that the real host makes to SAP Concur is as SAP publishes it: those of tokens,
//! subscriptions and comparisons, which the scenarios do not make.

use std::io::Write;
use std::sync::{Arc, Mutex};

use ml_connector_tests::fixtures::Options;
use ml_connector_tests::fixtures::service::{InProcess, confirmed};
use ml_connector_tests::fixtures::waiting::until;
use ml_connector_tests::published::{Sender, assert_as_published, from_exchange_log};

use super::compared;

/// What the sandbox writes of its exchanges.
#[derive(Debug, Clone, Default)]
struct Exchanges(Arc<Mutex<Vec<u8>>>);

impl Write for Exchanges {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the log").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_the_host_is_as_sap_publishes_it() {
    let fixture = InProcess::new(&Options::both_ways(60)).await;
    let exchanges = Exchanges::default();
    let sandbox = &fixture.deployment.sandbox.shared;
    sandbox
        .lock()
        .write_exchange_log(Box::new(exchanges.clone()));
    let service = fixture.start_connected().await;
    fixture.create_invoice(fixture.create_client(), "INV-1");
    fixture.until_payment_requests(1).await;
    until("events are subscribed to", async || {
        confirmed(&service, "event-subscription").await.len() == 1
    })
    .await;
    compared(&fixture).await;
    service.shutdown().await;
    let log = exchanges.0.lock().expect("the log").clone();
    let sent = from_exchange_log(&String::from_utf8_lossy(&log));
    assert_as_published(Sender::Host, &sent);
}
