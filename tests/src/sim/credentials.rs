//! The simulator's credentials and webhook keys: plain, and all but unproven verifiers survive any
//! crash. A renewal is a host's: intent, request, answer, new pair, and a crash after each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ml_connector_component::contract::credentials::{
    Credential, CredentialStatus, Grant, TokenField, TokenRemedy, TokenResponse,
};
use ml_connector_component::contract::http::{Body, Secret, SendOutcome};
use ml_connector_component::contract::types::System;
use ml_connector_component::{credentials, pacing};
use ml_connector_sandbox::Millis;

use super::network::{authority, outcome_of, to_wire, which};
use super::{Sim, system_name};

/// Every secret of the connection, and the state of both credentials.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    authorization_code: Option<String>,
    company_request_token: Option<String>,
    refresh_tokens: BTreeMap<&'static str, String>,
    access_tokens: BTreeMap<&'static str, String>,
    by_system: BTreeMap<&'static str, Credential>,
    /// When a failed refresh may be tried again.
    refresh_at: BTreeMap<&'static str, Millis>,
    /// Verifiers that arrived and were not sent back, by callback id.
    pub(super) candidates: BTreeMap<String, VecDeque<String>>,
    /// The verifier that was sent back last, by callback id; none where none was held.
    pub(super) sent: BTreeMap<String, Option<String>>,
    /// Callback ids whose key was sent back since it was last made one.
    pub(super) keys_tried: BTreeSet<String>,
    /// Requests that were recorded before they left and whose end no process has seen.
    requests_unanswered: BTreeMap<&'static str, u32>,
    /// Answers that were stored and not read yet.
    answers: BTreeMap<&'static str, (String, u16)>,
    pub(super) trusted: BTreeMap<String, String>,
}

impl Credentials {
    pub(super) fn secret(&self, system: System, secret: &Secret) -> Option<&str> {
        let value = match secret {
            Secret::ClientSecret => return Some(client_secret(system)),
            Secret::AuthorizationCode => self.authorization_code.as_ref(),
            Secret::CompanyRequestToken => self.company_request_token.as_ref(),
            Secret::RefreshToken => self.refresh_tokens.get(system_name(system)),
            Secret::Verifier(id) => self.sent.get(id).and_then(Option::as_ref),
        };
        value.map(String::as_str)
    }

    pub(super) fn is_live(&self, system: System) -> bool {
        self.by_system
            .get(system_name(system))
            .is_some_and(|credential| credential.status == CredentialStatus::Live)
    }

    /// When a failed refresh may be tried again; no request is sent before.
    pub(super) fn refresh_at(&self, system: System) -> Option<Millis> {
        self.refresh_at.get(system_name(system)).copied()
    }

    pub(super) fn access_token(&self, system: System) -> &str {
        let token = self.access_tokens.get(system_name(system));
        token.map(String::as_str).unwrap_or_default()
    }

    /// The pinned base URL.
    pub(super) fn base(&self, system: System) -> Option<String> {
        self.by_system.get(system_name(system))?.base.clone()
    }

    /// Why a person must connect a system again; none while it is live or was never connected.
    pub(super) fn dead_because(&self, system: System) -> Option<&str> {
        match &self.by_system.get(system_name(system))?.status {
            CredentialStatus::Dead(why) => Some(why),
            _ => None,
        }
    }

    fn credential(&self, system: System) -> Credential {
        let stored = self.by_system.get(system_name(system)).cloned();
        stored.unwrap_or_else(|| credentials::absent_credential(system))
    }
}

impl Sim {
    /// Connects both systems as people would.
    ///
    /// # Panics
    ///
    /// If a system refuses.
    pub fn connect(&mut self) {
        self.connect_freshbooks();
        self.connect_concur();
    }

    /// A person consents in the browser, and the code is exchanged.
    ///
    /// # Panics
    ///
    /// If FreshBooks refuses.
    pub fn connect_freshbooks(&mut self) {
        self.credentials.authorization_code = Some(self.consent());
        self.connected_by(System::Freshbooks, Grant::AuthorizationCode);
    }

