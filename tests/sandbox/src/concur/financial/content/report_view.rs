//! How an expense report is written as a document
//! (source: concur-financial-schema, concur-financial-samples for optional fields).

use rust_decimal::Decimal;

use super::generate::{
    ADVANCES, CLEARING, Claimant, DAY_MS, PAYROLL_CLEARING, country, stamp, written_day,
};
use super::json_tree::{JsonTree, ObjectBuilder, WriteOptions, yes_or_no};
use super::report::{
    AdvanceApplication, AllocationTax, EntryAllocation, ExpenseReport, JournalRow, ReportEntry,
};
use crate::money::Currency;

/// The report as the whole of a document.
pub(crate) fn report_view(report: &ExpenseReport, header: &WriteOptions) -> JsonTree {
    let entries = report
        .entries
        .iter()
        .map(|entry| entry_view(entry, report, header));
    let applications = report.applications.iter().map(application_view);
    let mut employee = employee_view(&report.employee, 21, header);
    employee.put("loginId", report.employee.login.clone());
    let mut document = ObjectBuilder::new(header.nulls);
    document
        .put("employee", employee.build())
        .put("report", report_header(report, header))
        .put("expenseEntry", entries.collect::<Vec<_>>())
        .put("cashAdvanceApplication", applications.collect::<Vec<_>>());
    document.build()
}

/// The employee, with a cost centre of his own that no posting may use.
pub(crate) fn employee_view(
    employee: &Claimant,
    customs: u8,
    header: &WriteOptions,
) -> ObjectBuilder {
    let mut block = ObjectBuilder::new(header.nulls);
    block
        .put("employeeId", employee.id.clone())
        .put("employeeFirstName", employee.first.clone())
        .put("employeeLastName", employee.last.clone())
        .put("employeeMI", JsonTree::Null)
        .numbered_fields("employeeCustom", customs, &[(6, Some("9999"))])
        .numbered_fields("employeeOrgUnit", 6, &[(1, Some("EMPLCC"))]);
    block
}

fn report_header(report: &ExpenseReport, header: &WriteOptions) -> JsonTree {
    let entity = &report.entity;
    let home_country = entity
        .country
        .as_deref()
        .unwrap_or(country(report.currency));
    let home_country = home_country.to_owned();
    let mut block = ObjectBuilder::new(header.nulls);
    block
        .put("reportId", &report.id)
        .put("reportKey", report.key)
        .put("reportNumber", &report.number)
        .put("reportName", &report.name)
        .put(
            "ledgerCode",
            entity.ledger.as_deref().unwrap_or("DEFAULT").to_owned(),
        )
        .put(
            "employeeCurrencyAlphaCode",
            report.currency.code().to_owned(),
        )
        .put("homeCountryCode", home_country)
        .put("isTest", "N")
        .put("totalApprovedAmount", report.total())
        .put("cashAdvanceReturnsAmount", report.returned)
        .put("payrollPayIndicator", yes_or_no(header.by_payroll))
        .put(
            "payrollPaymentClearingAccountCode",
            header.by_payroll.then_some(PAYROLL_CLEARING),
        )
        .put("policyId", entity.policy.as_ref())
        .nulls(&["lastApproverId"])
        .put(
            "reportCreationDate",
            stamp(report.submitted - report.submitted % DAY_MS),
        )
        .put("reportSubmitDate", stamp(report.submitted))
        .nulls(&["reportStartDate", "reportEndDate"])
        .put(
            "reportUserDefinedDate",
            written_day(report.submitted, header.report_days),
        )
        .put("reportPaymentProcessingDate", stamp(report.approved))
        .put("revisionNumber", header.revision.to_string())
        .put("versionId", "4")
        .put("requestId", Vec::new())
        .numbered_fields("reportCustom", 20, &[])
        .numbered_fields("reportOrgUnit", 6, &[]);
    block.build()
}

fn entry_view(entry: &ReportEntry, report: &ExpenseReport, header: &WriteOptions) -> JsonTree {
    let card = entry.payer.is_card();
    let allocations = entry.allocations.iter();
    let allocations = allocations.map(|allocation| allocation_view(allocation, report, header));
    let mut block = ObjectBuilder::new(header.nulls);
    block
        .put("entryId", &entry.id)
        .put("legacyEntryId", entry.legacy_id)
        .put("expenseTypeCode", entry.kind.code.clone())
        .put("expenseTypeName", entry.kind.name.clone())
        .put("entryDate", written_day(entry.day, header.report_days))
        .put("entryVendorDescription", entry.vendor.clone())
        .put_or_null("entryDescription", entry.description.as_ref())
        .nulls(&["entryVendorCode"])
        .put("reportEntryTransactionAmount", entry.spent)
        .put("entryCurrAlphaCode", entry.spent_currency.code().to_owned())
        .put("entryApprovedAmount", entry.approved)
        .put("entryExchangeRate", entry.rate)
        .put(
            "entryExchangeRateDirection",
            if entry.rate_divides { "D" } else { "M" },
        )
        .put("entryIsPersonal", yes_or_no(entry.personal))
        .put("entryIsBillable", yes_or_no(entry.billable))
        .put("reportEntryPatKey", entry.payer.payment_type())
        .put("clearingAccountCode", card.then_some(CLEARING))
        .put("liabilityAccountCode", entry.liability)
        .put("offsetPayType", yes_or_no(entry.offset))
        .put("expensePayIndicator", "N");
    write_card(entry, report.currency, &mut block);
    block
        .put("entryCountryCode", country(report.currency))
        .nulls(&["entryCountrySubCode", "entryLocationCityName"])
        .put("entryLocationName", "Toronto")
        .put("entryReceiptType", "R")
        .nulls(&[
            "entryReceiptId",
            "entryElectronicReceiptId",
            "entryUuid",
            "entrySupplierTaxID",
        ])
        .custom_fields("entryCustom", 40, &entry.customs)
        .custom_fields("entryOrgUnit", 6, &entry.org_units)
        .put("allocation", allocations.collect::<Vec<_>>());
    block.build()
}

