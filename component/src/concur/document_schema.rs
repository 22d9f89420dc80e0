//! The financial documents as typed rows: each document is read once, and whatever is wrong with a
//! scalar is in the row for the translation to report.
//!
//! Scalars are strings or numbers as the document pleases, objects stand where lists are documented
//! and the other way round, and null is frequent
//! (source: concur-financial-schema, concur-financial-samples).

mod dates;
mod objects;
mod scalars;

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

pub(crate) use dates::{Day, Moment, When};
pub(crate) use objects::{Custom, CustomPlace, Many};
use objects::{Name, object, take};
pub(crate) use scalars::{Amount, Code, Codes, Flag};

// What is needed of any document before it is translated.
object!(Heads {
    employee: Employee<'a> = "employee",
    advance_employee: Employee<'a> = "employeeData",
    vendor: Vendor<'a> = "vendor",
    report: Report<'a> = "report",
    request: RequestHeader<'a> = "requestHeader",
    advance: CashAdvanceData<'a> = "cashAdvanceData",
});

object!(ExpenseDocument {
    employee: Employee<'a> = "employee",
    report: Report<'a> = "report",
    entries: Many<ExpenseEntry<'a>> = "expenseEntry",
    applications: Many<Application<'a>> = "cashAdvanceApplication",
});

object!(Employee {
    id: Code<'a> = "employeeId",
    first_name: Code<'a> = "employeeFirstName",
    last_name: Code<'a> = "employeeLastName",
});

object!(Report {
    id: Code<'a> = "reportId",
    number: Code<'a> = "reportNumber",
    name: Code<'a> = "reportName",
    currency: Code<'a> = "employeeCurrencyAlphaCode",
    is_test: Flag = "isTest",
    total: Amount<'a> = "totalApprovedAmount",
    by_payroll: Flag = "payrollPayIndicator",
    payroll_account: Code<'a> = "payrollPaymentClearingAccountCode",
    revision: Code<'a> = "revisionNumber",
    ledger: Code<'a> = "ledgerCode",
    policy: Code<'a> = "policyId",
    country: Code<'a> = "homeCountryCode",
    processed: Moment<'a> = "reportPaymentProcessingDate",
    submitted: Moment<'a> = "reportSubmitDate",
    user_defined: Day<'a> = "reportUserDefinedDate",
    started: Day<'a> = "reportStartDate",
    ended: Day<'a> = "reportEndDate",
    created: Moment<'a> = "reportCreationDate",
});

object!(ExpenseEntry {
    id: Code<'a> = "entryId",
    spent: Amount<'a> = "reportEntryTransactionAmount",
    expense_type: Code<'a> = "expenseTypeCode",
    expense_type_name: Code<'a> = "expenseTypeName",
    date: Day<'a> = "entryDate",
    currency: Code<'a> = "entryCurrAlphaCode",
    approved: Amount<'a> = "entryApprovedAmount",
    is_personal: Flag = "entryIsPersonal",
    is_billable: Flag = "entryIsBillable",
    payment_type: Code<'a> = "reportEntryPatKey",
    liability_account: Code<'a> = "liabilityAccountCode",
    clearing_account: Code<'a> = "clearingAccountCode",
    allocations: Many<Allocation<'a>> = "allocation",
    payroll: Many<PayrollData<'a>> = "payrollData",
    ..customs = "entryCustom",
    ..org_units = "entryOrgUnit"
});

object!(Allocation {
    rows: Many<Row<'a>> = "journal",
    taxes: Many<Tax<'a>> = "tax",
    ..customs = "allocationCustom"
});

object!(Row {
    payer: Code<'a> = "journalPayer",
    payee: Code<'a> = "journalPayee",
    account: Code<'a> = "journalAccountCode",
    currency: Code<'a> = "currencyAlphaCode",
    gross: Amount<'a> = "amountGross",
    net_of_reclaim: Amount<'a> = "amountNetOfReclaim",
    taxes: Codes<'a> = "taxGuid",
});

object!(Tax {
    guid: Code<'a> = "taxGuid",
    authority: Code<'a> = "taxAuthorityLabel",
    code: Code<'a> = "taxCode",
    reclaim_code: Code<'a> = "taxReclaimCode",
    reclaim: Amount<'a> = "amountReclaim",
});

