//! Bulk calls: at most 250 requests, carried out in order, of which only failures are named
//! (source: concur-list-items-bulk).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ListReply;
use super::error::{INVALID, ListError, read_body};
use super::records::refused;
use crate::concur::Concur;
use crate::concur::v4::V4Call;

/// The most requests of a call (source: concur-list-items-bulk).
const REQUESTS_MAX: usize = 250;

/// The time in which bulk calls are counted.
const MINUTE_MS: u64 = 60_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BulkBody {
    requests: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BulkCreate {
    short_code: String,
    value: String,
    #[serde(default)]
    parent_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BulkUpdate {
    code: String,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    deleted: Option<bool>,
}

impl Concur {
    /// Carries out `POST` (create) or `PATCH` (update) on `/list/v4/lists/{list}/bulk`.
    pub(super) fn handle_list_bulk(
        &mut self,
        call: &V4Call,
        list_id: &str,
    ) -> Result<ListReply, ListError> {
        self.count_bulk_call(call)?;
        let body: BulkBody = read_body(call)?;
        if body.requests.is_empty() || body.requests.len() > REQUESTS_MAX {
            let why = format!("size must be between 1 and {REQUESTS_MAX}");
            return Err(ListError::invalid("requests", why));
        }
        let list = self.lists.list_position(list_id);
        let list = list.ok_or_else(|| ListError::new(404, "list.not.found", "List not found"))?;
        self.check_unmanaged(list, Some(&call.client_id))?;
        let mut errors = Vec::new();
        for (at, request) in body.requests.iter().enumerate() {
            if let Err(error) = self.run_bulk_request(call, list, at, request) {
                errors.push(json!({"id": error.id, "message": error.message,
                    "listItem": request}));
            }
        }
        Ok(bulk_reply(call, body.requests.len(), errors))
    }

    fn count_bulk_call(&mut self, call: &V4Call) -> Result<(), ListError> {
        let calls = &mut self.lists.bulk_calls;
        calls.retain(|at| call.now.saturating_sub(*at) < MINUTE_MS);
        if calls.len() >= self.config.lists.bulk_calls_per_minute as usize {
            let id = "security.rate.limit.reached";
            return Err(ListError::new(429, id, "Too many requests"));
        }
        calls.push(call.now);
        Ok(())
    }

    fn run_bulk_request(
        &mut self,
        call: &V4Call,
        list: usize,
        at: usize,
        request: &Value,
    ) -> Result<(), ListError> {
        let switches = &self.config.lists;
        let is_late = at >= switches.bulk_timeout_after as usize;
        let timed_out = || refused("item.operation.timeout", "The operation timed out");
        if is_late && !switches.timed_out_is_done {
            return Err(timed_out());
        }
        let done = match call.method {
            "POST" => self.bulk_create(call, list, request),
            _ => self.bulk_update(list, request),
        };
        if is_late { Err(timed_out()) } else { done }
    }

    fn bulk_create(
        &mut self,
        call: &V4Call,
        list: usize,
        request: &Value,
    ) -> Result<(), ListError> {
        let create: BulkCreate = read_request(request)?;
        let switches = &self.config.lists;
        let parent = match create
            .parent_code
            .as_deref()
            .filter(|code| !code.is_empty())
        {
            None => None,
            Some(code) => match self.lists.item_with_code(list, code, switches) {
                Some(parent) => Some(parent),
                None => {
                    let why = "The parent item was not found";
                    return Err(refused("item.parent.not.found", why));
                }
            },
        };
        let texts = (create.short_code.as_str(), create.value.as_str());
        let made = self
            .lists
            .create_item(list, parent, texts, switches, call.now);
        made.map(|_| ())
    }

    fn bulk_update(&mut self, list: usize, request: &Value) -> Result<(), ListError> {
        let update: BulkUpdate = read_request(request)?;
        let switches = &self.config.lists;
        let found = self.lists.item_with_code(list, &update.code, switches);
        let item = found.ok_or_else(|| refused("item.not.found", "Item not found"))?;
        if !self.lists.items[item].lists.contains(&list) {
            if update.deleted != Some(false) || !switches.bulk_undeletes {
                return Err(refused("item.deleted", "The item has been deleted"));
            }
            self.lists.restore_item(item, list);
        }
        if let Some(name) = &update.value {
            let code = self.lists.items[item].short_code.clone();
            self.lists.change_item(item, (&code, name), switches)?;
        }
        match update.deleted {
            Some(true) if switches.bulk_deletes_everywhere => {
                self.lists.remove_item_everywhere(item);
            }
            Some(true) => self.lists.remove_item(item, list),
            _ => {}
        }
        Ok(())
    }
}

fn read_request<T: DeserializeOwned>(request: &Value) -> Result<T, ListError> {
    serde_json::from_value(request.clone())
        .map_err(|error| ListError::new(400, INVALID, error.to_string()))
}

fn bulk_reply(call: &V4Call, requests: usize, errors: Vec<Value>) -> ListReply {
    let all_good = if call.method == "POST" { 201 } else { 200 };
    let (status, word) = match errors.len() {
        0 => (all_good, "SUCCESS"),
        failed if failed == requests => (400, "FAILURE"),
        _ => (206, "PARTIAL_SUCCESS"),
    };
    let body = json!({"status": word, "recordsSucceeded": requests - errors.len(),
        "recordsFailed": errors.len(), "errors": errors});
    ListReply {
        status,
        body: Some(body),
    }
}
