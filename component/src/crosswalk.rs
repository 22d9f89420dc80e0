//! Links that a person makes or breaks: which may be made by hand, and which belong together. They
//! are those that the flows store: `flows::documents`, `flows::expenses` and
//! `flows::financial_document` in both directions where the way back must know what is ours,
//! `flows::reference` in both since either side may change, `flows::vendors` and
//! `flows::suppliers` in one.
//!
//! An expense entry has a second link back, by the id that documents name it by: the next run of
//! its expense stores it, and it ends with the pair.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::concur::VendorKey;
use crate::contract::crosswalk::Paired;
use crate::contract::runs::{Link, ObjectStatus};
use crate::contract::types::{ObjectRef, System};
use crate::financial::Supplier;
use crate::financial::source::Source;

/// A system and a kind.
type Kind = (System, &'static str);

const INVOICE: Kind = (System::Freshbooks, "invoice");
const BILL: Kind = (System::Freshbooks, "bill");
const EXPENSE: Kind = (System::Freshbooks, "expense");
const CLIENT: Kind = (System::Freshbooks, "client");
const BILL_VENDOR: Kind = (System::Freshbooks, "bill-vendor");
const JOURNAL_ENTRY: Kind = (System::Freshbooks, "journal-entry");
const PAYMENT_REQUEST: Kind = (System::Concur, "payment-request");
const QUICK_EXPENSE: Kind = (System::Concur, "quick-expense");
const EXPENSE_ENTRY: Kind = (System::Concur, "expense-entry");
const VENDOR: Kind = (System::Concur, "vendor");
const SUPPLIER: Kind = (System::Concur, "supplier");
const FINANCIAL_DOCUMENT: Kind = (System::Concur, "financial-document");
const PROJECT: Kind = (System::Freshbooks, "project");
const SERVICE: Kind = (System::Freshbooks, "service");
const ACCOUNT: Kind = (System::Freshbooks, "account");
const LIST_ITEM: Kind = (System::Concur, "list-item");

/// How two kinds are linked.
struct Rule {
    source: Kind,
    target: Kind,
    /// The target is linked back to the source.
    is_mirrored: bool,
    /// The target is that of one source.
    is_exclusive: bool,
}

/// A rule of two documents, or of a record and its list item, of which each is the other's alone.
const fn document(source: Kind, target: Kind, is_mirrored: bool) -> Rule {
    Rule {
        source,
        target,
        is_mirrored,
        is_exclusive: true,
    }
}

/// A rule of two parties: a client and a bill vendor may be one firm.
const fn party(source: Kind, target: Kind) -> Rule {
    Rule {
        source,
        target,
        is_mirrored: false,
        is_exclusive: false,
    }
}

/// Everything that people link. What is not here, such as a registration's link to its callback,
/// is bookkeeping of the runs.
const RULES: [Rule; 12] = [
    document(INVOICE, PAYMENT_REQUEST, true),
    document(BILL, PAYMENT_REQUEST, true),
    document(EXPENSE, EXPENSE_ENTRY, true),
    document(FINANCIAL_DOCUMENT, BILL, true),
    document(FINANCIAL_DOCUMENT, JOURNAL_ENTRY, false),
    document(EXPENSE, QUICK_EXPENSE, false),
    party(CLIENT, VENDOR),
    party(BILL_VENDOR, VENDOR),
    party(SUPPLIER, BILL_VENDOR),
    document(PROJECT, LIST_ITEM, true),
    document(SERVICE, LIST_ITEM, true),
    document(ACCOUNT, LIST_ITEM, true),
];

/// The links of two objects that a person says are one. See `wit/crosswalk.wit`.
///
/// # Errors
///
/// One plain sentence: they are not two kinds that become each other, an id cannot be one, or it is
/// a financial document that no run has read.
///
/// ```
/// use ml_connector_component::contract::{runs::ObjectStatus, types::ObjectRef};
/// use ml_connector_component::crosswalk::pair;
///
/// let status = |object| ObjectStatus { object, link: None, active: false, last: None };
/// let invoice = status(ObjectRef::freshbooks("invoice", "778120"));
/// let request = status(ObjectRef::concur("payment-request", "B0A5"));
/// // Named in either order, they are linked in both directions.
/// let links = pair(&request, &invoice).expect("become each other").links;
/// assert_eq!(links[0].source, invoice.object);
/// assert_eq!(links[1].source, request.object);
/// // An invoice does not become an invoice.
/// assert!(pair(&invoice, &invoice).is_err());
/// ```
pub fn pair(one: &ObjectStatus, other: &ObjectStatus) -> Result<Paired, String> {
    let (source, target) = if rule(&one.object, &other.object).is_some() {
        (one, other)
    } else {
        (other, one)
    };
    let Some(rule) = rule(&source.object, &target.object) else {
        return Err(not_linked(&one.object, &other.object));
    };
    check_id(&source.object)?;
    check_id(&target.object)?;
    let version = match rule.source == FINANCIAL_DOCUMENT {
        true => Some(read_version(source)?),
        false => None,
    };
    let link = |source: &ObjectStatus, target: &ObjectStatus| Link {
        source: source.object.clone(),
        target: target.object.clone(),
        version: version.clone(),
        content_hash: None,
    };
    let mut links = vec![link(source, target)];
    if rule.is_mirrored {
        links.push(link(target, source));
    }
    Ok(Paired {
        links,
        is_exclusive: rule.is_exclusive,
    })
}

/// The sources of the links that go with this one. See `wit/crosswalk.wit`.
///
/// # Errors
///
/// One plain sentence: it is no link that people make.
pub fn unpair(link: &Link) -> Result<Vec<ObjectRef>, String> {
    let (source, target) = (&link.source, &link.target);
    if [source, target].into_iter().any(is_named_by_documents) {
        return Err(bookkeeping(link));
    }
    let forward = rule(source, target);
    let backward = rule(target, source).filter(|rule| rule.is_mirrored);
    match forward.or(backward) {
        Some(rule) if rule.is_mirrored => Ok(vec![source.clone(), target.clone()]),
        Some(_) => Ok(vec![source.clone()]),
        None => Err(bookkeeping(link)),
    }
}

fn bookkeeping(link: &Link) -> String {
    let ObjectRef { kind, id, .. } = &link.source;
    format!(
        "the link of {kind} {id} is ml-connector's own bookkeeping, which its runs keep in order"
    )
}

/// Whether it is an expense entry by its v4 id, of 32 hexadecimal digits, which documents name it
/// by (source: concur-financial-schema).
fn is_named_by_documents(object: &ObjectRef) -> bool {
    const DIGITS: usize = 32;
    let is_entry = (object.system, object.kind.as_str()) == EXPENSE_ENTRY;
    let id = object.id.as_bytes();
    is_entry && id.len() == DIGITS && id.iter().all(u8::is_ascii_hexdigit)
}

fn rule(source: &ObjectRef, target: &ObjectRef) -> Option<&'static Rule> {
    let is_of = |object: &ObjectRef, kind: Kind| (object.system, object.kind.as_str()) == kind;
    RULES
        .iter()
        .find(|rule| is_of(source, rule.source) && is_of(target, rule.target))
}

