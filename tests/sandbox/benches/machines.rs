//! How long the machines take for the requests that load is made of, against 20,000 documents each.

use std::hint::black_box;

use ml_connector_sandbox::concur::DocumentBulk;
use ml_connector_sandbox::freshbooks::Bulk;
use ml_connector_sandbox::freshbooks::RecordKind;
use ml_connector_sandbox::{Millis, Request, Sandbox, SandboxConfig, System, WireOutcome};
use serde_json::{Value, json};

const NOW: Millis = 1_772_463_600_000;
const DOCUMENTS: u32 = 20_000;
const FRESHBOOKS: &str = "api.freshbooks.com";
const CONCUR: &str = "us2.api.concursolutions.com";
const REQUESTS: &str = "/api/v3.0/invoice/paymentrequest";

fn main() {
    let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
    let token = sandbox.freshbooks.person_token(NOW);
    let bulk = Bulk {
        clients: 500,
        invoices: DOCUMENTS,
        bills: 2_000,
        seed: 1,
        ..Bulk::default()
    };
    let started = cpu_nanos();
    sandbox
        .freshbooks
        .create_bulk(&bulk, NOW)
        .expect("documents");
    println!(
        "bulk                    {:>10} us per invoice",
        micros(started, DOCUMENTS)
    );
    let ids = sandbox.freshbooks.ids(RecordKind::Invoice);
    measure(&mut sandbox, "GET invoice", System::FreshBooks, |at| {
        let id = ids[at as usize % ids.len()];
        let target = format!("/accounting/account/zQ7pLm/invoices/invoices/{id}?include[]=lines");
        Request::new(FRESHBOOKS, "GET", &target).with_bearer(&token)
    });
    journal_entries(&mut sandbox, &token);
    let token = company_token(&mut sandbox);
    let json = |method: &str, target: &str| {
        Request::new(CONCUR, method, target)
            .with_bearer(&token)
            .with_header("Accept", "application/json")
    };
    measure(&mut sandbox, "POST vendor", System::Concur, |at| {
        json("POST", "/api/v3.1/invoice/vendors").with_json(&json!({"Vendor": [vendor(at)]}))
    });
    measure(&mut sandbox, "GET vendor", System::Concur, |at| {
        json(
            "GET",
            &format!("/api/v3.1/invoice/vendors?vendorCode=FB-{at}&addressCode=MAIN"),
        )
    });
    measure(&mut sandbox, "POST payment request", System::Concur, |at| {
        json("POST", REQUESTS).with_json(&payment_request(at))
    });
    measure(
        &mut sandbox,
        "GET digests by number",
        System::Concur,
        |at| {
            json(
                "GET",
                &format!("{REQUESTS}digests?vendorInvoiceNumber=N{at}"),
            )
        },
    );
    let ids: Vec<String> = sandbox
        .concur
        .payment_requests()
        .into_iter()
        .map(|one| one.id)
        .collect();
    measure(&mut sandbox, "GET payment request", System::Concur, |at| {
        json(
            "GET",
            &format!("{REQUESTS}/{}", ids[at as usize % ids.len()]),
        )
    });
    documents(&mut sandbox, json);
}

/// The books, with two lines of every invoice among the details.
fn journal_entries(sandbox: &mut Sandbox, token: &str) {
    const BASE: &str = "/accounting/account/zQ7pLm/journal_entries";
    let accounts = sandbox.freshbooks.accounts();
    let subs: Vec<u64> = accounts
        .iter()
        .filter_map(|one| one.sub_account_id)
        .collect();
    measure(sandbox, "POST journal entry", System::FreshBooks, |at| {
        let details = json!([{"sub_accountid": subs[0], "debit": "119.00"},
            {"sub_accountid": subs[1], "credit": "119.00"}]);
        let entry = json!({"name": format!("E{at}"), "user_entered_date": "2026-01-31",
            "currency_code": "EUR",
            "details": details});
        Request::new(FRESHBOOKS, "POST", &format!("{BASE}/journal_entries"))
            .with_bearer(token)
            .with_json(&json!({"journal_entry": entry}))
    });
    measure(
        sandbox,
        "GET 100 journal details",
        System::FreshBooks,
        |at| {
            let target = format!(
                "{BASE}/journal_entry_details?per_page=100&page={}",
                at % 800
            );
            Request::new(FRESHBOOKS, "GET", &target).with_bearer(token)
        },
    );
}

