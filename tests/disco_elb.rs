//! `disco_elb` end to end.

mod attachments;
mod faults;
mod listing;
mod options;
mod stickiness;
mod update;
mod usage;

use crate::support::cloud::Cloud;
use crate::support::config::TestConfig;
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::zone::zone;
use crate::support::{Asiaq, Output, asiaq};
use aws_sdk_elasticloadbalancing::types::LoadBalancerDescription;

/// Name in AWS of the balancer of `mhcweb` in `ci`.
const ID: &str = "8f90fb4e286ae425b033dcce39800895";
/// The same for the one under test.
const TESTING_ID: &str = "7b80a21a3e5ebc681bdfd7ec682bf6a4";
/// What the tests add to: a hostclass with a balancer.
const WEB: &str = "[mhcweb]\nelb = yes\nelb_health_check_url = /ok\n";

/// An environment `ci`, the zone `example.com`, and a configuration.
struct Site {
    cloud: Cloud,
    config: TestConfig,
    zone: String,
}

impl Site {
    /// With these lines in the section of `mhcweb`.
    fn new(options: &str) -> Self {
        let cloud = Cloud::start();
        let config = TestConfig::standard();
        let made = asiaq("disco_vpc_ui")
            .endpoint(cloud.url())
            .config(config.path())
            .args(["create", "--name", "ci", "--type", "ci"])
            .run();
        made.expect_status(0);
        let zone = zone(&cloud, "example.com", false);
        let site = Self {
            cloud,
            config,
            zone,
        };
        site.configure(options);
        site
    }

    /// Replaces the section of `mhcweb`.
    fn configure(&self, options: &str) {
        let standard = TestConfig::standard();
        let text = std::fs::read_to_string(standard.path().join("disco_aws.ini")).unwrap();
        self.config
            .write("disco_aws.ini", &format!("{text}\n{WEB}{options}\n"));
    }

    fn tool(&self, words: &str) -> Asiaq {
        asiaq("disco_elb")
            .config(self.config.path())
            .args(words.split_whitespace())
    }

    fn run(&self, words: &str) -> Output {
        self.tool(words).endpoint(self.cloud.url()).run()
    }

    /// Runs it through a proxy; gives the changing calls as well.
    fn watched(&self, words: &str) -> (Output, Vec<String>) {
        let proxy = Proxy::start(self.cloud.url(), Behaviour::new());
        let output = self.tool(words).endpoint(proxy.url()).run();
        (output, changing_calls(&proxy))
    }

    /// Updates, checks that a second run finds nothing to do, and gives the plan that the first showed.
    fn converge(&self) -> String {
        let plan = self.run("update --hostclass mhcweb --dry-run");
        let (first, _) = self.watched("update --hostclass mhcweb");
        assert_eq!(first.expect_status(0).stdout, "");
        let (again, calls) = self.watched("update --hostclass mhcweb");
        again.expect_status(0);
        assert_eq!(calls, [""; 0], "a second run changes nothing");
        plan.expect_status(0).stdout
    }

    fn client(&self) -> aws_sdk_elasticloadbalancing::Client {
        aws_sdk_elasticloadbalancing::Client::new(&self.cloud.sdk())
    }

    /// All classic balancers.
    fn balancers(&self) -> Vec<LoadBalancerDescription> {
        let call = self.client().describe_load_balancers().send();
        let answer = self.cloud.wait(call).expect("balancers");
        answer.load_balancer_descriptions().to_vec()
    }

