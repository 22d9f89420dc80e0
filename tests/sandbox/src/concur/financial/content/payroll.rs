//! Payroll: wage types instead of accounts, and no journal at all
//! (source: concur-financial-payroll-document).

use rust_decimal::Decimal;

use super::generate::{stamp, written_day};
use super::json_tree::{JsonTree, ObjectBuilder, WriteOptions, yes_or_no};
use super::report::ExpenseReport;
use super::report_view::employee_view;

/// A report's part in the payroll.
#[derive(Clone, Debug)]
pub(crate) struct Payroll {
    pub(crate) report: ExpenseReport,
    /// It is paid out through the payroll; otherwise it is for tax records only.
    pub(crate) paid_out: bool,
}

/// The payroll as the whole of a document.
pub(crate) fn payroll_view(payroll: &Payroll, header: &WriteOptions) -> JsonTree {
    let report = &payroll.report;
    let mut document = ObjectBuilder::new(header.nulls);
    document
        .put("report", report_block(payroll, header))
        .put(
            "employee",
            employee_view(&report.employee, 22, header).build(),
        )
        .put("cashAdvanceApplication", advance_block(payroll, header))
        .put("expenseEntry", entry_views(payroll, header))
        .put("travelAllowances", Vec::new());
    document.build()
}

fn report_block(payroll: &Payroll, header: &WriteOptions) -> JsonTree {
    let report = &payroll.report;
    let mut block = ObjectBuilder::new(header.nulls);
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
    block.build()
}

fn advance_block(payroll: &Payroll, header: &WriteOptions) -> JsonTree {
    let report = &payroll.report;
    let applied: Decimal = report.applications.iter().map(|one| one.amount).sum();
    let mut block = ObjectBuilder::new(header.nulls);
    block
        .put("cashAdvanceApplicationAmount", applied)
        .put("cashAdvanceClearingWageType", JsonTree::Null)
        .put("payrollPayIndicator", yes_or_no(payroll.paid_out))
        .put("cashAdvanceReturnsAmount", report.returned);
    block.build()
}

fn entry_views(payroll: &Payroll, header: &WriteOptions) -> JsonTree {
    let entry = |entry: &super::report::ReportEntry| {
        let mut wage = ObjectBuilder::new(header.nulls);
        wage.put("taxableType", "N")
            .put("taxationType", "NONTAX")
            .put("entryApprovedAmount", entry.approved)
            .put("wageType", "M010")
            .put("payrollPayIndicator", yes_or_no(payroll.paid_out));
        let mut block = ObjectBuilder::new(header.nulls);
        block
            .put("entryId", &entry.id)
            .put("entryApprovedAmount", entry.approved)
            .put("expenseTypeCode", entry.kind.code.clone())
            .put("entryDate", written_day(entry.day, header.report_days))
            .put("entryIsPersonal", yes_or_no(entry.personal))
            .put("payrollData", vec![wage.build()]);
        block.build()
    };
    let rows: Vec<JsonTree> = payroll.report.entries.iter().map(entry).collect();
    rows.into()
}
