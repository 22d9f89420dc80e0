//! Lists v4 on the wire: the items of a list, page by page or by code, and what is written to them
//! (source: concur-list-items, concur-list-items-bulk, concur-lists).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::json::{is_true, items, json_object, member_text};
use super::requests::{encoded, get, with_body};
use crate::contract::http::{Method, Request, Response};
use crate::error_bodies::Unread;
use crate::reference::Content;

const LISTS: &str = "/list/v4/lists";
const ITEMS: &str = "/list/v4/items";

/// An item as SAP Concur shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListItem {
    /// The UUID, the same in all lists.
    pub id: String,
    /// Short code and name.
    pub content: Content,
    /// Whether it is gone from every list.
    pub deleted: bool,
    /// The UUIDs of the lists that it is in.
    pub lists: Vec<String>,
}

/// A page of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemPage {
    /// Its items, at most 100.
    pub items: Vec<ListItem>,
    /// How many pages there are.
    pub pages: u64,
}

impl ListItem {
    /// Whether it is in a list. Answers without lists are of items that are in the one asked for.
    pub(crate) fn is_in(&self, list_id: &str) -> bool {
        let is_it = |id: &String| id.eq_ignore_ascii_case(list_id);
        !self.deleted && (self.lists.is_empty() || self.lists.iter().any(is_it))
    }

    /// Whether other lists have it too.
    pub(crate) fn is_shared(&self) -> bool {
        self.lists.len() > 1
    }
}

/// A page of the items of a list: those of the first level, or those below an item.
pub(crate) fn list_items(list_id: &str, parent_id: Option<&str>, page: u32) -> Request {
    get(format!("{}?page={page}", children(list_id, parent_id)))
}

/// The items of a level with this short code. Whether the filter means "is" or "contains" is not
/// documented, so a page holds others too.
pub(crate) fn items_by_code(
    list_id: &str,
    parent_id: Option<&str>,
    code: &str,
    page: u32,
) -> Request {
    // A value that begins with an operator would be taken for one.
    let code = encoded(code);
    let path = children(list_id, parent_id);
    get(format!("{path}?page={page}&shortCode={code}"))
}

fn children(list_id: &str, parent_id: Option<&str>) -> String {
    let list = encoded(list_id);
    match parent_id {
        Some(parent) => format!("{LISTS}/{list}/items/{}/children", encoded(parent)),
        None => format!("{LISTS}/{list}/children"),
    }
}

/// One item by its UUID.
pub(crate) fn get_item(id: &str) -> Request {
    get(format!("{ITEMS}/{}", encoded(id)))
}

/// Creates an item, below another one if it has a parent.
pub(crate) fn create_item(list_id: &str, parent_code: Option<&str>, item: &Content) -> Request {
    let mut body = json!({"listId": list_id, "shortCode": item.code, "value": item.name});
    if let Some(parent) = parent_code {
        body["parentCode"] = json!(parent);
    }
    with_body(Method::Post, ITEMS, body.to_string())
}

/// Creates items, at most 250. A code that is there is refused, so that sending it twice makes
/// nothing twice.
pub(crate) fn create_items(
    list_id: &str,
    parent_code: Option<&str>,
    contents: &[Content],
) -> Request {
    let requests = contents.iter().map(|item| {
        let mut one = json!({"shortCode": item.code, "value": item.name});
        if let Some(parent) = parent_code {
            one["parentCode"] = json!(parent);
        }
        one
    });
    let body = json!({"requests": requests.collect::<Vec<_>>()});
    let path = format!("{LISTS}/{}/bulk", encoded(list_id));
    with_body(Method::Post, &path, body.to_string())
}

/// Changes an item; both members must be sent.
pub(crate) fn update_item(id: &str, item: &Content) -> Request {
    let body = json!({"shortCode": item.code, "value": item.name});
    let path = format!("{ITEMS}/{}", encoded(id));
    with_body(Method::Put, &path, body.to_string())
}

/// Takes an item out of one list. The call without a list would take it out of all.
pub(crate) fn delete_item(list_id: &str, id: &str) -> Request {
    let path = format!("{LISTS}/{}/items/{}", encoded(list_id), encoded(id));
    Request {
        method: Method::Delete,
        ..get(path)
    }
}

