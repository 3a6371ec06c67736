#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::config::Ini;
use crate::host::record::tests::host;
use proptest::prelude::*;

/// A host: id, state, hostclass, tag `smoketest`, public address.
type Row<'a> = (&'a str, &'a str, &'a str, &'a str, Option<&'a str>);

fn hosts(rows: &[Row<'_>]) -> Vec<Host> {
    let of = |(id, state, hostclass, tested, public): &Row<'_>| {
        let mut host = host(
            id,
            state,
            &[("hostclass", hostclass), ("smoketest", tested)],
        );
        host.public_ip = public.map(str::to_owned);
        host.addresses = vec![format!("10.0.0.{}", id.len())];
        host
    };
    rows.iter().map(of).collect()
}

fn chosen(preferred: &str, rows: &[Row<'_>]) -> Option<(String, String)> {
    let preferred: Vec<String> = preferred.split_whitespace().map(str::to_owned).collect();
    choose(&preferred, &hosts(rows)).map(|jump| (jump.id, jump.address))
}

#[test]
fn a_tested_public_host_of_the_first_hostclass_that_has_a_tested_one() {
    let vpn_private = ("i-v", "running", "mhcvpn", "tested", None);
    let vpn_public = ("i-vp", "running", "mhcvpn", "tested", Some("54.1.1.1"));
    let untested = ("i-a", "running", "mhcadminproxy", "", Some("54.2.2.2"));
    let admin_private = ("i-ap", "running", "mhcadminproxy", "tested", None);
    let stopped = (
        "i-s",
        "stopped",
        "mhcadminproxy",
        "tested",
        Some("54.3.3.3"),
    );
    let both = "mhcadminproxy mhcvpn";
    let vpn = Some(("i-vp".to_owned(), "54.1.1.1".to_owned()));
    // The example of spec 40, section 9.2.
    assert_eq!(chosen(both, &[untested, vpn_private, vpn_public]), vpn);
    // A class with a candidate ends the search, even if another one has a public host.
    assert_eq!(
        chosen(both, &[vpn_public, admin_private]),
        Some(("i-ap".to_owned(), "10.0.0.4".to_owned()))
    );
    assert_eq!(chosen(both, &[stopped, vpn_public]), vpn);
    assert_eq!(
        chosen("mhcvpn", &[vpn_private]),
        Some(("i-v".to_owned(), "10.0.0.3".to_owned()))
    );
    assert_eq!(chosen("mhcvpn", &[untested, stopped]), None);
    assert_eq!(chosen("", &[vpn_public]), None);
}

#[test]
fn hostclasses_are_split_at_any_whitespace_and_may_be_missing() {
    let config = |text: &str| {
        DiscoAws::from_ini(
            Ini::parse("disco_aws.ini", format!("[disco_aws]\n{text}").as_bytes()).unwrap(),
        )
    };
    let table = [
        ("", vec![]),
        ("jump_box_hostclasses=\n", vec![]),
        (
            "jump_box_hostclasses=  mhca \t  mhcb \n",
            vec!["mhca", "mhcb"],
        ),
        ("jump_box_hostclasses=mhca\n  mhcb\n", vec!["mhca", "mhcb"]),
        (
            "jump_box_hostclasses=mhca\njump_box_hostclasses@ci=mhcc\n",
            vec!["mhcc"],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(
            jump_hostclasses(&config(text), "ci").unwrap(),
            expected,
            "{text:?}"
        );
    }
}

proptest! {
    #[test]
    fn only_running_tested_hosts_of_the_option_are_jump_hosts(
        rows in proptest::collection::vec((0..3usize, 0..4usize, any::<bool>(), any::<bool>()), 0..12),
    ) {
        let classes = ["mhca", "mhcb", "mhcc"];
        let states = ["running", "stopped", "terminated", "pending"];
        let mut all = Vec::new();
        for (index, (class, state, tested, public)) in rows.iter().enumerate() {
            let tested = if *tested { "yes" } else { "" };
            let tags = [("hostclass", classes[*class]), ("smoketest", tested)];
            let mut host = host(&format!("i-{index}"), states[*state], &tags);
            host.public_ip = public.then(|| format!("54.0.0.{index}"));
            all.push(host);
        }
        let preferred = ["mhcb".to_owned(), "mhca".to_owned()];
        let fit = |h: &&Host| h.state == "running" && h.tag("smoketest") == Some("yes");
        let of = |class: &str| all.iter().filter(fit).any(|h| h.hostclass() == Some(class));
        match choose(&preferred, &all) {
            None => prop_assert!(!of("mhca") && !of("mhcb")),
            Some(jump) => {
                let host = all.iter().find(|h| h.id == jump.id).unwrap();
                prop_assert!(fit(&host));
                let class = if of("mhcb") { "mhcb" } else { "mhca" };
                prop_assert_eq!(host.hostclass(), Some(class));
            }
        }
    }
}