/// The version of the document that a run has looked at, by which it knows the link for that of
/// this very document: without one it would take back what a person says it is.
fn read_version(document: &ObjectStatus) -> Result<String, String> {
    let last = document.last.as_ref();
    last.and_then(|last| last.version.clone()).ok_or_else(|| {
        format!(
            "no run has read financial-document {} yet, so nobody knows which version of it this \
             is; wait until one has, and link them then",
            document.object.id
        )
    })
}

fn check_id(object: &ObjectRef) -> Result<(), String> {
    let (id, kind) = (object.id.as_str(), (object.system, object.kind.as_str()));
    let (is_id, expected) = match kind {
        VENDOR => (VendorKey::from_id(id).is_some(), "VENDOR CODE|ADDRESS CODE"),
        SUPPLIER => (Supplier::from_id(id).is_some(), "VENDOR CODE|NAME"),
        FINANCIAL_DOCUMENT => (Source::from_id(id).is_some(), "invoice/PAYMENT REQUEST ID"),
        EXPENSE_ENTRY => (
            !is_named_by_documents(object),
            "its ID in Expense Entries v3, and not its ExpenseID",
        ),
        _ if object.system == System::Freshbooks && ![JOURNAL_ENTRY, ACCOUNT].contains(&kind) => {
            (id.bytes().all(|byte| byte.is_ascii_digit()), "digits only")
        }
        _ => (true, ""),
    };
    match is_id && !id.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "\"{id}\" cannot be the id of a {}: expected {expected}",
            object.kind
        )),
    }
}

