//! Cash advances: the only document that names its side
//! (source: concur-financial-cash-advance-document).

use rust_decimal::Decimal;

use super::generate::{ADVANCES, Claimant, DAY_MS, Generator, midnight, stamp};
use super::json_tree::{JsonTree, ObjectBuilder, WriteOptions};
use super::report_view::employee_view;
use crate::concur::financial::Oddity;
use crate::concur::financial::config::FinancialConfig;
use crate::concur::financial::options::AdvanceOptions;
use crate::http::Millis;
use crate::money::Currency;

/// An issued cash advance.
#[derive(Clone, Debug)]
pub(crate) struct CashAdvance {
    pub(crate) id: String,
    pub(crate) employee: Claimant,
    pub(crate) name: String,
    pub(crate) purpose: String,
    /// In the currency of the employee; negative if cash comes back.
    pub(crate) amount: Decimal,
    pub(crate) currency: Currency,
    pub(crate) asked: Decimal,
    pub(crate) asked_currency: Currency,
    pub(crate) rate: Decimal,
    pub(crate) issued: Millis,
}

/// Generates an advance; what the options leave open follows from `seed`.
pub(crate) fn generate_cash_advance(
    options: &AdvanceOptions,
    seed: u64,
    now: Millis,
) -> CashAdvance {
    let long = options.filing.oddities.contains(&Oddity::LongDigits);
    let mut draw = Generator::new(seed, options.currency.as_deref(), long);
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
    CashAdvance {
        id: draw.hex(32),
        employee: draw.pick_employee(),
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
pub(crate) fn extend_advance(advance: &mut CashAdvance, now: Millis) {
    let more = Decimal::TEN;
    advance.asked += more;
    advance.amount = advance.currency.round(advance.asked * advance.rate);
    advance.issued = now;
}

/// The advance as the whole of a document.
pub(crate) fn advance_view(
    advance: &CashAdvance,
    header: &WriteOptions,
    switches: &FinancialConfig,
) -> JsonTree {
    let negative = advance.amount.is_sign_negative();
    let mut row = ObjectBuilder::new(header.nulls);
    row.put("accountCode", ADVANCES)
        .put("amount", advance.amount)
        .put("debitOrCredit", if negative { "CR" } else { "DR" })
        .put("payer", if negative { "EMPL" } else { "COMP" })
        .put("payee", if negative { "COMP" } else { "EMPL" })
        .put("paymentCode", "Cash");
    let mut document = ObjectBuilder::new(header.nulls);
    document
        .put(
            "employeeData",
            employee_view(&advance.employee, 21, header).build(),
        )
        .put("cashAdvanceData", data_view(advance, header, switches))
        .put("journalData", vec![row.build()]);
    document.build()
}

fn data_view(advance: &CashAdvance, header: &WriteOptions, switches: &FinancialConfig) -> JsonTree {
    let kind = if advance.amount.is_sign_negative() {
        switches.advance_return_type
    } else {
        1
    };
    let mut block = ObjectBuilder::new(header.nulls);
    block
        .put("cashAdvanceId", &advance.id)
        .put("name", &advance.name)
        .put("purpose", &advance.purpose)
        .put("requestAmount", advance.asked.abs())
        .put(
            "currencyAlphaCode",
            advance.asked_currency.code().to_owned(),
        )
        .put(
            "currencyNumCode",
            numeric_currency_code(advance.asked_currency),
        )
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
        .put("transactionType", u64::from(kind))
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
    block.build()
}

fn numeric_currency_code(currency: Currency) -> &'static str {
    match currency.code() {
        "CAD" => "124",
        "EUR" => "978",
        "GBP" => "826",
        "JPY" => "392",
        "KWD" => "414",
        _ => "840",
    }
}
