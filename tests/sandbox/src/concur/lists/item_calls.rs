//! Calls on single items and on children (source: concur-list-items).

use serde::Deserialize;
use serde_json::{Value, json};

use super::ListReply;
use super::codes::without_hyphens;
use super::error::{ListError, read_body};
use super::filters::ListQuery;
use super::records::{ListItem, refused};
use crate::concur::Concur;
use crate::concur::v4::V4Call;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ItemCreateBody {
    list_id: String,
    short_code: String,
    value: String,
    #[serde(default)]
    parent_id: Option<String>,
    #[serde(default)]
    parent_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ItemUpdateBody {
    short_code: String,
    value: String,
}

impl Concur {
    /// Routes a call on items.
    pub(super) fn route_list_items(
        &mut self,
        call: &V4Call,
        segments: &[&str],
    ) -> Result<ListReply, ListError> {
        match (call.method, segments) {
            ("POST", ["items"]) => self.create_item_by_api(call),
            ("GET", ["items", id]) => {
                let item = self.find_item(id, call)?;
                Ok(ListReply::ok(self.item_view(item)))
            }
            ("PUT", ["items", id]) => self.update_item(call, id),
            ("DELETE", ["items", id]) => self.delete_item(call, id),
            ("DELETE", ["lists", list, "items", id]) => self.delete_item_in_list(call, list, id),
            ("GET", ["lists", list, "children"]) => {
                let list = self.find_list(list, call)?;
                self.list_children(call, Some(list), None)
            }
            ("GET", ["items", id, "children"]) => {
                let item = self.find_item(id, call)?;
                self.list_children(call, None, Some(item))
            }
            ("GET", ["lists", list, "items", id, "children"]) => {
                let (list, item) = (self.find_list(list, call)?, self.find_item(id, call)?);
                if !self.lists.items[item].lists.contains(&list) {
                    return Err(item_not_found());
                }
                self.list_children(call, Some(list), Some(item))
            }
            (method, ["items"] | ["items", _] | ["lists", _, "children"]) => Err(ListError::new(
                405,
                "method.not.allowed",
                format!("{method} is not supported"),
            )),
            _ => Err(ListError::new(404, "resource.not.found", "Not found")),
        }
    }

    fn list_children(
        &self,
        call: &V4Call,
        list: Option<usize>,
        parent: Option<usize>,
    ) -> Result<ListReply, ListError> {
        const NAMES: [&str; 8] = [
            "page",
            "hasChildren",
            "isDeleted",
            "shortCode",
            "value",
            "shortCodeOrValue",
            "sortBy",
            "sortDirection",
        ];
        let query = ListQuery::read(call, &NAMES, self.config.lists.filters_ignored)?;
        let wanted = |at: &usize| self.is_wanted_child(*at, list, &query, call);
        let all = self.lists.children_of(parent).iter().copied();
        let mut found: Vec<usize> = all.filter(wanted).collect();
        let items = &self.lists.items;
        match query.sort_by(&["value", "shortCode"])? {
            Some("value") => found.sort_by_cached_key(|at| items[*at].name.to_lowercase()),
            Some(_) => found.sort_by_cached_key(|at| items[*at].short_code.to_lowercase()),
            None => {}
        }
        if query.is_descending()? {
            found.reverse();
        }
        query
            .page(&found, |at| self.item_view(*at))
            .map(ListReply::ok)
    }

    fn is_wanted_child(
        &self,
        at: usize,
        list: Option<usize>,
        query: &ListQuery,
        call: &V4Call,
    ) -> bool {
        let (item, switches) = (&self.lists.items[at], &self.config.lists);
        let is_there = item.created <= call.visible_until && is_of_list(item, list);
        let is_deleted_wanted = match query.flag("isDeleted") {
            Some(deleted) => deleted == item.is_deleted(),
            None => switches.deleted_children_listed || !item.is_deleted(),
        };
        let has_children = |wanted: bool| {
            let inside = |one: &usize| self.lists.has_children(at, *one);
            let any = match list {
                Some(list) => inside(&list),
                None => item.lists.iter().any(inside),
            };
            any == wanted
        };
        let (code, name) = (item.short_code.as_str(), item.name.as_str());
        let contains = switches.child_filters_contain;
        is_there
            && is_deleted_wanted
            && query.admits_child("shortCode", &[code], contains)
            && query.admits_child("value", &[name], contains)
            && query.admits_child("shortCodeOrValue", &[code, name], contains)
            && query.flag("hasChildren").is_none_or(has_children)
    }

    fn create_item_by_api(&mut self, call: &V4Call) -> Result<ListReply, ListError> {
        let body: ItemCreateBody = read_body(call)?;
        let list = self.lists.list_position(&body.list_id);
        let list = list.ok_or_else(|| ListError::new(404, "list.not.found", "List not found"))?;
        self.check_unmanaged(list, Some(&call.client_id))?;
        let parent = match (body.parent_id, body.parent_code) {
            (Some(_), Some(_)) => {
                let why = "parentId and parentCode exclude each other";
                return Err(ListError::invalid("parentCode", why));
            }
            (Some(id), None) => Some(self.lists.item_position(&id)),
            (None, Some(code)) => Some(self.lists.item_with_code(list, &code, &self.config.lists)),
            (None, None) => None,
        };
        let parent = match parent {
            Some(None) => {
                let why = "The parent item was not found";
                return Err(ListError::new(404, "item.parent.not.found", why));
            }
            Some(found) => found,
            None => None,
        };
        let texts = (body.short_code.as_str(), body.value.as_str());
        let (switches, now) = (&self.config.lists, call.now);
        let item = self.lists.create_item(list, parent, texts, switches, now)?;
        Ok(ListReply::created(self.item_view(item)))
    }

    fn update_item(&mut self, call: &V4Call, id: &str) -> Result<ListReply, ListError> {
        let item = self.find_item(id, call)?;
        self.check_unmanaged_item(item, call)?;
        let body: ItemUpdateBody = read_body(call)?;
        let switches = &self.config.lists;
        let (code, name) = without_hyphens(&body.short_code, &body.value, switches)?;
        self.lists.change_item(item, (&code, &name), switches)?;
        Ok(ListReply::ok(self.item_view(item)))
    }

    fn delete_item(&mut self, call: &V4Call, id: &str) -> Result<ListReply, ListError> {
        let item = self.find_for_deletion(id)?;
        self.check_unmanaged_item(item, call)?;
        self.lists.remove_item_everywhere(item);
        Ok(ListReply::no_content())
    }

    fn delete_item_in_list(
        &mut self,
        call: &V4Call,
        list: &str,
        id: &str,
    ) -> Result<ListReply, ListError> {
        let known = self.lists.list_position(list);
        let list = known.ok_or_else(|| refused("list.not.found", "List not found"))?;
        self.check_unmanaged(list, Some(&call.client_id))?;
        let item = self.find_for_deletion(id)?;
        if !self.lists.items[item].lists.contains(&list) {
            return Err(refused("item.not.found", "The item is not in the list"));
        }
        self.lists.remove_item(item, list);
        Ok(ListReply::no_content())
    }

    /// The deleting calls know no 404: everything that is not there is 400.
    fn find_for_deletion(&self, id: &str) -> Result<usize, ListError> {
        let found = self.lists.item_position(id);
        let item = found.ok_or_else(|| refused("item.not.found", "Item not found"))?;
        if self.lists.items[item].is_deleted() {
            return Err(refused("item.deleted", "The item has been deleted"));
        }
        Ok(item)
    }

    fn find_item(&self, id: &str, call: &V4Call) -> Result<usize, ListError> {
        let found = self.lists.item_position(id);
        found
            .filter(|at| self.lists.items[*at].created <= call.visible_until)
            .ok_or_else(item_not_found)
    }

    fn check_unmanaged_item(&self, item: usize, call: &V4Call) -> Result<(), ListError> {
        let lists = self.lists.items[item].lists.iter();
        lists.fold(Ok(()), |so_far, list| {
            so_far.and_then(|()| self.check_unmanaged(*list, Some(&call.client_id)))
        })
    }

    fn item_view(&self, at: usize) -> Value {
        let item = &self.lists.items[at];
        let id_of = |list: usize| self.lists.lists[list].id.as_str();
        let member = |list: &usize| {
            let has_children = self.lists.has_children(at, *list);
            json!({"id": id_of(*list), "hasChildren": has_children})
        };
        let lists: Vec<Value> = item.lists.iter().map(member).collect();
        let parent = item.parent.map(|parent| &self.lists.items[parent].id);
        let mut view = json!({"id": item.id, "code": self.lists.long_code(at),
            "shortCode": item.short_code, "value": item.name, "parentId": parent,
            "level": item.level, "isDeleted": item.is_deleted(), "lists": lists});
        let one = item.lists.first().filter(|_| item.lists.len() == 1);
        if let Some(list) = one.filter(|_| self.config.lists.item_list_id) {
            view["listId"] = json!(id_of(*list));
        }
        view
    }
}

/// Whether an item is, or was until it was deleted, in a list; any list if none is named.
fn is_of_list(item: &ListItem, list: Option<usize>) -> bool {
    list.is_none_or(|list| {
        item.lists.contains(&list) || item.is_deleted() && item.former_lists.contains(&list)
    })
}

fn item_not_found() -> ListError {
    ListError::new(404, "item.not.found", "listItem not found")
}
