//! FreshBooks as a pure state machine: one account, its owner, its apps, its records and its
//! callbacks.
//!
//! Requests come in through [`FreshBooks::handle`]; webhooks that are due go out through
//! [`FreshBooks::take_due`]. What the owner does in the browser is in `user_actions`, what test
//! oracles may look at is in `inspect`, and `generate` creates many records at once.

mod accounting;
mod api;
mod config;
mod expense_config;
mod generate;
mod identity;
mod inspect;
mod ledger;
mod oauth;
mod projects;
mod services;
mod staff;
mod uploads;
mod user_actions;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

pub use crate::delivery::{Delivery, DeliveryResult};
pub use config::{
    App, ArchiveEvent, Category, Feature, FieldOrder, FreshBooksConfig, PaymentTrace, TaxRounding,
    WebhookConfig,
};
pub use expense_config::{AbsentPercent, BankMark, ExpenseConfig, ExpenseTaxRule, ProjectField};
pub use generate::Bulk;
pub use ledger::config::{
    AccountConfig, AccountKind, ExpenseAccounts, ExpenseTaxBooking, JournalWrapper, LedgerConfig,
};
pub use ledger::records::{AccountRecord, BalanceRow, EntryRecord, LineRecord};
pub use staff::StaffMember;
pub use user_actions::{Declined, RecordKind};
pub use webhooks::deliveries::DeliveryCounts;
pub use webhooks::signature::{SIGNATURE_HEADER, message, sign};

use accounting::bill_payments::BillPayment;
use accounting::bill_vendors::BillVendor;
use accounting::bills::Bill;
use accounting::categories::{ExpenseCategory, configured_categories};
use accounting::clients::Client;
use accounting::expenses::Expense;
use accounting::invoices::Invoice;
use accounting::payments::Payment;
use accounting::tasks::Task;
use accounting::taxes::Tax;
use api::call::{ApiCall, error_style};
use api::errors::{ApiError, ApiFamily};
use api::resource::{RowHead, Stored, Table};
use ledger::accounts::Accounts;
use ledger::expense_bookings::ExpenseBookings;
use ledger::journal::Journal;
use oauth::OAuth;
use projects::Project;
use services::Service;
use uploads::Uploads;
use webhooks::callbacks::Callbacks;
use webhooks::deliveries::Webhooks;

use crate::http::{Millis, Request, Response};

/// One FreshBooks account. It has no socket and no clock: requests and instants are passed in.
#[derive(Debug)]
pub struct FreshBooks {
    pub(crate) config: FreshBooksConfig,
    pub(crate) oauth: OAuth,
    pub(crate) callbacks: Callbacks,
    pub(crate) webhooks: Webhooks,
    pub(crate) clients: Table<Client>,
    pub(crate) invoices: Table<Invoice>,
    pub(crate) invoice_numbers: BTreeMap<String, BTreeSet<u64>>,
    pub(crate) next_invoice_number: u64,
    pub(crate) bills: Table<Bill>,
    pub(crate) bill_vendors: Table<BillVendor>,
    pub(crate) payments: Table<Payment>,
    pub(crate) bill_payments: Table<BillPayment>,
    pub(crate) expenses: Table<Expense>,
    pub(crate) categories: Table<ExpenseCategory>,
    pub(crate) uploads: Uploads,
    pub(crate) taxes: Table<Tax>,
    pub(crate) tasks: Table<Task>,
    pub(crate) projects: Table<Project>,
    pub(crate) services: Table<Service>,
    pub(crate) accounts: Accounts,
    pub(crate) journal: Journal,
    pub(crate) expense_bookings: ExpenseBookings,
}

/// Says where the rows of each kind are.
macro_rules! stored {
    ($($kind:ident in $table:ident,)*) => {$(
        impl Stored for $kind {
            fn table(machine: &FreshBooks) -> &Table<Self> {
                &machine.$table
            }

            fn table_mut(machine: &mut FreshBooks) -> &mut Table<Self> {
                &mut machine.$table
            }

            fn head(&self) -> &RowHead {
                &self.head
            }

            fn head_mut(&mut self) -> &mut RowHead {
                &mut self.head
            }
        }
    )*};
}

stored! {
    Client in clients,
    Invoice in invoices,
    Bill in bills,
    BillVendor in bill_vendors,
    Payment in payments,
    BillPayment in bill_payments,
    Expense in expenses,
    ExpenseCategory in categories,
    Tax in taxes,
    Task in tasks,
    Project in projects,
    Service in services,
}

