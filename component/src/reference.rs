//! Reference data as list items: how a FreshBooks record becomes a code and a name, and how both
//! sides are compared. Pure, as all translations are.

mod short_code;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::contract::runs::ObjectStatus;
use crate::contract::types::{ObjectRef, Problem};
use crate::marker;
use crate::settings::Settings;
use crate::settings::reference::{CodeForm, ReferenceKind, ReferenceList};
use crate::text::{clean, quoted, shortened};
pub(crate) use short_code::CODE_CHARS_MAX;
use short_code::{encode, without_hyphens};

const PROJECT: &str = "project";
/// As many objects may be looked up at once; no document has so many projects.
const FOUND_MAX: usize = 1_000;

/// The longest name of an item. The pages of v4 name no bound; this one is of v3
/// (source: concur-list-items).
const NAME_CHARS_MAX: usize = 64;
/// As much of a name is repeated in a message.
const SHOWN_CHARS_MAX: usize = 64;

/// A project, service or account of FreshBooks, as far as a list item needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// FreshBooks' id: a number, or the UUID of an account.
    pub id: String,
    /// Its title or name; none where it has none.
    pub name: Option<String>,
    /// The number of an account.
    pub number: Option<String>,
    /// Whether it is in use no more.
    pub inactive: bool,
}

/// A list item as it is to be, or as SAP Concur shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// The short code, at most 32 characters.
    pub code: String,
    /// `value`, at most 64 characters.
    pub name: String,
}

impl Content {
    /// The hash that says whether an item was changed. Codes are compared without regard to case,
    /// as nobody says that they are not.
    pub(crate) fn hash(&self) -> String {
        let code = self.code.to_ascii_lowercase();
        marker::content_hash(format!("{}\n{}", code, self.name).as_bytes())
    }

    /// The item as a message shows it.
    pub(crate) fn shown(&self) -> String {
        format!("{} ({})", quoted(&self.name, SHOWN_CHARS_MAX), self.code)
    }
}

impl Record {
    /// The hash that says whether the record was changed: its version, as FreshBooks stamps
    /// neither accounts nor services. Whether it is in use counts too.
    pub(crate) fn hash(&self) -> String {
        let text = format!(
            "{}\n{}\n{}",
            self.name.as_deref().unwrap_or_default(),
            self.number.as_deref().unwrap_or_default(),
            self.inactive
        );
        marker::content_hash(text.as_bytes())
    }

    /// The item's name: one line of at most 64 characters, without hyphens, which can corrupt a
    /// list (source: concur-list-items).
    pub(crate) fn item_name(&self) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        shortened(&without_hyphens(&clean(name)), NAME_CHARS_MAX)
    }
}

/// The item that a record becomes when it is created. Its code stays as it is from then on:
/// documents name it.
///
/// # Errors
///
/// What is wrong with the code or name, with the field that would fix it.
pub(crate) fn translate(record: &Record, list: &ReferenceList) -> Result<Content, Problem> {
    let kind = list.kind.name();
    let (field, text) = match list.code {
        CodeForm::Id => ("id", Some(record.id.as_str())),
        CodeForm::Title => ("title", record.name.as_deref()),
        CodeForm::Number => ("number", record.number.as_deref()),
    };
    let name = record.item_name();
    if name.is_empty() {
        let message = format!("the {kind} has no name; enter one in FreshBooks");
        return Err(problem("/name", "name-missing", message));
    }
    let text = text.map(clean).unwrap_or_default();
    if text.is_empty() {
        let message = format!(
            "the {kind} has no {field} to make a code of; enter it in FreshBooks, or choose \
             another `code` in `reference.lists`"
        );
        return Err(problem(&format!("/{field}"), "id-missing", message));
    }
    let code = encode(&text);
    if code.chars().count() > CODE_CHARS_MAX {
        let message = format!(
            "{} makes a code of more than the {CODE_CHARS_MAX} characters that SAP Concur stores; \
             shorten it in FreshBooks, or choose another `code` in `reference.lists`",
            quoted(&text, SHOWN_CHARS_MAX)
        );
        return Err(problem(&format!("/{field}"), "code-too-long", message));
    }
    Ok(Content { code, name })
}

