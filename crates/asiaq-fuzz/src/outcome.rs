//! Runs one input and catches what goes wrong: a panic with its message, or that it took too long.

use crate::{Signature, Target};
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::time::{Duration, Instant};

/// What came of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was read, whatever the result.
    Fine(Signature),
    /// Something does not hold.
    Panic(String),
    /// It was read, but too slowly.
    Slow(Duration),
}

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs one input.
pub(crate) fn run(target: &Target, input: &[u8], limit: Duration) -> Outcome {
    listen();
    RUNNING.set(true);
    let start = Instant::now();
    let result = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = start.elapsed();
    RUNNING.set(false);
    match result {
        Ok(_) if took > limit => Outcome::Slow(took),
        Ok(signature) => Outcome::Fine(signature),
        Err(_) => Outcome::Panic(MESSAGE.take()),
    }
}

/// Panics of inputs are kept instead of printed; all others go where they went before.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if RUNNING.get() {
                MESSAGE.set(info.to_string());
            } else {
                before(info);
            }
        }));
    });
}
