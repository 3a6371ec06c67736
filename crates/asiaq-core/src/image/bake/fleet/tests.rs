#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use std::cell::{Cell, RefCell};

fn baked(name: &str) -> Baked {
    Baked {
        image_name: name.to_owned(),
        image_id: format!("ami-{}", name.replace(' ', "-")),
    }
}

const NAMES: [&str; 5] = ["mhca 1", "mhcb 1", "mhcc 1", "mhcd 1", "mhce 1"];

#[tokio::test]
async fn at_most_so_many_run_at_once_and_all_that_may() {
    for parallel in [1, 2, 5, 64] {
        let (running, peak) = (Cell::new(0), Cell::new(0));
        let work = async |index: usize| {
            running.set(running.get() + 1);
            peak.set(peak.get().max(running.get()));
            tokio::time::sleep(Duration::from_millis(20)).await;
            running.set(running.get() - 1);
            Ok(baked(NAMES[index]))
        };
        let told = RefCell::new(Vec::new());
        let hear = |finished: &Finished| told.borrow_mut().push(finished.image_name.clone());
        let interrupt = Interrupt::default();
        let ended = drive(&NAMES, parallel, &interrupt, work, hear).await;
        assert_eq!(peak.get(), parallel.min(NAMES.len()), "{parallel}");
        let order: Vec<&str> = ended.iter().map(|f| f.image_name.as_str()).collect();
        assert_eq!(order, NAMES);
        assert_eq!(told.borrow().len(), NAMES.len());
        assert_eq!(failures(&ended), None);
        assert!(!interrupt.is_in_charge(), "the charge is given back");
    }
}

#[tokio::test]
async fn one_that_fails_stops_no_other() {
    let work = async |index: usize| match index {
        1 => Err(Error::refused("the script ended with 3\nlast line").with_hint("look there")),
        _ => Ok(baked(NAMES[index])),
    };
    let ended = drive(&NAMES, 2, &Interrupt::default(), work, |_| {}).await;
    let made = ended.iter().filter(|f| matches!(f.fate, Fate::Made(_)));
    assert_eq!(made.count(), 4);
    assert_eq!(
        failures(&ended).unwrap(),
        "1 of 5 images not made:\n  mhcb: the script ended with 3\n    last line"
    );
    assert_eq!(hint(&ended).as_deref(), Some("look there"));
    assert!(!is_interrupted(&ended));
}

#[tokio::test]
async fn after_a_signal_those_that_run_clean_up_and_no_other_begins() {
    let interrupt = Interrupt::default();
    let cleaned = RefCell::new(Vec::new());
    let work = async |index: usize| {
        if index == 0 {
            return Ok(baked(NAMES[0]));
        }
        if index == 2 {
            interrupt.tell();
        }
        let result = interrupt
            .guard(std::future::pending::<Result<Baked>>())
            .await;
        tokio::task::yield_now().await;
        cleaned.borrow_mut().push(index);
        result
    };
    let ended = drive(&NAMES, 2, &interrupt, work, |_| {}).await;
    assert_eq!(cleaned.borrow().len(), 2, "both that ran have cleaned up");
    assert!(is_interrupted(&ended));
    assert_eq!(
        failures(&ended).unwrap(),
        "4 of 5 images not made:\n  mhcb: stopped\n  mhcc: stopped\n  mhcd: not started\n  mhce: not started"
    );
}

#[test]
fn names_count_once_in_their_order() {
    assert_eq!(once(["b", "a", "b", "c", "a"]), ["b", "a", "c"]);
    assert_eq!(once([]), [""; 0]);
}
