//! Lists and their items: a tree whose items may be in several lists at once, and what may be
//! done to it (source: concur-list-items).

use std::collections::{BTreeMap, BTreeSet};

use super::codes::check_texts;
use super::config::ListConfig;
use super::error::ListError;
use crate::http::Millis;
use crate::random::Random;

/// The most levels of a list. The pages of v4 name no bound; this one is of v3
/// (source: concur-list-items).
const LEVELS_MAX: u32 = 10;

/// All lists and items with their indices.
#[derive(Debug)]
pub(crate) struct Lists {
    random: Random,
    pub(crate) lists: Vec<CodeList>,
    pub(crate) items: Vec<ListItem>,
    list_positions: BTreeMap<String, usize>,
    item_positions: BTreeMap<String, usize>,
    children: BTreeMap<Option<usize>, Vec<usize>>,
    by_code: BTreeMap<String, Vec<usize>>,
    /// When bulk calls were made in the last minute.
    pub(crate) bulk_calls: Vec<Millis>,
}

/// A list of codes.
#[derive(Clone, Debug)]
pub(crate) struct CodeList {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) search_criteria: String,
    pub(crate) display_format: String,
    /// The client id of the app that reserved all changes for itself.
    pub(crate) managed_by: Option<String>,
    pub(crate) deleted: bool,
    pub(crate) created: Millis,
}

/// An item, in as many lists as share it.
#[derive(Clone, Debug)]
pub(crate) struct ListItem {
    pub(crate) id: String,
    pub(crate) short_code: String,
    pub(crate) name: String,
    pub(crate) parent: Option<usize>,
    pub(crate) level: u32,
    /// Places of the lists that it is in.
    pub(crate) lists: BTreeSet<usize>,
    /// Places of the lists that it was deleted from: they remember its code.
    pub(crate) former_lists: BTreeSet<usize>,
    pub(crate) created: Millis,
}

impl ListItem {
    /// Whether it is gone from every list.
    pub(crate) fn is_deleted(&self) -> bool {
        self.lists.is_empty()
    }
}

impl CodeList {
    fn new(id: String, name: &str, created: Millis) -> Self {
        Self {
            id,
            name: name.to_owned(),
            search_criteria: "TEXT".into(),
            display_format: "(CODE) TEXT".into(),
            managed_by: None,
            deleted: false,
            created,
        }
    }
}

impl Lists {
    /// The lists that the company begins with.
    pub(crate) fn new(seed: u64, config: &ListConfig) -> Self {
        let mut lists = Self {
            random: Random::new(seed, "concur/lists"),
            lists: Vec::new(),
            items: Vec::new(),
            list_positions: BTreeMap::new(),
            item_positions: BTreeMap::new(),
            children: BTreeMap::new(),
            by_code: BTreeMap::new(),
            bulk_calls: Vec::new(),
        };
        for initial in &config.initial {
            let list = lists.insert_list(CodeList::new(initial.id.clone(), &initial.name, 0));
            for (code, name) in &initial.items {
                lists.insert_item(list, None, code, name, 0);
            }
        }
        lists
    }

    /// Adds an empty list; returns its place.
    pub(crate) fn add_list(&mut self, name: &str, now: Millis) -> usize {
        let id = self.random.uuid();
        self.insert_list(CodeList::new(id, name, now))
    }

    fn insert_list(&mut self, list: CodeList) -> usize {
        let at = self.lists.len();
        self.list_positions.insert(list.id.clone(), at);
        self.lists.push(list);
        at
    }

    /// The place of a list.
    pub(crate) fn list_position(&self, id: &str) -> Option<usize> {
        self.list_positions.get(id).copied()
    }

    /// The place of an item.
    pub(crate) fn item_position(&self, id: &str) -> Option<usize> {
        self.item_positions.get(id).copied()
    }

    /// The items under a parent, or of the first level, of all lists.
    pub(crate) fn children_of(&self, parent: Option<usize>) -> &[usize] {
        self.children.get(&parent).map_or(&[], Vec::as_slice)
    }

    /// Whether an item has children in a list.
    pub(crate) fn has_children(&self, item: usize, list: usize) -> bool {
        let in_list = |child: &usize| self.items[*child].lists.contains(&list);
        self.children_of(Some(item)).iter().any(in_list)
    }

    /// The long code of an item: the codes of its ancestors and its own, joined by hyphens.
    pub(crate) fn long_code(&self, item: usize) -> String {
        let mut codes = vec![self.items[item].short_code.as_str()];
        let mut above = self.items[item].parent;
        while let Some(at) = above {
            codes.push(&self.items[at].short_code);
            above = self.items[at].parent;
        }
        codes.reverse();
        codes.join("-")
    }

    /// How many levels a list has, one at least.
    pub(crate) fn level_count(&self, list: usize) -> u32 {
        let inside = self.items.iter().filter(|item| item.lists.contains(&list));
        inside.map(|item| item.level).max().unwrap_or(1)
    }

    /// The item with a long code that is or was in a list, one that is in it first.
    pub(crate) fn item_with_code(
        &self,
        list: usize,
        code: &str,
        config: &ListConfig,
    ) -> Option<usize> {
        let alike = |at: &&usize| same_code(&self.long_code(**at), code, config);
        let found = self.by_code.get(&code.to_lowercase())?;
        let known = |at: &&usize| self.items[**at].former_lists.contains(&list);
        let there = |at: &&usize| self.items[**at].lists.contains(&list);
        let mut present = found.iter().filter(alike).filter(there);
        let mut gone = found.iter().filter(alike).filter(known);
        present.next().or_else(|| gone.next()).copied()
    }

