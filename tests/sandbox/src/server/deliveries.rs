//! Delivers webhooks and events: many at once, with a time limit, without following redirects.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::{Semaphore, watch};

use super::event_client::{ClientTerms, EventSender};
use super::{POLL_INTERVAL_MS, Shared, now};
use crate::{Delivery, DeliveryResult, System};

/// Webhooks under way at once; more would only wait at the receiver. Concur limits its events by
/// itself.
const IN_FLIGHT_MAX: usize = 32;

type Http = Client<HttpConnector, Full<Bytes>>;

pub(super) async fn deliver_until_stopped(
    shared: Shared,
    events: Arc<EventSender>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let http: Http = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(IN_FLIGHT_MAX)
        .build(connector);
    let slots = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    loop {
        let (due, terms, next) = {
            let mut sandbox = shared.lock();
            let due = sandbox.advance(now());
            // Read together with the signatures just made: an event must not be signed under one
            // set of switches and sent under the certificate of the next.
            (due, ClientTerms::current(&mut sandbox), sandbox.next_wake())
        };
        let (due, events_due): (Vec<Delivery>, Vec<Delivery>) = due
            .into_iter()
            .partition(|delivery| delivery.system == System::FreshBooks);
        for delivery in events_due {
            // Concur limits by itself how many are under way.
            let (events, shared, terms) = (Arc::clone(&events), shared.clone(), terms.clone());
            tokio::spawn(async move {
                let result = events.deliver(terms, &delivery).await;
                report_result(&shared, delivery.system, delivery.id, result);
            });
        }
        for delivery in due {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                return;
            };
            let (http, shared) = (http.clone(), shared.clone());
            tokio::spawn(async move {
                let (system, id) = (delivery.system, delivery.id);
                let result = deliver_webhook(&http, delivery).await;
                report_result(&shared, system, id, result);
                drop(slot);
            });
        }
        let pause = next.map_or(POLL_INTERVAL_MS, |due| {
            due.saturating_sub(now()).min(POLL_INTERVAL_MS)
        });
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            () = shared.changed.notified() => {}
            _ = stopped.changed() => return,
        }
    }
}

fn report_result(shared: &Shared, system: System, id: u64, result: DeliveryResult) {
    shared.lock().delivered(system, id, result, now());
    shared.wake();
}

async fn deliver_webhook(http: &Http, delivery: Delivery) -> DeliveryResult {
    let limit = Duration::from_millis(delivery.timeout_ms);
    let mut builder = hyper::Request::post(&delivery.url);
    for (name, value) in &delivery.headers {
        builder = builder.header(name.as_str(), value.as_str());
    }
    let Ok(request) = builder.body(Full::new(Bytes::from(delivery.body))) else {
        return DeliveryResult::Failed;
    };
    match tokio::time::timeout(limit, http.request(request)).await {
        Ok(Ok(response)) => {
            let status = response.status().as_u16();
            // The body must be read for the connection to be used again.
            let _ = response.into_body().collect().await;
            DeliveryResult::Status(status)
        }
        _ => DeliveryResult::Failed,
    }
}
