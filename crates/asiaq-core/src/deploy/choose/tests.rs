//! The worked examples of spec 50, section 12, rule by rule, and what holds for all images.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

const PIPELINE: &str = "hostclass,deployable\nmhca,yes\nmhcb,no\nmhcc,yes\n";

/// `HOSTCLASS AT STAGE` and perhaps `private`; stage `-` is none. Its id is `HOSTCLASS@AT`.
fn image(text: &str) -> Image {
    let words: Vec<&str> = text.split(' ').collect();
    let mut tags = BTreeMap::new();
    if words[2] != "-" {
        tags.insert("stage".to_owned(), words[2].to_owned());
    }
    if words.contains(&"private") {
        tags.insert("is_private".to_owned(), "True".to_owned());
    }
    Image {
        id: format!("{}@{}", words[0], words[1]),
        name: format!("{} {}", words[0], words[1]),
        state: if words.contains(&"pending") {
            "pending"
        } else {
            "available"
        }
        .to_owned(),
        tags,
        root_device: None,
        devices: Vec::new(),
        creation_date: None,
    }
}

/// What is known, owned.
struct World {
    images: Vec<Image>,
    created: BTreeMap<String, DateTime<Utc>>,
    stages: Stages,
    pipeline: Option<Pipeline>,
    running: BTreeSet<String>,
}

impl World {
    fn new(images: &[&str], pipeline: Option<&str>, running: &[&str]) -> Self {
        let images: Vec<Image> = images.iter().map(|text| image(text)).collect();
        let time = |image: &Image| DateTime::from_timestamp(image.timestamp(), 0).unwrap();
        Self {
            created: images.iter().map(|i| (i.id.clone(), time(i))).collect(),
            images,
            stages: Stages::new(&["untested", "failed", "tested"].map(str::to_owned)),
            pipeline: pipeline.map(|text| Pipeline::parse("p.csv", text.as_bytes()).unwrap()),
            running: running.iter().map(|&id| id.to_owned()).collect(),
        }
    }

    /// The worked example.
    fn example(running: &[&str]) -> Self {
        let images = [
            "mhca 100 tested",
            "mhca 200 untested",
            "mhca 300 failed",
            "mhca 150 -",
            "mhcb 100 tested",
            "mhcb 50 untested",
            "mhcc 70 tested private",
            "mhcc 60 -",
            "mhcc 80 untested",
            "mhcd 90 untested",
        ];
        Self::new(&images, Some(PIPELINE), running)
    }

    fn known(&self) -> Known<'_> {
        Known {
            images: &self.images,
            created: &self.created,
            stages: &self.stages,
            pipeline: self.pipeline.as_ref(),
            running: &self.running,
        }
    }

    fn list(&self, kind: Kind, selection: &Selection) -> Vec<&str> {
        let found = self.known().list(kind, selection).into_iter();
        found.map(|own| own.image.id.as_str()).collect()
    }
}

fn of(hostclass: &str) -> Selection {
    Selection {
        hostclass: Some(hostclass.to_owned()),
        ..Selection::default()
    }
}

fn anywhere() -> Selection {
    Selection {
        any_hostclass: true,
        ..Selection::default()
    }
}

fn ami(id: &str) -> Selection {
    Selection {
        ami: Some(id.to_owned()),
        ..Selection::default()
    }
}

