//! Both vendors behind one door, with faults between them and their callers.

use std::collections::BTreeMap;
use std::io::Write;

use crate::fault::Faults;
use crate::freshbooks::{Delivery, DeliveryResult};
use crate::http::{Millis, Request, Response, System};
use crate::journal::Journal;
use crate::{Concur, Fault, FaultRule, FreshBooks, SandboxConfig, Stats};

/// What becomes of a request on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A complete answer.
    Response {
        /// The answer.
        response: Response,
        /// It takes so many milliseconds.
        after: Millis,
    },
    /// The answer breaks off.
    Truncated {
        /// The answer as it was meant.
        response: Response,
        /// So many bytes of its body arrive.
        bytes: usize,
    },
    /// The connection closes without an answer; the request may have been carried out, or will be.
    Lost {
        /// It closes after so many milliseconds.
        after: Millis,
    },
    /// The connection is not accepted.
    Refused,
}

/// Both vendors, the faults, and what is under way.
#[derive(Debug)]
pub struct Sandbox {
    /// FreshBooks.
    pub freshbooks: FreshBooks,
    /// SAP Concur.
    pub concur: Concur,
    faults: Faults,
    late: BTreeMap<(Millis, u64), (System, Request)>,
    late_count: u64,
    stats: Stats,
    journal: Option<Journal>,
}

impl Sandbox {
    /// Both vendors as configured, empty.
    pub fn new(config: SandboxConfig, _now: Millis) -> Self {
        Self {
            freshbooks: FreshBooks::new(config.seed, config.freshbooks),
            concur: Concur::new(config.seed, config.concur),
            faults: Faults::new(config.seed),
            late: BTreeMap::new(),
            late_count: 0,
            stats: Stats::default(),
            journal: None,
        }
    }

    /// Sends a request through the faults to its machine.
    pub fn exchange(&mut self, system: System, request: &Request, now: Millis) -> Answer {
        let fault = self.faults.of(system, request);
        let answer = self.faulty(system, request, fault, now);
        let shown = match &answer {
            Answer::Response { response, .. } | Answer::Truncated { response, .. } => {
                Some(response)
            }
            Answer::Lost { .. } | Answer::Refused => None,
        };
        self.stats.count(system, request, shown);
        if let Some(journal) = &mut self.journal {
            journal.write(system, request, shown, now);
        }
        answer
    }

    /// Carries out what was to be late and is due, and returns the webhook deliveries that are due.
    pub fn advance(&mut self, now: Millis) -> Vec<Delivery> {
        while let Some(entry) = self.late.first_entry().filter(|entry| entry.key().0 <= now) {
            let (due, _) = *entry.key();
            let (system, request) = entry.remove();
            self.handle(system, &request, due, 0);
        }
        self.freshbooks.take_due(now)
    }

    /// When [`Sandbox::advance`] has something to do next.
    pub fn next_wake(&self) -> Option<Millis> {
        let late = self.late.keys().next().map(|(due, _)| *due);
        [late, self.freshbooks.next_wake()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Tells what became of a delivery.
    pub fn delivered(&mut self, id: u64, result: DeliveryResult, now: Millis) {
        self.freshbooks.delivered(id, result, now);
    }

    /// Switches a fault on.
    pub fn add_fault(&mut self, rule: FaultRule) {
        self.faults.add(rule);
    }

    /// Switches all faults off.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// What was called how often.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Writes every exchange to `out` from here on, one line of JSON each.
    pub fn write_journal(&mut self, out: Box<dyn Write + Send>) {
        self.journal = Some(Journal::new(out));
    }

    fn faulty(
        &mut self,
        system: System,
        request: &Request,
        fault: Option<Fault>,
        now: Millis,
    ) -> Answer {
        let at_once = |response| Answer::Response { response, after: 0 };
        let Some(fault) = fault else {
            return at_once(self.handle(system, request, now, 0));
        };
        match fault {
            Fault::Refuse => Answer::Refused,
            Fault::RateLimited { retry_after_s } => at_once(rate_limited(retry_after_s)),
            Fault::ThrottledAs400 => at_once(throttled()),
            Fault::Maintenance => at_once(plain(503, "The service is down for maintenance.")),
            Fault::ServerError => at_once(plain(500, "Internal Server Error")),
            Fault::ServerErrorAfterCommit => {
                self.handle(system, request, now, 0);
                at_once(plain(500, "Internal Server Error"))
            }
            Fault::ResponseLost => {
                self.handle(system, request, now, 0);
                Answer::Lost { after: 0 }
            }
            Fault::RequestLost => Answer::Lost { after: 0 },
            Fault::LateExecution { delay } => {
                self.late_count += 1;
                self.late
                    .insert((now + delay, self.late_count), (system, request.clone()));
                Answer::Lost { after: 0 }
            }
            Fault::Slow { delay } => Answer::Response {
                response: self.handle(system, request, now, 0),
                after: delay,
            },
            Fault::Truncated => {
                let response = self.handle(system, request, now, 0);
                Answer::Truncated {
                    bytes: response.body.len() / 2,
                    response,
                }
            }
            Fault::StaleLookUp { lag } => at_once(self.handle(system, request, now, lag)),
            Fault::ExpiredToken => at_once(self.handle(system, &without_token(request), now, 0)),
            Fault::Garbage => at_once(Response::typed(
                200,
                "text/html",
                b"<html>It works!</html>".to_vec(),
            )),
        }
    }

    fn handle(
        &mut self,
        system: System,
        request: &Request,
        now: Millis,
        stale: Millis,
    ) -> Response {
        match system {
            System::FreshBooks => self.freshbooks.handle(request, now, stale),
            System::Concur => self.concur.handle(request, now, stale),
        }
    }
}

fn plain(status: u16, text: &str) -> Response {
    Response::typed(status, "text/plain", text.as_bytes().to_vec())
}

fn rate_limited(retry_after_s: Option<u64>) -> Response {
    let response = plain(429, "Too many requests");
    match retry_after_s {
        Some(seconds) => response.with_header("Retry-After", &seconds.to_string()),
        None => response,
    }
}

// Concur docs, HTTP status codes: 400 may also mean that a request limit was exceeded.
fn throttled() -> Response {
    let body = serde_json::json!({"Error": {"Message": "The request limit exceeded. Please try again.", "Server-Time": "", "Id": ""}});
    Response::json(400, &body)
}

fn without_token(request: &Request) -> Request {
    let mut request = request.clone();
    request
        .headers
        .retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
    request.with_bearer("expired")
}
