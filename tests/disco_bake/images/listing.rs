//! `listamis`, `listlatestami`, `liststragglers` and `listrepo`.

use aws_sdk_ec2::types::{InstanceType, ResourceType};
use serde_json::{Value, json};

use super::{Described, STAGES, World, ago, described};
use crate::support::environment::changing_calls;
use crate::support::furniture::{allocate, tagged};
use crate::support::proxy::Behaviour;
use crate::support::snapshots::refusal;

const HOUR: i64 = 3600;

/// A row of the table, padded as the specification says.
fn row(cells: &[&str], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths);
    let cells = cells.map(|(cell, width)| format!("{cell:<width$}"));
    cells.collect::<String>() + "\n"
}

fn date(seconds: i64) -> String {
    let at = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

#[test]
fn a_table_of_images_by_time() {
    let world = World::start();
    let (old, new) = (ago(50 * HOUR + 60), ago(60));
    let web = world.cloud.register_image(
        &format!("mhcweb {new}"),
        &[
            ("stage", "tested"),
            ("productline", "shop"),
            ("baker", "ann"),
            ("a", "b:c"),
        ],
    );
    let numbered = world.image(&format!("mhcweb 42 {old}"), "untested");
    let dashed = world.cloud.register_image("my-image 123", &[]);
    let output = world.run("listamis --show-tags").expect_status(0);
    let age = ((ago(0) - 123) / HOUR).to_string();
    let rows = [
        [
            &*dashed,
            "1970-01-01 00:02:03",
            "my-image 123",
            "available",
            "-",
            "-",
            &*age,
            "-",
        ],
        [
            &*numbered,
            &*date(old),
            "mhcweb",
            "available",
            "untested",
            "-",
            "50",
            "-",
        ],
        [
            &*web,
            &*date(new),
            "mhcweb",
            "available",
            "tested",
            "shop",
            "0",
            "a:b:c, baker:ann",
        ],
    ];
    let widths = [
        dashed.len() + 4,
        23,
        16,
        13,
        12,
        16,
        age.len() + 4,
        "a:b:c, baker:ann".len() + 4,
    ];
    let wanted: String = rows.iter().map(|cells| row(cells, &widths)).collect();
    assert_eq!(output.stdout, wanted);
    let header = [
        "ID",
        "Created",
        "Name",
        "State",
        "Stage",
        "Product Line",
        "Age",
        "Tags",
    ];
    assert!(
        output.stderr.ends_with(&row(&header, &widths)),
        "{}",
        output.stderr
    );

    let ids = |words: &str| -> Vec<String> {
        let output = world.run(&format!("listamis {words}"));
        let lines = output.stdout.lines();
        let ids = lines.filter_map(|line| line.split_whitespace().next());
        ids.map(str::to_owned).collect()
    };
    let table: [(&str, &[&String]); 10] = [
        ("", &[&dashed, &numbered, &web]),
        ("--stage tested", &[&web]),
        ("--stage untested,tested", &[&numbered, &web]),
        ("--hostclass mhcweb", &[&numbered, &web]),
        ("--hostclass mhc*", &[]),
        ("--productline shop", &[&web]),
        ("--product-line sho?", &[]),
        ("--state available --hostclass my-image", &[&dashed]),
        ("--state pending", &[]),
        ("--host mhcweb --stage tested --ami ami-00000000", &[]),
    ];
    for (words, wanted) in table {
        assert_eq!(ids(words).iter().collect::<Vec<_>>(), wanted, "{words}");
    }
    let spaced = world
        .tool("listamis")
        .args(["--stage", " tested , failed"])
        .endpoint(world.cloud.url())
        .run();
    assert!(spaced.expect_status(0).stdout.starts_with(&web));
    let none = world.run("listamis --hostclass mhcnone").expect_status(1);
    assert_eq!(none.stdout, "");
    let widths = [6, 11, 8, 9, 9, 16, 7];
    assert!(
        none.stderr.ends_with(&row(&header[..7], &widths)),
        "{}",
        none.stderr
    );
    let none = world
        .run("listamis --hostclass mhcnone --output json")
        .expect_status(1);
    assert_eq!(none.stdout, "[]\n");
}

#[test]
fn json_has_all_columns() {
    let world = World::start();
    let at = ago(2 * HOUR + 60);
    let tags = [
        ("stage", "tested"),
        ("productline", "shop"),
        ("is_private", "True"),
    ];
    let id = world.cloud.register_image(&format!("mhcweb {at}"), &tags);
    for words in [
        "listamis",
        "listlatestami --stage tested --hostclass mhcweb",
    ] {
        let output = world
            .run(&format!("{words} --output json"))
            .expect_status(0);
        let rows: Value = serde_json::from_str(&output.stdout).unwrap();
        let wanted = json!([{
            "id": id, "name": format!("mhcweb {at}"), "hostclass": "mhcweb", "created": date(at), "state": "available",
            "stage": "tested", "productline": "shop", "age_hours": 2, "production": "non-prod", "private": true,
            "tags": {"is_private": "True"},
        }]);
        assert_eq!(rows, wanted);
    }
}

#[test]
fn production_means_all_accounts() {
    let world = World::start();
    let ids: Vec<String> = (0..3)
        .map(|n| world.image(&format!("mhca 170000000{n}"), "tested"))
        .collect();
    world.permit(&ids[1], "111111111111");
    world.permit(&ids[2], "222222222222");
    world.permit(&ids[2], "111111111111");
    let shown = |words: &str| -> Vec<String> {
        let output = world.run(&format!("listamis {words}")).expect_status(0);
        let lines = output.stdout.lines();
        let last = lines.filter_map(|line| line.split_whitespace().next_back());
        last.map(str::to_owned).collect()
    };
    assert_eq!(shown("--in-prod"), ["non-prod", "non-prod", "prod"]);
    let latest = world
        .run("listlatestami --stage tested --hostclass mhca --in-prod")
        .expect_status(0);
    let width = "Production".len() + 4;
    assert!(
        latest.stdout.ends_with(&format!("{:<width$}\n", "prod")),
        "{}",
        latest.stdout
    );

    // AWS says AuthFailure of images of others: nothing to tell. A missing permission is one thing to tell, not three.
    let answer = |code: &str| {
        let refusal = refusal(code, "You are not authorized to perform this operation.");
        let behaviour = Behaviour::new().answer("DescribeImageAttribute", 403, &refusal);
        let (output, proxy) = world.through(behaviour, "listamis --in-prod");
        let output = output.expect_status(0);
        assert_eq!(output.stdout.matches("non-prod").count(), 3);
        assert_eq!(proxy.count("DescribeImageAttribute"), 3);
        output.stderr.matches("cannot be told").count()
    };
    assert_eq!(
        (answer("UnauthorizedOperation"), answer("AuthFailure")),
        (1, 0)
    );
    let (_, proxy) = world.through(Behaviour::new(), "listamis");
    assert_eq!(proxy.count("DescribeImageAttribute"), 0);

    world.config.edit(
        "disco_aws.ini",
        "prod_account_ids = 111111111111 222222222222\n",
        "",
    );
    assert_eq!(shown("--in-prod"), ["prod", "prod", "prod"]);
}

#[test]
fn all_pages_and_trusted_accounts_are_read() {
    let world = World::start();
    world.config.edit(
        "disco_aws.ini",
        "prod_baker = jenkins",
        "trusted_account_ids = 333333333333 444444444444",
    );
    let image = |id: &'static str, name: &'static str| Described {
        id,
        name,
        snapshot: None,
        tags: &[("stage", "tested")],
    };
    let first = described(&[image("ami-2", "mhca 1700000002")], Some("more"));
    let second = described(
        &[image("ami-1", "mhca 1700000001"), image("ami-x", "by hand")],
        None,
    );
    let behaviour = Behaviour::new()
        .answer_first("DescribeImages", 200, &first)
        .answer_first("DescribeImages", 200, &second);
    let (output, proxy) = world.through(behaviour, "listamis --stage tested --state available");
    let stdout = output.expect_status(0).stdout;
    let ids: Vec<&str> = stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(ids, ["ami-x", "ami-1", "ami-2"]);
    // The date of an image that says none, and has no snapshots, is AWS's own; nothing is asked about snapshots then.
    assert!(stdout.contains("2024-02-03 04:05:06"), "{stdout}");
    assert_eq!(proxy.count("DescribeSnapshots"), 0);
    let calls = proxy.calls();
    let parameters = |name: &str| -> Vec<&str> {
        calls
            .iter()
            .filter_map(|call| call.parameter(name))
            .collect()
    };
    assert_eq!(parameters("NextToken"), ["more"]);
    let owners = ["Owner.1", "Owner.2", "Owner.3"].map(parameters);
    assert_eq!(owners[0], ["self", "self"]);
    assert_eq!(owners[1], ["333333333333", "333333333333"]);
    assert_eq!(owners[2], ["444444444444", "444444444444"]);
    assert_eq!(parameters("Filter.1.Name"), ["tag:stage", "tag:stage"]);
    assert_eq!(parameters("Filter.2.Name"), ["state", "state"]);
}

#[test]
fn images_without_a_time_in_their_name() {
    let world = World::start();
    world.image("by hand", "tested");
    let (output, proxy) = world.through(Behaviour::new(), "listamis");
    let stdout = output.expect_status(0).stdout;
    let today = date(ago(0));
    assert!(stdout.contains(&today[..10]), "{stdout}");
    let calls = proxy.calls();
    let asked = calls
        .iter()
        .find(|call| call.operation == "DescribeSnapshots");
    let asked = asked.and_then(|call| call.parameter("Filter.1.Name"));
    assert_eq!(asked, Some("snapshot-id"), "never all snapshots");
    let denied = refusal("UnauthorizedOperation", "You are not authorized.");
    let image = [Described {
        id: "ami-1",
        name: "by hand",
        snapshot: Some("snap-1"),
        tags: &[],
    }];
    let behaviour = Behaviour::new()
        .answer("DescribeSnapshots", 403, &denied)
        .answer("DescribeImages", 200, &described(&image, None));
    let (output, _) = world.through(behaviour, "listamis");
    let stdout = output.expect_status(0).stdout;
    assert!(stdout.contains("2024-02-03 04:05:06"), "{stdout}");
}

#[test]
fn the_image_of_an_instance() {
    let world = World::start();
    let image = world.image("mhca 1700000000", "tested");
    world.image("mhcb 1700000000", "tested");
    let instance = world.instance(&image, &[]);
    let words = format!("listamis --instance {instance}");
    let output = world.run(&words).expect_status(0);
    assert!(
        output.stdout.starts_with(&image) && output.stdout.lines().count() == 1,
        "{}",
        output.stdout
    );
    world
        .run(&format!("{words} --ami {image}"))
        .expect_status(0);
    world
        .run(&format!("{words} --stage untested"))
        .expect_status(1);
    let (other, proxy) = world.through(Behaviour::new(), &format!("{words} --ami ami-12345678"));
    assert_eq!(other.expect_status(1).stdout, "");
    assert_eq!(
        proxy.count("DescribeImages"),
        0,
        "nothing asked for, nothing read"
    );
    let unknown = world.run("listamis --instance i-12345678").expect_status(1);
    assert!(
        unknown.stderr.contains("InvalidInstanceID.NotFound"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn the_latest_image_in_the_order_of_stages() {
    let world = World::start();
    for (at, stage) in [
        (1_700_000_300, "untested"),
        (1_700_000_100, "tested"),
        (1_700_000_200, "tested"),
        (1_700_000_900, "failed"),
    ] {
        world.image(&format!("mhcx {at}"), stage);
    }
    world.image("mhcxy 1700000999", "tested");
    let latest = |stage: &str| {
        let tool = world.tool("listlatestami --hostclass mhcx");
        let output = tool
            .args(["--stage", stage])
            .endpoint(world.cloud.url())
            .run();
        let output = output.expect_status(0);
        assert_eq!(output.stdout.lines().count(), 1);
        output.stdout
    };
    for (stages, wanted) in [
        ("tested,untested", "2023-11-14 22:16:40"),
        (" untested , tested", "2023-11-14 22:18:20"),
        ("tested", "2023-11-14 22:16:40"),
    ] {
        let shown = latest(stages);
        assert!(shown.contains(wanted), "{stages}: {shown}");
    }
    for words in [
        "--stage none --hostclass mhcx",
        "--stage tested --hostclass mhc",
    ] {
        let none = world
            .run(&format!("listlatestami {words}"))
            .expect_status(1);
        assert_eq!(
            (none.stdout.as_str(), none.stderr.contains("Created")),
            ("", false)
        );
    }
}

#[test]
fn stragglers_wait_for_the_last_stage() {
    let world = World::start();
    let recent = ago(24 * HOUR);
    let late = ago(100 * HOUR);
    world.image(&format!("mhcgood {recent}"), "tested");
    let promoted = world.image(&format!("mhclate {late}"), "tested");
    let waiting = world.image(&format!("mhclate {recent}"), "untested");
    world.image(&format!("mhcbad {recent}"), "failed");
    let stdout = world.run("liststragglers").expect_status(0).stdout;
    assert_eq!(stdout, format!("mhcbad\t-\nmhclate\t{waiting}\n"));
    let json = world.run("liststragglers --output json").expect_status(0);
    let rows: Value = serde_json::from_str(&json.stdout).unwrap();
    let wanted = json!([
        {"hostclass": "mhcbad", "ami": null, "promoted_ami": null},
        {"hostclass": "mhclate", "ami": waiting, "promoted_ami": promoted},
    ]);
    assert_eq!(rows, wanted);
    let five = world.run("liststragglers --days 5").expect_status(0).stdout;
    assert_eq!(five, "mhcbad\t-\n");
    // Without the option there are two stages.
    world.config.edit("disco_aws.ini", STAGES, "");
    let two = world.run("liststragglers --days 5").expect_status(0).stdout;
    assert_eq!(two, "mhcbad\t-\n");
}

#[test]
fn throttled_listings_come_all_the_same() {
    let world = World::start();
    let id = world.image("mhca 1700000000", "tested");
    let behaviour = Behaviour::new()
        .throttle("DescribeImages", 1)
        .throttle("DescribeImageAttribute", 1);
    let (output, proxy) = world.through(behaviour, "listamis --in-prod");
    assert!(output.expect_status(0).stdout.starts_with(&id));
    assert_eq!(changing_calls(&proxy), [""; 0]);
}

#[test]
fn the_address_of_the_repository_host() {
    let world = World::start();
    let missing = world.run("listrepo").expect_status(1);
    assert!(
        missing
            .stderr
            .contains("[bake] bakery_environment: `bakery_environment` is not set"),
        "{}",
        missing.stderr
    );
    let both = "prod_baker = jenkins\nbakery_environment = build\nrepo_hostclass = mhcrepo";
    world
        .config
        .edit("disco_aws.ini", "prod_baker = jenkins", both);
    let no_vpc = world.run("listrepo").expect_status(1);
    assert!(no_vpc.stderr.contains("`build`"), "{}", no_vpc.stderr);

    let ec2 = world.cloud.client();
    let vpc = ec2
        .create_vpc()
        .cidr_block("10.9.0.0/24")
        .tag_specifications(tagged(
            ResourceType::Vpc,
            &[("Name", "build"), ("type", "build")],
        ));
    let vpc = world
        .cloud
        .wait(vpc.send())
        .unwrap()
        .vpc
        .unwrap()
        .vpc_id
        .unwrap();
    let subnet = ec2
        .create_subnet()
        .vpc_id(&vpc)
        .cidr_block("10.9.0.0/25")
        .send();
    let subnet = world
        .cloud
        .wait(subnet)
        .unwrap()
        .subnet
        .unwrap()
        .subnet_id
        .unwrap();
    for words in ["listrepo", "--debug listrepo"] {
        assert_eq!(world.run(words).expect_status(0).stdout, "");
    }
    assert_eq!(
        world.run("listrepo --output json").expect_status(0).stdout,
        "[]\n"
    );
    let image = world.image("mhcrepo 1700000000", "tested");
    // One of another environment does not count.
    world.instance(&image, &[("hostclass", "mhcrepo")]);
    assert_eq!(world.run("listrepo").expect_status(0).stdout, "");
    let call = ec2
        .run_instances()
        .image_id(&image)
        .instance_type(InstanceType::M5Large)
        .subnet_id(subnet)
        .private_ip_address("10.9.0.20")
        .min_count(1)
        .max_count(1)
        .tag_specifications(tagged(ResourceType::Instance, &[("hostclass", "mhcrepo")]));
    let made = world.cloud.wait(call.send()).unwrap();
    let instance = made.instances()[0].instance_id().unwrap().to_owned();
    assert_eq!(world.run("listrepo").expect_status(0).stdout, "10.9.0.20\n");
    let address = allocate(&world.cloud, &[]);
    let call = ec2
        .associate_address()
        .instance_id(&instance)
        .allocation_id(&address);
    world.cloud.wait(call.send()).unwrap();
    let found = ec2.describe_addresses().allocation_ids(&address).send();
    let found = world.cloud.wait(found).unwrap();
    let public = found.addresses()[0].public_ip().unwrap();
    assert_eq!(
        world.run("listrepo").expect_status(0).stdout,
        format!("{public}\n")
    );
    let json = world.run("listrepo --output json").expect_status(0);
    let rows: Value = serde_json::from_str(&json.stdout).unwrap();
    let wanted = json!([{
        "instance_id": instance, "hostclass": "mhcrepo", "address": public, "public_ip": public, "private_ip": "10.9.0.20",
    }]);
    assert_eq!(rows, wanted);
}
