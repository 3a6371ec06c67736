#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::record::tests::snapshot;
use super::*;
use chrono::TimeDelta;
use proptest::prelude::*;

const NOW: &str = "2026-03-10T12:00:00Z";

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

/// A snapshot so many hours old.
fn aged(id: &str, bucket: (&str, &str), hours: i64) -> SnapshotRecord {
    let mut own = snapshot(id, bucket.0, bucket.1, NOW);
    own.start_time -= TimeDelta::hours(hours);
    own
}

/// A snapshot of `mhcdb` in `ci` at that time in March.
fn at(id: &str, day_and_time: &str) -> SnapshotRecord {
    snapshot(id, "mhcdb", "ci", &format!("2026-03-{day_and_time}:00Z"))
}

fn described(id: &str, description: &str) -> SnapshotRecord {
    let mut own = aged(id, ("", ""), 1);
    own.description = description.into();
    own
}

fn run(snapshots: &[SnapshotRecord], options: Options) -> Selection {
    run_in(snapshots, options, &Surroundings::default())
}

fn run_in(snapshots: &[SnapshotRecord], options: Options, around: &Surroundings) -> Selection {
    select(snapshots, around, Rules::new(options).unwrap(), now())
}

fn options() -> Options {
    Options::default()
}

fn used(id: &str, by: &str) -> Surroundings {
    Surroundings {
        images: BTreeSet::new(),
        users: BTreeMap::from([(id.to_owned(), BTreeSet::from([by.to_owned()]))]),
        unseen: BTreeSet::new(),
    }
}

#[test]
fn what_the_options_mean() {
    let rules = |options| Rules::new(options).unwrap();
    let all = rules(options());
    assert_eq!(
        (
            all.stray_ami,
            all.no_metadata,
            all.keep_days,
            all.keep_num,
            all.max_per_day
        ),
        (true, true, Some(100), Some(5), None)
    );
    let old = rules(Options {
        old: true,
        ..options()
    });
    assert_eq!(
        (old.stray_ami, old.no_metadata, old.keep_days, old.keep_num),
        (false, false, Some(100), None)
    );
    let days = rules(Options {
        old: true,
        keep_days: Some(7),
        ..options()
    });
    assert_eq!(days.keep_days, Some(7));
    let none = rules(Options {
        max_per_day: Some(0),
        ..options()
    });
    assert_eq!((none.keep_days, none.max_per_day), (None, Some(0)));
    for number in [0, -3] {
        let error = Rules::new(Options {
            keep_num: Some(number),
            ..options()
        });
        assert!(error.unwrap_err().to_string().contains("at least 1"));
    }
}

#[test]
fn age_counts_in_whole_days() {
    let by_days = Options {
        keep_days: Some(11),
        ..options()
    };
    let young = aged("snap-1", ("mhcdb", "ci"), 11 * 24 + 23);
    assert_eq!(run(&[young], by_days), Selection::default());
    let old = aged("snap-2", ("", ""), 12 * 24);
    let found = run(&[old], by_days);
    assert_eq!(found.purge, ["snap-2"], "also without tags");
    assert_eq!(
        found.lines,
        ["Deleting old (12 > 11 days) snapshot: snap-2"]
    );
    let found = run(
        &[aged("snap-3", ("", ""), 24)],
        Options {
            keep_days: Some(0),
            ..options()
        },
    );
    assert_eq!(found.lines, ["Deleting old (1 > 0 days) snapshot: snap-3"]);
}

#[test]
fn most_of_a_day() {
    let all = [
        at("snap-4", "09T02:00"),
        at("snap-2", "08T09:00"),
        at("snap-1", "08T01:00"),
        at("snap-3", "09T01:00"),
    ];
    let found = run(
        &all,
        Options {
            max_per_day: Some(1),
            ..options()
        },
    );
    assert_eq!(found.purge, ["snap-1"]);
    assert_eq!(
        found.lines,
        [
            "Deleting 1 snapshots [Snapshot:snap-1] for hostclass/env mhcdb_ci to keep no more than 1 of 2 snapshots on 2026-03-08"
        ]
    );
    let found = run(
        &all,
        Options {
            max_per_day: Some(0),
            ..options()
        },
    );
    assert_eq!(found.purge, ["snap-1", "snap-2"], "all of days that count");
    assert!(found.lines[0].starts_with("Deleting 2 snapshots [Snapshot:snap-1, Snapshot:snap-2] "));
    // The last moment of a day that counts, and the first of one that does not.
    let edge = [at("snap-1", "08T23:59"), at("snap-2", "09T00:00")];
    assert_eq!(
        run(
            &edge,
            Options {
                max_per_day: Some(0),
                ..options()
            }
        )
        .purge,
        ["snap-1"]
    );
    let mut other = at("snap-5", "08T02:00");
    other.env = "prod".into();
    let untracked = snapshot("snap-6", "mhcdb", "", "2026-03-08T03:00:00Z");
    let found = run(
        &[at("snap-1", "08T01:00"), other, untracked],
        Options {
            max_per_day: Some(1),
            ..options()
        },
    );
    assert_eq!(
        found,
        Selection::default(),
        "each bucket for itself, and only tracked ones"
    );
}

