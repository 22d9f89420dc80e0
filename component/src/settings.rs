//! A connection's mapping and policy, read from JSON text with every problem gathered.

mod checks;
pub mod events;
pub mod expense;
pub mod financial;
mod reader;
pub mod reference;
mod sections;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jiff::civil::Date;

use crate::contract::settings::{Endpoints, Identity, ReceiverNeed, Schedule};
use crate::contract::types::{Duration, Instant, ObjectRef, Problem, System};
use crate::credentials::App;
use crate::marker;
use crate::retry::Policy;
use checks::{anything, connection_name, cost_code, country_code, currency, subdivision_code};
use events::Events;
use expense::{Expense, ExpenseForm, Workflow};
use financial::{DocumentType, FINANCIAL_QUEUE, Financial, OwnExpenses};
use reader::Reader;
use reference::Reference;
use sections::read_retry;
pub use sections::{
    Backfill, Concur, ExpenseTypes, FreshBooks, Invoice, PaymentRequest, Sweep, Vendor,
};

/// One connection's settings, checked. Every key is explained in `ml-connector.example.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The connection's name: 1 to 64 characters of `a` to `z`, `0` to `9` and `-`; part of every
    /// marker.
    pub connection: String,
    /// 20 characters that change when the values change.
    pub version: String,
    /// Which FreshBooks account, and our app there.
    pub freshbooks: FreshBooks,
    /// Which SAP Concur company, and our app there.
    pub concur: Concur,
    /// How clients and bill vendors become vendors.
    pub vendor: Vendor,
    /// How invoices and bills become payment requests.
    pub payment_request: PaymentRequest,
    /// Which invoices are carried over.
    pub invoice: Invoice,
    /// Whether bills are carried over.
    pub bill_enabled: bool,
    /// Whether what is paid in FreshBooks is confirmed to SAP Concur.
    pub confirms_payments: bool,
    /// How expenses become expense entries.
    pub expense: Expense,
    /// Currencies that are carried over, ISO 4217.
    pub currencies: BTreeSet<String>,
    /// Country names as FreshBooks writes them, beside the ISO 3166 ones, to two-letter codes.
    pub countries: BTreeMap<String, String>,
    /// Names of states and provinces likewise, to codes with their country such as `CA-QC`.
    pub subdivisions: BTreeMap<String, String>,
    /// Which Concur expense type a line gets.
    pub expense_types: ExpenseTypes,
    /// FreshBooks tax names to Concur tax codes.
    pub taxes: BTreeMap<String, String>,
    /// FreshBooks project ids to Concur cost codes.
    pub projects: BTreeMap<String, String>,
    /// Back-off for failures of one record.
    pub retry: Policy,
    /// The sweep for missed webhooks.
    pub sweep: Sweep,
    /// The first day whose documents are carried over; what is dated earlier is never posted.
    pub cut_over: Option<Date>,
    /// Back-fills of what was there before.
    pub backfill: Backfill,
    /// How financial documents become journal entries.
    pub financial: Financial,
    /// Whether and how SAP Concur's events are subscribed to.
    pub events: Events,
    /// Which reference data is held in step.
    pub reference: Reference,
}

/// FreshBooks scopes that the flows need.
const SCOPES: &str = "user:profile:read user:clients:read user:invoices:read user:bills:read \
                      user:bill_vendors:read user:projects:read user:taxes:read";

/// The scope that tells which invoice a payment is of.
const PAYMENTS_SCOPE: &str = "user:payments:read";

