//! Generates expense reports: entries of every shape whose rows and taxes add up to what was
//! approved.

use rust_decimal::Decimal;

use super::generate::{
    CARD_LIABILITY, CLEARING, DAY_MS, ExpenseKind, Generator, ReclaimableTax, country_tax,
    percentages,
};
use super::report::{
    AdvanceApplication, AllocationTax, CustomField, EntryAllocation, ExpenseReport, JournalParty,
    JournalRow, ReportEntry,
};
use crate::concur::financial::Oddity;
use crate::concur::financial::options::{ReportOptions, Shape};
use crate::http::Millis;
use crate::money::Currency;

const VENDORS: [&str; 5] = [
    "Lakeside Inn",
    "City Cabs",
    "Qdoba",
    "Zoë & Söhne",
    "Air \"North\"",
];

const NAMES: [&str; 4] = [
    "February travel",
    "Trade fair",
    "Client visit – phase 2",
    "Café & Büro",
];

/// How an entry is built.
struct EntryPlan {
    payer: JournalParty,
    /// Percentages of its allocations.
    shares: Vec<Decimal>,
    /// Payees of an allocation's rows.
    payees: Vec<JournalParty>,
    taxes: Vec<ReclaimableTax>,
    negative: bool,
    foreign: Option<bool>,
    entry_cost_code: bool,
}

/// Generates a report; what the options leave open follows from `seed`.
pub(crate) fn generate_report(
    options: &ReportOptions,
    seed: u64,
    key: u64,
    now: Millis,
) -> ExpenseReport {
    let long = options.filing.oddities.contains(&Oddity::LongDigits);
    let mut draw = Generator::new(seed, options.currency.as_deref(), long);
    let employee = draw.pick_employee();
    let submitted = now.saturating_sub(2 * DAY_MS + draw.random.below(DAY_MS));
    let mut report = ExpenseReport {
        id: draw.hex(20),
        key,
        number: draw.random.text(b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 6),
        name: (*draw.random.pick(&NAMES)).to_owned(),
        employee,
        entity: options.entity.clone(),
        currency: draw.currency,
        submitted,
        approved: now,
        entries: Vec::new(),
        applications: Vec::new(),
        returned: Decimal::ZERO,
    };
    let mut shapes = options.entries.clone();
    if shapes.is_empty() {
        let count = 1 + draw.random.below(7);
        shapes.extend((0..count).map(|_| *draw.random.pick(&Shape::ALL)));
    }
    for shape in shapes {
        report
            .entries
            .push(generate_entry(&mut draw, shape, submitted));
    }
    let drawn = options.entries.is_empty() && draw.random.below(8) == 0;
    if options.advance.is_some() || drawn {
        let used = options.advance.clone().unwrap_or_default();
        apply_advance(&mut draw, &mut report, used.id, used.returned);
    }
    report
}

/// Adds an entry to a report that was corrected.
pub(crate) fn extend_report(report: &mut ExpenseReport, seed: u64, now: Millis) {
    let mut draw = Generator::new(seed, Some(report.currency.code()), false);
    let entry = generate_entry(&mut draw, Shape::Cash, now);
    report.entries.push(entry);
    (report.submitted, report.approved) = (now, now);
}

