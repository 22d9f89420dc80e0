//! A connection's mapping and policy, read from JSON text with every problem gathered.

pub mod events;
pub mod financial;
mod reader;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::contract::mapping::Schedule;
use crate::contract::retry::Policy;
use crate::contract::runs::Intent;
use crate::contract::types::{Duration, ObjectRef, Problem, System};
use crate::credentials::App;
use crate::{country, marker, money, retry};
use events::Events;
use financial::Financial;
use reader::Reader;

/// The longest settings text in bytes.
pub const TEXT_BYTES_MAX: usize = 1_048_576;

/// One connection's settings, checked. Every key is explained in `ml-connector.example.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
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
    /// Invoices.
    pub invoice: Invoice,
    /// Whether bills are carried over.
    pub bill_enabled: bool,
    /// Currencies that are carried over, ISO 4217.
    pub currencies: BTreeSet<String>,
    /// Country names as FreshBooks writes them, beside the ISO 3166 ones, to two-letter codes.
    pub countries: BTreeMap<String, String>,
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
    /// How financial documents become journal entries.
    pub financial: Financial,
    /// SAP Concur's events.
    pub events: Events,
}

/// The FreshBooks side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreshBooks {
    /// `account_id`: the key of the accounting and events families.
    pub account_id: String,
    /// `business.id`: the key of the projects family.
    pub business_id: u64,
    /// Our app's client id.
    pub client_id: String,
    /// Our app's redirect URI, exactly as registered.
    pub redirect_uri: String,
    /// Scopes to ask for, separated by spaces.
    pub scopes: String,
}

/// The SAP Concur side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concur {
    /// The company's UUID.
    pub company_id: String,
    /// Our app's client id.
    pub client_id: String,
    /// Base URLs to accept beside SAP's published ones.
    pub extra_bases: Vec<String>,
}

/// Vendors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vendor {
    /// What every vendor code that we make begins with.
    pub code_prefix: String,
    /// The address code of every vendor that we make.
    pub address_code: String,
    /// The country of clients and bill vendors that have none in FreshBooks.
    pub default_country: Option<String>,
}

/// Payment requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRequest {
    /// The owner or policy keys that Concur needs, by field name.
    pub owner: BTreeMap<String, String>,
    /// The custom field of the header that holds our marker.
    pub marker_field: String,
    /// The custom field of an allocation that holds the cost code.
    pub cost_code_field: String,
    /// What to do when nobody can know whether one was created.
    pub ambiguity: Intent,
    /// How long an ambiguous write is left alone before it is looked up.
    pub settle: Duration,
}

/// Invoices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Whether they are carried over.
    pub enabled: bool,
    /// Whether drafts are carried over too, and not only once they are sent.
    pub drafts: bool,
}

/// Expense types of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpenseTypes {
    /// For lines that nothing else matches; without it such lines park the document.
    pub default: Option<String>,
    /// By the name of an invoice line.
    pub by_item: BTreeMap<String, String>,
    /// By the expense category id of a bill line.
    pub by_category: BTreeMap<String, String>,
}

/// The sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// Seconds between two sweeps of a kind.
    pub interval_s: u64,
    /// Days that a sweep looks back.
    pub lookback_days: u64,
}

/// FreshBooks scopes that the flows need.
const SCOPES: &str = "user:profile:read user:clients:read user:invoices:read user:bills:read \
                      user:bill_vendors:read user:projects:read user:taxes:read";

impl Settings {
    /// Reads settings.
    ///
    /// # Errors
    ///
    /// Every problem, with the JSON Pointer of its place; never an empty list.
    pub fn load(json: &str) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(json)?;
        let settings = Self::read(&mut reader);
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
        let (client_id, scope) = match system {
            System::Freshbooks => (&self.freshbooks.client_id, self.freshbooks.scopes.as_str()),
            System::Concur => (&self.concur.client_id, ""),
        };
        App {
            client_id,
            redirect_uri: &self.freshbooks.redirect_uri,
            company_id: &self.concur.company_id,
            scope,
            extra_bases: &self.concur.extra_bases,
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

    /// What is to be started on a schedule: sweeps, and the checks of the webhook registrations and
    /// of the event subscription.
    #[must_use]
    pub fn schedules(&self) -> Vec<Schedule> {
        const REGISTRATION_INTERVAL_S: u64 = 3_600;
        let mut schedules = Vec::new();
        let flows = [
            ("invoice", self.invoice.enabled),
            ("bill", self.bill_enabled),
        ];
        for (noun, _) in flows.into_iter().filter(|(_, enabled)| *enabled) {
            schedules.push(Schedule {
                object: own("callback", noun),
                interval_s: REGISTRATION_INTERVAL_S,
                purpose: format!("checks that FreshBooks announces each {noun} to us"),
            });
            schedules.push(Schedule {
                object: own("sweep", noun),
                interval_s: self.sweep.interval_s,
                purpose: format!("looks for each {noun} whose webhook was missed"),
            });
        }
        schedules.extend(self.financial.schedules());
        schedules.extend(self.events.schedule());
        schedules
    }

    fn read(reader: &mut Reader) -> Self {
        let mut freshbooks = reader.table("freshbooks", FreshBooks::read);
        let financial = reader.table("financial", |table| {
            Financial::read(table, &freshbooks.account_id)
        });
        if freshbooks.scopes.is_empty() {
            freshbooks.scopes = format!("{SCOPES}{}", financial.scopes());
        }
        Self {
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
            currencies: reader.texts("currencies", currency).into_iter().collect(),
            countries: reader.map("countries", country_code),
            expense_types: reader.table("expense_types", ExpenseTypes::read),
            taxes: reader.map("taxes", anything),
            projects: reader.map("projects", cost_code),
            retry: reader.table("retry", read_retry),
            sweep: reader.table("sweep", |table| Sweep {
                interval_s: table.whole("interval_s", 900, 1..=86_400),
                lookback_days: table.whole("lookback_days", 3, 1..=366),
            }),
            events: reader.table("events", Events::read),
        }
    }
}

impl FreshBooks {
    fn read(table: &mut Reader) -> Self {
        // The host's own keys.
        table.skip(&["base", "consent_base"]);
        Self {
            account_id: table.text("account_id"),
            business_id: table.whole("business_id", 0, 1..=u64::MAX),
            client_id: table.text("client_id"),
            redirect_uri: table.text("redirect_uri"),
            scopes: table.optional_text("scopes").unwrap_or_default(),
        }
    }
}

impl Concur {
    fn read(table: &mut Reader) -> Self {
        table.skip(&["token_base"]);
        Self {
            company_id: table.text("company_id"),
            client_id: table.text("client_id"),
            extra_bases: table.texts("extra_bases", anything),
        }
    }
}

impl Vendor {
    fn read(table: &mut Reader) -> Self {
        Self {
            code_prefix: table.checked_or("code_prefix", "FB-", |prefix| {
                (prefix.chars().count() <= 12)
                    .then_some(())
                    .ok_or("at most 12 characters")
            }),
            address_code: table.checked_or("address_code", "MAIN", code32),
            default_country: table.optional_checked("default_country", country_code),
        }
    }
}

impl PaymentRequest {
    /// Settings keys of the owner and Concur's fields for them. (Concur docs, payment request.)
    const OWNERS: [(&str, &str); 5] = [
        ("employee_login_id", "EmployeeLoginId"),
        ("employee_id", "EmployeeId"),
        ("employee_email", "EmployeeEmailAddress"),
        ("ledger_code", "LedgerCode"),
        ("policy_id", "ExternalPolicyId"),
    ];

