#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::image::tests::image;
use proptest::prelude::*;

#[test]
fn which_files_go_into_which_images() {
    for (path, yes, no) in [
        ("init/phase2.sh", "mhcx mhcy", ""),
        ("init/common.sh", "mhcx mhcy", ""),
        ("init/al2023_phase2.sh", "mhcx", ""),
        ("init/lib/fetch.sh", "mhcx", ""),
        ("init/mhcx.sh", "mhcx", "mhcy mhcx2"),
        ("init/mhcx2.sh", "mhcx2", "mhcx"),
        ("init/kiwi.sh", "kiwi mhcx", ""),
        ("init/phase1.sh", "", "mhcx"),
        ("init/debian12_phase1.sh", "", "mhcx"),
        ("init/template.sh", "", "mhcx"),
        ("init/README.md", "", "mhcx"),
        ("init/.mhcx.sh.swp", "", "mhcx"),
        ("init/common.sh~", "", "mhcx"),
        ("discoroot/acfg.metadata", "mhcx mhcy", ""),
        ("discoroot/etc/motd", "mhcx mhcy", ""),
        ("discoroot/etc/motd~mhcx", "mhcx", "mhcy mhcx2"),
        ("discoroot/etc/motd~", "", "mhcx"),
        ("discoroot/etc/motd~mhcx~old", "", "mhcx"),
        ("discoroot/a~mhcx/motd", "mhcy", ""),
        ("pipelines/ci.csv", "", "mhcx"),
        ("init", "", "mhcx"),
    ] {
        for hostclass in yes.split_whitespace() {
            assert!(concerns(path, hostclass), "{path} of {hostclass}");
        }
        for hostclass in no.split_whitespace() {
            assert!(!concerns(path, hostclass), "{path} not of {hostclass}");
        }
    }
}

#[test]
fn the_newest_image_that_others_would_take_counts() {
    let images = [
        image("mhcx 1700000100", Some("tested"), None, "available"),
        image(
            "mhcx 1700000200",
            Some("untested"),
            Some("False"),
            "available",
        ),
        image("mhcx 1700000300", Some("failed"), None, "available"),
        image(
            "mhcx 1700000400",
            Some("untested"),
            Some("True"),
            "available",
        ),
        image("mhcx 1700000500", Some("untested"), None, "pending"),
        image("mhcx 1700000600", Some("untested"), None, "failed"),
        image("mhcxy 1700000700", Some("tested"), None, "available"),
        image("mhcy 1700000100", Some("untested"), None, "available"),
        // Of a trusted account: its tags cannot be seen.
        image("mhcy 1700000200", None, None, "available"),
        image("mhcw 1700000100", None, None, "available"),
        image("mhcz 1700000100", Some("failed"), None, "available"),
    ];
    for (hostclass, expected) in [
        ("mhcx", Some("mhcx 1700000200")),
        ("mhcy", Some("mhcy 1700000100")),
        ("mhcz", None),
        ("mhcw", None),
        ("mhc", None),
    ] {
        let found = newest(&images, hostclass).map(|image| image.name.as_str());
        assert_eq!(found, expected, "{hostclass}");
    }
}

fn made(at: i64) -> Made<'static> {
    Made {
        id: "ami-1",
        name: "mhcx 1",
        at,
        source: None,
    }
}

fn base(at: i64) -> Made<'static> {
    Made {
        id: "ami-b",
        name: "base 90",
        at,
        source: None,
    }
}

fn files(pairs: &[(&str, i64)]) -> Vec<Changed> {
    let file = |(path, at): &(&str, i64)| Changed {
        path: (*path).to_owned(),
        at: *at,
    };
    pairs.iter().map(file).collect()
}

