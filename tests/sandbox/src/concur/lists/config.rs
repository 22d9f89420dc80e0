//! Which lists a company has, and the switches for what the pages of lists leave open.

use serde::{Deserialize, Serialize};

/// Lists v4, list items v4 and their bulk calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListConfig {
    /// The lists that the company begins with. Default: `Projects` and `Cost Centers`, both empty.
    pub initial: Vec<InitialList>,
    /// What becomes of a hyphen in a code or name that the API creates (unsupported, "can corrupt
    /// the list"; not said to be refused). Default: accepted. What people type or import is
    /// accepted always.
    pub hyphens: Hyphens,
    /// `PRJ` and `prj` are the same code (open). Default: true, as vendor codes are.
    pub codes_ignore_case: bool,
    /// A code that was deleted may be created again; the pages name an error for it. Default:
    /// false.
    pub deleted_codes_reusable: bool,
    /// A bulk update with `deleted: false` brings an item back (open). Default: false.
    pub bulk_undeletes: bool,
    /// A bulk update with `deleted: true` removes the item from every list that shares it, as the
    /// call on the item does; false: from the list in the path alone (open). Default: true.
    pub bulk_deletes_everywhere: bool,
    /// Deleted items are among the children where `isDeleted` is not asked for (open). Default:
    /// true.
    pub deleted_children_listed: bool,
    /// The filters `shortCode` and `value` of children find what contains the text; false: what
    /// equals it (open). Default: false.
    pub child_filters_contain: bool,
    /// All filters are ignored (open). Default: false.
    pub filters_ignored: bool,
    /// Items have a `listId` where there is one list, as in the API description; no sample has it.
    /// Default: false.
    pub item_list_id: bool,
    /// The company has the Standard edition, on which lists cannot be created. Default: false.
    pub standard_edition: bool,
    /// Bulk calls in a minute before they are refused with 429 and `retry-after: 0` (not
    /// published). Default: 60.
    pub bulk_calls_per_minute: u32,
    /// Requests of a bulk call that are answered before the rest times out with
    /// `item.operation.timeout` (not published). Default: 250, which is all.
    pub bulk_timeout_after: u32,
    /// What timed out was carried out nevertheless (open). Default: true.
    pub timed_out_is_done: bool,
}

/// A list that is there from the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitialList {
    /// Its id, a UUID.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Codes and names of its first level.
    #[serde(default)]
    pub items: Vec<(String, String)>,
}

/// What becomes of a hyphen that the API is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hyphens {
    /// It is stored as it is.
    Accepted,
    /// It separates levels: the code ends up on a deeper level, and the name is cut off at it.
    Delimiter,
    /// The request is refused.
    Refused,
}

impl Default for ListConfig {
    fn default() -> Self {
        let empty = |id: &str, name: &str| InitialList {
            id: id.into(),
            name: name.into(),
            items: Vec::new(),
        };
        Self {
            initial: vec![
                empty("2f6b1c1a-6a1e-4a55-8d3e-0e6f1c2b3a44", "Projects"),
                empty("80ed4c77-2d0b-4f6e-9a51-6b7c1d2e3f05", "Cost Centers"),
            ],
            hyphens: Hyphens::Accepted,
            codes_ignore_case: true,
            deleted_codes_reusable: false,
            bulk_undeletes: false,
            bulk_deletes_everywhere: true,
            deleted_children_listed: true,
            child_filters_contain: false,
            filters_ignored: false,
            item_list_id: false,
            standard_edition: false,
            bulk_calls_per_minute: 60,
            bulk_timeout_after: 250,
            timed_out_is_done: true,
        }
    }
}
