#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::image::tests::image;
use crate::names::tag;
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000;

fn rules(keep: u32, age: u32, excluded: &[&str]) -> Rules {
    Rules {
        stage: "tested".into(),
        product_line: None,
        hostclass: None,
        keep,
        age,
        excluded: excluded.iter().map(|id| (*id).to_owned()).collect(),
    }
}

fn named(id: &str, name: &str, stage: &str) -> Image {
    let mut own = image(name, Some(stage), None, "available");
    own.id = id.to_owned();
    own
}

fn ids(images: &[Image]) -> Vec<&str> {
    images.iter().map(|own| own.id.as_str()).collect()
}

#[test]
fn the_examples_of_the_specification() {
    let images = [
        ("B", 1_699_000_000),
        ("D", 1_697_000_000),
        ("A", 1_699_990_000),
        ("C", 1_698_000_000),
    ]
    .map(|(id, at)| named(id, &format!("mhcweb {at}"), "tested"));
    let table: [(u32, u32, &[&str], &[&str]); 6] = [
        (3, 14, &[], &["D"]),
        (1, 0, &[], &["D", "C", "B"]),
        (0, 31, &[], &["D"]),
        (3, 60, &[], &[]),
        (0, 0, &["C"], &["D", "B", "A"]),
        (2, 14, &["A"], &["D"]),
    ];
    for (keep, age, excluded, wanted) in table {
        let chosen = select(images.to_vec(), &rules(keep, age, excluded), NOW);
        assert_eq!(
            ids(&chosen),
            wanted,
            "--keep {keep} --age {age} {excluded:?}"
        );
    }
}

#[test]
fn only_images_of_the_stage_that_say_when_they_were_made() {
    let old = 1_600_000_000;
    let images = vec![
        named("words", "mhca 42 1600000000", "tested"),
        named("newer", "mhca 7 1600000001", "tested"),
        named("dash", "my-image 1600000000", "tested"),
        named("short", "mhca 123", "tested"),
        named("suffix", "mhca 1600000000 x", "tested"),
        named("huge", "mhca 99999999999999999999999", "tested"),
        named("stage", &format!("mhca {old}"), "untested"),
        image(&format!("mhca {old}"), None, None, "available"),
        named("other", &format!("mhcb {old}"), "tested"),
    ];
    let chosen = |rules: &Rules| {
        let chosen = select(images.clone(), rules, NOW);
        ids(&chosen).join(" ")
    };
    assert_eq!(chosen(&rules(0, 0, &[])), "other words newer");
    // By time, not by the build number.
    assert_eq!(chosen(&rules(1, 0, &[])), "words");
    let class = |hostclass: &str| Rules {
        hostclass: Some(hostclass.into()),
        ..rules(0, 0, &[])
    };
    assert_eq!(chosen(&class("mhcb")), "other");
    assert_eq!(chosen(&class("mhc*")), "");
    let line = Rules {
        product_line: Some("web".into()),
        ..rules(0, 0, &[])
    };
    assert_eq!(chosen(&line), "");
    let stage = Rules {
        stage: "*".into(),
        ..rules(0, 0, &[])
    };
    assert_eq!(chosen(&stage), "");
    let most = rules(u32::MAX, u32::MAX, &[]);
    assert_eq!(chosen(&most), "");
}

/// Or the newest images that can be used would go while broken ones take their places.
#[test]
fn images_that_cannot_be_used_are_not_kept_ones() {
    let old = 1_600_000_000;
    let images: Vec<Image> = [
        ("A", "available"),
        ("B", "failed"),
        ("C", "available"),
        ("D", "pending"),
        ("E", "invalid"),
    ]
    .into_iter()
    .zip(old..)
    .map(|((id, state), at)| {
        let mut own = named(id, &format!("mhca {at}"), "tested");
        own.state = state.to_owned();
        own
    })
    .collect();
    for (keep, age, excluded, wanted) in [
        (0, 14, &[][..], "A B C E"),
        (1, 14, &[][..], "A B E"),
        (2, 14, &[][..], "B E"),
        (2, 14, &["B"][..], "E"),
        (0, 2_000, &[][..], ""),
    ] {
        let chosen = select(images.clone(), &rules(keep, age, excluded), NOW);
        assert_eq!(ids(&chosen).join(" "), wanted, "--keep {keep} --age {age}");
    }
}

