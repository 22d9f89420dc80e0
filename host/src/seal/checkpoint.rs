//! Checkpoints of chains of hashes: made with a key that is not in the store, so that anyone who
//! can only write to the store cannot make one.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Keyring, SealError};
use crate::store::{ChainHash, ChainHead, Checkpoint};

/// Tells the key of checkpoints from every other key that may be derived from a seal key.
const INFO: &[u8] = b"ml-connector checkpoint 1";

/// The key of checkpoints: HKDF-SHA-256 (RFC 5869) of a seal key, without a salt.
pub(super) fn derive_key(seal_key: &[u8; 32]) -> Zeroizing<ChainHash> {
    hkdf(seal_key, INFO)
}

impl Keyring {
    /// A checkpoint at the head of a chain, under the primary key.
    ///
    /// # Errors
    ///
    /// [`SealError::Keys`] if there is no key, which [`Keyring::parse`] rules out.
    pub fn checkpoint(&self, head: &ChainHead) -> Result<Checkpoint, SealError> {
        let (key_id, key) = self.checkpoint_keys.first().ok_or(SealError::Keys)?;
        let mac = mac(key, &head.connection, head.number, &head.hash);
        Ok(Checkpoint {
            number: head.number,
            hash: head.hash,
            key_id: *key_id,
            mac: mac.finalize().into_bytes().into(),
        })
    }

    /// Whether one of these keys made a checkpoint, for the chain of this connection.
    ///
    /// # Errors
    ///
    /// [`SealError::UnknownKey`] if its key is not in the keyring.
    pub fn made(&self, connection: &str, checkpoint: &Checkpoint) -> Result<bool, SealError> {
        let Checkpoint {
            number,
            hash,
            key_id,
            mac: made,
        } = checkpoint;
        let mut keys = self.checkpoint_keys.iter();
        let (_, key) = keys
            .find(|(id, _)| id == key_id)
            .ok_or(SealError::UnknownKey(*key_id))?;
        Ok(mac(key, connection, *number, hash)
            .verify_slice(made)
            .is_ok())
    }
}

/// The name last, since it is the only part without a fixed length.
fn mac(key: &ChainHash, connection: &str, number: u64, hash: &ChainHash) -> Hmac<Sha256> {
    let mut mac = keyed(key);
    mac.update(&number.to_be_bytes());
    mac.update(hash);
    mac.update(connection.as_bytes());
    mac
}

/// The first 32 bytes, which is one block of HKDF's second step.
fn hkdf(input: &[u8], info: &[u8]) -> Zeroizing<ChainHash> {
    let mut extract = keyed(&[0; 32]);
    extract.update(input);
    let pseudorandom_key = Zeroizing::new(<ChainHash>::from(extract.finalize().into_bytes()));
    let mut expand = keyed(&pseudorandom_key);
    expand.update(info);
    expand.update(&[1]);
    Zeroizing::new(expand.finalize().into_bytes().into())
}

/// HMAC fills keys up with zeros to the length of SHA-256's block.
fn keyed(key: &ChainHash) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    block[..key.len()].copy_from_slice(key);
    Hmac::new((&*block).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secret;

    /// RFC 5869, A.3: no salt and no info.
    #[test]
    fn keys_are_derived_as_the_rfc_says() {
        let key = hkdf(&[0x0b; 22], b"");
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        assert_eq!(base16ct::lower::encode_string(key.as_ref()), expected);
    }

    fn keyring(text: &str) -> Keyring {
        Keyring::parse(&Secret::new(text.into())).expect("are keys")
    }

    const ONE: &str = "1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    #[test]
    fn only_the_keys_that_made_a_checkpoint_vouch_for_it() {
        let head = ChainHead {
            connection: "acme".into(),
            number: 7,
            hash: [9; 32],
            checkpoint: None,
        };
        let checkpoint = keyring(ONE).checkpoint(&head).expect("is made");
        let both = keyring(&format!("{TWO}\n{ONE}"));
        assert_eq!(both.made("acme", &checkpoint), Ok(true));
        assert_eq!(both.checkpoint(&head).expect("is made").key_id, 2);
        assert_eq!(both.made("bolt", &checkpoint), Ok(false));
        let unknown = keyring(TWO).made("acme", &checkpoint);
        assert_eq!(unknown, Err(SealError::UnknownKey(1)));
        for other in [
            Checkpoint {
                number: 8,
                ..checkpoint.clone()
            },
            Checkpoint {
                hash: [8; 32],
                ..checkpoint.clone()
            },
            Checkpoint {
                key_id: 2,
                ..checkpoint.clone()
            },
            Checkpoint {
                mac: [0; 32],
                ..checkpoint.clone()
            },
        ] {
            assert_eq!(both.made("acme", &other), Ok(false), "{other:?}");
        }
    }
}
