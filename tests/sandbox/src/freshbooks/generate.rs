//! Many documents at once, of a realistic variety, for demos and load.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::FreshBooks;
use super::expense_config::ProjectField;
use super::user_actions::{Declined, RecordKind};
use crate::calendar::{eastern_day, plus_days};
use crate::http::Millis;
use crate::random::Random;

/// How many of what to create.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bulk {
    /// Clients; at least one is made if invoices need one.
    pub clients: u32,
    /// Invoices, three of four sent, the rest drafts.
    pub invoices: u32,
    /// Bills, with a vendor for every ten.
    pub bills: u32,
    /// Expenses: of every active staff member, some with taxes, some for a client or a project.
    pub expenses: u32,
    /// The seed of the variety.
    pub seed: u64,
}

const CURRENCIES: [&str; 8] = ["EUR", "USD", "CAD", "GBP", "EUR", "USD", "JPY", "KWD"];

const NAMES: [&str; 16] = [
    "Northwind Paper Ltd",
    "Müller & Söhne GmbH",
    "O'Reilly \"Quoted\" Media",
    "株式会社サンプル",
    "Śląska Spółka z o.o.",
    "Café Zoë / Bäckerei",
    "Emoji 🎉 Events",
    "  leading and trailing  ",
    "Back\\slash & <Tag> Co",
    "Ελληνική Εταιρεία",
    "شركة المثال",
    "AC/DC Elektro-Service",
    "Hyphen-ated Con-sulting",
    "Tab\tSeparated",
    "N",
    "Zażółć gęślą jaźń",
];

const ADDRESSES: [(&str, &str, &str, &str, &str); 6] = [
    ("12 Mill Lane", "Toronto", "ON", "M5V 2T6", "Canada"),
    (
        "350 Fifth Avenue",
        "New York",
        "NY",
        "10118",
        "United States",
    ),
    ("Invalidenstraße 44", "Berlin", "", "10115", "Germany"),
    ("1-1 Marunouchi", "Tokyo", "", "100-0005", "Japan"),
    (
        "10 Downing Street",
        "London",
        "",
        "SW1A 2AA",
        "United Kingdom",
    ),
    ("Gulf Road 1", "Kuwait City", "", "13001", "Kuwait"),
];

const WORK: [&str; 6] = [
    "Design",
    "Développement",
    "Consulting – phase 2",
    "Travel (re-billed)",
    "\"Fixed fee\"",
    "保守",
];

impl FreshBooks {
    /// Creates documents as a person would, with everything they need, events included. Returns how
    /// many were made.
    pub fn create_bulk(&mut self, bulk: &Bulk, now: Millis) -> Result<u64, Declined> {
        let mut random = Random::new(bulk.seed, "freshbooks/bulk");
        let clients = bulk.clients.max(u32::from(bulk.invoices > 0));
        let vendors = bulk.bills.div_ceil(10);
        let mut made = Vec::new();
        for serial in 0..clients {
            made.push(self.create(
                RecordKind::Client,
                &client_fields(&mut random, bulk.seed, serial),
                now,
            )?);
        }
        let projects = self.bulk_projects(&made, now)?;
        for serial in 0..bulk.invoices {
            let customer = *random.pick(&made);
            let fields = invoice_fields(&mut random, customer, &projects, bulk.seed, serial, now);
            self.create(RecordKind::Invoice, &fields, now)?;
        }
        let mut payees = Vec::new();
        for serial in 0..vendors {
            payees.push(self.create(
                RecordKind::BillVendor,
                &vendor_fields(&mut random, bulk.seed, serial),
                now,
            )?);
        }
        for serial in 0..bulk.bills {
            let vendor = *random.pick(&payees);
            let category = random.pick(&self.config.categories).id;
            self.create(
                RecordKind::Bill,
                &bill_fields(&mut random, vendor, category, bulk.seed, serial, now),
                now,
            )?;
        }
        self.bulk_expenses(bulk, &made, &projects, now)?;
        let total = clients + bulk.invoices + bulk.bills + vendors + bulk.expenses;
        Ok(u64::from(total) + projects.len() as u64)
    }

    fn bulk_projects(&mut self, clients: &[u64], now: Millis) -> Result<Vec<u64>, Declined> {
        let mut projects = Vec::new();
        for (serial, client) in clients.iter().take(20).enumerate() {
            let fields =
                json!({"title": format!("Rollout {serial} / Phase-1"), "client_id": client});
            projects.push(self.create(RecordKind::Project, &fields, now)?);
        }
        Ok(projects)
    }

