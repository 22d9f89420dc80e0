//! What all accounting resources have in common: create, list, read, the phased update and deletion
//! (source: freshbooks-parameters, freshbooks-active-deleted).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::call::ApiCall;
use super::errors::ApiError;
use super::fields::{Fields, has_astral, read_id};
use super::listing::{Page, SearchFilters, includes, object_page, one_object};
use crate::freshbooks::FreshBooks;
use crate::freshbooks::config::{ArchiveEvent, Feature, FreshBooksConfig};
use crate::http::{Millis, Pairs, Response, first_value};

/// What every row has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowHead {
    pub(crate) id: u64,
    pub(crate) vis_state: u8,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
}

impl RowHead {
    /// The head of a row that has no id yet.
    pub(crate) fn draft(now: Millis) -> Self {
        Self {
            id: 0,
            vis_state: 0,
            created: now,
            updated: now,
        }
    }
}

/// Rows of one kind by id.
#[derive(Debug)]
pub(crate) struct Table<R> {
    pub(crate) rows: BTreeMap<u64, R>,
    next_id: u64,
}

impl<R> Table<R> {
    /// No rows; the first id is given.
    pub(crate) fn starting_at(next_id: u64) -> Self {
        Self {
            rows: BTreeMap::new(),
            next_id,
        }
    }
}

impl<R: Stored> Table<R> {
    /// Gives a row the next id, inserts it and returns the id.
    pub(crate) fn insert_new(&mut self, mut row: R) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        row.head_mut().id = id;
        self.rows.insert(id, row);
        id
    }
}

/// A kind of record: where its rows are, and what each row has.
pub(crate) trait Stored: Sized + 'static {
    fn table(machine: &FreshBooks) -> &Table<Self>;
    /// Its rows, to change.
    fn table_mut(machine: &mut FreshBooks) -> &mut Table<Self>;
    fn head(&self) -> &RowHead;
    /// The row's head, to change.
    fn head_mut(&mut self) -> &mut RowHead;
}

/// What showing a row takes besides the row.
pub(crate) struct ViewContext<'a> {
    pub(crate) machine: &'a FreshBooks,
    pub(crate) query: &'a Pairs,
    pub(crate) now: Millis,
    /// The row is asked for by its id, not in a list.
    pub(crate) single: bool,
    /// The row has just been written, and is shown as the answer to that.
    pub(crate) written: bool,
}

impl ViewContext<'_> {
    /// Whether `include[]=key` is asked for.
    pub(crate) fn includes(&self, key: &str) -> bool {
        includes(self.query, key)
    }

    pub(crate) fn config(&self) -> &FreshBooksConfig {
        &self.machine.config
    }
}

/// A kind of record below `/accounting/account/{account_id}`: its names and its own rules.
pub(crate) trait Resource: Stored + Clone {
    /// The singular key, which is also the noun of its events.
    const ONE: &'static str;
    /// The plural key, which lists have.
    const MANY: &'static str;
    /// The name of its id in errors.
    const ID_FIELD: &'static str;
    /// The object of its scopes.
    const SCOPE: &'static str;
    /// The feature a plan may lack, with its errno.
    const FEATURE: Option<(Feature, u32)> = None;
    /// How a row is written.
    type View<'a>: Serialize;

    /// Checks the fields, inserts a row and returns its id.
    fn create(machine: &mut FreshBooks, fields: &Fields, now: Millis) -> Result<u64, ApiError>;
    /// Writes the fields that a body names.
    fn apply(&mut self, machine: &FreshBooks, fields: &Fields) -> Result<(), ApiError>;
    /// Whether the row passes the filters that work for this resource.
    fn matches(&self, search: &SearchFilters, showing: &ViewContext) -> bool;
    /// How the row is written.
    fn view<'a>(&'a self, showing: &ViewContext<'a>) -> Self::View<'a>;

    /// The row with this id.
    fn row(machine: &FreshBooks, id: u64) -> Result<&Self, ApiError> {
        let missing = || ApiError::not_found(Self::ONE, Self::ID_FIELD, &id.to_string());
        Self::table(machine).rows.get(&id).ok_or_else(missing)
    }

    /// The last phase of an update: data. All of the fields are written, or none.
    fn update(machine: &mut FreshBooks, id: u64, fields: &Fields) -> Result<(), ApiError> {
        let mut row = Self::row(machine, id)?.clone();
        row.apply(machine, fields)?;
        Self::table_mut(machine).rows.insert(id, row);
        Ok(())
    }