    fn consent(&mut self) -> String {
        let redirect = "https%3A%2F%2Fconnector.example.test%2Foauth%2Ffreshbooks";
        let client = "sandbox-freshbooks-client";
        let target = format!(
            "/oauth/authorize/?response_type=code&client_id={client}&redirect_uri={redirect}&state=s"
        );
        let request = ml_connector_sandbox::Request::new("auth.freshbooks.com", "GET", &target);
        let answer = self.sandbox.freshbooks.handle(&request, self.now, 0);
        let location = answer.header("location").unwrap_or_default();
        let query = location
            .split_once('?')
            .map(|(_, query)| query)
            .unwrap_or_default();
        let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
        code.unwrap_or_else(|| panic!("FreshBooks gave no code: {} {location}", answer.status))
            .to_string()
    }

    /// An administrator makes a company request token, and it is exchanged.
    ///
    /// # Panics
    ///
    /// If SAP Concur refuses.
    pub fn connect_concur(&mut self) {
        let token = self.sandbox.concur.company_request_token(self.now);
        self.credentials.company_request_token = Some(token);
        self.connected_by(System::Concur, Grant::CompanyRequestToken);
    }

    /// A connect that succeeds opens the gate.
    fn connected_by(&mut self, system: System, grant: Grant) {
        self.grant(system, grant);
        assert!(self.credentials.is_live(system), "{system:?} refused");
        self.gates
            .insert(system_name(system), pacing::initial_gate(system));
    }

    /// Why a person must connect a system again; none while it is live.
    #[must_use]
    pub fn dead_because(&self, system: System) -> Option<&str> {
        self.credentials.dead_because(system)
    }

    /// Refreshes an access token. An answer that is stored is read before anything is asked, and a
    /// FreshBooks refresh token that may be spent is presented once more and not twice.
    pub(super) fn refresh(&mut self, system: System) {
        let name = system_name(system);
        if self.credentials.answers.contains_key(name) {
            return self.read_stored_answer(system);
        }
        self.credentials.refresh_at.remove(name);
        let mut credential = self.credentials.credential(system);
        for _ in 0..2 {
            let unanswered = self
                .credentials
                .requests_unanswered
                .entry(name)
                .or_default();
            if *unanswered >= 2 && system == System::Freshbooks {
                return self.kill_credential(system, "two answers were lost".to_string());
            }
            *unanswered += 1;
            // The intent is stored, nothing is sent.
            if self.crashes_here() {
                return;
            }
            let answer = self.request_tokens(&credential, Grant::RefreshToken);
            // An answer has arrived, and is not stored.
            if self.crashes_here() {
                return;
            }
            let Some(answer) = answer else {
                // No answer is one too: nothing was lost to a crash.
                self.credentials.requests_unanswered.insert(name, 0);
                return;
            };
            self.credentials.answers.insert(name, answer);
            // It is stored, and was not read.
            if self.crashes_here() {
                return;
            }
            self.read_stored_answer(system);
            let after = self.credentials.credential(system);
            // Another datacenter was named, which is asked at once.
            if after.base == credential.base || after.generation > credential.generation {
                break;
            }
            credential = after;
        }
        // The new pair is stored.
        self.crashes_here();
    }

    /// Reads what the process before this one has stored and not read.
    pub(super) fn resume_renewals(&mut self) {
        for system in [System::Freshbooks, System::Concur] {
            if self.credentials.answers.contains_key(system_name(system)) {
                self.read_stored_answer(system);
            }
        }
    }

    fn read_stored_answer(&mut self, system: System) {
        let name = system_name(system);
        let Some((text, status)) = self.credentials.answers.remove(name) else {
            return;
        };
        self.credentials.requests_unanswered.insert(name, 0);
        let credential = self.credentials.credential(system);
        let (shown, secrets) = take_out_secrets(&text, status);
        let read =
            self.logic
                .read_token_response(&credential, Grant::RefreshToken, &shown, self.now);
        match read.map_err(|failure| (failure.remedy, failure.message)) {
            Ok(renewed) => self.store_tokens(system, renewed, secrets),
            Err((TokenRemedy::TryBase(base), _)) => {
                let credential = Credential {
                    base: Some(base),
                    ..credential
                };
                self.credentials.by_system.insert(name, credential);
            }
            Err((TokenRemedy::TryAgain(at), _)) => {
                self.credentials.refresh_at.insert(name, at);
            }
            Err((TokenRemedy::Reconnect | TokenRemedy::FixSettings, message)) => {
                self.kill_credential(system, message);
            }
        }
    }

