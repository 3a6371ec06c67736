//! Changes inputs: bits, bytes, ranges, words, numbers, lines, and pieces of other inputs.

use crate::Rng;

/// No input grows beyond this many bytes.
pub(crate) const LONGEST: usize = 2048;

/// Numbers at the edges of what fits somewhere.
const NUMBERS: [&str; 18] = [
    "0",
    "1",
    "-1",
    "2",
    "00",
    "7",
    "8",
    "16",
    "28",
    "32",
    "33",
    "127",
    "128",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "18446744073709551616",
];

/// Characters that are more than they seem: blanks, marks, letters whose case changes their length.
const CHARACTERS: [&str; 20] = [
    "\u{a0}", "\u{2028}", "\u{feff}", "\u{85}", "\u{b}", "\u{c}", "\r", "\r\n", "\0", "\u{130}",
    "ß", "ſ", "K", "é", "\u{301}", "\u{200b}", "😀", "\u{7f}", "\t", "\u{1680}",
];

/// Changes an input in some ways at once.
pub(crate) fn mutate(rng: &mut Rng, input: &mut Vec<u8>, words: &[&str], other: &[u8]) {
    let rounds = 1 + rng.below(4);
    for _ in 0..rounds {
        once(rng, input, words, other);
    }
    input.truncate(LONGEST);
}

fn once(rng: &mut Rng, input: &mut Vec<u8>, words: &[&str], other: &[u8]) {
    let at = rng.below(input.len() + 1);
    let range = range(rng, input.len());
    match rng.below(13) {
        0 => {
            let bit = 1 << rng.below(8);
            if let Some(byte) = input.get_mut(at) {
                *byte ^= bit;
            }
        }
        1 => {
            let value = rng.number().to_le_bytes();
            if let (Some(byte), Some(value)) = (input.get_mut(at), value.first()) {
                *byte = *value;
            }
        }
        2 => drop(input.drain(range)),
        3 => {
            let copy = input.get(range).unwrap_or_default().to_vec();
            insert(input, at, &copy);
        }
        4 | 5 => insert(input, at, rng.pick(words).as_bytes()),
        6 => drop(input.splice(range, rng.pick(words).bytes())),
        7 => insert(input, at, rng.pick(&CHARACTERS).as_bytes()),
        8 => {
            let piece = self::range(rng, other.len());
            let piece = other.get(piece).unwrap_or_default().to_vec();
            drop(input.splice(range, piece));
        }
        9 => number(rng, input),
        10 => lines(rng, input),
        11 => {
            if let Some(piece) = input.get_mut(range) {
                for byte in piece {
                    if byte.is_ascii_alphabetic() {
                        *byte ^= 0x20;
                    }
                }
            }
        }
        _ => {
            let tail = other.get(rng.below(other.len() + 1)..).unwrap_or_default();
            input.truncate(at);
            input.extend_from_slice(tail);
        }
    }
}

/// A range of at most `length` bytes, short ones more often.
fn range(rng: &mut Rng, length: usize) -> std::ops::Range<usize> {
    let start = rng.below(length + 1);
    let longest = if rng.once_in(4) { length } else { 8 };
    let end = (start + rng.below(longest + 1)).min(length);
    start..end
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    drop(input.splice(at..at, piece.iter().copied()));
}

/// Another number in place of one that is there.
fn number(rng: &mut Rng, input: &mut Vec<u8>) {
    let digits: Vec<usize> = (0..input.len())
        .filter(|at| input.get(*at).is_some_and(u8::is_ascii_digit))
        .collect();
    let Some(start) = digits.get(rng.below(digits.len())).copied() else {
        return;
    };
    let rest = input.get(start..).unwrap_or_default();
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let new = rng.pick(&NUMBERS).bytes();
    drop(input.splice(start..start + length, new));
}

/// Doubles, drops or moves a line.
fn lines(rng: &mut Rng, input: &mut Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = input
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    if lines.is_empty() {
        return;
    }
    let line = lines.remove(rng.below(lines.len()));
    let copies = rng.below(3);
    for _ in 0..copies {
        let at = rng.below(lines.len() + 1);
        lines.insert(at, line.clone());
    }
    *input = lines.concat();
}
