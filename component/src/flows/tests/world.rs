//! Both systems and a host's memory, as far as the flows need them.

mod financial;
mod lists;
mod payables;
mod purchases;
mod spending;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use crate::contract::http::{
    Authorization, BodyPart, Method, Request, Secret, SendError, SendErrorCode, SendOutcome,
};
use crate::contract::runs::{
    Action, Changes, Demand, Ending, EndingKind, LastEnding, Link, NewTask, ObjectStatus,
    OutboundRequest, Report, StartReason, Task, Wake,
};
use crate::contract::types::{Instant, ObjectRef, System};
use crate::runs::tests::{
    Driven, STARTED, answer, assert_replays, drive, open, settings, task, unknown,
};
use crate::settings::Settings;
use crate::text::non_empty;
pub(super) use financial::{Books, Document};
pub(super) use lists::{LIST, Lists};
pub(super) use payables::Payables;
pub(super) use purchases::Purchases;
pub(super) use spending::Spending;

/// What goes wrong with a request.
pub(super) enum Fault {
    /// This comes back instead, and nothing is done.
    Instead(SendOutcome),
    /// It is done, and the answer is lost.
    Lost,
}

/// Decides what goes wrong with each request.
pub(super) type Faults = Box<dyn FnMut(&OutboundRequest) -> Option<Fault>>;

pub(super) struct World {
    pub(super) settings: Rc<Settings>,
    /// FreshBooks' objects by path.
    pub(super) freshbooks: BTreeMap<String, Value>,
    pub(super) requests: Vec<Value>,
    /// The history of payments of payment requests.
    pub(super) payments: Vec<Value>,
    /// Why the next confirmation of a payment fails.
    pub(super) payment_failure: Option<&'static str>,
    pub(super) vendors: Vec<Value>,
    pub(super) statuses: Vec<ObjectStatus>,
    /// What an object that is waited for turns into.
    pub(super) becomes: Option<ObjectStatus>,
    /// How the runs of all other objects end that are waited for.
    pub(super) ends_as: Option<EndingKind>,
    pub(super) fault: Faults,
    /// Whether the fields of a form are unknown until a payment request has shown them.
    pub(super) new_forms: bool,
    /// Fields of payment requests that are dropped in silence.
    pub(super) dropped: Vec<&'static str>,
    /// Tasks that were started.
    pub(super) tasks: Vec<NewTask>,
    pub(super) trusted: Vec<String>,
    pub(super) callbacks: Vec<Value>,
    /// Which callback's handshake has reached us, if FreshBooks sends it.
    pub(super) handshake: Option<u64>,
    /// How many of the next verifiers are lost before they become the key.
    pub(super) verifiers_lost: usize,
    /// How many verifiers the host holds that are not FreshBooks', and sends before its own.
    pub(super) strangers: usize,
    /// Whether handshakes reach us.
    pub(super) reachable: bool,
    /// What the way back works on.
    pub(super) books: Books,
    /// Bills and bill vendors that were made in FreshBooks.
    pub(super) payables: Payables,
    /// Expenses that were made in FreshBooks.
    pub(super) purchases: Purchases,
    /// Users, reports and entries of SAP Concur.
    pub(super) spending: Spending,
    /// The event subscriptions that Concur holds.
    pub(super) subscriptions: Vec<Value>,
    /// The list of SAP Concur.
    pub(super) lists: Lists,
}

pub(super) fn lost() -> SendOutcome {
    SendOutcome::MaybeSent(SendError {
        code: SendErrorCode::Timeout,
        detail: String::new(),
    })
}

fn withheld() -> SendOutcome {
    SendOutcome::NotSent(SendError {
        code: SendErrorCode::Withheld,
        detail: String::new(),
    })
}

fn done(body: &Value) -> SendOutcome {
    answer(200, &body.to_string())
}

