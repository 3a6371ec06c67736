//! Which unit waits for which. Pure.

use super::parse::Unit;
use std::collections::{BTreeMap, BTreeSet};

/// Name of a unit and of those that it waits for.
pub type Waits = BTreeMap<String, BTreeSet<String>>;

/// An order of units without cycles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule {
    /// Who waits for whom.
    pub waits: Waits,
    /// Waits that were given up, because they closed a cycle: who, and for whom.
    pub broken: Vec<(String, String)>,
}

/// Orders units by `After=` and `Before=` among themselves; other names do not matter.
pub fn schedule(units: &BTreeMap<String, Unit>) -> Schedule {
    let mut wanted: Waits = units
        .keys()
        .map(|name| (name.clone(), BTreeSet::new()))
        .collect();
    for (name, unit) in units {
        for earlier in unit.after.iter().filter(|other| units.contains_key(*other)) {
            wanted
                .entry(name.clone())
                .or_default()
                .insert(earlier.clone());
        }
        for later in unit
            .before
            .iter()
            .filter(|other| units.contains_key(*other))
        {
            wanted
                .entry(later.clone())
                .or_default()
                .insert(name.clone());
        }
    }
    without_cycles(&wanted)
}

/// The same waits the other way round, for stopping.
pub fn reversed(waits: &Waits) -> Waits {
    let mut reversed: Waits = waits
        .keys()
        .map(|name| (name.clone(), BTreeSet::new()))
        .collect();
    for (name, earlier) in waits {
        for other in earlier {
            reversed
                .entry(other.clone())
                .or_default()
                .insert(name.clone());
        }
    }
    reversed
}

/// Adds wait by wait, in the order of names, and leaves out each that would close a cycle.
fn without_cycles(wanted: &Waits) -> Schedule {
    let mut schedule = Schedule::default();
    for (name, earlier) in wanted {
        schedule.waits.entry(name.clone()).or_default();
        for other in earlier {
            if reaches(&schedule.waits, other, name) {
                schedule.broken.push((name.clone(), other.clone()));
            } else {
                let waits = schedule.waits.entry(name.clone()).or_default();
                waits.insert(other.clone());
            }
        }
    }
    schedule
}

/// Whether `from` waits for `to`, directly or not, or is it.
fn reaches(waits: &Waits, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            open.extend(waits.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    type Row<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

    fn units(rows: &[Row]) -> BTreeMap<String, Unit> {
        let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        rows.iter()
            .map(|(name, after, before)| {
                let unit = Unit {
                    name: (*name).to_owned(),
                    after: strings(after),
                    before: strings(before),
                    ..Unit::default()
                };
                ((*name).to_owned(), unit)
            })
            .collect()
    }

    /// `a<b` for each wait of a for b.
    fn told(schedule: &Schedule) -> Vec<String> {
        let waits = schedule.waits.iter();
        waits
            .flat_map(|(name, earlier)| earlier.iter().map(move |other| format!("{name}<{other}")))
            .collect()
    }

    #[test]
    fn units_wait_for_those_named_by_either_side() {
        let table: &[(&[Row], &[&str])] = &[
            (&[("a", &["b"], &[]), ("b", &[], &[])], &["a<b"]),
            (&[("a", &[], &["b"]), ("b", &[], &[])], &["b<a"]),
            (
                &[
                    ("a", &["b", "network-online.target"], &["gone"]),
                    ("b", &[], &["a"]),
                ],
                &["a<b"],
            ),
            (&[("a", &[], &[]), ("b", &[], &[])], &[]),
            (
                &[("a", &["b"], &[]), ("b", &["c"], &[]), ("c", &[], &[])],
                &["a<b", "b<c"],
            ),
        ];
        for (rows, want) in table {
            let schedule = schedule(&units(rows));
            assert_eq!(told(&schedule), *want, "{rows:?}");
            assert!(schedule.broken.is_empty());
            assert_eq!(schedule.waits.len(), rows.len());
        }
    }

    #[test]
    fn a_cycle_is_broken_once() {
        for rows in [
            &[("a", &["b"][..], &[][..]), ("b", &["a"], &[])][..],
            &[("a", &["b"], &[]), ("b", &["c"], &[]), ("c", &["a"], &[])],
            &[("a", &["a"], &[])],
        ] {
            let schedule = schedule(&units(rows));
            assert_eq!(schedule.broken.len(), 1, "{rows:?}");
        }
    }

    #[test]
    fn stopping_goes_the_other_way() {
        let rows: &[Row] = &[("a", &["b"], &[]), ("b", &[], &[]), ("c", &["b"], &[])];
        let back = reversed(&schedule(&units(rows)).waits);
        assert_eq!(back["b"], BTreeSet::from(["a".to_owned(), "c".to_owned()]));
        assert!(back["a"].is_empty());
    }

    /// For any units: no cycle is left, no wait is lost or invented, and nothing is given up without need.
    #[test]
    fn any_order_becomes_one_without_cycles() {
        let mut random = StdRng::seed_from_u64(40);
        for _ in 0..300 {
            let count = random.random_range(1..8_usize);
            let name = |index: usize| format!("u{index}");
            let mut all = BTreeMap::new();
            for index in 0..count {
                let mut some = || -> Vec<String> {
                    let many = random.random_range(0..3_usize);
                    (0..many)
                        .map(|_| name(random.random_range(0..count + 1)))
                        .collect()
                };
                let (after, before) = (some(), some());
                all.insert(
                    name(index),
                    Unit {
                        name: name(index),
                        after,
                        before,
                        ..Unit::default()
                    },
                );
            }
            let schedule = schedule(&all);
            for (unit, earlier) in &schedule.waits {
                for other in earlier {
                    assert!(
                        !reaches(&schedule.waits, other, unit),
                        "cycle in {schedule:?}"
                    );
                    assert!(all[unit].after.contains(other) || all[other].before.contains(unit));
                }
            }
            for (unit, other) in &schedule.broken {
                assert!(
                    reaches(&schedule.waits, other, unit),
                    "given up without need: {schedule:?}"
                );
            }
            for (unit, description) in &all {
                for other in description
                    .after
                    .iter()
                    .filter(|other| all.contains_key(*other))
                {
                    let broken = schedule.broken.contains(&(unit.clone(), other.clone()));
                    assert!(broken || schedule.waits[unit].contains(other));
                }
            }
        }
    }
}
