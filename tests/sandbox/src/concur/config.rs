//! What a Concur company is like, and the switches for what its documentation leaves open.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::events::config::EventConfig;
use super::expense::config::ExpenseConfig;
use super::financial::FinancialConfig;
use super::identity::config::IdentityConfig;
use super::invoice::config::PaymentRequestConfig;
use super::invoice::payment_confirmations::config::PaymentConfirmationConfig;
use super::lists::config::ListConfig;
use super::users::{User, default_users};

/// The name of the host that serves token requests for every datacenter, and nothing else.
pub(crate) const LANDING_ZONE: &str = "glz";

/// The account that invoice lines of an expense type are posted to.
pub(crate) fn account_of_expense_type(expense_type: &str) -> &'static str {
    match expense_type {
        "PROFS" => "6450",
        "TRVL" => "6600",
        _ => "6400",
    }
}

/// The company, its datacenters and every switch. `docs/sources.md` explains the section names in
/// parentheses.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConcurConfig {
    /// Hosts by name: `glz` and the datacenters.
    pub hosts: BTreeMap<String, Host>,
    /// The datacenter where the company lives; [`crate::Concur::move_company`] changes it.
    pub datacenter: String,
    /// The company's UUID: the user name that goes with a company request token.
    pub company_uuid: String,
    /// Apps registered for the company; actions of people use the first one.
    pub apps: Vec<App>,
    /// Users who may log on by password, and employees that payment requests name.
    pub employees: Vec<Employee>,
    /// The people of the company, as Identity lists them.
    pub users: Vec<User>,
    /// Names that payment requests may use: expense types.
    pub expense_types: BTreeMap<String, String>,
    /// Names that payment requests may use: ledgers.
    pub ledgers: BTreeMap<String, String>,
    /// Codes a custom field of an allocation may have, by field name such as `Custom1`; fields not
    /// named take any.
    pub allocation_lists: BTreeMap<String, BTreeSet<String>>,
    /// Codes a custom field of a vendor may have, by field name; fields not named take any.
    pub vendor_lists: BTreeMap<String, BTreeSet<String>>,
    /// How the token endpoint answers.
    pub token: TokenConfig,
    /// How the gateway in front of the APIs refuses calls.
    pub gateway: GatewayConfig,
    /// How Vendor v3.1 answers.
    pub vendors: VendorConfig,
    /// Payment requests and digests.
    pub payment_requests: PaymentRequestConfig,
    /// Payments of payment requests, confirmed and fetched.
    pub payment_confirmations: PaymentConfirmationConfig,
    /// Lists and their items.
    pub lists: ListConfig,
    /// How Identity v4 and v4.1 answer.
    pub identity: IdentityConfig,
    /// The queue of financial documents, and how they are written.
    pub financial: FinancialConfig,
    /// The Event Subscription Service.
    pub events: EventConfig,
    /// Expense reports, entries and quick expenses.
    pub expense: ExpenseConfig,
}

/// One host of the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The authority that requests name, with a port if it has one. Case does not matter.
    pub authority: String,
    /// The base URL that `geolocation` and object URIs begin with.
    pub base_url: String,
}

/// An app of the OAuth management tool.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// The client id that token requests name.
    pub client_id: String,
    /// Its secrets; more than one while they rotate.
    pub client_secrets: Vec<String>,
    /// Scopes it is granted.
    pub scopes: Vec<String>,
    /// Grants it may not use.
    #[serde(default)]
    pub refused_grants: Vec<String>,
    /// The company has not enabled the app: code 53.
    #[serde(default)]
    pub not_enabled: bool,
    /// The client is disabled: code 59.
    #[serde(default)]
    pub disabled: bool,
}

/// A user of the company.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Employee {
    /// The login, in the form of an e-mail address.
    pub login_id: String,
    /// The employee number, such as `E-17`; payment requests may name their owner by it.
    pub employee_id: String,
    /// The work e-mail address.
    pub email: String,
    /// The password, if the user may log on with one.
    #[serde(default)]
    pub password: Option<String>,
}

/// How the token endpoint behaves where the docs leave room.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenConfig {
    /// Seconds an access token lives. Default: 3600.
    pub access_life_s: u64,
    /// Seconds a refresh token lives after its last use. Default: 180 days.
    pub refresh_life_s: u64,
    /// `expires_in` is a number; the reference pages show a string (success body). Default: false.
    pub expires_in_number: bool,
    /// How `refresh_expires_in` is written (success body; not in the reference table). Default:
    /// number.
    pub refresh_expires_in: RefreshExpiresIn,
    /// What happens to a refresh token when it is used (lifecycle). Default: same.
    pub refresh: RefreshMode,
    /// A refresh at a datacenter where the company does not live is refused with 108 (wrong
    /// datacenter; open). Default: false.
    pub refresh_refused_elsewhere: bool,
    /// How `geolocation` is written (geolocation). Default: plain.
    pub geolocation: Geolocation,
    /// Every refusal is HTTP 400 (errors; statuses are not published). Default: false.
    pub all_errors_400: bool,
    /// The company is under maintenance: code 134 (errors). Default: false.
    pub maintenance: bool,
}

/// How `refresh_expires_in` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshExpiresIn {
    /// A number: the instant as seconds since the Unix epoch.
    Number,
    /// The same in quotes.
    Quoted,
    /// The member is left out.
    Missing,
}

/// What becomes of a refresh token that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshMode {
    /// It stays the same and lives longer.
    Same,
    /// A new one is issued and the old one works on.
    RotateWithOverlap,
    /// A new one is issued and the old one is dead.
    RotateStrict,
}

