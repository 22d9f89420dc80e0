//! Clients: those the account bills (source: freshbooks-clients).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use crate::calendar::{eastern_stamp, utc_stamp};
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::errors::ApiError;
use crate::freshbooks::api::fields::{Fields, SparseFields, read_currency};
use crate::freshbooks::api::listing::SearchFilters;
use crate::freshbooks::api::resource::{Resource, RowHead, ViewContext};
use crate::http::Millis;
use crate::money::{Currency, Money};
use crate::sparse_fields::WrittenFields;

const TEXTS: &[&str] = &[
    "organization",
    "fname",
    "lname",
    "email",
    "language",
    "p_street",
    "p_street2",
    "p_city",
    "p_province",
    "p_code",
    "p_country",
    "s_street",
    "s_street2",
    "s_city",
    "s_province",
    "s_code",
    "s_country",
    "bus_phone",
    "mob_phone",
    "home_phone",
    "fax",
    "note",
    "vat_name",
    "vat_number",
    "company_industry",
    "company_size",
];

/// A client: somebody the account sells to.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) head: RowHead,
    pub(crate) texts: SparseFields,
    pub(crate) currency: Currency,
}

/// A client as it is written.
#[derive(Serialize)]
pub(crate) struct ClientView<'a> {
    id: u64,
    userid: u64,
    accounting_systemid: &'a str,
    #[serde(flatten)]
    texts: WrittenFields<'a>,
    currency_code: &'a str,
    allow_late_fees: bool,
    allow_late_notifications: bool,
    allow_email_include_pdf: bool,
    pref_email: bool,
    pref_gmail: bool,
    num_logins: u32,
    level: u32,
    role: &'static str,
    username: String,
    uuid: String,
    subdomain: Option<&'a str>,
    signup_date: String,
    updated: String,
    last_activity: Option<String>,
    last_login: Option<String>,
    statement_token: Option<String>,
    direct_link_token: Option<String>,
    has_retainer: Option<bool>,
    retainer_id: Option<u64>,
    notified: bool,
    vis_state: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    outstanding_balance: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contacts: Option<[u64; 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    late_reminders: Option<[u64; 0]>,
}

impl Resource for Client {
    const ONE: &'static str = "client";
    const MANY: &'static str = "clients";
    const ID_FIELD: &'static str = "userid";
    const SCOPE: &'static str = "clients";
    type View<'a> = ClientView<'a>;

    fn create(machine: &mut FreshBooks, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        let mut texts = SparseFields::new(TEXTS);
        texts.write_fields(fields, Self::ONE)?;
        let named = ["organization", "fname", "lname", "email"]
            .iter()
            .any(|name| !texts.get(name).is_empty());
        if !named {
            return Err(ApiError::required(Self::ONE, "email"));
        }
        if texts.get("organization").is_empty()
            && texts.get("fname").is_empty()
            && texts.get("lname").is_empty()
        {
            let email = texts.get("email").to_owned();
            texts.set("organization", &email);
        }
        if texts.get("language").is_empty() {
            texts.set("language", "en");
        }
        let currency = match fields.get("currency_code") {
            Some(value) => read_currency(value, Self::ONE, "currency_code")?,
            None => machine.default_currency(),
        };
        let client = Self {
            head: RowHead::draft(now),
            texts,
            currency,
        };
        Ok(machine.clients.insert_new(client))
    }

    fn apply(&mut self, _: &FreshBooks, fields: &Fields) -> Result<(), ApiError> {
        if let Some(value) = fields.get("currency_code") {
            self.currency = read_currency(value, Self::ONE, "currency_code")?;
        }
        self.texts.write_fields(fields, Self::ONE)
    }

    fn matches(&self, search: &SearchFilters, showing: &ViewContext) -> bool {
        let like = |key: &str, field: &str| {
            let lower = self.texts.get(field).to_lowercase();
            search
                .value(key)
                .is_none_or(|part| lower.contains(&part.to_lowercase()))
        };
        let inclusive = showing.config().max_filter_inclusive;
        search.id_passes("userid", "userids", self.head.id)
            && search
                .value("email")
                .is_none_or(|email| email.eq_ignore_ascii_case(self.texts.get("email")))
            && like("fname_like", "fname")
            && like("lname_like", "lname")
            && like("organization_like", "organization")
            && like("email_like", "email")
            && search
                .days("updated", inclusive)
                .contain_instant(self.head.updated)
    }

    fn sort_value(&self, key: &str) -> Option<String> {
        let text = |name: &str| self.texts.get(name).to_lowercase();
        match key {
            "organization_name" => Some(text("organization")),
            "fullname" => Some(format!("{} {}", text("fname"), text("lname"))),
            "email" => Some(text("email")),
            "updated" => Some(utc_stamp(self.head.updated)),
            _ => None,
        }
    }

    fn view<'a>(&'a self, showing: &ViewContext<'a>) -> ClientView<'a> {
        let id = self.head.id;
        let balance = || showing.machine.outstanding_balance(id);
        ClientView {
            id,
            userid: id,
            accounting_systemid: &showing.machine.config.account_id,
            texts: self.texts.members(showing.config().unwritten_texts_null),
            currency_code: self.currency.code(),
            allow_late_fees: true,
            allow_late_notifications: true,
            allow_email_include_pdf: false,
            pref_email: true,
            pref_gmail: false,
            num_logins: 0,
            level: 0,
            role: "client",
            username: format!("client{id}"),
            uuid: format!("00000000-0000-4000-8000-{id:012x}"),
            subdomain: None,
            signup_date: utc_stamp(self.head.created),
            updated: eastern_stamp(self.head.updated),
            last_activity: None,
            last_login: None,
            statement_token: None,
            direct_link_token: None,
            has_retainer: None,
            retainer_id: None,
            notified: false,
            vis_state: self.head.vis_state,
            outstanding_balance: showing.includes("outstanding_balance").then(balance),
            contacts: showing.includes("contacts").then_some([]),
            late_reminders: showing.includes("late_reminders").then_some([]),
        }
    }
}

