//! Session tokens of IMDSv2: issued, checked, forgotten. The clock is passed in.

use rand::RngExt;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The longest life of a token, in seconds.
const LONGEST: u64 = 21_600;
/// More live tokens than any host needs; beyond it the one that ends first goes.
const MOST: usize = 4096;

/// The life that a client asks for: 1 to 21600 seconds, else `None`.
pub fn lifetime(text: &str) -> Option<Duration> {
    let seconds: u64 = text.trim().parse().ok()?;
    (1..=LONGEST)
        .contains(&seconds)
        .then(|| Duration::from_secs(seconds))
}

/// The tokens of one host.
#[derive(Debug, Default)]
pub struct Tokens {
    ends: HashMap<String, Instant>,
}

impl Tokens {
    /// A new token, valid for `life` from `now`.
    pub fn issue(&mut self, now: Instant, life: Duration) -> String {
        self.ends.retain(|_, end| *end > now);
        if self.ends.len() >= MOST {
            let first = self.ends.iter().min_by_key(|(_, end)| **end);
            if let Some(token) = first.map(|(token, _)| token.clone()) {
                self.ends.remove(&token);
            }
        }
        let token = new_token();
        self.ends.insert(token.clone(), now + life);
        token
    }

    /// Whether the token was issued and has not ended.
    pub fn is_valid(&self, now: Instant, token: &str) -> bool {
        self.ends.get(token).is_some_and(|end| *end > now)
    }
}

fn new_token() -> String {
    use base64::Engine as _;
    let bytes: [u8; 40] = rand::rng().random();
    base64::engine::general_purpose::URL_SAFE.encode(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn lifetimes_are_one_second_to_six_hours() {
        for (text, want) in [
            ("1", Some(1)),
            ("21600", Some(21_600)),
            (" 60 ", Some(60)),
            ("0", None),
            ("21601", None),
            ("-1", None),
            ("", None),
            ("1.5", None),
            ("many", None),
        ] {
            assert_eq!(lifetime(text), want.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn a_token_lives_as_long_as_asked() {
        let (mut tokens, start) = (Tokens::default(), Instant::now());
        let token = tokens.issue(start, Duration::from_secs(60));
        for (after, valid) in [(0, true), (59, true), (60, false), (9999, false)] {
            let now = start + Duration::from_secs(after);
            assert_eq!(tokens.is_valid(now, &token), valid, "after {after} s");
        }
        assert!(!tokens.is_valid(start, "made up"));
        assert!(!tokens.is_valid(start, ""));
    }

    #[test]
    fn tokens_differ_and_do_not_pile_up() {
        let (mut tokens, start) = (Tokens::default(), Instant::now());
        let first = tokens.issue(start, Duration::from_secs(1));
        for _ in 0..MOST + 10 {
            tokens.issue(start, Duration::from_secs(60));
        }
        assert_eq!(
            tokens.ends.len(),
            MOST,
            "all are different, the oldest are gone"
        );
        assert!(!tokens.is_valid(start, &first));
        tokens.issue(start + Duration::from_secs(60), Duration::from_secs(1));
        assert_eq!(tokens.ends.len(), 1);
    }
}
