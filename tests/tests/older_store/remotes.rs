//! What both vendors held when an older store was made, played again into a new sandbox: the same
//! documents under the same ids.

use std::path::Path;

use ml_connector_sandbox::concur::{PayrollOptions, ReportOptions};
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::server::{self, Running};
use ml_connector_sandbox::{Millis, Request, Sandbox, SandboxConfig, System, WireOutcome};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One line of `remotes.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Step {
    /// When it happened, in milliseconds since 1970.
    pub at: Millis,
    /// What was done, under the name of its kind.
    #[serde(flatten)]
    pub what: What,
}

/// What people and the connector did to the vendors.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(crate) enum What {
    /// A person created a document in FreshBooks.
    Create {
        kind: String,
        fields: Value,
        id: u64,
    },
    /// A person approved an expense report in Concur.
    Report { options: ReportOptions, id: String },
    /// Concur ran the payroll.
    Payroll { options: PayrollOptions, id: String },
    /// The connector wrote, and the write was carried out.
    Request {
        system: System,
        method: String,
        target: String,
        headers: Vec<(String, String)>,
        body: String,
        /// Whether it was killed before it got the answer.
        #[serde(default)]
        unanswered: bool,
    },
}

/// The access and refresh token of an app, as a vendor hands them out.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// The steps of a fixture.
pub(crate) fn steps(directory: &Path) -> Vec<Step> {
    let text = std::fs::read_to_string(directory.join("remotes.jsonl")).expect("steps");
    let step =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
    text.lines().map(step).collect()
}

/// Plays a step. Ids have to come out as they were, or the store would be about other documents.
pub(crate) fn play(running: &Running, tokens: &Tokens, step: &Step) {
    let sandbox = &mut running.shared.lock();
    match &step.what {
        What::Create { kind, fields, id } => {
            let created = create(sandbox, kind, fields, step.at);
            assert_eq!(created, *id, "{kind} {fields}");
        }
        What::Report { options, id } => {
            let filed = sandbox.concur.approve_report(options, step.at);
            assert_eq!(filed.document_id, *id);
        }
        What::Payroll { options, id } => {
            let filed = sandbox.concur.run_payroll(options, step.at);
            assert_eq!(filed.expect("a payroll").document_id, *id);
        }
        What::Request {
            system,
            method,
            target,
            headers,
            body,
            ..
        } => {
            let (host, token) = match system {
                System::FreshBooks => (
                    "api.freshbooks.com".to_string(),
                    sandbox.freshbooks.person_token(step.at),
                ),
                System::Concur => (
                    authority(&running.urls.concur["us2"]),
                    tokens.access.clone(),
                ),
            };
            let mut request = Request::new(&host, method, target).with_bearer(&token);
            request.headers.extend(headers.iter().cloned());
            request.body = body.clone().into_bytes();
            let answer = sandbox.exchange(*system, &request, step.at);
            assert!(is_success(&answer), "{method} {target}: {answer:?}");
        }
    }
}

/// Creates a document in FreshBooks.
pub(crate) fn create(sandbox: &mut Sandbox, kind: &str, fields: &Value, at: Millis) -> u64 {
    let kind = match kind {
        "client" => RecordKind::Client,
        "invoice" => RecordKind::Invoice,
        "bill" => RecordKind::Bill,
        "bill-vendor" => RecordKind::BillVendor,
        other => panic!("unknown kind {other}"),
    };
    sandbox
        .freshbooks
        .create(kind, fields, at)
        .expect("created")
}

/// Tokens of FreshBooks for our app, as after a person's consent.
pub(crate) fn freshbooks_tokens(running: &Running) -> Tokens {
    let app = &SandboxConfig::default().freshbooks.apps[0];
    let sandbox = &mut running.shared.lock();
    let code = sandbox.freshbooks.consent(server::now());
    let request =
        Request::new("api.freshbooks.com", "POST", "/auth/oauth/token").with_json(&json!({
            "grant_type": "authorization_code",
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "redirect_uri": app.redirect_uris[0],
            "code": code,
        }));
    tokens(&sandbox.exchange(System::FreshBooks, &request, server::now()))
}

/// Tokens of the company in Concur, as after the exchange of a company request token.
pub(crate) fn concur_tokens(running: &Running) -> Tokens {
    let app = &SandboxConfig::default().concur.apps[0];
    let sandbox = &mut running.shared.lock();
    let request_token = sandbox.concur.company_request_token(server::now());
    let company = sandbox.concur.company_uuid().to_string();
    let form = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", app.client_secrets[0].as_str()),
        ("grant_type", "password"),
        ("credtype", "authtoken"),
        ("username", &company),
        ("password", &request_token),
    ];
    let host = authority(&running.urls.concur["glz"]);
    let request = Request::new(&host, "POST", "/oauth2/v0/token").with_form(&form);
    tokens(&sandbox.exchange(System::Concur, &request, server::now()))
}

fn tokens(answer: &WireOutcome) -> Tokens {
    let WireOutcome::Response { response, .. } = answer else {
        panic!("no tokens: {answer:?}");
    };
    let value = response.value();
    let text = |name: &str| {
        value[name]
            .as_str()
            .unwrap_or_else(|| panic!("{value}"))
            .to_string()
    };
    Tokens {
        access: text("access_token"),
        refresh: text("refresh_token"),
    }
}

fn is_success(answer: &WireOutcome) -> bool {
    matches!(answer, WireOutcome::Response { response, .. } if response.status < 300)
}

fn authority(url: &str) -> String {
    url.trim_start_matches("http://").to_string()
}
