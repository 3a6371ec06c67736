//! Whatever an environment holds: nothing overlaps, nothing is cut, lines keep clear of texts.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::model::{
    Group, Host, Interface, InternetGateway, NatGateway, Peering, Route, RouteTarget,
    SecurityGroup, Subnet,
};
use super::super::sample::{self, id, route, side};
use super::*;
use proptest::prelude::*;

/// The size of a random environment.
#[derive(Debug, Clone)]
struct Size {
    nets: usize,
    zones: usize,
    classes: usize,
    peers: usize,
    names: Vec<String>,
    seed: u64,
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % n.max(1)
    }
}

fn size() -> impl Strategy<Value = Size> {
    let names = proptest::collection::vec("[a-zA-Z<&\"\\\\é漢 _-]{1,40}", 1..6);
    (
        0..=4_usize,
        1..=6_usize,
        0..=30_usize,
        0..=10_usize,
        names,
        any::<u64>(),
    )
        .prop_map(|(nets, zones, classes, peers, names, seed)| Size {
            nets,
            zones,
            classes,
            peers,
            names,
            seed,
        })
}

fn environment(size: &Size) -> Environment {
    let mut dice = Dice(size.seed);
    let name = |n: usize| size.names[n % size.names.len()].clone();
    let nets = ["intranet", "tunnel", "dmz", "-"];
    let peering = |n: usize| {
        let peer = side(
            n as u64 + 9,
            &name(n),
            &name(n + 1),
            Some("10.250.240.0/20"),
        );
        let status = ["active", "pending-acceptance", "failed"][n % 3].to_owned();
        Peering {
            id: id("pcx", n as u64),
            status,
            peer,
            ..Peering::default()
        }
    };
    let mut env = Environment {
        name: name(0),
        env_type: name(1),
        id: id("vpc", 0),
        region: "us-west-2".into(),
        ..Environment::default()
    };
    env.peerings = (0..size.peers).map(peering).collect();
    if dice.below(3) > 0 {
        env.internet_gateways = vec![InternetGateway { id: id("igw", 0) }];
    }
    for net in nets.iter().take(size.nets) {
        let rule = |n: usize| format!("tcp {n} from {}", name(n));
        let group = SecurityGroup {
            id: id("sg", 0),
            name: name(2),
            ingress: (0..dice.below(9)).map(rule).collect(),
        };
        let mut own = Metanetwork {
            name: (*net).into(),
            cidr_block: None,
            security_group: Some(group),
            subnets: Vec::new(),
        };
        for zone in 0..size.zones {
            for _ in 0..dice.below(3) {
                own.subnets.push(subnet(size, &mut dice, zone));
            }
        }
        env.metanetworks.push(own);
    }
    env.groups = (0..size.classes)
        .map(|n| Group {
            hostclass: name(n),
            name: format!("{}{n}", name(n)),
            max_size: 12,
            ..Group::default()
        })
        .collect();
    env.unplaced_hosts = (0..dice.below(4)).map(|n| host(&name(n), n)).collect();
    env
}

fn host(class: &str, number: usize) -> Host {
    Host {
        instance_id: id("i", number as u64),
        hostclass: Some(class.to_owned()),
        private_ip: Some("10.255.255.255".into()),
        state: ["running", "running", "shutting-down"][number % 3].into(),
        ..Host::default()
    }
}

fn subnet(size: &Size, dice: &mut Dice, zone: usize) -> Subnet {
    let name = |n: usize| size.names[n % size.names.len()].clone();
    let mut routes = vec![route(
        "0.0.0.0/0",
        RouteTarget::InternetGateway,
        &id("igw", 0),
        None,
    )];
    for n in 0..dice.below(size.peers + 1) {
        let target = id("pcx", n as u64);
        routes.push(route(
            "10.0.0.0/8",
            RouteTarget::Peering,
            &target,
            Some(&name(n)),
        ));
    }
    if dice.below(4) == 0 {
        let vanished = id("i", 1);
        routes.push(Route {
            state: "blackhole".into(),
            ..route("10.1.2.3/32", RouteTarget::Instance, &vanished, None)
        });
    }
    let mut hosts: Vec<Host> = (0..dice.below(size.classes + 1))
        .map(|n| host(&format!("{}{}", name(n), n / 2), n))
        .collect();
    hosts.sort_by(|a, b| a.hostclass.cmp(&b.hostclass));
    Subnet {
        id: id("subnet", dice.0),
        zone: format!("us-west-2{}", (b'a' + zone as u8) as char),
        cidr_block: "10.250.240.0/20".into(),
        routes,
        nat_gateways: (0..dice.below(2))
            .map(|n| NatGateway {
                id: id("nat", n as u64),
                state: "pending".into(),
                public_ip: None,
            })
            .collect(),
        interfaces: (0..dice.below(9))
            .map(|n| Interface {
                private_ip: "10.255.255.255".into(),
                hostclass: Some(name(n)),
                ..Interface::default()
            })
            .collect(),
        hosts,
        ..Subnet::default()
    }
}

fn inside(inner: Rect, outer: Rect) -> bool {
    inner.x >= outer.x
        && inner.y >= outer.y
        && inner.right() <= outer.right()
        && inner.bottom() <= outer.bottom()
}