object!(Application {
    amount: Amount<'a> = "cashAdvanceApplicationAmount",
    account: Code<'a> = "cashAdvanceClearingAccountCode",
    kind: Code<'a> = "cashAdvanceTransactionType",
    wage_type: Code<'a> = "cashAdvanceClearingWageType",
    by_payroll: Flag = "payrollPayIndicator",
});

object!(PayrollData {
    amount: Amount<'a> = "entryApprovedAmount",
    wage_type: Code<'a> = "wageType",
    by_payroll: Flag = "payrollPayIndicator",
});

object!(InvoiceDocument {
    header: RequestHeader<'a> = "requestHeader",
    vendor: Vendor<'a> = "vendor",
    lines: Many<LineItem<'a>> = "lineItem",
});

object!(RequestHeader {
    id: Code<'a> = "requestId",
    title: Code<'a> = "requestTitle",
    number: Code<'a> = "vendorInvoiceNumber",
    due: Day<'a> = "paymentDueDate",
    term_days: Code<'a> = "netPaymentTermDays",
    currency: Code<'a> = "currencyAlphaCode",
    is_test: Flag = "isTest",
    total: Amount<'a> = "requestTotal",
    shipping: Amount<'a> = "amountShippingTotal",
    tax: Amount<'a> = "amountTax",
    vat_1: Amount<'a> = "amountVAT1",
    vat_2: Amount<'a> = "amountVAT2",
    vat_3: Amount<'a> = "amountVAT3",
    vat_4: Amount<'a> = "amountVAT4",
    pay_method: Code<'a> = "payMethodType",
    revision: Code<'a> = "revisionNumber",
    ledger: Code<'a> = "ledgerCode",
    policy: Code<'a> = "externalPolicyId",
    policy_name: Code<'a> = "policyName",
    posted: Day<'a> = "postingDate",
    invoiced: Day<'a> = "invoiceDate",
    received: Day<'a> = "invoiceReceivedDate",
    completed: Moment<'a> = "processCompleteDate",
    submitted: Moment<'a> = "submitDate",
    ..customs = "requestCustom"
});

object!(Vendor {
    code: Code<'a> = "vendorCode",
    name: Code<'a> = "vendorName",
});

object!(LineItem {
    description: Code<'a> = "lineItemDescription",
    expense_type: Code<'a> = "expenseTypeCode",
    expense_type_name: Code<'a> = "expenseTypeName",
    allocations: Many<Share<'a>> = "allocation",
});

object!(Share {
    account: Code<'a> = "allocationAccountCode",
    journal: Many<Journal<'a>> = "journal",
    ..customs = "allocationCustom"
});

object!(Journal {
    account: Code<'a> = "accountCode",
    currency: Code<'a> = "currencyAlphaCode",
    net: Amount<'a> = "amountNet",
    shipping: Amount<'a> = "amountShipping",
    gross: Amount<'a> = "amountGross",
    taxes: Many<InvoiceTax<'a>> = "tax",
});

object!(InvoiceTax {
    amount: Amount<'a> = "amountTax",
    code: Code<'a> = "taxCode",
    field: Code<'a> = "taxField",
});

object!(CashAdvanceDocument {
    employee: Employee<'a> = "employeeData",
    advance: CashAdvanceData<'a> = "cashAdvanceData",
    rows: Many<CashRow<'a>> = "journalData",
});

object!(CashAdvanceData {
    id: Code<'a> = "cashAdvanceId",
    name: Code<'a> = "name",
    is_test: Flag = "isTest",
    revision: Code<'a> = "revisionNumber",
    amount: Amount<'a> = "requestAmount",
    issue_currency: Code<'a> = "currencyAlphaCode",
    currency: Code<'a> = "employeeCurrencyAlphaCode",
    rate: Amount<'a> = "exchangeRate",
    kind: Code<'a> = "transactionType",
    issued: Moment<'a> = "issuedDate",
    requested: Moment<'a> = "requestDate",
    trip_started: Day<'a> = "travelStartDate",
    trip_ended: Day<'a> = "travelEndDate",
    clearing_account: Code<'a> = "clearingAccountCode",
});

object!(CashRow {
    account: Code<'a> = "accountCode",
    currency: Code<'a> = "currencyAlphaCode",
    amount: Amount<'a> = "amount",
    side: Code<'a> = "debitOrCredit",
    payer: Code<'a> = "payer",
    payee: Code<'a> = "payee",
});
