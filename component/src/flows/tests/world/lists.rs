//! The lists of SAP Concur, and FreshBooks' records that become items of them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{done, parameter};
use crate::contract::http::{Method, SendOutcome};
use crate::runs::tests::answer;

pub(in super::super) const LIST: &str = "2f6b1c1a-6a1e-4a55-8d3e-0e6f1c2b3a44";
const PAGE_ROWS: usize = 100;

#[derive(Default)]
pub(in super::super) struct Lists {
    pub(in super::super) items: Vec<Value>,
}

impl Lists {
    /// Adds an item as a person does.
    pub(in super::super) fn add(&mut self, code: &str, name: &str) -> String {
        let id = format!("item-{}", self.items.len() + 1);
        self.items.push(
            json!({"id": id, "code": code, "shortCode": code, "value": name,
            "parentId": null, "level": 1, "isDeleted": false,
            "lists": [{"id": LIST, "hasChildren": false}]}),
        );
        id
    }

    pub(in super::super) fn item(&mut self, id: &str) -> &mut Value {
        let mut items = self.items.iter_mut();
        items.find(|item| item["id"] == id).expect("is there")
    }

    pub(super) fn handle(
        &mut self,
        method: Method,
        path: &str,
        query: &str,
        body: &str,
    ) -> SendOutcome {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let path = path.strip_prefix("/list/v4/").unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        match (method, parts.as_slice()) {
            (Method::Get, ["lists", LIST, "children"]) => self.children(query, &Value::Null),
            (Method::Get, ["lists", LIST, "items", parent, "children"]) => {
                self.children(query, &json!(parent))
            }
            (Method::Get, ["items", id]) => {
                let found = self.items.iter().find(|item| item["id"] == *id);
                found.map_or_else(|| answer(404, ""), done)
            }
            (Method::Post, ["items"]) => match self.create(&body) {
                Ok(item) => answer(201, &item.to_string()),
                Err(error) => refused(error),
            },
            (Method::Put, ["items", id]) => {
                let item = self.item(id);
                item["shortCode"] = body["shortCode"].clone();
                item["value"] = body["value"].clone();
                done(item)
            }
            (Method::Delete, ["lists", LIST, "items", id]) => {
                let item = self.item(id);
                item["isDeleted"] = json!(true);
                item["lists"] = json!([]);
                answer(204, "")
            }
            (Method::Post, ["lists", LIST, "bulk"]) => self.create_all(&body),
            _ => answer(404, ""),
        }
    }

    fn children(&self, query: &str, parent: &Value) -> SendOutcome {
        let wanted = parameter(query, "shortCode").replace("%7E", "~");
        let page: usize = parameter(query, "page").parse().expect("is a number");
        let found = self.items.iter().filter(|item| {
            let code = item["shortCode"].as_str().unwrap_or_default();
            item["parentId"] == *parent && code.contains(&wanted)
        });
        let found: Vec<&Value> = found.collect();
        let rows: Vec<&Value> = found
            .iter()
            .skip((page - 1) * PAGE_ROWS)
            .take(PAGE_ROWS)
            .copied()
            .collect();
        done(
            &json!({"links": [], "content": rows, "page": {"number": page, "size": PAGE_ROWS,
            "totalElements": found.len(), "totalPages": found.len().div_ceil(PAGE_ROWS)}}),
        )
    }

    fn create(&mut self, body: &Value) -> Result<Value, &'static str> {
        let code = body["shortCode"].as_str().expect("is text").to_string();
        let name = body["value"].as_str().expect("is text").to_string();
        assert!(!code.contains('-') && !name.contains('-'), "{body}");
        let parent = match body["parentCode"].as_str() {
            None => Value::Null,
            Some(long) => {
                let found = self.items.iter().find(|item| item["code"] == long);
                found.ok_or("item.parent.not.found")?["id"].clone()
            }
        };
        let same = self
            .items
            .iter()
            .find(|item| item["parentId"] == parent && item["shortCode"] == code.as_str());
        match same {
            Some(item) if item["isDeleted"] == true => Err("item.duplicate.code.deleted"),
            Some(_) => Err("item.duplicate.code"),
            None => {
                let id = self.add(&code, &name);
                let item = self.item(&id);
                item["parentId"] = parent;
                Ok(item.clone())
            }
        }
    }

    fn create_all(&mut self, body: &Value) -> SendOutcome {
        let requests = body["requests"].as_array().expect("is a list").clone();
        assert!((1..=250).contains(&requests.len()));
        let mut errors = Vec::new();
        for request in &requests {
            if let Err(error) = self.create(request) {
                errors.push(json!({"id": error, "message": error, "listItem": request}));
            }
        }
        let status = match errors.len() {
            0 => 201,
            failed if failed == requests.len() => 400,
            _ => 206,
        };
        answer(status, &json!({"status": "", "errors": errors}).to_string())
    }
}

fn refused(error: &str) -> SendOutcome {
    let body = json!({"httpStatus": "400 - Bad Request", "error": {"id": error, "message": error}});
    answer(400, &body.to_string())
}