#[test]
fn the_newest_stay() {
    let days = |days: i64| aged(&format!("snap-{days}"), ("mhcdb", "ci"), days * 24);
    let options = Options {
        keep_days: Some(5),
        keep_num: Some(2),
        ..options()
    };
    let found = run(&[days(10), days(30), days(20)], options);
    assert_eq!(found.purge, ["snap-30"]);
    assert_eq!(
        found.lines,
        [
            "Deleting old (30 > 5 days) snapshot: snap-30",
            "Deleting old (20 > 5 days) snapshot: snap-20",
            "Deleting old (10 > 5 days) snapshot: snap-10",
            "Keeping last 2 snapshots (snap-20, snap-10) for hostclass mhcdb in environment ci",
        ]
    );
    let crowded = [
        at("snap-1", "03T01:00"),
        at("snap-2", "03T02:00"),
        at("snap-3", "03T03:00"),
        at("snap-4", "10T01:00"),
    ];
    let found = run(
        &crowded,
        Options {
            max_per_day: Some(1),
            keep_num: Some(4),
            ..Options::default()
        },
    );
    assert!(found.purge.is_empty());
    let found = run(
        &crowded,
        Options {
            keep_num: Some(3),
            ..Options::default()
        },
    );
    assert_eq!(
        (found.purge.len(), found.lines.as_slice()),
        (0, ["Keeping last 3 snapshots (snap-2, snap-3, snap-4) for hostclass mhcdb in environment ci".to_owned()].as_slice())
    );
}

#[test]
fn snapshots_of_images_that_are_gone() {
    let created = |id: &str, image: &str| {
        described(
            id,
            &format!("Created by CreateImage(i-0abc) for {image} from vol-1"),
        )
    };
    let copied = |id: &str, image: &str| {
        let text = format!(
            "Copied for DestinationAmi {image} from SourceAmi ami-0bad for SourceSnapshot snap-9. Task created on 1,700,000,000,000."
        );
        described(id, &text)
    };
    let all = [
        created("snap-1", "ami-0aa"),
        created("snap-2", "ami-0bb"),
        copied("snap-3", "ami-0aa"),
        copied("snap-4", "ami-0cc"),
        described("snap-5", "Created by CreateImage(i-0abc) for a friend"),
        described("snap-6", "Copied for DestinationAmi ami-0dd"),
        described(
            "snap-7",
            "ami-0dd Created by CreateImage(i-0abc) for ami-0aa",
        ),
        described("snap-8", "Copied snapshot of ami-0dd"),
    ];
    let mut around = Surroundings {
        images: BTreeSet::from(["ami-0aa".to_owned()]),
        ..Surroundings::default()
    };
    let stray = Options {
        stray_ami: true,
        ..options()
    };
    let found = run_in(&all, stray, &around);
    assert_eq!(
        found.purge,
        ["snap-2", "snap-4", "snap-7"],
        "the first image in the text decides"
    );
    assert_eq!(found.lines[1], "Deleting stray ami snapshot: snap-4");
    around.users.insert(
        "snap-2".into(),
        BTreeSet::from(["image ami-0ee".to_owned()]),
    );
    let found = run_in(&all, stray, &around);
    assert_eq!(found.purge, ["snap-4", "snap-7"]);
    assert_eq!(
        found.in_use,
        ["snapshot snap-2 stays: it is in use by image ami-0ee"]
    );
    // Rules for other snapshots leave those of images alone, however old they are and whatever their tags.
    let mut old = created("snap-9", "ami-0bb");
    old.start_time -= TimeDelta::days(1000);
    (old.hostclass, old.env) = ("mhcdb".into(), "ci".into());
    let rules = Options {
        keep_days: Some(1),
        max_per_day: Some(0),
        no_metadata: true,
        keep_num: Some(1),
        ..options()
    };
    assert_eq!(run(&[old], rules), Selection::default());
}

