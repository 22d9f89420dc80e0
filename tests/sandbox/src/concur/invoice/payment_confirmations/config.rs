//! The switches for what the page of payment confirmations leaves open.

use serde::{Deserialize, Serialize};

/// Invoice Payment Confirmation v4. No API description of it exists.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentConfirmationConfig {
    /// A request that is paid may be confirmed as PAID once more, which makes a second payment;
    /// false: the second one fails (open). Default: true.
    pub paid_twice: bool,
    /// VOID and CANCEL are rows of their own in the history; false: they change the payment's row
    /// (open). Default: false.
    pub void_is_a_row: bool,
    /// VOID of what is not paid succeeds; false: it fails (open). Default: false.
    pub void_of_unpaid: bool,
    /// The history shows payments made in Concur before a POST has fetched them (open). Default:
    /// true.
    pub history_shows_new: bool,
    /// Lists are a bare array; false: an object with `payments` (open). Default: false.
    pub bare_list: bool,
    /// Failed payments have their key and the message alone; false: all that was sent (open).
    /// Default: false.
    pub short_failures: bool,
}

impl Default for PaymentConfirmationConfig {
    fn default() -> Self {
        Self {
            paid_twice: true,
            void_is_a_row: false,
            void_of_unpaid: false,
            history_shows_new: true,
            bare_list: false,
            short_failures: false,
        }
    }
}
