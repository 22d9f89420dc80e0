//! Lists v4 and list items v4: codes that forms choose from (source: concur-lists,
//! concur-list-items).

mod bulk;
mod codes;
pub(crate) mod config;
mod error;
mod filters;
mod inspect;
mod item_calls;
pub(crate) mod records;
#[cfg(test)]
mod tests;
mod user_actions;

pub use inspect::{CodeListRecord, ListItemRecord};

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use self::error::{ListError, entry_response, read_body};
use self::filters::ListQuery;
use super::Concur;
use super::v4::{V4Call, V4Refusal};
use crate::http::{Millis, Request, Response};

/// Where the calls are.
pub(crate) const PREFIX: &str = "/list/v4/";

/// The one category that lists of a company have here.
const CATEGORY: (&str, &str) = ("b1c9c0e1-5d2f-4e3a-8c4b-9a7f6e5d4c3b", "Normal");

/// What a call leads to.
struct ListReply {
    status: u16,
    body: Option<Value>,
}

impl ListReply {
    fn ok(body: Value) -> Self {
        Self {
            status: 200,
            body: Some(body),
        }
    }

    fn created(body: Value) -> Self {
        Self {
            status: 201,
            body: Some(body),
        }
    }

    fn no_content() -> Self {
        Self {
            status: 204,
            body: None,
        }
    }

