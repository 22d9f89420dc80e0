//! Views of lists for test oracles.

use serde::Serialize;

use crate::concur::Concur;

/// A list as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeListRecord {
    /// Its id, a UUID.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Someone has deleted it.
    pub deleted: bool,
    /// The client id of the app that manages it.
    pub managed_by: Option<String>,
}

/// An item as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListItemRecord {
    /// Its id, a UUID.
    pub id: String,
    /// Its long code, with those of its ancestors.
    pub code: String,
    /// Its code on its own level.
    pub short_code: String,
    /// What people call it.
    pub name: String,
    /// Its level, from 1.
    pub level: u32,
    /// The ids of the lists that it is in; none if it was deleted.
    pub lists: Vec<String>,
}

impl Concur {
    /// All lists in the order of their creation, deleted ones included.
    pub fn code_lists(&self) -> Vec<CodeListRecord> {
        let record = |list: &super::records::CodeList| CodeListRecord {
            id: list.id.clone(),
            name: list.name.clone(),
            deleted: list.deleted,
            managed_by: list.managed_by.clone(),
        };
        self.lists.lists.iter().map(record).collect()
    }

    /// All items that are or were in a list, in the order of their creation; empty for a list that
    /// is not there.
    pub fn list_items(&self, list_id: &str) -> Vec<ListItemRecord> {
        let Some(list) = self.lists.list_position(list_id) else {
            return Vec::new();
        };
        let all = self.lists.items.iter().enumerate();
        let inside =
            all.filter(|(_, item)| item.lists.contains(&list) || item.former_lists.contains(&list));
        inside.map(|(at, _)| self.list_item_record(at)).collect()
    }

    fn list_item_record(&self, at: usize) -> ListItemRecord {
        let item = &self.lists.items[at];
        let id_of = |list: &usize| self.lists.lists[*list].id.clone();
        ListItemRecord {
            id: item.id.clone(),
            code: self.lists.long_code(at),
            short_code: item.short_code.clone(),
            name: item.name.clone(),
            level: item.level,
            lists: item.lists.iter().map(id_of).collect(),
        }
    }
}
