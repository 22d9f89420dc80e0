//! `[connections.<name>]`: the endpoints are the host's, all else is the component's.

use toml::de::DeTable;

use super::fault::join;
use super::json::{JsonConversion, Places};
use super::receiver::is_base_url;
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
    let mut table = all.beside(content, path, name.span());
    let connection = read_endpoints(&mut table, name_text, json.to_string());
    table.finish_leaving_the_rest();
    (connection, places)
}

fn read_endpoints(table: &mut Table<'_, '_>, name: String, json: String) -> ConnectionConfig {
    let mut connection = ConnectionConfig {
        name,
        json,
        freshbooks_base: String::new(),
        freshbooks_consent_base: String::new(),
        freshbooks_account_id: String::new(),
        concur_token_base: String::new(),
        concur_extra_bases: Vec::new(),
    };
    table.shared_table("freshbooks", |table| {
        connection.freshbooks_base = base(table, "base", "https://api.freshbooks.com");
        connection.freshbooks_consent_base =
            base(table, "consent_base", "https://auth.freshbooks.com");
        connection.freshbooks_account_id = table.text("account_id");
    });
    table.shared_table("concur", |table| {
        connection.concur_token_base =
            base(table, "token_base", "https://glz.api.concursolutions.com");
        connection.concur_extra_bases = extra_bases(table);
    });
    connection
}

fn base(table: &mut Table<'_, '_>, key: &'static str, default: &str) -> String {
    table.parsed_or(key, default.to_string(), |text| {
        parse_base(text).ok_or_else(|| format!("a base URL without a path such as {default:?}"))
    })
}

fn extra_bases(table: &mut Table<'_, '_>) -> Vec<String> {
    const KEY: &str = "extra_bases";
    let texts = table.texts(KEY);
    let bases: Vec<String> = texts.iter().filter_map(|text| parse_base(text)).collect();
    if bases.len() < texts.len() {
        table.report(
            KEY,
            "expected base URLs without a path such as \"https://us.api.concursolutions.com\"",
        );
    }
    bases
}

fn parse_base(text: &str) -> Option<String> {
    let trimmed = text.trim_end_matches('/');
    is_base_url(trimmed, false).then(|| trimmed.to_string())
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_CHARACTERS_MAX).contains(&name.len()) && name.bytes().all(allowed)
}
