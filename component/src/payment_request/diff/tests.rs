use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::contract::http::{Body, Response};

const FIELD: &str = "Custom1";

fn key() -> VendorKey {
    VendorKey {
        code: "FB-C1".to_string(),
        address: "MAIN".to_string(),
    }
}

fn line(description: &str, tax: &str, codes: &[&str], costs: &[Option<&str>]) -> Line {
    let mut fields = BTreeMap::from([
        ("Description", description.to_string()),
        ("ExpenseTypeCode", "OFFSP".to_string()),
        ("Quantity", "1".to_string()),
        ("UnitPrice", "10.5".to_string()),
        ("Tax", tax.to_string()),
    ]);
    for (name, code) in LEFTOVERS.into_iter().zip(codes) {
        fields.insert(name, code.to_string());
    }
    let share = 100 / costs.len();
    let allocations = costs.iter().map(|code| Allocation {
        percentage: share.to_string(),
        field: FIELD.to_string(),
        cost_code: code.map(String::from),
    });
    Line {
        fields,
        total: "10.50".to_string(),
        allocations: allocations.collect(),
    }
}

fn wanted(amount: &str, lines: Vec<Line>) -> Translated {
    let header = [
        ("Name", "2093 Northwind"),
        ("InvoiceNumber", "2093"),
        ("InvoiceDate", "2026-02-27"),
        ("InvoiceAmount", amount),
        ("EmployeeLoginId", "ap.clerk@example.test"),
        ("LedgerCode", "DEFAULT"),
    ];
    Translated {
        invoice_number: "2093".to_string(),
        header: header
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .into(),
        lines,
    }
}

/// A tiny Concur: what it keeps, how it takes an update, and how it tells it.
#[derive(Debug, Clone)]
struct Kept {
    header: Map<String, Value>,
    lines: Vec<(u32, Map<String, Value>)>,
    next_id: u32,
}

impl Kept {
    fn created(translated: &Translated) -> Self {
        let mut body: Map<String, Value> =
            serde_json::from_str(&translated.to_create(&key())).expect("is an object");
        let lines = body.remove("LineItems").expect("has lines");
        let lines = (1..)
            .zip(lines.as_array().expect("is a list"))
            .map(|(id, line)| (id, line.as_object().expect("is an object").clone()))
            .collect();
        Self {
            header: body,
            lines,
            next_id: 1_000,
        }
    }

    /// Members that an update does not send stay as they are; the allocations of a line are
    /// replaced.
    fn put(&mut self, json: &str) {
        let mut body: Map<String, Value> = serde_json::from_str(json).expect("is an object");
        assert_eq!(body.remove("RequestID"), Some(json!("A1")));
        assert!(!body.contains_key("LedgerCode") && !body.contains_key("ExternalPolicyId"));
        let changes = body.remove("LineItems").expect("has lines");
        self.header.extend(body);
        for change in changes.as_array().expect("is a list") {
            self.change(change.as_object().expect("is an object").clone());
        }
    }

    fn change(&mut self, mut change: Map<String, Value>) {
        assert!(!change.contains_key("TotalPrice"));
        let id = change.remove("LineItemID");
        let id = id.map(|id| {
            id.as_str()
                .and_then(|id| id.parse().ok())
                .expect("is an id")
        });
        let at = id.map(|id: u32| {
            self.lines
                .iter()
                .position(|(have, _)| *have == id)
                .expect("is there")
        });
        match (change.remove("Action").as_ref().and_then(Value::as_str), at) {
            (Some("INSERT"), None) => {
                self.lines.push((self.next_id, change));
                self.next_id += 1;
            }
            (Some("UPDATE"), Some(at)) => self.lines[at].1.extend(change),
            (Some("DELETE"), Some(at)) => drop(self.lines.remove(at)),
            other => panic!("no such action: {other:?}"),
        }
    }

    fn told(&self) -> PaymentRequest {
        let long = |value: &Value| match value.as_str() {
            Some(text) if text.contains('.') && money::parse(text).is_some() => {
                json!(format!("{text}000000"))
            }
            _ => value.clone(),
        };
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|(id, line)| {
                let mut line: Map<String, Value> = line
                    .iter()
                    .map(|(name, value)| (name.clone(), long(value)))
                    .collect();
                let allocations = line.remove("Allocations").unwrap_or_default();
                line.insert(
                    "Allocations".to_string(),
                    json!({"Allocation": allocations}),
                );
                line.insert("LineItemId".to_string(), json!(id.to_string()));
                Value::Object(line)
            })
            .collect();
        let mut body = self.header.clone();
        body.insert("ID".to_string(), json!("A1"));
        for day in DAYS {
            let told = body
                .get(day)
                .and_then(Value::as_str)
                .map(|day| format!("{day} 00:00:00.0"));
            body.extend(told.map(|told| (day.to_string(), json!(told))));
        }
        let vendor = body
            .remove("VendorRemitToIdentifier")
            .expect("has a vendor");
        body.insert("VendorRemitAddress".to_string(), vendor);
        body.insert("LineItems".to_string(), json!({"LineItem": lines}));
        body.remove("EmployeeLoginId");
        let response = Response {
            status: 200,
            headers: Vec::new(),
            body: Body::Text(Value::Object(body).to_string()),
        };
        concur::read_payment_request(&response).expect("is read")
    }
}

/// The actions of a change, by line id.
fn actions(change: Option<Difference>) -> Vec<(String, String)> {
    let body = change
        .map(Difference::into_update)
        .unwrap_or("{}".to_string());
    let body: Value = serde_json::from_str(&body).expect("is JSON");
    let lines = body["LineItems"].as_array().cloned().unwrap_or_default();
    lines
        .iter()
        .map(|line| {
            (
                concur::member_text(line, "Action"),
                concur::member_text(line, "LineItemID"),
            )
        })
        .collect()
}

