//! `listhosts`: columns, sorting, JSON.

use super::{World, state_of, tag_of};
use aws_sdk_ec2::types::Instance;

/// One of the columns that flags show: flag, width, and its cell.
type Cell = fn(&Instance) -> String;

const COLUMNS: [(&str, usize, Cell); 12] = [
    ("--state", 10, |i| state_of(i).to_owned()),
    ("--hostname", 1, |i| yes(tag_of(i, "hostname"))),
    ("--owner", 11, |i| dash(tag_of(i, "owner"))),
    ("--instance-type", 10, |i| {
        i.instance_type().unwrap().as_str().to_owned()
    }),
    ("--ami", 12, |i| i.image_id().unwrap().to_owned()),
    ("--smoke", 1, |i| yes(tag_of(i, "smoketest"))),
    ("--ami-age", 4, |_| AGE.to_string()),
    ("--uptime", 3, |_| "0".to_owned()),
    ("--private-ip", 16, |i| {
        i.private_ip_address().unwrap().to_owned()
    }),
    ("--availability-zone", 12, |i| {
        i.placement()
            .unwrap()
            .availability_zone()
            .unwrap()
            .to_owned()
    }),
    ("--productline", 15, |i| {
        dash(tag_of(i, "productline").filter(|line| *line != "unknown"))
    }),
    ("--securitygroup", 15, |i| {
        dash(
            i.security_groups()
                .first()
                .and_then(|group| group.group_name()),
        )
    }),
];

fn yes(tag: Option<&str>) -> String {
    if tag.is_some() { "y" } else { "-" }.to_owned()
}

fn dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

/// Hours since the hosts' images were made.
const AGE: i64 = 100;

/// Instance id, hostclass and address, and the cells of these flags.
fn line(instance: &Instance, flags: &[&str]) -> String {
    let address = instance
        .public_ip_address()
        .or(instance.private_ip_address());
    let mut line = format!(
        "{} {:<30} {:<15}",
        instance.instance_id().unwrap(),
        dash(tag_of(instance, "hostclass")),
        dash(address)
    );
    for (flag, width, cell) in COLUMNS {
        if flags.contains(&flag) {
            line.push_str(&format!(" {:<width$}", cell(instance)));
        }
    }
    line
}

/// Three hosts: two of `mhcapp` with names, one of `mhcdb`.
fn world() -> World {
    let mut world = World::new();
    for hostclass in ["mhcapp", "mhcdb"] {
        // Ten minutes more, so that the hour does not end meanwhile.
        let made = chrono::Utc::now().timestamp() - AGE * 3600 - 600;
        let image = world
            .cloud
            .register_image(&format!("{hostclass} {made}"), &[]);
        world.images.insert(hostclass, image);
    }
    let text =
        "sequence,hostclass,desired_size,instance_type\n1,mhcapp,2,t2.micro\n1,mhcdb,1,t2.micro\n";
    let file = world.pipeline("p.csv", text);
    world.run(&["spinup", "--pipeline", &file]).expect_status(0);
    let apps = world.instance_ids(Some("mhcapp"));
    world.tag(&apps[..1], "hostname", "zebra");
    world.tag(&apps[..1], "productline", "unknown");
    world.tag(&apps[1..], "hostname", "ant");
    world.tag(&apps[1..], "smoketest", "tested");
    world.tag(&world.instance_ids(Some("mhcdb")), "productline", "shop");
    world
}

/// The hosts in the order of the listing: state, hostclass, host name.
fn in_order(world: &World) -> Vec<Instance> {
    let mut hosts = world.instances(None);
    hosts.sort_by_key(|i| {
        (
            state_of(i).to_owned(),
            dash(tag_of(i, "hostclass")),
            dash(tag_of(i, "hostname")),
        )
    });
    hosts
}

