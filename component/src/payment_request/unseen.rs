//! What was written into custom fields of a payment request and does not come back.
//!
//! A member whose name is not in the API's model, a field that is not on the form and perhaps a
//! code that is not in its list are dropped in silence, so only a read shows that they arrived.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use super::Translated;
use crate::concur::{self, PaymentRequest};
use crate::remedy::{Replay, after_settings};
use crate::settings::PaymentRequest as Fields;

/// As many are named in one message.
const NAMED_MAX: usize = 5;

/// What a read of a payment request does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unseen {
    marker: bool,
    /// Codes in the order of the lines, each once.
    cost_codes: Vec<String>,
}

impl Unseen {
    /// What of the marker and the cost codes is not in `shown`; none if all of it is.
    #[must_use]
    pub(crate) fn find(
        shown: &PaymentRequest,
        wanted: &Translated,
        fields: &Fields,
    ) -> Option<Self> {
        let marker = wanted.header.get(&fields.marker_field);
        let there = concur::shown_text(&shown.header, &fields.marker_field);
        let unseen = Self {
            marker: marker.is_some_and(|marker| *marker != there),
            cost_codes: unseen_cost_codes(shown, wanted),
        };
        (unseen.marker || !unseen.cost_codes.is_empty()).then_some(unseen)
    }

    /// Whether the marker is among it.
    #[must_use]
    pub(crate) fn has_marker(&self) -> bool {
        self.marker
    }

    /// It in words, such as "the marker in Custom24".
    #[must_use]
    pub(crate) fn message(&self, fields: &Fields) -> String {
        let mut named = Vec::new();
        if self.marker {
            named.push(format!("the marker in {}", fields.marker_field));
        }
        if !self.cost_codes.is_empty() {
            let codes = self.cost_codes.iter().take(NAMED_MAX);
            let codes: Vec<String> = codes.map(|code| format!("\"{code}\"")).collect();
            let more = match self.cost_codes.len().saturating_sub(NAMED_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            named.push(format!(
                "the cost code {}{more} in {} of an allocation",
                codes.join(", "),
                fields.cost_code_field
            ));
        }
        named.join(", and ")
    }

    /// What a person can do about it.
    #[must_use]
    pub(crate) fn remedy(&self, fields: &Fields) -> String {
        let (field, setting, list) = if self.marker {
            (&fields.marker_field, "marker_field", "")
        } else {
            let list = ", that its list has the code";
            (&fields.cost_code_field, "cost_code_field", list)
        };
        let spelling = match concur::other_spelling(field) {
            Some(other) => format!(" (its other spelling is \"{other}\")"),
            None => String::new(),
        };
        let change = format!(
            "check in SAP Concur that {field} is on the form of the payment request{list}, or set \
             `payment_request.{setting}` to another field{spelling}"
        );
        after_settings(&change, Replay::Parked)
    }
}

fn unseen_cost_codes(shown: &PaymentRequest, wanted: &Translated) -> Vec<String> {
    let shown_lines = shown.lines.iter();
    let mut there: Vec<&Value> = shown_lines.flat_map(|line| &line.allocations).collect();
    let mut unseen: Vec<String> = Vec::new();
    for allocation in wanted.lines.iter().flat_map(|line| &line.allocations) {
        let Some(code) = &allocation.cost_code else {
            continue;
        };
        let is_it = |there: &&Value| concur::shown_text(there, &allocation.field) == *code;
        match there.iter().position(is_it) {
            // Each one that is shown stands for one that was written.
            Some(at) => drop(there.swap_remove(at)),
            None if unseen.contains(code) => {}
            None => unseen.push(code.clone()),
        }
    }
    unseen
}
