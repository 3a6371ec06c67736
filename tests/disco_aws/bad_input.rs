//! Input that is wrong: one clear error that says where and what to do, exit 1, and nothing is created.

use super::{World, changing};
use crate::support::asiaq;
use crate::support::config::TestConfig;

/// A case: pipeline, a change to `disco_aws.ini` (old, new), what stderr must say.
struct Case {
    pipeline: &'static str,
    edit: Option<(&'static str, &'static str)>,
    says: &'static [&'static str],
}

const ROW: &str = "sequence,hostclass\n1,mhcapp\n";
const APP: &str = "[mhcapp]\nmeta_network = intranet\n";

const CASES: &[Case] = &[
    Case {
        pipeline: "",
        edit: None,
        says: &[
            "error: Pipeline file ",
            "bad.csv is missing required header hostclass (found: [])",
        ],
    },
    Case {
        pipeline: "sequence,host\n1,mhcapp\n",
        edit: None,
        says: &["is missing required header hostclass (found: [sequence, host])"],
    },
    Case {
        pipeline: "sequence,hostclass\n1,mhcapp\nfirst,mhcdb\n,mhcproxy\n",
        edit: None,
        says: &[
            "bad.csv:3: sequence: `first` is not a sequence number",
            "bad.csv:4: sequence: the row has no sequence number",
        ],
    },
    Case {
        pipeline: "sequence,hostclass,min_size\n1,mhcapp,1\n1,mhcdb,-2\n",
        edit: None,
        says: &["bad.csv:3: min_size: `-2`"],
    },
    Case {
        pipeline: "sequence,hostclass,max_size\n1,mhcapp,1@0 25 * * *\n",
        edit: None,
        says: &["bad.csv:2: max_size: ", "0 25 * * *"],
    },
    Case {
        pipeline: "sequence,hostclass,extra_disk\n1,mhcapp,big\n",
        edit: None,
        says: &["bad.csv:2: extra_disk: `big` is not a whole number"],
    },
    Case {
        pipeline: "sequence,hostclass\n1,mhcapp\n1,\n",
        edit: None,
        says: &["bad.csv:3: hostclass: the row has neither a hostclass nor an ami"],
    },
    Case {
        pipeline: "sequence,hostclass,ami\n1,mhcapp,\n2,,ami-0123456789abcdef0\n",
        edit: None,
        says: &["bad.csv:3: ami: no image ami-0123456789abcdef0", "hint: "],
    },
    Case {
        pipeline: "sequence,hostclass\n1,mhcapp\n2,mhcnone\n",
        edit: None,
        says: &[
            "bad.csv:3: hostclass: no image of hostclass mhcnone in any stage for environment `ci`",
            "hint: ",
        ],
    },
    Case {
        pipeline: ROW,
        edit: Some((APP, "[mhcapp]\nmeta_network = moon\n")),
        says: &[
            "disco_aws.ini:15: [mhcapp] meta_network: ",
            "moon",
            "intranet",
        ],
    },
    Case {
        pipeline: ROW,
        edit: Some(("default_public_ip = no\n", "")),
        says: &[
            "disco_aws.ini",
            "hostclass `mhcapp` has no option `public_ip` in environment `ci`",
            "hint: set `public_ip` in `[mhcapp]`, or `default_public_ip` in `[disco_aws]`",
        ],
    },
    Case {
        pipeline: "sequence,hostclass\n1,mhcapp\n2,mhcproxy\n",
        edit: Some(("ip_address = +5", "ip_address = +5 +70000 -70000")),
        says: &[
            "disco_aws.ini:20: [mhcproxy] ip_address: ip_address of hostclass mhcproxy: ",
            "+70000",
            "-70000",
            "hint: offsets count",
        ],
    },
    Case {
        pipeline: "sequence,hostclass,spotinst\n1,mhcapp,yes\n",
        edit: None,
        says: &[
            "bad.csv:2: spotinst: hostclass mhcapp asks for a Spotinst Elastigroup, but SPOTINST_TOKEN is not set",
            "hint: set the environment variable SPOTINST_TOKEN",
        ],
    },
    Case {
        pipeline: ROW,
        edit: Some((APP, "[mhcapp]\nmeta_network = intranet\nspotinst = yes\n")),
        says: &[
            "[mhcapp] spotinst: hostclass mhcapp asks for a Spotinst Elastigroup",
            "SPOTINST_TOKEN",
        ],
    },
    Case {
        pipeline: ROW,
        edit: Some((APP, "[mhcapp]\nmeta_network = intranet\ntags = lonely\n")),
        says: &["disco_aws.ini:16: [mhcapp] tags: `lonely` is not a tag"],
    },
    Case {
        pipeline: ROW,
        edit: Some(("project_name = rehearsal\n", "")),
        says: &[
            "[disco_aws] project_name: `project_name` is not set",
            "hint: ",
        ],
    },
];

