//! States and provinces (ISO 3166-2) of the countries where SAP Concur insists on their codes
//! (source: concur-vendor).

/// Whether vendors of this country need a state.
#[must_use]
pub(crate) fn are_required(country: &str) -> bool {
    !table(country).is_empty()
}

/// The code of a state given by name or code, in any case.
#[must_use]
pub(crate) fn subdivision_code(country: &str, name: &str) -> Option<&'static str> {
    let is = |one: &str| one.to_lowercase() == name.to_lowercase();
    let found = table(country)
        .iter()
        .find(|(code, full)| is(code) || is(full));
    found.map(|(code, _)| *code)
}

fn table(country: &str) -> &'static [(&'static str, &'static str)] {
    match country {
        "CA" => &CANADA,
        "US" => &UNITED_STATES,
        _ => &[],
    }
}

const CANADA: [(&str, &str); 14] = [
    ("AB", "Alberta"),
    ("BC", "British Columbia"),
    ("MB", "Manitoba"),
    ("NB", "New Brunswick"),
    ("NL", "Newfoundland and Labrador"),
    ("NT", "Northwest Territories"),
    ("NS", "Nova Scotia"),
    ("NU", "Nunavut"),
    ("ON", "Ontario"),
    ("PE", "Prince Edward Island"),
    ("QC", "Quebec"),
    ("QC", "Québec"),
    ("SK", "Saskatchewan"),
    ("YT", "Yukon"),
];

const UNITED_STATES: [(&str, &str); 52] = [
    ("AL", "Alabama"),
    ("AK", "Alaska"),
    ("AZ", "Arizona"),
    ("AR", "Arkansas"),
    ("CA", "California"),
    ("CO", "Colorado"),
    ("CT", "Connecticut"),
    ("DE", "Delaware"),
    ("DC", "District of Columbia"),
    ("FL", "Florida"),
    ("GA", "Georgia"),
    ("HI", "Hawaii"),
    ("ID", "Idaho"),
    ("IL", "Illinois"),
    ("IN", "Indiana"),
    ("IA", "Iowa"),
    ("KS", "Kansas"),
    ("KY", "Kentucky"),
    ("LA", "Louisiana"),
    ("ME", "Maine"),
    ("MD", "Maryland"),
    ("MA", "Massachusetts"),
    ("MI", "Michigan"),
    ("MN", "Minnesota"),
    ("MS", "Mississippi"),
    ("MO", "Missouri"),
    ("MT", "Montana"),
    ("NE", "Nebraska"),
    ("NV", "Nevada"),
    ("NH", "New Hampshire"),
    ("NJ", "New Jersey"),
    ("NM", "New Mexico"),
    ("NY", "New York"),
    ("NC", "North Carolina"),
    ("ND", "North Dakota"),
    ("OH", "Ohio"),
    ("OK", "Oklahoma"),
    ("OR", "Oregon"),
    ("PA", "Pennsylvania"),
    ("PR", "Puerto Rico"),
    ("RI", "Rhode Island"),
    ("SC", "South Carolina"),
    ("SD", "South Dakota"),
    ("TN", "Tennessee"),
    ("TX", "Texas"),
    ("UT", "Utah"),
    ("VT", "Vermont"),
    ("VA", "Virginia"),
    ("WA", "Washington"),
    ("WV", "West Virginia"),
    ("WI", "Wisconsin"),
    ("WY", "Wyoming"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_in_any_case() {
        assert_eq!(subdivision_code("CA", "ontario"), Some("ON"));
        assert_eq!(subdivision_code("CA", "QUÉBEC"), Some("QC"));
        assert_eq!(subdivision_code("US", "ny"), Some("NY"));
        assert_eq!(subdivision_code("US", "Ontario"), None);
    }

    #[test]
    fn other_countries_have_none() {
        assert!(are_required("US") && are_required("CA") && !are_required("DE"));
    }
}
