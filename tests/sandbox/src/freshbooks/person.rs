//! What the account's owner does in the browser, and what an oracle may look at. Changes raise
//! events as the API's do.

use rust_decimal::Decimal;
use serde_json::Value;

use super::FreshBooks;
use super::bill_vendors::BillVendor;
use super::bills::Bill;
use super::clients::Client;
use super::errors::Refusal;
use super::fields::Fields;
use super::invoices::Invoice;
use super::resource::{Resource, Showing};
use super::taxes::Tax;
use crate::calendar::eastern_day;
use crate::http::Millis;

/// Kinds of document that a person can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A client.
    Client,
    /// An invoice.
    Invoice,
    /// A bill.
    Bill,
    /// A bill vendor.
    BillVendor,
    /// A tax.
    Tax,
    /// A project.
    Project,
}

/// Why a person's change was not accepted: what the form would say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// The number of the FreshBooks docs' errno table.
    pub errno: u32,
    /// Field and reason.
    pub message: String,
}

impl From<Refusal> for Declined {
    fn from(refusal: Refusal) -> Self {
        let reason =
            |detail: &super::errors::Detail| format!("{}: {}", detail.field, detail.message);
        let message = refusal
            .details
            .iter()
            .map(reason)
            .collect::<Vec<_>>()
            .join(", ");
        Self {
            errno: refusal.errno,
            message,
        }
    }
}

impl FreshBooks {
    /// Every secret that a client was ever given: tokens, codes, verifiers and client secrets. For
    /// oracles that look for them where they must not be.
    pub fn secrets(&self) -> Vec<String> {
        let verifiers = self
            .callbacks
            .rows
            .values()
            .map(|callback| callback.verifier.clone());
        let clients = self.config.apps.iter().map(|app| app.client_secret.clone());
        self.oauth
            .secrets()
            .into_iter()
            .chain(verifiers)
            .chain(clients)
            .collect()
    }

    /// An access token as a person would have one: every scope, and no app's refresh token dies for
    /// it.
    pub fn person_token(&mut self, now: Millis) -> String {
        self.oauth.person_token(&self.config, now)
    }

    /// The owner consents to the first app in the browser: the authorization code that its redirect
    /// URI would get.
    pub fn consent(&mut self, now: Millis) -> String {
        self.oauth.consent_to_first(&self.config, now)
    }

    /// Creates a document from the fields that the API documents, without the singular key around
    /// them.
    pub fn create(&mut self, kind: Kind, fields: &Value, now: Millis) -> Result<u64, Declined> {
        let fields = object(fields);
        let id = match kind {
            Kind::Client => self.add::<Client>(&fields, now),
            Kind::Invoice => self.add::<Invoice>(&fields, now),
            Kind::Bill => self.add::<Bill>(&fields, now),
            Kind::BillVendor => self.add::<BillVendor>(&fields, now),
            Kind::Tax => self.add::<Tax>(&fields, now),
            Kind::Project => self.add_project(&fields, now),
        };
        Ok(id?)
    }

    /// Updates a document; only the fields given change, and the phases of the API's PUT hold here
    /// too.
    pub fn update(
        &mut self,
        kind: Kind,
        id: u64,
        fields: &Value,
        now: Millis,
    ) -> Result<(), Declined> {
        let fields = object(fields);
        match kind {
            Kind::Client => self.change::<Client>(id, &fields, now)?,
            Kind::Invoice => self.change::<Invoice>(id, &fields, now)?,
            Kind::Bill => self.change::<Bill>(id, &fields, now)?,
            Kind::BillVendor => self.change::<BillVendor>(id, &fields, now)?,
            Kind::Tax => self.change::<Tax>(id, &fields, now)?,
            Kind::Project => self.change_project(id, &fields, now)?,
        }
        Ok(())
    }

    /// Creates a client.
    pub fn create_client(&mut self, fields: &Value, now: Millis) -> Result<u64, Declined> {
        self.create(Kind::Client, fields, now)
    }

    /// Creates an invoice.
    pub fn create_invoice(&mut self, fields: &Value, now: Millis) -> Result<u64, Declined> {
        self.create(Kind::Invoice, fields, now)
    }

    /// Creates a bill.
    pub fn create_bill(&mut self, fields: &Value, now: Millis) -> Result<u64, Declined> {
        self.create(Kind::Bill, fields, now)
    }

