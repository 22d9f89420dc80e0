//! FreshBooks webhooks that arrive: is it authentic, and what does it say?
//!
//! Size and form are checked first, then the signature, and only then the meaning: nothing about an
//! unauthenticated delivery is returned. A handshake brings its own key and so proves nothing by
//! its signature, or by having none; it counts only for a registration that is under way, and never
//! replaces a key.

mod form;
mod signature;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use self::form::Form;
use self::signature::Signature;
use crate::contract::http::{Body, Header};
use crate::contract::types::{Note, ObjectRef, System};
use crate::contract::webhooks::{
    Callback, Delivery, Handshake, Notice, Receiver, Refusal, RefusalCode, Verified,
};

/// The longest body that is read: FreshBooks' seven short fields come to a few hundred bytes.
const BODY_BYTES_MAX: usize = 8 * 1024;
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
/// The longest event name, such as `invoice.create`.
const EVENT_BYTES_MAX: usize = 64;
/// The longest id; FreshBooks' are numbers.
const ID_BYTES_MAX: usize = 200;

/// Kinds of the connector itself, which no notice may name.
const OWN_KINDS: [&str; 5] = [
    "callback",
    "expense-report",
    "reference-list",
    "staff",
    "sweep",
];

/// Checks the signature of a FreshBooks webhook and reads it (source: freshbooks-webhooks).
///
/// # Errors
///
/// A [`Refusal`] with the status to answer: 413 for a body over 8 KiB, else 401. In order: content
/// type, form, signature header, signature, unknown callback.
///
/// ```
/// use ml_connector_component::contract::http::{Body, Header};
/// use ml_connector_component::contract::webhooks::{
///     Callback, Delivery, Receiver, RefusalCode, Verified,
/// };
/// use ml_connector_component::webhooks::verify;
///
/// let body = "name=bill.create&object_id=55&account_id=zQ7pLm&business_id=8812345&identity_id=\
///     &user_id=1";
/// let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
/// let mut delivery = Delivery {
///     headers: vec![
///         header("Content-Type", "application/x-www-form-urlencoded"),
///         header("X-FreshBooks-Hmac-SHA256", "navTzIkGl712/X6K1Wf/aJe9oWdVtWtHomc8VjTeTnQ="),
///     ],
///     body: Body::Text(body.into()),
/// };
/// let key = "kT3mVq9RzL2bXw7HsN4cYd8PfG6jA5eUu";
/// let receiver = Receiver {
///     account_id: "zQ7pLm".into(),
///     callbacks: vec![Callback { id: "2001".into(), verifier: Some(key.into()) }],
///     registering: false,
/// };
/// let verified = verify(&delivery, &receiver).expect("is authentic");
/// assert!(matches!(verified, Verified::Notice(notice) if notice.object.kind == "bill"));
/// delivery.body = Body::Text(body.replace("55", "56"));
/// let refusal = verify(&delivery, &receiver).expect_err("was changed on the way");
/// assert_eq!((refusal.code, refusal.status), (RefusalCode::Signature, 401));
/// ```
pub fn verify(delivery: &Delivery, receiver: &Receiver) -> Result<Verified, Refusal> {
    let form = open(delivery)?;
    let signature = Signature::from_headers(&delivery.headers);
    if let Some(verifier) = form.get("verifier") {
        let is_unsigned = signature::is_missing(&delivery.headers);
        return match signature {
            None if is_unsigned && receiver.registering => candidate(&form, verifier, receiver),
            signature => read_handshake(&form, verifier, &required_header(signature)?, receiver),
        };
    }
    let signature = required_header(signature)?;
    require_signature(&form, &signature, trusted_verifiers(receiver))?;
    Ok(read_notice(&form, receiver).map_or_else(Verified::Unreadable, Verified::Notice))
}

fn open(delivery: &Delivery) -> Result<Form<'_>, Refusal> {
    let body = match &delivery.body {
        Body::Text(text) => text.as_bytes(),
        Body::Bytes(bytes) => bytes,
    };
    if body.len() > BODY_BYTES_MAX {
        return Err(refusal(RefusalCode::TooLong));
    }
    if !is_form(&delivery.headers) {
        return Err(refusal(RefusalCode::WrongContentType));
    }
    core::str::from_utf8(body)
        .ok()
        .and_then(Form::parse)
        .ok_or_else(|| refusal(RefusalCode::AmbiguousForm))
}

/// Exactly one content type, the form's, with no parameter but UTF-8 as its charset. It may be
/// quoted, and parameters may be empty. (RFC 9110, sections 5.6.6 and 8.3.1.)
fn is_form(headers: &[Header]) -> bool {
    let mut types = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("content-type"));
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    let mut parts = only.value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case(CONTENT_TYPE)
        && parts.all(|part| part.is_empty() || is_utf_8(part))
}

fn is_utf_8(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let quoted = value.strip_prefix('"').map(|rest| rest.strip_suffix('"'));
    let value = quoted.unwrap_or(Some(value));
    let is_charset = name.eq_ignore_ascii_case("charset");
    is_charset && value.is_some_and(|value| value.eq_ignore_ascii_case("utf-8"))
}

fn required_header(signature: Option<Signature>) -> Result<Signature, Refusal> {
    signature.ok_or_else(|| refusal(RefusalCode::SignatureHeader))
}

