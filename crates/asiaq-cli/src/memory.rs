//! What a process holds in memory stays there: no core dumps, and no looking into it by other processes of the user.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Switches core dumps off: those to files by the limit, which children inherit, and those to a collector such as
/// systemd-coredump, which ignore it, by the attribute of the process, which goes with the next program.
///
/// Must come before threads and secrets. Where the system does not know one of both, the other has to do.
pub(crate) fn forbid_dumps() {
    let limit = Rlimit {
        current: Some(0),
        maximum: getrlimit(Resource::Core).maximum,
    };
    // Lowering a limit is always allowed.
    let _ = setrlimit(Resource::Core, limit);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use rustix::process::dumpable_behavior;

    #[test]
    fn both_ways_to_a_dump_are_closed() {
        forbid_dumps();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
