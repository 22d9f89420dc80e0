//! Projects: the business family, with flat answers and errors of its own
//! (source: freshbooks-projects).

use serde_json::{Value, json};

use super::FreshBooks;
use super::api::call::ApiCall;
use super::api::errors::ApiError;
use super::api::fields::{Fields, SparseFields, read_id};
use super::api::listing::Page;
use super::api::resource::RowHead;
use crate::calendar::bare_stamp;
use crate::http::{Millis, Response, first_value};

const TEXTS: &[&str] = &[
    "title",
    "description",
    "due_date",
    "fixed_price",
    "rate",
    "billing_method",
    "project_type",
    "expense_markup",
];

const KINDS: [&str; 2] = ["fixed_price", "hourly_rate"];

/// A project: work for a client, or internal, that invoice lines may name.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) head: RowHead,
    texts: SparseFields,
    client: Option<u64>,
    internal: bool,
    active: bool,
    complete: bool,
    budget_s: Option<u64>,
}

impl FreshBooks {
    /// Routes `/projects/business/{business_id}/projects` and `…/project/{id}`.
    pub(crate) fn handle_projects(
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
        if !call.access.permits("projects", call.method) {
            return Err(ApiError::forbidden());
        }
        match (call.method, rest) {
            ("GET", ["projects"]) => self.list_projects(call),
            // The page has the plural, the SDKs post to the singular.
            ("POST", ["projects" | "project"]) => {
                let id = self.add_project(&call.body("project")?, call.now)?;
                self.show_project(id)
            }
            (method, ["project", id]) => {
                let known = id
                    .parse()
                    .ok()
                    .filter(|id| self.projects.rows.contains_key(id));
                let id = known.ok_or_else(|| ApiError::not_found("project", "id", id))?;
                self.handle_project(method, call, id)
            }
            _ => Err(ApiError::no_route()),
        }
    }

    /// Creates a project and raises `project.create`.
    pub(crate) fn add_project(&mut self, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        let mut texts = SparseFields::new(TEXTS);
        texts.set("project_type", "hourly_rate");
        texts.set("billing_method", "business_rate");
        let mut project = Project {
            head: RowHead::draft(now),
            texts,
            client: None,
            internal: false,
            active: true,
            complete: false,
            budget_s: None,
        };
        project.apply(fields)?;
        let id = self.projects.insert_new(project);
        self.emit("project", "create", id, now);
        Ok(id)
    }

    /// Updates a project and raises `project.update`.
    pub(crate) fn change_project(
        &mut self,
        id: u64,
        fields: &Fields,
        now: Millis,
    ) -> Result<(), ApiError> {
        let missing = || ApiError::not_found("project", "id", &id.to_string());
        let mut project = self.projects.rows.get(&id).ok_or_else(missing)?.clone();
        project.apply(fields)?;
        project.head.updated = now;
        self.projects.rows.insert(id, project);
        self.emit("project", "update", id, now);
        Ok(())
    }

    fn handle_project(
        &mut self,
        method: &str,
        call: &ApiCall,
        id: u64,
    ) -> Result<Response, ApiError> {
        match method {
            "GET" => self.show_project(id),
            "PUT" => {
                self.change_project(id, &call.body("project")?, call.now)?;
                self.show_project(id)
            }
            "DELETE" => {
                self.projects.rows.remove(&id);
                self.emit("project", "delete", id, call.now);
                Ok(Response::empty(204))
            }
            _ => Err(ApiError::no_route()),
        }
    }

    fn show_project(&self, id: u64) -> Result<Response, ApiError> {
        let missing = || ApiError::not_found("project", "id", &id.to_string());
        let view = self.projects.rows.get(&id).ok_or_else(missing)?.view();
        Ok(Response::json(
            200,
            &json!({"project": view, "abilities": []}),
        ))
    }

    fn list_projects(&self, call: &ApiCall) -> Result<Response, ApiError> {
        let page = Page::read(&call.query, 30)?;
        let flag = |name: &str, value: bool| {
            first_value(&call.query, name).is_none_or(|text| text == value.to_string())
        };
        let client =
            first_value(&call.query, "client_id").and_then(|text| text.parse::<u64>().ok());
        let wanted = |project: &&Project| {
            project.head.created <= call.visible_until
                && flag("active", project.active)
                && flag("complete", project.complete)
                && flag("internal", project.internal)
                && client.is_none_or(|client| project.client == Some(client))
        };
        let mut wanted: Vec<&Project> = self.projects.rows.values().rev().filter(wanted).collect();
        let sort = first_value(&call.query, "sort");
        if let Some(sort) = sort {
            sort_projects(&mut wanted, sort);
        }
        let (rows, total) = page.select(wanted.into_iter());
        let rows: Vec<Value> = rows.into_iter().map(Project::view).collect();
        let meta = json!({"total": total, "per_page": page.per_page, "page": page.page,
            "pages": page.pages(total),
            "sort": sort.into_iter().collect::<Vec<_>>()});
        Ok(Response::json(
            200,
            &json!({"projects": rows, "meta": meta}),
        ))
    }
}

