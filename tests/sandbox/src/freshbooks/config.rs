//! What a FreshBooks account is like, and the switches for what its documentation leaves open.

use serde::{Deserialize, Serialize};

use super::expense_config::ExpenseConfig;
use super::ledger::config::LedgerConfig;
use super::staff::{StaffMember, default_staff};
use crate::money::Currency;

/// The account, the registered apps and every switch. `docs/sources.md` explains the section names
/// in parentheses.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FreshBooksConfig {
    /// The account id that accounting and events paths take.
    pub account_id: String,
    /// The number that projects paths take.
    pub business_id: u64,
    /// The business' UUID, which the newer ledger paths take.
    pub business_uuid: String,
    /// The identity of the account's owner.
    pub identity_id: u64,
    /// The owner's business, as `users/me` names it.
    pub business_name: String,
    /// The currency a new client or invoice has when none is given.
    pub currency: String,
    /// The apps registered in the developer portal.
    pub apps: Vec<App>,
    /// Expense categories at the beginning; expenses and bill lines name one by its id.
    pub categories: Vec<Category>,
    /// The people whose expenses the account has, the owner first.
    pub staff: Vec<StaffMember>,
    /// `business.account_id` is null and only `roles[].accountid` names the account (identity).
    /// Default: false.
    pub null_account_id: bool,
    /// Seconds an access token lives (OAuth). Default: 43200.
    pub access_token_life_s: u64,
    /// A refresh kills the access token issued before (OAuth; not stated). Default: false.
    pub refresh_kills_access_token: bool,
    /// A refreshed pair carries the first pair's `created_at` (OAuth; observed once). Default:
    /// false.
    pub refresh_keeps_created_at: bool,
    /// `redirect_uri` is compulsory on refresh (OAuth; not stated). Default: false.
    pub refresh_needs_redirect_uri: bool,
    /// Consent and code exchange take any redirect URI, also `http://` ones: for demos. Default:
    /// false.
    pub any_redirect_uri: bool,
    /// Features the plan lacks: their calls answer E1 with HTTP 200 (errors). Default: none.
    pub missing_features: Vec<Feature>,
    /// E1 carries one error object instead of an array (errors; seen in SDK code paths). Default:
    /// false.
    pub errors_as_object: bool,
    /// Successful answers carry a `Retry-After` of this many seconds (rate limits; recorded).
    /// Default: none.
    pub retry_after_on_success_s: Option<u64>,
    /// `total` of lists exceeds the rows that the caller may read by this many (pages; observed).
    /// Default: 0.
    pub hidden_rows: u64,
    /// Lists begin with the newest row (sort; not stated). Default: true.
    pub newest_first: bool,
    /// `*_max` filters include their day (filters; less than in the docs, or equal in an SDK).
    /// Default: false.
    pub max_filter_inclusive: bool,
    /// A single invoice has `lines` only when they are included (includes; lists do). Default:
    /// false.
    pub single_invoice_needs_include: bool,
    /// A single bill has `lines` and `vendor` only when they are included (bills; a model of an SDK
    /// says so of lines, another SDK's sample has both without saying how it was asked). Default:
    /// true.
    pub single_bill_needs_include: bool,
    /// A bill has no `vendorid`, only that of its `vendor` (bills; samples differ). Default: false.
    pub bill_without_vendorid: bool,
    /// A bill line has no `categoryid`, only that of its `category`, which is an object then
    /// (bills; samples differ). Default: false.
    pub bill_line_without_categoryid: bool,
    /// The `vendor` of a bill is its id and name alone (bills; not stated). Default: false.
    pub brief_bill_vendor: bool,
    /// Amounts are rounded to the currency's own digits, none for JPY and three for KWD, instead of
    /// two (invoices; not stated, every sample has two). Default: false.
    pub amounts_by_currency: bool,
    /// `discount_total` is written as a negative amount (invoices; not stated). Default: true.
    pub negative_discount_total: bool,
    /// A second invoice or bill with a number in use is accepted, not refused with 1029 (invoices;
    /// inferred). Default: false.
    pub duplicate_numbers_allowed: bool,
    /// Characters beyond the basic plane, emoji among them, are refused with 1036 (errno table;
    /// open). Default: false.
    pub refuse_astral: bool,
    /// Lists of bills have their lines, numbers and payments (bills; recorded ones have neither
    /// lines nor numbers). Default: false.
    pub bill_lists_are_full: bool,
    /// Where the taxes of a bill are rounded (bills; not stated). Default: each line.
    pub bill_tax_rounding: TaxRounding,
    /// Texts that were never written are null instead of empty: address, notes, numbers (clients,
    /// invoices, bill vendors, taxes, expenses; samples have both). Default: false.
    pub unwritten_texts_null: bool,
    /// A tax that an invoice line or an expense does not have is named "" instead of null
    /// (invoices; samples differ). Default: false.
    pub absent_tax_names_empty: bool,
    /// A bill line's `category` is an object instead of a string (bills; sources differ). Default:
    /// false.
    pub bill_category_as_object: bool,
    /// Bill vendor stamps are US Eastern instead of UTC (time zones; sources conflict). Default:
    /// false.
    pub bill_vendor_stamps_eastern: bool,
    /// What archiving (vis_state 2) raises (events; not stated). Default: update.
    pub archive_event: ArchiveEvent,
    /// What a payment of an invoice leaves on the invoice beside its status (events; not stated).
    /// Default: event.
    pub invoice_payment_trace: PaymentTrace,
    /// What a payment of a bill leaves on the bill beside its status (events; open). Default: none.
    pub bill_payment_trace: PaymentTrace,
    /// Expenses, their categories and receipts.
    pub expenses: ExpenseConfig,
    /// How callbacks are delivered.
    pub webhooks: WebhookConfig,
    /// Accounts and journal entries.
    pub ledger: LedgerConfig,
}

