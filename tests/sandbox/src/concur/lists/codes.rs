//! Codes and names as the API takes them: their lengths, and what becomes of hyphens.

use super::config::{Hyphens, ListConfig};
use super::error::ListError;
use super::records::Lists;
use crate::http::Millis;

/// The most characters of a code on one level and of a name. The pages of v4 name no bound; these
/// are of v3 (source: concur-list-items).
const CODE_CHARS_MAX: usize = 32;
const NAME_CHARS_MAX: usize = 64;

impl Lists {
    /// Creates an item as the API does.
    pub(crate) fn create_item(
        &mut self,
        list: usize,
        parent: Option<usize>,
        (code, name): (&str, &str),
        config: &ListConfig,
        now: Millis,
    ) -> Result<usize, ListError> {
        check_texts(code, name)?;
        if !format!("{code}{name}").contains('-') {
            return self.add_item(list, parent, (code, name), config, now);
        }
        match config.hyphens {
            Hyphens::Accepted => self.add_item(list, parent, (code, name), config, now),
            Hyphens::Refused => Err(ListError::invalid("shortCode", "must not contain '-'")),
            Hyphens::Delimiter => self.add_split_item(list, parent, (code, name), config, now),
        }
    }

    /// Takes hyphens for what separates levels: levels that are missing are made up, and the name
    /// ends where its hyphen is.
    fn add_split_item(
        &mut self,
        list: usize,
        parent: Option<usize>,
        (code, name): (&str, &str),
        config: &ListConfig,
        now: Millis,
    ) -> Result<usize, ListError> {
        let name = name.split('-').find(|part| !part.trim().is_empty());
        let name = name.unwrap_or("?").trim();
        let mut parts: Vec<&str> = code.split('-').filter(|part| !part.is_empty()).collect();
        let last = parts
            .pop()
            .ok_or_else(|| ListError::invalid("shortCode", "must not be blank"))?;
        let mut above = parent;
        for part in parts {
            let known = self.sibling(list, above, part, config);
            above = Some(match known {
                Some(at) => at,
                None => self.add_item(list, above, (part, part), config, now)?,
            });
        }
        self.add_item(list, above, (last, name), config, now)
    }
}

/// A code and a name as they end up when an item is changed.
pub(crate) fn without_hyphens(
    code: &str,
    name: &str,
    config: &ListConfig,
) -> Result<(String, String), ListError> {
    let cut = |text: &str| text.split('-').next().unwrap_or_default().trim().to_owned();
    match config.hyphens {
        Hyphens::Accepted => Ok((code.to_owned(), name.to_owned())),
        Hyphens::Delimiter => Ok((cut(code), cut(name))),
        Hyphens::Refused if format!("{code}{name}").contains('-') => {
            Err(ListError::invalid("shortCode", "must not contain '-'"))
        }
        Hyphens::Refused => Ok((code.to_owned(), name.to_owned())),
    }
}

/// Checks the lengths of a code of one level and of a name.
pub(crate) fn check_texts(code: &str, name: &str) -> Result<(), ListError> {
    for (field, text, chars_max) in [
        ("shortCode", code, CODE_CHARS_MAX),
        ("value", name, NAME_CHARS_MAX),
    ] {
        if text.trim().is_empty() || text.chars().count() > chars_max {
            let why = format!("size must be between 1 and {chars_max}");
            return Err(ListError::invalid(field, why));
        }
    }
    Ok(())
}