/// How `geolocation` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Geolocation {
    /// The base URL, such as `https://us2.api.concursolutions.com`.
    Plain,
    /// With `/oauth2/v0/token` behind it, as in one sample.
    WithPath,
    /// The host in upper case, as in one sample.
    UpperCase,
    /// A host that is none of Concur's.
    OffTheList,
}

/// How the gateway in front of the APIs behaves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// The status for a missing, unknown or expired token is 401 (401 versus 403). Default: false,
    /// that is 403.
    pub unauthenticated_401: bool,
    /// That answer has no body (401 versus 403). Default: false.
    pub unauthenticated_empty: bool,
    /// The envelope of v3 errors (v3 conventions). Default: documented.
    pub error_envelope: ErrorEnvelope,
    /// Answers carry no `concur-correlationid` (correlation; absent on some legacy APIs). Default:
    /// false.
    pub no_correlation_id: bool,
}

/// The three envelopes of v3 errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorEnvelope {
    /// `{"Error": {"Message", "Server-Time", "Id"}}`.
    Documented,
    /// `{"Message", "Details"}`, the details always null.
    MessageDetails,
    /// `{"Message"}` and nothing else.
    Message,
}

/// How vendors behave where the docs leave room.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VendorConfig {
    /// POST of an existing key updates it instead of refusing the record (vendor behaviour; open).
    /// Default: false.
    pub post_updates: bool,
    /// PUT of an unknown key creates it instead of refusing the record (vendor behaviour; open).
    /// Default: false.
    pub put_creates: bool,
    /// PUT empties the fields that are not sent (open). Default: false.
    pub put_blanks: bool,
    /// `Type` of a refused record's status (vendor fields; only WARNING was seen). Default:
    /// WARNING.
    pub refused_type: String,
    /// Every filter of a look-up is ignored, and every vendor is listed (vendor behaviour; unknown
    /// filters are ignored). Default: false.
    pub filters_ignored: bool,
}

impl Default for ConcurConfig {
    fn default() -> Self {
        let codes = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(code, name)| (code.to_string(), name.to_string()))
                .collect()
        };
        Self {
            hosts: ["glz", "us2", "eu2"]
                .into_iter()
                .map(|name| (name.to_owned(), Host::published(name)))
                .collect(),
            datacenter: "us2".into(),
            company_uuid: "7c0b6d5e-8f3a-4c21-9f6b-2d1e0a9b8c7d".into(),
            apps: vec![App::default()],
            employees: vec![Employee::default()],
            users: default_users(),
            expense_types: codes(&[
                ("OFFSP", "Office Supplies"),
                ("PROFS", "Professional Services"),
                ("TRVL", "Travel"),
            ]),
            ledgers: codes(&[("DEFAULT", "Default Ledger")]),
            allocation_lists: BTreeMap::new(),
            vendor_lists: BTreeMap::new(),
            token: TokenConfig::default(),
            gateway: GatewayConfig::default(),
            vendors: VendorConfig::default(),
            payment_requests: PaymentRequestConfig::default(),
            payment_confirmations: PaymentConfirmationConfig::default(),
            lists: ListConfig::default(),
            identity: IdentityConfig::default(),
            financial: FinancialConfig::default(),
            events: EventConfig::default(),
            expense: ExpenseConfig::default(),
        }
    }
}

impl Host {
    /// The host as published, such as `us2.api.concursolutions.com`.
    pub fn published(name: &str) -> Self {
        let authority = format!("{name}.api.concursolutions.com");
        let base_url = format!("https://{authority}");
        Self {
            authority,
            base_url,
        }
    }
}

impl Default for App {
    fn default() -> Self {
        let scopes = "openid INVVEN INVPMT FISVC EXPRPT events.topic.read spend.list.read \
            spend.list.write spend.list.delete spend.listitem.read spend.listitem.write \
            spend.listitem.delete identity.user.ids.read identity.user.core.read \
            identity.user.coresensitive.read identity.user.enterprise.read \
            invoice.paymentconfirmation.read invoice.paymentconfirmation.write \
            expense.report.read expense.report.readwrite \
            expense.report.workflowstatus.write expense.config.policies.restricted.read \
            expense.config.expensetypes.restricted.read \
            expense.config.paymenttypes.restricted.read expense.config.groups.restricted.read \
            quickexpense.writeonly user.read";
        Self {
            client_id: "5b1c9c0e-3c57-4a15-9d9e-0f0b7c1e2a33".into(),
            client_secrets: vec!["sandbox-concur-secret".into()],
            scopes: scopes.split(' ').map(str::to_owned).collect(),
            refused_grants: Vec::new(),
            not_enabled: false,
            disabled: false,
        }
    }
}

impl Default for Employee {
    fn default() -> Self {
        Self {
            login_id: "ap.clerk@example.test".into(),
            employee_id: "E-17".into(),
            email: "ap.clerk@example.test".into(),
            password: Some("sandbox-password".into()),
        }
    }
}

impl Default for TokenConfig {
    fn default() -> Self {
        Self {
            access_life_s: 3600,
            refresh_life_s: 180 * 86_400,
            expires_in_number: false,
            refresh_expires_in: RefreshExpiresIn::Number,
            refresh: RefreshMode::Same,
            refresh_refused_elsewhere: false,
            geolocation: Geolocation::Plain,
            all_errors_400: false,
            maintenance: false,
        }
    }
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            unauthenticated_401: false,
            unauthenticated_empty: false,
            error_envelope: ErrorEnvelope::Documented,
            no_correlation_id: false,
        }
    }
}

impl Default for VendorConfig {
    fn default() -> Self {
        Self {
            post_updates: false,
            put_creates: false,
            put_blanks: false,
            refused_type: "WARNING".into(),
            filters_ignored: false,
        }
    }
}
