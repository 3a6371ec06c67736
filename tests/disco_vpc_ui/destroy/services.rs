//! `destroy` of an environment with everything that services, hosts and people put into it.

use super::super::{create, fixed, logged, run, sorted_lines};
use super::{add_group, add_instance};
use crate::support::asiaq;
use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::{changing_calls, count, inventory, vpc_ids};
use crate::support::furniture::{Lasting, alarm, furnish, neighbour, subnets, tagged};
use crate::support::proxy::{Behaviour, Proxy};
use aws_sdk_ec2::types::ResourceType;

/// Records of others in the zone: they belong to nothing that goes.
const OTHER_RECORD: &str = "record CNAME other-ci.example.com.";
const SNAPSHOT: &str = "snapshot ci-db-final-snapshot";

/// An environment `ci` with one of everything; gives its VPC and the inventory that destroy must leave.
fn furnished(cloud: &Cloud, config: &TestConfig) -> (String, Vec<String>) {
    let lasting = Lasting::make(cloud, "ci");
    neighbour(cloud, "ci");
    let mut wanted = inventory(cloud);
    wanted.extend([OTHER_RECORD, SNAPSHOT].map(str::to_owned));
    wanted.sort();
    create(cloud, config);
    let vpc = vpc_ids(cloud, "ci")[0].clone();
    furnish(cloud, "ci", &vpc, &lasting);
    (vpc, wanted)
}

#[test]
fn of_a_full_environment_only_what_is_to_last_remains() {
    let (cloud, config) = (Cloud::start(), fixed());
    let (vpc, wanted) = furnished(&cloud, &config);
    add_group(&cloud, "ci", &vpc);
    add_instance(&cloud, &vpc);
    let full = inventory(&cloud);

    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let planned = run(proxy.url(), &config, "destroy --name ci --dry-run").expect_status(0);
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(inventory(&cloud), full);
    let shown = &planned.stdout;
    for line in [
        "- alarm ops_ci_mhcweb_CPU_max\n",
        "- alarm ci_db_FreeStorageSpace_min\n",
        "- group mhcweb ci_mhcweb_1780000000 (2 instances)\n",
        "- metric filter mhcweb-Errors of log group ci/mhcweb/var/log/app.log\n",
        "- log group ci/mhcweb/var/log/app.log\n",
        "- record mhcweb-ci.example.com CNAME\n- load balancer ci-web\n",
        "- record mhcshop-ci.example.com CNAME\n- application load balancer ci-shop\n",
        "- target group ci-shop\n",
        "- record ci-db.example.com CNAME\n- database ci-db (leaves snapshot ci-db-final-snapshot)\n",
        "- database subnet group ci-db\n",
        "- record sessions-ci.example.com CNAME\n- cache ci-sessions cache-ci\n",
        "- cache subnet group ci-intranet\n",
        "- endpoint Gateway com.amazonaws.us-west-2.s3 vpce-",
        "- endpoint Interface com.amazonaws.us-west-2.ec2 vpce-",
        "- attachment of VPN gateway vgw-",
    ] {
        assert!(shown.contains(line), "`{line}` in\n{shown}");
    }
    let lines = |start: &str| shown.lines().filter(|l| l.starts_with(start)).count();
    assert_eq!(lines("- NAT gateway "), 2);
    assert_eq!(
        lines("- address "),
        2,
        "the automatic one and the left-over one"
    );
    assert!(
        !shown.contains("ci-2") && !shown.contains("ClusterStatus"),
        "{shown}"
    );

    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let output = run(proxy.url(), &config, "destroy --name ci").expect_status(0);
    assert_eq!(logged(&output), sorted_lines(shown));
    assert_eq!(inventory(&cloud), wanted);
    // Nobody is paged, and the snapshot holds the last writes.
    let calls: Vec<String> = proxy.calls().into_iter().map(|c| c.operation).collect();
    let at = |name: &str| calls.iter().position(|own| own == name).expect(name);
    assert!(
        at("DeleteAlarms") < at("DeleteAutoScalingGroup"),
        "{calls:?}"
    );
    assert!(
        at("TerminateInstances") < at("DeleteDBInstance"),
        "{calls:?}"
    );
    assert!(
        at("DeleteVpcEndpoints") < at("DeleteNetworkInterface"),
        "{calls:?}"
    );

    // The final snapshot is in the way of the next environment's; the plan says that it goes.
    let lasting_wanted = inventory(&cloud);
    create(&cloud, &config);
    let vpc = vpc_ids(&cloud, "ci")[0].clone();
    let client = aws_sdk_rds::Client::new(&cloud.sdk());
    let call = client
        .create_db_subnet_group()
        .db_subnet_group_name("ci-db")
        .db_subnet_group_description("ci")
        .set_subnet_ids(Some(subnets(&cloud, &vpc)));
    cloud.wait(call.send()).unwrap();
    let call = client
        .create_db_instance()
        .db_instance_identifier("ci-db")
        .db_instance_class("db.t3.micro")
        .engine("postgres")
        .db_subnet_group_name("ci-db");
    cloud.wait(call.send()).unwrap();
    let again = run(cloud.url(), &config, "destroy --name ci").expect_status(0);
    let line = "- snapshot ci-db-final-snapshot of an earlier database".to_owned();
    assert!(logged(&again).contains(&line), "{}", again.stderr);
    assert_eq!(inventory(&cloud), lasting_wanted);
}