impl Settings {
    /// Reads the settings of the connection of this name from JSON text.
    ///
    /// # Errors
    ///
    /// Every problem, with the JSON Pointer of its place; never an empty list. A problem of the
    /// name has the pointer of the whole text.
    ///
    /// ```
    /// use ml_connector_component::settings::Settings;
    ///
    /// # const SETTINGS: &str =
    /// #     include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings/minimal.json"));
    /// let settings = Settings::load("acme", SETTINGS).expect("is right");
    /// assert_eq!(settings.endpoints().freshbooks, "https://api.freshbooks.com");
    /// let typo = SETTINGS.replace("currencies", "currencys");
    /// let problems = Settings::load("acme", &typo).expect_err("has an unknown key");
    /// assert_eq!(problems[0].pointer, "/currencys");
    /// assert_eq!(problems[0].code, "unknown-key");
    /// ```
    pub fn load(connection: &str, json: &str) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(json)?;
        if let Err(expected) = connection_name(connection) {
            let message = format!("the connection's name must be {expected}");
            reader.problem("wrong-value", message);
        }
        let settings = Self::read(connection, &mut reader);
        let problems = reader.finish();
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(problems)
        }
    }

    /// Our app at a system, as its credential needs it.
    #[must_use]
    pub fn app(&self, system: System) -> App<'_> {
        let FreshBooks {
            client_id, scopes, ..
        } = &self.freshbooks;
        let (base, client_id, scope) = match system {
            System::Freshbooks => (&self.freshbooks.base, client_id, scopes.as_str()),
            System::Concur => (&self.concur.token_base, &self.concur.client_id, ""),
        };
        App {
            base,
            client_id,
            redirect_uri: &self.freshbooks.redirect_uri,
            company_id: &self.concur.company_id,
            scope,
            extra_bases: &self.concur.extra_bases,
        }
    }

    /// Where requests go: base URLs without a slash at the end.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        Endpoints {
            freshbooks: self.freshbooks.base.clone(),
            freshbooks_consent: self.freshbooks.consent_base.clone(),
            concur_token: self.concur.token_base.clone(),
            concur_extra: self.concur.extra_bases.clone(),
        }
    }

    /// Which FreshBooks account and SAP Concur company are joined.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            connection: self.connection.clone(),
            freshbooks_account_id: self.freshbooks.account_id.clone(),
            freshbooks_business_id: self.freshbooks.business_id,
            concur_company_id: self.concur.company_id.clone(),
        }
    }

    /// How long an ambiguous write to a system is left alone before it is looked up.
    #[must_use]
    pub fn settle(&self, system: System) -> Duration {
        match system {
            System::Freshbooks => self.financial.settle,
            System::Concur => self.payment_request.settle,
        }
    }

    /// The id of the connection's event subscription to a topic: the setting's, or one that nobody
    /// else has, since it must be unique over all customers of SAP
    /// (source: concur-event-subscription).
    #[must_use]
    pub fn subscription_id(&self, topic: &str) -> String {
        let connection = &self.connection;
        let own = || {
            let Concur {
                company_id,
                client_id,
                ..
            } = &self.concur;
            let hash = marker::short_hash(&["subscription", connection, company_id, client_id]);
            format!("ml-connector.{connection}.{hash}.{topic}")
        };
        self.events.subscription_id.clone().unwrap_or_else(own)
    }

    /// What is to be started on a schedule: sweeps, and the checks of the webhook registrations and
    /// of the event subscription.
    #[must_use]
    pub fn schedules(&self) -> Vec<Schedule> {
        // A registration that is lost is made again within the hour; until then the sweep finds
        // what changed.
        const REGISTRATION_INTERVAL_S: u64 = 3_600;
        let mut schedules = Vec::new();
        let flows = [
            ("invoice", self.invoice.enabled),
            ("bill", self.bill_enabled),
            ("expense", self.expense.enabled),
        ];
        for (noun, _) in flows.into_iter().filter(|(_, enabled)| *enabled) {
            schedules.push(Schedule {
                object: ObjectRef::freshbooks("callback", noun),
                interval_s: REGISTRATION_INTERVAL_S,
                needs: Some(ReceiverNeed::Webhooks),
                purpose: format!("checks that FreshBooks announces each {noun} to us"),
            });
            schedules.push(Schedule {
                object: ObjectRef::freshbooks("sweep", noun),
                interval_s: self.sweep.interval_s,
                needs: None,
                purpose: format!("looks for each {noun} whose webhook was missed"),
            });
        }
        if self.confirms_payments && self.invoice.enabled {
            schedules.push(Schedule {
                object: ObjectRef::freshbooks("callback", "payment"),
                interval_s: REGISTRATION_INTERVAL_S,
                needs: Some(ReceiverNeed::Webhooks),
                purpose: String::from("checks that FreshBooks announces each payment to us"),
            });
        }
        schedules.extend(self.expense.schedule());
        schedules.extend(self.financial.schedules());
        schedules.extend(self.events.schedule());
        schedules.extend(self.reference.schedules());
        schedules
    }

    /// SAP Concur's scopes for lists, quick expenses and the workflow of reports, as far as these
    /// settings use them (sources: concur-list-items, concur-quick-expense,
    /// concur-expense-workflows).
    #[must_use]
    pub fn concur_scopes(&self) -> Vec<&'static str> {
        let mut scopes = self.reference.concur_scopes();
        let expense = Some(&self.expense).filter(|expense| expense.enabled);
        if expense.is_some_and(|expense| expense.form == ExpenseForm::QuickExpense) {
            scopes.push("quickexpense.writeonly");
        }
        if expense.is_some_and(|expense| expense.workflow > Workflow::Leave) {
            scopes.push("expense.report.workflowstatus.write");
        }
        scopes
    }

    /// When a schedule's run is to be started next, where its last start was at `last`: the first
    /// day and time of the settings that is later, else its interval later. May have passed.
    #[must_use]
    pub fn next_start(&self, schedule: &Schedule, last: Instant) -> Instant {
        let is_queue = schedule.object.kind == FINANCIAL_QUEUE;
        match &self.financial.schedule {
            Some(calendar) if is_queue => calendar.next_after(last),
            _ => {
                let interval = schedule.interval_s.max(1).saturating_mul(1_000);
                last.saturating_add(interval)
            }
        }
    }

    fn read(connection: &str, reader: &mut Reader) -> Self {
        let mut freshbooks = reader.table("freshbooks", FreshBooks::read);
        let financial = reader.table("financial", |table| {
            Financial::read(table, &freshbooks.account_id)
        });
        let confirms_payments = reader.table("payments", |table| table.flag("confirm", false));
        let expense = reader.table("expense", Expense::read);
        let reference = reader.table("reference", |table| {
            Reference::read(table, financial.business_uuid.is_some())
        });
        if freshbooks.scopes.is_empty() {
            let payments: &[&str] = if confirms_payments {
                &[PAYMENTS_SCOPE]
            } else {
                &[]
            };
            let of_financial = financial.scopes();
            let of_reference = reference.scopes();
            let scopes = [
                &[SCOPES],
                of_financial.as_slice(),
                payments,
                expense.scopes(),
                of_reference.as_slice(),
            ];
            freshbooks.scopes = joined(&scopes.concat());
        }
        check_scopes(reader, &freshbooks.scopes, &financial);
        check_quick_expenses(reader, &expense, &financial);
        Self {
            connection: String::from(connection),
            version: marker::short_hash(&["settings", &reader.canonical()]),
            freshbooks,
            financial,
            concur: reader.table("concur", Concur::read),
            vendor: reader.table("vendor", Vendor::read),
            payment_request: reader.table("payment_request", PaymentRequest::read),
            invoice: reader.table("invoice", |table| Invoice {
                enabled: table.flag("enabled", true),
                drafts: table.flag("drafts", false),
            }),
            bill_enabled: reader.table("bill", |table| table.flag("enabled", true)),
            confirms_payments,
            expense,
            currencies: reader.texts("currencies", currency).into_iter().collect(),
            countries: reader.map("countries", country_code),
            subdivisions: reader.map("subdivisions", subdivision_code),
            expense_types: reader.table("expense_types", ExpenseTypes::read),
            taxes: reader.map("taxes", anything),
            projects: reader.map("projects", cost_code),
            retry: reader.table("retry", read_retry),
            sweep: reader.table("sweep", |table| Sweep {
                interval_s: table.whole("interval_s", 900, 1..=86_400),
                lookback_days: table.whole("lookback_days", 3, 1..=366),
            }),
            cut_over: reader.optional_day("cut_over"),
            backfill: reader.table("backfill", Backfill::read),
            events: reader.table("events", Events::read),
            reference,
        }
    }
}