fn apart(a: Rect, b: Rect) -> bool {
    a.right() <= b.x || b.right() <= a.x || a.bottom() <= b.y || b.bottom() <= a.y
}

/// A line as a box two pixels wide.
fn stroke(line: &Line) -> Rect {
    let ((x1, y1), (x2, y2)) = (line.from, line.to);
    let (x, y) = (x1.min(x2), y1.min(y2));
    Rect {
        x: x - i32::from(x1 == x2),
        y: y - i32::from(y1 == y2),
        w: ((x2 - x1).abs()).max(2),
        h: ((y2 - y1).abs()).max(2),
    }
}

fn check(scene: &Scene) -> Result<(), String> {
    let page = Rect {
        x: 0,
        y: 0,
        w: scene.width,
        h: scene.height,
    };
    for (index, text) in scene.texts.iter().enumerate() {
        let owner = scene.boxes[text.owner].rect;
        if !inside(text.rect, owner) || !inside(owner, page) {
            return Err(format!("`{}` {:?} leaves {owner:?}", text.text, text.rect));
        }
        if let Some(other) = scene.texts[index + 1..]
            .iter()
            .find(|o| !apart(text.rect, o.rect))
        {
            return Err(format!("`{}` and `{}` overlap", text.text, other.text));
        }
        if let Some(line) = scene
            .lines
            .iter()
            .find(|line| !apart(stroke(line), text.rect))
        {
            return Err(format!("{line:?} crosses `{}`", text.text));
        }
    }
    for (index, own) in scene.boxes.iter().enumerate() {
        let clash =
            |other: &&BoxItem| !apart(own.rect, other.rect) && !inside(other.rect, own.rect);
        // Later ones are drawn on top, so they must lie inside or beside.
        if let Some(other) = scene.boxes[index + 1..].iter().find(clash) {
            return Err(format!("{own:?} and {other:?} overlap"));
        }
    }
    for (index, line) in scene.lines.iter().enumerate() {
        if line.from.0 != line.to.0 && line.from.1 != line.to.1 {
            return Err(format!("{line:?} is oblique"));
        }
        let along = |other: &&Line| {
            let both = |axis: fn(&(i32, i32)) -> i32, across: fn(&(i32, i32)) -> i32| {
                let level = [line.from, line.to, other.from, other.to];
                let (a, b) = (
                    (axis(&line.from), axis(&line.to)),
                    (axis(&other.from), axis(&other.to)),
                );
                let overlap = a.0.max(a.1).min(b.0.max(b.1)) - a.0.min(a.1).max(b.0.min(b.1));
                level.iter().all(|p| across(p) == across(&line.from)) && overlap > 0
            };
            both(|p| p.0, |p| p.1) || both(|p| p.1, |p| p.0)
        };
        if let Some(other) = scene.lines[index + 1..].iter().find(along) {
            return Err(format!("{line:?} runs along {other:?}"));
        }
    }
    Ok(())
}

#[test]
fn samples_are_tidy() {
    for env in [
        sample::large(),
        sample::small(),
        sample::nasty(),
        Environment::default(),
    ] {
        check(&layout(&env)).unwrap();
    }
}

#[test]
fn the_check_sees_what_it_must() {
    let mut scene = layout(&sample::large());
    let moved = scene.texts[9].rect;
    scene.texts[8].rect = Rect {
        x: moved.x + 1,
        ..moved
    };
    assert!(check(&scene).is_err());
    let mut scene = layout(&sample::large());
    let text = scene.texts[20].rect;
    scene.lines[0] = Line {
        from: (0, text.y + 5),
        to: (scene.width, text.y + 5),
        ..scene.lines[0].clone()
    };
    assert!(check(&scene).unwrap_err().contains("crosses"));
}

#[test]
fn every_route_to_a_gateway_has_a_line() {
    let env = sample::large();
    let scene = layout(&env);
    let gateways = ["igw", "vgw", "vpce", "pcx"];
    let is_gateway = |id: &&str| {
        gateways
            .iter()
            .any(|kind| id.starts_with(&format!("{kind}-")))
    };
    let routes = env.metanetworks.iter().flat_map(|net| net.routes());
    let ids: Vec<&str> = routes
        .map(|(route, _)| route.target_id.as_str())
        .filter(is_gateway)
        .collect();
    let mut targets = ids.clone();
    targets.sort_unstable();
    targets.dedup();
    // One line per route, two per lane, one from each gateway to what is beyond.
    let beyond = 1 + 1 + 1 + env.peerings.len();
    assert_eq!(scene.lines.len(), ids.len() + 2 * targets.len() + beyond);
    assert_eq!(
        scene.lines.iter().filter(|line| line.dashed).count(),
        1,
        "the peering that waits"
    );
}

#[test]
fn long_texts_are_cut_with_a_mark() {
    let table = [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("漢漢漢", 2, "漢…"),
        ("", 3, ""),
    ];
    for (text, longest, wanted) in table {
        assert_eq!(card::clip(text, longest), wanted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn nothing_overlaps_or_is_cut(size in size()) {
        let scene = layout(&environment(&size));
        prop_assert_eq!(check(&scene), Ok(()));
    }
}