fn acts(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(name, id)| (name.to_string(), id.to_string()))
        .collect()
}

fn abc() -> Vec<Line> {
    ["a", "b", "c"]
        .map(|name| line(name, "1.37", &["H13"], &[Some("PRJ_A")]))
        .into()
}

#[test]
fn the_same_needs_no_change_however_concur_tells_it() {
    let wanted = wanted("1130.00", abc());
    assert_eq!(
        Difference::between(&Kept::created(&wanted).told(), &wanted, &key()),
        None
    );
}

#[test]
fn each_action_is_used_for_what_it_is_for() {
    let kept = Kept::created(&wanted("1", abc())).told();
    let between =
        |lines: Vec<Line>| actions(Difference::between(&kept, &wanted("1", lines), &key()));
    let mut changed = abc();
    changed[1] = line("b", "1.38", &["H13"], &[Some("PRJ_A")]);
    assert_eq!(between(changed), acts(&[("UPDATE", "2")]));
    let mut longer = abc();
    longer.insert(0, line("new", "0", &[], &[None]));
    assert_eq!(between(longer), acts(&[("INSERT", "")]));
    let mut shorter = abc();
    shorter.remove(0);
    assert_eq!(between(shorter), acts(&[("DELETE", "1")]));
    let mut all = abc();
    all.remove(2);
    all[0] = line("a", "7", &["H13"], &[Some("PRJ_A")]);
    all.extend([
        line("n", "0", &["H13"], &[None]),
        line("m", "0", &["H13"], &[None]),
    ]);
    assert_eq!(
        between(all),
        acts(&[("UPDATE", "1"), ("UPDATE", "3"), ("INSERT", "")])
    );
}

#[test]
fn a_tax_code_that_goes_takes_its_line_with_it() {
    let kept = Kept::created(&wanted("1", vec![line("a", "1", &["H13"], &[None])])).told();
    let untaxed = wanted("1", vec![line("a", "0", &[], &[None])]);
    let change = Difference::between(&kept, &untaxed, &key());
    assert_eq!(actions(change), acts(&[("INSERT", ""), ("DELETE", "1")]));
}

#[test]
fn a_cost_code_that_goes_is_seen() {
    let kept = Kept::created(&wanted("1", vec![line("a", "1", &[], &[Some("PRJ_A")])])).told();
    let without = wanted("1", vec![line("a", "1", &[], &[None])]);
    assert_eq!(
        actions(Difference::between(&kept, &without, &key())),
        acts(&[("UPDATE", "1")])
    );
}

#[test]
fn header_and_vendor_are_compared_too() {
    let kept = Kept::created(&wanted("1.00", abc())).told();
    let other = Difference::between(&kept, &wanted("2.00", abc()), &key()).expect("differs");
    assert!(other.into_update().contains(r#""InvoiceAmount":"2.00""#));
    for (code, address, differs) in [
        ("fb-c1", "main", false),
        ("FB-C2", "MAIN", true),
        ("FB-C1", "HQ", true),
    ] {
        let vendor = VendorKey {
            code: code.to_string(),
            address: address.to_string(),
        };
        let change = Difference::between(&kept, &wanted("1.00", abc()), &vendor);
        assert_eq!(change.is_some(), differs, "{code} {address}");
    }
}

#[test]
fn amounts_and_days_are_compared_by_meaning_and_names_as_they_are() {
    assert!(same("InvoiceAmount", "1130.00000000", "1130.00"));
    assert!(same("InvoiceDate", "2026-02-27 00:00:00.0", "2026-02-27"));
    assert!(!same("InvoiceDate", "2026-02-28 00:00:00.0", "2026-02-27"));
    assert!(!same("Quantity", "", "1"));
    assert!(!same("InvoiceNumber", "7", "007") && !same("TaxCode", "5", "05"));
}

fn any_lines() -> impl Strategy<Value = Vec<Line>> {
    let codes = prop::sample::select(vec![vec![], vec!["H13"], vec!["G5", "P7"]]);
    let costs = prop::sample::select(vec![
        vec![None],
        vec![Some("PRJ_A")],
        vec![Some("PRJ_A"), Some("PRJ_B")],
    ]);
    let description = prop::sample::select(vec!["a", "b", "c"]);
    let tax = prop::sample::select(vec!["0.00", "1.37"]);
    let one = (description, tax, codes, costs)
        .prop_map(|(description, tax, codes, costs)| line(description, tax, &codes, &costs));
    prop::collection::vec(one, 1..8)
}

proptest! {
    #[test]
    fn a_change_makes_the_request_what_is_wanted(before in any_lines(), after in any_lines()) {
        let mut kept = Kept::created(&wanted("1.00", before));
        let after = wanted("2.00", after);
        let change = Difference::between(&kept.told(), &after, &key()).expect("the amount differs");
        kept.put(&change.into_update());
        prop_assert_eq!(Difference::between(&kept.told(), &after, &key()), None);
        // Independently of the comparison: the same lines in any order, but for their totals.
        let bare = |line: &Map<String, Value>| {
            let mut line = line.clone();
            line.remove("TotalPrice");
            Value::Object(line).to_string()
        };
        let mut have: Vec<String> = kept.lines.iter().map(|(_, line)| bare(line)).collect();
        let mut want: Vec<String> = after.lines.iter().map(|line| bare(&line.to_json())).collect();
        have.sort();
        want.sort();
        prop_assert_eq!(have, want);
        prop_assert_eq!(&kept.header["InvoiceAmount"], "2.00");
    }
}