#[test]
fn the_worked_examples() {
    let all = Selection::default();
    let table: [(Kind, &Selection, &[&str], &[&str]); 13] = [
        (Kind::Tested, &all, &[], &["mhca@100", "mhcb@100"]),
        (
            Kind::Untested,
            &all,
            &[],
            &["mhca@200", "mhcb@50", "mhcc@80"],
        ),
        (Kind::Failed, &all, &[], &["mhca@300"]),
        (Kind::Testable, &all, &[], &["mhca@200", "mhcc@80"]),
        (Kind::Failures, &all, &[], &["mhca@300"]),
        (
            Kind::Updatable,
            &all,
            &["mhca@100"],
            &["mhca@150", "mhcc@60"],
        ),
        (Kind::Updatable, &all, &["mhca@150"], &["mhcc@60"]),
        (Kind::Updatable, &all, &[], &["mhca@150", "mhcc@60"]),
        (Kind::Testable, &of("mhcd"), &[], &["mhcd@90"]),
        (Kind::Updatable, &of("mhcb"), &[], &[]),
        (
            Kind::Testable,
            &anywhere(),
            &[],
            &["mhca@200", "mhcc@80", "mhcd@90"],
        ),
        // What runs counts, whichever image is asked for.
        (Kind::Updatable, &ami("mhca@150"), &["mhca@200"], &[]),
        (Kind::Updatable, &ami("mhca@150"), &["gone"], &["mhca@150"]),
    ];
    for (kind, selection, running, wanted) in table {
        let world = World::example(running);
        let found = world.list(kind, selection);
        assert_eq!(found, wanted, "{kind:?} {selection:?} {running:?}");
    }
}

#[test]
fn the_first_restriction_that_applies_counts() {
    let mut world = World::example(&[]);
    world.images.push(image("mhca 400 tested pending"));
    let count = |world: &World, selection: &Selection| world.known().candidates(selection).len();
    let both = Selection {
        ami: Some("mhcc@70".to_owned()),
        hostclass: Some("mhca".to_owned()),
        any_hostclass: true,
    };
    let table = [
        (both, 1),
        (ami("mhca@300"), 1),
        (ami("mhca@400"), 0),
        (ami("nonesuch"), 0),
        (of("mhca"), 4),
        (of("mhcd"), 1),
        (of("mhc"), 0),
        (anywhere(), 10),
        (Selection::default(), 9),
    ];
    for (selection, wanted) in &table {
        assert_eq!(count(&world, selection), *wanted, "{selection:?}");
    }
    world.pipeline = None;
    assert_eq!(count(&world, &Selection::default()), 0, "no pipeline");
    assert_eq!(count(&world, &anywhere()), 10);
    assert_eq!(world.list(Kind::Updatable, &anywhere()), [""; 0]);
}

#[test]
fn ties_unknown_times_and_private_images() {
    // Three words, and the first of equals.
    let mut same = World::new(&["mhca 1 tested", "mhca 2 tested"], None, &[]);
    for (place, name) in ["mhca 1 100", "mhca 2 100"].into_iter().enumerate() {
        same.images[place] = Image {
            id: name.replace(' ', "-"),
            name: name.to_owned(),
            ..image("mhca 0 tested")
        };
        let time = DateTime::from_timestamp(100, 0).unwrap();
        same.created.insert(name.replace(' ', "-"), time);
    }
    assert_eq!(same.list(Kind::Tested, &anywhere()), ["mhca-1-100"]);
    same.created.remove("mhca-1-100");
    assert_eq!(same.list(Kind::Tested, &anywhere()), ["mhca-2-100"]);

    // Tested and untagged of one time: the tested one, and it runs already.
    let images = ["mhca 100 -", "mhca 100 tested"];
    let mut world = World::new(&images, Some(PIPELINE), &[]);
    world.images[0].id = "untagged".to_owned();
    let time = world.created["mhca@100"];
    world.created.insert("untagged".to_owned(), time);
    assert_eq!(world.list(Kind::Updatable, &anywhere()), ["mhca@100"]);
    world.running.insert("mhca@100".to_owned());
    assert_eq!(world.list(Kind::Updatable, &anywhere()), [""; 0]);

    // A private image that runs does not keep a public one back.
    let images = ["mhca 300 tested private", "mhca 200 tested"];
    let world = World::new(&images, Some(PIPELINE), &["mhca@300"]);
    assert_eq!(world.list(Kind::Updatable, &anywhere()), ["mhca@200"]);
    assert!(world.known().running().is_empty());
}

