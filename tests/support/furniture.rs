//! Puts into an environment what hosts, services and people add to it: one of everything that destroy has to deal with.

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification, VpcEndpointType};
use aws_sdk_route53::types as dns;

use super::cloud::Cloud;

/// What is there before the environment and outlives it.
pub struct Lasting {
    /// A hosted zone `example.com`.
    zone: String,
    /// VPN gateway named like the environment.
    vpn: String,
    /// Allocation of an elastic IP.
    allocation: String,
}

impl Lasting {
    /// Makes a hosted zone, a VPN gateway, an elastic IP and a topic of the environment.
    pub fn make(cloud: &Cloud, env: &str) -> Self {
        let (ec2, sdk) = (cloud.client(), cloud.sdk());
        let route53 = aws_sdk_route53::Client::new(&sdk);
        let call = route53
            .create_hosted_zone()
            .name("example.com")
            .caller_reference(env);
        let zone = cloud.wait(call.send()).expect("zone").hosted_zone;
        let call = ec2
            .create_vpn_gateway()
            .r#type("ipsec.1".into())
            .tag_specifications(tagged(ResourceType::VpnGateway, &[("Name", env)]));
        let vpn = cloud.wait(call.send()).expect("VPN gateway").vpn_gateway;
        let topics = aws_sdk_sns::Client::new(&sdk);
        let call = topics.create_topic().name(format!("ops_{env}_critical"));
        cloud.wait(call.send()).expect("topic");
        Self {
            zone: zone.expect("zone").id,
            vpn: vpn.and_then(|v| v.vpn_gateway_id).expect("id"),
            allocation: allocate(cloud, &[]),
        }
    }
}

/// Furnishes the environment `env`. Of the kinds that are found by name there are some that stay: see [`neighbour`].
pub fn furnish(cloud: &Cloud, env: &str, vpc_id: &str, lasting: &Lasting) {
    let subnets = subnets(cloud, vpc_id);
    monitoring(cloud, env);
    balancer(cloud, env, &subnets, lasting);
    balancer_v2(cloud, env, vpc_id, &subnets, lasting);
    database(cloud, env, &subnets, lasting);
    cache(cloud, env, &subnets, lasting);
    gateways(cloud, env, vpc_id, &subnets, lasting);
}

/// What looks like the environment's, but is not: another environment's, and a search domain's alarm.
pub fn neighbour(cloud: &Cloud, env: &str) {
    let other = format!("{env}-2");
    monitoring(cloud, &other);
    alarm(
        cloud,
        &format!("ops_{env}_logs_ClusterStatus.red_max"),
        "AWS/ES",
    );
    let default = Filter::builder()
        .name("default-for-az")
        .values("true")
        .build();
    let call = cloud.client().describe_subnets().filters(default).send();
    let answer = cloud.wait(call).expect("subnets");
    let ids = answer.subnets().iter().filter_map(|s| s.subnet_id());
    let subnets: Vec<String> = ids.map(str::to_owned).collect();
    plain_cache(cloud, &other, &subnets);
    plain_database(cloud, &other, &subnets);
}

/// An instance's tags and the like: the specification of a creating call.
pub fn tagged(kind: ResourceType, tags: &[(&str, &str)]) -> TagSpecification {
    let tags = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(*key).value(*value).build());
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(tags.collect()))
        .build()
}

/// Ids of the subnets of a VPC.
pub fn subnets(cloud: &Cloud, vpc_id: &str) -> Vec<String> {
    let filter = Filter::builder().name("vpc-id").values(vpc_id).build();
    let call = cloud.client().describe_subnets().filters(filter).send();
    let answer = cloud.wait(call).expect("subnets");
    let ids = answer.subnets().iter().filter_map(|s| s.subnet_id());
    ids.map(str::to_owned).collect()
}

/// Allocates an elastic IP.
pub fn allocate(cloud: &Cloud, tags: &[(&str, &str)]) -> String {
    let mut call = cloud.client().allocate_address().domain("vpc".into());
    if !tags.is_empty() {
        call = call.tag_specifications(tagged(ResourceType::ElasticIp, tags));
    }
    let answer = cloud.wait(call.send()).expect("address");
    answer.allocation_id.expect("id")
}

