//! Seeded randomness: one stream per concern, so that a change in one place moves nothing
//! elsewhere.
//!
//! The generator is written out because its sequence is part of the contract with tests: a seed
//! that found a fault must find it again after any update, and test figures, recorded ids and the
//! RSA keys of events all follow from it. A crate such as `rand_pcg` would change every one of
//! them.

/// A splitmix64 generator (Steele, Lea and Flood, 2014). Not for secrets: nothing here is one.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of `concern` under `seed`.
    pub(crate) fn new(seed: u64, concern: &str) -> Self {
        let mut stream = Self(seed);
        for byte in concern.bytes() {
            stream.0 = stream.next().wrapping_add(u64::from(byte));
        }
        stream
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, or 0 when the bound is 0. The modulo prefers small numbers by less
    /// than one in a million for every bound in use.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// True with this chance, in thousandths.
    pub(crate) fn per_mille(&mut self, share: u16) -> bool {
        share > 0 && self.below(1000) < u64::from(share)
    }

    /// One of the choices; the slice must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let at = self.below(choices.len() as u64) as usize;
        &choices[at]
    }

    /// Random characters of an ASCII alphabet.
    pub(crate) fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| char::from(*self.pick(alphabet)))
            .collect()
    }

    /// Random lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, length: usize) -> String {
        self.text(b"0123456789abcdef", length)
    }

    /// Lower-case letters and digits, as Concur's opaque tokens look.
    pub(crate) fn base36(&mut self, length: usize) -> String {
        self.text(b"0123456789abcdefghijklmnopqrstuvwxyz", length)
    }

    /// Random ASCII letters and digits.
    pub(crate) fn alphanumeric(&mut self, length: usize) -> String {
        self.text(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            length,
        )
    }

    /// A random UUID, version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        let variant = 0x8000 | (b >> 48) & 0x3FFF;
        let (time_low, time_mid, version) = (a >> 32, a >> 16 & 0xFFFF, a & 0xFFF);
        format!(
            "{time_low:08x}-{time_mid:04x}-4{version:03x}-{variant:04x}-{:012x}",
            b & 0xFFFF_FFFF_FFFF
        )
    }

    /// A string shaped like a JSON Web Token with the given payload and a random signature of that
    /// many characters.
    pub(crate) fn jwt(&mut self, payload: &serde_json::Value, signature: usize) -> String {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
        let header = BASE64.encode(r#"{"alg":"RS256","kid":"1","typ":"JWT"}"#);
        let payload = BASE64.encode(payload.to_string());
        format!("{header}.{payload}.{}", self.alphanumeric(signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_and_concern_give_the_same_stream() {
        let draw = |seed, concern| Random::new(seed, concern).next();
        assert_eq!(draw(7, "faults"), draw(7, "faults"));
        assert_ne!(draw(7, "faults"), draw(7, "webhooks"));
        assert_ne!(draw(7, "faults"), draw(8, "faults"));
    }

    #[test]
    fn uuids_have_version_and_variant() {
        let mut random = Random::new(1, "uuid");
        for _ in 0..50 {
            let uuid = random.uuid();
            assert_eq!(uuid.len(), 36);
            assert_eq!(&uuid[14..15], "4");
            assert!("89ab".contains(&uuid[19..20]));
        }
    }

    #[test]
    fn per_mille_keeps_its_share() {
        let mut random = Random::new(1, "share");
        let hits = (0..10_000).filter(|_| random.per_mille(250)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert!(!(0..1000).any(|_| random.per_mille(0)));
    }
}
