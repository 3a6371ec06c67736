//! Questions to the person at the terminal: passwords without echo, and yes or no.
//!
//! The terminal belongs to the asynchronous task, which is also the one that Ctrl-C drops: so echo comes back whatever ends
//! the question. Bytes are read one by one, so that what follows the line stays for the next question or for a child.

use crate::Failure;
use rustix::io::Errno;
use rustix::stdio::stdin;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use std::io::{IsTerminal, Write};

/// No line that is asked for is longer.
const LONGEST: usize = 64 * 1024;
/// In place of a key of the terminal: no key does this.
const NO_KEY: u8 = 0;

/// Asks for a password, without echo. Where stdin is no terminal, the password is its next line. The question goes to stderr.
///
/// # Errors
/// There is no line.
pub async fn ask_password(question: &str) -> Result<SecretString, Failure> {
    let quiet = Quiet::begin(question)?;
    let line = tokio::task::spawn_blocking(next_line).await;
    quiet.end();
    let line =
        line.map_err(|error| Failure::new(format!("cannot read the password: {error}")))??;
    match line {
        Some(line) => Ok(SecretString::from(line.as_str())),
        None => Err(
            Failure::new("there is no password: stdin ended").with_hint(Some(
                "write the password as a line on stdin, or run this on a terminal".to_owned(),
            )),
        ),
    }
}

/// Asks for a new password twice; `None` if the answers differ.
///
/// # Errors
/// As [`ask_password`].
pub async fn ask_new_password(question: &str) -> Result<Option<SecretString>, Failure> {
    let first = ask_password(question).await?;
    let second = ask_password(question).await?;
    let same = first.expose_secret() == second.expose_secret();
    Ok(same.then_some(first))
}

/// Asks a question on stderr that Enter, `y` and `yes` agree to. Where stdin or stderr is no terminal nobody is asked: no.
///
/// # Errors
/// The answer cannot be read.
pub async fn ask_yes(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    eprint!("{question} [Y/n] ");
    let line = tokio::task::spawn_blocking(next_line)
        .await
        .map_err(|error| Failure::new(format!("cannot read the answer: {error}")))??;
    let answer = line.map(|line| line.trim().to_ascii_lowercase());
    Ok(answer.is_some_and(|answer| ["", "y", "yes"].contains(&&*answer)))
}

/// A terminal whose echo is off until this is dropped, or no terminal.
struct Quiet {
    before: Option<Termios>,
    answered: bool,
}

impl Quiet {
    fn begin(question: &str) -> Result<Self, Failure> {
        let mut quiet = Quiet {
            before: None,
            answered: false,
        };
        if std::io::stdin().is_terminal() {
            let cannot = |error| Failure::new(format!("cannot switch echo off: {error}"));
            let before = tcgetattr(stdin()).map_err(cannot)?;
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            silent
                .local_modes
                .insert(LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
            // A shell that goes on after Ctrl-Z switches echo on again.
            silent.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
            tcsetattr(stdin(), OptionalActions::Now, &silent).map_err(cannot)?;
            quiet.before = Some(before);
            eprint!("{question}");
        } else {
            eprintln!("{question}");
        }
        Ok(quiet)
    }

    fn end(mut self) {
        self.answered = true;
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let Some(before) = &self.before else { return };
        // The terminal may be gone: nothing is left to restore then.
        let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        if !self.answered {
            let _ = std::io::stderr().write_all(b"\n");
        }
    }
}

/// The next line of stdin without its end, `None` if there is none. Blocks.
fn next_line() -> Result<Option<Zeroizing<String>>, Failure> {
    line_of(|byte| rustix::io::read(stdin(), byte))
}

/// The next line of a source that fills one byte at a time and says how many it filled.
fn line_of(
    mut read: impl FnMut(&mut [u8]) -> Result<usize, Errno>,
) -> Result<Option<Zeroizing<String>>, Failure> {
    // Of full size at once: growing would leave parts of the secret in freed memory.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = [0];
    loop {
        match read(&mut byte) {
            Err(Errno::INTR) => continue,
            // A terminal that hung up.
            Ok(0) | Err(Errno::IO) if line.is_empty() => return Ok(None),
            Ok(0) | Err(Errno::IO) => break,
            Err(error) => return Err(Failure::new(format!("cannot read stdin: {error}"))),
            Ok(_) if byte == *b"\n" => break,
            Ok(_) if line.len() == LONGEST => {
                return Err(Failure::new(format!(
                    "the line on stdin has more than {LONGEST} bytes"
                )));
            }
            Ok(_) => line.extend_from_slice(&byte),
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    let text = std::str::from_utf8(&line)
        .map_err(|_| Failure::new("the line on stdin is not valid UTF-8"))?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn lines_are_taken_one_by_one_and_lose_only_their_end() {
        let mut source = &b"first\n two \r\n\nn\xc3\xb6\nlast"[..];
        let mut read = |byte: &mut [u8]| {
            let Some((first, rest)) = source.split_first() else {
                return Ok(0);
            };
            source = rest;
            byte[0] = *first;
            Ok(1)
        };
        for expected in ["first", " two ", "", "n\u{f6}", "last"] {
            assert_eq!(*line_of(&mut read).unwrap().unwrap(), expected);
        }
        assert!(line_of(&mut read).unwrap().is_none());
    }

    #[test]
    fn what_is_no_line_of_text_is_refused_without_being_shown() {
        let mut bad = b"secret\xff\n".iter();
        let mut read = |byte: &mut [u8]| {
            byte[0] = *bad.next().unwrap();
            Ok(1)
        };
        let text = line_of(&mut read).unwrap_err().to_string();
        assert_eq!(text, "the line on stdin is not valid UTF-8");
        let endless = |byte: &mut [u8]| {
            byte[0] = b'x';
            Ok(1)
        };
        let text = line_of(endless).unwrap_err().to_string();
        assert_eq!(text, "the line on stdin has more than 65536 bytes");
        let mut first = true;
        let interrupted = |_: &mut [u8]| {
            if std::mem::take(&mut first) {
                Err(Errno::INTR)
            } else {
                Ok(0)
            }
        };
        assert!(line_of(interrupted).unwrap().is_none());
    }
}
