//! Makes an input that fails smaller, as long as it fails in the same way.

use crate::Signature;

/// How many smaller inputs are tried.
const TRIES: usize = 20_000;

/// The smallest input found for which `fails` gives the same message, numbers and quoted text apart.
pub(crate) fn minimise(input: &[u8], fails: impl Fn(&[u8]) -> Option<String>) -> Vec<u8> {
    let Some(message) = fails(input) else {
        return input.to_vec();
    };
    let wanted = kind(&message);
    let same = |input: &[u8]| fails(input).is_some_and(|message| kind(&message) == wanted);
    let mut best = input.to_vec();
    let mut tries = 0;
    let mut length = best.len();
    while length > 0 && tries < TRIES {
        let mut start = 0;
        let before = best.len();
        while start < best.len() && tries < TRIES {
            let end = (start + length).min(best.len());
            let mut smaller = best.clone();
            smaller.drain(start..end);
            tries += 1;
            if same(&smaller) {
                best = smaller;
            } else {
                start = end;
            }
        }
        // What could not go at first may go now.
        if length > 1 || best.len() == before {
            length /= 2;
        }
    }
    best
}

/// Of a panic only its first line and place count.
fn kind(message: &str) -> Signature {
    let lines: Vec<&str> = message.lines().take(2).collect();
    Signature::error(&lines.join("\n"))
}
