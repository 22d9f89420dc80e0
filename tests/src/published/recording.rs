//! What is sent to SAP Concur, as the simulator or the sandbox saw it.

use std::cell::RefCell;

use ml_connector_sandbox::{Request, System};
use serde_json::Value;

/// A request to SAP Concur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The method in upper case.
    pub method: String,
    /// Path and query, percent-encoded.
    pub target: String,
    /// The body as text; empty for none.
    pub body: String,
}

impl Sent {
    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The names of the query's parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        pairs.filter_map(|pair| pair.split('=').next())
    }
}

thread_local! {
    static RECORDED: RefCell<Option<Vec<Sent>>> = const { RefCell::new(None) };
}

/// Plays something, and returns what its simulators sent to SAP Concur on this thread.
pub fn record(play: impl FnOnce()) -> Vec<Sent> {
    RECORDED.set(Some(Vec::new()));
    play();
    RECORDED.take().unwrap_or_default()
}

/// Notes a request, if this thread is being recorded.
pub fn note(system: System, request: &Request) {
    RECORDED.with_borrow_mut(|recorded| {
        if let (Some(sent), System::Concur) = (recorded, system) {
            sent.push(Sent {
                method: request.method.clone(),
                target: request.target.clone(),
                body: String::from_utf8_lossy(&request.body).into_owned(),
            });
        }
    });
}

/// What was sent to SAP Concur, by the log that the sandbox writes, one exchange a line.
#[must_use]
pub fn from_exchange_log(log: &str) -> Vec<Sent> {
    let exchanges = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let text = |exchange: &Value, name: &str| exchange[name].as_str().unwrap_or("").to_string();
    exchanges
        .filter(|exchange| exchange["system"].as_str() == Some("concur"))
        .map(|exchange| Sent {
            method: text(&exchange, "method"),
            target: text(&exchange, "target"),
            body: text(&exchange, "body"),
        })
        .collect()
}