#[test]
fn flags_choose_columns_and_the_layout_is_exact() {
    let world = world();
    let list = |args: &[&str]| {
        world
            .run(&[&["listhosts"], args].concat())
            .expect_status(0)
            .stdout
    };
    let expected = |flags: &[&str]| -> String {
        in_order(&world)
            .iter()
            .map(|host| line(host, flags) + "\n")
            .collect()
    };
    let hosts = in_order(&world);
    assert_eq!(hosts.len(), 3);
    assert_eq!(tag_of(&hosts[0], "hostname"), Some("ant"));
    assert_eq!(list(&[]), expected(&[]));
    for (flag, ..) in COLUMNS {
        assert_eq!(list(&[flag]), expected(&[flag]), "{flag}");
    }
    let all = COLUMNS.map(|(flag, ..)| flag);
    assert_eq!(list(&["--most"]), expected(&all[..8]));
    assert_eq!(list(&["--all"]), expected(&all));
    assert_eq!(list(&["--most", "--private-ip"]), expected(&all[..9]));
    assert_eq!(
        list(&["--availability_zone", "--instance_type"]),
        expected(&["--instance-type", "--availability-zone"])
    );

    let of_class: Vec<&Instance> = hosts
        .iter()
        .filter(|i| tag_of(i, "hostclass") == Some("mhcdb"))
        .collect();
    assert_eq!(
        list(&["--hostclass", "mhcdb"]),
        line(of_class[0], &[]) + "\n"
    );
    assert_eq!(
        list(&["--hostclass", "mhc*"]),
        "",
        "a name means just itself"
    );
}

#[test]
fn json_has_every_column_whatever_the_flags() {
    let world = world();
    let text = world
        .run(&["listhosts", "--output", "json"])
        .expect_status(0)
        .stdout;
    let items: serde_json::Value = serde_json::from_str(&text).unwrap();
    let items = items.as_array().unwrap();
    let keys: Vec<&str> = items[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = "instance_id hostclass address state hostname owner instance_type ami smoketest ami_age_hours uptime_hours private_ip \
        availability_zone productline security_group group_name";
    assert_eq!(keys.join(" "), expected);
    let hosts = in_order(&world);
    let ids: Vec<&str> = items
        .iter()
        .map(|item| item["instance_id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        hosts
            .iter()
            .map(|host| host.instance_id().unwrap())
            .collect::<Vec<_>>()
    );
    assert_eq!(
        (
            items[0]["hostname"].as_str(),
            items[0]["smoketest"].as_str()
        ),
        (Some("ant"), Some("tested"))
    );
    assert_eq!(
        (
            items[0]["ami_age_hours"].as_i64(),
            items[0]["uptime_hours"].as_i64()
        ),
        (Some(AGE), Some(0))
    );
    assert_eq!(
        items[0]["group_name"].as_str(),
        Some(super::name_of(&world.group("mhcapp")))
    );
    assert_eq!(items[2]["hostname"], serde_json::Value::Null);
    assert_eq!(items[2]["productline"], "shop");
}

#[test]
fn hosts_without_image_or_group_are_listed_and_terminated_ones_are_not() {
    let world = world();
    let call = world
        .cloud
        .client()
        .deregister_image()
        .image_id(&world.images["mhcdb"])
        .send();
    world.cloud.wait(call).unwrap();
    let listed = world
        .run(&["listhosts", "--hostclass", "mhcdb", "--ami-age"])
        .expect_status(0)
        .stdout;
    assert!(listed.ends_with(" None\n"), "{listed}");

    let file = world.pipeline("down.csv", "hostclass\nmhcapp\n");
    world
        .run(&["spindown", "--pipeline", &file])
        .expect_status(0);
    let subnet = world.subnets("intranet").into_keys().next().unwrap();
    let run = world
        .cloud
        .client()
        .run_instances()
        .image_id(&world.images["mhcapp"])
        .subnet_id(subnet);
    let run = run
        .instance_type("t2.micro".into())
        .min_count(1)
        .max_count(1);
    let id = world.cloud.wait(run.send()).unwrap().instances()[0]
        .instance_id()
        .unwrap()
        .to_owned();
    let listed = world.run(&["listhosts"]).expect_status(0).stdout;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(
        lines[0].starts_with(&format!("{id} -   ")),
        "untagged hosts sort as `-`: {listed}"
    );

    let call = world
        .cloud
        .client()
        .stop_instances()
        .instance_ids(&id)
        .send();
    world.cloud.wait(call).unwrap();
    let listed = world.run(&["listhosts", "--state"]).expect_status(0).stdout;
    let states: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().nth(3))
        .collect();
    assert_eq!(states, ["running", "stopped"]);
    let none = world
        .run(&["listhosts", "--hostclass", "mhcapp"])
        .expect_status(0);
    assert_eq!(none.stdout, "");
}
