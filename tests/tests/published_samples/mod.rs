//! What each of SAP's published samples of financial documents must become. The samples are SAP's
//! and are not here; the expected lines are facts, worked out by hand.

/// Concur's word for an account, the cost code, the debit and the credit.
pub(crate) type Expected = (&'static str, &'static str, &'static str, &'static str);

/// What each sample must become, by file name.
pub(crate) const SAMPLES: [(&str, &[Expected]); 19] = [
    // An advance of 300 in the employee's currency, paid out in cash.
    (
        "FI-API-CashAdvanceID-2E6DA12BB8B87D468BD666383E44033D-Example-5.2.1.json",
        &[("CADV", "", "300.00", ""), ("EMPL", "", "", "300.00")],
    ),
    (
        "FI-API-CashAdvanceID-E2A086D30B88AE4683BC48ADE47B8116-Example-5.1.1.json",
        &[("CASH", "", "7000.00", ""), ("EMPL", "", "", "7000.00")],
    ),
    // A hotel bill in three entries of 250, 50 and 25, all paid by the company.
    (
        "FI-API-ReportID-0C45F960C3064ED88C39-Example-3.1.json",
        &[
            ("474230", "21-BELLEV1", "325.00", ""),
            ("COPD", "", "", "325.00"),
        ],
    ),
    // Car rental 245, a dinner of two rows 5 and 55, parking 10; 245 and 55 of them were paid with
    // the advance.
    (
        "FI-API-ReportID-14A40453BED6493EB53F-Example-5.2.1.json",
        &[
            ("109", "", "245.00", ""),
            ("105", "", "60.00", ""),
            ("130", "", "10.00", ""),
            ("EMPL", "", "", "315.00"),
            ("EMPL", "", "300.00", ""),
            ("CADV", "", "", "300.00"),
        ],
    ),
    // Lodging twice 125 and a dinner of 20 on the card, a taxi of 35 in cash; one account.
    (
        "FI-API-ReportID-1B25850DD8B94D5F8B2D-Example-6.1.6.json",
        &[
            ("474230", "21-BELLEV1", "305.00", ""),
            ("IBCP", "", "", "270.00"),
            ("EMPL", "", "", "35.00"),
        ],
    ),
    // Mileage.
    (
        "FI-API-ReportID-473498AF26AE45A094A6-Example-1.3.json",
        &[("54", "21-BELLEV1", "24.30", ""), ("EMPL", "", "", "24.30")],
    ),
    // Petrol with a value-added tax of 15.97 that is not given back; payroll reimburses it through
    // its clearing account.
    (
        "FI-API-ReportID-641C4F998328438284A2-Example-2.2.json",
        &[("474210", "", "100.00", ""), ("176882", "", "", "100.00")],
    ),
    // A refund: the employee pays the company.
    (
        "FI-API-ReportID-6517F735E33A47B98D80-Example-1.2.json",
        &[("5", "21-BELLEV1", "", "50.00"), ("EMPL", "", "50.00", "")],
    ),
    // Without a total: a taxi of 10 and a train of 20, paid by the company, approved as such.
    (
        "FI-API-ReportID-B1041655B4CE4171BDAA-Example-1.1.json",
        &[
            ("474230", "21-KING", "10.00", ""),
            ("474210", "21-KING", "20.00", ""),
            ("COPD", "", "", "30.00"),
        ],
    ),
    // Car rental on the card, postage in cash.
    (
        "FI-API-ReportID-CDFDE0F4CACE4426A913-Example-6.1.2.json",
        &[
            ("11", "", "56.10", ""),
            ("IBCP", "", "", "56.10"),
            ("56", "", "23.00", ""),
            ("EMPL", "", "", "23.00"),
        ],
    ),
    // Laundry with a value-added tax of 1.60 that is given back in full.
    (
        "FI-API-ReportID-F071FADEA6B142DD884A-Example-2.1.json",
        &[
            ("37", "11-KING", "8.40", ""),
            ("DEVAT/VA", "", "1.60", ""),
            ("EMPL", "", "", "10.00"),
        ],
    ),
    // Two taxes of 2.43 and 3.89, of which 1.22 and 1.95 are given back.
    (
        "FI-API-ReportID-FABA2A8599224AE5A6C8-Example-2.4.json",
        &[
            ("474210", "70-AUT", "51.83", ""),
            ("CAGST/JC1E", "", "1.22", ""),
            ("CAPST/JC2T", "", "1.95", ""),
            ("EMPL", "", "", "55.00"),
        ],
    ),
    // Lodging twice 125 and a dinner of 20 on the card, parking of 5 in cash.
    (
        "FI-API-ReportID-EEBD898C643A40DEB4E9-Example-6.1.7.json",
        &[
            ("474230", "21-BELLEV1", "270.00", ""),
            ("52", "21-BELLEV1", "5.00", ""),
            ("IBCP", "", "", "270.00"),
            ("EMPL", "", "", "5.00"),
        ],
    ),
    // A personal item of 14 on the same card is offset against a taxi of 35 in cash.
    (
        "FI-API-ReportID-7E141428931340B990A3-Example-6.1.6-with-offsetting.json",
        &[
            ("99999", "", "250.00", ""),
            ("600", "", "20.00", ""),
            ("88888", "", "35.00", ""),
            ("IBCP", "", "", "284.00"),
            ("EMPL", "", "", "21.00"),
        ],
    ),
    // A personal item is offset against all of a parking of 5 in cash.
    (
        "FI-API-ReportID-9AAA32338A264AC1908E-Example-6.1.7-with-offsetting.json",
        &[
            ("99999", "", "250.00", ""),
            ("600", "", "20.00", ""),
            ("40", "", "5.00", ""),
            ("IBCP", "", "", "275.00"),
        ],
    ),
    // Two personal items, one on a company-billed card and one that the company paid: a total of 0.
    (
        "FI-API-ReportID-15298B27B5FC4EBC98B3-Example-6.2.1.json",
        &[
            ("cbcp180", "", "49.00", ""),
            ("cbcp180", "", "", "49.00"),
            ("compaid374", "", "32.00", ""),
            ("compaid374", "", "", "32.00"),
            ("EMPL", "", "81.00", ""),
            ("CBCP", "", "", "49.00"),
            ("COPD", "", "", "32.00"),
        ],
    ),
    // Lodging and a dinner on the company-billed card, a taxi in cash, a personal item of 14.
    (
        "FI-API-ReportID-815EF4FB5B4448A9B09E-Example-6.2.2.json",
        COMPANY_BILLED,
    ),
    // A business dinner of 700, and a private one of 300 without any account code but the card's
    // clearing account.
    (
        "FI-API-ReportID-9616BC579E7246D8BDB9-Example-6.2.3.json",
        &[
            ("1234", "", "700.00", ""),
            ("123447262", "", "300.00", ""),
            ("123447262", "", "", "300.00"),
            ("EMPL", "", "300.00", ""),
            ("CBCP", "", "", "1000.00"),
        ],
    ),
    (
        "FI-API-ReportID-7F00502973D84DEFA49E-Example-6.2.4.json",
        COMPANY_BILLED,
    ),
];

const COMPANY_BILLED: &[Expected] = &[
    ("474230", "21-BELLEV1", "305.00", ""),
    ("199999", "", "14.00", ""),
    ("199999", "", "", "14.00"),
    ("EMPL", "", "14.00", ""),
    ("EMPL", "", "", "35.00"),
    ("CBCP", "", "", "284.00"),
];

/// Payment types of the customers' own in the samples, with the card that each is.
pub(crate) const OWN_TYPES: [(&str, &str); 2] = [("1000", "CBCP"), ("1003", "IBCP")];