#[test]
fn a_database_that_cannot_be_snapshotted_stops_destroy_there() {
    let (cloud, config) = (Cloud::start(), fixed());
    let (vpc, wanted) = furnished(&cloud, &config);
    add_instance(&cloud, &vpc);
    let client = aws_sdk_rds::Client::new(&cloud.sdk());
    let stop = client.stop_db_instance().db_instance_identifier("ci-db");
    cloud.wait(stop.send()).unwrap();
    let output = run(cloud.url(), &config, "destroy --name ci").expect_status(1);
    let text = "no database is deleted, because there can be no final snapshot of ci-db (stopped)";
    assert!(output.stderr.contains(text), "{}", output.stderr);
    assert!(
        output.stderr.contains("not started: - vpc ci"),
        "{}",
        output.stderr
    );
    let left = inventory(&cloud);
    // What does not hold the database is gone, the network that it stands on is whole.
    for gone in [
        "database ci-db",
        "record CNAME ci-db.example.com.",
        "database-subnet-group ci-db",
    ] {
        assert!(left.contains(&gone.to_owned()), "{gone} in {left:#?}");
    }
    assert!(left.contains(&format!("vpc {vpc}")));
    assert_eq!(subnets(&cloud, &vpc).len(), 6);
    for (kind, number) in [
        ("instance", 0),
        ("nat", 0),
        ("endpoint", 0),
        ("balancer", 0),
        ("gateway", 1),
    ] {
        assert_eq!(count(&left, kind), number, "{kind} in {left:#?}");
    }

    let start = client.start_db_instance().db_instance_identifier("ci-db");
    cloud.wait(start.send()).unwrap();
    run(cloud.url(), &config, "destroy --name ci").expect_status(0);
    assert_eq!(inventory(&cloud), wanted);
}

#[test]
fn a_refused_final_snapshot_is_an_error_and_nothing_below_goes() {
    let (cloud, config) = (Cloud::start(), fixed());
    let (vpc, wanted) = furnished(&cloud, &config);
    let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>SnapshotQuotaExceeded</Code>\
                   <Message>too many</Message></Error><RequestId>r</RequestId></ErrorResponse>";
    let refusing = Behaviour::new().answer("DeleteDBInstance", 400, refusal);
    let proxy = Proxy::start(cloud.url(), refusing);
    let output = run(proxy.url(), &config, "destroy --name ci").expect_status(1);
    let text = "rds:DeleteDBInstance of ci-db: SnapshotQuotaExceeded: too many";
    assert!(output.stderr.contains(text), "{}", output.stderr);
    assert_eq!(proxy.count("DeleteDBInstance"), 1, "no use in repeating");
    assert_eq!(subnets(&cloud, &vpc).len(), 6);
    run(cloud.url(), &config, "destroy --name ci").expect_status(0);
    assert_eq!(inventory(&cloud), wanted);
}

#[test]
fn throttling_of_every_service_is_waited_out() {
    let (cloud, config) = (Cloud::start(), fixed());
    let (_, wanted) = furnished(&cloud, &config);
    let throttled = [
        "DescribeLoadBalancers",
        "DeleteLoadBalancer",
        "DeleteDBInstance",
        "DeleteReplicationGroup",
        "DeleteLogGroup",
        "DeleteNatGateway",
        "ReleaseAddress",
        "DetachVpnGateway",
        "DeleteVpcEndpoints",
    ];
    let behaviour = throttled
        .iter()
        .fold(Behaviour::new(), |all, name| all.throttle(name, 1));
    let proxy = Proxy::start(cloud.url(), behaviour);
    // The other mode slows the whole command down after each refusal.
    let output = asiaq("disco_vpc_ui")
        .endpoint(proxy.url())
        .env("AWS_RETRY_MODE", "standard")
        .args(["destroy", "--name", "ci"])
        .run();
    output.expect_status(0);
    assert_eq!(inventory(&cloud), wanted);
    for name in throttled {
        assert!(proxy.count(name) >= 2, "{name}");
    }
}