    fn kill_credential(&mut self, system: System, why: String) {
        let mut credential = self.credentials.credential(system);
        credential.status = CredentialStatus::Dead(why);
        self.credentials
            .by_system
            .insert(system_name(system), credential);
    }

    fn grant(&mut self, system: System, grant: Grant) {
        self.credentials.refresh_at.remove(system_name(system));
        let mut credential = self.credentials.credential(system);
        for _ in 0..2 {
            let Some(answer) = self.request_tokens(&credential, grant) else {
                return;
            };
            let (shown, secrets) = take_out_secrets(&answer.0, answer.1);
            let read = self
                .logic
                .read_token_response(&credential, grant, &shown, self.now);
            match read.map_err(|failure| (failure.remedy, failure.message)) {
                Ok(renewed) => {
                    self.store_tokens(system, renewed, secrets);
                    return;
                }
                Err((TokenRemedy::TryBase(base), _)) => credential.base = Some(base),
                Err((TokenRemedy::TryAgain(at), _)) => {
                    self.credentials.refresh_at.insert(system_name(system), at);
                    return;
                }
                Err((TokenRemedy::Reconnect | TokenRemedy::FixSettings, message)) => {
                    return self.kill_credential(system, message);
                }
            }
        }
    }

    fn request_tokens(&mut self, credential: &Credential, grant: Grant) -> Option<(String, u16)> {
        let asked = self.logic.build_token_request(credential, grant);
        let secrets = |secret: &Secret| self.credentials.secret(credential.system, secret);
        let mut wire = to_wire(&asked.request, secrets)?;
        wire.host = authority(&asked.base);
        let system = which(credential.system);
        let answer = self.sandbox.exchange(system, &wire, self.now);
        let (outcome, after) = outcome_of(answer, asked.request.timeout);
        self.now += after;
        let SendOutcome::Response(response) = outcome else {
            return None;
        };
        match response.body {
            Body::Text(text) => Some((text, response.status)),
            Body::Bytes(_) => None,
        }
    }

    fn store_tokens(
        &mut self,
        system: System,
        credential: Credential,
        mut secrets: BTreeMap<&'static str, String>,
    ) {
        let system = system_name(system);
        if let Some(token) = secrets.remove("access_token") {
            self.credentials.access_tokens.insert(system, token);
        }
        if let Some(token) = secrets.remove("refresh_token") {
            self.credentials.refresh_tokens.insert(system, token);
        }
        self.credentials.by_system.insert(system, credential);
        self.credentials.requests_unanswered.insert(system, 0);
    }
}

/// The secret of our app in the sandbox.
fn client_secret(system: System) -> &'static str {
    match system {
        System::Freshbooks => "sandbox-freshbooks-secret",
        System::Concur => "sandbox-concur-secret",
    }
}

/// The token answer as the component may see it, and its secrets by name.
fn take_out_secrets(text: &str, status: u16) -> (TokenResponse, BTreeMap<&'static str, String>) {
    let mut value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let mut secrets = BTreeMap::new();
    let mut secrets_present = Vec::new();
    for (name, field) in [
        ("access_token", TokenField::AccessToken),
        ("refresh_token", TokenField::RefreshToken),
        ("id_token", TokenField::IdToken),
    ] {
        if let Some(serde_json::Value::String(secret)) = value.get_mut(name)
            && !secret.is_empty()
        {
            secrets.insert(name, std::mem::take(secret));
            secrets_present.push(field);
        }
    }
    let response = TokenResponse {
        status,
        json: value.to_string(),
        secrets_present,
    };
    (response, secrets)
}