impl FreshBooks {
    /// An account without records but its chart of accounts. `seed` decides every token and UUID.
    pub fn new(seed: u64, config: FreshBooksConfig) -> Self {
        let accounts = Accounts::new(seed, &config.ledger.accounts);
        let categories = configured_categories(&config.categories);
        Self {
            config,
            oauth: OAuth::new(seed),
            callbacks: Callbacks::new(seed),
            webhooks: Webhooks::new(seed),
            // Ids of different kinds do not overlap, so that mixing them up fails at once.
            clients: Table::starting_at(400_001),
            invoices: Table::starting_at(900_001),
            invoice_numbers: BTreeMap::new(),
            next_invoice_number: 1,
            bills: Table::starting_at(700_001),
            bill_vendors: Table::starting_at(1_701),
            payments: Table::starting_at(210_001),
            bill_payments: Table::starting_at(310_001),
            expenses: Table::starting_at(1_200_001),
            categories,
            uploads: Uploads::new(seed),
            taxes: Table::starting_at(5_101),
            tasks: Table::starting_at(80_001),
            projects: Table::starting_at(60_001),
            services: Table::starting_at(40_001),
            accounts,
            journal: Journal::new(seed),
            expense_bookings: ExpenseBookings::default(),
        }
    }

    /// The configuration; it may be changed while the sandbox runs.
    pub fn config_mut(&mut self) -> &mut FreshBooksConfig {
        &mut self.config
    }

    /// Answers a request. Rows younger than `stale` milliseconds are missing from lists.
    pub fn handle(&mut self, request: &Request, now: Millis, stale: Millis) -> Response {
        let path = request.path().trim_end_matches('/');
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let response = match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["oauth", "authorize"] | ["service", "auth", "oauth", "authorize"]) => {
                return self.oauth.handle_consent_page(request, &self.config, now);
            }
            ("POST", ["auth", "oauth", "token"] | ["service", "auth", "oauth", "token"]) => {
                return self.oauth.handle_token_request(request, &self.config, now);
            }
            ("POST", ["auth", "oauth", "revoke"] | ["service", "auth", "oauth", "revoke"]) => {
                return self.oauth.handle_revocation(request, &self.config);
            }
            _ => self.handle_api(request, &segments, now, stale),
        };
        match self.config.retry_after_on_success_s {
            Some(seconds) if response.status < 300 => {
                response.with_header("Retry-After", &seconds.to_string())
            }
            _ => response,
        }
    }

    /// Webhook deliveries due now.
    pub fn take_due(&mut self, now: Millis) -> Vec<Delivery> {
        self.webhooks
            .take_due(&self.callbacks.rows, &self.config, now)
    }

    /// When the next webhook delivery is due.
    pub fn next_wake(&self) -> Option<Millis> {
        self.webhooks.next_due()
    }

    fn handle_api(
        &mut self,
        request: &Request,
        segments: &[&str],
        now: Millis,
        stale: Millis,
    ) -> Response {
        let (family, segments) = family(segments);
        let style = error_style(request, &self.config);
        let access = request
            .bearer()
            .and_then(|token| self.oauth.access_token(token, now));
        let Some(access) = access else {
            return ApiError::unauthenticated().response(family, style);
        };
        let query = request.query();
        let method = request.method.as_str();
        let visible_until = now.saturating_sub(stale);
        let call = ApiCall {
            method,
            query,
            body: &request.body,
            now,
            visible_until,
            access,
        };
        let answered = match family {
            ApiFamily::Auth => self.handle_identity(&call, segments),
            ApiFamily::Accounting => self.handle_accounting(&call, segments),
            ApiFamily::Events => self.handle_events(&call, segments),
            ApiFamily::Projects => self.handle_projects(&call, segments),
            ApiFamily::Services => self.handle_services(&call, segments),
            ApiFamily::Ledger => {
                self.handle_ledger(&call, segments, request.header("x-api-version"))
            }
            ApiFamily::Uploads => {
                self.handle_uploads(&call, segments, request.header("content-type"))
            }
        };
        answered.unwrap_or_else(|refusal| refusal.response(family, style))
    }

    fn handle_accounting(
        &mut self,
        call: &ApiCall,
        segments: &[&str],
    ) -> Result<Response, ApiError> {
        let [account, group, kind, rest @ ..] = segments else {
            return Err(ApiError::no_route());
        };
        if *account != self.config.account_id || rest.len() > 1 {
            return Err(ApiError::no_route());
        }
        let id = rest.first().copied();
        match (*group, *kind) {
            ("users", "clients") => self.handle_resource::<Client>(call, id),
            ("invoices", "invoices") => self.handle_resource::<Invoice>(call, id),
            ("bills", "bills") => self.handle_resource::<Bill>(call, id),
            ("bill_vendors", "bill_vendors") => self.handle_resource::<BillVendor>(call, id),
            ("payments", "payments") => self.handle_resource::<Payment>(call, id),
            ("bill_payments", "bill_payments") => self.handle_resource::<BillPayment>(call, id),
            ("projects", "tasks") => self.handle_resource::<Task>(call, id),
            ("taxes", "taxes") => self.handle_resource::<Tax>(call, id),
            ("users", "staffs") => self.handle_staff(call, id),
            ("expenses", "expenses") => self.handle_resource::<Expense>(call, id),
            ("expenses", "categories") => self.handle_categories(call, id),
            ("journal_entries", "journal_entries") if id.is_none() => {
                self.handle_journal_entries(call)
            }
            ("journal_entries", "journal_entry_details") if id.is_none() => {
                self.handle_journal_details(call)
            }
            ("journal_entry_accounts", "journal_entry_accounts") if id.is_none() => {
                self.handle_accounts(call)
            }
            _ => Err(ApiError::no_route()),
        }
    }

    fn handle_events(&mut self, call: &ApiCall, segments: &[&str]) -> Result<Response, ApiError> {
        match segments {
            [account, "events", "callbacks", rest @ ..]
                if *account == self.config.account_id && rest.len() < 2 =>
            {
                self.handle_callbacks(call, rest.first().copied())
            }
            _ => Err(ApiError::no_route()),
        }
    }
}

