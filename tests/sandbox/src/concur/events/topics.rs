//! Topics: which scope opens them and which event types they carry (source: concur-event-topics).

use std::collections::BTreeSet;

/// The topic of documents that are ready for the financial integration.
pub(crate) const FINANCIAL_INTEGRATION: &str = "public.concur.financialintegration";

/// The scope that opens the API; every topic needs its own besides.
pub(crate) const API_SCOPE: &str = "events.topic.read";

/// What an app can subscribe to.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    /// Any one of these opens it.
    scopes: &'static [&'static str],
    /// Its event types, or what they begin with.
    event_types: &'static [&'static str],
}

const TOPICS: [Topic; 9] = [
    Topic {
        name: FINANCIAL_INTEGRATION,
        scopes: &["FISVC"],
        event_types: &[],
    },
    Topic {
        name: "public.concur.expense.report",
        scopes: &["expense.report.read", "expense.report.readwrite"],
        event_types: &[
            "statusChanged",
            "reportCreated",
            "reportUpdated",
            "reportDeleted",
        ],
    },
    Topic {
        name: "public.concur.request",
        scopes: &["travelrequest.write"],
        event_types: &["statusChange."],
    },
    Topic {
        name: "public.concur.user.profile.identity",
        scopes: &["identity.user.event.read"],
        event_types: &["IdentityProfile"],
    },
    Topic {
        name: "public.concur.user.profile.spend",
        scopes: &["spend.user.event.read"],
        event_types: &["SpendProfile"],
    },
    Topic {
        name: "public.concur.user.travel.profile",
        scopes: &["travel.profile.user.event.read", "travel.user.event.read"],
        event_types: &["TravelProfile"],
    },
    Topic {
        name: "public.concur.user.provisioning",
        scopes: &["user.provision.read"],
        event_types: &["provisionCompleted"],
    },
    Topic {
        name: "public.concur.spend.accountingintegration",
        scopes: &["spend.accountingintegration.read"],
        event_types: &["data.", "mapping.", "listMapping."],
    },
    Topic {
        name: "public.concur.document.tax.compliance",
        scopes: &["document.tax.compliance.read"],
        event_types: &["MX.compliance", "PL.compliance"],
    },
];

/// The topics that a token's scopes open, in the order of the table.
pub(crate) fn topics_opened_by(scopes: &BTreeSet<String>) -> impl Iterator<Item = &'static str> {
    let open = |topic: &&Topic| topic.scopes.iter().any(|scope| scopes.contains(*scope));
    TOPICS.iter().filter(open).map(|topic| topic.name)
}

/// Whether there is such a topic.
pub(crate) fn is_topic(name: &str) -> bool {
    TOPICS.iter().any(|topic| topic.name == name)
}

/// The topic that carries an event type; unknown types are published under the topic of financial
/// documents.
pub(crate) fn topic_of_event_type(event_type: &str) -> &'static str {
    let carries = |topic: &&Topic| {
        let mut types = topic.event_types.iter();
        types.any(|begin| event_type.starts_with(begin))
    };
    TOPICS
        .iter()
        .find(carries)
        .map_or(FINANCIAL_INTEGRATION, |topic| topic.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_types_find_their_topic() {
        for (event_type, topic) in [
            ("invoice.readyForIntegration", FINANCIAL_INTEGRATION),
            ("never.heardOf", FINANCIAL_INTEGRATION),
            ("statusChanged", "public.concur.expense.report"),
            ("statusChange.APPROVED", "public.concur.request"),
            (
                "IdentityProfileUpdated",
                "public.concur.user.profile.identity",
            ),
            (
                "data.statusUpdated",
                "public.concur.spend.accountingintegration",
            ),
        ] {
            assert_eq!(topic_of_event_type(event_type), topic, "{event_type}");
        }
    }

    #[test]
    fn scopes_open_topics() {
        let open = |scopes: &[&str]| {
            let scopes = scopes.iter().map(|scope| scope.to_string()).collect();
            topics_opened_by(&scopes).collect::<Vec<_>>()
        };
        assert!(open(&[]).is_empty());
        assert_eq!(open(&["FISVC"]), [FINANCIAL_INTEGRATION]);
        let report = ["public.concur.expense.report"];
        assert_eq!(open(&["expense.report.read"]), report);
        assert_eq!(open(&["expense.report.readwrite"]), report);
    }
}
