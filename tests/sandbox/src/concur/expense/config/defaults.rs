//! What Expense of a company is set up with that nobody configured.

use std::collections::BTreeMap;

use super::{
    ExpenseConfig, ExpenseTypeConfig, FieldItem, FieldList, FieldsOffForm, FormField, NextPage,
    NoNextPage, Payer, PaymentTypeConfig, Policy, SystemApproval, UnknownFields, UnknownListCode,
    WriteOnReadOnly,
};

impl Default for ExpenseConfig {
    fn default() -> Self {
        let rates = [
            ("USD/CAD", "1.35"),
            ("EUR/CAD", "1.5"),
            ("CAD/USD", "0.74"),
            ("CAD/EUR", "0.67"),
        ];
        let rates = rates.map(|(pair, rate)| (pair.to_owned(), rate.to_owned()));
        Self {
            policies: default_policies(),
            expense_types: default_expense_types(),
            payment_types: default_payment_types(),
            entry_fields: default_fields(),
            report_fields: default_fields(),
            exchange_rates: rates.into(),
            approval_steps: vec!["A_PEND".into()],
            unknown_fields: UnknownFields::Refused,
            fields_off_form: FieldsOffForm::Dropped,
            vendor_fields: WriteOnReadOnly::Dropped,
            exchange_rate: WriteOnReadOnly::Dropped,
            is_billable: WriteOnReadOnly::Dropped,
            unknown_list_code: UnknownListCode::Stored,
            missing_rate_refused: false,
            entry_delete_refused: true,
            creation_takes_ms: 0,
            idempotency_life_ms: 86_400_000,
            system_approval: SystemApproval::AnyStep,
            amounts_with_eight_decimals: true,
            copied_to_allocations: true,
            page_max: 100,
            next_page: NextPage::Uri,
            no_next_page: NoNextPage::Null,
            quick_location_optional: false,
            quick_image_bytes_max: 5_000_000,
        }
    }
}

fn default_policies() -> Vec<Policy> {
    let policies = [
        ("0A1B2C3D4E5F60718293A4B5C6D7E8F9", "Canada Policy"),
        ("1B2C3D4E5F60718293A4B5C6D7E8F90A", "Travel Policy"),
    ];
    let policy = |(id, name): (&str, &str)| Policy {
        id: id.into(),
        name: name.into(),
    };
    policies.into_iter().map(policy).collect()
}

fn default_expense_types() -> Vec<ExpenseTypeConfig> {
    [
        ("OFFIC", "Office", "", "OTHER", true),
        ("OFFSP", "Office Supplies", "6400", "OTHER", false),
        ("PROFS", "Professional Services", "6450", "OTHER", false),
        ("TRVL", "Travel", "6600", "OTHER", false),
        ("TAXIX", "Taxi", "6200", "GRTRN", false),
        ("LODNG", "Hotel", "6100", "LODGE", false),
        ("DINNR", "Dinner", "6300", "MEALS", false),
    ]
    .into_iter()
    .map(
        |(code, name, account, category, is_category)| ExpenseTypeConfig {
            code: code.into(),
            name: name.into(),
            account: account.into(),
            category: category.into(),
            is_category,
        },
    )
    .collect()
}

fn default_payment_types() -> Vec<PaymentTypeConfig> {
    [
        (
            "CASH",
            "gWqA7sT0y$pCashPaymentTypeIdOne",
            "Cash",
            Payer::Employee,
        ),
        (
            "COPD",
            "gWqA7sT0y$pCompanyPaidTypeIdTwo",
            "Company Paid",
            Payer::Company,
        ),
        (
            "CBCP",
            "gWqA7sT0y$pCompanyCardTypeIdThr",
            "Company Card",
            Payer::CompanyCard,
        ),
        (
            "IBCP",
            "gWqA7sT0y$pOwnCardPaidTypeIdFou",
            "Individual Card",
            Payer::IndividualCard,
        ),
    ]
    .into_iter()
    .map(|(id, v3_id, name, payer)| PaymentTypeConfig {
        id: id.into(),
        v3_id: v3_id.into(),
        name: name.into(),
        payer,
    })
    .collect()
}

/// The project in `Custom1`, the cost code in `Custom2`, a text in `Custom3`.
fn default_fields() -> BTreeMap<String, FormField> {
    let list = |id: &str, items: &[(&str, &str)]| FieldList {
        id: id.into(),
        items: items
            .iter()
            .enumerate()
            .map(|(at, (code, name))| FieldItem {
                id: format!("{}{at:04}", &id.replace('-', "")[..28]).to_uppercase(),
                code: (*code).into(),
                name: (*name).into(),
            })
            .collect(),
    };
    let projects = [
        ("PRJ_A", "Project A"),
        ("PRJ_B", "Project B"),
        ("PRJ_C", "Project C"),
        ("PRJ_D", "Project D"),
    ];
    let costs = [
        ("CC_10", "Engineering"),
        ("CC_20", "Sales"),
        ("21-KING", "21 King Street"),
    ];
    let field = |name: &str, list| FormField {
        name: name.into(),
        required: false,
        list,
    };
    let projects = list("2f6b1c1a-6a1e-4a55-8d3e-0e6f1c2b3a44", &projects);
    let costs = list("3a7c2d2b-7b2f-4b66-9e4f-1f7a2d3c4b55", &costs);
    [
        ("Custom1", field("Project", Some(projects))),
        ("Custom2", field("Cost Code", Some(costs))),
        ("Custom3", field("Source", None)),
    ]
    .map(|(name, field)| (name.to_owned(), field))
    .into()
}