/// The API family of a path, and the segments behind the part that names it.
fn family<'s, 'p>(segments: &'s [&'p str]) -> (ApiFamily, &'s [&'p str]) {
    match segments {
        ["accounting", "account", rest @ ..] => (ApiFamily::Accounting, rest),
        ["accounting", "businesses", rest @ ..] => (ApiFamily::Ledger, rest),
        ["events", "account", rest @ ..] => (ApiFamily::Events, rest),
        ["uploads", "account", rest @ ..] => (ApiFamily::Uploads, rest),
        ["comments", "business", rest @ ..] => (ApiFamily::Services, rest),
        ["projects", "business", rest @ ..] => (ApiFamily::Projects, rest),
        ["auth", "api", "v1", rest @ ..] => (ApiFamily::Auth, rest),
        _ => (ApiFamily::Accounting, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    #[test]
    fn every_family_says_401_in_its_own_shape() {
        let mut harness = FreshBooksHarness::new();
        harness.token = "nonsense".into();
        let shape = |harness: &mut FreshBooksHarness, path: &str| {
            let response = harness.send("GET", path, None);
            assert_eq!(response.status, 401, "{path}");
            response.value()
        };
        let accounting = shape(&mut harness, "/accounting/account/zQ7pLm/users/clients");
        assert_eq!(accounting["response"]["errors"][0]["errno"], 1003);
        assert_eq!(
            shape(&mut harness, "/events/account/zQ7pLm/events/callbacks")["errno"],
            401
        );
        assert!(shape(&mut harness, "/projects/business/8812345/projects")["message"].is_string());
        assert_eq!(
            shape(&mut harness, "/auth/api/v1/users/me")["error"],
            "unauthenticated"
        );
    }

    #[test]
    fn the_wrong_kind_of_id_is_404() {
        let mut harness = FreshBooksHarness::new();
        for path in [
            "/accounting/account/8812345/users/clients",
            "/projects/business/zQ7pLm/projects",
        ] {
            assert_eq!(harness.send("GET", path, None).status, 404, "{path}");
        }
        assert_eq!(
            harness
                .send("GET", "/accounting/account/ZQ7PLM/users/clients", None)
                .status,
            404
        );
    }

    #[test]
    fn a_version_header_changes_the_error_shape() {
        let mut harness = FreshBooksHarness::new();
        let path = "/accounting/account/zQ7pLm/users/clients/1";
        for (version, shape) in [
            ("2022-10-30", "response"),
            ("2022-10-31", "details"),
            ("2023-02-20", "details"),
        ] {
            let request = harness
                .request("GET", path, None)
                .with_header("X-API-VERSION", version);
            let body = harness.machine.handle(&request, harness.now, 0).value();
            assert!(body.get(shape).is_some(), "{version}: {body}");
        }
    }

    #[test]
    fn retry_after_may_ride_on_success() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.retry_after_on_success_s = Some(59);
        let response = harness.send("GET", "/auth/api/v1/users/me", None);
        assert_eq!(
            (response.status, response.header("retry-after")),
            (200, Some("59"))
        );
    }

    #[test]
    fn stale_look_ups_miss_the_youngest_rows_in_lists_only() {
        let mut harness = FreshBooksHarness::new();
        let id = harness.client();
        let path = "/accounting/account/zQ7pLm/users/clients";
        let list = harness.request("GET", path, None);
        let total = |response: Response| response.value()["response"]["result"]["total"].clone();
        assert_eq!(total(harness.machine.handle(&list, harness.now, 1)), 0);
        assert_eq!(total(harness.machine.handle(&list, harness.now, 0)), 1);
        let single = harness.request("GET", &format!("{path}/{id}"), None);
        assert_eq!(
            object(&harness.machine.handle(&single, harness.now, 1), "client")["id"],
            id
        );
    }
}