#[test]
fn snapshots_that_say_nothing() {
    let mut tagged = aged("snap-2", ("", ""), 1);
    tagged.tags.insert("Name".into(), String::new());
    let all = [
        aged("snap-1", ("", ""), 1),
        tagged,
        described("snap-3", "by hand"),
    ];
    let found = run(
        &all,
        Options {
            no_metadata: true,
            ..options()
        },
    );
    assert_eq!(
        (found.purge, found.lines.len()),
        (vec!["snap-1".to_owned()], 0)
    );
}

#[test]
fn several_rules_select_a_snapshot_once() {
    let rules = Options {
        no_metadata: true,
        keep_days: Some(3),
        ..options()
    };
    let found = run(&[aged("snap-1", ("", ""), 1000)], rules);
    assert_eq!(found.purge, ["snap-1"]);
}

#[test]
fn what_is_in_use_or_unfinished_stays() {
    let old = aged("snap-1", ("mhcdb", "ci"), 5000);
    let all = [old.clone(), aged("snap-2", ("mhcdb", "ci"), 4000)];
    let around = used("snap-1", "launch template ci_mhcdb_7 of group ci_mhcdb_1");
    let rules = Options {
        keep_days: Some(1),
        max_per_day: Some(0),
        ..options()
    };
    let found = run_in(&all, rules, &around);
    assert_eq!(found.purge, ["snap-2"]);
    assert_eq!(
        found.in_use,
        ["snapshot snap-1 stays: it is in use by launch template ci_mhcdb_7 of group ci_mhcdb_1"]
    );
    assert!(
        found.lines.iter().all(|line| !line.contains("snap-1")),
        "{:?}",
        found.lines
    );
    let kept = run_in(
        &all,
        Options {
            keep_num: Some(2),
            ..rules
        },
        &around,
    );
    assert!(kept.in_use.is_empty(), "it would stay anyway");
    let pending = SnapshotRecord {
        status: "pending".into(),
        ..old
    };
    assert!(run(&[pending], rules).purge.is_empty());
}

#[test]
fn only_completed_ones_count_as_kept() {
    let status = |id: &str, days: i64, status: &str| SnapshotRecord {
        status: status.into(),
        ..aged(id, ("mhcdb", "ci"), days * 24)
    };
    let all = [
        status("snap-1", 40, "completed"),
        status("snap-2", 30, "completed"),
        status("snap-3", 20, "error"),
        status("snap-4", 0, "pending"),
    ];
    let rules = Options {
        keep_days: Some(10),
        keep_num: Some(1),
        ..options()
    };
    let found = run(&all, rules);
    assert_eq!(found.purge, ["snap-1", "snap-3"]);
    assert_eq!(
        found.lines.last().unwrap(),
        "Keeping last 1 snapshots (snap-2) for hostclass mhcdb in environment ci"
    );
    assert_eq!(run(&all[2..], rules).lines.len(), 1, "nothing to keep");
}

#[test]
fn what_elastigroups_that_nobody_sees_may_need_stays() {
    let days = |id: &str, env: &str, days: i64| aged(id, ("mhcdb", env), days * 24);
    let all = [
        days("snap-1", "ci", 40),
        days("snap-2", "ci", 30),
        days("snap-3", "prod", 40),
        days("snap-4", "ci", 1),
    ];
    let around = Surroundings {
        unseen: BTreeSet::from([("mhcdb".to_owned(), "ci".to_owned())]),
        ..Surroundings::default()
    };
    let rules = Options {
        keep_days: Some(10),
        ..options()
    };
    let found = run_in(&all, rules, &around);
    assert_eq!(found.purge, ["snap-3"]);
    assert_eq!(found.in_use.len(), 1, "{:?}", found.in_use);
    assert!(found.in_use[0].starts_with("snapshots of mhcdb in ci stay: "));
    let kept = Options {
        keep_num: Some(3),
        ..rules
    };
    assert!(run_in(&all, kept, &around).in_use.is_empty());
}

fn any_snapshot(index: usize) -> impl Strategy<Value = SnapshotRecord> {
    let description = prop_oneof![
        4 => Just(String::new()),
        1 => Just("Created by CreateImage(i-1) for ami-1".to_owned()),
        1 => Just("Created by CreateImage(i-1) for ami-2".to_owned()),
        1 => Just("Copied for DestinationAmi ami-2 from SourceAmi ami-1 for SourceSnapshot snap-1".to_owned()),
        1 => Just("by hand".to_owned()),
    ];
    let bucket = prop::sample::select(vec![
        ("", ""),
        ("mhcdb", "ci"),
        ("mhcdb", "prod"),
        ("mhcdb", ""),
        ("mhcmq", "ci"),
    ]);
    let status = prop::sample::select(vec![
        "completed",
        "completed",
        "completed",
        "pending",
        "error",
    ]);
    (0..24 * 12i64, bucket, description, status).prop_map(
        move |(hours, bucket, description, status)| {
            let mut own = aged(&format!("snap-{index:02}"), bucket, hours);
            own.description = description;
            own.status = status.into();
            own
        },
    )
}