fn not_linked(one: &ObjectRef, other: &ObjectRef) -> String {
    let shown = |object: &ObjectRef| format!("{} {}", object.system.display_name(), object.kind);
    let known = |object: &ObjectRef| {
        let kind = (object.system, object.kind.as_str());
        let mut kinds = RULES.iter().flat_map(|rule| [rule.source, rule.target]);
        kinds.any(|known| known == kind)
    };
    for object in [one, other] {
        if !known(object) {
            return format!("nothing is linked by hand to a {}", shown(object));
        }
    }
    let pairs = RULES.iter().map(|rule| {
        let (source, target) = (rule.source.1, rule.target.1);
        format!("{source} and {target}")
    });
    let pairs: Vec<String> = pairs.collect();
    format!(
        "a {} and a {} do not become each other; these do: {}",
        shown(one),
        shown(other),
        pairs.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;

    use super::*;
    use crate::contract::runs::{EndingKind, LastEnding};

    fn status(object: ObjectRef) -> ObjectStatus {
        ObjectStatus {
            object,
            link: None,
            active: false,
            last: None,
        }
    }

    fn invoice_document(version: Option<&str>) -> ObjectStatus {
        ObjectStatus {
            last: Some(LastEnding {
                kind: EndingKind::Parked,
                code: Some("ambiguous".to_owned()),
                message: String::new(),
                version: version.map(ToOwned::to_owned),
                since: None,
            }),
            ..status(ObjectRef::concur("financial-document", "invoice/B0A5"))
        }
    }

    #[test]
    fn what_is_linked_both_ways_is_broken_both_ways() {
        let one = status(ObjectRef::freshbooks("bill", "12"));
        let other = status(ObjectRef::concur("payment-request", "B0A5"));
        let paired = pair(&one, &other).expect("become each other");
        assert!(paired.is_exclusive);
        assert_eq!(paired.links.len(), 2);
        assert_eq!(paired, pair(&other, &one).expect("in either order"));
        for link in &paired.links {
            let mut sources = unpair(link).expect("is a person's");
            sources.sort_by_key(|object| object.kind.clone());
            assert_eq!(sources, [one.object.clone(), other.object.clone()]);
        }
    }

    #[test]
    fn an_entry_is_named_by_its_own_id_and_not_by_that_of_documents() {
        let expense = status(ObjectRef::freshbooks("expense", "7"));
        let entry = status(ObjectRef::concur("expense-entry", "gWr1"));
        let paired = pair(&entry, &expense).expect("become each other");
        assert!(paired.is_exclusive);
        let sources: Vec<_> = paired.links.iter().map(|link| &link.source).collect();
        assert_eq!(sources, [&expense.object, &entry.object]);
        let in_documents = "3F0B7A5E9C1D4E2F8A6B0C1D2E3F4A5B";
        let in_documents = status(ObjectRef::concur("expense-entry", in_documents));
        let refused = pair(&expense, &in_documents).expect_err("is another id");
        assert!(refused.contains("not its ExpenseID"), "{refused}");
        let back = Link {
            source: in_documents.object,
            target: expense.object,
            version: Some("1".to_owned()),
            content_hash: None,
        };
        let refused = unpair(&back).expect_err("goes with the pair");
        assert!(refused.contains("own bookkeeping"), "{refused}");
    }

    #[test]
    fn a_record_and_its_list_item_are_linked_both_ways_and_a_claimed_code_is_ours() {
        let item = status(ObjectRef::concur("list-item", "d0c1-77"));
        for (kind, id) in [("project", "5512"), ("service", "7"), ("account", "a1-b2")] {
            let record = status(ObjectRef::freshbooks(kind, id));
            let paired = pair(&item, &record).expect("become each other");
            assert!(paired.is_exclusive);
            let sources = unpair(&paired.links[1]).expect("is a person's");
            assert_eq!(sources, [item.object.clone(), record.object.clone()]);
            let claim = Link {
                source: ObjectRef::concur("list-code", "LIST/5512"),
                target: record.object,
                version: None,
                content_hash: None,
            };
            let refused = unpair(&claim).expect_err("is ours");
            assert!(refused.contains("own bookkeeping"), "{refused}");
        }
    }

    #[test]
    fn two_parties_may_be_one_vendor() {
        let vendor = status(ObjectRef::concur("vendor", "V1|A1"));
        for kind in ["client", "bill-vendor"] {
            let party = status(ObjectRef::freshbooks(kind, "7"));
            let paired = pair(&party, &vendor).expect("become each other");
            assert!(!paired.is_exclusive);
            assert_eq!(paired.links.len(), 1);
            assert_eq!(unpair(&paired.links[0]), Ok(vec![party.object]));
        }
    }

    #[test]
    fn a_financial_document_is_linked_in_the_version_that_was_read() {
        let bill = status(ObjectRef::freshbooks("bill", "12"));
        let paired = pair(&invoice_document(Some("D1/1")), &bill).expect("was read");
        let versions = paired.links.iter().map(|link| link.version.as_deref());
        assert_eq!(versions.collect::<Vec<_>>(), [Some("D1/1"), Some("D1/1")]);
        let refused = pair(&invoice_document(None), &bill).expect_err("was not read");
        assert!(refused.contains("no run has read"), "{refused}");
        let entry = status(ObjectRef::freshbooks("journal-entry", "9"));
        let paired = pair(&invoice_document(Some("D1/1")), &entry).expect("was read");
        assert_eq!(paired.links.len(), 1);
    }

    #[test]
    fn what_people_do_not_link_is_refused_with_a_sentence() {
        let of = |system, kind: &str, id: &str| {
            let (kind, id) = (kind.to_owned(), id.to_owned());
            status(ObjectRef { system, kind, id })
        };
        let (ours, theirs) = (System::Freshbooks, System::Concur);
        for (one, other, why) in [
            (
                of(ours, "invoice", "1"),
                of(theirs, "vendor", "a|b"),
                "do not become",
            ),
            (
                of(ours, "invoice", "x1"),
                of(theirs, "payment-request", "B"),
                "digits only",
            ),
            (
                of(ours, "client", "1"),
                of(theirs, "vendor", "V1"),
                "VENDOR CODE|ADDRESS",
            ),
            (
                of(ours, "callback", "1"),
                of(ours, "callback", "1"),
                "by hand to a FreshBooks",
            ),
            (
                of(theirs, "supplier", "|"),
                of(ours, "bill-vendor", "1"),
                "VENDOR CODE|NAME",
            ),
            (
                of(theirs, "financial-document", "x/1"),
                of(ours, "bill", "1"),
                "financial-doc",
            ),
        ] {
            let refused = pair(&one, &other).expect_err(why);
            assert!(refused.contains(why), "{refused}");
        }
        let link = Link {
            source: ObjectRef::concur("payment-request-form", "x"),
            target: ObjectRef::concur("payment-request", "B"),
            version: None,
            content_hash: None,
        };
        assert!(
            unpair(&link)
                .expect_err("is ours")
                .contains("own bookkeeping")
        );
    }
}
