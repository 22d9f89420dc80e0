//! How GET shows a payment request: lists wrapped the XML way, amounts with 8 digits, days with a
//! midnight (source: concur-payment-request-reply).

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::fields::{ALLOCATION, FieldType, HEADER, LINE};
use super::payment_requests::{PaymentRequest, RequestLine};
use crate::calendar::utc_stamp;
use crate::concur::config::{ConcurConfig, account_of_expense_type};
use crate::concur::vendors::record::Vendor;
use crate::http::Millis;
use crate::money::{fixed, parse_decimal};
use crate::sparse_fields::SparseFields;

/// The request as GET shows it.
pub(crate) fn payment_request_view(
    request: &PaymentRequest,
    config: &ConcurConfig,
    base_url: &str,
) -> Value {
    let mut body = Map::new();
    write_fields(&request.header, HEADER, &mut body);
    write_status(request, config, &mut body);
    write_dates(request, &mut body);
    let mut put = |name: &str, value: Value| _ = body.insert(name.to_owned(), value);
    put("ID", json!(request.id));
    put(
        "URI",
        json!(format!(
            "{base_url}/api/v3.0/invoice/paymentrequest/{}",
            request.id
        )),
    );
    put("EmployeeName", json!(owner_name(request, config)));
    put("CreatedByUsername", json!(owner_login(request, config)));
    let total = amount_text(request.line_total());
    let taxes: Decimal = request.lines.iter().map(|line| line.amount("Tax")).sum();
    put(
        "CalculatedAmount",
        json!(amount_text(request.line_total() + taxes)),
    );
    put("LineItemTotalAmount", json!(total));
    let approved = if request.approved.is_some() {
        invoice_amount(request)
    } else {
        Decimal::ZERO
    };
    put("TotalApprovedAmount", json!(amount_text(approved)));
    put("VendorRemitAddress", vendor_view(&request.vendor, config));
    let lines = request
        .lines
        .iter()
        .zip(1..)
        .map(|(line, number)| line_view(line, number, config));
    put("LineItems", wrap_list("LineItem", lines.collect(), config));
    Value::Object(body)
}

/// The amount of the header.
pub(crate) fn invoice_amount(request: &PaymentRequest) -> Decimal {
    parse_decimal(request.header.get("InvoiceAmount")).unwrap_or_default()
}

/// The code of the approval status.
pub(crate) fn approval_code<'a>(request: &PaymentRequest, config: &'a ConcurConfig) -> &'a str {
    let [fresh, submitted, approved] = &config.payment_requests.approval_codes;
    match (request.submitted, request.approved) {
        (_, Some(_)) => approved,
        (Some(_), None) => submitted,
        (None, None) => fresh,
    }
}

/// The code of the payment status.
pub(crate) fn payment_code(request: &PaymentRequest) -> &'static str {
    if request.paid.is_some() {
        "R_PAID"
    } else {
        "R_NOTP"
    }
}

/// The login of the request's owner.
pub(crate) fn owner_login<'a>(
    request: &PaymentRequest,
    config: &'a ConcurConfig,
) -> Option<&'a str> {
    request
        .owner
        .and_then(|at| config.employees.get(at))
        .map(|employee| employee.login_id.as_str())
}

/// The name of the request's owner.
pub(crate) fn owner_name(request: &PaymentRequest, config: &ConcurConfig) -> Option<String> {
    owner_login(request, config).map(|login| {
        login
            .split('@')
            .next()
            .unwrap_or_default()
            .replace('.', ", ")
    })
}

/// An amount with 8 digits behind the point.
pub(crate) fn amount_text(amount: Decimal) -> String {
    fixed(amount, 8)
}

/// An instant as these replies write it.
pub(crate) fn stamp_text(at: Millis) -> String {
    utc_stamp(at) + ".0"
}