    /// Creates a bill vendor.
    pub fn create_bill_vendor(&mut self, fields: &Value, now: Millis) -> Result<u64, Declined> {
        self.create(Kind::BillVendor, fields, now)
    }

    /// Deletes a document (vis_state 1).
    pub fn delete(&mut self, kind: Kind, id: u64, now: Millis) {
        self.set_state(kind, id, 1, now);
    }

    /// Archives a document (vis_state 2).
    pub fn archive(&mut self, kind: Kind, id: u64, now: Millis) {
        self.set_state(kind, id, 2, now);
    }

    /// Brings a deleted or archived document back (vis_state 0).
    pub fn restore(&mut self, kind: Kind, id: u64, now: Millis) {
        self.set_state(kind, id, 0, now);
    }

    /// Marks a draft as sent.
    pub fn mark_invoice_sent(&mut self, id: u64, now: Millis) -> Result<(), Declined> {
        self.update(
            Kind::Invoice,
            id,
            &serde_json::json!({"action_mark_as_sent": true}),
            now,
        )
    }

    /// Records a payment of so much; the status follows from what is left.
    pub fn record_invoice_payment(&mut self, id: u64, amount: Decimal, now: Millis) {
        let Some(invoice) = self.invoices.rows.get_mut(&id) else {
            return;
        };
        invoice.paid += amount;
        invoice.status = if invoice.outstanding().is_zero() {
            4
        } else {
            8
        };
        invoice.date_paid = (invoice.status == 4).then(|| eastern_day(now));
        invoice.head.updated = now;
        self.emit("invoice", "update", id, now);
    }

    /// Records that a bill was paid so far. Bill payments raise no event.
    pub fn record_bill_payment(&mut self, id: u64, amount: Decimal) {
        if let Some(bill) = self.bills.rows.get_mut(&id) {
            bill.pay(amount);
        }
    }

    /// Ends every access token before its time.
    pub fn expire_access_tokens(&mut self) {
        self.oauth.expire_access_tokens();
    }

    /// Ends every refresh token: someone must consent again.
    pub fn revoke_refresh_tokens(&mut self) {
        self.oauth.revoke_refresh_tokens();
    }

    /// How many refresh tokens are alive; at most one per app.
    pub fn live_refresh_tokens(&self) -> usize {
        self.oauth.live_refresh_tokens()
    }

    /// Disables a callback as a long run of failures would.
    pub fn disable_callback(&mut self, id: u64) {
        if let Some(callback) = self.callbacks.rows.get_mut(&id) {
            callback.verified = false;
        }
    }

    /// Callback ids, each with its event and whether it is verified.
    pub fn callback_states(&self) -> Vec<(u64, String, bool)> {
        let rows = self.callbacks.rows.values();
        rows.map(|callback| (callback.id, callback.event.clone(), callback.verified))
            .collect()
    }

    /// How deliveries have fared.
    pub fn delivery_counts(&self) -> super::DeliveryCounts {
        self.webhooks.counts
    }

    /// How many deliveries wait or are under way.
    pub fn deliveries_pending(&self) -> usize {
        self.webhooks.pending()
    }

    /// All ids of a kind, deleted ones included.
    pub fn ids(&self, kind: Kind) -> Vec<u64> {
        match kind {
            Kind::Client => self.clients.rows.keys().copied().collect(),
            Kind::Invoice => self.invoices.rows.keys().copied().collect(),
            Kind::Bill => self.bills.rows.keys().copied().collect(),
            Kind::BillVendor => self.bill_vendors.rows.keys().copied().collect(),
            Kind::Tax => self.taxes.rows.keys().copied().collect(),
            Kind::Project => self.projects.rows.keys().copied().collect(),
        }
    }

    /// An invoice as the API would show it now, lines included.
    pub fn invoice(&self, id: u64, now: Millis) -> Option<Value> {
        self.shown::<Invoice>(id, now)
    }

    /// A bill as the API would show it now.
    pub fn bill(&self, id: u64, now: Millis) -> Option<Value> {
        self.shown::<Bill>(id, now)
    }

