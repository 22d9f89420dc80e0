//! What people do in Concur's pages.

use serde_json::Value;

use super::Concur;
use super::config::LANDING_ZONE;
use super::financial::{CannotDo, Filing};
use super::invoice::payment_requests::PaymentRequest;
use crate::http::Millis;

impl Concur {
    /// A company request token for the first app, good for 24 hours.
    pub fn company_request_token(&mut self, now: Millis) -> String {
        self.oauth.issue_request_token(0, now)
    }

    /// An authorization code for the first app, as the consent page would send it to the redirect
    /// URI.
    pub fn issue_authorization_code(&mut self, redirect_uri: &str, now: Millis) -> String {
        self.oauth.issue_code(0, redirect_uri, now)
    }

    /// Moves the company to another datacenter; false if there is none of that name.
    pub fn move_company(&mut self, datacenter: &str) -> bool {
        let known = self.config.hosts.contains_key(datacenter) && datacenter != LANDING_ZONE;
        if known {
            self.config.datacenter = datacenter.to_owned();
        }
        known
    }

    /// Begins or ends scheduled maintenance of the company: token code 134.
    pub fn set_maintenance(&mut self, on: bool) {
        self.config.token.maintenance = on;
    }

    /// Ends every access token before its time.
    pub fn expire_access_tokens(&mut self) {
        self.oauth.expire_access_tokens();
    }

    /// Disconnects the company: every refresh token is dead, and subscriptions get no events of it
    /// any more.
    pub fn revoke_refresh_tokens(&mut self) {
        self.oauth.revoke_refresh_tokens();
        self.events.disconnect(&self.config.company_uuid);
    }

    /// A person submits a request; false if there is none or it is deleted.
    pub fn submit_payment_request(&mut self, id: &str, now: Millis) -> bool {
        self.change_payment_request(id, now, |request| request.submitted = Some(now))
    }

    /// A person approves a request; it becomes an invoice document, if the company has the
    /// integration.
    pub fn approve_payment_request(&mut self, id: &str, now: Millis) -> bool {
        let approved = self.approve_payment_request_alone(id, now);
        if approved {
            self.file_payment_request(id, &Filing::default(), now);
        }
        approved
    }

    /// A person approves a request, and that is all.
    pub(crate) fn approve_payment_request_alone(&mut self, id: &str, now: Millis) -> bool {
        self.change_payment_request(id, now, |request| {
            request.submitted.get_or_insert(now);
            request.approved = Some(now);
        })
    }

    /// A request is sent back or recalled: it can be changed again. False once its document is
    /// acknowledged.
    pub fn recall_payment_request(&mut self, id: &str, now: Millis) -> bool {
        if matches!(self.recall(id, now), Err(CannotDo::InState(_))) {
            return false;
        }
        self.change_payment_request(id, now, |request| {
            (request.submitted, request.approved) = (None, None);
        })
    }

    /// A request is paid.
    pub fn pay_payment_request(&mut self, id: &str, now: Millis) -> bool {
        self.change_payment_request(id, now, |request| request.paid = Some(now))
    }

    /// A person deletes a request. It stays readable with a flag.
    pub fn delete_payment_request(&mut self, id: &str, now: Millis) -> bool {
        self.change_payment_request(id, now, |request| request.deleted = Some(now))
    }

    /// A person changes fields of a vendor, `Approved` among them; an unknown code is created.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the fields, as a batch of the API does.
    pub fn edit_vendor(&mut self, fields: &Value, now: Millis) -> Result<(), String> {
        let Some(fields) = fields.as_object() else {
            return Err("the fields of a vendor are an object".into());
        };
        self.save_vendor(fields, now)
    }

    /// A person deletes a vendor at an address; false if there is none.
    pub fn remove_vendor(&mut self, code: &str, address: &str) -> bool {
        let key = (code.to_lowercase(), address.to_lowercase());
        self.vendors.rows.remove(&key).is_some()
    }

    /// A person empties the custom fields of a request's header: it looks as one that was typed in
    /// by hand.
    pub fn clear_custom_fields(&mut self, id: &str, now: Millis) -> bool {
        self.change_payment_request(id, now, |request| {
            let texts = request.header.iter();
            let names: Vec<String> = texts
                .map(|(name, _)| name.to_owned())
                .filter(|name| name.starts_with("Custom"))
                .collect();
            for name in names {
                request.header.set(&name, "");
            }
        })
    }

    fn change_payment_request(
        &mut self,
        id: &str,
        now: Millis,
        change: impl FnOnce(&mut PaymentRequest),
    ) -> bool {
        let Some(request) = self
            .requests
            .get_mut(id)
            .filter(|request| request.deleted.is_none())
        else {
            return false;
        };
        change(request);
        request.modified = now;
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::test_support::concur::ConcurHarness;

    #[test]
    fn records_show_what_was_sent() {
        let mut harness = ConcurHarness::new();
        harness.vendor("FB-1");
        let id = harness.posted(json!({}));
        let record = harness.machine.payment_request(&id).expect("the record");
        assert_eq!((record.amount.as_str(), record.lines), ("1130.00", 2));
        assert_eq!(
            record.customs.get("Custom5").map(String::as_str),
            Some("FB:778120")
        );
        assert_eq!(
            harness
                .machine
                .vendor_record("fb-1", "main")
                .expect("the vendor")["City"],
            "Toronto"
        );
    }

    #[test]
    fn deleted_requests_take_no_more_steps() {
        let mut harness = ConcurHarness::new();
        harness.vendor("FB-1");
        let id = harness.posted(json!({}));
        assert!(harness.machine.delete_payment_request(&id, harness.now));
        assert!(!harness.machine.submit_payment_request(&id, harness.now));
        assert!(
            !harness
                .machine
                .delete_payment_request("unknown", harness.now)
        );
    }

    #[test]
    fn a_recall_reopens() {
        let mut harness = ConcurHarness::new();
        harness.vendor("FB-1");
        let id = harness.posted(json!({}));
        harness.machine.approve_payment_request(&id, harness.now);
        harness.machine.recall_payment_request(&id, harness.now);
        assert_eq!(
            harness
                .machine
                .payment_request(&id)
                .expect("the record")
                .approval_status,
            "R_NOTF"
        );
    }

    #[test]
    fn companies_move_to_known_datacenters_only() {
        let mut harness = ConcurHarness::new();
        assert!(!harness.machine.move_company("mars"));
        assert!(!harness.machine.move_company("glz"));
        assert!(harness.machine.move_company("eu2"));
    }
}
