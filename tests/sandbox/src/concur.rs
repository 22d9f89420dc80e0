//! SAP Concur as a pure state machine: one company, its datacenters, its vendors, its payment
//! requests and its financial documents.
//!
//! Requests come in through [`Concur::handle`]; the host that a request is for decides what it may
//! do. What people do in the browser is in `user_actions`, what test oracles may look at is in
//! `inspect`.

mod config;
mod events;
mod expense;
pub(crate) mod financial;
mod gateway;
mod identity;
mod inspect;
mod invoice;
mod lists;
mod oauth;
mod user_actions;
mod users;
mod v4;
mod vendors;

pub use config::{
    App, ConcurConfig, Employee, ErrorEnvelope, GatewayConfig, Geolocation, Host, RefreshExpiresIn,
    RefreshMode, TokenConfig, VendorConfig,
};

pub use events::config::{
    CleanUp, ClientCertificate, Correlation, EnvelopeConfig, ErrorShape, EventApiConfig,
    EventConfig, EventDeliveryConfig, EventId, EventSignature, OptionalMembers, TopicName,
};
pub use events::{CertificateState, EventCounts, EventKey, EventRecord, Fate, SubscriptionRecord};
pub use expense::config::{
    ExpenseConfig, ExpenseTypeConfig, FieldItem, FieldList, FieldsOffForm, FormField, Payer,
    PaymentTypeConfig, Policy, SystemApproval, UnknownFields, UnknownListCode, WriteOnReadOnly,
};
pub use expense::{EntryByHand, EntryRecord, QuickExpenseRecord, ReportRecord};
pub use financial::{
    AdvanceOptions, AdvanceUse, AuditLine, CannotDo, Change, DocStatus, DocType, DocumentBulk,
    DocumentFormat, DocumentRecord, EntityOptions, Filed, Filing, FinancialConfig, InvoiceDates,
    InvoiceGross, InvoiceOptions, Oddity, PaymentRecord, PayrollOptions, PostingDoc, QueueOrder,
    Ready, ReportDays, ReportOptions, Resubmission, Shape, SystemIdCheck,
};
pub use identity::config::{IdentityConfig, IdentityErrorShape};
pub use invoice::config::{CustomSpelling, NextPage, NoNextPage, PaymentRequestConfig};
pub use invoice::payment_confirmations::InvoicePayment;
pub use invoice::payment_confirmations::config::PaymentConfirmationConfig;
pub use lists::config::{Hyphens, InitialList, ListConfig};
pub use lists::{CodeListRecord, ListItemRecord};
pub use users::User;

pub use inspect::{PaymentRequestRecord, VendorRecord};

use events::Events;
use expense::Expense;
use gateway::{GatewayCall, Reply};
use invoice::payment_requests::PaymentRequests;
use lists::records::Lists;
use oauth::{OAuth, requests};
use vendors::Vendors;

use crate::http::{Millis, Request, Response};
use crate::random::Random;

/// One Concur company. It has no socket and no clock: requests and instants are passed in.
#[derive(Debug)]
pub struct Concur {
    pub(crate) config: ConcurConfig,
    pub(crate) random: Random,
    pub(crate) oauth: OAuth,
    pub(crate) vendors: Vendors,
    pub(crate) requests: PaymentRequests,
    pub(crate) payments: Vec<InvoicePayment>,
    pub(crate) lists: Lists,
    pub(crate) queue: financial::Queue,
    pub(crate) events: Events,
    pub(crate) expense: Expense,
}

impl Concur {
    /// A company without vendors, requests or documents. `seed` decides every id, token and
    /// generated amount.
    pub fn new(seed: u64, config: ConcurConfig) -> Self {
        Self {
            lists: Lists::new(seed, &config.lists),
            payments: Vec::new(),
            config,
            random: Random::new(seed, "concur/gateway"),
            oauth: OAuth::new(seed),
            vendors: Vendors::default(),
            requests: PaymentRequests::new(seed),
            queue: financial::Queue::new(seed),
            events: Events::new(seed),
            expense: Expense::new(seed),
        }
    }

    /// The configuration; it may be changed while the sandbox runs.
    pub fn config_mut(&mut self) -> &mut ConcurConfig {
        &mut self.config
    }