#[test]
fn what_is_in_use_is_named() {
    let images = [
        ("A", "mhca 1"),
        ("B", "mhcb 2"),
        ("C", "mhcc 3"),
        ("D", "mhcb 4"),
    ]
    .map(|(id, name)| named(id, name, "tested"));
    let users = ImageUsers {
        by_id: BTreeMap::from([("A".to_owned(), BTreeSet::from(["instance i-1".to_owned()]))]),
        unseen: BTreeSet::from(["mhcb".to_owned()]),
    };
    let (unused, kept) = spare(images.to_vec(), &users);
    assert_eq!(ids(&unused), ["C"]);
    assert_eq!(
        kept,
        [
            "= ami A (mhca 1) is kept: in use by instance i-1",
            "= amis of mhcb are kept: Elastigroups that cannot be seen may start from them; set SPOTINST_TOKEN to clean them up",
        ]
    );
}

fn any_images() -> impl Strategy<Value = Vec<Image>> {
    let day = 86_400;
    let one = (0..3usize, 0..40i64, 0..3usize, 0..6usize, 0..8usize);
    prop::collection::vec(one, 0..24).prop_map(move |all| {
        let image = |(index, (class, days, stage, shape, state)): (
            usize,
            (usize, i64, usize, usize, usize),
        )| {
            let at = NOW - days * day / 2;
            let name = match shape {
                0 => format!("mhc{class}"),
                1 => format!("mhc-{class} {at}"),
                2 => format!("mhc{class} 7 {at}"),
                _ => format!("mhc{class} {at}"),
            };
            let mut own = named(
                &format!("ami-{index:02}"),
                &name,
                ["tested", "untested", "failed"][stage],
            );
            if index % 3 == 0 {
                own.tags.insert(tag::PRODUCT_LINE.into(), "web".into());
            }
            own.state = ["failed", "invalid", "pending"]
                .get(state)
                .unwrap_or(&"available")
                .to_string();
            own
        };
        all.into_iter().enumerate().map(image).collect()
    })
}

proptest! {
    #[test]
    fn what_must_stay_stays_and_nothing_else(
        images in any_images(),
        keep in 0..4u32,
        age in 0..20u32,
        excluded in prop::collection::btree_set(0..24usize, 0..5),
        used in prop::collection::btree_set(0..24usize, 0..5),
        class in prop::option::of(0..3usize),
        line in prop::option::of(Just("web".to_owned())),
    ) {
        let id = |index: &usize| format!("ami-{index:02}");
        let rules = Rules {
            hostclass: class.map(|class| format!("mhc{class}")),
            product_line: line,
            excluded: excluded.iter().map(id).collect(),
            ..rules(keep, age, &[])
        };
        let users = ImageUsers {
            by_id: used.iter().map(|own| (id(own), BTreeSet::from(["instance i-1".to_owned()]))).collect(),
            unseen: BTreeSet::new(),
        };
        let (deleted, _) = spare(select(images.clone(), &rules, NOW), &users);
        let deleted: BTreeSet<&str> = deleted.iter().map(|own| own.id.as_str()).collect();
        for own in &images {
            let counts = |other: &&Image| {
                other.stage() == Some("tested") && other.is_baked() && !rules.excluded.contains(&other.id)
                    && (rules.product_line.is_none() || other.product_line() == Some("web"))
            };
            let of_class = images.iter().filter(counts).filter(|other| other.hostclass() == own.hostclass());
            let newer = of_class
                .filter(|other| other.state == "available")
                .filter(|other| (other.timestamp(), &other.id) > (own.timestamp(), &own.id))
                .count();
            let wanted = counts(&own)
                && rules.hostclass.as_deref().is_none_or(|class| class == own.hostclass())
                && match own.state.as_str() {
                    "available" => newer >= keep as usize,
                    state => state != "pending",
                }
                && own.timestamp() < NOW - i64::from(age) * 86_400
                && !users.by_id.contains_key(&own.id);
            prop_assert_eq!(deleted.contains(own.id.as_str()), wanted, "{}", own.id);
        }
    }
}