/// The cost code of a project: the settings' word, `projects`, comes before what the crosswalk
/// knows, `known`.
pub(crate) fn project_code<'a>(
    settings: &'a Settings,
    known: &'a BTreeMap<String, String>,
    project: &str,
) -> Option<&'a String> {
    let named = settings.projects.get(project);
    named.or_else(|| known.get(project))
}

/// The projects whose code the links know, if anything does: those that the settings do not name,
/// where projects are list items. At most as many as may be looked up at once.
pub(crate) fn unnamed_projects<'a>(
    settings: &Settings,
    projects: impl Iterator<Item = &'a String>,
) -> Vec<ObjectRef> {
    if settings.reference.list(ReferenceKind::Project).is_none() {
        return Vec::new();
    }
    let unnamed: BTreeSet<&String> = projects
        .filter(|project| !settings.projects.contains_key(*project))
        .collect();
    let unnamed = unnamed.into_iter().take(FOUND_MAX);
    unnamed
        .map(|project| ObjectRef::freshbooks(PROJECT, project.as_str()))
        .collect()
}

/// The codes of the list items that projects are linked with; what has no item yet has none.
pub(crate) fn linked_codes(
    statuses: impl IntoIterator<Item = ObjectStatus>,
) -> BTreeMap<String, String> {
    let codes = statuses.into_iter().filter_map(|status| {
        let code = status.link?.version?;
        Some((status.object.id, code))
    });
    codes.collect()
}

/// What to do about a project that has none.
pub(crate) fn without_project_code(settings: &Settings, project: &str) -> String {
    let has_list = settings.reference.list(ReferenceKind::Project).is_some();
    format!(
        "project {} has no Concur cost code; add it to `projects`{}",
        shortened(project, SHOWN_CHARS_MAX),
        if has_list {
            ", or fix what stops the project's own run"
        } else {
            ""
        }
    )
}

fn problem(pointer: &str, code: &str, message: String) -> Problem {
    Problem {
        pointer: pointer.to_string(),
        code: code.to_string(),
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::reference::SourceOfTruth;

    fn list(code: CodeForm) -> ReferenceList {
        ReferenceList {
            kind: ReferenceKind::Project,
            list_id: String::new(),
            parent_code: None,
            code,
            source_of_truth: SourceOfTruth::Freshbooks,
            interval_s: 60,
        }
    }

    fn record(name: &str) -> Record {
        Record {
            id: "5512".to_string(),
            name: Some(name.to_string()),
            ..Record::default()
        }
    }

    #[test]
    fn a_record_becomes_a_code_and_a_name_without_hyphens() {
        let item = translate(&record(" Re-build\tof  the site "), &list(CodeForm::Id));
        let item = item.expect("translates");
        assert_eq!(
            (item.code.as_str(), item.name.as_str()),
            ("5512", "Re_build of the site")
        );
        let item = translate(&record("PRJ-7_A"), &list(CodeForm::Title)).expect("translates");
        assert_eq!(item.code, "PRJ_7~uA");
    }

    #[test]
    fn what_makes_no_code_is_said() {
        let code = |name: &str, form| translate(&record(name), &list(form)).expect_err(name).code;
        assert_eq!(code(" \t", CodeForm::Id), "name-missing");
        assert_eq!(code("n", CodeForm::Number), "id-missing");
        assert_eq!(code(&"n".repeat(33), CodeForm::Title), "code-too-long");
        // 20 characters, and 40 when they are encoded.
        assert_eq!(code(&"_".repeat(20), CodeForm::Title), "code-too-long");
        assert!(translate(&record(&"n".repeat(32)), &list(CodeForm::Title)).is_ok());
        let long = translate(&record(&"n".repeat(65)), &list(CodeForm::Id)).expect("translates");
        assert_eq!(long.name.chars().count(), 64);
    }

    #[test]
    fn every_part_of_the_content_counts() {
        let item = |code: &str, name: &str| Content {
            code: code.to_string(),
            name: name.to_string(),
        };
        assert_eq!(item("a", "n").hash(), item("A", "n").hash());
        assert_ne!(item("a", "n").hash(), item("a", "N").hash());
        assert_ne!(item("a", "n").hash(), item("b", "n").hash());
        let ended = Record {
            inactive: true,
            ..record("n")
        };
        assert_ne!(record("n").hash(), ended.hash());
    }
}
