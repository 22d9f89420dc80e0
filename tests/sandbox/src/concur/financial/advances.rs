//! Cash advances: the only document that names its side (Concur docs, cash advance document).

use rust_decimal::Decimal;

use super::Oddity;
use super::document::Header;
use super::draw::{ADVANCES, DAY_MS, Draw, Employee, midnight, stamp};
use super::options::AdvanceOptions;
use super::report_view::employee_view;
use super::tree::{Members, Tree};
use crate::http::Millis;
use crate::money::Currency;

/// An issued cash advance.
#[derive(Clone, Debug)]
pub(super) struct Advance {
    pub(super) id: String,
    pub(super) employee: Employee,
    pub(super) name: String,
    pub(super) purpose: String,
    /// In the currency of the employee; negative if cash comes back.
    pub(super) amount: Decimal,
    pub(super) currency: Currency,
    pub(super) asked: Decimal,
    pub(super) asked_currency: Currency,
    pub(super) rate: Decimal,
    pub(super) issued: Millis,
}

/// Draws an advance.
pub(super) fn draw_advance(options: &AdvanceOptions, seed: u64, now: Millis) -> Advance {
    let long = options.filing.oddities.contains(&Oddity::LongDigits);
    let mut draw = Draw::new(seed, options.currency.as_deref(), long);
    let drawn = draw.amount();
    let given = options.amount.map(|amount| draw.currency.round(amount));
    let mut asked = given.unwrap_or(drawn).abs();
    if options.returned {
        asked = -asked;
    }
    let (mut amount, mut rate, mut asked_currency) = (asked, Decimal::ONE, draw.currency);
    if options.foreign && given.is_none() {
        rate = Decimal::new(5 + draw.random.below(20) as i64, 1);
        asked_currency = Currency::parse("GBP").unwrap_or(draw.currency);
        asked = asked_currency.round(asked);
        amount = draw.currency.round(asked * rate);
    }
    Advance {
        id: draw.hex(32),
        employee: draw.employee(),
        name: "Trade fair".into(),
        purpose: "Taxi cash".into(),
        amount,
        currency: draw.currency,
        asked,
        asked_currency,
        rate,
        issued: now,
    }
}

/// Changes the amount of an advance that was corrected.
pub(super) fn extend_advance(advance: &mut Advance, now: Millis) {
    let more = Decimal::TEN;
    advance.asked += more;
    advance.amount = advance.currency.round(advance.asked * advance.rate);
    advance.issued = now;
}

/// The whole document.
pub(super) fn advance_view(advance: &Advance, header: &Header) -> Tree {
    let negative = advance.amount.is_sign_negative();
    let mut row = Members::new(header.nulls);
    row.put("accountCode", ADVANCES)
        .put("amount", advance.amount)
        .put("debitOrCredit", if negative { "CR" } else { "DR" })
        .put("payer", if negative { "EMPL" } else { "COMP" })
        .put("payee", if negative { "COMP" } else { "EMPL" })
        .put("paymentCode", "Cash");
    let mut document = Members::new(header.nulls);
    document
        .put(
            "employeeData",
            employee_view(&advance.employee, 21, header).done(),
        )
        .put("cashAdvanceData", data_view(advance, header))
        .put("journalData", vec![row.done()]);
    document.done()
}

fn data_view(advance: &Advance, header: &Header) -> Tree {
    let kind = if advance.amount.is_sign_negative() {
        3
    } else {
        1
    };
    let mut block = Members::new(header.nulls);
    block
        .put("cashAdvanceId", &advance.id)
        .put("name", &advance.name)
        .put("purpose", &advance.purpose)
        .put("requestAmount", advance.asked)
        .put(
            "currencyAlphaCode",
            advance.asked_currency.code().to_owned(),
        )
        .put("currencyNumCode", numeric(advance.asked_currency))
        .put(
            "employeeCurrencyAlphaCode",
            advance.currency.code().to_owned(),
        )
        .put("exchangeRate", advance.rate)
        .put(
            "requestDate",
            midnight(advance.issued.saturating_sub(DAY_MS)),
        )
        .put("issuedDate", stamp(advance.issued))
        .nulls(&[
            "requestedDisbursementDate",
            "travelStartDate",
            "travelEndDate",
        ])
        .put("isTest", "N")
        .put("paymentMethod", 0)
        .put("transactionType", kind)
        .nulls(&["clearingAccountCode"])
        .put("expensePayIndicator", "N")
        .nulls(&[
            "countryCode",
            "countrySubCode",
            "locationName",
            "cardAccountID",
            "cardTransactionID",
            "cardTransactionAmount",
            "cardTransactionCurrency",
            "cardTransactionPostedAmount",
            "cardTransactionPostedCurrency",
        ]);
    block.done()
}

fn numeric(currency: Currency) -> &'static str {
    match currency.code() {
        "CAD" => "124",
        "EUR" => "978",
        "GBP" => "826",
        "JPY" => "392",
        "KWD" => "414",
        _ => "840",
    }
}