    fn set_state(&mut self, kind: Kind, id: u64, vis_state: u8, now: Millis) {
        match kind {
            Kind::Client => self.set_vis_state::<Client>(id, vis_state, now),
            Kind::Invoice => self.set_vis_state::<Invoice>(id, vis_state, now),
            Kind::Bill => self.set_vis_state::<Bill>(id, vis_state, now),
            Kind::BillVendor => self.set_vis_state::<BillVendor>(id, vis_state, now),
            Kind::Tax => {
                if vis_state == 1 && self.taxes.rows.remove(&id).is_some() {
                    self.emit("tax", "delete", id, now);
                }
            }
            Kind::Project => {
                if vis_state == 1 && self.projects.rows.remove(&id).is_some() {
                    self.emit("project", "delete", id, now);
                }
            }
        }
    }

    fn shown<R: Resource>(&self, id: u64, now: Millis) -> Option<Value> {
        let query = vec![("include[]".to_owned(), "lines".to_owned())];
        let showing = Showing {
            machine: self,
            query: &query,
            now,
            single: true,
        };
        R::table(self)
            .rows
            .get(&id)
            .and_then(|row| serde_json::to_value(row.view(&showing)).ok())
    }
}

fn object(fields: &Value) -> Fields {
    fields.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::callbacks::Callback;
    use super::super::harness::{Harness, NOW};
    use super::*;

    fn listening(event: &str) -> Harness {
        let mut harness = Harness::new();
        let (event, uri) = (event.to_owned(), "http://sync.example.test/".to_owned());
        let verifier = "v".to_owned();
        let callback = Callback {
            id: 1,
            event,
            uri,
            verifier,
            verified: true,
            updated: 0,
            drops_in_a_row: 0,
        };
        harness.machine.callbacks.rows.insert(1, callback);
        harness
    }

    fn invoice(harness: &mut Harness) -> u64 {
        let client = harness.client();
        let lines = json!([{"name": "Work", "unit_cost": "100"}]);
        let fields = json!({"customerid": client, "create_date": "2026-03-01", "lines": lines});
        harness
            .machine
            .create_invoice(&fields, NOW)
            .expect("an invoice")
    }

    #[test]
    fn a_persons_changes_raise_events_too() {
        let mut harness = listening("invoice");
        let id = invoice(&mut harness);
        harness.machine.mark_invoice_sent(id, NOW).expect("sent");
        harness.machine.delete(Kind::Invoice, id, NOW);
        harness.machine.restore(Kind::Invoice, id, NOW);
        harness.machine.archive(Kind::Invoice, id, NOW);
        let names = harness.names();
        assert_eq!(
            names,
            [
                "invoice.create",
                "invoice.update",
                "invoice.delete",
                "invoice.update",
                "invoice.update"
            ]
        );
    }

    #[test]
    fn archiving_raises_what_the_switch_says() {
        use super::super::config::ArchiveEvent;
        for (switch, expected) in [
            (ArchiveEvent::Delete, vec!["client.delete"]),
            (ArchiveEvent::Silent, vec![]),
        ] {
            let mut harness = listening("client");
            harness.machine.config.archive_event = switch;
            let id = harness.client();
            harness.deliveries();
            harness.machine.archive(Kind::Client, id, NOW);
            assert_eq!(harness.names(), expected);
        }
    }

    #[test]
    fn deleting_twice_raises_one_event() {
        let mut harness = listening("client.delete");
        let id = harness.client();
        harness.machine.delete(Kind::Client, id, NOW);
        harness.machine.delete(Kind::Client, id, NOW);
        assert_eq!(harness.names().len(), 1);
    }

    #[test]
    fn payments_move_the_status() {
        let mut harness = listening("invoice");
        let id = invoice(&mut harness);
        let status = |harness: &Harness| {
            harness.machine.invoice(id, NOW).expect("the invoice")["v3_status"].clone()
        };
        harness.machine.record_invoice_payment(id, 40.into(), NOW);
        assert_eq!(status(&harness), "partial");
        harness.machine.record_invoice_payment(id, 60.into(), NOW);
        assert_eq!(status(&harness), "paid");
    }

    #[test]
    fn declined_changes_say_why() {
        let mut harness = Harness::new();
        let declined = harness
            .machine
            .create_bill(&json!({}), NOW)
            .expect_err("declined");
        assert_eq!(
            (declined.errno, declined.message.as_str()),
            (1001, "due_offset_days: Required field missing.")
        );
    }
}
