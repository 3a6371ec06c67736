//! Hashes of passwords as crypt(3) has them: SHA-512 with 656000 rounds. Reads no record.

use crate::error::{Error, Result};
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use sha_crypt::{Algorithm, CustomizedPasswordHasher, Params, ShaCrypt};

/// Rounds, always written out.
const ROUNDS: u32 = 656_000;
/// Bytes of salt: 16 characters of `./0-9A-Za-z`.
const SALT: usize = 12;

/// The hash of a password with a new salt. Takes a second of computing, on a thread of its own.
///
/// # Errors
/// The password is empty, or contains a NUL, at which crypt(3) would stop reading.
pub async fn hash_password(password: SecretString) -> Result<SecretString> {
    // `rand::rng` is a cryptographic generator, seeded by the operating system.
    let salt = rand::rng().random::<[u8; SALT]>();
    let hash = tokio::task::spawn_blocking(move || hash_with(&password, &salt, ROUNDS));
    hash.await
        .map_err(|error| Error::refused(format!("cannot hash the password: {error}")))?
}

fn hash_with(password: &SecretString, salt: &[u8; SALT], rounds: u32) -> Result<SecretString> {
    let password = password.expose_secret().as_bytes();
    if password.is_empty() {
        return Err(Error::refused("the password is empty"));
    }
    if password.contains(&0) {
        return Err(Error::refused("the password contains a NUL"));
    }
    let params = Params::new(rounds)
        .map_err(|error| Error::refused(format!("cannot hash the password: {error}")))?;
    let hasher = ShaCrypt::new(Algorithm::Sha512Crypt, params);
    let hash = hasher
        .hash_password_customized(password, salt, None, None, params)
        .map_err(|error| Error::refused(format!("cannot hash the password: {error}")))?;
    Ok(SecretString::from(hash.as_str()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    const ALPHABET: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// The bytes that crypt(3) writes as these 16 characters.
    fn salt(text: &str) -> [u8; SALT] {
        let value = |c: &u8| ALPHABET.iter().position(|known| known == c).unwrap() as u32;
        let bytes: Vec<u8> = text
            .as_bytes()
            .chunks(4)
            .flat_map(|four| {
                let bits = four.iter().rev().fold(0, |bits, c| bits << 6 | value(c));
                bits.to_le_bytes().into_iter().take(3)
            })
            .collect();
        bytes.try_into().unwrap()
    }

    fn hash(password: &str, text: &str, rounds: u32) -> String {
        let hash = hash_with(&SecretString::from(password), &salt(text), rounds).unwrap();
        hash.expose_secret().to_owned()
    }

    #[test]
    fn the_known_answer() {
        assert_eq!(
            hash("correct horse", "abcdefghijklmnop", ROUNDS),
            "$6$rounds=656000$abcdefghijklmnop$GMsFcq39Qki4gyijtB4zSRILscNi/107iIjN/PonI7lhUlmIu4BgdmtFwuVH8dZO\
             olJRmbXjYdOJeDdMc1kN90"
        );
    }

    #[test]
    fn answers_of_crypt_in_the_c_library() {
        // python3 -c 'import crypt; print(crypt.crypt(PASSWORD, "$6$rounds=1000$SALT"))'
        let table = [
            (
                "x".to_owned(),
                "................",
                "wFqKGuqUGi.tyd0ELs0KE254WzWfsGvhbECftBmmuOWQsDO4oxFysvuluKhibYkCtNDOkXvDVdI0FK02gj.6K/",
            ),
            (
                "correct horse".to_owned(),
                "zzzzzzzzzzzzzzzz",
                "9uw5LHbA8uRRbrsiQM64/XFNDW0vZ6p0D7KkIzakrvY/1uLhFahKuDm46L.hnDEVQ.yhzHSeJZRsDNFxGgBmb1",
            ),
            (
                "p\u{e4}ss w\u{f6}rd".to_owned(),
                "0123456789ABCDEF",
                "idbxOi4STp3oHJQWuGCcc9S9Z/JFx.eh264K2yBkF21l7gHLSTVCaSmA9JrWcoRABBuXlPsYDQnUi576IGhBF.",
            ),
            (
                "y".repeat(63),
                "saltSALTsalt./09",
                "hS6zPKaT8T8FirgKaq0DLCpg7gVTlhad9Tm0iSa2kKTVvokb1UrHQQV6I6toxiQaCOMqaOx5.QvydhcTkKk5r/",
            ),
            (
                "y".repeat(64),
                "saltSALTsalt./09",
                "/O.S.z5tRWFMSfziT0RhY44kmn0lwjtBRfSqFKDxL/mvQUVGXsrSP2bYWT21DU5H0q0TMXucixZynvgYjUGt51",
            ),
            (
                "long".repeat(75),
                "QRSTUVWXYZabcdef",
                "FWy2rEDQ4c5Z/jcU2o6XnVR6mJ9oOX0DGNtk.ScEuIbPolUCgr1zKmqNfXvqmwV73bmfNzhs8fjE2fWe88g7z0",
            ),
        ];
        for (password, salt, expected) in table {
            let expected = format!("$6$rounds=1000${salt}${expected}");
            assert_eq!(hash(&password, salt, 1000), expected, "{password}");
        }
    }

    #[test]
    fn salts_differ_and_bad_passwords_are_refused() {
        let salt = || rand::rng().random::<[u8; SALT]>();
        assert_ne!(salt(), salt());
        for (password, problem) in [
            ("", "the password is empty"),
            ("a\0b", "the password contains a NUL"),
        ] {
            let error = hash_with(&SecretString::from(password), &salt(), ROUNDS).unwrap_err();
            assert_eq!(error.to_string(), problem);
        }
    }
}
