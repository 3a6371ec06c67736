//! Shares in percent as exact decimals: 10 × (100 - 90) % is 1, which binary fractions do not know. Pure.

use std::fmt;
use std::str::FromStr;

/// Digits before the point, and after it: with any count they fit into 128 bits.
const DIGITS: (usize, usize) = (4, 15);

/// A share in percent, not negative: `units` / `scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent {
    units: u128,
    /// A power of ten.
    scale: u128,
}

impl Default for Percent {
    fn default() -> Self {
        Self::whole(0)
    }
}

impl Percent {
    /// Whole percents.
    pub const fn whole(percent: u32) -> Self {
        Self {
            units: percent as u128,
            scale: 1,
        }
    }

    /// True for 0.
    pub fn is_zero(self) -> bool {
        self.units == 0
    }

    /// True above 100.
    pub fn exceeds_all(self) -> bool {
        self.units > self.scale * 100
    }

    /// This share of a count, rounded up.
    pub fn of_up(self, count: u64) -> u64 {
        saturated((u128::from(count) * self.units).div_ceil(self.scale * 100))
    }

    /// This share of a count, rounded down.
    pub fn of_down(self, count: u64) -> u64 {
        saturated(u128::from(count) * self.units / (self.scale * 100))
    }
}

fn saturated(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

impl FromStr for Percent {
    type Err = String;

    /// Plain decimals: `33.3`, `0.5`, `100`. No sign, no exponent.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a percentage such as 33.3".to_owned();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return Err(wrong());
        }
        let (whole, fraction) = (
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        );
        if whole.len() > DIGITS.0 || fraction.len() > DIGITS.1 {
            return Err(format!(
                "expected at most {} digits before the point and {} after it",
                DIGITS.0, DIGITS.1
            ));
        }
        let mut percent = Self::whole(0);
        for byte in whole.bytes().chain(fraction.bytes()) {
            percent.units = percent.units * 10 + u128::from(byte - b'0');
        }
        for _ in 0..fraction.len() {
            percent.scale *= 10;
        }
        Ok(percent)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.units / self.scale, self.units % self.scale);
        if self.scale == 1 {
            return write!(f, "{whole}");
        }
        let width = self.scale.ilog10() as usize;
        write!(f, "{whole}.{rest:0width$}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_decimals_are_read() {
        let table = [
            ("0", "0"),
            ("0.0", "0"),
            ("1.0", "1"),
            ("33.3", "33.3"),
            ("0.50", "0.5"),
            ("007", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("100", "100"),
            ("100.000000000000001", "100.000000000000001"),
            ("9999.05", "9999.05"),
            ("0.000000000000000000000000", "0"),
        ];
        for (text, shown) in table {
            assert_eq!(text.parse::<Percent>().unwrap().to_string(), shown);
        }
        let bad = [
            "",
            ".",
            "-1",
            "+1",
            "1e1",
            "1,5",
            " 1",
            "1 ",
            "0x1",
            "inf",
            "nan",
            "1.2.3",
            "٣",
            "5%",
            "10000",
            "0.0000000000000001",
        ];
        for text in bad {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_exact() {
        let share = |text: &str| text.parse::<Percent>().unwrap();
        let table = [
            ("33.3", 3, 1, 0),
            ("0.5", 1, 1, 0),
            ("90", 10, 9, 9),
            ("1", 50, 1, 0),
            ("25", 20, 5, 5),
            ("50", 4, 2, 2),
            ("0", 7, 0, 0),
            ("100", 7, 7, 7),
            ("0.000000000000001", 1, 1, 0),
            ("33.333333333333333", 3, 1, 0),
            ("33.333333333333334", 3, 2, 1),
            ("9999.999999999999999", u64::MAX, u64::MAX, u64::MAX),
        ];
        for (text, count, up, down) in table {
            assert_eq!(share(text).of_up(count), up, "{text} of {count}, up");
            assert_eq!(share(text).of_down(count), down, "{text} of {count}, down");
        }
        assert!(share("0.00").is_zero() && !share("0.01").is_zero());
        assert!(share("100.1").exceeds_all() && !share("100.0").exceeds_all());
    }

    proptest! {
        #[test]
        fn shown_and_read_again_is_the_same(whole in 0_u32..10_000, fraction in "[0-9]{0,15}") {
            let percent: Percent = format!("{whole}.{fraction}").parse().unwrap();
            prop_assert_eq!(percent.to_string().parse::<Percent>().unwrap(), percent);
        }

        #[test]
        fn rounding_is_off_by_less_than_one(hundredths in 0_u64..20_000, count in 0_u64..100_000) {
            let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            let percent: Percent = text.parse().unwrap();
            let (up, down) = (percent.of_up(count), percent.of_down(count));
            prop_assert!(down * 10_000 <= hundredths * count && hundredths * count <= up * 10_000);
            prop_assert!(up - down <= 1);
            prop_assert_eq!(up == down, hundredths * count % 10_000 == 0);
        }
    }
}