fn plan_entry(draw: &mut Generator, shape: Shape) -> EntryPlan {
    let currency = draw.currency;
    let mut plan = EntryPlan {
        payer: JournalParty::Employee,
        shares: percentages(1),
        payees: Vec::new(),
        taxes: Vec::new(),
        negative: false,
        foreign: None,
        entry_cost_code: false,
    };
    match shape {
        Shape::Cash => {}
        Shape::IndividualCard => plan.payer = JournalParty::IndividualCard,
        Shape::CompanyCard | Shape::Personal => plan.payer = JournalParty::CompanyCard,
        Shape::CompanyPaid => plan.payer = JournalParty::CompanyPaid,
        Shape::Split => plan.shares = percentages(2 + draw.random.below(2)),
        Shape::Taxed => plan.taxes = vec![country_tax(currency, false, 100)],
        Shape::PartlyTaxed => {
            plan.taxes = vec![
                country_tax(currency, false, 50),
                country_tax(currency, true, 50),
            ];
        }
        Shape::LostTax => plan.taxes = vec![country_tax(currency, false, 0)],
        Shape::SplitTaxed => {
            plan.shares = percentages(2);
            plan.payees = vec![JournalParty::Employee, JournalParty::Employee];
            plan.taxes = vec![
                country_tax(currency, false, 100),
                country_tax(currency, true, 50),
            ];
        }
        Shape::SameAccount => plan.payees = vec![JournalParty::Employee; 2],
        Shape::Offset => {
            plan.payer = JournalParty::IndividualCard;
            plan.payees = vec![JournalParty::Employee, JournalParty::IndividualCard];
        }
        Shape::Refund => {
            plan.negative = true;
            plan.payer = *draw
                .random
                .pick(&[JournalParty::Employee, JournalParty::CompanyCard]);
            plan.taxes = vec![country_tax(currency, false, 100)];
        }
        Shape::Foreign => plan.foreign = Some(false),
        Shape::ForeignDivided => plan.foreign = Some(true),
        Shape::EntryCostCode => plan.entry_cost_code = true,
    }
    if plan.payees.is_empty() {
        plan.payees = vec![plan.payer];
    }
    plan
}

fn generate_entry(draw: &mut Generator, shape: Shape, submitted: Millis) -> ReportEntry {
    let plan = plan_entry(draw, shape);
    let mut kind = draw.pick_expense_kind();
    let mut amount = draw.amount();
    if plan.negative {
        amount = -amount;
    }
    let (spent, spent_currency, rate) = spend_abroad(draw, &plan, &mut amount);
    let personal = shape == Shape::Personal;
    let cost_code = draw.pick_project();
    let allocations = if personal {
        kind.account = CLEARING.into();
        vec![personal_allocation(amount)]
    } else {
        let shares = draw.split_amount(amount, &plan.shares);
        let shares = plan.shares.iter().zip(shares);
        shares
            .map(|(percentage, share)| generate_allocation(draw, &plan, &kind, share, *percentage))
            .collect()
    };
    let liability = plan.payer.is_card() && draw.percent_chance(30);
    ReportEntry {
        id: draw.hex(32),
        legacy_id: 1000 + draw.random.below(90_000),
        kind,
        day: submitted.saturating_sub(DAY_MS * (1 + draw.random.below(25))),
        description: None,
        vendor: (*draw.random.pick(&VENDORS)).into(),
        customs: CustomField::cost_code(plan.entry_cost_code.then_some(cost_code)),
        org_units: Vec::new(),
        spent,
        spent_currency,
        rate,
        rate_divides: plan.foreign == Some(true),
        approved: if personal { Decimal::ZERO } else { amount },
        personal,
        billable: draw.percent_chance(30),
        payer: plan.payer,
        liability: liability.then_some(CARD_LIABILITY),
        offset: shape == Shape::Offset,
        allocations,
    }
}

/// What was spent in which currency at which rate; the amount becomes what that is worth.
fn spend_abroad(
    draw: &mut Generator,
    plan: &EntryPlan,
    amount: &mut Decimal,
) -> (Decimal, Currency, Decimal) {
    let Some(divides) = plan.foreign else {
        return (*amount, draw.currency, Decimal::ONE);
    };
    let codes = ["USD", "EUR", "JPY", "KWD", "CHF"];
    let others: Vec<Currency> = codes
        .into_iter()
        .filter_map(Currency::parse)
        .filter(|other| *other != draw.currency)
        .collect();
    let currency = *draw.random.pick(&others);
    let rate = Decimal::new(101_814_882 + draw.random.below(30_000_000) as i64, 8);
    let spent = currency.round(*amount);
    let worth = if divides { spent / rate } else { spent * rate };
    *amount = draw.currency.round(worth);
    (spent, currency, rate)
}

