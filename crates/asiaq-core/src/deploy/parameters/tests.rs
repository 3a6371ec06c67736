//! Every rule of spec 50, sections 13.1 and 13.2, with the worked examples.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::Strategy;
use super::*;
use crate::aws::Tags;
use crate::config::ini::Ini;
use crate::group::LaunchRef;
use proptest::prelude::*;

const HEADER: &str =
    "hostclass,desired_size,min_size,max_size,deployable,integration_test,spotinst\n";

fn config(text: &str) -> DiscoAws {
    DiscoAws::from_ini(Ini::parse("disco_aws.ini", text.as_bytes()).unwrap())
}

fn pipeline(rows: &str) -> Pipeline {
    Pipeline::parse("p.csv", format!("{HEADER}{rows}").as_bytes()).unwrap()
}

fn image() -> Image {
    Image {
        id: "ami-1".to_owned(),
        name: "mhcapp 1700000000".to_owned(),
        state: "available".to_owned(),
        tags: Tags::new(),
        root_device: None,
        devices: Vec::new(),
        creation_date: None,
    }
}

/// A group of three sizes: desired, min, max.
fn group(name: &str, kind: Kind, sizes: (i32, i32, i32), testing: Option<&str>) -> Group {
    let testing = testing.map(|value| ("is_testing".to_owned(), value.to_owned()));
    Group {
        name: name.to_owned(),
        kind,
        min_size: sizes.1,
        max_size: sizes.2,
        desired_capacity: sizes.0,
        launch: LaunchRef::None,
        mixed_instances: false,
        launch_config_name: None,
        image_id: None,
        termination_policies: Vec::new(),
        vpc_zone_identifier: String::new(),
        load_balancers: Vec::new(),
        target_groups: Vec::new(),
        tags: testing.into_iter().collect(),
        instances: Vec::new(),
        deleting: false,
        spot: None,
    }
}

/// What is asked for, owned.
struct Asked {
    config: DiscoAws,
    pipeline: Pipeline,
    image: Image,
    groups: Vec<Group>,
}

impl Asked {
    fn new(config_text: &str, rows: &str, groups: &[Group]) -> Self {
        Self {
            config: config(config_text),
            pipeline: pipeline(rows),
            image: image(),
            groups: groups.to_vec(),
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            config: &self.config,
            env: "ci",
            pipeline: &self.pipeline,
            image: &self.image,
            groups: &self.groups,
            spotinst: false,
            is_update: false,
            strategy: None,
            deployable: None,
        }
    }
}

fn sized(rows: &str, old: Option<(i32, i32, i32)>) -> (u32, u32, u32) {
    let old = old.map(|sizes| group("ci_mhcapp_1", Kind::Asg, sizes, Some("0")));
    let asked = Asked::new("", rows, old.as_slice());
    let made = deployment(&asked.request()).unwrap();
    (made.desired, made.min, made.max)
}

#[test]
fn the_worked_examples_of_sizes() {
    let table = [
        ("mhcapp,2@0 6 * * *:9@0 18 * * *,,\n", None, (9, 0, 9)),
        ("mhcapp,0,0,0\n", None, (1, 0, 1)),
        ("mhcapp,3,2,5\n", None, (3, 2, 5)),
        ("mhcapp,2,,\n", Some((4, 1, 8)), (4, 1, 8)),
        // Nothing in the row, no row, blank cells.
        ("mhcapp\n", None, (1, 0, 1)),
        ("mhcother,7,7,7\n", None, (1, 0, 1)),
        ("mhcapp,,,\n", None, (1, 0, 1)),
        ("mhcapp,,1@0 6 * * *:4@0 18 * * *,6\n", None, (1, 1, 6)),
        // There is always a host to test.
        ("mhcapp,2,,\n", Some((0, 0, 0)), (1, 0, 1)),
        ("mhcapp,2,,\n", Some((0, 0, 5)), (1, 0, 5)),
    ];
    for (rows, old, wanted) in table {
        assert_eq!(sized(rows, old), wanted, "{rows} {old:?}");
    }
}

#[test]
fn deployable_and_tests() {
    let yes = "mhcapp,,,,yes,app_all\n";
    let table = [
        (yes, None, true, Some("app_all")),
        (yes, Some(false), false, Some("app_all")),
        ("mhcapp,,,,no,\n", None, false, None),
        ("mhcapp,,,,,  \n", None, false, None),
        ("mhcapp\n", None, false, None),
        ("mhcapp\n", Some(true), true, None),
        ("mhcother,,,,yes,x\n", None, false, None),
        ("mhcother,,,,yes,x\n", Some(true), true, None),
        (
            "mhcapp,,,,no,old\nmhcapp,,,,yes,new\n",
            None,
            true,
            Some("new"),
        ),
    ];
    for (rows, given, deployable, test) in table {
        let asked = Asked::new("", rows, &[]);
        let request = Request {
            deployable: given,
            ..asked.request()
        };
        let made = deployment(&request).unwrap();
        assert_eq!(made.deployable, deployable, "{rows} {given:?}");
        assert_eq!(made.integration_test.as_deref(), test, "{rows}");
        let update = Request {
            is_update: true,
            ..request
        };
        let has_row = rows.contains("mhcapp");
        assert_eq!(deployment(&update).is_ok(), has_row, "{rows}");
    }
    let asked = Asked::new("", "mhcother\n", &[]);
    let update = Request {
        is_update: true,
        ..asked.request()
    };
    let error = deployment(&update).unwrap_err().to_string();
    assert!(
        error.starts_with("Pipeline Dictionary is not defined"),
        "{error}"
    );
}

