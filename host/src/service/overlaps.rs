//! Connections beside each other that name the same account or the same company.
//!
//! `check` tells of all of them. Those that take the same documents of one account into one company
//! are refused at the start: each would look for its own marker only, and make every record again.

mod shares;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::contract::settings::{Identity, Schedule};
use crate::contract::types::ObjectRef;

pub use shares::Share;

/// The kind of the objects whose runs look into a queue of financial documents.
const FINANCIAL_QUEUE: &str = "financial-queue";

/// What a connection joins, and what it looks after.
pub struct Joined<'a> {
    /// Which account and company.
    pub identity: &'a Identity,
    /// What the component wants to be started again and again: those of one kind in two connections
    /// take the same documents.
    pub schedules: &'a [Schedule],
    /// Which financial documents it takes; none if it takes no such documents.
    pub share: Option<Share<'a>>,
}

/// Several connections that name the same account or company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// What they have in common.
    pub kind: OverlapKind,
    /// FreshBooks' `account_id`; empty where only the company is the same.
    pub account: String,
    /// The UUID of SAP Concur's company, in lower case; empty where only the account is the same.
    pub company: String,
    /// The names of the connections, at least two, in the order of the settings.
    pub connections: Vec<String>,
}

/// What connections have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverlapKind {
    /// They take the same documents of one account into one company: never meant, and refused.
    SameDocuments,
    /// They take documents of one account, into several companies or of different kinds.
    SameAccount,
    /// They lead from several accounts into one company.
    SameCompany,
}

impl fmt::Display for Overlap {
    /// One sentence, with what to do.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (account, company) = (&self.account, &self.company);
        let names = self.connections.join(" and ");
        match self.kind {
            OverlapKind::SameDocuments => write!(
                out,
                "{names} take the same documents of the FreshBooks account {account} into the same \
                 SAP Concur company {company}: every record would be made twice. Remove one of \
                 the tables, or let each take other documents (invoice.enabled, bill.enabled, \
                 financial.documents, financial.ledgers)"
            ),
            OverlapKind::SameAccount => write!(
                out,
                "{names} carry the same FreshBooks account {account}: right only if each takes \
                 other documents, or each document belongs into each of the companies"
            ),
            OverlapKind::SameCompany => write!(
                out,
                "{names} lead into the same SAP Concur company {company}: that is right where \
                 several FreshBooks accounts belong to one company, which then needs a \
                 vendor.code_prefix and a financial.system_id of its own in each of them"
            ),
        }
    }
}

