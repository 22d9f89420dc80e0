//! `users/me` and the people beside: who holds the token, and the three ids of the business
//! (source: freshbooks-identity).

use serde_json::{Value, json};

use super::FreshBooks;
use super::api::call::ApiCall;
use super::api::errors::ApiError;
use crate::http::Response;

impl FreshBooks {
    /// Routes a request below `/auth/api/v1/`.
    pub(crate) fn handle_identity(
        &self,
        call: &ApiCall,
        segments: &[&str],
    ) -> Result<Response, ApiError> {
        match (call.method, segments) {
            ("GET", ["users", "me"]) => {
                Ok(Response::json(200, &json!({"response": self.users_me()})))
            }
            (_, ["businesses", business, "team_members", rest @ ..]) if rest.len() < 2 => {
                self.handle_team_members(call, business, rest.first().copied())
            }
            _ => Err(ApiError::no_route()),
        }
    }

    fn users_me(&self) -> Value {
        let config = &self.config;
        let (account, identity) = (&config.account_id, config.identity_id);
        json!({
            "id": identity, "identity_id": identity,
            "identity_uuid": config.business_uuid.chars().rev().collect::<String>(),
            "first_name": "Ida", "last_name": "Roe", "email": "ida@example.test", "language": "en",
            "confirmed_at": "2024-01-02T03:04:05Z", "created_at": "2024-01-02T03:00:00Z",
            "setup_complete": true, "phone_numbers": [{"title": "", "phone_number": null}],
            "addresses": [null], "profession": null, "integrations": {},
            "profile": {"setup_complete": true, "first_name": "Ida", "last_name": "Roe",
                        "phone_number": null, "address": null, "professions": []},
            "links": {"me": "/service/auth/api/v1/users?id=5520071",
                      "roles": "/service/auth/api/v1/users/role/5520071"},
            "permissions": {account: {}}, "subscription_statuses": {account: "active"},
            "groups": [{"id": 1, "group_id": 2, "role": "owner", "identity_id": identity,
                        "business_id": config.business_id, "active": true}],
            "business_memberships": [self.membership()],
            "roles": [{"id": 9, "role": "admin", "systemid": 654, "userid": 1,
            "created_at": "2024-01-02T03:04:05Z",
                       "links": {"destroy": "/service/auth/api/v1/users/role/9"},
                       "accountid": account}],
        })
    }

    fn membership(&self) -> Value {
        let config = &self.config;
        let account = (!config.null_account_id).then_some(&config.account_id);
        json!({"id": 777, "role": "owner", "unacknowledged_change": false, "business": {
            "id": config.business_id, "business_uuid": config.business_uuid,
            "name": config.business_name,
            "account_id": account, "date_format": "dd/mm/yyyy", "timezone": "Europe/Berlin",
            "status": "active", "active": true, "advanced_accounting_enabled": true,
            "address": {"id": 1, "street": "1 Mill Lane", "city": "Berlin", "province": "",
            "country": "Germany",
                        "postal_code": "10115"},
            "phone_number": {"id": 2, "phone_number": "+49 30 000000"}, "business_clients": []}})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::FreshBooksHarness;

    #[test]
    fn the_answer_has_no_result_level() {
        let mut harness = FreshBooksHarness::new();
        let body = harness.send("GET", "/auth/api/v1/users/me", None).value();
        let business = &body["response"]["business_memberships"][0]["business"];
        assert_eq!(
            (&business["account_id"], &business["id"]),
            (&json!("zQ7pLm"), &json!(8_812_345))
        );
        assert_ne!(
            body["response"]["business_memberships"][0]["id"],
            business["id"]
        );
    }

    #[test]
    fn a_null_account_id_leaves_the_one_in_roles() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.null_account_id = true;
        let body = harness.send("GET", "/auth/api/v1/users/me", None).value();
        assert!(body["response"]["business_memberships"][0]["business"]["account_id"].is_null());
        assert_eq!(body["response"]["roles"][0]["accountid"], "zQ7pLm");
    }
}