/// Makes an alarm.
pub fn alarm(cloud: &Cloud, name: &str, namespace: &str) {
    use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic};
    let client = aws_sdk_cloudwatch::Client::new(&cloud.sdk());
    let call = client
        .put_metric_alarm()
        .alarm_name(name)
        .namespace(namespace)
        .metric_name("CPU")
        .statistic(Statistic::Average)
        .period(60)
        .evaluation_periods(1)
        .threshold(90.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold);
    cloud.wait(call.send()).expect("alarm");
}

fn monitoring(cloud: &Cloud, env: &str) {
    use aws_sdk_cloudwatchlogs::types::MetricTransformation;
    alarm(cloud, &format!("ops_{env}_mhcweb_CPU_max"), "AWS/EC2");
    alarm(cloud, &format!("{env}_db_FreeStorageSpace_min"), "AWS/RDS");
    let client = aws_sdk_cloudwatchlogs::Client::new(&cloud.sdk());
    let group = format!("{env}/mhcweb/var/log/app.log");
    let call = client.create_log_group().log_group_name(&group);
    cloud.wait(call.send()).expect("log group");
    let metric = MetricTransformation::builder()
        .metric_name("mhcweb-Errors")
        .metric_namespace(format!("LogMetrics/{env}"))
        .metric_value("1");
    let call = client
        .put_metric_filter()
        .log_group_name(&group)
        .filter_name("mhcweb-Errors")
        .filter_pattern("ERROR")
        .metric_transformations(metric.build().expect("transformation"));
    cloud.wait(call.send()).expect("metric filter");
}

/// A CNAME in the zone `example.com`.
fn record(cloud: &Cloud, lasting: &Lasting, name: &str, value: &str) {
    let value = dns::ResourceRecord::builder().value(value);
    let set = dns::ResourceRecordSet::builder()
        .name(format!("{name}.example.com"))
        .r#type(dns::RrType::Cname)
        .ttl(5)
        .resource_records(value.build().expect("value"));
    let change = dns::Change::builder()
        .action(dns::ChangeAction::Upsert)
        .resource_record_set(set.build().expect("record"));
    let batch = dns::ChangeBatch::builder().changes(change.build().expect("change"));
    let call = aws_sdk_route53::Client::new(&cloud.sdk())
        .change_resource_record_sets()
        .hosted_zone_id(&lasting.zone)
        .change_batch(batch.build().expect("batch"));
    cloud.wait(call.send()).expect("record");
}

fn balancer(cloud: &Cloud, env: &str, subnets: &[String], lasting: &Lasting) {
    let client = aws_sdk_elasticloadbalancing::Client::new(&cloud.sdk());
    let listener = aws_sdk_elasticloadbalancing::types::Listener::builder()
        .protocol("HTTP")
        .load_balancer_port(80)
        .instance_port(80)
        .build()
        .expect("listener");
    let call = client
        .create_load_balancer()
        .load_balancer_name(format!("{env}-web"))
        .listeners(listener)
        .set_subnets(Some(subnets.to_vec()));
    let answer = cloud.wait(call.send()).expect("load balancer");
    let host = answer.dns_name.expect("host name");
    record(cloud, lasting, &format!("mhcweb-{env}"), &host);
    // Another record that only looks alike.
    record(
        cloud,
        lasting,
        &format!("other-{env}"),
        &format!("not-{host}"),
    );
}

/// An application balancer with a target group, and a record that leads to it.
fn balancer_v2(cloud: &Cloud, env: &str, vpc_id: &str, subnets: &[String], lasting: &Lasting) {
    use aws_sdk_elasticloadbalancingv2::types::{Action, ActionTypeEnum, ProtocolEnum};
    let client = aws_sdk_elasticloadbalancingv2::Client::new(&cloud.sdk());
    let call = client
        .create_load_balancer()
        .name(format!("{env}-shop"))
        .set_subnets(Some(subnets.to_vec()));
    let answer = cloud.wait(call.send()).expect("load balancer");
    let balancer = &answer.load_balancers()[0];
    let host = balancer.dns_name().expect("host name");
    record(cloud, lasting, &format!("mhcshop-{env}"), host);
    let call = client
        .create_target_group()
        .name(format!("{env}-shop"))
        .vpc_id(vpc_id)
        .protocol(ProtocolEnum::Http)
        .port(80);
    let answer = cloud.wait(call.send()).expect("target group");
    let forward = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .set_target_group_arn(answer.target_groups()[0].target_group_arn.clone());
    let call = client
        .create_listener()
        .set_load_balancer_arn(balancer.load_balancer_arn.clone())
        .protocol(ProtocolEnum::Http)
        .port(80)
        .default_actions(forward.build());
    cloud.wait(call.send()).expect("listener");
}