/// An app of the developer portal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// The client id that consent and token requests name.
    pub client_id: String,
    /// The client secret, sent in the body or as HTTP Basic credentials.
    pub client_secret: String,
    /// Registered redirect URIs: https, or http of 127.0.0.1 with a port, which FreshBooks itself
    /// refuses; without a query, matched exactly.
    pub redirect_uris: Vec<String>,
    /// Scopes the app may ask for; empty means every documented one.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// An expense category, which expenses and bill lines name by its id.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// The `categoryid` of bill lines.
    pub id: u64,
    /// The name that people see, such as `Office Supplies & Postage`.
    pub name: String,
    /// The category above it.
    #[serde(default)]
    pub parent: Option<u64>,
    /// Its expenses are costs of goods sold.
    #[serde(default)]
    pub is_cogs: bool,
    /// The number of the sub-account that its expenses are booked to; without one, the first for
    /// operating expenses.
    #[serde(default)]
    pub account: Option<String>,
}

/// What a payment leaves on its document beside the status and what is outstanding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentTrace {
    /// Nothing: neither the stamp moves nor is there an event.
    None,
    /// The document's stamp of the last update moves.
    Stamp,
    /// The stamp moves, and the document's `.update` is raised.
    Event,
}

/// A feature that a plan may lack, with the errno of calls that need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Bills, whose calls answer errno 41001.
    Bills,
    /// Bill vendors, whose calls answer errno 31001.
    BillVendors,
    /// Bill payments, whose calls answer errno 41101.
    BillPayments,
}

/// Where taxes are rounded to the currency's smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxRounding {
    /// Each tax of each line, and then their sum.
    #[default]
    Line,
    /// Each tax of the whole document, once.
    Document,
}

/// Which event an archived object raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveEvent {
    /// `.update`, like any other change.
    Update,
    /// `.delete`, like a deletion.
    Delete,
    /// Archiving raises no event.
    Silent,
}

/// How callbacks are signed, delivered, repeated and given up. None of the numbers is documented.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// The field order of deliveries (delivery). Default: current.
    pub field_order: FieldOrder,
    /// The handshake's `name` is the event registered for, not `callback.verify` (handshake;
    /// sources differ). Default: false.
    pub handshake_names_event: bool,
    /// Handshakes carry no signature (handshake; receivers that take them so, against a sample that
    /// reads the header). Default: false.
    pub unsigned_handshakes: bool,
    /// `updated_at` of callbacks has a blank and is US Eastern, as in one SDK's sample, instead of
    /// ISO with `Z`, as in two others' (time zones; sources differ). Default: false.
    pub callback_stamps_eastern: bool,
    /// Callbacks have no `id`, only `callbackid` (callbacks; samples differ). Default: false.
    pub callbacks_without_id: bool,
    /// A resend makes a new verifier (handshake; open). Default: false.
    pub resend_makes_new_verifier: bool,
    /// Milliseconds between a change and its first delivery. Default: 0.
    pub delay_ms: u64,
    /// Seconds after which a failed delivery is tried again, one entry per retry. Default: 60, 300,
    /// 1500.
    pub retry_after_s: Vec<u64>,
    /// Deliveries given up in a row that disable a callback; 0 means never. Default: 10.
    pub disable_after_drops: u32,
    /// Share of deliveries sent twice. Default: 0.
    pub duplicate_per_mille: u16,
    /// Share of deliveries held back, so that later ones overtake them. Default: 0.
    pub disorder_per_mille: u16,
    /// The longest such hold, in milliseconds. Default: 30000.
    pub disorder_ms: u64,
    /// Share of deliveries that never happen. Default: 0.
    pub drop_per_mille: u16,
    /// No delivery happens at all, handshakes aside. Default: false.
    pub silent: bool,
}

