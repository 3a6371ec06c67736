//! Secrets that a command is given: as an argument, on stdin, or as an answer. They go into redacting types at once.

use crate::{Failure, ask_password};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice};
use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStringExt;

/// Bytes that are read at once.
const CHUNK: usize = 8 * 1024;

/// The value of an option: as it is, or all of stdin for `-`; without the option a password is asked for.
///
/// # Errors
/// stdin cannot be read; nobody answers, or the answer is empty.
pub async fn secret_value(given: Option<OsString>) -> Result<SecretSlice<u8>, Failure> {
    match given {
        Some(value) if value == "-" => {
            let bytes = tokio::task::spawn_blocking(|| all_of(&mut std::io::stdin()));
            let bytes = bytes.await.map_err(std::io::Error::other).flatten();
            bytes.map_err(|error| Failure::new(format!("cannot read stdin: {error}")))
        }
        Some(value) => Ok(value.into_vec().into()),
        None => {
            let password = ask_password("Password: ").await?;
            if password.expose_secret().is_empty() {
                return Err(
                    Failure::new("the password is empty: nothing was written").with_hint(Some(
                        "give an empty value with `--value ''` if that is meant".to_owned(),
                    )),
                );
            }
            Ok(password.expose_secret().as_bytes().to_vec().into())
        }
    }
}

fn all_of(reader: &mut impl Read) -> std::io::Result<SecretSlice<u8>> {
    // Growing and shrinking by itself, a vector would leave parts of the secret in freed memory.
    let mut bytes = Zeroizing::new(Vec::<u8>::with_capacity(CHUNK));
    let mut chunk = Zeroizing::new([0_u8; CHUNK]);
    loop {
        let count = match reader.read(&mut chunk[..]) {
            Ok(0) => return Ok(bytes.to_vec().into()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.capacity() - bytes.len() < count {
            let mut larger = Zeroizing::new(Vec::<u8>::with_capacity(bytes.capacity() * 2));
            larger.extend_from_slice(&bytes);
            bytes = larger;
        }
        bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[tokio::test]
    async fn values_are_taken_as_they_are() {
        for bytes in [&b""[..], b"a b\n", b"\xff\x00x", b"--"] {
            let value = OsString::from_vec(bytes.to_vec());
            assert_eq!(value.as_bytes(), bytes);
            let secret = secret_value(Some(value)).await.unwrap();
            assert_eq!(secret.expose_secret(), bytes);
            let read = all_of(&mut &*bytes).unwrap();
            assert_eq!(read.expose_secret(), bytes);
        }
    }

    #[test]
    fn much_is_read_whole() {
        for length in [CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7] {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            let read = all_of(&mut bytes.as_slice()).unwrap();
            assert_eq!(read.expose_secret(), bytes);
        }
    }
}
