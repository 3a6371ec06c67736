//! The choice of a new account's id. Pure.

use std::collections::HashSet;

/// The smallest id that is ever chosen.
const FIRST: u32 = 2000;

/// The smallest id from 2000 that is free, after leaving out `skip` free ones.
pub(super) fn free(taken: impl IntoIterator<Item = u32>, skip: usize) -> u32 {
    let taken: HashSet<u32> = taken.into_iter().collect();
    let mut free = (FIRST..u32::MAX).filter(|id| !taken.contains(id));
    // Four thousand million accounts would be needed to use them up.
    free.nth(skip).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_smallest_free_one() {
        for (taken, skip, expected) in [
            (&[2000, 2001, 2003][..], 0, 2002),
            (&[2000, 2001, 2003], 1, 2004),
            (&[], 0, 2000),
            (&[], 2, 2002),
            (&[1500, 2000], 0, 2001),
            (&[u32::MAX, 0], 0, 2000),
        ] {
            assert_eq!(free(taken.iter().copied(), skip), expected, "{taken:?}");
        }
    }

    proptest! {
        #[test]
        fn it_is_free_and_nothing_below_is(taken in proptest::collection::vec(1990_u32..2050, 0..80)) {
            let id = free(taken.iter().copied(), 0);
            prop_assert!(id >= FIRST && !taken.contains(&id));
            prop_assert!((FIRST..id).all(|below| taken.contains(&below)));
            let next = free(taken.iter().copied(), 1);
            prop_assert_eq!(next, free(taken.into_iter().chain([id]), 0));
        }
    }
}
