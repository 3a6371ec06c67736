//! The table of options against what the readers know, and the page for operators against the table.

use crate::config::disco_vpc::warnings::known_keys;
use crate::config::hostclass::spelling::KNOWN;
use crate::lint::keys::{self, HOSTCLASS, VPC};
use std::collections::BTreeSet;

#[test]
fn the_table_has_what_the_readers_know() {
    // The short names of [test] are no misspellings in sections of hostclasses, but nobody reads them there.
    let all = HOSTCLASS.iter().chain(keys::TEST);
    let own: BTreeSet<&str> = all.map(|key| key.name).collect();
    assert_eq!(own, KNOWN.into_iter().collect());
    assert_eq!(own.len(), HOSTCLASS.len() + keys::TEST.len());
    let nets = ["intranet", "tunnel", "dmz", "maintenance"];
    let own: BTreeSet<String> = VPC
        .iter()
        .flat_map(|key| nets.map(|net| key.name.replace("NET", net)))
        .collect();
    assert_eq!(own, known_keys().into_iter().collect());
    let known = |name: &&str| HOSTCLASS.iter().any(|key| key.name == *name);
    assert!(keys::BAKE_FALLBACKS.iter().all(known));
    assert!(keys::TEST_FALLBACKS.iter().all(known));
}

/// `ASIAQ_UPDATE_DOCS=1` writes the reference anew.
#[test]
fn the_page_for_operators_has_this_reference() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mark = "<!-- Written from crates/asiaq-core/src/lint/keys.rs: do not edit below. -->\n";
    let (before, after) = text.split_once(mark).unwrap();
    let wanted = format!("\n{}", keys::reference().trim_end().to_owned() + "\n");
    if std::env::var_os("ASIAQ_UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{mark}{wanted}")).unwrap();
    } else {
        assert_eq!(after, wanted, "run this test with ASIAQ_UPDATE_DOCS=1");
    }
}