    fn read(table: &mut Reader) -> Self {
        const SETTLE_S: u64 = 1_800;
        let owner = Self::read_owner(table);
        let ambiguity = match table.choice("ambiguity", &["park", "resend"]) {
            "resend" => Intent::LookUpThenResend,
            _ => Intent::LookUpThenPark,
        };
        Self {
            owner,
            marker_field: table.checked_or("marker_field", "Custom24", |name| custom(name, 24)),
            cost_code_field: table
                .checked_or("cost_code_field", "Custom1", |name| custom(name, 20)),
            ambiguity,
            settle: table.whole("settle_s", SETTLE_S, 1..=86_400) * 1_000,
        }
    }

    fn read_owner(table: &mut Reader) -> BTreeMap<String, String> {
        let mut owner = BTreeMap::new();
        for (key, field) in Self::OWNERS {
            if let Some(value) = table.optional_text(key) {
                owner.insert(field.to_string(), value);
            }
        }
        if owner.is_empty() {
            let keys: Vec<_> = Self::OWNERS.iter().map(|(key, _)| *key).collect();
            table.problem(
                "owner-missing",
                format!(
                    "set at least one of {}: SAP Concur must know whose payment request it is",
                    keys.join(", ")
                ),
            );
        }
        owner
    }
}

impl ExpenseTypes {
    fn read(table: &mut Reader) -> Self {
        Self {
            default: table.optional_text("default"),
            by_item: table.map("by_item", anything),
            by_category: table.map("by_category", anything),
        }
    }
}

fn read_retry(table: &mut Reader) -> Policy {
    let default = retry::default_policy();
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Policy {
        retries_max: small(table.whole("retries_max", u64::from(default.retries_max), 0..=20)),
        delay_first: table.whole("delay_first_s", default.delay_first / 1_000, 1..=86_400) * 1_000,
        factor: small(table.whole("factor", u64::from(default.factor), 1..=10)),
        delay_max: table.whole("delay_max_s", default.delay_max / 1_000, 1..=604_800) * 1_000,
        jitter_permille: small(table.whole(
            "jitter_permille",
            u64::from(default.jitter_permille),
            0..=1_000,
        )),
    }
}

fn own(kind: &str, id: &str) -> ObjectRef {
    ObjectRef {
        system: System::Freshbooks,
        kind: kind.to_string(),
        id: id.to_string(),
    }
}

type Check = Result<(), &'static str>;

fn anything(_: &str) -> Check {
    Ok(())
}

fn currency(code: &str) -> Check {
    money::minor_units(code)
        .map(drop)
        .ok_or("an ISO 4217 currency code such as \"EUR\"")
}

fn country_code(code: &str) -> Check {
    country::is_code(code)
        .then_some(())
        .ok_or("a two-letter ISO 3166 country code such as \"CA\"")
}

// A hyphen separates the levels of a list item's long code. (Concur docs, list items.)
fn cost_code(code: &str) -> Check {
    (!code.is_empty() && code.chars().count() <= 32 && !code.contains('-'))
        .then_some(())
        .ok_or("a cost code of 1 to 32 characters without a hyphen")
}

fn code32(code: &str) -> Check {
    (!code.is_empty() && code.chars().count() <= 32)
        .then_some(())
        .ok_or("1 to 32 characters")
}

fn custom(name: &str, max: u32) -> Check {
    let number = name
        .strip_prefix("Custom")
        .and_then(|digits| digits.parse::<u32>().ok());
    number
        .filter(|number| (1..=max).contains(number) && *name == format!("Custom{number}"))
        .map(drop)
        .ok_or("a custom field such as \"Custom24\" (headers have 1 to 24, allocations 1 to 20)")
}

#[cfg(test)]
pub(crate) mod tests;