/// Reads an item out of an answer that holds it alone.
pub(crate) fn read_item(response: &Response) -> Result<ListItem, Unread> {
    item(&json_object(response)?)
        .ok_or_else(|| Unread::Garbled("the answer is not a list item".to_string()))
}

/// Reads a page of items.
pub(crate) fn read_items(response: &Response) -> Result<ItemPage, Unread> {
    let answer = json_object(response)?;
    if answer.get("content").is_none() {
        return Err(Unread::Garbled(
            "the answer has no list `content`".to_string(),
        ));
    }
    let pages = answer
        .get("page")
        .map(|page| member_text(page, "totalPages"));
    Ok(ItemPage {
        items: items(&answer, "content")
            .into_iter()
            .filter_map(item)
            .collect(),
        pages: pages.and_then(|pages| pages.parse().ok()).unwrap_or(0),
    })
}

/// Reads the answer to a bulk create: the short codes that failed, an empty one for a failure that
/// names none. Of what succeeded it names nothing.
pub(crate) fn read_bulk(response: &Response) -> Result<Vec<String>, Unread> {
    let answer = json_object(response)?;
    let mut failed: Vec<String> = items(&answer, "errors")
        .into_iter()
        .map(|error| member_text(error.get("listItem").unwrap_or(error), "shortCode"))
        .collect();
    let count = member_text(&answer, "recordsFailed").parse::<usize>();
    if count.is_ok_and(|count| count > failed.len()) {
        failed.push(String::new());
    }
    Ok(failed)
}

/// Reads an answer without a body.
pub(crate) fn read_deleted(_: &Response) -> Result<(), Unread> {
    Ok(())
}

fn item(value: &Value) -> Option<ListItem> {
    let id = member_text(value, "id");
    let of_lists = items(value, "lists").into_iter();
    (!id.is_empty()).then(|| ListItem {
        id,
        content: Content {
            code: member_text(value, "shortCode"),
            name: member_text(value, "value"),
        },
        deleted: is_true(value, "isDeleted"),
        lists: of_lists.map(|list| member_text(list, "id")).collect(),
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::error_bodies::tests::answer;

    #[test]
    fn a_page_is_read() {
        let body = r#"{"links":[],"content":[{"id":"i","code":"ENG-P1","shortCode":"P1",
            "value":"Website","level":2,"isDeleted":false,"lists":[{"id":"L"},{"id":"M"}]}, {}],
            "page":{"number":1,"size":100,"totalElements":1,"totalPages":3}}"#;
        let page = read_items(&answer(body)).expect("is read");
        assert_eq!((page.items.len(), page.pages), (1, 3));
        let item = &page.items[0];
        assert_eq!((item.content.code.as_str(), item.is_shared()), ("P1", true));
        assert!(item.is_in("l") && !item.is_in("x"));
        assert!(read_items(&answer("{}")).is_err() && read_item(&answer("{}")).is_err());
    }

    #[test]
    fn failures_of_a_bulk_call_are_known_by_their_echo() {
        let body = r#"{"status":"PARTIAL_SUCCESS","recordsSucceeded":1,"recordsFailed":1,
            "errors":[{"id":"item.duplicate.code","message":"m",
            "listItem":{"shortCode":"7","value":"v"}}]}"#;
        assert_eq!(read_bulk(&answer(body)), Ok(vec!["7".to_string()]));
        assert_eq!(read_bulk(&answer(r#"{"errors":[]}"#)), Ok(Vec::new()));
        let unnamed = read_bulk(&answer(r#"{"recordsFailed":1,"errors":null}"#));
        assert_eq!(unnamed, Ok(vec![String::new()]));
    }

    #[test]
    fn an_item_is_deleted_from_one_list_only() {
        let request = delete_item("L", "i");
        assert_eq!(request.path_with_query, "/list/v4/lists/L/items/i");
        assert_eq!(request.method, Method::Delete);
        let below = list_items("L", Some("p"), 2).path_with_query;
        assert_eq!(below, "/list/v4/lists/L/items/p/children?page=2");
        let coded = items_by_code("L", None, "A B", 1).path_with_query;
        assert_eq!(coded, "/list/v4/lists/L/children?page=1&shortCode=A%20B");
    }
}