    /// The third phase of an update: actions. Returns the event raised.
    fn apply_actions(
        _: &mut FreshBooks,
        _: u64,
        _: &Fields,
        _: Millis,
    ) -> Result<&'static str, ApiError> {
        Ok("update")
    }

    /// What `sort=key_asc` and `sort=key_desc` compare; nothing for a key that is ignored.
    fn sort_value(&self, _key: &str) -> Option<String> {
        None
    }

    /// Ids that an index offers for the filters; none means that all rows must be checked.
    fn candidate_ids(_: &FreshBooks, _: &SearchFilters) -> Option<Vec<u64>> {
        None
    }

    /// What follows from a row that was created, updated, deleted or brought back.
    fn after_change(_: &mut FreshBooks, _: u64, _: Millis) {}

    /// HTTP DELETE; refused unless the resource knows it.
    fn delete(_: &mut FreshBooks, _: u64, _: Millis) -> Result<Response, ApiError> {
        Err(ApiError::field(
            405,
            1012,
            Self::ONE,
            "",
            "Method not allowed.",
        ))
    }
}

impl FreshBooks {
    /// Routes a request on a resource's collection or on one of its rows.
    pub(crate) fn handle_resource<R: Resource>(
        &mut self,
        call: &ApiCall,
        id: Option<&str>,
    ) -> Result<Response, ApiError> {
        if !call.access.permits(R::SCOPE, call.method) {
            return Err(ApiError::forbidden());
        }
        if let Some((feature, errno)) = R::FEATURE
            && self.config.missing_features.contains(&feature)
        {
            return Err(ApiError::feature(errno));
        }
        let Some(id) = id else {
            return self.handle_collection::<R>(call);
        };
        let missing = || ApiError::not_found(R::ONE, R::ID_FIELD, id);
        let id = id
            .parse()
            .ok()
            .filter(|id| R::table(self).rows.contains_key(id))
            .ok_or_else(missing)?;
        match call.method {
            "GET" => self.show_row::<R>(call, id),
            "PUT" => {
                let fields = call.body(R::ONE)?;
                self.update_row::<R>(id, &fields, call.now)?;
                self.show_row::<R>(call, id)
            }
            "DELETE" => R::delete(self, id, call.now),
            _ => Err(ApiError::no_route()),
        }
    }

    /// Creates a row and raises `.create`.
    pub(crate) fn create_row<R: Resource>(
        &mut self,
        fields: &Fields,
        now: Millis,
    ) -> Result<u64, ApiError> {
        self.refuse_astral_text::<R>(fields)?;
        let id = R::create(self, fields, now)?;
        R::after_change(self, id, now);
        self.emit(R::ONE, "create", id, now);
        Ok(id)
    }

    /// Updates a row in phases: of ext_vis_state, vis_state, actions and data only the first that
    /// is present counts.
    pub(crate) fn update_row<R: Resource>(
        &mut self,
        id: u64,
        fields: &Fields,
        now: Millis,
    ) -> Result<(), ApiError> {
        if fields.contains_key("ext_vis_state") {
            return Ok(());
        }
        if let Some(value) = fields.get("vis_state") {
            return self.change_vis_state::<R>(id, value, now);
        }
        self.refuse_astral_text::<R>(fields)?;
        let verb = if fields.keys().any(|key| key.starts_with("action_")) {
            R::apply_actions(self, id, fields, now)?
        } else {
            R::update(self, id, fields)?;
            "update"
        };
        self.touch_row::<R>(id, now);
        R::after_change(self, id, now);
        self.emit(R::ONE, verb, id, now);
        Ok(())
    }

    /// Sets a row's vis_state and raises what that raises; nothing if it is the same already.
    pub(crate) fn set_vis_state<R: Resource>(&mut self, id: u64, vis_state: u8, now: Millis) {
        let Some(row) = R::table_mut(self).rows.get_mut(&id) else {
            return;
        };
        if std::mem::replace(&mut row.head_mut().vis_state, vis_state) == vis_state {
            return;
        }
        self.touch_row::<R>(id, now);
        R::after_change(self, id, now);
        let verb = match (vis_state, self.config.archive_event) {
            (1, _) | (2, ArchiveEvent::Delete) => "delete",
            (2, ArchiveEvent::Silent) => return,
            _ => "update",
        };
        self.emit(R::ONE, verb, id, now);
    }