fn generate_allocation(
    draw: &mut Generator,
    plan: &EntryPlan,
    kind: &ExpenseKind,
    amount: Decimal,
    percentage: Decimal,
) -> EntryAllocation {
    let parts = draw.split_amount(amount, &percentages(plan.payees.len() as u64));
    let mut rows: Vec<JournalRow> = parts
        .into_iter()
        .zip(&plan.payees)
        .map(|(gross, party)| {
            // Who gives money back is the payer of a negative amount (source:
            // concur-financial-samples).
            let (payer, payee) = if gross.is_sign_negative() {
                (*party, JournalParty::Company)
            } else {
                (JournalParty::Company, *party)
            };
            JournalRow {
                payer,
                payee,
                account: kind.account.clone(),
                gross,
                net_of_tax: gross,
                net_of_reclaim: gross,
                card: party.is_card(),
            }
        })
        .collect();
    let all_rates = plan.taxes.iter().map(|tax| tax.rate).sum();
    let taxes = plan
        .taxes
        .iter()
        .map(|kind| generate_tax(draw, kind, all_rates, &mut rows))
        .collect();
    let cost_code = draw.pick_project();
    EntryAllocation {
        share: Some((draw.hex(32), percentage)),
        customs: CustomField::cost_code((!plan.entry_cost_code).then_some(cost_code)),
        rows,
        taxes,
    }
}

/// Takes a tax out of every row; the allocation's tax is the sum.
fn generate_tax(
    draw: &mut Generator,
    kind: &ReclaimableTax,
    all_rates: u32,
    rows: &mut [JournalRow],
) -> AllocationTax {
    let (mut amount, mut reclaimed) = (Decimal::ZERO, Decimal::ZERO);
    for row in rows {
        let tax = draw.tax_in(row.gross, kind.rate, all_rates);
        let back = draw.percent_of(tax, kind.reclaimed);
        row.net_of_tax -= tax;
        row.net_of_reclaim -= back;
        amount += tax;
        reclaimed += back;
    }
    AllocationTax {
        guid: draw.hex(32),
        label: kind.label,
        code: kind.code,
        reclaim_code: kind.reclaim_code,
        amount,
        reclaimed,
    }
}

/// The company pays the card and gets the money back from the employee: nothing remains.
pub(crate) fn personal_allocation(amount: Decimal) -> EntryAllocation {
    let row = |payer, payee, gross, card| JournalRow {
        payer,
        payee,
        account: CLEARING.into(),
        gross,
        net_of_tax: gross,
        net_of_reclaim: gross,
        card,
    };
    EntryAllocation {
        share: None,
        customs: Vec::new(),
        rows: vec![
            row(
                JournalParty::Company,
                JournalParty::CompanyCard,
                amount,
                true,
            ),
            row(
                JournalParty::Employee,
                JournalParty::Company,
                -amount,
                false,
            ),
        ],
        taxes: Vec::new(),
    }
}

/// Uses an advance up to what the employee is owed; a part may have come back as cash.
fn apply_advance(
    draw: &mut Generator,
    report: &mut ExpenseReport,
    id: Option<String>,
    returned: bool,
) {
    if report.payable() <= Decimal::ZERO {
        let entry = generate_entry(draw, Shape::Cash, report.submitted);
        report.entries.push(entry);
    }
    let payable = report.payable().max(Decimal::ZERO);
    let percent = 40 + draw.random.below(61) as u32;
    let used = draw.percent_of(payable, percent);
    let parts = percentages(1 + draw.random.below(2));
    let mut amounts = draw.split_amount(used, &parts);
    if returned {
        report.returned = draw.amount();
        amounts.push(report.returned);
    }
    let advance_id = id.unwrap_or_else(|| draw.hex(32));
    let rows = amounts.into_iter().filter(|amount| !amount.is_zero());
    report.applications = rows
        .map(|amount| AdvanceApplication {
            advance_id: advance_id.clone(),
            amount: -amount,
        })
        .collect();
}
