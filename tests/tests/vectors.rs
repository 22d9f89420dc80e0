//! The signature vectors of `tests/vectors/webhook-signatures.json`, which another implementation
//! made, against our own.

use ml_connector_component::contract::http::{Body, Header};
use ml_connector_component::contract::webhooks::{
    Callback, Delivery, Receiver, Refusal, RefusalCode, Verified,
};
use ml_connector_component::webhooks::verify;
use serde_json::{Value, json};

const VECTORS: &str = include_str!("../vectors/webhook-signatures.json");

/// Fewer would mean that the file was cut short.
const VECTORS_MIN: usize = 30;

#[test]
fn every_signature_vector_is_read_as_it_says() {
    for vector in vectors() {
        for body in bodies(&vector) {
            let found = shown(verify(&delivery(&vector, body), &receiver(&vector)));
            assert_eq!(found, vector["expect"], "{}", vector["name"]);
        }
    }
}

/// Anyone who changes a signed body, or has another key, gets nothing in.
#[test]
fn an_accepted_vector_is_refused_under_every_other_key() {
    let accepted = vectors().into_iter().filter(|vector| {
        let is_handshake = !vector["expect"]["ok"]["handshake"].is_null();
        !vector["expect"]["ok"].is_null() && !is_handshake
    });
    for vector in accepted {
        let mut receiver = receiver(&vector);
        for callback in &mut receiver.callbacks {
            callback.verifier = Some("a key that signed none of them".to_string());
        }
        let [text, _] = bodies(&vector);
        let found = shown(verify(&delivery(&vector, text), &receiver));
        let refused = json!({"err": {"code": "signature", "status": 401}});
        assert_eq!(found, refused, "{}", vector["name"]);
    }
}

fn vectors() -> Vec<Value> {
    let mut file: Value = serde_json::from_str(VECTORS).expect("the file is JSON");
    assert_eq!(file["format"], "ml-connector-webhook-signatures");
    assert_eq!(file["format-version"], 1);
    let Value::Array(vectors) = file["vectors"].take() else {
        panic!("the file has no list of vectors");
    };
    assert!(vectors.len() >= VECTORS_MIN, "{}", vectors.len());
    vectors
}

/// A body may be passed as text or as bytes.
fn bodies(vector: &Value) -> [Body; 2] {
    let body = text(vector, "body");
    [
        Body::Text(body.to_string()),
        Body::Bytes(body.as_bytes().to_vec()),
    ]
}

fn delivery(vector: &Value, body: Body) -> Delivery {
    let header = |name: &str, value: &str| Header {
        name: name.to_string(),
        value: value.to_string(),
    };
    Delivery {
        headers: vec![
            header("Content-Type", "application/x-www-form-urlencoded"),
            header("X-FreshBooks-Hmac-SHA256", text(vector, "signature")),
        ],
        body,
    }
}

fn receiver(vector: &Value) -> Receiver {
    let receiver = &vector["receiver"];
    let callbacks = receiver["callbacks"].as_array().expect("a list");
    let callbacks = callbacks.iter().map(|callback| Callback {
        id: text(callback, "id").to_string(),
        verifier: callback["verifier"].as_str().map(str::to_string),
    });
    Receiver {
        account_id: text(receiver, "account-id").to_string(),
        callbacks: callbacks.collect(),
        registering: receiver["registering"].as_bool().expect("true or false"),
    }
}

/// A result in the form of the file; messages are for people and not compared.
fn shown(result: Result<Verified, Refusal>) -> Value {
    match result {
        Ok(Verified::Notice(notice)) => {
            let object = json!({
                "system": "freshbooks",
                "kind": notice.object.kind,
                "id": notice.object.id,
            });
            json!({"ok": {"notice": {"object": object, "event": notice.event}}})
        }
        Ok(Verified::Handshake(handshake)) => json!({"ok": {"handshake": {
            "callback-id": handshake.callback_id,
            "verifier": handshake.verifier,
        }}}),
        Ok(Verified::Unreadable(note)) => json!({"ok": {"unreadable": {"code": note.code}}}),
        Err(refusal) => {
            json!({"err": {"code": code(refusal.code), "status": refusal.status}})
        }
    }
}

fn code(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::TooLong => "too-long",
        RefusalCode::WrongContentType => "wrong-content-type",
        RefusalCode::AmbiguousForm => "ambiguous-form",
        RefusalCode::SignatureHeader => "signature-header",
        RefusalCode::Signature => "signature",
        RefusalCode::UnknownCallback => "unknown-callback",
    }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member]
        .as_str()
        .unwrap_or_else(|| panic!("{member} is no text"))
}