    /// The only one.
    fn balancer(&self) -> LoadBalancerDescription {
        let mut all = self.balancers();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn records(&self) -> Vec<String> {
        crate::support::zone::records(&self.cloud, &self.zone)
    }

    /// `key=value` of a balancer, sorted.
    fn tags(&self, name: &str) -> Vec<String> {
        let call = self.client().describe_tags().load_balancer_names(name);
        let answer = self.cloud.wait(call.send()).expect("tags");
        let tags = answer.tag_descriptions()[0].tags().iter();
        let mut tags: Vec<String> = tags
            .map(|tag| format!("{}={}", tag.key(), tag.value().unwrap_or_default()))
            .collect();
        tags.sort();
        tags
    }

    /// Idle timeout, draining and cross-zone balancing.
    fn attributes(&self, name: &str) -> (i32, bool, i32, bool) {
        let call = self.client().describe_load_balancer_attributes();
        let answer = self.cloud.wait(call.load_balancer_name(name).send());
        let answer = answer.expect("attributes");
        let all = answer.load_balancer_attributes().unwrap();
        let draining = all.connection_draining().unwrap();
        (
            all.connection_settings().unwrap().idle_timeout(),
            draining.enabled(),
            draining.timeout().unwrap_or(-1),
            all.cross_zone_load_balancing().unwrap().enabled(),
        )
    }

    /// Makes a group of the hostclass without instances, attached to these balancers.
    fn group(&self, name: &str, balancers: &[&str], testing: bool) {
        let scaling = self.cloud.autoscaling();
        let image = self.cloud.register_image("mhcweb 1", &[]);
        let call = scaling
            .create_launch_configuration()
            .launch_configuration_name(name)
            .image_id(image)
            .instance_type("t3.micro");
        self.cloud.wait(call.send()).unwrap();
        let tag = aws_sdk_autoscaling::types::Tag::builder()
            .resource_id(name)
            .resource_type("auto-scaling-group")
            .key("is_testing")
            .value(if testing { "1" } else { "0" })
            .propagate_at_launch(true);
        let call = scaling
            .create_auto_scaling_group()
            .auto_scaling_group_name(name)
            .launch_configuration_name(name)
            .availability_zones("us-west-2a")
            .min_size(0)
            .max_size(0)
            .tags(tag.build());
        self.cloud.wait(call.send()).unwrap();
        if !balancers.is_empty() {
            let names = balancers.iter().map(|name| (*name).to_owned()).collect();
            let call = scaling
                .attach_load_balancers()
                .auto_scaling_group_name(name)
                .set_load_balancer_names(Some(names));
            self.cloud.wait(call.send()).unwrap();
        }
    }

    /// What the group is attached to.
    fn attached(&self, group: &str) -> Vec<String> {
        let call = self.cloud.autoscaling().describe_auto_scaling_groups();
        let answer = self.cloud.wait(call.auto_scaling_group_names(group).send());
        let answer = answer.expect("groups");
        let mut names = answer.auto_scaling_groups()[0]
            .load_balancer_names()
            .to_vec();
        names.sort();
        names
    }

    /// Makes a balancer by hand at 80/HTTP.
    fn foreign(&self, name: &str, subnets: &[String], tags: &[(&str, &str)]) {
        let listener = aws_sdk_elasticloadbalancing::types::Listener::builder()
            .protocol("HTTP")
            .load_balancer_port(80)
            .instance_protocol("HTTP")
            .instance_port(80);
        let tag = |(key, value): &(&str, &str)| {
            let tag = aws_sdk_elasticloadbalancing::types::Tag::builder();
            tag.key(*key).value(*value).build().unwrap()
        };
        let tags: Vec<_> = tags.iter().map(tag).collect();
        let call = self
            .client()
            .create_load_balancer()
            .load_balancer_name(name)
            .listeners(listener.build().unwrap())
            .set_subnets(Some(subnets.to_vec()))
            .set_tags((!tags.is_empty()).then_some(tags));
        self.cloud.wait(call.send()).unwrap();
    }

    /// Subnets of the metanetwork in the environment.
    fn subnets(&self, net: &str) -> Vec<String> {
        let filter = |name: &str, value: &str| {
            let filter = aws_sdk_ec2::types::Filter::builder();
            filter.name(name).values(value).build()
        };
        let call = self.cloud.client().describe_subnets();
        let call = call.filters(filter("tag:meta_network", net));
        let answer = self.cloud.wait(call.send()).expect("subnets");
        let ids = answer.subnets().iter().filter_map(|own| own.subnet_id());
        let mut ids: Vec<String> = ids.map(str::to_owned).collect();
        ids.sort();
        ids
    }

    /// Security group of the metanetwork.
    fn security_group(&self, net: &str) -> String {
        let call = self.cloud.client().describe_security_groups();
        let answer = self.cloud.wait(call.send()).expect("security groups");
        let name = format!("ci_{net}");
        let mut groups = answer.security_groups().iter();
        let own = groups.find(|group| group.group_name() == Some(&name));
        own.and_then(|group| group.group_id()).unwrap().to_owned()
    }
}

/// `EXTERNAL/PROTOCOL -> INTERNAL/PROTOCOL CERTIFICATE`, in the order of ports.
fn listeners(balancer: &LoadBalancerDescription) -> Vec<String> {
    let mut all: Vec<_> = balancer
        .listener_descriptions()
        .iter()
        .filter_map(|own| own.listener())
        .collect();
    all.sort_by_key(|own| own.load_balancer_port());
    all.iter()
        .map(|own| {
            format!(
                "{}/{} -> {}/{} {}",
                own.load_balancer_port(),
                own.protocol(),
                own.instance_port(),
                own.instance_protocol().unwrap_or_default(),
                own.ssl_certificate_id().unwrap_or("-")
            )
        })
        .collect()
}
