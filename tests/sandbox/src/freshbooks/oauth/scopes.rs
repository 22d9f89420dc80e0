//! Scopes of the form `user:<object>:<read|write>`, as a set.

/// Every object a scope can name (source: freshbooks-scopes); the last two are on no page and were
/// seen.
const OBJECTS: [&str; 24] = [
    "bill_payments",
    "bill_vendors",
    "billable_items",
    "bills",
    "business",
    "clients",
    "credit_notes",
    "estimates",
    "expenses",
    "invoices",
    "journal_entries",
    "notifications",
    "online_payments",
    "other_income",
    "payments",
    "profile",
    "projects",
    "reports",
    "retainers",
    "taxes",
    "teams",
    "time_entries",
    "account",
    "uploads",
];

/// Objects that exist for reading only.
const READ_ONLY: [&str; 4] = ["account", "notifications", "profile", "reports"];

/// A set of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scopes(u64);

impl Scopes {
    /// Every scope there is.
    pub(crate) fn all() -> Self {
        let names = OBJECTS
            .iter()
            .flat_map(|object| [(object, "read"), (object, "write")]);
        Self(
            names
                .filter_map(|(object, verb)| scope_bit(object, verb))
                .sum(),
        )
    }

    /// Reads a list of scopes; none if one of them is unknown. `user:profile:read` is always in.
    pub(crate) fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut scopes = Self(scope_bit("profile", "read")?);
        for name in names {
            let (object, verb) = name.strip_prefix("user:")?.split_once(':')?;
            scopes.0 |= scope_bit(object, verb)?;
        }
        Some(scopes)
    }

    /// Whether all of `other` is in here.
    pub(crate) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the object may be read or written.
    pub(crate) fn allow(self, object: &str, verb: &str) -> bool {
        scope_bit(object, verb).is_some_and(|bit| self.0 & bit != 0)
    }

    /// The names, separated by spaces.
    pub(crate) fn names(self) -> String {
        let pairs = OBJECTS
            .iter()
            .flat_map(|object| [(object, "read"), (object, "write")]);
        let held = pairs.filter(|(object, verb)| self.allow(object, verb));
        let names: Vec<String> = held
            .map(|(object, verb)| format!("user:{object}:{verb}"))
            .collect();
        names.join(" ")
    }
}

fn scope_bit(object: &str, verb: &str) -> Option<u64> {
    let at = OBJECTS.iter().position(|known| *known == object)?;
    match verb {
        "read" => Some(1 << (2 * at)),
        "write" if !READ_ONLY.contains(&object) => Some(2 << (2 * at)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unknown_scope_spoils_the_list() {
        assert!(Scopes::parse(["user:invoices:read", "user:bills:read"]).is_some());
        assert!(Scopes::parse(["user:invoices:read", "user:nonsense:read"]).is_none());
        assert!(Scopes::parse(["user:profile:write"]).is_none());
        assert!(Scopes::parse(["invoices:read"]).is_none());
    }

    #[test]
    fn profile_is_always_included() {
        let scopes = Scopes::parse(["user:invoices:read"]).expect("known scopes");
        assert_eq!(scopes.names(), "user:invoices:read user:profile:read");
        assert!(scopes.allow("invoices", "read"));
        assert!(!scopes.allow("invoices", "write"));
    }

    #[test]
    fn all_contains_any() {
        let some =
            Scopes::parse(["user:taxes:write", "user:time_entries:write"]).expect("known scopes");
        assert!(Scopes::all().contains(some));
        assert!(!some.contains(Scopes::all()));
    }
}
