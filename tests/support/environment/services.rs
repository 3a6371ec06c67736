//! The part of the inventory that is not of EC2's basic kinds: what services hold, and what outlives an environment.

use aws_config::SdkConfig;

/// One line per thing, `KIND ID`. What AWS lists for a while after it is gone does not count.
pub(super) async fn lines(config: &SdkConfig) -> Vec<String> {
    let parts = [
        monitoring(config).await,
        names(config).await,
        databases(config).await,
        caches(config).await,
        network(config).await,
    ];
    parts.into_iter().flatten().collect()
}

fn line(kind: &str, id: Option<&str>) -> String {
    format!("{kind} {}", id.expect("id"))
}

async fn monitoring(config: &SdkConfig) -> Vec<String> {
    let watch = aws_sdk_cloudwatch::Client::new(config);
    let logs = aws_sdk_cloudwatchlogs::Client::new(config);
    let topics = aws_sdk_sns::Client::new(config).list_topics().send().await;
    let topics = topics.expect("topics");
    let mut all: Vec<String> = topics
        .topics()
        .iter()
        .map(|t| line("topic", t.topic_arn()))
        .collect();
    let alarms = watch.describe_alarms().send().await.expect("alarms");
    all.extend(
        alarms
            .metric_alarms()
            .iter()
            .map(|a| line("alarm", a.alarm_name())),
    );
    let groups = logs.describe_log_groups().send().await.expect("log groups");
    for group in groups
        .log_groups()
        .iter()
        .filter_map(|g| g.log_group_name())
    {
        all.push(format!("log-group {group}"));
        // moto keeps the filters of deleted groups, so they are counted by group.
        let filters = logs.describe_metric_filters().log_group_name(group);
        let filters = filters.send().await.expect("metric filters");
        let names = filters.metric_filters().iter().map(|f| f.filter_name());
        all.extend(names.map(|name| line(&format!("filter of {group}"), name)));
    }
    all
}

/// Load balancers and records.
async fn names(config: &SdkConfig) -> Vec<String> {
    let balancers = aws_sdk_elasticloadbalancing::Client::new(config);
    let route53 = aws_sdk_route53::Client::new(config);
    let answer = balancers.describe_load_balancers().send().await;
    let answer = answer.expect("load balancers");
    let mut all: Vec<String> = answer
        .load_balancer_descriptions()
        .iter()
        .map(|b| line("balancer", b.load_balancer_name()))
        .collect();
    let others = aws_sdk_elasticloadbalancingv2::Client::new(config);
    let answer = others.describe_load_balancers().send().await;
    let found = answer.expect("load balancers");
    let names = found.load_balancers().iter();
    all.extend(names.map(|b| line("balancer v2", b.load_balancer_name())));
    let answer = others.describe_target_groups().send().await;
    let found = answer.expect("target groups");
    let names = found.target_groups().iter();
    all.extend(names.map(|g| line("target group", g.target_group_name())));
    let zones = route53.list_hosted_zones().send().await.expect("zones");
    for zone in zones.hosted_zones() {
        let records = route53
            .list_resource_record_sets()
            .hosted_zone_id(zone.id());
        let records = records.send().await.expect("records");
        let names = records.resource_record_sets().iter();
        all.extend(names.map(|r| format!("record {} {}", r.r#type().as_str(), r.name())));
    }
    all
}

async fn databases(config: &SdkConfig) -> Vec<String> {
    let rds = aws_sdk_rds::Client::new(config);
    let instances = rds.describe_db_instances().send().await.expect("databases");
    let mut all: Vec<String> = instances
        .db_instances()
        .iter()
        .map(|d| line("database", d.db_instance_identifier()))
        .collect();
    let snapshots = rds.describe_db_snapshots().snapshot_type("manual");
    let snapshots = snapshots.send().await.expect("snapshots");
    all.extend(
        snapshots
            .db_snapshots()
            .iter()
            .map(|s| line("snapshot", s.db_snapshot_identifier())),
    );
    let groups = rds
        .describe_db_subnet_groups()
        .send()
        .await
        .expect("groups");
    all.extend(
        groups
            .db_subnet_groups()
            .iter()
            .map(|g| line("database-subnet-group", g.db_subnet_group_name())),
    );
    all
}

async fn caches(config: &SdkConfig) -> Vec<String> {
    let caches = aws_sdk_elasticache::Client::new(config);
    let groups = caches.describe_replication_groups().send().await;
    let groups = groups.expect("caches");
    let mut all: Vec<String> = groups
        .replication_groups()
        .iter()
        .map(|g| line("cache", g.replication_group_id()))
        .collect();
    let groups = caches.describe_cache_subnet_groups().send().await;
    let groups = groups.expect("cache subnet groups");
    all.extend(
        groups
            .cache_subnet_groups()
            .iter()
            .map(|g| line("cache-subnet-group", g.cache_subnet_group_name())),
    );
    all
}

async fn network(config: &SdkConfig) -> Vec<String> {
    let ec2 = aws_sdk_ec2::Client::new(config);
    let live = |state: Option<&str>| !matches!(state, Some("deleted" | "deleting"));
    let nats = ec2
        .describe_nat_gateways()
        .send()
        .await
        .expect("NAT gateways");
    let mut all: Vec<String> = nats
        .nat_gateways()
        .iter()
        .filter(|g| live(g.state().map(|s| s.as_str())))
        .map(|g| line("nat", g.nat_gateway_id()))
        .collect();
    let endpoints = ec2
        .describe_vpc_endpoints()
        .send()
        .await
        .expect("endpoints");
    all.extend(
        endpoints
            .vpc_endpoints()
            .iter()
            .filter(|e| live(e.state().map(|s| s.as_str())))
            .map(|e| line("endpoint", e.vpc_endpoint_id())),
    );
    let addresses = ec2.describe_addresses().send().await.expect("addresses");
    let addresses = addresses.addresses().iter();
    all.extend(addresses.map(|a| line("address", a.allocation_id())));
    let peerings = ec2.describe_vpc_peering_connections().send().await;
    let peerings = peerings.expect("peerings");
    all.extend(
        peerings
            .vpc_peering_connections()
            .iter()
            .filter(|p| live(p.status().and_then(|s| s.code()).map(|c| c.as_str())))
            .map(|p| line("peering", p.vpc_peering_connection_id())),
    );
    let gateways = ec2
        .describe_vpn_gateways()
        .send()
        .await
        .expect("VPN gateways");
    for gateway in gateways.vpn_gateways() {
        let attached = gateway
            .vpc_attachments()
            .iter()
            .filter(|a| a.state().map(|s| s.as_str()) == Some("attached"));
        let to: Vec<&str> = attached.filter_map(|a| a.vpc_id()).collect();
        let id = gateway.vpn_gateway_id().expect("id");
        all.push(format!("vpn [{}] {id}", to.join(",")));
    }
    all
}
