//! Custom fields: v3 writes the code of a list item, v4 its id; both are read as the form says
//! (source: concur-list-items).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::config::{ExpenseConfig, FieldsOffForm, FormField, UnknownListCode};
use super::v4::V4Error;

/// Fields by the names of v3.
pub(crate) type Customs = BTreeMap<String, String>;

/// Stores a field that v3 writes; an empty text empties it.
pub(crate) fn write_v3(
    name: &str,
    text: &str,
    config: &ExpenseConfig,
    into: &mut Customs,
) -> Result<(), String> {
    let Some(field) = field_on_form(name, &config.entry_fields, config)? else {
        return Ok(());
    };
    let is_unknown = field.list.is_some() && field.item_with_code(text).is_none();
    if is_unknown && !text.is_empty() && config.unknown_list_code == UnknownListCode::Refused {
        return Err(format!("{name}: the list has no item {text}."));
    }
    put(into, name, text);
    Ok(())
}

/// Stores the fields of a `customData` list.
pub(crate) fn write_v4(
    rows: &Value,
    form: &BTreeMap<String, FormField>,
    config: &ExpenseConfig,
    into: &mut Customs,
) -> Result<(), V4Error> {
    for row in rows.as_array().into_iter().flatten() {
        let id = row["id"].as_str().unwrap_or_default();
        let name = v3_name(id);
        let on_form = field_on_form(&name, form, config);
        let on_form = on_form.map_err(|message| V4Error::invalid_field(id, &message))?;
        let Some(field) = on_form else { continue };
        let value = row["value"].as_str().unwrap_or_default();
        if field.list.is_none() || value.is_empty() {
            put(into, &name, value);
            continue;
        }
        let item = field.item_with_id(value);
        let message = "is not an item of the list";
        let item = item.ok_or_else(|| V4Error::invalid_field(id, message))?;
        put(into, &name, &item.code);
    }
    Ok(())
}

/// A field as v3 shows it: an object, or null.
pub(crate) fn v3_view(name: &str, customs: &Customs, config: &ExpenseConfig) -> Value {
    let Some(text) = customs.get(name) else {
        return Value::Null;
    };
    let field = config.entry_fields.get(name);
    match field.filter(|field| field.list.is_some()) {
        None => json!({"Code": null, "ListItemID": null, "Type": "Text", "Value": text}),
        Some(field) => match field.item_with_code(text) {
            Some(item) => json!({"Code": item.code, "ListItemID": item.id, "Type": "List",
                "Value": item.name}),
            None => json!({"Code": text, "ListItemID": null, "Type": "List", "Value": null}),
        },
    }
}

/// All fields as v4 shows them.
pub(crate) fn v4_view(
    customs: &Customs,
    form: &BTreeMap<String, FormField>,
    base_url: &str,
) -> Vec<Value> {
    let rows = customs.iter().map(|(name, text)| {
        let field = form.get(name).filter(|field| field.list.is_some());
        let item = field.and_then(|field| field.item_with_code(text));
        let url = item.map(|item| format!("{base_url}/list/v4/items/{}", item.id));
        json!({"id": v4_name(name), "value": item.map_or(text, |item| &item.id),
            "isValid": field.is_none() || item.is_some(), "listItemUrl": url})
    });
    rows.collect()
}

/// The code and the value of a field as documents show them.
pub(crate) fn code_and_value(
    name: &str,
    text: &str,
    config: &ExpenseConfig,
) -> (Option<String>, Option<String>) {
    let field = config.entry_fields.get(name);
    match field.filter(|field| field.list.is_some()) {
        None => (None, Some(text.to_owned())),
        Some(field) => {
            let item = field.item_with_code(text);
            (Some(text.to_owned()), item.map(|item| item.name.clone()))
        }
    }
}

/// `custom1` for `Custom1`.
pub(crate) fn v4_name(name: &str) -> String {
    match name.strip_prefix("OrgUnit") {
        Some(digits) => format!("orgUnit{digits}"),
        None => name.to_lowercase(),
    }
}

fn v3_name(id: &str) -> String {
    match id.strip_prefix("orgUnit") {
        Some(digits) => format!("OrgUnit{digits}"),
        None => id.replacen("custom", "Custom", 1),
    }
}

fn field_on_form<'a>(
    name: &str,
    form: &'a BTreeMap<String, FormField>,
    config: &ExpenseConfig,
) -> Result<Option<&'a FormField>, String> {
    match (form.get(name), config.fields_off_form) {
        (None, FieldsOffForm::Refused) => Err(format!("{name} is not on the form.")),
        (field, _) => Ok(field),
    }
}

fn put(into: &mut Customs, name: &str, text: &str) {
    if text.is_empty() {
        into.remove(name);
    } else {
        into.insert(name.to_owned(), text.to_owned());
    }
}