fn write_card(entry: &ReportEntry, currency: Currency, block: &mut ObjectBuilder) {
    if !entry.payer.is_card() {
        block.nulls(&[
            "cardAccountID",
            "cardProgramTypeCode",
            "cardTransactionID",
            "cardTransactionAmount",
            "cardTransactionCurrency",
            "cardTransactionPostedAmount",
            "cardTransactionPostedCurrency",
            "cardStatementPeriodStartDate",
            "cardStatementPeriodEndDate",
        ]);
        return;
    }
    let posted = if entry.personal {
        entry.spent
    } else {
        entry.approved
    };
    block
        .put("cardProgramTypeCode", "AX")
        .put("cardTransactionID", card_reference(entry))
        .put("cardTransactionAmount", entry.spent)
        .put(
            "cardTransactionCurrency",
            entry.spent_currency.code().to_owned(),
        )
        .put("cardTransactionPostedAmount", posted)
        .put("cardTransactionPostedCurrency", currency.code().to_owned())
        .nulls(&["cardStatementPeriodStartDate", "cardStatementPeriodEndDate"]);
}

fn card_reference(entry: &ReportEntry) -> String {
    format!("1111{}", entry.legacy_id)
}

fn allocation_view(
    allocation: &EntryAllocation,
    report: &ExpenseReport,
    header: &WriteOptions,
) -> JsonTree {
    let taxes = &allocation.taxes;
    let is_personal = allocation.share.is_none();
    let has_account = header.personal_accounts || !is_personal;
    let rows = allocation.rows.iter();
    let rows = rows.map(|row| row_view(row, taxes, has_account));
    let share = allocation.share.as_ref();
    let mut block = ObjectBuilder::new(header.nulls);
    block
        .put("allocationId", share.map(|(id, _)| id))
        .put(
            "allocationPercentage",
            share.map(|(_, percentage)| *percentage),
        )
        .custom_fields("allocationCustom", 20, &allocation.customs)
        .put("journal", rows.collect::<Vec<_>>());
    let taxes = taxes.iter().map(|tax| tax_view(tax, report));
    block.put("tax", taxes.collect::<Vec<_>>());
    block.build()
}

fn row_view(row: &JournalRow, taxes: &[AllocationTax], has_account: bool) -> JsonTree {
    let guids = taxes.iter().map(|tax| JsonTree::from(&tax.guid));
    let mut block = ObjectBuilder::new(true);
    block
        .put("journalPayer", row.payer.as_str())
        .put("journalPayee", row.payee.as_str())
        .put(
            "journalAccountCode",
            if has_account {
                row.account.clone()
            } else {
                "".into()
            },
        )
        .put("amountGross", row.gross)
        .put("amountNetOfTax", row.net_of_tax)
        .put("amountNetOfReclaim", row.net_of_reclaim)
        .put("amountGrossCard", row.card.then_some(row.gross))
        .put("cardTransactionReferenceNumber", JsonTree::Null)
        .put("taxGuid", guids.collect::<Vec<_>>())
        .put("accountingTransactionType", JsonTree::Null);
    block.build()
}

fn tax_view(tax: &AllocationTax, report: &ExpenseReport) -> JsonTree {
    let mut block = ObjectBuilder::new(true);
    block
        .put("taxGuid", &tax.guid)
        .put("taxAuthorityLabel", tax.label)
        .put("taxCode", tax.code)
        .put("taxReclaimCode", tax.reclaim_code)
        .put("nonDomesticCode", JsonTree::Null)
        .put("amountTax", tax.amount)
        .put("amountReclaim", tax.reclaimed)
        .put("taxSource", "SYST")
        .put("locationCountryCode", country(report.currency))
        .put("locationCountrySubCode", JsonTree::Null);
    block.build()
}

fn application_view(application: &AdvanceApplication) -> JsonTree {
    let mut block = ObjectBuilder::new(true);
    block
        .put("cashAdvanceId", &application.advance_id)
        .put("cashAdvanceApplicationAmount", application.amount)
        .put("cashAdvanceClearingAccountCode", ADVANCES)
        .put("cashAdvanceTransactionType", Decimal::TWO);
    block.build()
}