fn require_signature<'k>(
    form: &Form<'_>,
    signature: &Signature,
    keys: impl IntoIterator<Item = &'k str>,
) -> Result<(), Refusal> {
    if signature.is_by_any(keys, &form.signed_message()) {
        Ok(())
    } else {
        Err(refusal(RefusalCode::Signature))
    }
}

fn trusted_verifiers(receiver: &Receiver) -> impl Iterator<Item = &str> {
    receiver.callbacks.iter().filter_map(trusted_verifier)
}

fn trusted_verifier(callback: &Callback) -> Option<&str> {
    callback.verifier.as_deref()
}

fn read_handshake(
    form: &Form<'_>,
    verifier: &str,
    signature: &Signature,
    receiver: &Receiver,
) -> Result<Verified, Refusal> {
    let id = form.get("object_id").unwrap_or_default();
    let callback = receiver.callbacks.iter().find(|known| known.id == id);
    // While a registration is checked, an active callback that was disabled may send a new one.
    let active = callback.and_then(trusted_verifier);
    if let Some(active) = active.filter(|_| !receiver.registering) {
        require_signature(form, signature, [active])?;
        if verifier != active {
            return Ok(Verified::Unreadable(verifier_for_active(id)));
        }
        // FreshBooks did not see our answer to the handshake, and sends it once more.
        return Ok(handshake(id, verifier));
    }
    require_signature(form, signature, [verifier])?;
    candidate(form, verifier, receiver)
}

/// A verifier that FreshBooks may confirm; anyone can have sent it.
///
/// Whether FreshBooks signs handshakes is not documented. A signature under the key that comes with
/// it would prove nothing either, so while a registration is pending it may be missing; one that is
/// there has to be right.
fn candidate(form: &Form<'_>, verifier: &str, receiver: &Receiver) -> Result<Verified, Refusal> {
    let id = form.get("object_id").unwrap_or_default();
    if verifier.is_empty() {
        return Err(refusal(RefusalCode::Signature));
    }
    let is_known = receiver.callbacks.iter().any(|known| known.id == id);
    let ours = form
        .get("account_id")
        .is_none_or(|account| account == receiver.account_id);
    let expected = is_known || (receiver.registering && is_plausible_id(id));
    if !(ours && expected) {
        return Err(refusal(RefusalCode::UnknownCallback));
    }
    Ok(handshake(id, verifier))
}

fn handshake(id: &str, verifier: &str) -> Verified {
    Verified::Handshake(Handshake {
        callback_id: id.to_owned(),
        verifier: verifier.to_owned(),
    })
}

/// Whether a stranger's word for a callback id may be stored: it goes into the path of a request
/// later.
fn is_plausible_id(id: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn verifier_for_active(id: &str) -> Note {
    note(
        "verifier-for-active",
        format!(
            "FreshBooks sent a new verifier for callback {id}, which is active; the key was not \
             changed. If its notices stop, delete that callback and run `ml-connector connect \
             freshbooks`."
        ),
    )
}

fn read_notice(form: &Form<'_>, receiver: &Receiver) -> Result<Notice, Note> {
    if required(form, "account_id")? != receiver.account_id {
        return Err(note(
            "other-account",
            "The notice names another FreshBooks account than the setting `account_id`.".to_owned(),
        ));
    }
    let event = required(form, "name")?;
    let id = required(form, "object_id")?;
    let kind = read_kind(event).ok_or_else(|| unknown_event(event))?;
    let object = ObjectRef {
        system: System::Freshbooks,
        kind,
        id: id.to_owned(),
    };
    Ok(Notice {
        object,
        event: event.to_owned(),
    })
}

fn required<'f>(form: &'f Form<'_>, name: &str) -> Result<&'f str, Note> {
    form.get(name)
        .filter(|value| (1..=ID_BYTES_MAX).contains(&value.len()))
        .ok_or_else(|| {
            let message = format!(
                "The notice has no usable field `{name}` (1 to {ID_BYTES_MAX} bytes); the next \
                 sweep finds the change."
            );
            note("field-missing", message)
        })
}

/// The object's kind, from `noun` or `noun.verb`.
fn read_kind(event: &str) -> Option<String> {
    let (noun, verb) = event.split_once('.').unwrap_or((event, "other"));
    let kind = noun.replace('_', "-");
    let well_formed = event.len() <= EVENT_BYTES_MAX
        && noun.starts_with(|first: char| first.is_ascii_lowercase())
        && noun
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && !verb.is_empty()
        && verb
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
    if !well_formed || OWN_KINDS.contains(&kind.as_str()) {
        return None;
    }
    Some(kind)
}

fn unknown_event(event: &str) -> Note {
    let shown: String = event.chars().take(EVENT_BYTES_MAX).collect();
    note(
        "unknown-event",
        format!(
            "The event {shown:?} is none that FreshBooks documents; nothing was done about it."
        ),
    )
}

fn note(code: &str, message: String) -> Note {
    Note {
        code: code.to_owned(),
        message,
    }
}

fn refusal(code: RefusalCode) -> Refusal {
    let status = if code == RefusalCode::TooLong {
        413
    } else {
        401
    };
    Refusal { code, status }
}

#[cfg(test)]
mod tests;
