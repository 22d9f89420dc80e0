//! What calls of lists, identity and payment confirmations pass: a company token, the datacenter
//! and a scope (source: concur-401-and-403).

use std::collections::BTreeSet;

use super::Concur;
use super::oauth::Principal;
use super::{identity, invoice, lists};
use crate::http::{Millis, Pairs, Request, Response};

/// A call whose token was accepted, in the parts that are read.
pub(crate) struct V4Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) method: &'a str,
    /// The path without a slash at its end.
    pub(crate) path: &'a str,
    pub(crate) query: Pairs,
    pub(crate) scopes: BTreeSet<String>,
    /// The app that the token was issued to.
    pub(crate) client_id: String,
    pub(crate) base_url: String,
    pub(crate) now: Millis,
    /// Look-ups miss what was made later.
    pub(crate) visible_until: Millis,
}

/// Why a call is not let in.
pub(crate) enum V4Refusal {
    /// An answer that is the same in every family of calls.
    Answered(Response),
    /// A status and a sentence, which each family puts into its own form.
    Said(u16, &'static str),
}

impl V4Call<'_> {
    /// The parts of the path that follow a prefix.
    pub(crate) fn segments(&self, prefix: &str) -> Vec<&str> {
        let rest = self.path.strip_prefix(prefix).unwrap_or_default();
        rest.split('/').collect()
    }

    /// Whether the token has one of the scopes.
    pub(crate) fn has_scope(&self, any: &[&str]) -> bool {
        any.iter().any(|scope| self.scopes.contains(*scope))
    }

    /// Whether the body is declared to be JSON.
    pub(crate) fn has_json_body(&self) -> bool {
        let declared = self.request.header("content-type").unwrap_or_default();
        declared
            .to_ascii_lowercase()
            .starts_with("application/json")
    }
}

impl Concur {
    /// Answers a request on lists, identity or payment confirmations; none if it is for none of
    /// them.
    pub(crate) fn handle_v4(
        &mut self,
        request: &Request,
        host: &str,
        now: Millis,
        stale: Millis,
    ) -> Option<Response> {
        let path = request.path();
        let answer = if path.starts_with(lists::PREFIX) {
            Self::handle_lists
        } else if path.starts_with(identity::PREFIX) {
            Self::handle_identity
        } else if path.starts_with(invoice::payment_confirmations::PREFIX) {
            Self::handle_payment_confirmations
        } else {
            return None;
        };
        let entered = self.enter_v4(request, host, now, stale);
        Some(answer(self, request, entered, now))
    }

    fn enter_v4<'a>(
        &self,
        request: &'a Request,
        host: &str,
        now: Millis,
        stale: Millis,
    ) -> Result<V4Call<'a>, V4Refusal> {
        let token = request.bearer();
        let Some(access) = token.and_then(|token| self.oauth.access_token(token, now)) else {
            return Err(self.refuse_token());
        };
        if host != self.config.datacenter {
            return Err(V4Refusal::Answered(self.wrong_datacenter()));
        }
        if access.principal != Principal::Company {
            let why = "Forbidden: a company token is required.";
            return Err(V4Refusal::Said(403, why));
        }
        let base_url = self.config.hosts.get(host);
        Ok(V4Call {
            request,
            method: &request.method,
            path: request.path().trim_end_matches('/'),
            query: request.query(),
            scopes: access.scopes.clone(),
            client_id: access.client_id.clone(),
            base_url: base_url
                .map(|host| host.base_url.clone())
                .unwrap_or_default(),
            now,
            visible_until: now.saturating_sub(stale),
        })
    }

    fn refuse_token(&self) -> V4Refusal {
        let switches = &self.config.gateway;
        let status = if switches.unauthenticated_401 {
            401
        } else {
            403
        };
        if switches.unauthenticated_empty {
            return V4Refusal::Answered(Response::empty(status));
        }
        V4Refusal::Said(status, "The access token is missing, invalid or expired.")
    }
}
