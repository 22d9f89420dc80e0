//! Bodies: JSON, compressed where that helps, behind a byte that names the format.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::StoreError;

const JSON: u8 = 0;
const JSON_LZ4: u8 = 1;

/// Bytes. Shorter bodies shrink by less than the row around them takes.
const COMPRESS_BYTES_MIN: usize = 256;

/// No body is longer than this; a longer length in a stored body is damage.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Encodes a value as JSON, compressed with LZ4 where that is shorter.
pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut plain = vec![JSON];
    serde_json::to_writer(&mut plain, value)
        .map_err(|error| StoreError::Refused(format!("a value has no JSON form: {error}")))?;
    if plain.len() > BODY_BYTES_MAX {
        return Err(StoreError::Refused("a value is longer than 64 MiB".into()));
    }
    if plain.len() < COMPRESS_BYTES_MIN {
        return Ok(plain);
    }
    let mut packed = vec![JSON_LZ4];
    packed.extend(lz4_flex::block::compress_prepend_size(&plain[1..]));
    Ok(if packed.len() < plain.len() {
        packed
    } else {
        plain
    })
}

/// Decodes what [`encode`] made.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, StoreError> {
    match body.split_first() {
        Some((&JSON, json)) => parse(json),
        Some((&JSON_LZ4, packed)) => parse(&unpack(packed)?),
        _ => Err(StoreError::Corrupt("a body of an unknown format".into())),
    }
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let damage = |error| StoreError::Corrupt(format!("a compressed body: {error}"));
    let (length, packed) = lz4_flex::block::uncompressed_size(packed).map_err(damage)?;
    if length > BODY_BYTES_MAX {
        return Err(StoreError::Corrupt("a body that is too long".into()));
    }
    lz4_flex::block::decompress(packed, length).map_err(damage)
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(json).map_err(|error| StoreError::Corrupt(format!("a body: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_values_come_back() {
        for text in ["", "short", &"a long repetitive text ".repeat(1_000)] {
            let body = encode(&text).expect("encode");
            assert_eq!(decode::<String>(&body).expect("decode"), text);
        }
    }

    #[test]
    fn repetitive_values_are_stored_compressed() {
        let body = encode(&"invoice ".repeat(1_000)).expect("encode");
        assert_eq!(body[0], JSON_LZ4);
        assert!(body.len() < 200, "{} bytes", body.len());
    }

    #[test]
    fn damage_is_reported_and_never_panics() {
        let good = encode(&"invoice ".repeat(1_000)).expect("encode");
        assert!(decode::<String>(&good[..good.len() - 3]).is_err());
        assert!(decode::<String>(&[]).is_err());
        assert!(decode::<String>(&[9, b'"', b'"']).is_err());
        assert!(decode::<String>(&[JSON_LZ4, 0xff, 0xff, 0xff, 0xff, 0]).is_err());
    }
}