    /// Expenses have a stream of their own, so that the other documents of a seed stay the same.
    fn bulk_expenses(
        &mut self,
        bulk: &Bulk,
        clients: &[u64],
        projects: &[u64],
        now: Millis,
    ) -> Result<(), Declined> {
        let mut random = Random::new(bulk.seed, "freshbooks/bulk-expenses");
        let staff = self.config.staff.iter().filter(|member| member.active);
        let staff: Vec<u64> = staff.map(|member| member.id).collect();
        let categories: Vec<u64> = self.categories.rows.keys().copied().collect();
        let legacy = self.config.expenses.project_field == ProjectField::Legacy;
        let project_field = if legacy {
            "projectid"
        } else {
            "modern_projectid"
        };
        for serial in 0..bulk.expenses {
            let (staff, category) = (*random.pick(&staff), *random.pick(&categories));
            let mut fields = expense_fields(&mut random, staff, category, bulk.seed, serial, now);
            if !clients.is_empty() && random.per_mille(300) {
                fields["clientid"] = json!(random.pick(clients));
                fields["billable"] = json!(random.per_mille(500));
            }
            if !projects.is_empty() && random.per_mille(400) {
                fields[project_field] = json!(random.pick(projects));
            }
            self.create(RecordKind::Expense, &fields, now)?;
        }
        Ok(())
    }
}

fn pick_name(random: &mut Random, serial: u32) -> String {
    if random.per_mille(30) {
        return format!("{serial} {}", "Lang".repeat(50))
            .chars()
            .take(200)
            .collect();
    }
    format!("{} {serial}", random.pick(&NAMES))
}

fn client_fields(random: &mut Random, seed: u64, serial: u32) -> Value {
    let (street, city, province, code, country) = random.pick(&ADDRESSES);
    json!({"organization": pick_name(random, serial), "fname": "Ida", "lname": "Röe",
        "email": format!("client{serial}.{seed}@example.test"),
        "currency_code": random.pick(&CURRENCIES),
        "p_street": street, "p_city": city, "p_province": province, "p_code": code,
        "p_country": country})
}

fn vendor_fields(random: &mut Random, seed: u64, serial: u32) -> Value {
    let (street, city, province, code, country) = random.pick(&ADDRESSES);
    json!({"vendor_name": pick_name(random, serial), "language": "en",
        "currency_code": random.pick(&CURRENCIES),
        "account_number": format!("V-{seed}-{serial}"), "street": street, "city": city,
        "province": province,
        "postal_code": code, "country": country})
}

fn invoice_fields(
    random: &mut Random,
    customer: u64,
    projects: &[u64],
    seed: u64,
    serial: u32,
    now: Millis,
) -> Value {
    let code = *random.pick(&CURRENCIES);
    let lines: Vec<Value> = (0..=random.below(4))
        .map(|_| invoice_line(random, code, projects))
        .collect();
    json!({"customerid": customer, "create_date": eastern_day(now),
        "due_offset_days": random.pick(&[0, 14, 30, 60]),
        "currency_code": code, "invoice_number": format!("B{seed}-{serial:06}"),
        "po_number": format!("PO/{serial}"),
        "notes": random.pick(&["", "Thank you!", "Vielen Dank für Ihren Auftrag", "ありがとう"]),
        "status": if random.per_mille(750) { 2 } else { 1 },
        "discount_value": if random.per_mille(100) { "5" } else { "0" }, "lines": lines})
}

fn invoice_line(random: &mut Random, code: &str, projects: &[u64]) -> Value {
    let mut line = json!({"type": 0, "name": random.pick(&WORK), "description": "From the sandbox",
        "qty": (random.below(10) + 1).to_string(), "unit_cost": {"amount": unit_cost(random, code),
        "code": code}});
    let taxes = pick_taxes(random);
    for (at, (tax, percent)) in taxes.iter().enumerate() {
        line[format!("taxName{}", at + 1)] = json!(tax);
        line[format!("taxAmount{}", at + 1)] = json!(percent);
    }
    line["compounded_tax"] = json!(taxes.len() == 2 && random.per_mille(500));
    if !projects.is_empty() && random.per_mille(400) {
        line["modern_project_id"] = json!(random.pick(projects));
    }
    line
}

fn bill_fields(
    random: &mut Random,
    vendor: u64,
    category: u64,
    seed: u64,
    serial: u32,
    now: Millis,
) -> Value {
    let code = *random.pick(&CURRENCIES);
    let mut line = json!({"categoryid": category, "description": random.pick(&WORK),
        "quantity": "1",
        "unit_cost": {"amount": unit_cost(random, code), "code": code}});
    for (at, (tax, percent)) in pick_taxes(random).iter().enumerate() {
        line[format!("tax_name{}", at + 1)] = json!(tax);
        line[format!("tax_percent{}", at + 1)] = json!(percent);
    }
    json!({"vendorid": vendor, "issue_date": eastern_day(now), "due_offset_days": 30,
        "currency_code": code,
        "language": "en", "bill_number": format!("R{seed}-{serial:06}"), "lines": [line]})
}

