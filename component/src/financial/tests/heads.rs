use super::*;

#[test]
fn a_head_says_what_it_is_about() {
    let report = head(DocumentType::Expense, EXPENSE).expect("is read");
    assert_eq!(
        (report.source_id.as_str(), report.revision.as_str()),
        ("9E44A1C07B2F4D06A9B1", "1")
    );
    assert_eq!(
        (report.title.as_str(), report.currency.as_str()),
        ("February travel", "CAD")
    );
    assert_eq!(report.total, Some(Decimal::from(280)));
    assert!(!report.is_test && report.customs.is_empty());
    assert_eq!(
        report.entity.shown(),
        "ledger \"DEFAULT\" and country \"CA\""
    );
    let payroll = head(DocumentType::Payroll, PAYROLL).expect("is read");
    assert_eq!(payroll.source_id, report.source_id);
    let advance = head(DocumentType::CashAdvance, CASH_ADVANCE).expect("is read");
    assert_eq!(advance.source_id, "C1000000000000000000000000000001");
    assert_eq!(advance.total, Some(Decimal::from(300)));
}

#[test]
fn an_invoice_s_head_has_every_custom_field() {
    let more = with(
        INVOICE,
        r#""requestCustom5Code": "FB:778120""#,
        r#""requestCustom24Value": "mlc-x", "requestCustom1Code": null,
        "requestCustom5Code": "FB:778120""#,
    );
    let invoice = head(DocumentType::Invoice, &more).expect("is read");
    assert_eq!(invoice.source_id, "7C1E40B2A9D84D6FA0B3");
    assert_eq!(invoice.customs, ["mlc-x", "FB:778120"]);
    let named = "ledger \"DEFAULT\" and policy \"A1C09B77D2E14F52B001\"";
    assert_eq!(invoice.entity.shown(), named);
}

#[test]
fn a_head_is_read_from_what_cannot_be_translated() {
    let odd = r#"{"report": {"reportId": 17, "revisionNumber": 3, "isTest": "Y",
    "totalApprovedAmount": "many"}, "expenseEntry": null}"#;
    let head = head(DocumentType::Expense, odd).expect("is read");
    assert_eq!(
        (head.source_id.as_str(), head.revision.as_str()),
        ("17", "3")
    );
    assert!(head.is_test && head.total.is_none());
}

#[test]
fn a_head_without_an_id_is_refused() {
    for (document, code) in [
        ("{}", "id-missing"),
        ("3", "unreadable"),
        ("{", "not-json"),
        (r#""{""#, "not-json"),
    ] {
        assert_eq!(
            head(DocumentType::Expense, document)
                .expect_err("is refused")
                .code,
            code
        );
    }
    assert_eq!(
        head(DocumentType::Invoice, EXPENSE)
            .expect_err("is refused")
            .code,
        "id-missing"
    );
}
