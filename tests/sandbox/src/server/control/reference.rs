//! The control plane's share of reference data and payments: lists, people, vendors, and what is
//! paid in Concur.

use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::{ControlResult, read_options, unknown_id};
use crate::concur::{CodeListRecord, User};
use crate::{Millis, Sandbox};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListRequest {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemRequest {
    /// The list that a new item, or an item that is deleted, is in.
    #[serde(default)]
    list: Option<String>,
    /// The item that is changed; a new one if there is none.
    #[serde(default)]
    id: Option<String>,
    /// The long code of the item above a new one.
    #[serde(default)]
    parent: Option<String>,
    #[serde(default)]
    code: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginRequest {
    login: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentRequest {
    id: String,
    #[serde(default)]
    method: String,
}

/// Carries out a control request; none if there is no such request here.
pub(super) fn handle_reference_control(
    sandbox: &mut Sandbox,
    method: &str,
    path: &str,
    body: Value,
    now: Millis,
) -> Option<ControlResult> {
    let concur = &mut sandbox.concur;
    let done = match (method, path) {
        ("GET", "/concur/lists") => Ok(lists(sandbox)),
        ("POST", "/concur/lists") => read_options(body)
            .map(|list: ListRequest| json!({"id": concur.create_list(&list.name, now)})),
        ("POST", "/concur/list-items") => {
            read_options(body).and_then(|item| save_item(sandbox, &item, now))
        }
        ("POST", "/concur/list-items/delete") => {
            read_options(body).and_then(|item: ItemRequest| {
                let (list, id) = (item.list.unwrap_or_default(), item.id.unwrap_or_default());
                done(concur.delete_list_item(&list, &id))
            })
        }
        ("POST", "/concur/list-items/share") => read_options(body).and_then(|item: ItemRequest| {
            let (list, id) = (item.list.unwrap_or_default(), item.id.unwrap_or_default());
            done(concur.share_list_item(&id, &list))
        }),
        ("GET", "/concur/users") => Ok(json!(concur.config_mut().users)),
        ("POST", "/concur/users") => read_options(body).map(|user: User| {
            concur.add_user(user);
            json!({})
        }),
        ("POST", "/concur/users/deactivate") => read_options(body)
            .and_then(|user: LoginRequest| found(concur.deactivate_user(&user.login))),
        ("POST", "/concur/vendors") => concur.edit_vendor(&body, now).map(|()| json!({})),
        ("GET", "/concur/payments") => Ok(json!(concur.invoice_payments())),
        ("POST", "/concur/payments") => read_options(body).and_then(|paid: PaymentRequest| {
            found(concur.pay_in_concur(&paid.id, &paid.method, now))
        }),
        ("POST", "/concur/payment-requests/extract") => read_options(body)
            .and_then(|paid: PaymentRequest| found(concur.extract_payment_request(&paid.id, now))),
        _ => return None,
    };
    Some(done)
}

fn save_item(sandbox: &mut Sandbox, item: &ItemRequest, now: Millis) -> ControlResult {
    let concur = &mut sandbox.concur;
    if let Some(id) = &item.id {
        return done(concur.edit_list_item(id, &item.code, &item.name));
    }
    let list = item.list.as_deref().unwrap_or_default();
    let texts = (item.code.as_str(), item.name.as_str());
    let made = concur.create_list_item(list, item.parent.as_deref(), texts, now);
    made.map(|id| json!({"id": id})).map_err(str::to_owned)
}

/// Every list with its items.
fn lists(sandbox: &Sandbox) -> Value {
    let row = |list: &CodeListRecord| {
        let items = sandbox.concur.list_items(&list.id);
        json!({"list": list, "items": items})
    };
    sandbox.concur.code_lists().iter().map(row).collect()
}

fn done(result: Result<(), &'static str>) -> ControlResult {
    result.map(|()| json!({})).map_err(str::to_owned)
}

fn found(is_found: bool) -> ControlResult {
    is_found.then(|| json!({})).ok_or_else(unknown_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SandboxConfig;

    const NOW: Millis = 1_772_463_600_000;
    const LIST: &str = "2f6b1c1a-6a1e-4a55-8d3e-0e6f1c2b3a44";

    fn ask(sandbox: &mut Sandbox, method: &str, path: &str, body: Value) -> ControlResult {
        handle_reference_control(sandbox, method, path, body, NOW)
            .unwrap_or_else(|| panic!("no {method} {path}"))
    }

    #[test]
    fn people_edit_lists() {
        let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
        let item = json!({"list": LIST, "code": "21-KING", "name": "King Street"});
        let made = ask(&mut sandbox, "POST", "/concur/list-items", item.clone()).expect("made");
        let twice = ask(&mut sandbox, "POST", "/concur/list-items", item);
        assert_eq!(twice, Err("item.duplicate.code".to_owned()));
        let other = ask(
            &mut sandbox,
            "POST",
            "/concur/lists",
            json!({"name": "Sites"}),
        );
        let other = other.expect("made")["id"].clone();
        let id = &made["id"];
        for (path, body) in [
            (
                "/concur/list-items",
                json!({"id": id, "code": "K", "name": "King St"}),
            ),
            ("/concur/list-items/share", json!({"id": id, "list": other})),
            ("/concur/list-items/delete", json!({"id": id, "list": LIST})),
        ] {
            assert_eq!(
                ask(&mut sandbox, "POST", path, body),
                Ok(json!({})),
                "{path}"
            );
        }
        let lists = ask(&mut sandbox, "GET", "/concur/lists", json!(null)).expect("lists");
        assert_eq!(lists[0]["items"][0]["lists"], json!([other]));
        assert_eq!(lists[2]["items"][0]["name"], "King St");
        assert!(ask(&mut sandbox, "POST", "/concur/lists", json!({"nmae": "x"})).is_err());
    }

    #[test]
    fn people_come_and_go_and_vendors_are_edited() {
        let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
        let users = ask(&mut sandbox, "GET", "/concur/users", json!(null)).expect("users");
        let mut user = users[0].clone();
        user["user_name"] = json!("new@example.test");
        assert!(ask(&mut sandbox, "POST", "/concur/users", user).is_ok());
        let login = json!({"login": "NEW@example.test"});
        let gone = ask(&mut sandbox, "POST", "/concur/users/deactivate", login);
        assert_eq!(gone, Ok(json!({})));
        let nobody = json!({"login": "x"});
        assert!(ask(&mut sandbox, "POST", "/concur/users/deactivate", nobody).is_err());
        let vendor = crate::test_support::concur::vendor("V-1");
        assert_eq!(
            ask(&mut sandbox, "POST", "/concur/vendors", vendor),
            Ok(json!({}))
        );
        let inactive = json!({"VendorCode": "V-1", "AddressCode": "MAIN", "Approved": "N"});
        assert!(ask(&mut sandbox, "POST", "/concur/vendors", inactive).is_ok());
        assert_eq!(sandbox.concur.vendors()[0]["Approved"], "N");
        let wrong = json!({"VendorCode": "V-1", "AddressCode": "MAIN", "aproved": "N"});
        assert!(ask(&mut sandbox, "POST", "/concur/vendors", wrong).is_err());
    }

    #[test]
    fn nothing_is_paid_that_is_not_there() {
        let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
        for path in ["/concur/payments", "/concur/payment-requests/extract"] {
            let unknown = json!({"id": "x"});
            assert!(ask(&mut sandbox, "POST", path, unknown).is_err(), "{path}");
        }
        let paid = ask(&mut sandbox, "GET", "/concur/payments", json!(null));
        assert_eq!(paid, Ok(json!([])));
    }
}