#[test]
fn caches_are_found_by_the_vpc_of_their_subnet_group() {
    let (cloud, config) = (Cloud::start(), fixed());
    furnished(&cloud, &config);
    let cluster = |id: &str, group: &str, subnets: &str| {
        format!(
            "<CacheCluster><CacheClusterId>{id}</CacheClusterId>\
             <ReplicationGroupId>{group}</ReplicationGroupId>\
             <CacheSubnetGroupName>{subnets}</CacheSubnetGroupName></CacheCluster>"
        )
    };
    let answer = |clusters: &str| {
        format!(
            "<DescribeCacheClustersResponse xmlns=\"http://elasticache.amazonaws.com/doc/2015-02-02/\">\
             <DescribeCacheClustersResult><CacheClusters>{clusters}</CacheClusters>\
             </DescribeCacheClustersResult></DescribeCacheClustersResponse>"
        )
    };
    let plan = |clusters: &str, status: i32| {
        let behaviour = Behaviour::new().answer("DescribeCacheClusters", 200, &answer(clusters));
        let proxy = Proxy::start(cloud.url(), behaviour);
        run(proxy.url(), &config, "destroy --name ci --dry-run").expect_status(status)
    };
    // As named and tagged.
    let shown = plan("", 0).stdout;
    assert!(shown.contains("- cache ci-sessions cache-ci\n"), "{shown}");
    // Each in the VPC of the other: the name does not count.
    let swapped =
        cluster("a", "cache-ci", "ci-2-intranet") + &cluster("b", "cache-ci-2", "ci-intranet");
    let shown = plan(&swapped, 0).stdout;
    assert!(
        shown.contains("- cache ci-2-sessions cache-ci-2\n"),
        "{shown}"
    );
    assert!(!shown.contains("- cache ci-sessions"), "{shown}");
    // Alone: not Asiaq's.
    let alone = cluster("lonely", "", "ci-intranet")
        .replace("<ReplicationGroupId></ReplicationGroupId>", "");
    let report = plan(&alone, 1).stderr;
    assert!(
        report.contains("cache cluster lonely, which belongs to no replication group"),
        "{report}"
    );
}

#[test]
fn interfaces_of_what_asiaq_does_not_manage_are_refused_before_anything_goes() {
    let (cloud, config) = (Cloud::start(), fixed());
    create(&cloud, &config);
    let before = inventory(&cloud);
    let item = |id: &str, description: &str| {
        format!(
            "<item><networkInterfaceId>{id}</networkInterfaceId><description>{description}</description>\
             <requesterManaged>true</requesterManaged></item>"
        )
    };
    let items = item("eni-1", "ELB gwy/shop/50dc6c49") + &item("eni-2", "ELB 8f90fb4e");
    let answer = format!(
        "<DescribeNetworkInterfacesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <networkInterfaceSet>{items}</networkInterfaceSet></DescribeNetworkInterfacesResponse>"
    );
    let behaviour = Behaviour::new().answer("DescribeNetworkInterfaces", 200, &answer);
    let proxy = Proxy::start(cloud.url(), behaviour);
    for words in ["destroy --name ci", "destroy --name ci --dry-run"] {
        let output = run(proxy.url(), &config, words).expect_status(1);
        let text =
            "\n  eni-1 (ELB gwy/shop/50dc6c49): delete the gateway load balancer shop\nhint: ";
        assert!(output.stderr.contains(text), "{}", output.stderr);
        assert!(!output.stderr.contains("eni-2"), "{}", output.stderr);
    }
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(inventory(&cloud), before);
}

#[test]
fn of_two_vpcs_of_one_name_the_other_keeps_what_is_found_by_name() {
    let (cloud, config) = (Cloud::start(), fixed());
    create(&cloud, &config);
    alarm(&cloud, "ops_ci_mhcweb_CPU_max", "AWS/EC2");
    add_group(&cloud, "ci", &vpc_ids(&cloud, "ci")[0]);
    let before = inventory(&cloud);
    let ec2 = cloud.client();
    let tags = tagged(ResourceType::Vpc, &[("Name", "ci"), ("type", "ci")]);
    let call = ec2.create_vpc().cidr_block("10.99.0.0/24");
    let made = cloud.wait(call.tag_specifications(tags).send()).unwrap();
    let twin = made.vpc.and_then(|v| v.vpc_id).unwrap();
    let words = format!("destroy --vpc-id {twin}");
    let output = run(cloud.url(), &config, &words).expect_status(0);
    assert!(
        output.stderr.contains("WARN another VPC is named `ci`"),
        "{}",
        output.stderr
    );
    assert_eq!(inventory(&cloud), before);
}

#[test]
fn an_address_that_is_gone_already_is_a_warning() {
    let (cloud, config) = (Cloud::start(), fixed());
    let (_, wanted) = furnished(&cloud, &config);
    let refusal = "<Response><Errors><Error><Code>InvalidAddress.NotFound</Code><Message>no</Message></Error>\
                   </Errors><RequestID>r-1</RequestID></Response>";
    let behaviour = Behaviour::new().answer("ReleaseAddress", 400, refusal);
    let proxy = Proxy::start(cloud.url(), behaviour);
    let output = run(proxy.url(), &config, "destroy --name ci").expect_status(0);
    assert_eq!(
        output.stderr.matches(" is gone already").count(),
        2,
        "{}",
        output.stderr
    );
    assert_eq!(
        count(&inventory(&cloud), "address"),
        count(&wanted, "address") + 2
    );
}