#[test]
fn every_mistake_is_reported_and_nothing_is_created() {
    let mut world = World::new();
    for case in CASES {
        world.config = TestConfig::standard();
        if let Some((old, new)) = case.edit {
            world.config.edit("disco_aws.ini", old, new);
        }
        let file = world.pipeline("bad.csv", case.pipeline);
        let (output, proxy) = world.watch(&["spinup", "--pipeline", &file]);
        let output = output.expect_status(1);
        assert_eq!(output.stdout, "");
        assert_eq!(
            output.stderr.matches("error: ").count(),
            1,
            "{}",
            output.stderr
        );
        for text in case.says {
            assert!(
                output.stderr.contains(text),
                "`{text}` in\n{}",
                output.stderr
            );
        }
        assert_eq!(changing(&proxy), [""; 0], "{}", output.stderr);
    }
    world.assert_nothing_provisioned();
}

#[test]
fn a_metanetwork_that_the_environment_lacks_is_reported_where_it_is_asked_for() {
    let world = World::new();
    for subnet in world.subnets("tunnel").into_keys() {
        let call = world
            .cloud
            .client()
            .delete_subnet()
            .subnet_id(subnet)
            .send();
        world.cloud.wait(call).unwrap();
    }
    world
        .config
        .edit("disco_aws.ini", APP, "[mhcapp]\nmeta_network = tunnel\n");
    let file = world.pipeline("p.csv", ROW);
    let stderr = world
        .run(&["spinup", "--pipeline", &file])
        .expect_status(1)
        .stderr;
    assert!(
        stderr.contains(
            "disco_aws.ini:15: [mhcapp] meta_network: environment `ci` has no metanetwork tunnel"
        ),
        "{stderr}"
    );
    assert!(stderr.contains("hint: "), "{stderr}");
    world.assert_nothing_provisioned();
}

#[test]
fn an_environment_that_does_not_exist() {
    let world = World::new();
    let file = world.pipeline("p.csv", ROW);
    for args in [
        &["--env", "nonesuch", "spinup", "--pipeline", &file][..],
        &["--env", "nonesuch", "listhosts"],
        &["--env", "none", "listhosts"],
        &["--env", "-", "isready"],
    ] {
        let output = world.run(args).expect_status(1);
        assert!(
            output.stderr.contains("error: cannot select environment `"),
            "{}",
            output.stderr
        );
        assert!(
            output.stderr.contains("hint: ") && output.stdout.is_empty(),
            "{}",
            output.stderr
        );
    }
    let chosen = world
        .tool_at(world.cloud.url(), &["listhosts"])
        .env("DEFAULT_ENV", "elsewhere")
        .run()
        .expect_status(1);
    assert!(
        chosen
            .stderr
            .contains("cannot select environment `elsewhere`"),
        "{}",
        chosen.stderr
    );
    let flag = world
        .tool_at(world.cloud.url(), &["--env", "ci", "listhosts"])
        .env("DEFAULT_ENV", "elsewhere")
        .run();
    flag.expect_status(0);
    world.assert_nothing_provisioned();
}

#[test]
fn files_that_are_not_there() {
    let config = TestConfig::standard();
    let tool = |args: &[&str]| {
        asiaq("disco_aws")
            .config(config.path())
            .env("AWS_REGION", "us-west-2")
            .args(args)
            .run()
    };
    let stderr = tool(&["spinup", "--pipeline", "no/such.csv"])
        .expect_status(1)
        .stderr;
    assert!(
        stderr.contains("error: no/such.csv: cannot read the pipeline: "),
        "{stderr}"
    );
    let stderr = asiaq("disco_aws")
        .args(["listhosts"])
        .run()
        .expect_status(1)
        .stderr;
    assert!(
        stderr.contains("disco_aws.ini") && stderr.contains("hint: "),
        "{stderr}"
    );
    let stderr = asiaq("disco_aws")
        .config(config.path())
        .args(["listhosts"])
        .run()
        .expect_status(1)
        .stderr;
    assert!(
        stderr.contains("error: no AWS region is configured")
            && stderr.contains("hint: set AWS_REGION"),
        "{stderr}"
    );
}
