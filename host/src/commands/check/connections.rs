//! What is wrong with connections beside each other, and beside the store.

mod entities;

use std::collections::BTreeMap;

use ml_connector::config::Config;
use ml_connector::contract::settings::Identity;
use ml_connector::guest::Guest;
use ml_connector::service::{Orphan, exposures, orphans};
use ml_connector::store::sqlite::SqliteStore;

use super::super::context;
use super::super::exit;
use super::super::failure::Failure;
use super::{Finding, Verdict};

/// Settings that are legal and give a secret away; the service does not start with them.
pub(super) fn exposed(config: &Config, guest: &Guest) -> Result<Vec<Finding>, Failure> {
    let mut found = exposures::of_receivers(config);
    for connection in &config.connections {
        if let Some(endpoints) = context::endpoints(guest, connection)? {
            found.extend(exposures::of_connection(connection, &endpoints));
        }
    }
    let finding =
        |one: exposures::Exposure| Finding::wrong(one.setting, exit::SETTINGS, one.message);
    Ok(found.into_iter().map(finding).collect())
}

/// Connections that the store knows and the settings do not have.
pub(super) async fn orphaned(
    config: &Config,
    store: Option<&SqliteStore>,
) -> Result<Vec<Finding>, Failure> {
    let Some(store) = store else {
        return Ok(Vec::new());
    };
    let found = orphans(config, store).await?;
    let finding = |orphan: Orphan| {
        let subject = format!("connection {}", orphan.connection);
        Finding::new(subject, Verdict::Warning, exit::OK, orphan.to_string())
    };
    Ok(found.into_iter().map(finding).collect())
}

/// Connections that carry the same account, or lead into the same company.
pub(super) fn doubled(config: &Config, guest: &Guest) -> Result<Vec<Finding>, Failure> {
    let (mut accounts, mut companies) = (BTreeMap::new(), BTreeMap::new());
    let mut instance = guest.instance()?;
    for connection in &config.connections {
        let loaded = instance.load_settings(&connection.name, &connection.json)?;
        let Ok(settings) = loaded else { continue };
        let Identity {
            freshbooks_account_id,
            concur_company_id,
            ..
        } = instance.identity(settings)?;
        let name = connection.name.as_str();
        let account = accounts.entry(freshbooks_account_id);
        account.or_insert_with(Vec::new).push(name);
        let company = companies.entry(concur_company_id.to_ascii_lowercase());
        company.or_insert_with(Vec::new).push(name);
    }
    let same_account = accounts.into_iter().filter(|(_, those)| those.len() > 1);
    let same_company = companies.into_iter().filter(|(_, those)| those.len() > 1);
    let accounts = same_account.map(|(account, those)| one_account(&account, &those));
    let companies = same_company.flat_map(|(company, those)| {
        let shares = entities::of_company(config, &those).into_iter();
        core::iter::once(one_company(&company, &those)).chain(shares)
    });
    Ok(accounts.chain(companies).collect())
}

fn one_account(account: &str, names: &[&str]) -> Finding {
    let message = format!(
        "{} carry the same FreshBooks account {account}: every document would be brought across by \
         each of them, and park where the other was first; leave one connection",
        names.join(" and ")
    );
    Finding::wrong("connections", exit::SETTINGS, message)
}

fn one_company(company: &str, names: &[&str]) -> Finding {
    let message = format!(
        "{} lead into the same SAP Concur company {company}: that is right where several \
         FreshBooks accounts belong to one company, which then needs a vendor.code_prefix and a \
         financial.system_id of its own in each of them",
        names.join(" and ")
    );
    Finding::new("connections", Verdict::Warning, exit::OK, message)
}