/// The order of a delivery's form fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldOrder {
    /// `name, object_id, account_id, business_id, identity_id, user_id`.
    Current,
    /// `name, object_id, user_id, account_id`.
    Older,
}

impl FreshBooksConfig {
    /// How many digits behind the point amounts in a currency are rounded to.
    pub(crate) fn digits(&self, currency: Currency) -> u32 {
        if self.amounts_by_currency {
            currency.minor_digits()
        } else {
            2
        }
    }
}

impl Default for FreshBooksConfig {
    fn default() -> Self {
        Self {
            account_id: "zQ7pLm".into(),
            business_id: 8_812_345,
            business_uuid: "3f2c5f0e-4b7a-4d57-9a5e-6a1f2b3c4d5e".into(),
            identity_id: 5_520_071,
            business_name: "Roe GmbH".into(),
            currency: "EUR".into(),
            apps: vec![App::default()],
            categories: default_categories(),
            staff: default_staff(),
            null_account_id: false,
            access_token_life_s: 43_200,
            refresh_kills_access_token: false,
            refresh_keeps_created_at: false,
            refresh_needs_redirect_uri: false,
            any_redirect_uri: false,
            missing_features: Vec::new(),
            errors_as_object: false,
            retry_after_on_success_s: None,
            hidden_rows: 0,
            newest_first: true,
            max_filter_inclusive: false,
            single_invoice_needs_include: false,
            single_bill_needs_include: true,
            bill_without_vendorid: false,
            bill_line_without_categoryid: false,
            brief_bill_vendor: false,
            amounts_by_currency: false,
            negative_discount_total: true,
            duplicate_numbers_allowed: false,
            refuse_astral: false,
            bill_lists_are_full: false,
            bill_tax_rounding: TaxRounding::Line,
            unwritten_texts_null: false,
            absent_tax_names_empty: false,
            bill_category_as_object: false,
            bill_vendor_stamps_eastern: false,
            archive_event: ArchiveEvent::Update,
            invoice_payment_trace: PaymentTrace::Event,
            bill_payment_trace: PaymentTrace::None,
            expenses: ExpenseConfig::default(),
            webhooks: WebhookConfig::default(),
            ledger: LedgerConfig::default(),
        }
    }
}

impl Default for App {
    fn default() -> Self {
        Self {
            client_id: "sandbox-freshbooks-client".into(),
            client_secret: "sandbox-freshbooks-secret".into(),
            redirect_uris: vec!["https://connector.example.test/oauth/freshbooks".into()],
            scopes: Vec::new(),
        }
    }
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            field_order: FieldOrder::Current,
            handshake_names_event: false,
            unsigned_handshakes: false,
            callback_stamps_eastern: false,
            callbacks_without_id: false,
            resend_makes_new_verifier: false,
            delay_ms: 0,
            retry_after_s: vec![60, 300, 1500],
            disable_after_drops: 10,
            duplicate_per_mille: 0,
            disorder_per_mille: 0,
            disorder_ms: 30_000,
            drop_per_mille: 0,
            silent: false,
        }
    }
}

fn default_categories() -> Vec<Category> {
    let category = |id, name: &str, parent, account: &str| Category {
        id,
        name: name.into(),
        parent,
        is_cogs: false,
        account: Some(account.into()),
    };
    vec![
        category(3340, "Advertising", None, "6000-1"),
        category(3341, "Office Supplies & Postage", None, "6400-1"),
        category(3342, "Professional Services", None, "6450-2"),
        category(3344, "Travel", None, "6600-3"),
        category(3345, "Hotels / Lodging", Some(3344), "6100-1"),
        category(3346, "Utilities", None, "6800-1"),
    ]
}