fn any_snapshots() -> impl Strategy<Value = Vec<SnapshotRecord>> {
    (0..20usize).prop_flat_map(|count| (0..count).map(any_snapshot).collect::<Vec<_>>())
}

fn any_options() -> impl Strategy<Value = Options> {
    let rules = (any::<bool>(), any::<bool>(), any::<bool>());
    let numbers = (
        prop::option::of(0..12u32),
        prop::option::of(1..4i64),
        prop::option::of(0..3u32),
    );
    (rules, numbers).prop_map(
        |((stray_ami, no_metadata, old), (keep_days, keep_num, max_per_day))| Options {
            stray_ami,
            no_metadata,
            old,
            keep_days,
            keep_num,
            max_per_day,
        },
    )
}

/// Says in other words whether a rule lets a snapshot go.
fn may_go(own: &SnapshotRecord, all: &[SnapshotRecord], rules: Rules) -> bool {
    let of_image = own.description.contains("Image(") || own.description.starts_with("Copied");
    let stray = rules.stray_ami && of_image && own.description.contains("ami-2");
    let bare = rules.no_metadata
        && own.description.is_empty()
        && own.hostclass.is_empty()
        && own.env.is_empty();
    let minutes = (now() - own.start_time).num_minutes();
    let old = !of_image
        && rules
            .keep_days
            .is_some_and(|days| minutes >= (i64::from(days) + 1) * 24 * 60);
    let tracked = |own: &SnapshotRecord| {
        let of_image = own.description.contains("Image(") || own.description.starts_with("Copied");
        !of_image && !own.hostclass.is_empty() && !own.env.is_empty()
    };
    let newer = |other: &&SnapshotRecord| {
        tracked(other)
            && (&other.hostclass, &other.env) == (&own.hostclass, &own.env)
            && (other.start_time, &other.id) > (own.start_time, &own.id)
    };
    let newer_that_day = all
        .iter()
        .filter(newer)
        .filter(|other| other.start_time.date_naive() == own.start_time.date_naive())
        .count();
    let counted_day = own.start_time < "2026-03-09T00:00:00Z".parse::<DateTime<Utc>>().unwrap();
    let crowded = tracked(own)
        && counted_day
        && rules
            .max_per_day
            .is_some_and(|most| newer_that_day >= most as usize);
    let newer_completed = all
        .iter()
        .filter(newer)
        .filter(|other| other.status == "completed")
        .count();
    let kept = tracked(own)
        && own.status == "completed"
        && rules
            .keep_num
            .is_some_and(|number| newer_completed < number);
    (stray || bare || old || crowded) && !kept && !own.is_pending()
}

proptest! {
    #[test]
    fn exactly_what_the_rules_allow_goes(all in any_snapshots(), options in any_options(), in_use in prop::collection::btree_set(0..20usize, 0..5)) {
        let rules = Rules::new(options).unwrap();
        let users: BTreeMap<String, BTreeSet<String>> = in_use
            .iter()
            .map(|index| (format!("snap-{index:02}"), BTreeSet::from(["launch template t".to_owned()])))
            .collect();
        let around = Surroundings { images: BTreeSet::from(["ami-1".to_owned()]), users, unseen: BTreeSet::new() };
        let found = select(&all, &around, rules, now());
        let gone: BTreeSet<&String> = found.purge.iter().collect();
        prop_assert_eq!(gone.len(), found.purge.len(), "each once");
        for own in &all {
            let wanted = may_go(own, &all, rules) && !around.users.contains_key(&own.id);
            prop_assert_eq!(gone.contains(&own.id), wanted, "{:?} {:?}", own, rules);
        }
        let mut reversed = all.clone();
        reversed.reverse();
        prop_assert_eq!(select(&reversed, &around, rules, now()), found, "the order of the listing does not matter");
    }

    #[test]
    fn any_description_can_be_read(text in ".{0,60}", tail in "(ami-|i-|\\)| for |é)*") {
        let text = format!("{text}Created by CreateImage({tail}");
        let _ = image_of(&text);
        let _ = image_of(&format!("Copied for DestinationAmi {tail}"));
    }
}