fn database(cloud: &Cloud, env: &str, subnets: &[String], lasting: &Lasting) {
    let host = plain_database(cloud, env, subnets);
    record(cloud, lasting, &format!("{env}-db"), &host);
}

fn plain_database(cloud: &Cloud, env: &str, subnets: &[String]) -> String {
    let client = aws_sdk_rds::Client::new(&cloud.sdk());
    let name = format!("{env}-db");
    let call = client
        .create_db_subnet_group()
        .db_subnet_group_name(&name)
        .db_subnet_group_description(env)
        .set_subnet_ids(Some(subnets.to_vec()));
    cloud.wait(call.send()).expect("database subnet group");
    let call = client
        .create_db_instance()
        .db_instance_identifier(&name)
        .db_instance_class("db.t3.micro")
        .engine("postgres")
        .allocated_storage(10)
        .master_username("root")
        .master_user_password("correct-horse")
        .db_subnet_group_name(&name);
    let instance = cloud.wait(call.send()).expect("database").db_instance;
    let endpoint = instance.and_then(|i| i.endpoint).expect("endpoint");
    endpoint.address.expect("host name")
}

fn cache(cloud: &Cloud, env: &str, subnets: &[String], lasting: &Lasting) {
    let host = plain_cache(cloud, env, subnets);
    record(cloud, lasting, &format!("sessions-{env}"), &host);
}

fn plain_cache(cloud: &Cloud, env: &str, subnets: &[String]) -> String {
    let client = aws_sdk_elasticache::Client::new(&cloud.sdk());
    let group = format!("{env}-intranet");
    let call = client
        .create_cache_subnet_group()
        .cache_subnet_group_name(&group)
        .cache_subnet_group_description(&group)
        .set_subnet_ids(Some(subnets.to_vec()));
    cloud.wait(call.send()).expect("cache subnet group");
    let tag = aws_sdk_elasticache::types::Tag::builder()
        .key("environment")
        .value(env);
    let call = client
        .create_replication_group()
        .replication_group_id(format!("cache-{env}"))
        .replication_group_description(format!("{env}-sessions"))
        .num_cache_clusters(1)
        .cache_node_type("cache.t3.micro")
        .engine("redis")
        .cache_subnet_group_name(&group)
        .tags(tag.build());
    let answer = cloud.wait(call.send()).expect("cache").replication_group;
    let group = answer.expect("replication group");
    let endpoint = group.node_groups()[0].primary_endpoint().expect("endpoint");
    endpoint.address().expect("host name").to_owned()
}

/// NAT gateways with an automatic and with the given address, endpoints, the VPN gateway.
fn gateways(cloud: &Cloud, env: &str, vpc_id: &str, subnets: &[String], lasting: &Lasting) {
    let ec2 = cloud.client();
    let nat = |subnet: &str, allocation: &str| {
        let call = ec2
            .create_nat_gateway()
            .subnet_id(subnet)
            .allocation_id(allocation);
        cloud.wait(call.send()).expect("NAT gateway");
    };
    let own = [("dynamic", "true"), ("environment", env)];
    nat(&subnets[0], &allocate(cloud, &own));
    let call = ec2.create_tags().resources(&subnets[0]);
    let call = call.tags(Tag::builder().key("dynonat").value("").build());
    cloud.wait(call.send()).expect("tags");
    nat(&subnets[1], &lasting.allocation);
    // Of an update that was interrupted before it made the gateway.
    allocate(cloud, &own);
    let endpoint = |service: &str, kind: VpcEndpointType, subnet: Option<&String>| {
        let call = ec2
            .create_vpc_endpoint()
            .vpc_id(vpc_id)
            .service_name(format!("com.amazonaws.us-west-2.{service}"))
            .vpc_endpoint_type(kind)
            .set_subnet_ids(subnet.map(|id| vec![id.clone()]));
        cloud.wait(call.send()).expect("endpoint");
    };
    endpoint("s3", VpcEndpointType::Gateway, None);
    endpoint("ec2", VpcEndpointType::Interface, subnets.first());
    let call = ec2
        .attach_vpn_gateway()
        .vpn_gateway_id(&lasting.vpn)
        .vpc_id(vpc_id);
    cloud.wait(call.send()).expect("VPN attachment");
    let call = ec2
        .create_network_interface()
        .subnet_id(&subnets[0])
        .description("floating interface");
    cloud.wait(call.send()).expect("interface");
}