/// The scopes as they are written, each once.
fn joined(scopes: &[&str]) -> String {
    let mut once: Vec<&str> = Vec::new();
    for scope in scopes.iter().flat_map(|scopes| scopes.split_whitespace()) {
        if !once.contains(&scope) {
            once.push(scope);
        }
    }
    once.join(" ")
}

/// Scopes that are named by hand must hold what bills and project expenses need: FreshBooks would
/// refuse every one.
fn check_scopes(reader: &mut Reader, scopes: &str, financial: &Financial) {
    let of_bills = (financial.makes_bills(), "financial.invoices = \"bill\"");
    let of_expenses = (
        financial.makes_project_expenses(),
        "financial.project_costs = \"expenses\"",
    );
    let needed = [
        (of_bills, financial::BILL_SCOPES.as_slice()),
        (of_expenses, financial::PROJECT_EXPENSE_SCOPES.as_slice()),
    ];
    for ((_, setting), needed) in needed.iter().filter(|((is_on, _), _)| *is_on) {
        for needed in *needed {
            if !scopes.split_whitespace().any(|scope| scope == *needed) {
                let message = format!(
                    "`{setting}` needs the scope {needed}: add it to `freshbooks.scopes`, enable \
                     it for the FreshBooks app, and run `ml-connector connect freshbooks`"
                );
                reader.problem_at("freshbooks/scopes", "scope-missing", message);
            }
        }
    }
}

/// A quick expense that comes back on an approved report has another id, by which nothing tells
/// that FreshBooks has booked it already.
fn check_quick_expenses(reader: &mut Reader, expense: &Expense, financial: &Financial) {
    let is_quick = expense.enabled && expense.form == ExpenseForm::QuickExpense;
    let comes_back = financial.carries(DocumentType::Expense);
    if is_quick && comes_back && financial.own_expenses == OwnExpenses::LeaveOut {
        let message = "quick expenses that come back on a report cannot be told from others, and \
                       would be booked twice: leave `expense` out of `financial.documents`, or set \
                       `financial.own_expenses = \"post\"` if FreshBooks is to have both";
        reader.problem_at("expense/kind", "wrong-value", String::from(message));
    }
}

#[cfg(test)]
pub(crate) mod tests;
