#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use proptest::prelude::*;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("host{n}")).collect()
}

#[test]
fn whole_outputs_come_in_the_order_of_the_selection() {
    // Without memory, all that waits goes through the file.
    for outlet in [Outlet::new(), Outlet::with_memory(0)] {
        let mut board = Board::new(&outlet, Layout::Whole, &names(3));
        board.bytes(2, b"c1");
        board.bytes(0, b"a1");
        assert_eq!(outlet.take_all(), b"a1", "the first host writes as it goes");
        assert!(board.prints(0) && !board.prints(2));
        board.ended(2);
        board.bytes(1, b"b1");
        board.ended(0);
        assert_eq!(outlet.take_all(), b"b1");
        board.bytes(1, b"b2");
        assert_eq!(outlet.take_all(), b"b2");
        board.ended(1);
        assert_eq!(outlet.take_all(), b"c1");
        assert!(board.held.iter().all(|held| held.len() == 0), "freed");
    }
}

#[test]
fn lines_carry_the_names_of_their_hosts_and_are_never_mixed() {
    let names = ["web-1".to_owned(), "i-0123".to_owned()];
    let outlet = Outlet::new();
    let mut board = Board::new(&outlet, Layout::Prefixed, &names);
    assert!(board.prints(0) && board.prints(1));
    board.bytes(0, b"one");
    board.bytes(1, b"eins\nzwei\ndr");
    board.bytes(0, b" more\n\xe2\x82");
    board.bytes(1, b"ei\n");
    board.bytes(0, b"\xac\n\n");
    board.bytes(0, b"no end");
    board.ended(1);
    board.ended(0);
    let expected = "i-0123 | eins\ni-0123 | zwei\nweb-1  | one more\ni-0123 | drei\nweb-1  | €\nweb-1  | \nweb-1  | no end\n";
    assert_eq!(String::from_utf8(outlet.take_all()).unwrap(), expected);
}

#[test]
fn a_line_without_end_is_cut_between_characters() {
    let outlet = Outlet::new();
    let mut board = Board::new(&outlet, Layout::Prefixed, &names(1));
    let long = "€".repeat(LONGEST_LINE / 3 + 1);
    board.bytes(0, long.as_bytes().get(..LONGEST_LINE + 2).unwrap());
    let printed = String::from_utf8(outlet.take_all()).unwrap();
    assert!(printed.ends_with("€\n") && printed.len() > LONGEST_LINE - 9);
    assert!(board.begun[0].len() < 3);
}

#[derive(Debug, Clone)]
enum Event {
    Said(usize, Vec<u8>),
    Ended(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let said = (0..4usize, proptest::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(host, bytes)| Event::Said(host, bytes));
    let ended = (0..4usize).prop_map(Event::Ended);
    proptest::collection::vec(prop_oneof![5 => said, 1 => ended], 0..60)
}

/// Runs the events; what a host says after its end does not happen. Gives the print and what each host said.
fn play(layout: Layout, events: &[Event]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let outlet = Outlet::with_memory(60);
    let mut board = Board::new(&outlet, layout, &names(4));
    let mut said = vec![Vec::new(); 4];
    let mut over = [false; 4];
    for event in events {
        match event {
            Event::Said(host, bytes) if !over[*host] => {
                said[*host].extend_from_slice(bytes);
                board.bytes(*host, bytes);
            }
            Event::Ended(host) if !over[*host] => {
                over[*host] = true;
                board.ended(*host);
            }
            _ => {}
        }
    }
    for host in (0..4).filter(|host| !over[*host]) {
        board.ended(host);
    }
    (outlet.take_all(), said)
}

proptest! {
    #[test]
    fn whole_is_the_concatenation_whatever_happens_when(events in events()) {
        let (printed, said) = play(Layout::Whole, &events);
        prop_assert_eq!(printed, said.concat());
    }

    #[test]
    fn every_line_of_every_host_is_printed_once_in_its_order(events in events()) {
        let (printed, said) = play(Layout::Prefixed, &events);
        for (host, said) in said.iter().enumerate() {
            let prefix = format!("host{host} | ").into_bytes();
            let mut own = Vec::new();
            for line in printed.split_inclusive(|b| *b == b'\n') {
                own.extend(line.strip_prefix(prefix.as_slice()).into_iter().flatten().copied());
            }
            let mut expected = said.clone();
            if expected.last().is_some_and(|b| *b != b'\n') {
                expected.push(b'\n');
            }
            prop_assert_eq!(own, expected);
        }
    }
}
