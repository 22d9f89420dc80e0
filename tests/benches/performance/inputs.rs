//! The inputs that are too long to be read beside what is measured.

use ml_connector_tests::fixtures::settings;

/// Settings, as JSON text, with the accounts that [`wide_report`] needs.
pub(super) fn with_accounts() -> String {
    let mut settings = settings::connection("park");
    settings["financial"] = serde_json::json!({"enabled": true, "accounts": {
        "by_code": {"474230": "635", "474210": "636"}, "by_party": {"EMPL": "641", "CBCP": "642"},
        "by_tax": {"CAHST/H13": "651"}}});
    settings.to_string()
}

/// An expense report of 30 KiB, as wide as SAP Concur's own: most members are custom fields, and
/// most of those null.
pub(super) fn wide_report() -> String {
    let customs = |prefix: &str, count: u32| {
        let customs = (1..=count).map(|number| {
            let value = if number % 7 == 1 {
                "\"CODE-1\""
            } else {
                "null"
            };
            format!(r#""{prefix}{number}Code": {value}, "{prefix}{number}Value": {value}"#)
        });
        customs.collect::<Vec<_>>().join(", ")
    };
    let entry = |number: u32| {
        format!(
            r#"{{"entryId": "A10000000000000000000000000000{number:02}",
            "legacyEntryId": 1{number}, "expenseTypeCode": "LODNG",
              "expenseTypeName": "Room Rate", "entryDate": "2026-02-{number:02}T00:00:00.000Z",
              "entryDescription": null,
              "entryVendorDescription": "Lakeside Inn",
              "reportEntryTransactionAmount": 113.00000000, "entryCurrAlphaCode": "CAD",
              "entryApprovedAmount": 113.00000000, "entryExchangeRate": 1.0E+0,
              "entryExchangeRateDirection": "M",
              "entryIsPersonal": "N", "entryIsBillable": "N", "reportEntryPatKey": "CBCP",
              "clearingAccountCode": null,
              "liabilityAccountCode": null, "offsetPayType": "N", "expensePayIndicator": "N",
              "entryReceiptType": "R", {},
              "mileage": null, "allocation": [{{"allocationId": "B{number}",
              "allocationPercentage": 100.00000000, {},
                "journal": [{{"journalPayer": "COMP", "journalPayee": "{}",
                "journalAccountCode": "474230",
                    "amountGross": 113.00000000, "amountNetOfTax": 100.00000000,
                    "amountNetOfReclaim": 100.00000000,
                    "amountGrossCard": null, "cardTransactionReferenceNumber": null,
                    "taxGuid": ["T{number}"],
                    "accountingTransactionType": null}}],
                "tax": [{{"taxGuid": "T{number}", "taxAuthorityLabel": "CAHST", "taxCode": "H13",
                "taxReclaimCode": "H",
                    "nonDomesticCode": null, "amountTax": 13.00000000,
                    "amountReclaim": 13.00000000, "taxSource": "SYST",
                    "locationCountryCode": "CA", "locationCountrySubCode": "CA-ON"}}]}}]}}"#,
            customs("entryCustom", 40),
            customs("allocationCustom", 20),
            if number.is_multiple_of(2) {
                "EMPL"
            } else {
                "CBCP"
            },
        )
    };
    const ENTRIES: u32 = 6;
    let entries: Vec<_> = (1..=ENTRIES).map(entry).collect();
    format!(
        r#"{{"employee": {{"employeeId": "E1007", {}}},
        "report": {{"reportId": "9E44A1C07B2F4D06A9B1", "reportName": "February",
            "employeeCurrencyAlphaCode": "CAD", "isTest": "N", "totalApprovedAmount": {}.00000000,
            "revisionNumber": "1",
            "reportPaymentProcessingDate": "2026-03-03T09:00:00.000Z", {}}},
            "expenseEntry": [{}], "cashAdvanceApplication": []}}"#,
        customs("employeeCustom", 21),
        113 * ENTRIES,
        customs("reportCustom", 20),
        entries.join(",")
    )
}
