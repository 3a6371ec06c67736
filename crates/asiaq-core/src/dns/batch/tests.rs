#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::dns::{Record, Target};
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq)]
struct Own(Vec<RecordChange>);

impl Write for Own {
    fn changes(&self) -> &[RecordChange] {
        &self.0
    }
}

fn target(value: &str) -> Target {
    Target::Value {
        kind: "TXT".into(),
        value: value.into(),
    }
}

fn upsert(name: &str, value: &str) -> RecordChange {
    RecordChange::Upsert {
        name: name.into(),
        target: target(value),
    }
}

fn delete(name: &str, value: &str) -> RecordChange {
    RecordChange::Delete(Box::new(Record::new(name, &target(value)).unwrap()))
}

/// Names of the writes of each call until the queue is empty.
fn calls(writes: Vec<Own>) -> Vec<Vec<String>> {
    let mut queue: VecDeque<Own> = writes.into();
    let mut calls = Vec::new();
    while !queue.is_empty() {
        let batch = take(&mut queue);
        assert!(!batch.is_empty(), "every call takes something");
        calls.push(batch.iter().map(|w| w.0[0].name().to_owned()).collect());
    }
    calls
}

#[test]
fn names_go_once_into_a_call_and_keep_their_order() {
    let writes = vec![
        Own(vec![
            delete("a.example.com", "x"),
            upsert("A.example.com.", "y"),
        ]),
        Own(vec![upsert("b.example.com", "x")]),
        Own(vec![
            upsert("a.example.com", "z"),
            upsert("c.example.com", "z"),
        ]),
        Own(vec![upsert("c.example.com", "w")]),
        Own(vec![upsert(r"\052.example.com", "w")]),
        Own(vec![upsert("*.example.com", "w")]),
    ];
    let wanted = [
        vec!["a.example.com", "b.example.com", r"\052.example.com"],
        vec!["a.example.com", "*.example.com"],
        vec!["c.example.com"],
    ];
    assert_eq!(calls(writes), wanted);
}

#[test]
fn upserts_count_twice_and_aliases_count() {
    let alias = RecordChange::Upsert {
        name: "a.example.com".into(),
        target: Target::Alias {
            host: "lb.elb.amazonaws.com".into(),
            zone_id: "ZELB".into(),
        },
    };
    for (change, wanted) in [
        (upsert("a", "12345"), (2, 10)),
        (delete("a", "12345"), (1, 5)),
        (alias, (2, 0)),
    ] {
        assert_eq!(weight(&[change]), wanted);
    }
}

#[test]
fn limits_of_one_call() {
    let upserts = |count: usize, size: usize| -> Vec<Own> {
        let value = "v".repeat(size);
        let name = |n: usize| format!("n{n}.example.com");
        (0..count)
            .map(|n| Own(vec![upsert(&name(n), &value)]))
            .collect()
    };
    // (writes, size of each value) -> writes per call
    for (count, size, wanted) in [
        (500, 1, vec![500]),
        (501, 1, vec![500, 1]),
        (10, 4000, vec![4, 4, 2]),
        (2, 20_000, vec![1, 1]),
    ] {
        let sizes: Vec<usize> = calls(upserts(count, size)).iter().map(Vec::len).collect();
        assert_eq!(sizes, wanted, "{count} of {size}");
    }
    let deletes = (0..1001).map(|n| Own(vec![delete(&format!("n{n}"), "v")]));
    let sizes: Vec<usize> = calls(deletes.collect()).iter().map(Vec::len).collect();
    assert_eq!(sizes, [1000, 1]);
}

proptest! {
    #[test]
    fn nothing_is_lost_and_each_name_keeps_its_order(
        writes in proptest::collection::vec(proptest::collection::vec(0..6_u8, 1..3), 0..20)
    ) {
        let own = |index: usize, names: &Vec<u8>| {
            Own(names.iter().map(|n| upsert(&format!("n{n}"), &index.to_string())).collect())
        };
        let all: Vec<Own> = writes.iter().enumerate().map(|(i, names)| own(i, names)).collect();
        let mut queue: VecDeque<Own> = all.clone().into();
        let mut taken: Vec<Own> = Vec::new();
        while !queue.is_empty() {
            let batch = take(&mut queue);
            let mut seen = HashSet::new();
            for write in &batch {
                let names: HashSet<&str> = write.0.iter().map(RecordChange::name).collect();
                prop_assert!(names.iter().all(|name| seen.insert(*name)), "no name twice");
            }
            taken.extend(batch);
        }
        prop_assert_eq!(taken.len(), all.len());
        for n in 0..6_u8 {
            let about = |list: &[Own]| -> Vec<Own> {
                let name = format!("n{n}");
                list.iter().filter(|w| w.0.iter().any(|c| c.name() == name)).cloned().collect()
            };
            prop_assert_eq!(about(&taken), about(&all));
        }
    }
}
