//! The dns room of the core: reading records of names, and writing many records at the same time.

mod reading;
mod writing;