/// Sorts by `title`, `due_date` or `created_at`, downwards behind a hyphen; other keys are ignored.
fn sort_projects(projects: &mut [&Project], sort: &str) {
    let (key, is_descending) = sort
        .strip_prefix('-')
        .map_or((sort, false), |key| (key, true));
    match key {
        "title" | "due_date" => projects.sort_by_key(|project| project.texts.get(key).to_owned()),
        "created_at" => projects.sort_by_key(|project| project.head.created),
        _ => return,
    }
    if is_descending {
        projects.reverse();
    }
}

impl Project {
    fn apply(&mut self, fields: &Fields) -> Result<(), ApiError> {
        self.texts.write_fields(fields, "project")?;
        if self.texts.get("title").is_empty() {
            return Err(ApiError::field(
                422,
                2001,
                "project",
                "title",
                "Missing data for required field: title required.",
            ));
        }
        if !KINDS.contains(&self.texts.get("project_type")) {
            return Err(ApiError::field(
                422,
                2001,
                "project",
                "project_type",
                "Not a valid choice.",
            ));
        }
        if let Some(value) = fields.get("client_id") {
            self.client = read_id(value).filter(|client| *client != 0);
        }
        self.budget_s = fields.get("budget").and_then(read_id).or(self.budget_s);
        let flag =
            |name: &str, before: bool| fields.get(name).and_then(Value::as_bool).unwrap_or(before);
        self.internal = flag("internal", self.internal);
        self.active = flag("active", self.active);
        self.complete = flag("complete", self.complete);
        Ok(())
    }

    pub(crate) fn view(&self) -> Value {
        let text = |name: &str| Some(self.texts.get(name)).filter(|text| !text.is_empty());
        json!({"id": self.head.id, "title": text("title"), "description": text("description"),
            "due_date": text("due_date"), "client_id": self.client, "internal": self.internal,
            "budget": self.budget_s,
            "fixed_price": text("fixed_price"), "rate": text("rate"),
            "billing_method": text("billing_method"),
            "project_type": text("project_type"), "project_manager_id": null, "active": self.active,
            "complete": self.complete, "sample": false, "created_at": bare_stamp(self.head.created),
            "updated_at": bare_stamp(self.head.updated), "logged_duration": null, "services": [],
            "billed_amount": "0.00", "billed_status": "unbilled", "retainer_id": null,
            "expense_markup": text("expense_markup").unwrap_or("0"), "group": null,
            "group_id": null})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::FreshBooksHarness;

    const PATH: &str = "/projects/business/8812345";

    fn create(harness: &mut FreshBooksHarness, title: &str) -> u64 {
        let body = json!({"project": {"title": title, "client_id": 41,
            "project_type": "fixed_price", "fixed_price": "600.00"}});
        let response = harness.send("POST", &format!("{PATH}/projects"), Some(body));
        response.value()["project"]["id"].as_u64().expect("an id")
    }

    #[test]
    fn answers_are_flat_and_stamps_bare_utc() {
        let mut harness = FreshBooksHarness::new();
        let id = create(&mut harness, "Rollout");
        let single = harness
            .send("GET", &format!("{PATH}/project/{id}"), None)
            .value();
        assert_eq!(single["project"]["created_at"], "2026-03-02T15:00:00");
        let list = harness
            .send(
                "GET",
                &format!("{PATH}/projects?title=zzz&search[active]=false"),
                None,
            )
            .value();
        assert_eq!(
            (&list["meta"]["total"], &list["meta"]["per_page"]),
            (&json!(1), &json!(30))
        );
        let none = harness
            .send("GET", &format!("{PATH}/projects?active=false"), None)
            .value();
        assert_eq!(none["projects"], json!([]));
    }

    #[test]
    fn projects_are_created_on_either_path_and_sorted() {
        let mut harness = FreshBooksHarness::new();
        create(&mut harness, "A");
        let body = json!({"project": {"title": "B"}});
        let created = harness.send("POST", &format!("{PATH}/project"), Some(body));
        assert_eq!(created.value()["abilities"], json!([]));
        let mut titles = |sort: &str| {
            let path = format!("{PATH}/projects?sort={sort}");
            let list = harness.send("GET", &path, None).value();
            list["projects"].as_array().expect("a list")[0]["title"].clone()
        };
        assert_eq!(
            (titles("title"), titles("-title")),
            (json!("A"), json!("B"))
        );
    }

    #[test]
    fn the_single_path_is_singular() {
        let mut harness = FreshBooksHarness::new();
        let id = create(&mut harness, "Rollout");
        assert_eq!(
            harness
                .send("GET", &format!("{PATH}/projects/{id}"), None)
                .status,
            404
        );
    }

    #[test]
    fn validation_is_422_with_the_field_as_key() {
        let mut harness = FreshBooksHarness::new();
        let refused = harness.send(
            "POST",
            &format!("{PATH}/projects"),
            Some(json!({"project": {"client_id": 1}})),
        );
        assert_eq!(
            (refused.status, &refused.value()["errno"]),
            (422, &json!(2001))
        );
        assert!(refused.value()["error"]["title"].is_string());
    }

    #[test]
    fn delete_is_204_and_final() {
        let mut harness = FreshBooksHarness::new();
        let path = format!("{PATH}/project/{}", create(&mut harness, "Rollout"));
        assert_eq!(harness.send("DELETE", &path, None).status, 204);
        assert_eq!(harness.send("GET", &path, None).status, 404);
    }
}