#[test]
fn the_group_that_serves() {
    let asg = |name: &str, testing| group(name, Kind::Asg, (1, 0, 2), testing);
    let spot = |name: &str, testing| group(name, Kind::Spot, (1, 0, 2), testing);
    type Row<'a> = (&'a [Group], Result<Option<&'a str>, &'a str>);
    let table: [Row<'_>; 10] = [
        (&[], Ok(None)),
        (&[asg("ci_mhcapp_1", None)], Ok(Some("ci_mhcapp_1"))),
        (&[asg("ci_mhcapp_1", Some("0"))], Ok(Some("ci_mhcapp_1"))),
        (&[asg("ci_mhcapp_1", Some("1"))], Ok(None)),
        (
            &[asg("ci_mhcapp_1", Some("0")), asg("ci_mhcapp_2", Some("1"))],
            Ok(Some("ci_mhcapp_1")),
        ),
        (
            &[asg("ci_mhcapp_1", None), spot("ci_mhcapp_2", None)],
            Ok(Some("ci_mhcapp_2")),
        ),
        (
            &[asg("ci_mhcapp_3", None), spot("ci_mhcapp_2", None)],
            Ok(Some("ci_mhcapp_3")),
        ),
        (
            &[asg("ci_mhcappy_1", None), asg("ci2_mhcapp_1", None)],
            Ok(None),
        ),
        (
            &[asg("ci_mhcapp_1", None), asg("ci_mhcapp_2", None)],
            Err(
                "too many autoscaling groups for mhcapp in environment `ci`: ci_mhcapp_1, ci_mhcapp_2",
            ),
        ),
        (
            &[spot("ci_mhcapp_1", None), spot("ci_mhcapp_2", None)],
            Err("too many Elastigroups for mhcapp in environment `ci`: ci_mhcapp_1, ci_mhcapp_2"),
        ),
    ];
    for (groups, wanted) in table {
        let asked = Asked::new("", "mhcapp\n", groups);
        let found = deployment(&asked.request());
        let found = found.map(|made| made.old.map(|group| group.name));
        let found = found.map_err(|error| error.to_string());
        let wanted = wanted
            .map(|name| name.map(str::to_owned))
            .map_err(str::to_owned);
        assert_eq!(found, wanted);
    }
}

#[test]
fn a_group_whose_place_is_taken_does_not_serve() {
    let old = group("ci_mhcapp_1", Kind::Asg, (1, 0, 2), None);
    let new = |testing: &str| {
        let mut new = group("ci_mhcapp_2", Kind::Asg, (1, 0, 2), Some(testing));
        let replaces = ("deploy_replaces".to_owned(), "ci_mhcapp_1".to_owned());
        new.tags.extend([replaces]);
        new
    };
    for (testing, wanted) in [("0", "ci_mhcapp_2"), ("1", "ci_mhcapp_1")] {
        let asked = Asked::new("", "mhcapp\n", &[old.clone(), new(testing)]);
        let found = deployment(&asked.request()).unwrap().old.unwrap();
        assert_eq!(found.name, wanted);
    }
}

#[test]
fn strategies() {
    let table: [(&str, Option<&str>, Result<Strategy, &str>); 9] = [
        ("", None, Ok(Strategy::BlueGreen)),
        (
            "[test]\ndeployment_strategy=\n",
            None,
            Ok(Strategy::BlueGreen),
        ),
        (
            "[test]\ndeployment_strategy=rolling # for now\n",
            None,
            Ok(Strategy::Rolling),
        ),
        (
            "[test]\ndeployment_strategy=rolling\n[mhcapp]\ndeployment_strategy=blue_green\n",
            None,
            Ok(Strategy::BlueGreen),
        ),
        (
            "[disco_aws]\ndefault_deployment_strategy=rolling\n",
            None,
            Ok(Strategy::Rolling),
        ),
        (
            "[test]\ndeployment_strategy=rolling\n",
            Some("blue_green"),
            Ok(Strategy::BlueGreen),
        ),
        (
            "",
            Some("canary"),
            Err("Unsupported deployment strategy: canary"),
        ),
        ("", Some(""), Err("Unsupported deployment strategy: ")),
        (
            "[test]\ndeployment_strategy=canary\n",
            None,
            Err("Unsupported deployment strategy: canary"),
        ),
    ];
    for (text, given, wanted) in table {
        let asked = Asked::new(text, "mhcapp\n", &[]);
        let request = Request {
            strategy: given,
            ..asked.request()
        };
        match (deployment(&request), wanted) {
            (Ok(made), Ok(wanted)) => assert_eq!(made.strategy, wanted, "{text}"),
            (Err(error), Err(wanted)) => {
                assert!(error.to_string().contains(wanted), "{error}");
                assert_eq!(
                    error.hint().as_deref(),
                    Some("use `blue_green` or `rolling`")
                );
            }
            (found, wanted) => panic!("{text}: {found:?}, not {wanted:?}"),
        }
    }
}

