//! Time zones by their IANA names.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::settings::checks::Check;
use crate::settings::reader::Reader;

/// Reads a time zone; the default, where nothing is set.
pub(super) fn read(table: &mut Reader, key: &str, default: &TimeZone) -> TimeZone {
    let name = table.optional_checked(key, is_zone);
    name.and_then(|name| named(&name))
        .unwrap_or_else(|| default.clone())
}

fn is_zone(name: &str) -> Check {
    named(name)
        .map(drop)
        .ok_or("the IANA name of a time zone such as \"America/Toronto\" or \"UTC\"")
}

/// From the database in the component itself: a machine's own may be another, and a history must
/// replay anywhere.
fn named(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}
