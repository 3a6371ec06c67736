//! Fuzzing of everything that reads what people write, on the stable compiler.
//!
//! A [`Target`] is a function of bytes that panics if something that must hold does not. It gives back a signature of what came
//! out, and inputs with a new signature are kept and changed further: that takes the place of a compiler's coverage.
//! Everything is decided by the seed. Nothing here is part of the tools.

pub mod corpus;
mod engine;
mod minimise;
mod mutate;
mod outcome;
mod rng;
mod signature;
mod targets;

pub use engine::{Failure, Options, Report, fuzz};
pub use rng::Rng;
pub use signature::Signature;
pub use targets::targets;

/// Something that reads what people write.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, also that of its directory of inputs.
    pub name: &'static str,
    /// Reads an input, checks what must hold, and says what came out.
    pub run: fn(&[u8]) -> Signature,
    /// Words that mean something to it.
    pub words: &'static [&'static str],
    /// Makes an input that is nearly right.
    pub make: fn(&mut Rng) -> String,
}