#[test]
fn balancers_and_test_environments() {
    let table = [
        ("", false),
        ("[mhcapp]\nelb@ci=yes\nelb=no\n", true),
        ("[mhcapp]\nelb@prod=yes\n", false),
        ("[mhcapp]\nelb=no\n[test]\nelb=yes\n", false),
        ("[test]\nelb=yes\n[disco_aws]\ndefault_elb=no\n", true),
        ("[disco_aws]\ndefault_elb@ci=yes\ndefault_elb=no\n", true),
        ("[disco_aws]\ndefault_elb=1\n", true),
    ];
    for (text, wanted) in table {
        let asked = Asked::new(text, "mhcapp\n", &[]);
        let made = deployment(&asked.request()).unwrap();
        assert_eq!(
            (made.uses_elb, made.test_env.as_str()),
            (wanted, "ci"),
            "{text}"
        );
    }
    for (text, wanted) in [("[test]\nenv=lab\n", "lab"), ("[test]\nenv=\n", "ci")] {
        let asked = Asked::new(text, "mhcapp\n", &[]);
        assert_eq!(deployment(&asked.request()).unwrap().test_env, wanted);
    }
}

#[test]
fn kinds_of_groups() {
    let asg = group("ci_mhcapp_1", Kind::Asg, (1, 0, 1), None);
    let (plain, asks) = ("mhcapp\n", "mhcapp,,,,,,yes\n");
    let option = "[mhcapp]\nspotinst@ci=yes\n";
    let rolling = "[test]\ndeployment_strategy=rolling\n";
    type Row<'a> = (&'a str, &'a str, bool, &'a [Group], Result<Kind, &'a str>);
    let table: [Row<'_>; 7] = [
        ("", plain, true, &[], Ok(Kind::Asg)),
        ("", asks, true, &[], Ok(Kind::Spot)),
        (option, plain, true, &[], Ok(Kind::Spot)),
        ("", asks, true, std::slice::from_ref(&asg), Ok(Kind::Spot)),
        (
            rolling,
            asks,
            true,
            std::slice::from_ref(&asg),
            Ok(Kind::Asg),
        ),
        ("", asks, false, &[], Err("p.csv:2: spotinst: ")),
        (
            option,
            plain,
            false,
            &[],
            Err("disco_aws.ini:2: [mhcapp] spotinst@ci: "),
        ),
    ];
    for (text, rows, spotinst, groups, wanted) in table {
        let asked = Asked::new(text, rows, groups);
        let request = Request {
            spotinst,
            ..asked.request()
        };
        match (deployment(&request), wanted) {
            (Ok(made), Ok(wanted)) => assert_eq!(made.kind, wanted, "{text} {rows}"),
            (Err(error), Err(place)) => {
                let error = error.to_string();
                assert!(error.starts_with(place), "{error}");
                assert!(error.contains("SPOTINST_TOKEN is not set"), "{error}");
            }
            (found, wanted) => panic!("{text}: {found:?}, not {wanted:?}"),
        }
    }
}

#[test]
fn what_people_read() {
    let old = group("ci_mhcapp_1", Kind::Asg, (4, 1, 8), None);
    let asked = Asked::new("", "mhcapp,,,,yes,app_all\n", &[old]);
    let made = deployment(&asked.request()).unwrap();
    assert_eq!(
        made.lines(),
        [
            "testing deployable hostclass mhcapp AMI ami-1 with blue_green deployment strategy",
            "group ci_mhcapp_1 (asg) serves: desired 4, min 1, max 8",
            "group under deployment (asg): desired 4, min 1, max 8",
            "integration test: app_all",
        ]
    );
    let asked = Asked::new("", "", &[]);
    let lines = deployment(&asked.request()).unwrap().lines();
    assert!(
        lines[0].starts_with("testing non-deployable hostclass mhcapp"),
        "{lines:?}"
    );
    assert_eq!(
        (lines[1].as_str(), lines[3].as_str()),
        ("no group serves", "integration test: -")
    );
}

proptest! {
    /// Whatever serves: the group under test has a host, and room for it, and keeps the sizes of a group that has hosts.
    #[test]
    fn there_is_always_a_host_to_test(desired in 0..50i32, min in 0..50i32, max in 0..50i32, has_old: bool) {
        let rows = format!("mhcapp,{desired},{min},{max}\n");
        let old = has_old.then_some((desired, min, max));
        let found = sized(&rows, old);
        prop_assert!(found.0 >= 1 && found.2 >= 1);
        if has_old {
            prop_assert!(found.2 >= found.0);
        }
        if desired > 0 && max >= desired {
            prop_assert_eq!(found, (desired as u32, min as u32, max as u32));
        }
    }
}
