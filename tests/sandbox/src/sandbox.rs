//! Both vendors behind one door, with faults between them and their callers.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::json;

use crate::delivery::{Delivery, DeliveryResult};
use crate::exchange_log::ExchangeLog;
use crate::fault::{Faults, ThrottleWords};
use crate::http::{Millis, Request, Response, System};
use crate::{Concur, Fault, FaultRule, FreshBooks, SandboxConfig, Stats};

/// What becomes of a request on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireOutcome {
    /// A complete answer arrives.
    Response {
        /// The answer as it is sent.
        response: Response,
        /// Milliseconds until it arrives.
        after: Millis,
    },
    /// The answer breaks off.
    Truncated {
        /// The answer as it was meant.
        response: Response,
        /// How many bytes of its body arrive.
        bytes: usize,
    },
    /// The connection closes without an answer; the request may have been carried out, or will be.
    Lost {
        /// Milliseconds until the connection closes.
        after: Millis,
    },
    /// The connection is not accepted.
    Refused,
}

/// Both vendors, the faults, and what is under way.
#[derive(Debug)]
pub struct Sandbox {
    /// The one account of FreshBooks.
    pub freshbooks: FreshBooks,
    /// The one company of Concur.
    pub concur: Concur,
    faults: Faults,
    late: BTreeMap<(Millis, u64), (System, Request)>,
    late_count: u64,
    struck: u64,
    stats: Stats,
    exchange_log: Option<ExchangeLog>,
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
            struck: 0,
            stats: Stats::default(),
            exchange_log: None,
        }
    }

    /// Sends a request to a vendor, through the faults that are switched on.
    pub fn exchange(&mut self, system: System, request: &Request, now: Millis) -> WireOutcome {
        let fault = self.faults.fault_for(system, request);
        self.struck += u64::from(fault.is_some());
        let answer = self.exchange_with_fault(system, request, fault, now);
        let shown = match &answer {
            WireOutcome::Response { response, .. } | WireOutcome::Truncated { response, .. } => {
                Some(response)
            }
            WireOutcome::Lost { .. } | WireOutcome::Refused => None,
        };
        self.stats.count(system, request, shown);
        if let Some(log) = &mut self.exchange_log {
            log.write(system, request, shown, now);
        }
        answer
    }

    /// Whether a connection is accepted at all: for drivers with real sockets, before a request is
    /// read.
    pub fn accept(&mut self, system: System) -> bool {
        !self.faults.refuse_connection(system)
    }

    /// Carries out late calls that are due by now, and returns the webhooks and events to deliver.
    pub fn advance(&mut self, now: Millis) -> Vec<Delivery> {
        while let Some(entry) = self.late.first_entry().filter(|entry| entry.key().0 <= now) {
            let (due, _) = *entry.key();
            let (system, request) = entry.remove();
            self.handle(system, &request, due, 0);
        }
        self.concur.settle_documents(now);
        self.concur.announce_documents();
        let mut due = self.freshbooks.take_due(now);
        due.append(&mut self.concur.take_due(now));
        due
    }

    /// When [`Sandbox::advance`] has something to do next.
    pub fn next_wake(&self) -> Option<Millis> {
        let late = self.late.keys().next().map(|(due, _)| *due);
        let document = self.concur.next_document_ready();
        let (webhook, event) = (self.freshbooks.next_wake(), self.concur.next_wake());
        [late, document, webhook, event].into_iter().flatten().min()
    }

    /// Reports the result of a delivery that [`Sandbox::advance`] returned.
    pub fn delivered(&mut self, system: System, id: u64, result: DeliveryResult, now: Millis) {
        match system {
            System::FreshBooks => self.freshbooks.delivered(id, result, now),
            System::Concur => self.concur.delivered(id, result, now),
        }
    }

    /// Switches a fault on.
    pub fn add_fault(&mut self, rule: FaultRule) {
        self.faults.add(rule);
    }

    /// Switches all faults off.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// How many requests have met a fault so far.
    pub fn faults_struck(&self) -> u64 {
        self.struck
    }

    /// What was called how often.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Writes every exchange to `out` from here on, one line of JSON each.
    pub fn write_exchange_log(&mut self, out: Box<dyn Write + Send>) {
        self.exchange_log = Some(ExchangeLog::new(out));
    }

    fn exchange_with_fault(
        &mut self,
        system: System,
        request: &Request,
        fault: Option<Fault>,
        now: Millis,
    ) -> WireOutcome {
        let at_once = |response| WireOutcome::Response { response, after: 0 };
        let Some(fault) = fault else {
            return at_once(self.handle(system, request, now, 0));
        };
        match fault {
            Fault::Refuse => WireOutcome::Refused,
            Fault::RateLimited { retry_after_s } => at_once(rate_limited(retry_after_s)),
            Fault::ThrottledAs400 { words } => at_once(throttled_as_400(words)),
            Fault::Unexplained400 => at_once(refused_as_400("An error occurred.")),
            Fault::Page { status } => at_once(page(status)),
            Fault::Empty { status } => at_once(Response::empty(status)),
            Fault::Maintenance => {
                at_once(text_response(503, "The service is down for maintenance."))
            }
            Fault::ServerError => at_once(text_response(500, "Internal Server Error")),
            Fault::ServerErrorAfterCommit => {
                self.handle(system, request, now, 0);
                at_once(text_response(500, "Internal Server Error"))
            }
            Fault::ResponseLost => {
                self.handle(system, request, now, 0);
                WireOutcome::Lost { after: 0 }
            }
            Fault::RequestLost => WireOutcome::Lost { after: 0 },
            Fault::LateExecution { delay } => {
                self.late_count += 1;
                self.late
                    .insert((now + delay, self.late_count), (system, request.clone()));
                WireOutcome::Lost { after: 0 }
            }
            Fault::Slow { delay } => WireOutcome::Response {
                response: self.handle(system, request, now, 0),
                after: delay,
            },
            Fault::Truncated => {
                let response = self.handle(system, request, now, 0);
                WireOutcome::Truncated {
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
            Fault::Padded { bytes } => at_once(padded(self.handle(system, request, now, 0), bytes)),
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

fn text_response(status: u16, text: &str) -> Response {
    Response::typed(status, "text/plain", text.as_bytes().to_vec())
}

fn padded(mut response: Response, bytes: usize) -> Response {
    if response.body.first() == Some(&b'{') {
        let junk = format!("{{\"junk\":[{}0],", "0,".repeat(bytes / 2));
        response.body.splice(..1, junk.into_bytes());
    }
    response
}

fn rate_limited(retry_after_s: Option<u64>) -> Response {
    let response = text_response(429, "Too many requests");
    match retry_after_s {
        Some(seconds) => response.with_header("Retry-After", &seconds.to_string()),
        None => response,
    }
}

// 400 may also mean that a request limit was exceeded (source: concur-http-status-codes).
fn throttled_as_400(words: ThrottleWords) -> Response {
    match words {
        ThrottleWords::RequestsExceed => {
            refused_as_400("The number of requests exceeds the request limit.")
        }
        ThrottleWords::LimitExceeded => {
            refused_as_400("The request limit has been exceeded. Please try again.")
        }
        ThrottleWords::TooMany => {
            let error = json!({"id": "security.rate.limit", "message": "Too many requests"});
            Response::json(
                400,
                &json!({"httpStatus": "400 - Bad Request", "error": error}),
            )
        }
        ThrottleWords::Reached => {
            Response::json(400, &json!({"Message": "Your rate limit was reached."}))
        }
        ThrottleWords::Deadlock => {
            let xml = "<Error><Message>A deadlock occurred.</Message><Id>1</Id></Error>";
            Response::typed(400, "application/xml", xml.as_bytes().to_vec())
        }
        ThrottleWords::German => refused_as_400("Das Limit der Anfragen wurde überschritten."),
    }
}

fn refused_as_400(message: &str) -> Response {
    let error = json!({"Message": message, "Server-Time": "", "Id": ""});
    Response::json(400, &json!({"Error": error}))
}

fn page(status: u16) -> Response {
    let page = "<!DOCTYPE html>\n<html><head><title>Request blocked</title></head></html>";
    Response::typed(status, "text/html", page.as_bytes().to_vec())
}

fn without_token(request: &Request) -> Request {
    let mut request = request.clone();
    request
        .headers
        .retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
    request.with_bearer("expired")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::freshbooks::RecordKind;

    const NOW: Millis = 1_772_463_600_000;
    const CLIENTS: &str = "/accounting/account/zQ7pLm/users/clients";

    struct Driver {
        sandbox: Sandbox,
        token: String,
    }

    impl Driver {
        fn with(fault: Fault) -> Self {
            let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
            let token = sandbox.freshbooks.person_token(NOW);
            let rule = FaultRule::new(System::FreshBooks, fault);
            sandbox.add_fault(rule.path(CLIENTS).times(1));
            Self { sandbox, token }
        }

        fn post(&mut self) -> WireOutcome {
            let body = json!({"client": {"email": "ida@example.test"}});
            let request =
                Request::new("api.freshbooks.com", "POST", CLIENTS).with_bearer(&self.token);
            self.sandbox
                .exchange(System::FreshBooks, &request.with_json(&body), NOW)
        }

        fn clients(&self) -> usize {
            self.sandbox.freshbooks.ids(RecordKind::Client).len()
        }
    }

    fn status(answer: &WireOutcome) -> Option<u16> {
        match answer {
            WireOutcome::Response { response, .. } => Some(response.status),
            _ => None,
        }
    }

    #[test]
    fn faults_without_effect_leave_nothing_behind() {
        for (fault, expected) in [
            (Fault::Refuse, None),
            (Fault::RequestLost, None),
            (
                Fault::RateLimited {
                    retry_after_s: Some(0),
                },
                Some(429),
            ),
            (Fault::Unexplained400, Some(400)),
            (Fault::Page { status: 404 }, Some(404)),
            (Fault::Empty { status: 422 }, Some(422)),
            (Fault::Maintenance, Some(503)),
            (Fault::ServerError, Some(500)),
            (Fault::ExpiredToken, Some(401)),
            (Fault::Garbage, Some(200)),
        ] {
            let mut driver = Driver::with(fault);
            assert_eq!(status(&driver.post()), expected, "{fault:?}");
            assert_eq!(driver.clients(), 0, "{fault:?}");
            assert_eq!(status(&driver.post()), Some(200), "{fault:?}");
        }
    }

    #[test]
    fn throttling_is_said_in_every_wording_and_nothing_is_done() {
        for words in ThrottleWords::ALL {
            let mut driver = Driver::with(Fault::ThrottledAs400 { words });
            assert_eq!(status(&driver.post()), Some(400), "{words:?}");
            assert_eq!(driver.clients(), 0, "{words:?}");
        }
    }

    #[test]
    fn faults_after_the_commit_leave_the_record() {
        for (fault, expected) in [
            (Fault::ServerErrorAfterCommit, Some(500)),
            (Fault::ResponseLost, None),
            (Fault::Truncated, None),
            (Fault::Slow { delay: 5 }, Some(200)),
            (Fault::Padded { bytes: 9 }, Some(200)),
        ] {
            let mut driver = Driver::with(fault);
            assert_eq!(status(&driver.post()), expected, "{fault:?}");
            assert_eq!(driver.clients(), 1, "{fault:?}");
        }
    }

    #[test]
    fn late_executions_happen_when_they_are_due() {
        let mut driver = Driver::with(Fault::LateExecution { delay: 90_000 });
        assert_eq!(driver.post(), WireOutcome::Lost { after: 0 });
        assert_eq!(driver.sandbox.next_wake(), Some(NOW + 90_000));
        driver.sandbox.advance(NOW + 89_999);
        assert_eq!(driver.clients(), 0);
        driver.sandbox.advance(NOW + 90_000);
        assert_eq!((driver.clients(), driver.sandbox.next_wake()), (1, None));
    }

    #[test]
    fn stale_look_ups_miss_what_is_young() {
        let mut driver = Driver::with(Fault::Maintenance);
        driver.post();
        driver.post();
        let rule = FaultRule::new(System::FreshBooks, Fault::StaleLookUp { lag: 1 });
        driver.sandbox.add_fault(rule.method("GET").times(1));
        let request = Request::new("api.freshbooks.com", "GET", CLIENTS).with_bearer(&driver.token);
        let mut total = || match driver.sandbox.exchange(System::FreshBooks, &request, NOW) {
            WireOutcome::Response { response, .. } => {
                response.value()["response"]["result"]["total"].clone()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((total(), total()), (json!(0), json!(1)));
    }

    fn app_token(sandbox: &mut Sandbox) -> String {
        let request = Request::new("us2.api.concursolutions.com", "POST", "/oauth2/v0/token");
        let request = request.with_form(&[
            ("client_id", "5b1c9c0e-3c57-4a15-9d9e-0f0b7c1e2a33"),
            ("client_secret", "sandbox-concur-secret"),
            ("grant_type", "client_credentials"),
        ]);
        let token = sandbox.concur.handle(&request, NOW, 0).value()["access_token"].clone();
        token.as_str().expect("a token").to_owned()
    }

    #[test]
    fn webhooks_and_events_come_out_together_and_are_settled_apart() {
        let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
        sandbox.concur.config_mut().events.api.single_company = true;
        let body = json!({"id": "acme", "topic": "public.concur.financialintegration",
            "webHookConfig": {"endpoint": "https://hooks.example.test/"}});
        let path = "/events/v4/subscriptions/webhook";
        let request = Request::new("us2.api.concursolutions.com", "PUT", path)
            .with_bearer(&app_token(&mut sandbox))
            .with_json(&body);
        assert_eq!(
            status(&sandbox.exchange(System::Concur, &request, NOW)),
            Some(200)
        );
        sandbox
            .concur
            .publish("invoice.readyForIntegration", "4B1F", NOW);
        let body = json!({"callback": {"event": "client", "uri": "https://hooks.example.test/fb"}});
        let path = "/events/account/zQ7pLm/events/callbacks";
        let token = sandbox.freshbooks.person_token(NOW);
        let request = Request::new("api.freshbooks.com", "POST", path).with_bearer(&token);
        sandbox.exchange(System::FreshBooks, &request.with_json(&body), NOW);
        let due = sandbox.advance(NOW);
        let named: Vec<(System, u64)> = due.iter().map(|due| (due.system, due.id)).collect();
        assert_eq!(named, [(System::FreshBooks, 1), (System::Concur, 1)]);
        let limits: Vec<Millis> = due.iter().map(|delivery| delivery.timeout_ms).collect();
        assert_eq!(limits, [10_000, 60_000]);
        sandbox.delivered(System::Concur, 1, DeliveryResult::Status(200), NOW);
        assert_eq!(sandbox.concur.events_pending(), 0);
        assert_eq!(sandbox.freshbooks.deliveries_pending(), 1);
        sandbox.delivered(System::FreshBooks, 1, DeliveryResult::Status(200), NOW);
        assert_eq!(sandbox.freshbooks.deliveries_pending(), 0);
    }

    #[test]
    fn an_expired_concur_token_is_403() {
        let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
        sandbox.add_fault(FaultRule::new(System::Concur, Fault::ExpiredToken));
        let request = Request::new(
            "us2.api.concursolutions.com",
            "GET",
            "/api/v3.1/invoice/vendors",
        );
        assert_eq!(
            status(&sandbox.exchange(System::Concur, &request, NOW)),
            Some(403)
        );
    }

    #[test]
    fn the_journal_hides_bearer_tokens() {
        #[derive(Clone, Default)]
        struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
        impl Write for Lines {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().expect("not poisoned").write(bytes)
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let lines = Lines::default();
        let mut driver = Driver::with(Fault::RequestLost);
        driver.sandbox.write_exchange_log(Box::new(lines.clone()));
        driver.post();
        driver.post();
        let written =
            String::from_utf8(lines.0.lock().expect("not poisoned").clone()).expect("text");
        let statuses: Vec<serde_json::Value> = written
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).expect("JSON")["status"].clone()
            })
            .collect();
        assert_eq!(statuses, [json!(null), json!(200)]);
        assert!(!written.contains(&driver.token) && written.contains("[redacted]"));
    }

    #[test]
    fn the_same_seed_and_calls_give_the_same_bytes() {
        let run = |seed| {
            let mut sandbox = Sandbox::new(
                SandboxConfig {
                    seed,
                    ..SandboxConfig::default()
                },
                NOW,
            );
            let token = sandbox.concur.company_request_token(NOW);
            let code = sandbox.freshbooks.consent(NOW);
            (token, code, sandbox.freshbooks.person_token(NOW))
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }
}