fn write_status(request: &PaymentRequest, config: &ConcurConfig, body: &mut Map<String, Value>) {
    let mut put = |name: &str, value: Value| _ = body.insert(name.to_owned(), value);
    put("ApprovalStatus", json!(approval_code(request, config)));
    put("PaymentStatus", json!(payment_code(request)));
    put("PaymentMethod", json!("CLIENT"));
    put("IsPaymentRequestDuplicate", bool_text(request.duplicate));
    put(
        "IsPaymentRequestDeleted",
        bool_text(request.deleted.is_some()),
    );
    put(
        "PaymentRequestDeletedBy",
        request
            .deleted
            .map_or(Value::Null, |_| json!(owner_login(request, config))),
    );
    for name in [
        "IsTestTransaction",
        "PaymentRequestCreatedByTestUser",
        "SubmittedByDelegate",
        "ApprovedByDelegate",
    ] {
        put(name, bool_text(false));
    }
    put("IsAssigned", bool_text(request.owner.is_some()));
    put("AssignedByUsername", Value::Null);
    if request.header.get("DataSource").is_empty() {
        put("DataSource", json!("MAN"));
    }
    if request.header.get("ReceiptConfirmationType").is_empty() {
        put("ReceiptConfirmationType", json!("NONE"));
    }
    if request.header.get("IsInvoiceConfirmed").is_empty() {
        put("IsInvoiceConfirmed", bool_text(false));
    }
}

fn write_dates(request: &PaymentRequest, body: &mut Map<String, Value>) {
    let dates = [
        ("UserCreationDate", Some(request.created)),
        ("FirstSubmitDate", request.submitted),
        ("LastSubmitDate", request.submitted),
        ("FirstApprovalDate", request.approved),
        ("WorkflowCompleteDate", request.approved),
        ("PaidDate", request.paid),
        ("DeletedDate", request.deleted),
        ("ExtractDate", request.extracted),
        ("AssignedDate", None),
    ];
    for (name, at) in dates {
        body.insert(
            name.to_owned(),
            at.map_or(Value::Null, |at| json!(stamp_text(at))),
        );
    }
    let paid = if request.paid.is_some() {
        invoice_amount(request)
    } else {
        Decimal::ZERO
    };
    body.insert("PaidAmount".into(), json!(amount_text(paid)));
}

fn line_view(line: &RequestLine, number: usize, config: &ConcurConfig) -> Value {
    let mut body = Map::new();
    write_fields(&line.texts, LINE, &mut body);
    let total = amount_text(line.amount("TotalPrice"));
    let mut put = |name: &str, value: Value| _ = body.insert(name.to_owned(), value);
    put("LineItemId", json!(line.id.to_string()));
    put("RequestLineItemNumber", json!(number.to_string()));
    put(
        "AllocationStatus",
        json!(if line.allocations.is_empty() {
            "None"
        } else {
            "Full"
        }),
    );
    put("RequestedLineItemAmount", json!(total));
    put("ApprovedLineItemAmount", json!(total));
    put("IsMatched", bool_text(false));
    let account = account_of_expense_type(line.texts.get("ExpenseTypeCode"));
    let allocations = line.allocations.iter().map(|allocation| {
        let mut row = Map::new();
        write_fields(&allocation.texts, ALLOCATION, &mut row);
        row.insert(
            "Percentage".into(),
            json!(amount_text(allocation.percentage)),
        );
        row.insert("AllocationAccountCode".into(), json!(account));
        row.insert("IsTestUser".into(), bool_text(false));
        Value::Object(row)
    });
    put(
        "Allocations",
        wrap_list("Allocation", allocations.collect(), config),
    );
    Value::Object(body)
}

/// A list the XML way: `{"Row": [...]}`, null when empty, and by switch one object when it is
/// single.
fn wrap_list(name: &str, mut rows: Vec<Value>, config: &ConcurConfig) -> Value {
    match rows.len() {
        0 => Value::Null,
        1 if config.payment_requests.single_as_object => json!({name: rows.remove(0)}),
        _ => json!({name: rows}),
    }
}