    /// Answers a request. Records younger than `stale` milliseconds are missing from look-ups.
    pub fn handle(&mut self, request: &Request, now: Millis, stale: Millis) -> Response {
        let correlation = match request.header("concur-correlationid") {
            Some(given) => given.to_owned(),
            None => self.random.uuid(),
        };
        let response = self.route(request, &correlation, now, stale);
        if self.config.gateway.no_correlation_id {
            return response;
        }
        response.with_header("concur-correlationid", &correlation)
    }

    fn route(
        &mut self,
        request: &Request,
        correlation: &str,
        now: Millis,
        stale: Millis,
    ) -> Response {
        let Some(host) = self.host_name(&request.host) else {
            return Response::typed(404, "text/html", b"<h1>404 Not Found</h1>".to_vec());
        };
        let chunked = request
            .header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        if chunked {
            return Response::typed(400, "text/html", b"<h1>400 Bad Request</h1>".to_vec());
        }
        match (request.method.as_str(), request.path()) {
            ("POST", "/oauth2/v0/token") => self.handle_token(request, &host, correlation, now),
            ("POST", "/oauth2/v0/otp") => requests::handle_otp(request, &self.config, correlation),
            (_, path) if path.starts_with(events::PREFIX) => {
                self.handle_events(request, &host, now, stale)
            }
            _ => self.handle_api(request, &host, now, stale),
        }
    }

    fn handle_token(
        &mut self,
        request: &Request,
        host: &str,
        correlation: &str,
        now: Millis,
    ) -> Response {
        let config = &self.config;
        let response = self
            .oauth
            .handle_token_request(request, host, config, correlation, now);
        for app in self.oauth.take_connected() {
            let (company, datacenter) = (&config.company_uuid, &config.datacenter);
            self.events.connect(&app, company, datacenter);
        }
        response
    }

    fn handle_api(
        &mut self,
        request: &Request,
        host: &str,
        now: Millis,
        stale: Millis,
    ) -> Response {
        if request.path().starts_with(financial::PREFIX) {
            return self.handle_financial(request, host, now, stale);
        }
        if let Some(answer) = self.handle_v4(request, host, now, stale) {
            return answer;
        }
        if expense::PREFIXES
            .iter()
            .any(|begin| request.path().starts_with(begin))
        {
            return self.handle_expense(request, host, now, stale);
        }
        let json = gateway::wants_json(request);
        if let Some(refused) = self.refuse_entry(request, host, json, now) {
            return refused;
        }
        let base_url = self
            .config
            .hosts
            .get(host)
            .map(|host| host.base_url.clone())
            .unwrap_or_default();
        let path = request.path().trim_end_matches('/');
        let call = GatewayCall {
            method: &request.method,
            path,
            query: request.query(),
            body: &request.body,
            base_url,
            login: self.login_of(request, now),
            now,
            stale,
        };
        let answered = match path.strip_prefix("/api/") {
            Some("v3.1/invoice/vendors") => self.handle_vendors(&call),
            Some("v3.0/invoice/localizeddata") => self.handle_localized_data(&call),
            Some(rest) if rest.starts_with("v3.0/invoice/paymentrequestdigests") => {
                self.handle_digests(&call)
            }
            Some(rest) if rest.starts_with("v3.0/invoice/paymentrequest") => {
                self.handle_payment_requests(&call)
            }
            Some(rest) if rest.starts_with("v3.0/expense/entries") => self.handle_entries(&call),
            Some(rest) if rest.starts_with("v3.0/expense/reports") => {
                self.handle_report_lists(&call)
            }
            Some("v3.0/expense/expensegroupconfigurations") => {
                self.handle_group_configurations(&call)
            }
            _ => Err(gateway::GatewayError::new(
                404,
                "The requested resource was not found.",
            )),
        };
        let reply = answered.unwrap_or_else(|refusal| self.error_reply(&refusal, now));
        reply.render(json)
    }

    fn error_reply(&mut self, error: &gateway::GatewayError, now: Millis) -> Reply {
        let id = self.random.uuid().to_uppercase();
        error.to_reply(self.config.gateway.error_envelope, &id, now)
    }

    /// The name of the host that an authority belongs to; the browser twins count as their hosts.
    fn host_name(&self, authority: &str) -> Option<String> {
        let plain = authority.strip_prefix("www-").unwrap_or(authority);
        let same = |known: &str| {
            known.eq_ignore_ascii_case(plain) || known.eq_ignore_ascii_case(authority)
        };
        let found = self
            .config
            .hosts
            .iter()
            .find(|(_, host)| same(&host.authority));
        found.map(|(name, _)| name.clone())
    }
}
