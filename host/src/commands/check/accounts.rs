//! Are the accounts that the settings name FreshBooks' own? The component says what to ask and what
//! the answers mean.

use hyper::header::HeaderValue;
use ml_connector::config::{Config, ConnectionConfig};
use ml_connector::contract::http::{Request, Response, SendOutcome};
use ml_connector::contract::mapping::AccountCheck;
use ml_connector::contract::types::{Problem, System};
use ml_connector::credentials::stored_bearer;
use ml_connector::guest::Guest;
use ml_connector::http_client::{HttpClient, NoSecrets, Origin, Origins};
use ml_connector::seal::Keyring;
use ml_connector::store::sqlite::SqliteStore;

use super::super::failure::Failure;
use super::super::{context, exit, labels};
use super::{Finding, Verdict, credentials};

pub(super) async fn compare(
    config: &Config,
    store: Option<&SqliteStore>,
    keyring: Option<&Keyring>,
    guest: &Guest,
) -> Result<Vec<Finding>, Failure> {
    let http_client = HttpClient::new(&config.limits)
        .map_err(|error| Failure::new(exit::REMOTE, error.to_string()))?;
    let mut findings = Vec::new();
    for connection in &config.connections {
        let subject = format!("FreshBooks accounts of {}", connection.name);
        let Some(endpoints) = context::endpoints(guest, connection)? else {
            continue;
        };
        // Origins that cannot be read are a finding already.
        let Ok(origins) = Origins::from_endpoints(&endpoints) else {
            continue;
        };
        let remote = Remote {
            http_client: &http_client,
            origin: &origins.freshbooks,
            bearer: bearer(store, keyring, connection).await?,
        };
        findings.extend(compare_one(&subject, guest, connection, &remote).await?);
    }
    Ok(findings)
}

/// FreshBooks, with what a request there needs.
struct Remote<'a> {
    http_client: &'a HttpClient,
    origin: &'a Origin,
    bearer: Option<HeaderValue>,
}

/// Keys that cannot be read or do not fit are a finding already.
async fn bearer(
    store: Option<&SqliteStore>,
    keyring: Option<&Keyring>,
    connection: &ConnectionConfig,
) -> Result<Option<HeaderValue>, Failure> {
    let stored = credentials::stored(store, &connection.name, System::Freshbooks).await?;
    let both = stored.zip(keyring);
    Ok(both.and_then(|(stored, keyring)| stored_bearer(keyring, &stored).ok().flatten()))
}

async fn compare_one(
    subject: &str,
    guest: &Guest,
    connection: &ConnectionConfig,
    remote: &Remote<'_>,
) -> Result<Vec<Finding>, Failure> {
    let mut instance = guest.instance()?;
    let Ok(settings) = instance.load_settings(&connection.name, &connection.json)? else {
        return Ok(Vec::new());
    };
    let mut answers = Vec::new();
    loop {
        match instance.check_accounts(settings, &answers)? {
            AccountCheck::Send(request) => match remote.ask(subject, &request).await {
                Ok(answer) => answers.push(answer),
                Err(finding) => return Ok(vec![finding]),
            },
            AccountCheck::Complete(_) if answers.is_empty() => return Ok(Vec::new()),
            AccountCheck::Complete(problems) => return Ok(compared(subject, problems)),
            AccountCheck::Unreadable(message) => {
                let message = format!("FreshBooks does not return them: {message}");
                return Ok(vec![Finding::wrong(subject, exit::REMOTE, message)]);
            }
        }
    }
}

impl Remote<'_> {
    async fn ask(&self, subject: &str, request: &Request) -> Result<Response, Finding> {
        let Some(bearer) = &self.bearer else {
            let message = "are compared once FreshBooks is connected";
            return Err(Finding::new(subject, Verdict::Later, exit::OK, message));
        };
        match self
            .http_client
            .send(request, self.origin, Some(bearer), &NoSecrets)
            .await
        {
            SendOutcome::Response(response) => Ok(response),
            SendOutcome::NotSent(error) | SendOutcome::MaybeSent(error) => {
                let message = format!("{}: {}", labels::send_error(error.code), error.detail);
                Err(Finding::wrong(subject, exit::REMOTE, message))
            }
        }
    }
}

fn compared(subject: &str, problems: Vec<Problem>) -> Vec<Finding> {
    if problems.is_empty() {
        return vec![Finding::ok(subject, "all that the settings name are there")];
    }
    let finding = |problem: Problem| Finding::wrong(subject, exit::SETTINGS, problem.message);
    problems.into_iter().map(finding).collect()
}