/// Every field that is shown, null if never written; texts and table have the same order.
fn write_fields(texts: &SparseFields, fields: &[(&str, FieldType)], body: &mut Map<String, Value>) {
    for (at, (name, holds)) in fields.iter().enumerate() {
        let text = texts.get_at(at);
        let value = match holds {
            FieldType::Unseen => continue,
            _ if text.is_empty() => Value::Null,
            FieldType::Amount => json!(parse_decimal(text).map(amount_text)),
            FieldType::Day => json!(format!("{text} 00:00:00.0")),
            FieldType::Text(_) => json!(text),
        };
        body.insert((*name).to_owned(), value);
    }
}

fn vendor_view(vendor: &Vendor, config: &ConcurConfig) -> Value {
    let text = |name: &str| Some(vendor.texts.get(name)).filter(|text| !text.is_empty());
    let mut view = json!({"Name": text("VendorName"),
        "Address1": text("Address1"), "Address2": text("Address2"), "Address3": text("Address3"),
        "City": text("City"),
        "State": text("State"), "PostalCode": text("PostalCode"),
        "CountryCode": text("CountryCode"),
        "DiscountTerms": text("DiscountTermsDays")});
    if !config.payment_requests.remit_address_without_codes {
        for name in ["VendorCode", "AddressCode"] {
            view[name] = json!(text(name));
        }
    }
    view
}

