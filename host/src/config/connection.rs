//! `[connections.<name>]`: the name is the host's, the table is the component's.

use toml::de::DeTable;

use super::fault::join;
use super::json::{JsonConversion, Places};
use super::table::{Key, Table};
use crate::config::ConnectionConfig;

const NAME_CHARACTERS_MAX: usize = 64;

pub(super) fn read<'t>(
    name: &'t Key<'t>,
    content: &'t DeTable<'t>,
    all: &mut Table<'t, '_>,
) -> (ConnectionConfig, Places) {
    let name_text = name.get_ref().to_string();
    if !is_name(&name_text) {
        all.report_at(
            &name.span(),
            &name_text,
            "expected a name of 1 to 64 of a-z, 0-9 and hyphen",
        );
    }
    let path = join("connections", &name_text);
    let (json, places) = JsonConversion::convert(&path, name.span(), content, all.faults);
    let connection = ConnectionConfig {
        name: name_text,
        json: json.to_string(),
    };
    (connection, places)
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_CHARACTERS_MAX).contains(&name.len()) && name.bytes().all(allowed)
}
