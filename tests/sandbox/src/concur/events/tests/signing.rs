//! `Concur-Signature`, checked by implementations that this crate does not use.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::Bench;
use crate::concur::events::EventKey;
use crate::concur::events::config::EventSignature;
use crate::delivery::Delivery;

/// A delivery signed as a switch has it.
fn signed(how: EventSignature) -> Delivery {
    let mut bench = Bench::listening();
    bench.harness.machine.config.events.signature = how;
    bench.publish("4B1F");
    bench.due().remove(0)
}

fn signature(delivery: &Delivery) -> Vec<u8> {
    let text = delivery.header("concur-signature").expect("a signature");
    STANDARD.decode(text).expect("base64")
}

#[test]
fn headers_are_base64_of_256_bytes_or_absent() {
    assert_eq!(signature(&signed(EventSignature::PssSalt222)).len(), 256);
    let missing = signed(EventSignature::Missing);
    assert_eq!(missing.header("concur-signature"), None);
    let mut bench = Bench::listening();
    bench.harness.machine.config.events.signature = EventSignature::Pkcs1;
    bench.harness.machine.config.events.signature_url_safe = true;
    bench.publish("1");
    let due = bench.due();
    let text = due[0].header("concur-signature").expect("a signature");
    assert_eq!(
        URL_SAFE_NO_PAD.decode(text).map(|bytes| bytes.len()),
        Ok(256)
    );
}

#[test]
fn a_new_key_signs_what_is_delivered_from_then_on() {
    let mut bench = Bench::listening();
    bench.harness.machine.config.events.signature = EventSignature::Pkcs1;
    bench.publish("1");
    let before = bench.due().remove(0);
    bench.answer(&before, 503);
    assert_eq!(bench.harness.machine.rotate_certificate(false).key, 0);
    assert_eq!(bench.harness.machine.rotate_certificate(true).key, 1);
    bench.wait(10_000);
    let after = bench.due().remove(0);
    assert_eq!(before.body, after.body);
    let by =
        |key, delivery| ring_accepts(key, &ring::signature::RSA_PKCS1_2048_8192_SHA256, delivery);
    assert!(by(0, &before) && !by(1, &before) && by(1, &after) && !by(0, &after));
}

/// Whether ring takes a delivery for signed with the key of that number.
fn ring_accepts(
    key: u32,
    algorithm: &'static ring::signature::RsaParameters,
    delivery: &Delivery,
) -> bool {
    let public = EventKey::numbered(key).public_pkcs1();
    ring::signature::UnparsedPublicKey::new(algorithm, public)
        .verify(&delivery.body, &signature(delivery))
        .is_ok()
}

#[test]
fn ring_agrees_where_it_can() {
    let pss = &ring::signature::RSA_PSS_2048_8192_SHA256;
    let pkcs1 = &ring::signature::RSA_PKCS1_2048_8192_SHA256;
    for (how, by_pss, by_pkcs1) in [
        (EventSignature::PssSalt32, true, false),
        (EventSignature::Pkcs1, false, true),
        // ring knows salts of the digest's length only.
        (EventSignature::PssSalt222, false, false),
    ] {
        let delivery = signed(how);
        assert_eq!(ring_accepts(0, pss, &delivery), by_pss, "{how:?}");
        assert_eq!(ring_accepts(0, pkcs1, &delivery), by_pkcs1, "{how:?}");
    }
}

/// Whether the `openssl` command takes a delivery for signed; none where there is no such command.
fn openssl_accepts(key: u32, options: &[&str], delivery: &Delivery) -> Option<bool> {
    let folder = scratch(key, options);
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path.display().to_string()
    };
    let public = file(
        "public.pem",
        EventKey::numbered(key).public_pem().as_bytes(),
    );
    let (body, made) = (
        file("body", &delivery.body),
        file("signature", &signature(delivery)),
    );
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256", "-verify", &public, "-signature", &made]);
    for option in options {
        command.args(["-sigopt", option]);
    }
    let output = command.arg(&body).output().ok()?;
    let _ = std::fs::remove_dir_all(&folder);
    Some(output.status.success())
}

fn scratch(key: u32, options: &[&str]) -> PathBuf {
    let name = format!(
        "events-signing-{}-{key}-{}",
        std::process::id(),
        options.join("-")
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target")
        .join(name.replace(':', "_"));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn openssl_agrees() {
    const SALT_222: &[&str] = &["rsa_padding_mode:pss", "rsa_pss_saltlen:222"];
    const SALT_32: &[&str] = &["rsa_padding_mode:pss", "rsa_pss_saltlen:32"];
    const MAX: &[&str] = &["rsa_padding_mode:pss", "rsa_pss_saltlen:max"];
    for (how, expected) in [
        (EventSignature::PssSalt222, [true, true, false, false]),
        (EventSignature::PssSalt32, [false, false, true, false]),
        (EventSignature::Pkcs1, [false, false, false, true]),
        (EventSignature::OtherBody, [false; 4]),
        (EventSignature::OtherKey, [false; 4]),
    ] {
        let delivery = signed(how);
        for (options, expected) in [SALT_222, MAX, SALT_32, &[]].into_iter().zip(expected) {
            let Some(accepted) = openssl_accepts(0, options, &delivery) else {
                return;
            };
            assert_eq!(accepted, expected, "{how:?} {options:?}");
        }
    }
}