fn expense_fields(
    random: &mut Random,
    staff: u64,
    category: u64,
    seed: u64,
    serial: u32,
    now: Millis,
) -> Value {
    let code = *random.pick(&CURRENCIES);
    let day = plus_days(eastern_day(now).first_of_month(), random.below(28) as u16);
    let mut fields = json!({"categoryid": category, "staffid": staff,
        "date": day.min(eastern_day(now)), "vendor": random.pick(&NAMES).trim(),
        "amount": {"amount": unit_cost(random, code), "code": code},
        "notes": format!("{} {seed}-{serial}", random.pick(&WORK))});
    let names = ["taxName1", "taxName2"].into_iter();
    let percents = ["taxPercent1", "taxPercent2"].into_iter();
    let taxes = pick_taxes(random).iter();
    for ((name, percent), (tax, rate)) in names.zip(percents).zip(taxes) {
        fields[name] = json!(tax);
        fields[percent] = json!(rate);
    }
    fields
}

fn unit_cost(random: &mut Random, code: &str) -> String {
    let units = random.below(5000) + 1;
    match code {
        "JPY" => units.to_string(),
        "KWD" => format!("{units}.{:03}", random.below(1000)),
        _ => format!("{units}.{:02}", random.below(100)),
    }
}

fn pick_taxes(random: &mut Random) -> &'static [(&'static str, &'static str)] {
    match random.below(4) {
        0 => &[],
        1 => &[("MwSt", "19")],
        2 => &[("VAT", "7.5")],
        _ => &[("GST", "5"), ("QST", "9.975")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::{FreshBooksHarness, NOW};

    fn made(seed: u64) -> FreshBooksHarness {
        let mut harness = FreshBooksHarness::new();
        let bulk = Bulk {
            clients: 40,
            invoices: 300,
            bills: 100,
            expenses: 200,
            seed,
        };
        assert_eq!(
            harness.machine.create_bulk(&bulk, NOW),
            Ok(40 + 300 + 100 + 10 + 20 + 200)
        );
        harness
    }

    fn shown(harness: &FreshBooksHarness) -> Vec<Value> {
        let ids = harness.machine.ids(RecordKind::Invoice);
        ids.into_iter()
            .filter_map(|id| harness.machine.invoice(id, NOW))
            .collect()
    }

    #[test]
    fn the_variety_has_what_breaks_clients() {
        let invoices = shown(&made(3));
        let some = |what: &str, test: &dyn Fn(&Value) -> bool| {
            assert!(invoices.iter().any(test), "{what}");
        };
        some("no minor units", &|invoice| {
            invoice["currency_code"] == "JPY"
        });
        some("three minor units", &|invoice| {
            invoice["currency_code"] == "KWD"
        });
        some("drafts", &|invoice| invoice["v3_status"] == "draft");
        some("compounded", &|invoice| {
            invoice["lines"][0]["compounded_tax"] == true
        });
        some("projects", &|invoice| {
            invoice["lines"][0]["modern_project_id"].is_u64()
        });
        some("emoji", &|invoice| {
            invoice["organization"]
                .as_str()
                .is_some_and(|name| name.contains('🎉'))
        });
    }

    #[test]
    fn expenses_are_of_all_people_and_kinds() {
        let harness = made(3);
        let ids = harness.machine.ids(RecordKind::Expense);
        let expenses: Vec<Value> = ids
            .into_iter()
            .filter_map(|id| harness.machine.expense(id, NOW))
            .collect();
        let some = |what: &str, test: &dyn Fn(&Value) -> bool| {
            assert!(expenses.iter().any(test), "{what}");
        };
        for staff in 1..=6 {
            some("a staff member", &|expense| expense["staffid"] == staff);
        }
        some("two taxes", &|expense| expense["taxAmount2"].is_object());
        some("a client", &|expense| expense["status"] == 1);
        some("a project", &|expense| expense["modern_projectid"].is_u64());
        some("three minor units", &|expense| {
            expense["amount"]["code"] == "KWD"
        });
    }

    #[test]
    fn the_same_seed_makes_the_same_documents() {
        assert_eq!(shown(&made(3)), shown(&made(3)));
        assert_ne!(shown(&made(3)), shown(&made(4)));
    }

    #[test]
    fn two_bulks_with_different_seeds_do_not_collide() {
        let mut harness = made(3);
        let bulk = Bulk {
            invoices: 5,
            seed: 4,
            ..Bulk::default()
        };
        assert!(harness.machine.create_bulk(&bulk, NOW).is_ok());
    }
}