fn bool_text(value: bool) -> Value {
    json!(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::concur::ConcurHarness;

    /// Every name of the published models of a payment request, and those seen in a real reply.
    const DOCUMENTED: &str = "AllocationAccountCode Percentage IsTestUser Allocation Address1 \
        Address2 Address3 City \
        CountryCode Name PostalCode State ID URI Allocations AllocationStatus AmountWithoutVat \
        ApprovedLineItemAmount \
        Description ExpenseTypeCode IsMatched LineItemId PurchaseOrderNumber Quantity \
        RequestedLineItemAmount \
        RequestLineItemNumber ShipFromPostalCode ShipToPostalCode SupplierPartId Tax TaxCode \
        TaxCode2 TaxCode3 TaxCode4 \
        TotalPrice UnitOfMeasure UnitPrice VatAmount VatAmountFour VatAmountThree VatAmountTwo \
        VatRate VatRateFour \
        VatRateThree VatRateTwo LineItem ApprovalStatus ApprovedByDelegate AssignedByUsername \
        AssignedDate \
        BuyerCostCenter CalculatedAmount CheckNumber CreatedByUsername CurrencyCode DataSource \
        DeletedDate \
        DeliverySlipNumber DiscountPercentage DiscountTerms EmployeeName ExternalPolicyId \
        ExtractDate \
        FirstApprovalDate FirstSubmitDate InvoiceAmount InvoiceDate InvoiceNumber \
        InvoiceReceivedDate IsAssigned \
        IsInvoiceConfirmed IsPaymentRequestDeleted IsPaymentRequestDuplicate IsTestTransaction \
        LastSubmitDate \
        LedgerCode LineItems LineItemTotalAmount NotesToVendor OB10BuyerId OB10TransactionId \
        PaidAmount PaidDate \
        PaymentAdjustmentNotes PaymentDueDate PaymentMethod PaymentRequestCreatedByTestUser \
        PaymentRequestDeletedBy \
        PaymentStatus PaymentTermsDays ProvincialTaxId ReceiptConfirmationType ShippingAmount \
        SubmittedByDelegate \
        TaxAmount TotalApprovedAmount UserCreationDate VatAmountOne VatRateOne VendorRemitAddress \
        VendorTaxId \
        WorkflowCompleteDate VendorCode AddressCode";

    fn documented(name: &str) -> bool {
        let numbered = |prefix: &str| {
            name.strip_prefix(prefix)
                .is_some_and(|digits| digits.parse::<u8>().is_ok())
        };
        DOCUMENTED.split_whitespace().any(|known| known == name)
            || numbered("Custom")
            || numbered("OrgUnit0")
    }

    fn check_names(value: &Value) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                assert!(documented(name), "{name}");
                check_names(value);
            }),
            Value::Array(rows) => rows.iter().for_each(check_names),
            other => assert!(other.is_string() || other.is_null(), "{other}"),
        }
    }

    fn shown(changes: Value) -> (ConcurHarness, Value) {
        let mut harness = ConcurHarness::new();
        harness.vendor("FB-1");
        let id = harness.posted(changes);
        let shown = harness.shown(&id);
        (harness, shown)
    }

    #[test]
    fn names_are_documented_and_scalars_are_strings() {
        check_names(&shown(json!({})).1);
    }

    #[test]
    fn amounts_days_and_flags_have_their_forms() {
        let (_, shown) = shown(json!({}));
        assert_eq!(shown["InvoiceAmount"], "1130.00000000");
        assert_eq!(shown["InvoiceDate"], "2026-02-27 00:00:00.0");
        assert_eq!(shown["UserCreationDate"], "2026-03-04 10:22:31.0");
        assert_eq!(
            (
                &shown["IsPaymentRequestDeleted"],
                &shown["IsTestTransaction"]
            ),
            (&json!("false"), &json!("false"))
        );
        assert_eq!(
            (&shown["CalculatedAmount"], &shown["LineItemTotalAmount"]),
            (&json!("1130.00000000"), &json!("1000.00000000"))
        );
        assert_eq!(
            (&shown["ApprovalStatus"], &shown["PaymentStatus"]),
            (&json!("R_NOTF"), &json!("R_NOTP"))
        );
    }

    #[test]
    fn lists_are_wrapped_the_xml_way() {
        let (_, shown) = shown(json!({}));
        let lines = &shown["LineItems"]["LineItem"];
        assert_eq!(
            lines[0]["Allocations"]["Allocation"][0]["Percentage"],
            "60.00000000"
        );
        assert_eq!(lines[1]["Allocations"]["Allocation"][0]["Custom1"], "PRJ_A");
        assert_eq!(shown["VendorRemitAddress"]["VendorCode"], "FB-1");
        assert!(shown.get("EmployeeLoginId").is_none());
    }

    #[test]
    fn the_remit_address_may_have_no_codes() {
        let (mut harness, before) = shown(json!({}));
        let switches = &mut harness.machine.config.payment_requests;
        switches.remit_address_without_codes = true;
        let id = before["ID"].as_str().expect("an id").to_owned();
        let address = harness.shown(&id)["VendorRemitAddress"].clone();
        assert_eq!(address["Name"], "Northwind Paper Ltd");
        assert!(address.get("VendorCode").is_none() && address.get("AddressCode").is_none());
    }

    #[test]
    fn single_rows_may_be_objects() {
        let (mut harness, before) = shown(json!({"LineItems": [{"Description": "One"}]}));
        harness.machine.config.payment_requests.single_as_object = true;
        let id = before["ID"].as_str().expect("an id").to_owned();
        assert!(before["LineItems"]["LineItem"].is_array());
        assert_eq!(
            harness.shown(&id)["LineItems"]["LineItem"]["Description"],
            "One"
        );
    }

    #[test]
    fn xml_repeats_the_rows() {
        let (mut harness, shown) = shown(json!({}));
        harness.accept = None;
        let path = format!(
            "/api/v3.0/invoice/paymentrequest/{}",
            shown["ID"].as_str().expect("an id")
        );
        let reply = harness.send("GET", &path, None);
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(text.contains("<PaymentRequest>"), "{text}");
        assert_eq!(text.matches("<LineItem>").count(), 2);
    }
}