#[test]
fn an_image_is_stale_if_anything_in_it_is_newer() {
    let own = "init/mhcx.sh";
    let keep = "= mhcx: ami-1 is newer than everything it is made from";
    for (image, base_at, changes, line) in [
        (None, 90, &[][..], "+ bake mhcx: there is no image"),
        (Some(100), 90, &[(own, 99)][..], keep),
        (Some(100), 100, &[(own, 100)][..], keep),
        (
            Some(100),
            101,
            &[(own, 200)][..],
            "+ bake mhcx: base image base 90 (ami-b) is newer",
        ),
        (
            Some(100),
            90,
            &[(own, 101)][..],
            "+ bake mhcx: init/mhcx.sh is newer",
        ),
        (
            Some(100),
            90,
            &[("init/mhcy.sh", 101), ("discoroot/a~mhcy", 500)][..],
            keep,
        ),
        (
            Some(100),
            90,
            &[
                (own, 101),
                ("discoroot/b", 103),
                ("discoroot/a", 103),
                ("discoroot/c~mhcy", 900),
            ][..],
            "+ bake mhcx: discoroot/a is newer, and 2 more",
        ),
    ] {
        let verdict = judge("mhcx", image.map(made), base(base_at), &files(changes));
        assert_eq!(verdict.line("mhcx"), line);
        assert_eq!(verdict.is_bake(), line.starts_with('+'));
    }
}

/// Times of base images count for images only that do not say what they were made from.
#[test]
fn an_image_of_another_base_is_stale_whatever_is_newer() {
    let own = [("init/mhcx.sh", 101)];
    let keep = "= mhcx: ami-1 is newer than everything it is made from";
    let other = "+ bake mhcx: made from ami-a and not from base image base 90 (ami-b)";
    for (source, base_at, changes, line) in [
        // Promoted after the bake, or the one before it that counts again.
        (Some("ami-a"), 90, &[][..], other),
        (Some("ami-a"), 101, &[][..], other),
        (Some("ami-a"), 90, &own[..], other),
        (Some("ami-b"), 90, &[][..], keep),
        (Some("ami-b"), 101, &[][..], keep),
        (
            Some("ami-b"),
            90,
            &own[..],
            "+ bake mhcx: init/mhcx.sh is newer",
        ),
        (None, 90, &[][..], keep),
        (
            None,
            101,
            &[][..],
            "+ bake mhcx: base image base 90 (ami-b) is newer",
        ),
    ] {
        let image = Made {
            source,
            ..made(100)
        };
        let verdict = judge("mhcx", Some(image), base(base_at), &files(changes));
        assert_eq!(verdict.line("mhcx"), line, "{source:?} {base_at}");
    }
}

fn some_files() -> impl Strategy<Value = Vec<(String, i64)>> {
    let path = prop_oneof![
        Just("init/phase2.sh".to_owned()),
        "init/mhc[xyz].sh",
        "init/[a-z]{1,5}_phase[12].sh",
        "discoroot/[a-c]{1,2}(/[a-c])?(~mhc[xyz])?",
    ];
    prop::collection::vec((path, 0..200_i64), 0..8)
}

proptest! {
    #[test]
    fn a_kept_image_is_newer_than_each_of_its_parts(image in 0..200_i64, base_at in 0..200_i64, changes in some_files()) {
        let list: Vec<Changed> = changes.iter().map(|(path, at)| Changed { path: path.clone(), at: *at }).collect();
        let verdict = judge("mhcx", Some(made(image)), base(base_at), &list);
        let is_newer = |file: &Changed| file.at > image && concerns(&file.path, "mhcx");
        prop_assert_eq!(verdict.is_bake(), base_at > image || list.iter().any(is_newer));
        // What is of another hostclass never matters.
        let own: Vec<Changed> = list.iter().filter(|file| concerns(&file.path, "mhcx")).cloned().collect();
        prop_assert_eq!(&judge("mhcx", Some(made(image)), base(base_at), &own), &verdict);
        // An image that is baked now is fresh: nothing is baked twice.
        let latest = list.iter().map(|file| file.at).chain([base_at]).max().unwrap();
        prop_assert!(!judge("mhcx", Some(made(latest)), base(base_at), &list).is_bake());
    }
}
