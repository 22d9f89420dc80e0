//! Bodies: JSON, compressed where that helps, behind a byte that names the format.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::version_2;
use crate::contract::portable;
use crate::contract::runs::{Completion, Demand, Outcome};
use crate::store::StoreError;

/// Formats of stores of schema version 2: JSON under the Rust names of then; see `version_2`.
const VERSION_2_JSON: u8 = 0;
const VERSION_2_JSON_LZ4: u8 = 1;

/// The portable JSON of the contract.
const JSON: u8 = 2;
const JSON_LZ4: u8 = 3;

/// What is stored as a body.
pub(super) trait Body: Serialize + DeserializeOwned {
    /// Its form in stores of schema version 2.
    type Version2: DeserializeOwned + Into<Self>;
}

impl Body for Demand {
    type Version2 = version_2::Demand;
}

impl Body for Outcome {
    type Version2 = version_2::Outcome;
}

impl Body for Completion {
    type Version2 = version_2::Completion;
}

/// Bytes. Shorter bodies shrink by less than the row around them takes.
const COMPRESS_BYTES_MIN: usize = 256;

/// No body is longer than this; a longer length in a stored body is damage.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Encodes a value as JSON, compressed with LZ4 where that is shorter.
pub(super) fn encode(value: &impl Body) -> Result<Vec<u8>, StoreError> {
    let json = portable::to_vec(value)
        .map_err(|error| StoreError::Refused(format!("a value has no JSON form: {error}")))?;
    if json.len() > BODY_BYTES_MAX {
        return Err(StoreError::Refused("a value is longer than 64 MiB".into()));
    }
    if json.len() >= COMPRESS_BYTES_MIN {
        let mut packed = vec![JSON_LZ4];
        packed.extend(lz4_flex::block::compress_prepend_size(&json));
        if packed.len() <= json.len() {
            return Ok(packed);
        }
    }
    let mut plain = Vec::with_capacity(json.len() + 1);
    plain.push(JSON);
    plain.extend(json);
    Ok(plain)
}

/// Decodes what [`encode`] made, in this version or an earlier one.
pub(super) fn decode<T: Body>(body: &[u8]) -> Result<T, StoreError> {
    match decode_version_2::<T::Version2>(body)? {
        Some(old) => Ok(old.into()),
        None => decode_present(body),
    }
}

/// A body of schema version 2 as it was then; none if it is of the present version.
pub(super) fn decode_version_2<T: DeserializeOwned>(body: &[u8]) -> Result<Option<T>, StoreError> {
    let parse = |json: &[u8]| serde_json::from_slice(json).map(Some).map_err(unreadable);
    match body.split_first() {
        Some((&VERSION_2_JSON, json)) => parse(json),
        Some((&VERSION_2_JSON_LZ4, packed)) => parse(&unpack(packed)?),
        _ => Ok(None),
    }
}

fn decode_present<T: DeserializeOwned>(body: &[u8]) -> Result<T, StoreError> {
    match body.split_first() {
        Some((&JSON, json)) => portable::from_slice(json).map_err(unreadable),
        Some((&JSON_LZ4, packed)) => portable::from_slice(&unpack(packed)?).map_err(unreadable),
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

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Corrupt(format!("a body: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Body for String {
        type Version2 = Self;
    }

    #[test]
    fn short_and_long_values_come_back() {
        for text in ["", "short", &"a long repetitive text ".repeat(1_000)] {
            let body = encode(&text.to_owned()).expect("encode");
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
