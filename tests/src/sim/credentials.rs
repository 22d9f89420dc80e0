//! The simulator's credentials and webhook keys. A real host seals and stores them; here they are
//! plain and survive every crash.

use std::collections::BTreeMap;

use ml_connector_component::contract::credentials::{
    Credential, Grant, Life, Mend, TokenAnswer, TokenHost,
};
use ml_connector_component::contract::http::{Body, SendOutcome};
use ml_connector_component::contract::types::System;
use ml_connector_component::contract::webhooks::{Callback, CallbackState, Receiver};

use super::network::which;
use super::{Sim, system_name};

/// Where SAP Concur's company tokens are asked for.
pub const CONCUR_TOKEN_BASE: &str = "https://glz.api.concursolutions.com";
const TOKEN_TIMEOUT: u64 = 30_000;

/// Every secret of the connection, and the state of both credentials.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    secrets: BTreeMap<String, String>,
    tokens: BTreeMap<&'static str, String>,
    by_system: BTreeMap<&'static str, Credential>,
    candidates: BTreeMap<String, String>,
    trusted: BTreeMap<String, String>,
}

impl Credentials {
    pub(super) fn receiver(&self) -> Receiver {
        let callbacks = self.trusted.iter().map(|(id, verifier)| Callback {
            id: id.clone(),
            state: CallbackState::Active(verifier.clone()),
        });
        Receiver {
            account_id: "zQ7pLm".to_string(),
            callbacks: callbacks.collect(),
            registering: true,
        }
    }

    pub(super) fn receive_verifier(&mut self, callback_id: &str, verifier: &str) {
        self.candidates
            .insert(callback_id.to_string(), verifier.to_string());
    }

    pub(super) fn trust(&mut self, callback_id: &str) {
        if let Some(verifier) = self.candidates.get(callback_id) {
            self.trusted
                .insert(callback_id.to_string(), verifier.clone());
        }
    }

    pub(super) fn secret(&self, name: &str) -> Option<String> {
        match name.strip_prefix("verifier:") {
            Some(callback_id) => self.candidates.get(callback_id).cloned(),
            None => self.secrets.get(name).cloned(),
        }
    }

    pub(super) fn is_live(&self, system: System) -> bool {
        self.by_system
            .get(system_name(system))
            .is_some_and(|credential| credential.life == Life::Live)
    }

    /// Host and bearer token for API requests.
    pub(super) fn access(&self, system: System) -> (String, String) {
        let token = self
            .tokens
            .get(system_name(system))
            .cloned()
            .unwrap_or_default();
        let base = match system {
            System::Freshbooks => "https://api.freshbooks.com".to_string(),
            System::Concur => self
                .by_system
                .get("concur")
                .map(|credential| credential.base.clone())
                .unwrap_or_default(),
        };
        (authority(&base), token)
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
        let code = self.consent();
        self.credentials.secrets.insert(
            "client-secret".to_string(),
            "sandbox-freshbooks-secret".to_string(),
        );
        self.credentials
            .secrets
            .insert("authorization-code".to_string(), code);
        self.grant(System::Freshbooks, Grant::AuthorizationCode);
        assert!(
            self.credentials.is_live(System::Freshbooks),
            "FreshBooks refused the code"
        );
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
        self.credentials
            .secrets
            .insert("company-request-token".to_string(), token);
        self.grant(System::Concur, Grant::CompanyRequestToken);
        assert!(
            self.credentials.is_live(System::Concur),
            "SAP Concur refused the request token"
        );
    }

    /// Refreshes an access token.
    pub(super) fn refresh(&mut self, system: System) {
        self.grant(system, Grant::RefreshToken);
    }

    fn grant(&mut self, system: System, grant: Grant) {
        let mut credential = self
            .credentials
            .by_system
            .get(system_name(system))
            .cloned()
            .unwrap_or_else(|| absent(system));
        for _ in 0..2 {
            let Some(answer) = self.request_tokens(&credential, grant) else {
                return;
            };
            let (shown, secrets) = take_out_secrets(&answer.0, answer.1);
            match self.logic.read(&credential, grant, &shown, self.now) {
                Ok(renewed) => {
                    self.store_tokens(system, renewed, secrets);
                    return;
                }
                Err(failure) if failure.mend == Mend::TryThere => credential.base = failure.base,
                Err(failure) if failure.mend == Mend::TryAgain => return,
                Err(_) => {
                    credential.life = Life::Dead;
                    self.credentials
                        .by_system
                        .insert(system_name(system), credential);
                    return;
                }
            }
        }
    }

    fn request_tokens(&mut self, credential: &Credential, grant: Grant) -> Option<(String, u16)> {
        let system = credential.system;
        let asked = self.logic.ask(credential, grant);
        let refresh = format!("{}-refresh-token", system_name(system));
        let secret = format!("sandbox-{}-secret", system_name(system));
        self.credentials
            .secrets
            .insert("client-secret".to_string(), secret);
        if let Some(token) = self.credentials.secrets.get(&refresh).cloned() {
            self.credentials
                .secrets
                .insert("refresh-token".to_string(), token);
        }
        let mut wire = self.to_wire(&asked.request)?;
        wire.host = match (asked.host, system) {
            (TokenHost::Pinned, _) => authority(&credential.base),
            (TokenHost::Configured, System::Concur) => authority(CONCUR_TOKEN_BASE),
            (TokenHost::Configured, System::Freshbooks) => "api.freshbooks.com".to_string(),
        };
        let answer = self.sandbox.exchange(which(system), &wire, self.now);
        match self.outcome_of(answer, TOKEN_TIMEOUT) {
            SendOutcome::Response(response) => match response.body {
                Body::Text(text) => Some((text, response.status)),
                Body::Bytes(_) => None,
            },
            _ => None,
        }
    }

    fn store_tokens(
        &mut self,
        system: System,
        credential: Credential,
        secrets: BTreeMap<String, String>,
    ) {
        if let Some(token) = secrets.get("access_token") {
            self.credentials
                .tokens
                .insert(system_name(system), token.clone());
        }
        if let Some(token) = secrets.get("refresh_token") {
            self.credentials.secrets.insert(
                format!("{}-refresh-token", system_name(system)),
                token.clone(),
            );
        }
        self.credentials
            .by_system
            .insert(system_name(system), credential);
    }
}

/// The token answer as the component may see it, and its secrets by name.
fn take_out_secrets(text: &str, status: u16) -> (TokenAnswer, BTreeMap<String, String>) {
    let mut value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let mut secrets = BTreeMap::new();
    for field in ["access_token", "refresh_token", "id_token"] {
        if let Some(serde_json::Value::String(secret)) = value.get_mut(field) {
            secrets.insert(field.to_string(), std::mem::take(secret));
        }
    }
    secrets.retain(|_, secret| !secret.is_empty());
    let answer = TokenAnswer {
        status,
        json: value.to_string(),
        sealed: secrets.keys().cloned().collect(),
    };
    (answer, secrets)
}

fn absent(system: System) -> Credential {
    Credential {
        system,
        life: Life::Absent,
        generation: 0,
        base: String::new(),
        issued: 0,
        access_expires: 0,
        refresh_expires: None,
        scope: String::new(),
        sentence: String::new(),
    }
}

fn authority(base: &str) -> String {
    base.trim_start_matches("https://")
        .trim_start_matches("http://")
        .to_string()
}
