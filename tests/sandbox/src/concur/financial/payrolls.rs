//! Payroll: wage types instead of accounts, and no journal at all (Concur docs, payroll document).

use rust_decimal::Decimal;

use super::document::Header;
use super::draw::{midnight, stamp};
use super::report_view::employee_view;
use super::reports::Report;
use super::tree::{Members, Tree, yes};

/// A report's part in the payroll.
#[derive(Clone, Debug)]
pub(super) struct Payroll {
    pub(super) report: Report,
    /// It is paid out through the payroll; otherwise it is for tax records only.
    pub(super) paid_out: bool,
}

/// The whole document.
pub(super) fn payroll_view(payroll: &Payroll, header: &Header) -> Tree {
    let report = &payroll.report;
    let mut document = Members::new(header.nulls);
    document
        .put("report", report_block(payroll, header))
        .put(
            "employee",
            employee_view(&report.employee, 22, header).done(),
        )
        .put("cashAdvanceApplication", advance_block(payroll, header))
        .put("expenseEntry", entries(payroll, header))
        .put("travelAllowances", Vec::new());
    document.done()
}

fn report_block(payroll: &Payroll, header: &Header) -> Tree {
    let report = &payroll.report;
    let mut block = Members::new(header.nulls);
    block
        .put("reportId", &report.id)
        .put("reportKey", report.key)
        .put("reportName", &report.name)
        .put(
            "employeeCurrencyAlphaCode",
            report.currency.code().to_owned(),
        )
        .put("totalApprovedAmount", report.total())
        .put("isTest", "N")
        .nulls(&["benefitInKindWageType"])
        .put("reportSubmitDate", stamp(report.submitted))
        .put("revisionNumber", header.revision.to_string())
        .put("versionId", "4");
    block.done()
}

fn advance_block(payroll: &Payroll, header: &Header) -> Tree {
    let report = &payroll.report;
    let applied: Decimal = report.applications.iter().map(|one| one.amount).sum();
    let mut block = Members::new(header.nulls);
    block
        .put("cashAdvanceApplicationAmount", applied)
        .put("cashAdvanceClearingWageType", Tree::Null)
        .put("payrollPayIndicator", yes(payroll.paid_out))
        .put("cashAdvanceReturnsAmount", report.returned);
    block.done()
}

fn entries(payroll: &Payroll, header: &Header) -> Tree {
    let entry = |entry: &super::reports::Entry| {
        let mut wage = Members::new(header.nulls);
        wage.put("taxableType", "N")
            .put("taxationType", "NONTAX")
            .put("entryApprovedAmount", entry.approved)
            .put("wageType", "M010")
            .put("payrollPayIndicator", yes(payroll.paid_out));
        let mut block = Members::new(header.nulls);
        block
            .put("entryId", &entry.id)
            .put("entryApprovedAmount", entry.approved)
            .put("expenseTypeCode", entry.kind.code)
            .put("entryDate", midnight(entry.day))
            .put("entryIsPersonal", yes(entry.personal))
            .put("payrollData", vec![wage.done()]);
        block.done()
    };
    let rows: Vec<Tree> = payroll.report.entries.iter().map(entry).collect();
    rows.into()
}
