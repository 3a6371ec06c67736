//! The S3 endpoint.
#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::super::super::action::EndpointAction;
use super::super::super::observed::Endpoint;
use super::gateways::settled;
use super::*;

fn endpoint(id: &str, created: i64, tables: &[&str]) -> Endpoint {
    Endpoint {
        id: id.to_owned(),
        service: "com.amazonaws.us-west-2.s3".to_owned(),
        kind: "Gateway".to_owned(),
        route_tables: tables.iter().map(|t| (*t).to_owned()).collect(),
        policy: Some(
            r#"{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*","Principal":"*"}]}"#
                .into(),
        ),
        created,
    }
}

const OWN: &str = "rtb-tunnel-us-west-2a";

#[test]
fn the_s3_endpoint_converges() {
    let create = "+ S3 endpoint com.amazonaws.us-west-2.s3 for all route tables";
    let added = "~ S3 endpoint com.amazonaws.us-west-2.s3: route table tunnel us-west-2a added";
    let main = "~ S3 endpoint com.amazonaws.us-west-2.s3: route table rtb-main (main) added";
    let second = |id: &str| format!("- S3 endpoint {id} beside an older one");
    let both = &[OWN, "rtb-main"][..];
    let foreign = |service: &str, kind: &str| Endpoint {
        service: service.to_owned(),
        kind: kind.to_owned(),
        ..endpoint("vpce-9", 0, both)
    };
    let s3 = "com.amazonaws.us-west-2.s3";
    let table: [(&str, Vec<Endpoint>, Vec<String>); 10] = [
        ("none", vec![], vec![create.into()]),
        ("right", vec![endpoint("vpce-1", 1, both)], vec![]),
        (
            "type in lower case",
            vec![Endpoint {
                kind: "gateway".into(),
                ..endpoint("vpce-1", 1, both)
            }],
            vec![],
        ),
        (
            "only interface",
            vec![foreign(s3, "Interface")],
            vec![create.into()],
        ),
        (
            "interface beside",
            vec![foreign(s3, "Interface"), endpoint("vpce-1", 1, both)],
            vec![],
        ),
        (
            "services with similar names",
            vec![
                foreign("com.amazonaws.us-west-2.s3express", "Gateway"),
                foreign("com.amazonaws.s3-global.accesspoint", "Gateway"),
                foreign("com.amazonaws.us-west-2.dynamodb", "Gateway"),
            ],
            vec![create.into()],
        ),
        (
            "no table",
            vec![endpoint("vpce-1", 1, &[])],
            vec![added.into(), main.into()],
        ),
        (
            "without the main table",
            vec![endpoint("vpce-1", 1, &[OWN])],
            vec![main.into()],
        ),
        (
            "several: the oldest stays",
            vec![
                endpoint("vpce-3", 3, &[OWN]),
                endpoint("vpce-2", 2, &["rtb-main"]),
                endpoint("vpce-5", 5, &[]),
            ],
            vec![second("vpce-3"), second("vpce-5"), added.into()],
        ),
        (
            "several of one second: the first by id stays",
            vec![endpoint("vpce-b", 2, both), endpoint("vpce-a", 2, both)],
            vec![second("vpce-b")],
        ),
    ];
    for (what, endpoints, wanted) in table {
        let mut observed = one_zone().created(&small());
        let mut main = table_of("rtb-main");
        main.main = true;
        observed.route_tables.push(main);
        observed.endpoints = endpoints;
        assert_eq!(settled(SMALL, &observed), wanted, "{what}");
    }
}

/// A table without tags.
fn table_of(id: &str) -> RouteTable {
    RouteTable {
        net: None,
        ..table(id, MetaNetwork::Dmz, None, &[])
    }
}

