//! The shape of a result, in one number. Two inputs with the same shape teach the same.

use std::hash::{Hash, Hasher};

/// FNV-1a: the hash of the standard library may change with its release, and a seed must give the same run for ever.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The shape of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(pub u64);

impl Signature {
    /// Of anything that has a hash: an enum's variant, some flags.
    pub fn of(shape: impl Hash) -> Self {
        let mut hasher = Fnv::new();
        shape.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Together with another one.
    #[must_use]
    pub fn and(self, shape: impl Hash) -> Self {
        Self::of((self.0, Self::of(shape).0))
    }

    /// Of a number of items: exact for few, by powers of two for many.
    pub fn count(items: usize) -> u32 {
        match items {
            0..=4 => u32::try_from(items).unwrap_or_default(),
            _ => 5 + items.ilog2(),
        }
    }

    /// Of an error: how it begins, or, if it begins with what it quotes, how it goes on after all quotes. An input can hold the
    /// marks of quotes itself, and further on an error may show it as it is.
    pub fn error(text: &str) -> Self {
        let begin = text.split('`').next().unwrap_or_default();
        let end = text.rsplit('`').next().unwrap_or_default();
        let words = if begin.is_empty() { end } else { begin };
        let words: String = words
            .chars()
            .filter(char::is_ascii_lowercase)
            .take(24)
            .collect();
        Self::of(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        let table: [(&[u8], u64); 3] = [
            (b"", 0xcbf2_9ce4_8422_2325),
            (b"a", 0xaf63_dc4c_8601_ec8c),
            (b"foobar", 0x8594_4171_f739_67e8),
        ];
        for (bytes, wanted) in table {
            let mut hasher = Fnv::new();
            hasher.write(bytes);
            assert_eq!(hasher.finish(), wanted, "{bytes:?}");
        }
    }
}