/// Documents of every shape: listed one by one and acknowledged.
fn documents(sandbox: &mut Sandbox, json: impl Fn(&str, &str) -> Request) {
    const TRANSACTIONS: &str =
        "/financialintegration/fi/v4/companies/transactiontypes/expense/transactions";
    let bulk = DocumentBulk {
        reports: DOCUMENTS,
        ..DocumentBulk::default()
    };
    let started = cpu_nanos();
    sandbox.concur.approve_bulk(&bulk, NOW);
    println!(
        "approve report          {:>10} us",
        micros(started, DOCUMENTS)
    );
    let ids: Vec<String> = sandbox
        .concur
        .documents()
        .into_iter()
        .map(|one| one.id)
        .collect();
    measure(sandbox, "GET 1 expense document", System::Concur, |at| {
        json("GET", &format!("{TRANSACTIONS}?limit=1&page={at}"))
    });
    measure(sandbox, "POST acknowledgement", System::Concur, |at| {
        let body = json!({"ids": [ids[at as usize]], "systemId": "FRESHBOOKS-01"});
        json("POST", &format!("{TRANSACTIONS}/acknowledgements")).with_json(&body)
    });
}

/// Prints the time per exchange; building the requests is not in it.
fn measure(sandbox: &mut Sandbox, name: &str, system: System, request: impl Fn(u32) -> Request) {
    let requests: Vec<Request> = (0..DOCUMENTS).map(request).collect();
    let started = cpu_nanos();
    for request in &requests {
        match black_box(sandbox.exchange(system, request, NOW)) {
            WireOutcome::Response { response, .. } => {
                assert_eq!(response.status, 200, "{}", response.value());
            }
            other => panic!("{other:?}"),
        }
    }
    println!("{name:<23} {:>10} us", micros(started, DOCUMENTS));
}

fn micros(started: u64, count: u32) -> String {
    let tenths = cpu_nanos().saturating_sub(started) / u64::from(count) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The time this thread has spent on a processor: a busy machine does not count. Linux only.
fn cpu_nanos() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ')
        .next()
        .and_then(|nanos| nanos.parse().ok())
        .unwrap_or_default()
}

fn company_token(sandbox: &mut Sandbox) -> String {
    let password = sandbox.concur.company_request_token(NOW);
    let request = Request::new("glz.api.concursolutions.com", "POST", "/oauth2/v0/token")
        .with_form(&[
            ("client_id", "5b1c9c0e-3c57-4a15-9d9e-0f0b7c1e2a33"),
            ("client_secret", "sandbox-concur-secret"),
            ("grant_type", "password"),
            ("credtype", "authtoken"),
            ("username", "7c0b6d5e-8f3a-4c21-9f6b-2d1e0a9b8c7d"),
            ("password", &password),
        ]);
    match sandbox.exchange(System::Concur, &request, NOW) {
        WireOutcome::Response { response, .. } => response.value()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned(),
        other => panic!("{other:?}"),
    }
}

fn vendor(at: u32) -> Value {
    json!({"VendorCode": format!("FB-{at}"), "AddressCode": "MAIN",
        "VendorName": format!("Vendor {at}"),
        "Address1": "12 Mill Lane", "City": "Toronto", "State": "ON", "PostalCode": "M5V 2T6",
        "CountryCode": "CA",
        "CurrencyCode": "CAD", "Approved": "Y"})
}

fn payment_request(at: u32) -> Value {
    json!({"Name": format!("Invoice {at}"), "InvoiceNumber": format!("N{at}"),
        "InvoiceDate": "2026-02-27",
        "InvoiceAmount": "113.00", "CurrencyCode": "CAD", "CountryCode": "CA", "TaxAmount": "13.00",
        "EmployeeLoginId": "ap.clerk@example.test", "Custom5": format!("FB:{at}"),
        "VendorRemitToIdentifier": {"VendorCode": format!("FB-{at}"), "AddressCode": "MAIN"},
        "LineItems": [{"Description": "Copy paper", "ExpenseTypeCode": "OFFSP", "Quantity": "1",
        "UnitPrice": "100.00",
            "Tax": "13.00", "Allocations": [{"Percentage": "100", "Custom1": "PRJ_A"}]}]})
}