#[test]
fn of_several_rows_the_last_counts() {
    let text = "hostclass,deployable\nmhca,yes\nmhca,no\n,yes\n";
    let world = World::new(&["mhca 100 tested"], Some(text), &[]);
    assert_eq!(world.list(Kind::Updatable, &anywhere()), [""; 0]);
    let pipeline = world.pipeline.as_ref().unwrap();
    assert_eq!(row(pipeline, "mhca").unwrap().line, 3);
    assert_eq!(hostclasses(pipeline), ["mhca"]);
    assert!(row(pipeline, "").is_none());
}

#[test]
fn every_candidate_has_the_same_chance() {
    let mut random = StdRng::seed_from_u64(7);
    let candidates = ["a", "b", "c", "d"];
    let mut counts = BTreeMap::new();
    for _ in 0..4000 {
        *counts
            .entry(*pick(&candidates, &mut random).unwrap())
            .or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 4);
    assert!(
        counts.values().all(|count| (850..1150).contains(count)),
        "{counts:?}"
    );
    assert_eq!(pick::<u8>(&[], &mut random), None);
}

proptest! {
    /// Whatever there is: lists hold one available, public image of their stage per hostclass, the newest one, and what is
    /// to be tested or brought into service is newer than what was.
    #[test]
    fn lists_hold_what_they_promise(
        images in prop::collection::vec((0..3usize, 1..40i64, 0..4usize, any::<bool>(), any::<bool>()), 0..25),
        running in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let texts: Vec<String> = images.iter().map(|(hostclass, at, stage, private, pending)| {
            let stage = ["untested", "tested", "failed", "-"][*stage];
            let extra = [("private", private), ("pending", pending)];
            let extra: String = extra.iter().filter(|(_, on)| **on).map(|(word, _)| format!(" {word}")).collect();
            format!("mhc{} {at} {stage}{extra}", ["a", "b", "c"][*hostclass])
        }).collect();
        let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let name = |text: &str| text.split(' ').take(2).collect::<String>();
        texts.sort_by_key(|text| name(text));
        texts.dedup_by_key(|text| name(text));
        let mut world = World::new(&texts, Some(PIPELINE), &[]);
        if !world.images.is_empty() {
            world.running = running.iter().map(|i| i.get(&world.images).id.clone()).collect();
        }
        let known = world.known();
        let all = Selection::default();
        let newest = |hostclass: &str, stage: Option<&str>| {
            let fits = |i: &&Image| {
                i.hostclass() == hostclass && i.stage() == stage && !i.is_private() && i.state == "available"
            };
            world.images.iter().filter(fits).map(Image::timestamp).max()
        };
        for (kind, stage, limit) in [
            (Kind::Tested, "tested", None),
            (Kind::Untested, "untested", None),
            (Kind::Failed, "failed", None),
            (Kind::Testable, "untested", Some("tested")),
            (Kind::Failures, "failed", Some("tested")),
        ] {
            let found = known.list(kind, &all);
            for hostclass in ["mhca", "mhcb", "mhcc"] {
                let own: Vec<i64> = found.iter().filter(|d| d.image.hostclass() == hostclass)
                    .map(|d| d.image.timestamp()).collect();
                let best = newest(hostclass, Some(stage));
                let old = limit.and_then(|limit| newest(hostclass, Some(limit)));
                let wanted: Vec<i64> = best.filter(|best| old.is_none_or(|old| *best > old)).into_iter().collect();
                prop_assert_eq!(own, wanted, "{:?} {}", kind, hostclass);
            }
        }
        let runs = known.running();
        for own in known.list(Kind::Updatable, &all) {
            let hostclass = own.image.hostclass();
            prop_assert_ne!(hostclass, "mhcb");
            prop_assert!(!own.image.is_private());
            prop_assert!(matches!(own.image.stage(), None | Some("tested")));
            prop_assert!(runs.get(hostclass).is_none_or(|old| own.created > old.created));
        }
    }
}