/// Finds them: by account first, then by company.
#[must_use]
pub fn overlaps(connections: &[Joined<'_>]) -> Vec<Overlap> {
    let account = |one: &Joined<'_>| one.identity.freshbooks_account_id.clone();
    let company = |one: &Joined<'_>| one.identity.concur_company_id.to_ascii_lowercase();
    let all: Vec<&Joined<'_>> = connections.iter().collect();
    let mut found = Vec::new();
    for (account, those) in grouped(&all, account) {
        let mut refused = Vec::new();
        for (company, those) in grouped(&those, company) {
            let names = taking_the_same(&those);
            if names.len() > 1 {
                refused.clone_from(&names);
                let kind = OverlapKind::SameDocuments;
                found.push(overlap(kind, &account, &company, names));
            }
        }
        let names = names(&those);
        if names.len() > 1 && names != refused {
            found.push(overlap(OverlapKind::SameAccount, &account, "", names));
        }
    }
    for (company, those) in grouped(&all, company) {
        if grouped(&those, account).len() > 1 {
            let kind = OverlapKind::SameCompany;
            found.push(overlap(kind, "", &company, names(&those)));
        }
    }
    found
}

fn overlap(kind: OverlapKind, account: &str, company: &str, connections: Vec<String>) -> Overlap {
    Overlap {
        kind,
        account: account.into(),
        company: company.into(),
        connections,
    }
}

fn grouped<'a, 'j>(
    connections: &[&'a Joined<'j>],
    key: impl Fn(&Joined<'j>) -> String,
) -> BTreeMap<String, Vec<&'a Joined<'j>>> {
    let mut groups: BTreeMap<String, Vec<&Joined<'_>>> = BTreeMap::new();
    for one in connections {
        groups.entry(key(one)).or_default().push(one);
    }
    groups
}

fn names(connections: &[&Joined<'_>]) -> Vec<String> {
    let names = connections.iter().map(|one| &one.identity.connection);
    names.cloned().collect()
}

/// The connections of which another one looks after the same.
fn taking_the_same(connections: &[&Joined<'_>]) -> Vec<String> {
    let shares = |one: &Joined<'_>| {
        let mut others = connections.iter();
        others.any(|other| {
            one.identity.connection != other.identity.connection && take_the_same(one, other)
        })
    };
    let sharing: Vec<&Joined<'_>> = connections
        .iter()
        .copied()
        .filter(|one| shares(one))
        .collect();
    names(&sharing)
}

/// Two queues of one kind are the same documents only where both take the same ledgers.
fn take_the_same(one: &Joined<'_>, other: &Joined<'_>) -> bool {
    let shares = one.share.as_ref().zip(other.share.as_ref());
    let is_apart = shares.is_some_and(|(one, other)| !one.overlaps(other));
    let (ours, theirs) = (objects(one), objects(other));
    let mut both = ours.intersection(&theirs);
    both.any(|(kind, _)| *kind != FINANCIAL_QUEUE || !is_apart)
}

fn objects<'a>(connection: &Joined<'a>) -> BTreeSet<(&'a str, &'a str)> {
    let object = |object: &'a ObjectRef| (object.kind.as_str(), object.id.as_str());
    let schedules = connection.schedules.iter();
    schedules.map(|schedule| object(&schedule.object)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConnectionConfig;
    use crate::contract::types::System;

    fn identity(connection: &str, account: &str, company: &str) -> Identity {
        Identity {
            connection: connection.into(),
            freshbooks_account_id: account.into(),
            freshbooks_business_id: 1,
            concur_company_id: company.into(),
        }
    }

    fn looking_after(kinds: &[&str]) -> Vec<Schedule> {
        let schedule = |id: &&str| Schedule {
            object: ObjectRef {
                system: System::Freshbooks,
                kind: "sweep".into(),
                id: (*id).into(),
            },
            interval_s: 900,
            needs: None,
            purpose: String::new(),
        };
        kinds.iter().map(schedule).collect()
    }

    /// What is found of two connections with these accounts, companies and documents.
    fn found(one: (&str, &str, &[&str]), other: (&str, &str, &[&str])) -> Vec<OverlapKind> {
        let identities = [
            identity("acme", one.0, one.1),
            identity("bolt", other.0, other.1),
        ];
        let schedules = [looking_after(one.2), looking_after(other.2)];
        let joined: Vec<Joined<'_>> = identities
            .iter()
            .zip(&schedules)
            .map(|(identity, schedules)| Joined {
                identity,
                schedules,
                share: None,
            })
            .collect();
        let found = overlaps(&joined);
        for one in &found {
            assert_eq!(one.connections, ["acme", "bolt"], "{one}");
        }
        found.into_iter().map(|one| one.kind).collect()
    }

    #[test]
    fn only_what_would_be_made_twice_is_refused() {
        use OverlapKind::{SameAccount, SameCompany, SameDocuments};
        let both: &[&str] = &["invoice", "bill"];
        for (one, other, expected) in [
            (("A", "c", both), ("A", "C", both), vec![SameDocuments]),
            (("A", "c", both), ("A", "c", &["bill"]), vec![SameDocuments]),
            (
                ("A", "c", &["invoice"]),
                ("A", "c", &["bill"]),
                vec![SameAccount],
            ),
            (("A", "c", both), ("A", "d", both), vec![SameAccount]),
            (("A", "c", both), ("a", "c", both), vec![SameCompany]),
            (("A", "c", both), ("B", "d", both), vec![]),
        ] as [(_, _, Vec<OverlapKind>); 6]
        {
            assert_eq!(found(one, other), expected, "{one:?} {other:?}");
        }
    }

    /// What is found of two connections of one account and company with these ledgers.
    fn with_ledgers(one: &str, other: &str) -> Vec<OverlapKind> {
        let connections =
            [("acme", one), ("bolt", other)].map(|(name, ledgers)| ConnectionConfig {
                name: name.to_string(),
                json: format!(r#"{{"financial": {{"enabled": true, "ledgers": {ledgers}}}}}"#),
            });
        let identities = ["acme", "bolt"].map(|name| identity(name, "A", "c"));
        let mut schedules = looking_after(&["expense", "invoice"]);
        for schedule in &mut schedules {
            schedule.object.kind = FINANCIAL_QUEUE.into();
        }
        let joined = connections.iter().zip(&identities);
        let joined = joined.map(|(connection, identity)| Joined {
            identity,
            schedules: &schedules,
            share: Share::of(connection),
        });
        let found = overlaps(&joined.collect::<Vec<_>>());
        found.into_iter().map(|one| one.kind).collect()
    }

    #[test]
    fn connections_of_other_ledgers_may_share_account_and_company() {
        use OverlapKind::{SameAccount, SameDocuments};
        let (gp, sap) = (r#"{"codes": ["GP"]}"#, r#"{"codes": ["SAP"]}"#);
        assert_eq!(with_ledgers(gp, sap), [SameAccount]);
        assert_eq!(with_ledgers(gp, gp), [SameDocuments]);
        assert_eq!(
            with_ledgers(gp, r#"{"codes": ["SAP", "gp"]}"#),
            [SameDocuments]
        );
        assert_eq!(with_ledgers("{}", "{}"), [SameDocuments]);
        assert_eq!(with_ledgers("{}", gp), [SameDocuments]);
    }
}