fn text(request: &Request) -> String {
    let parts = request.body.iter().map(|part| match part {
        BodyPart::Text(text) => text.clone(),
        BodyPart::JsonSecret(Secret::Verifier(id)) => format!("<verifier:{id}>"),
        BodyPart::JsonSecret(other) | BodyPart::FormSecret(other) => {
            panic!("is in no flow's request: {other:?}")
        }
    });
    parts.collect()
}

fn parameter<'a>(query: &'a str, name: &str) -> &'a str {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let found = pairs.into_iter().find(|(key, _)| *key == name);
    found.map_or("", |(_, value)| value)
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            settings: settings(),
            freshbooks: BTreeMap::new(),
            requests: Vec::new(),
            payments: Vec::new(),
            payment_failure: None,
            vendors: Vec::new(),
            statuses: Vec::new(),
            becomes: None,
            ends_as: None,
            fault: Box::new(|_| None),
            new_forms: false,
            dropped: Vec::new(),
            tasks: Vec::new(),
            trusted: Vec::new(),
            callbacks: Vec::new(),
            handshake: None,
            verifiers_lost: 0,
            strangers: 0,
            reachable: true,
            books: Books::default(),
            payables: Payables::default(),
            purchases: Purchases::default(),
            spending: Spending::default(),
            subscriptions: Vec::new(),
            lists: Lists::default(),
        }
    }

    /// Runs a task to its end, and checks that it replays and repeats.
    pub(super) fn run(&mut self, task: &Task) -> Driven {
        let settings = Rc::clone(&self.settings);
        let driven = drive(open(task, &settings, &[]), |demand, now| {
            self.report(demand, now)
        });
        assert_replays(task, &settings, &driven);
        driven
    }

    pub(super) fn status(&self, object: &ObjectRef) -> ObjectStatus {
        let known = self.statuses.iter().find(|known| known.object == *object);
        known.cloned().unwrap_or_else(|| ObjectStatus {
            link: self.proof(object),
            ..unknown(object)
        })
    }

    /// Forms are proven unless a test is about them.
    fn proof(&self, object: &ObjectRef) -> Option<Link> {
        let is_form = matches!(
            object.kind.as_str(),
            "payment-request-form" | "expense-entry-form"
        );
        let is_proven = is_form && !self.new_forms;
        is_proven.then(|| Link {
            source: object.clone(),
            target: ObjectRef::concur("payment-request", "P0"),
            version: None,
            content_hash: Some(object.id.clone()),
        })
    }

    pub(super) fn link(&self, object: &ObjectRef) -> Option<Link> {
        self.status(object).link
    }

    pub(super) fn keep(&mut self, status: ObjectStatus) {
        self.statuses.retain(|known| known.object != status.object);
        self.statuses.push(status);
    }

    /// Keeps a link of an object.
    pub(super) fn linked(&mut self, object: &ObjectRef, kind: &str, id: &str, content_hash: &str) {
        let target = ObjectRef {
            system: System::Concur,
            kind: kind.to_string(),
            id: id.to_string(),
        };
        let link = Link {
            source: object.clone(),
            target,
            version: None,
            content_hash: Some(content_hash.to_string()),
        };
        self.keep(ObjectStatus {
            link: Some(link),
            ..self.status(object)
        });
    }

    fn report(&mut self, demand: &Demand, _: Instant) -> Report {
        let effect = match demand {
            Demand::Perform(effect) => effect,
            Demand::Wait(wait) => {
                if let Some(form) = wait.on.as_ref().filter(|on| on.kind.ends_with("-form")) {
                    self.run_form(form);
                    return Report::Woken(Wake::ObjectEnded);
                }
                let is_run =
                    |on: &&ObjectRef| matches!(on.kind.as_str(), "staff" | "expense-report");
                if let Some(object) = wait.on.as_ref().filter(is_run) {
                    self.run_awaited(object);
                    return Report::Woken(Wake::ObjectEnded);
                }
                let ended = wait.on.as_ref().and_then(|on| {
                    let ends_as = self.ends_as.map(|kind| ended(on, kind, "v"));
                    self.becomes.take().or(ends_as)
                });
                return Report::Woken(match ended {
                    Some(status) => {
                        self.keep(status);
                        Wake::ObjectEnded
                    }
                    None => Wake::Due,
                });
            }
            Demand::Done(_) => panic!("has ended"),
        };
        match &effect.action {
            Action::Send(send) => Report::Sent(self.send(send)),
            Action::FindObjects(objects) => {
                Report::Found(objects.iter().map(|object| self.status(object)).collect())
            }
            Action::Save(save) => self.save(save),
            Action::TrustVerifier(id) => {
                let is_lost = self.verifiers_lost > 0;
                self.verifiers_lost = self.verifiers_lost.saturating_sub(1);
                if !is_lost {
                    self.trusted.push(id.clone());
                }
                Report::Trusted(!is_lost)
            }
        }
    }

    /// Runs a form to its end.
    fn run_form(&mut self, form: &ObjectRef) {
        let task = Task {
            object: form.clone(),
            reason: StartReason::Dependency,
            started: STARTED,
            receive_url: None,
            unknown_since: None,
        };
        self.run(&task);
        let status = self.status(form);
        self.keep(ObjectStatus {
            active: false,
            ..status
        });
    }

    /// Runs an object that is waited for to its end.
    fn run_awaited(&mut self, object: &ObjectRef) {
        let driven = self.run(&task(&object.kind, &object.id, StartReason::Dependency));
        let last = match driven.completion.ending {
            Ending::Parked(failure) | Ending::Rejected(failure) => LastEnding {
                kind: EndingKind::Parked,
                code: Some(failure.code),
                message: failure.message,
                version: None,
                since: Some(failure.since),
            },
            _ => LastEnding {
                kind: EndingKind::Confirmed,
                code: None,
                message: String::new(),
                version: None,
                since: None,
            },
        };
        let status = self.status(object);
        self.keep(ObjectStatus {
            active: false,
            last: Some(last),
            ..status
        });
    }

    fn save(&mut self, save: &Changes) -> Report {
        for link in &save.links {
            self.keep(ObjectStatus {
                link: Some(link.clone()),
                ..self.status(&link.source)
            });
        }
        for object in &save.unlinks {
            self.keep(ObjectStatus {
                link: None,
                ..self.status(object)
            });
        }
        for task in &save.tasks {
            self.keep(ObjectStatus {
                active: true,
                ..self.status(&task.object)
            });
        }
        self.tasks.extend(save.tasks.iter().cloned());
        Report::Saved
    }

    fn send(&mut self, send: &OutboundRequest) -> SendOutcome {
        match (self.fault)(send) {
            Some(Fault::Instead(outcome)) => outcome,
            Some(Fault::Lost) => {
                self.handle(&send.request);
                lost()
            }
            None => self.handle(&send.request),
        }
    }

    fn handle(&mut self, request: &Request) -> SendOutcome {
        let target = request.path_with_query.as_str();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let body = text(request);
        match (request.system, path) {
            (System::Freshbooks, path) if path.contains("/events/") => {
                self.handle_callback(request.method, path, &body)
            }
            (System::Freshbooks, path) if path.contains("/journal_entries/") => {
                self.books.handle_freshbooks(request.method, &body)
            }
            // The business family is flat.
            (System::Freshbooks, path) if path.contains("/business") => {
                let found = self.freshbooks.get(path);
                found.map_or_else(|| answer(404, r#"{"error": {"title": "Not found"}}"#), done)
            }
            (System::Freshbooks, path) => match self.freshbooks.get(path) {
                Some(object) => done(&json!({"response": {"result": object}})),
                None if Purchases::has(path) => self.purchases.handle(request.method, path, &body),
                None if Payables::has(path) => self.payables.handle(request.method, path, &body),
                None => answer(
                    404,
                    r#"{"response":{"errors":[{"errno":1012,"message":"Not found."}]}}"#,
                ),
            },
            (System::Concur, "/api/v3.1/invoice/vendors") => {
                self.handle_vendors(request.method, query, &body)
            }
            (System::Concur, path) if path.starts_with("/list/v4/") => {
                self.lists.handle(request.method, path, query, &body)
            }
            (System::Concur, "/api/v3.0/invoice/paymentrequestdigests") => {
                self.handle_digests(query)
            }
            (System::Concur, path) if path.contains("/financialintegration/") => {
                self.books.handle_concur(request.method, path, query, &body)
            }
            (System::Concur, path) if path.starts_with("/events/v4/subscriptions/") => {
                assert_eq!(request.authorization, Authorization::Application);
                self.handle_subscription(request.method, path, &body)
            }
            (System::Concur, path) if path.contains("/payment-confirmation/") => {
                self.handle_payments(request.method, path, &body)
            }
            (System::Concur, path) if Spending::has(path) => {
                self.spending.handle(request, path, query, &body)
            }
            (System::Concur, path) => self.handle_request(request.method, path, &body),
        }
    }

    fn handle_callback(&mut self, method: Method, path: &str, body: &str) -> SendOutcome {
        let one = |callback: &Value| done(&json!({"response": {"result": {"callback": callback}}}));
        let id = path
            .rsplit('/')
            .next()
            .and_then(|id| id.parse::<u64>().ok());
        match (method, id) {
            (Method::Get, _) => done(
                &json!({"response": {"result": {"callbacks": self.callbacks, "page": 1,
                    "pages": 1}}}),
            ),
            (Method::Post, _) => {
                let wanted: Value = serde_json::from_str(body).expect("is JSON");
                let id = 2_001 + self.callbacks.len() as u64;
                let mut callback = wanted["callback"].clone();
                callback["callbackid"] = json!(id);
                callback["verified"] = json!(false);
                self.callbacks.push(callback.clone());
                self.handshake = self.reachable.then_some(id);
                one(&callback)
            }
            (_, Some(id)) if body.contains("resend") => {
                self.handshake = self.reachable.then_some(id);
                one(&self.callback(id).clone())
            }
            (_, Some(id)) => {
                assert_eq!(
                    body,
                    format!(r#"{{"callback":{{"verifier":"<verifier:{id}>"}}}}"#)
                );
                if self.strangers > 0 {
                    self.strangers -= 1;
                    return answer(400, r#"{"errno":422,"message":"verifier does not match"}"#);
                }
                if self.handshake != Some(id) {
                    return withheld();
                }
                // It was sent, and is not sent twice.
                self.handshake = None;
                self.callback(id)["verified"] = json!(true);
                one(&self.callback(id).clone())
            }
            _ => answer(404, ""),
        }
    }

    fn callback(&mut self, id: u64) -> &mut Value {
        let mut callbacks = self.callbacks.iter_mut();
        callbacks
            .find(|callback| callback["callbackid"] == id)
            .expect("is there")
    }

    fn handle_subscription(&mut self, method: Method, path: &str, body: &str) -> SendOutcome {
        if method == Method::Put {
            let mut wanted: Value = serde_json::from_str(body).expect("is JSON");
            let id = wanted["id"].clone();
            let kept = self.subscriptions.iter().find(|kept| kept["id"] == id);
            wanted["companyIds"] = kept.map_or(json!([]), |kept| kept["companyIds"].clone());
            self.subscriptions.retain(|kept| kept["id"] != id);
            self.subscriptions.push(wanted);
            return done(&json!({"message": "Subscription saved successfully"}));
        }
        let id = path.rsplit('/').next().unwrap_or_default();
        let found = self.subscriptions.iter().find(|kept| kept["id"] == id);
        found.map_or_else(|| answer(404, ""), done)
    }

    fn handle_payments(&mut self, method: Method, path: &str, body: &str) -> SendOutcome {
        if method == Method::Get {
            return done(&json!({"payments": self.payments}));
        }
        // The POST without it is destructive, and no flow's.
        assert!(path.ends_with("/bulkUpdate"));
        let sent: Vec<Value> = serde_json::from_str(body).expect("is JSON");
        if let Some(why) = self.payment_failure {
            let failed = json!([{"requestId": sent[0]["requestId"], "errorMessage": why}]);
            let answered = json!({"status": "MULTI_STATUS", "successCount": 0, "failureCount": 1,
                "successfulPayments": [], "failedPayments": failed});
            return answer(207, &answered.to_string());
        }
        self.payments.extend(sent.iter().cloned());
        done(&json!({"status": "OK", "successfulPayments": sent, "failedPayments": []}))
    }

    fn handle_vendors(&mut self, method: Method, query: &str, body: &str) -> SendOutcome {
        if method == Method::Post {
            let mut vendor: Value = serde_json::from_str(body).expect("is JSON");
            let vendor = vendor["Vendor"][0].take();
            self.vendors.push(vendor.clone());
            let mut told = vendor;
            told["StatusList"] =
                json!([{"Code": 0, "Message": "Vendor created.", "Type": "SUCCESS"}]);
            return done(&json!({"Vendor": [told], "Items": null}));
        }
        if method == Method::Put {
            return self.change_vendor(body);
        }
        if query.contains("offset=") {
            return done(&json!({"Vendor": self.vendors, "TotalCount": self.vendors.len()}));
        }
        let (name, member) = match parameter(query, "vendorCode") {
            "" => (parameter(query, "vendorName"), "VendorName"),
            code => (code, "VendorCode"),
        };
        let name = name.replace("%20", " ");
        let found: Vec<&Value> = self
            .vendors
            .iter()
            .filter(|vendor| {
                vendor[member]
                    .as_str()
                    .is_some_and(|have| have.eq_ignore_ascii_case(&name))
            })
            .collect();
        done(&json!({"Vendor": found, "TotalCount": found.len()}))
    }

    fn change_vendor(&mut self, body: &str) -> SendOutcome {
        let mut wanted: Value = serde_json::from_str(body).expect("is JSON");
        let wanted = wanted["Vendor"][0].take();
        let mut vendors = self.vendors.iter_mut();
        let vendor = vendors.find(|vendor| vendor["VendorCode"] == wanted["VendorCode"]);
        let vendor = vendor.expect("is there");
        for (name, value) in wanted.as_object().expect("is an object") {
            vendor[name] = value.clone();
        }
        let mut told = vendor.clone();
        told["StatusList"] = json!([{"Code": 0, "Message": "Updated.", "Type": "SUCCESS"}]);
        done(&json!({"Vendor": [told], "Items": null}))
    }

    fn handle_digests(&self, query: &str) -> SendOutcome {
        let number = parameter(query, "vendorInvoiceNumber");
        let rows = self
            .requests
            .iter()
            .filter(|request| request["InvoiceNumber"] == number);
        let rows: Vec<Value> = rows
            .map(|request| {
                json!({"PaymentRequestId": request["ID"], "InvoiceNumber": request["InvoiceNumber"],
                    "IsDeleted": request["IsPaymentRequestDeleted"]})
            })
            .collect();
        done(&json!({"PaymentRequestDigest": rows, "NextPage": ""}))
    }

    fn handle_request(&mut self, method: Method, path: &str, body: &str) -> SendOutcome {
        if method == Method::Get {
            let id = path.rsplit('/').next().unwrap_or_default();
            let found = self.requests.iter().find(|request| request["ID"] == id);
            return found.map_or_else(|| answer(404, ""), done);
        }
        let mut wanted: Value = serde_json::from_str(body).expect("is JSON");
        for field in &self.dropped {
            drop_field(&mut wanted, field);
        }
        let id = match method {
            Method::Post => {
                let id = format!("P{}", self.requests.len() + 1);
                self.requests.push(json!({}));
                json!(id)
            }
            _ => wanted["RequestID"].clone(),
        };
        let at = self.requests.iter().position(|have| have["ID"] == id);
        let at = at.unwrap_or(self.requests.len().saturating_sub(1));
        wanted["ID"] = id.clone();
        wanted["IsPaymentRequestDeleted"] = json!("false");
        wanted["VendorRemitAddress"] = wanted["VendorRemitToIdentifier"].clone();
        // Only whole lines are sent by these scenarios, numbered afresh.
        let mut lines: Vec<Value> = wanted["LineItems"].as_array().cloned().unwrap_or_default();
        for (number, line) in (1..).zip(&mut lines) {
            line["LineItemId"] = json!(format!("{number}"));
        }
        if method == Method::Put && lines.is_empty() {
            wanted["LineItems"] = self.requests[at]["LineItems"].clone();
        } else {
            wanted["LineItems"] = json!({"LineItem": lines});
        }
        self.requests[at] = wanted;
        done(&json!({"ID": id, "URI": ""}))
    }

    /// What was sent in writes, as text.
    pub(super) fn writes(driven: &Driven) -> Vec<String> {
        let writes = driven
            .sends()
            .into_iter()
            .filter(|(send, _, _)| send.request.method != Method::Get);
        writes.map(|(send, _, _)| text(&send.request)).collect()
    }
}

fn drop_field(body: &mut Value, field: &str) {
    match body {
        Value::Object(members) => {
            members.remove(field);
            members
                .values_mut()
                .for_each(|member| drop_field(member, field));
        }
        Value::Array(rows) => rows.iter_mut().for_each(|row| drop_field(row, field)),
        _ => {}
    }
}

/// The status of an object whose last run was parked.
pub(super) fn parked(object: &ObjectRef, code: &str, since: Instant) -> ObjectStatus {
    ObjectStatus {
        last: Some(LastEnding {
            kind: EndingKind::Parked,
            code: Some(code.to_string()),
            message: format!("it was {code}"),
            version: None,
            since: Some(since),
        }),
        ..unknown(object)
    }
}

/// The status of an object whose last run ended like this, at this version unless it is empty.
pub(super) fn ended(object: &ObjectRef, kind: EndingKind, version: &str) -> ObjectStatus {
    ObjectStatus {
        last: Some(LastEnding {
            kind,
            code: None,
            message: String::new(),
            version: non_empty(version),
            since: None,
        }),
        ..unknown(object)
    }
}

/// Compares pages of the list whose items said this, each with a run of its own; how many and how
/// long the runs' own side took.
pub(super) fn compare_pages(
    world: &World,
    hashes: &BTreeMap<String, String>,
    pages: u32,
) -> (u32, core::time::Duration) {
    extern crate std;
    let mut took = core::time::Duration::ZERO;
    for page in 1..=pages {
        let rows = &world.lists.items[(page as usize - 1) * 100..page as usize * 100];
        let rows = json!({"content": rows, "page": {"totalPages": pages}}).to_string();
        let task = Task {
            object: ObjectRef::concur("reference-list", format!("project/{LIST}/{page}")),
            reason: StartReason::Schedule,
            started: STARTED,
            receive_url: None,
            unknown_since: None,
        };
        let answered = |demand: &Demand| match demand {
            Demand::Perform(effect) => match &effect.action {
                Action::Send(_) => Report::Sent(answer(200, &rows)),
                Action::FindObjects(objects) => {
                    Report::Found(objects.iter().map(|item| said(item, hashes)).collect())
                }
                _ => Report::Saved,
            },
            other => panic!("is no effect: {other:?}"),
        };
        let begun = std::time::Instant::now();
        let driven = drive(open(&task, &world.settings, &[]), |demand, _| {
            answered(demand)
        });
        took += begun.elapsed();
        assert_eq!(driven.sends().len(), 1);
    }
    (pages, took)
}

fn said(item: &ObjectRef, hashes: &BTreeMap<String, String>) -> ObjectStatus {
    ObjectStatus {
        link: Some(Link {
            source: item.clone(),
            target: ObjectRef::freshbooks("project", "1"),
            version: None,
            content_hash: hashes.get(&item.id).cloned(),
        }),
        active: false,
        ..unknown(item)
    }
}