    /// The answer, with an `ETag` on what was read; a copy that is up to date is not sent again.
    fn render(self, request: &Request) -> Response {
        let Some(body) = self.body else {
            return Response::empty(self.status);
        };
        let response = Response::json(self.status, &body);
        if self.status == 201 && body["id"].is_string() {
            // As in the page's samples, which name no host that could be reached.
            let place = format!(
                "http://localhost{}/{}",
                request.path(),
                text_of(&body["id"])
            );
            return response.with_header("location", &place);
        }
        if request.method != "GET" {
            return response;
        }
        let tag = format!("\"{}\"", hash(&response.body));
        if request.header("if-none-match") == Some(&tag) {
            return Response::empty(304).with_header("etag", &tag);
        }
        response.with_header("etag", &tag)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListCreateBody {
    value: String,
    #[serde(default)]
    category_id: Option<String>,
    #[serde(default)]
    search_criteria: Option<String>,
    #[serde(default)]
    display_format: Option<String>,
    #[serde(default)]
    is_managed: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListUpdateBody {
    value: String,
    #[serde(default)]
    search_criteria: Option<String>,
    #[serde(default)]
    display_format: Option<String>,
    #[serde(default)]
    is_managed: Option<bool>,
}

impl Concur {
    /// Answers a request below [`PREFIX`].
    pub(crate) fn handle_lists(
        &mut self,
        request: &Request,
        entered: Result<V4Call, V4Refusal>,
        now: Millis,
    ) -> Response {
        let call = match entered {
            Ok(call) => call,
            Err(refusal) => return entry_response(refusal, request.path(), now),
        };
        match self.route_lists(&call) {
            Ok(reply) => reply.render(request),
            Err(error) => error.response(request.path(), now),
        }
    }

    fn route_lists(&mut self, call: &V4Call) -> Result<ListReply, ListError> {
        let segments = call.segments(PREFIX);
        check_scope(call, &segments)?;
        match (call.method, segments.as_slice()) {
            ("GET", ["lists"]) => self.list_lists(call),
            ("POST", ["lists"]) => self.create_list_by_api(call),
            ("GET", ["lists", id]) => {
                let list = self.find_list(id, call)?;
                Ok(ListReply::ok(self.list_view(list)))
            }
            ("PUT", ["lists", id]) => self.update_list(call, id),
            ("DELETE", ["lists", id]) => self.delete_list_by_api(call, id),
            ("GET", ["categories", id, "lists"]) if *id == CATEGORY.0 => self.list_lists(call),
            ("POST" | "PATCH", ["lists", id, "bulk"]) => self.handle_list_bulk(call, id),
            _ => self.route_list_items(call, &segments),
        }
    }

    fn list_lists(&self, call: &V4Call) -> Result<ListReply, ListError> {
        const NAMES: [&str; 7] = [
            "value",
            "category.type",
            "isDeleted",
            "levelCount",
            "sortBy",
            "sortDirection",
            "page",
        ];
        let query = ListQuery::read(call, &NAMES, self.config.lists.filters_ignored)?;
        let lists = &self.lists.lists;
        let wanted = |at: &usize| {
            let list = &lists[*at];
            list.created <= call.visible_until
                && query.admits_text("value", &list.name)
                && query.admits_text("category.type", CATEGORY.1)
                && query.admits_number("levelCount", self.lists.level_count(*at))
                && query
                    .flag("isDeleted")
                    .is_none_or(|deleted| deleted == list.deleted)
        };
        let mut found: Vec<usize> = (0..lists.len()).filter(wanted).collect();
        match query.sort_by(&["name", "levelcount", "listcategory"])? {
            Some("name") => found.sort_by_cached_key(|at| lists[*at].name.to_lowercase()),
            Some("levelcount") => found.sort_by_cached_key(|at| self.lists.level_count(*at)),
            _ => {}
        }
        if query.is_descending()? {
            found.reverse();
        }
        query
            .page(&found, |at| self.list_view(*at))
            .map(ListReply::ok)
    }

    fn create_list_by_api(&mut self, call: &V4Call) -> Result<ListReply, ListError> {
        if self.config.lists.standard_edition {
            let why = "Lists cannot be created on the Standard edition";
            return Err(ListError::new(403, "security.access.denied", why));
        }
        let body: ListCreateBody = read_body(call)?;
        let is_known = body.category_id.is_none_or(|id| id == CATEGORY.0);
        if !is_known {
            return Err(ListError::invalid("categoryId", "is not a category"));
        }
        let update = ListUpdateBody {
            value: body.value,
            search_criteria: body.search_criteria,
            display_format: body.display_format,
            is_managed: body.is_managed,
        };
        check_list(&update)?;
        let list = self.lists.add_list(&update.value, call.now);
        self.write_list(list, update, call);
        Ok(ListReply::created(self.list_view(list)))
    }

    fn update_list(&mut self, call: &V4Call, id: &str) -> Result<ListReply, ListError> {
        let list = self.find_list(id, call)?;
        self.check_unmanaged(list, Some(&call.client_id))?;
        let update: ListUpdateBody = read_body(call)?;
        check_list(&update)?;
        if self.lists.lists[list].deleted {
            return Err(records::refused("list.deleted", "The list was deleted"));
        }
        self.write_list(list, update, call);
        Ok(ListReply::ok(self.list_view(list)))
    }

    fn write_list(&mut self, at: usize, update: ListUpdateBody, call: &V4Call) {
        let list = &mut self.lists.lists[at];
        list.name = update.value;
        if let Some(criteria) = update.search_criteria {
            list.search_criteria = criteria;
        }
        if let Some(format) = update.display_format {
            list.display_format = format;
        }
        match update.is_managed {
            Some(true) => list.managed_by = Some(call.client_id.clone()),
            Some(false) => list.managed_by = None,
            None => {}
        }
    }

    fn delete_list_by_api(&mut self, call: &V4Call, id: &str) -> Result<ListReply, ListError> {
        let known = self.lists.list_position(id);
        let list = known.ok_or_else(|| records::refused("list.not.found", "List not found"))?;
        self.check_unmanaged(list, Some(&call.client_id))?;
        self.lists.remove_list(list);
        Ok(ListReply::no_content())
    }

    /// The place of a list that look-ups show.
    fn find_list(&self, id: &str, call: &V4Call) -> Result<usize, ListError> {
        let found = self.lists.list_position(id);
        found
            .filter(|at| self.lists.lists[*at].created <= call.visible_until)
            .ok_or_else(|| ListError::new(404, "list.not.found", "List not found"))
    }

    /// Refuses a change to a list that another app manages; a person has no app.
    fn check_unmanaged(&self, list: usize, client_id: Option<&str>) -> Result<(), ListError> {
        let managed_by = self.lists.lists[list].managed_by.as_deref();
        if managed_by.is_some() && managed_by != client_id {
            let why = "The list is managed by another application";
            return Err(records::refused("list.is.managed", why));
        }
        Ok(())
    }

    fn list_view(&self, at: usize) -> Value {
        let list = &self.lists.lists[at];
        let managed_by = list.managed_by.as_ref().map(|app| format!("appId:{app}"));
        json!({"id": list.id, "value": list.name, "levelCount": self.lists.level_count(at),
            "searchCriteria": list.search_criteria, "displayFormat": list.display_format,
            "category": {"id": CATEGORY.0, "type": CATEGORY.1}, "isReadOnly": false,
            "isDeleted": list.deleted, "managedBy": managed_by})
    }
}

/// Refuses a call whose token lacks the scope for it.
fn check_scope(call: &V4Call, segments: &[&str]) -> Result<(), ListError> {
    let is_on_items = matches!(
        segments,
        ["items", ..] | ["lists", _, "items" | "children" | "bulk", ..]
    );
    let object = if is_on_items { "listitem" } else { "list" };
    let right = match call.method {
        "GET" => "read",
        "DELETE" => "delete",
        _ => "write",
    };
    let scope = format!("spend.{object}.{right}");
    if call.has_scope(&[&scope]) {
        return Ok(());
    }
    let why = format!("Forbidden: the token lacks the scope {scope}.");
    Err(ListError::new(403, "security.access.denied", why))
}

fn check_list(update: &ListUpdateBody) -> Result<(), ListError> {
    if update.value.trim().is_empty() {
        return Err(ListError::invalid("value", "must not be blank"));
    }
    let criteria = update.search_criteria.as_deref();
    if !matches!(criteria, None | Some("TEXT" | "CODE")) {
        return Err(ListError::invalid("searchCriteria", "must be TEXT or CODE"));
    }
    let format = update.display_format.as_deref();
    if !matches!(format, None | Some("(CODE) TEXT" | "TEXT (CODE)")) {
        let why = "must be '(CODE) TEXT' or 'TEXT (CODE)'";
        return Err(ListError::invalid("displayFormat", why));
    }
    Ok(())
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
    hex.collect()
}