    /// Adds an item with its code as it is.
    pub(crate) fn add_item(
        &mut self,
        list: usize,
        parent: Option<usize>,
        (code, name): (&str, &str),
        config: &ListConfig,
        now: Millis,
    ) -> Result<usize, ListError> {
        if self.lists[list].deleted {
            return Err(refused("list.deleted", "The list has been deleted"));
        }
        if let Some(parent) = parent {
            self.check_parent(list, parent)?;
        }
        self.check_duplicates(list, parent, code, None, config)?;
        Ok(self.insert_item(list, parent, code, name, now))
    }

    fn check_parent(&self, list: usize, parent: usize) -> Result<(), ListError> {
        let above = &self.items[parent];
        if above.is_deleted() {
            let why = "The parent item has been deleted";
            return Err(refused("item.parent.deleted", why));
        }
        if !above.lists.contains(&list) {
            let why = "The parent item is not in the list";
            return Err(refused("item.list.id.not.match.parent", why));
        }
        if above.level >= LEVELS_MAX {
            let why = "The list has too many levels";
            return Err(refused("item.max.level.exceeded", why));
        }
        Ok(())
    }

    fn check_duplicates(
        &self,
        list: usize,
        parent: Option<usize>,
        code: &str,
        itself: Option<usize>,
        config: &ListConfig,
    ) -> Result<(), ListError> {
        let siblings = self.children_of(parent).iter().filter(|at| {
            Some(**at) != itself && same_code(&self.items[**at].short_code, code, config)
        });
        for at in siblings {
            let other = &self.items[*at];
            if other.lists.contains(&list) {
                return Err(refused("item.duplicate.code", "The code is in use"));
            }
            if other.former_lists.contains(&list) && !config.deleted_codes_reusable {
                let why = "The code belongs to a deleted item";
                return Err(refused("item.duplicate.code.deleted", why));
            }
            if parent.is_some() && !other.is_deleted() {
                let why = "The code is in use in a list that shares the parent item";
                return Err(refused("item.duplicate.item.shared", why));
            }
        }
        Ok(())
    }

    /// The item with a code right under a parent.
    pub(crate) fn sibling(
        &self,
        list: usize,
        parent: Option<usize>,
        code: &str,
        config: &ListConfig,
    ) -> Option<usize> {
        let wanted = |at: &&usize| {
            let item = &self.items[**at];
            item.lists.contains(&list) && same_code(&item.short_code, code, config)
        };
        self.children_of(parent).iter().find(wanted).copied()
    }

    fn insert_item(
        &mut self,
        list: usize,
        parent: Option<usize>,
        code: &str,
        name: &str,
        now: Millis,
    ) -> usize {
        let at = self.items.len();
        let id = self.random.uuid();
        self.item_positions.insert(id.clone(), at);
        self.children.entry(parent).or_default().push(at);
        self.items.push(ListItem {
            id,
            short_code: code.to_owned(),
            name: name.to_owned(),
            parent,
            level: parent.map_or(1, |above| self.items[above].level + 1),
            lists: [list].into(),
            former_lists: BTreeSet::new(),
            created: now,
        });
        self.index_code(at);
        at
    }

    fn index_code(&mut self, item: usize) {
        let code = self.long_code(item).to_lowercase();
        self.by_code.entry(code).or_default().push(item);
    }

    /// Gives an item another code and name, in all its lists.
    pub(crate) fn change_item(
        &mut self,
        item: usize,
        (code, name): (&str, &str),
        config: &ListConfig,
    ) -> Result<(), ListError> {
        check_texts(code, name)?;
        if self.items[item].is_deleted() {
            return Err(refused("item.deleted", "The item has been deleted"));
        }
        let (parent, lists) = (self.items[item].parent, self.items[item].lists.clone());
        for list in lists {
            self.check_duplicates(list, parent, code, Some(item), config)?;
        }
        self.items[item].name = name.to_owned();
        if self.items[item].short_code != code {
            self.items[item].short_code = code.to_owned();
            self.by_code.clear();
            (0..self.items.len()).for_each(|at| self.index_code(at));
        }
        Ok(())
    }

    /// Removes an item and what is under it from one list.
    pub(crate) fn remove_item(&mut self, item: usize, list: usize) {
        if self.items[item].lists.remove(&list) {
            self.items[item].former_lists.insert(list);
            for child in self.children_of(Some(item)).to_vec() {
                self.remove_item(child, list);
            }
        }
    }

    /// Removes an item and what is under it from every list.
    pub(crate) fn remove_item_everywhere(&mut self, item: usize) {
        for list in self.items[item].lists.clone() {
            self.remove_item(item, list);
        }
    }

    /// Brings a deleted item back into a list.
    pub(crate) fn restore_item(&mut self, item: usize, list: usize) {
        self.items[item].former_lists.remove(&list);
        self.items[item].lists.insert(list);
    }

    /// Puts an item and what is under it into one more list.
    pub(crate) fn share_item(&mut self, item: usize, list: usize) {
        self.restore_item(item, list);
        for child in self.children_of(Some(item)).to_vec() {
            if !self.items[child].is_deleted() {
                self.share_item(child, list);
            }
        }
    }

    /// Deletes a list; its items are in it no more.
    pub(crate) fn remove_list(&mut self, list: usize) {
        self.lists[list].deleted = true;
        for item in 0..self.items.len() {
            self.remove_item(item, list);
        }
    }
}

/// HTTP 400 with an id of the service.
pub(crate) fn refused(id: &'static str, message: &str) -> ListError {
    ListError::new(400, id, message)
}

fn same_code(one: &str, other: &str, config: &ListConfig) -> bool {
    one == other || config.codes_ignore_case && one.to_lowercase() == other.to_lowercase()
}
