//! Services: kinds of work with a rate, in the shapes of the business family
//! (source: freshbooks-services).

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::FreshBooks;
use super::api::call::ApiCall;
use super::api::errors::{ApiError, unquoted};
use super::api::fields::{Fields, read_id};
use super::api::listing::Page;
use super::api::resource::RowHead;
use crate::http::{Millis, Response};
use crate::money::decimal;

/// The object of the scopes.
const SCOPE: &str = "billable_items";

/// A service that the business sells by the hour.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) head: RowHead,
    name: String,
    billable: bool,
    rate: Option<Decimal>,
}

impl FreshBooks {
    /// Routes `/comments/business/{business_id}/services`, `…/service/{id}` and
    /// `…/service/{id}/rate`.
    pub(crate) fn handle_services(
        &mut self,
        call: &ApiCall,
        segments: &[&str],
    ) -> Result<Response, ApiError> {
        let [business, rest @ ..] = segments else {
            return Err(ApiError::no_route());
        };
        if *business != self.config.business_id.to_string() {
            return Err(ApiError::no_route());
        }
        if !call.access.permits(SCOPE, call.method) {
            return Err(ApiError::forbidden());
        }
        match (call.method, rest) {
            ("GET", ["services"]) => self.list_services(call),
            ("POST", ["services" | "service"]) => {
                let id = self.add_service(&call.body("service")?, call.now)?;
                self.show_service(id)
            }
            (method, ["service", id, rest @ ..]) => {
                let known = id.parse().ok();
                let known = known.filter(|id| self.services.rows.contains_key(id));
                let id = known.ok_or_else(|| ApiError::not_found("service", "id", id))?;
                match (method, rest) {
                    ("GET", []) => self.show_service(id),
                    ("GET", ["rate"]) => self.show_rate(id),
                    ("POST" | "PUT", ["rate"]) => {
                        self.change_rate(id, &call.body("service_rate")?, call.now)?;
                        self.show_rate(id)
                    }
                    _ => Err(ApiError::no_route()),
                }
            }
            _ => Err(ApiError::no_route()),
        }
    }

    /// Creates a service and raises `service.create`.
    pub(crate) fn add_service(&mut self, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        let mut service = Service {
            head: RowHead::draft(now),
            name: String::new(),
            billable: true,
            rate: None,
        };
        service.apply(fields)?;
        let id = self.services.insert_new(service);
        self.emit("service", "create", id, now);
        Ok(id)
    }

    /// Updates a service and raises what that raises.
    pub(crate) fn change_service(
        &mut self,
        id: u64,
        fields: &Fields,
        now: Millis,
    ) -> Result<(), ApiError> {
        let missing = || ApiError::not_found("service", "id", &id.to_string());
        let mut service = self.services.rows.get(&id).ok_or_else(missing)?.clone();
        service.apply(fields)?;
        service.head.updated = now;
        let was = service.head.vis_state;
        let state = fields.get("vis_state").and_then(read_id);
        service.head.vis_state = state.map_or(was, |state| state.min(2) as u8);
        let verb = match service.head.vis_state {
            1 if was != 1 => "delete",
            _ => "update",
        };
        self.services.rows.insert(id, service);
        self.emit("service", verb, id, now);
        Ok(())
    }

    fn change_rate(&mut self, id: u64, fields: &Fields, now: Millis) -> Result<(), ApiError> {
        let rate = fields.get("rate").and_then(decimal);
        let rate = rate.filter(|rate| !rate.is_sign_negative());
        let invalid = || ApiError::field(422, 2001, "service_rate", "rate", "Not a valid number.");
        let rate = rate.ok_or_else(invalid)?;
        if let Some(service) = self.services.rows.get_mut(&id) {
            (service.rate, service.head.updated) = (Some(rate), now);
        }
        self.emit("service", "update", id, now);
        Ok(())
    }

    fn show_service(&self, id: u64) -> Result<Response, ApiError> {
        let missing = || ApiError::not_found("service", "id", &id.to_string());
        let service = self.services.rows.get(&id).ok_or_else(missing)?;
        let view = service.view(self.config.business_id);
        Ok(Response::json(200, &json!({"service": view})))
    }