#[test]
fn policies_compare_by_meaning() {
    let full = r#"{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*","Principal":"*"}]}"#;
    let same = [
        full,
        r#"{ "Statement": [ {"Principal":"*", "Effect":"Allow", "Resource":"*", "Action":"*"} ] }"#,
        r#"{"Version":"2008-10-17","Statement":{"Action":["*"],"Effect":"Allow","Resource":"*","Principal":"*"}}"#,
    ];
    let other = [
        "none",
        "{}",
        r#"{"Statement":[{"Action":"*","Effect":"Deny","Resource":"*","Principal":"*"}]}"#,
        r#"{"Statement":[{"Action":["*","s3:Get*"],"Effect":"Allow","Resource":"*","Principal":"*"}]}"#,
    ];
    let planned = |policy: &str| {
        let mut observed = one_zone().created(&small());
        observed.endpoints[0].policy = Some(policy.to_owned());
        settled(SMALL, &observed)
    };
    for policy in same {
        assert_eq!(planned(policy), [""; 0], "{policy}");
    }
    for policy in other {
        let line = format!("~ S3 endpoint com.amazonaws.us-west-2.s3: policy {policy} -> {full}");
        assert_eq!(planned(policy), [line]);
    }
    let broken = planned("{\n  \"Statement\": [],\n  \"Version\": \"2012-10-17\"\n}");
    assert!(
        broken[0].contains(r#"policy {"Statement":[],"Version":"2012-10-17"} -> "#),
        "{broken:?}"
    );
}

#[test]
fn the_endpoint_waits_for_tables_and_for_older_endpoints_to_go() {
    let plan = one_zone().plan(&small(), &Observed::default());
    let change = plan
        .changes()
        .iter()
        .find(|c| c.id == "s3-endpoint")
        .unwrap();
    for need in [
        "vpc",
        "route-table/tunnel/us-west-2a",
        "association/tunnel/us-west-2a",
    ] {
        assert!(change.needs.iter().any(|id| id == need), "{need}");
    }
    let Action::Endpoint(EndpointAction::Create {
        new_tables, tags, ..
    }) = &change.action
    else {
        panic!("{change}")
    };
    assert_eq!(new_tables, &["route-table/tunnel/us-west-2a"]);
    assert_eq!(tags["environment"], "ci");

    let mut observed = one_zone().created(&small());
    observed.endpoints = vec![endpoint("vpce-1", 1, &[]), endpoint("vpce-2", 2, &[OWN])];
    let plan = one_zone().plan(&small(), &observed);
    let change = plan
        .changes()
        .iter()
        .find(|c| c.id == "s3-endpoint")
        .unwrap();
    assert!(
        change
            .needs
            .contains(&"s3-endpoint-delete/vpce-2".to_owned())
    );
}

/// The shared table of an old layout is replaced: only the new ones count.
#[test]
fn a_table_that_the_plan_deletes_is_not_added() {
    let mut observed = one_zone().created(&small());
    observed.endpoints = vec![endpoint("vpce-1", 1, &[OWN])];
    observed
        .route_tables
        .push(table("rtb-5", MetaNetwork::Tunnel, None, &[]));
    let desired = one_zone().desired(&small(), &observed).unwrap();
    let lines_after = |id: &str, sign: Sign| {
        let mut plan = Plan::default();
        plan.push(id, [""; 0], sign, "x", Action::AttachInternetGateway);
        super::super::endpoint::endpoint(&mut plan, &desired, &observed);
        let own = plan.changes().iter().skip(1);
        own.map(|change| (change.lines.clone(), change.needs.contains(&id.to_owned())))
            .collect::<Vec<_>>()
    };
    let added =
        |table: &str| format!("S3 endpoint com.amazonaws.us-west-2.s3: route table {table} added");
    assert_eq!(
        lines_after("x", Sign::Remove),
        [(vec![added("tunnel shared")], false)]
    );
    assert_eq!(lines_after("route-table-delete/rtb-5", Sign::Remove), []);
    assert_eq!(
        lines_after("route-table-delete/route-table/tunnel/shared", Sign::Remove),
        []
    );
    let both = vec![added("tunnel shared"), added("tunnel us-west-2b")];
    assert_eq!(
        lines_after("route-table/tunnel/us-west-2b", Sign::Add),
        [(both, true)]
    );
}