impl FreshBooks {
    /// The account's own currency.
    pub(crate) fn default_currency(&self) -> Currency {
        Currency::parse(&self.config.currency).unwrap_or_else(Currency::euro)
    }

    fn outstanding_balance(&self, client: u64) -> Vec<Value> {
        let mut sums: BTreeMap<Currency, Decimal> = BTreeMap::new();
        let invoices = self.invoices.rows.values();
        for invoice in
            invoices.filter(|invoice| invoice.customer == client && invoice.head.vis_state != 1)
        {
            *sums.entry(invoice.currency).or_default() += invoice.outstanding();
        }
        sums.into_iter()
            .map(|(currency, sum)| json!({"amount": Money(sum, currency)}))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    #[test]
    fn an_email_alone_makes_a_client_named_after_it() {
        let mut harness = FreshBooksHarness::new();
        let response = harness.accounting(
            "POST",
            "users/clients",
            Some(json!({"client": {"email": "a@example.test"}})),
        );
        assert_eq!(response.status, 200);
        let client = object(&response, "client");
        assert_eq!(
            (&client["organization"], &client["id"]),
            (&json!("a@example.test"), &client["userid"])
        );
        assert_eq!(
            harness.refused("POST", "users/clients", json!({"client": {"note": "x"}})),
            (422, 1001)
        );
    }

    #[test]
    fn signup_is_utc_and_updated_is_eastern() {
        let mut harness = FreshBooksHarness::new();
        let id = harness.client();
        let client = object(
            &harness.accounting("GET", &format!("users/clients/{id}"), None),
            "client",
        );
        assert_eq!(client["signup_date"], "2026-03-02 15:00:00");
        assert_eq!(client["updated"], "2026-03-02 10:00:00");
        assert!(client.get("outstanding_balance").is_none());
    }

    #[test]
    fn vis_state_in_an_update_drops_the_rest() {
        let mut harness = FreshBooksHarness::new();
        let path = format!("users/clients/{}", harness.client());
        let body = json!({"client": {"vis_state": 0, "organization": "Lost"}});
        let client = object(&harness.accounting("PUT", &path, Some(body)), "client");
        assert_eq!(client["organization"], "Roe GmbH");
        let body = json!({"client": {"ext_vis_state": 1, "vis_state": 1}});
        assert_eq!(
            object(&harness.accounting("PUT", &path, Some(body)), "client")["vis_state"],
            0
        );
    }

    #[test]
    fn deleted_clients_leave_the_lists_but_stay_readable() {
        let mut harness = FreshBooksHarness::new();
        let path = format!("users/clients/{}", harness.client());
        harness.accounting("PUT", &path, Some(json!({"client": {"vis_state": 1}})));
        assert!(harness.listed("users/clients", "clients").is_empty());
        assert_eq!(
            harness
                .listed("users/clients?search[vis_state]=1", "clients")
                .len(),
            1
        );
        assert_eq!(
            object(&harness.accounting("GET", &path, None), "client")["vis_state"],
            1
        );
    }

    #[test]
    fn lists_are_sorted_by_the_keys_that_are_honoured() {
        let mut harness = FreshBooksHarness::new();
        for name in ["Roe", "Acme", "Zeta"] {
            let body = json!({"client": {"organization": name}});
            harness.accounting("POST", "users/clients", Some(body));
        }
        let mut first = |sort: &str| {
            let listed = harness.listed(&format!("users/clients?sort={sort}"), "clients");
            listed[0]["organization"].clone()
        };
        assert_eq!(first("organization_name_asc"), "Acme");
        assert_eq!(first("organization_name_desc"), "Zeta");
        assert_eq!(
            first("organization_desc"),
            "Zeta",
            "an unknown key changes nothing"
        );
    }

    #[test]
    fn names_that_look_like_filters_do_nothing() {
        let mut harness = FreshBooksHarness::new();
        harness.client();
        assert_eq!(
            harness
                .listed("users/clients?search[organization]=zzz", "clients")
                .len(),
            1
        );
        assert_eq!(
            harness
                .listed("users/clients?search[organization_like]=zzz", "clients")
                .len(),
            0
        );
        assert_eq!(
            harness
                .listed("users/clients?search[organization_like]=roe", "clients")
                .len(),
            1
        );
        assert_eq!(
            harness
                .listed("users/clients?search[email]=IDA@example.test", "clients")
                .len(),
            1
        );
    }

    #[test]
    fn outstanding_balances_come_when_included() {
        let mut harness = FreshBooksHarness::new();
        let id = harness.client();
        let lines = json!([{"name": "Travel", "qty": "1", "unit_cost": {"amount": "12.00",
            "code": "EUR"}}]);
        let body =
            json!({"invoice": {"customerid": id, "create_date": "2026-01-31", "lines": lines}});
        harness.accounting("POST", "invoices/invoices", Some(body));
        let path = format!("users/clients/{id}?include[]=outstanding_balance");
        let balance =
            object(&harness.accounting("GET", &path, None), "client")["outstanding_balance"]
                .clone();
        assert_eq!(
            balance,
            json!([{"amount": {"amount": "12.00", "code": "EUR"}}])
        );
    }
}
