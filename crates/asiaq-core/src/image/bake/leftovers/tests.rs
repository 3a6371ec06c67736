#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::image::ImageDevice;
use proptest::prelude::*;

const NOW: i64 = 1_700_010_000;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn machine(id: &str, image: &str, minutes: Option<i64>) -> Leftover {
    Leftover {
        instance_id: id.into(),
        state: "running".into(),
        image_name: image.into(),
        baker: "ann".into(),
        started: minutes.map(|minutes| at(NOW - minutes * 60)),
    }
}

fn failed(id: &str, name: &str) -> Image {
    Image {
        id: id.into(),
        name: name.into(),
        state: "failed".into(),
        tags: Tags::new(),
        root_device: None,
        devices: vec![ImageDevice {
            name: "/dev/xvda".into(),
            size: None,
            snapshot_id: Some("snap-1".into()),
        }],
        creation_date: None,
    }
}

#[test]
fn age_and_hostclass_choose() {
    let remains = Remains {
        machines: vec![
            machine("i-1", "mhca 1700000000", Some(119)),
            machine("i-2", "mhca 1700000000", Some(120)),
            machine("i-3", "mhcb 1700000000", Some(500)),
            machine("i-4", "mhcb 1700000000", None),
        ],
        volumes: vec![("vol-1".into(), "mhca 1".into(), Some(at(NOW - 60)))],
        images: vec![failed("ami-1", "mhca 1700000000")],
    };
    let plan = |older_than, hostclass| {
        let wanted = Wanted {
            older_than,
            hostclass,
            instances: &[],
        };
        let plan = plan_cleanup(&remains, wanted, at(NOW));
        plan.ids().join(" ")
    };
    assert_eq!(plan(120, None), "i-2 i-3 i-4 ami-1 snap-1");
    assert_eq!(plan(0, None), "i-1 i-2 i-3 i-4 vol-1 ami-1 snap-1");
    assert_eq!(plan(120, Some("mhcb")), "i-3 i-4");
    // Those that are named go however young they are, and nothing else.
    let named = ["i-1".to_owned(), "i-3".to_owned(), "i-9".to_owned()];
    let wanted = Wanted {
        older_than: 120,
        hostclass: None,
        instances: &named,
    };
    let of_named = plan_cleanup(&remains, wanted, at(NOW));
    assert_eq!(of_named.ids().join(" "), "i-1 i-3");
    assert_eq!(plan(0, Some("mhca")), "i-1 i-2 vol-1 ami-1 snap-1");
    assert_eq!(plan(200, Some("mhca")), "");
    assert_eq!(plan(0, Some("mhc")), "");
    let wanted = Wanted {
        older_than: 120,
        hostclass: Some("mhca"),
        instances: &[],
    };
    let plan = plan_cleanup(&remains, wanted, at(NOW));
    assert_eq!(
        plan.lines(),
        [
            "- instance i-2 of a bake of `mhca 1700000000` (running, baker ann)",
            "- image ami-1 `mhca 1700000000` (failed)",
            "- snapshot snap-1 of image ami-1",
        ]
    );
    assert_eq!(plan.changes()[2].needs, ["ami-1"]);
}

#[test]
fn people_read_who_baked_what() {
    assert_eq!(
        machine("i-1", "mhca 1700000000", Some(7)).describe(at(NOW)),
        "instance i-1 of a bake of `mhca 1700000000` is running since 7 min (baker: ann)"
    );
}

proptest! {
    #[test]
    fn nothing_younger_than_asked_for_goes(ages in proptest::collection::vec(0_i64..400, 0..8), limit in 0_u32..400) {
        let machines = ages.iter().enumerate().map(|(n, age)| machine(&format!("i-{n}"), "mhca 1", Some(*age)));
        let remains = Remains { machines: machines.collect(), ..Remains::default() };
        let wanted = Wanted { older_than: limit, hostclass: None, instances: &[] };
        let plan = plan_cleanup(&remains, wanted, at(NOW));
        let old = ages.iter().filter(|age| **age >= i64::from(limit)).count();
        prop_assert_eq!(plan.changes().len(), old);
    }
}