    fn show_rate(&self, id: u64) -> Result<Response, ApiError> {
        let rate = self.services.rows.get(&id).and_then(|row| row.rate);
        let rate =
            rate.ok_or_else(|| ApiError::not_found("service_rate", "service_id", &id.to_string()))?;
        let view = json!({"business_id": self.config.business_id, "service_id": id,
            "rate": rate.to_string()});
        Ok(Response::json(200, &json!({"service_rate": view})))
    }

    fn list_services(&self, call: &ApiCall) -> Result<Response, ApiError> {
        let page = Page::read(&call.query, 30)?;
        let wanted = |service: &&Service| {
            service.head.created <= call.visible_until && service.head.vis_state != 1
        };
        let (rows, total) = page.select(self.services.rows.values().filter(wanted));
        let rows: Vec<Value> = rows
            .into_iter()
            .map(|service| service.view(self.config.business_id))
            .collect();
        let meta = json!({"total": total, "per_page": page.per_page, "page": page.page,
            "pages": page.pages(total)});
        Ok(Response::json(
            200,
            &json!({"services": rows, "meta": meta}),
        ))
    }
}

impl Service {
    fn apply(&mut self, fields: &Fields) -> Result<(), ApiError> {
        if let Some(name) = fields.get("name") {
            self.name = if name.is_null() {
                String::new()
            } else {
                unquoted(name)
            };
        }
        if self.name.is_empty() {
            let message = "Missing data for required field: name required.";
            return Err(ApiError::field(422, 2001, "service", "name", message));
        }
        let billable = fields.get("billable").and_then(Value::as_bool);
        self.billable = billable.unwrap_or(self.billable);
        Ok(())
    }

    fn view(&self, business: u64) -> Value {
        json!({"id": self.head.id, "business_id": business, "name": self.name,
            "billable": self.billable, "vis_state": self.head.vis_state})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::freshbooks::RecordKind;
    use crate::test_support::freshbooks::{FreshBooksHarness, NOW};

    const PATH: &str = "/comments/business/8812345";

    fn create(harness: &mut FreshBooksHarness, name: &str) -> u64 {
        let body = json!({"service": {"name": name}});
        let made = harness.send("POST", &format!("{PATH}/services"), Some(body));
        made.value()["service"]["id"].as_u64().expect("an id")
    }

    #[test]
    fn services_are_flat_and_leave_the_list_when_deleted() {
        let mut harness = FreshBooksHarness::new();
        let id = create(&mut harness, "Design");
        create(&mut harness, "Travel");
        let list = |harness: &mut FreshBooksHarness| {
            let path = format!("{PATH}/services");
            harness.send("GET", &path, None).value()
        };
        let listed = list(&mut harness);
        assert_eq!(
            (&listed["meta"]["total"], &listed["services"][0]["name"]),
            (&json!(2), &json!("Design"))
        );
        harness.machine.delete(RecordKind::Service, id, NOW);
        assert_eq!(list(&mut harness)["meta"]["total"], 1);
        let single = harness.send("GET", &format!("{PATH}/service/{id}"), None);
        assert_eq!(single.value()["service"]["vis_state"], 1);
    }

    #[test]
    fn a_rate_is_beside_its_service() {
        let mut harness = FreshBooksHarness::new();
        let path = format!("{PATH}/service/{}/rate", create(&mut harness, "Design"));
        assert_eq!(harness.send("GET", &path, None).status, 404);
        let rate = |rate: Value| Some(json!({"service_rate": {"rate": rate}}));
        let set = harness.send("POST", &path, rate(json!("95.50")));
        assert_eq!(set.value()["service_rate"]["rate"], "95.50");
        let refused = harness.send("PUT", &path, rate(json!("-1")));
        assert_eq!(
            (refused.status, &refused.value()["errno"]),
            (422, &json!(2001))
        );
    }

    #[test]
    fn names_are_required_and_so_is_the_scope() {
        let mut harness = FreshBooksHarness::new();
        let path = format!("{PATH}/services");
        let empty = Some(json!({"service": {}}));
        assert_eq!(harness.send("POST", &path, empty).status, 422);
        let lost = harness.send("GET", "/comments/business/zQ7pLm/services", None);
        assert_eq!(lost.status, 404);
        harness.hold("user:projects:read");
        assert_eq!(harness.send("GET", &path, None).status, 403);
    }
}