    fn handle_collection<R: Resource>(&mut self, call: &ApiCall) -> Result<Response, ApiError> {
        match call.method {
            "GET" => self.list_rows::<R>(call),
            "POST" => {
                let fields = call.body(R::ONE)?;
                let id = self.create_row::<R>(&fields, call.now)?;
                self.show_row::<R>(call, id)
            }
            _ => Err(ApiError::no_route()),
        }
    }

    fn show_row<R: Resource>(&self, call: &ApiCall, id: u64) -> Result<Response, ApiError> {
        let showing = ViewContext {
            machine: self,
            query: &call.query,
            now: call.now,
            single: true,
            written: call.method != "GET",
        };
        Ok(one_object(R::ONE, &R::row(self, id)?.view(&showing)))
    }

    fn list_rows<R: Resource>(&self, call: &ApiCall) -> Result<Response, ApiError> {
        let page = Page::read(&call.query, 15)?;
        let search = SearchFilters(&call.query);
        let showing = ViewContext {
            machine: self,
            query: &call.query,
            now: call.now,
            single: false,
            written: false,
        };
        let rows = &R::table(self).rows;
        let wanted = |row: &&R| {
            let head = row.head();
            head.created <= call.visible_until
                && search.vis_state_passes(head.vis_state)
                && row.matches(&search, &showing)
        };
        let sort = first_value(&call.query, "sort").unwrap_or_default();
        let (rows, total) = match R::candidate_ids(self, &search) {
            _ if !sort.is_empty() => {
                let wanted = rows.values().rev().filter(wanted).collect();
                page.select(sorted(wanted, sort).into_iter())
            }
            Some(ids) => page.select(ids.iter().filter_map(|id| rows.get(id)).filter(wanted)),
            None if self.config.newest_first => page.select(rows.values().rev().filter(wanted)),
            None => page.select(rows.values().filter(wanted)),
        };
        let views: Vec<R::View<'_>> = rows.into_iter().map(|row| row.view(&showing)).collect();
        Ok(object_page(R::MANY, &views, page, total, &self.config))
    }

    fn change_vis_state<R: Resource>(
        &mut self,
        id: u64,
        value: &Value,
        now: Millis,
    ) -> Result<(), ApiError> {
        let vis_state = read_id(value).filter(|state| *state <= 2);
        let vis_state = vis_state.ok_or_else(|| ApiError::invalid(R::ONE, "vis_state", value))?;
        self.set_vis_state::<R>(id, vis_state as u8, now);
        Ok(())
    }

    fn refuse_astral_text<R: Resource>(&self, fields: &Fields) -> Result<(), ApiError> {
        let astral = fields
            .iter()
            .find(|(_, value)| self.config.refuse_astral && has_astral(value));
        match astral {
            Some((name, _)) => Err(ApiError::field(
                422,
                1036,
                R::ONE,
                name,
                "Unicode character out of range.",
            )),
            None => Ok(()),
        }
    }

    fn touch_row<R: Resource>(&mut self, id: u64, now: Millis) {
        if let Some(row) = R::table_mut(self).rows.get_mut(&id) {
            row.head_mut().updated = now;
        }
    }
}

/// The rows sorted as `key_asc` or `key_desc` asks for, if the key is one that is honoured.
fn sorted<'r, R: Resource>(mut rows: Vec<&'r R>, sort: &str) -> Vec<&'r R> {
    let (key, is_descending) = match sort.strip_suffix("_desc") {
        Some(key) => (key, true),
        None => (sort.strip_suffix("_asc").unwrap_or(sort), false),
    };
    rows.sort_by_cached_key(|row| row.sort_value(key));
    let is_honoured = rows.iter().any(|row| row.sort_value(key).is_some());
    if is_honoured && is_descending {
        rows.reverse();
    }
    rows
}

/// The answer to HTTP DELETE where it is known.
pub(crate) fn deleted_response() -> Response {
    Response::json(200, &json!({"response": {}}))
}

/// The result of an update's checks against fields that cannot be written.
pub(crate) fn refuse_read_only(
    fields: &Fields,
    object: &'static str,
    names: &[&str],
) -> Result<(), ApiError> {
    match names.iter().find(|name| fields.contains_key(**name)) {
        Some(name) => Err(ApiError::read_only(object, name)),
        None => Ok(()),
    }
}
