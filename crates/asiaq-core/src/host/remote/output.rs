//! The output of many hosts on one stream: whole per host in the order of the selection, or line by line while they run.
//!
//! `outlet`: the thread that writes. `store`: what waits, in memory and beyond it in a file without a name.

mod outlet;
mod store;

pub(super) use outlet::Outlet;

use store::Pieces;

/// How the output of several hosts is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Bare bytes, host after host in the order of the selection. The host whose turn it is writes as it goes.
    Whole,
    /// Each line with the name of its host, as it comes: for people who watch.
    Prefixed,
}

/// A line that is longer is cut there: nobody's output may fill the memory while a person watches.
const LONGEST_LINE: usize = 256 * 1024;
/// Names are padded to the longest one, or to this.
const WIDEST_NAME: usize = 40;

/// Arranges what comes in from hosts, which are known by their place in the selection.
pub(super) struct Board<'a> {
    out: &'a Outlet,
    layout: Layout,
    prefixes: Vec<Vec<u8>>,
    /// What a host has said before its turn.
    held: Vec<Pieces>,
    /// The beginning of a line.
    begun: Vec<Vec<u8>>,
    ended: Vec<bool>,
    turn: usize,
}

impl<'a> Board<'a> {
    pub(super) fn new(out: &'a Outlet, layout: Layout, names: &[String]) -> Self {
        let width = names.iter().map(|name| name.chars().count()).max();
        let width = width.unwrap_or(0).min(WIDEST_NAME);
        let prefix = |name: &String| format!("{name:<width$} | ").into_bytes();
        Self {
            out,
            layout,
            prefixes: names.iter().map(prefix).collect(),
            held: names.iter().map(|_| Pieces::default()).collect(),
            begun: vec![Vec::new(); names.len()],
            ended: vec![false; names.len()],
            turn: 0,
        }
    }

    /// A host said something.
    pub(super) fn bytes(&mut self, host: usize, bytes: &[u8]) {
        if self.layout == Layout::Prefixed {
            if let Some(begun) = self.begun.get_mut(host) {
                begun.extend_from_slice(bytes);
                let complete = whole_lines(begun, bytes.len());
                self.lines(host, complete);
            }
        } else if host == self.turn {
            self.out.write(bytes);
        } else if let Some(held) = self.held.get_mut(host) {
            self.out.keep(held, bytes);
        }
    }

    /// True if what this host says is printed as it comes.
    pub(super) fn prints(&self, host: usize) -> bool {
        self.layout == Layout::Prefixed || host == self.turn
    }

    /// A host will say no more.
    pub(super) fn ended(&mut self, host: usize) {
        if let Some(ended) = self.ended.get_mut(host) {
            *ended = true;
        }
        match self.layout {
            Layout::Prefixed => self.lines(host, usize::MAX),
            Layout::Whole => {
                while self.ended.get(self.turn) == Some(&true) {
                    self.turn += 1;
                    let held = self.held.get_mut(self.turn).map(std::mem::take);
                    self.out.release(held.unwrap_or_default());
                }
            }
        }
    }

    /// Prints the first `count` bytes of what a host has begun, as lines.
    fn lines(&mut self, host: usize, count: usize) {
        let (Some(begun), Some(prefix)) = (self.begun.get_mut(host), self.prefixes.get(host))
        else {
            return;
        };
        let rest = begun.split_off(count.min(begun.len()));
        let complete = std::mem::replace(begun, rest);
        let mut text = Vec::with_capacity(complete.len() + prefix.len());
        for line in complete.split_inclusive(|byte| *byte == b'\n') {
            text.extend_from_slice(prefix);
            text.extend_from_slice(line);
        }
        if text.last().is_some_and(|byte| *byte != b'\n') {
            text.push(b'\n');
        }
        self.out.write(&text);
    }
}

/// How much of `held`, whose last `new` bytes have just come, ends with a line; all but a broken character of a line that is too
/// long to wait for its end.
fn whole_lines(held: &[u8], new: usize) -> usize {
    let fresh = held.len().saturating_sub(new);
    let last = held.iter().skip(fresh).rposition(|byte| *byte == b'\n');
    let complete = last.map_or(0, |place| fresh + place + 1);
    if held.len() - complete <= LONGEST_LINE {
        return complete;
    }
    let tail = held.get(complete..).unwrap_or_default();
    complete + tail.len() - broken_end(tail)
}

/// Length of an incomplete UTF-8 character at the end.
fn broken_end(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let Some(byte) = bytes.get(bytes.len() - back) else {
            return 0;
        };
        let wants = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        return if wants > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests;
