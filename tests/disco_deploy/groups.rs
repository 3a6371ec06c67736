//! The steps of a deployment one by one, against the local cloud: what each makes, what it leaves alone, what it takes away.

use std::cell::RefCell;

use asiaq_core::aws::Aws;
use asiaq_core::config::{ConfigDir, DiscoAws, DiscoVpc};
use asiaq_core::deploy::groups::{
    self, admit, finish, give_image, remove, retire, wait_in_service,
};
use asiaq_core::deploy::{Deployment, Site, Strategy};
use asiaq_core::environment::{self, Vpc};
use asiaq_core::error::{Error, Result};
use asiaq_core::group::{self, Clouds, Group, Kind};
use asiaq_core::host::remote::SshSettings;
use asiaq_core::image::{self, Trusted};
use asiaq_core::pipeline::Pipeline;
use asiaq_core::plan::{Interrupt, Progress};
use asiaq_core::spotinst::Spotinst;
use serde_json::{Value, json};

use crate::disco_aws::balancers::{Balanced, steps};
use crate::disco_aws::{changing, filter, name_of, tag_of};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::spotinst::{Fleet, SpotinstServer};

const CLASSIC: &str = "elb = yes\nelb_health_check_url = /ok\nelb_dns_alias = www";
const APPLICATION: &str =
    "elb = yes\nelb_type = application\nelb_health_check_url = /ok\nelb_dns_alias = www";

/// Notes that people would read.
#[derive(Default)]
pub struct Notes(std::sync::Mutex<Vec<String>>);

impl Notes {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Progress for Notes {
    fn begin(&self, _: usize) {}
    fn done(&self, lines: &[String]) {
        self.0.lock().unwrap().extend(lines.iter().cloned());
    }
    fn left(&self, why: &str) {
        self.note(why);
    }
    fn failed(&self, line: &str, error: &Error) {
        self.note(&format!("{line}: {error}"));
    }
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

/// What a site borrows.
pub struct Parts {
    aws: Aws,
    spotinst: Option<Spotinst>,
    config: DiscoAws,
    vpc_config: DiscoVpc,
    directory: ConfigDir,
    vpc: Vpc,
    ssh: SshSettings,
    pub interrupt: Interrupt,
    pub notes: Notes,
}

fn quiet(_: &[u8]) {}

impl Parts {
    pub fn site(&self) -> Site<'_> {
        Site {
            clouds: Clouds {
                aws: &self.aws,
                spotinst: self.spotinst.as_ref(),
            },
            config: &self.config,
            vpc_config: &self.vpc_config,
            directory: &self.directory,
            env: "ci",
            vpc: &self.vpc,
            owner: "bob",
            ssh: &self.ssh,
            progress: &self.notes,
            output: &quiet,
            interrupt: &self.interrupt,
        }
    }
}

/// An environment with hostclass `mhcapp`, a zone, and two images of it; a spinup takes the one that is not deployed.
pub struct Bed {
    pub own: Balanced,
    pub spot: Option<SpotinstServer>,
    /// The image that is deployed.
    pub image: String,
    row: RefCell<String>,
}

impl Bed {
    pub fn new(options: &str) -> Self {
        let own = Balanced::new(options);
        let image = own
            .world
            .cloud
            .register_image("mhcapp 1690000000", &[("stage", "untested")]);
        Self {
            own,
            spot: None,
            image,
            row: "1,mhcapp,,,,t2.micro,,yes,".to_owned().into(),
        }
    }

    /// With a stand-in for Spotinst whose groups start instances.
    pub fn with_spot(options: &str) -> Self {
        let (bed, server) = (Self::new(options), SpotinstServer::start());
        server.launch_with(Launcher(bed.own.world.cloud.client()));
        Self {
            spot: Some(server),
            ..bed
        }
    }

    /// The row of the deployment from now on: sequence, hostclass, desired, min, max, type, spotinst, deployable, test.
    pub fn row(&self, row: &str) {
        self.row.replace(row.to_owned());
    }

    pub fn wait<F: Future>(&self, work: F) -> F::Output {
        self.own.world.cloud.wait(work)
    }

    pub fn parts(&self, url: &str) -> Parts {
        let aws = self.own.world.cloud.aws(url);
        let path = self.own.world.config.path();
        let directory = ConfigDir::new(Some(path.as_os_str()));
        let home = path.display().to_string();
        let spot = self.spot.as_ref();
        Parts {
            config: DiscoAws::load(&directory).unwrap(),
            vpc_config: DiscoVpc::load(&directory).unwrap(),
            directory,
            vpc: self.wait(environment::find(&aws, "ci")).unwrap(),
            ssh: SshSettings::from_variables(|key| (key == "HOME").then(|| home.clone()), false)
                .unwrap(),
            interrupt: Interrupt::default(),
            notes: Notes::default(),
            spotinst: spot.map(|server| Spotinst::new(server.settings(), None).unwrap()),
            aws,
        }
    }

    /// The deployment of the image, with what serves now as the old group.
    pub fn deployment(&self, parts: &Parts) -> Deployment {
        let text = format!(
            "sequence,hostclass,desired_size,min_size,max_size,instance_type,spotinst,deployable,integration_test\n{}\n",
            self.row.borrow()
        );
        let row = Pipeline::parse("p.csv", text.as_bytes())
            .unwrap()
            .rows
            .remove(0);
        let site = parts.site();
        let trusted = Trusted::new(&[]);
        let ids = [self.image.clone()];
        let images = self
            .wait(image::by_ids(&parts.aws, &trusted, &ids))
            .unwrap();
        let groups = self.wait(group::groups(site.clouds, "ci")).unwrap();
        let own = |group: &Group| group.hostclass("ci") == "mhcapp" && !group.is_testing();
        let old = groups.into_iter().find(own);
        let sizes = old.as_ref().map_or((1, 0, 1), |old| {
            let desired = old.desired_capacity.max(1) as u32;
            (
                desired,
                old.min_size as u32,
                (old.max_size as u32).max(desired),
            )
        });
        Deployment {
            hostclass: "mhcapp".into(),
            image: images[0].clone(),
            pipeline_file: "p.csv".into(),
            kind: if row.spotinst == Some(true) {
                Kind::Spot
            } else {
                Kind::Asg
            },
            deployable: row.deployable,
            integration_test: row.integration_test.clone(),
            uses_elb: parts
                .config
                .hostclass("mhcapp", "ci")
                .unwrap()
                .balancer
                .enabled,
            strategy: Strategy::BlueGreen,
            old,
            row,
            desired: sizes.0,
            min: sizes.1,
            max: sizes.2,
            test_env: "ci".into(),
            limits: asiaq_core::deploy::Limits::default(),
        }
    }

    /// The group that serves before the deployment.
    pub fn serving(&self) -> String {
        self.own.spinup();
        name_of(&self.own.world.group("mhcapp")).to_owned()
    }

    pub fn names(&self) -> Vec<String> {
        let groups = self.own.world.groups();
        let mut names: Vec<String> = groups.iter().map(|own| name_of(own).to_owned()).collect();
        names.sort();
        names
    }

    pub fn group(&self, name: &str) -> aws_sdk_autoscaling::types::AutoScalingGroup {
        let groups = self.own.world.groups();
        groups.into_iter().find(|own| name_of(own) == name).unwrap()
    }

    /// Everything about a group that a deployment must not touch.
    fn print(&self, name: &str) -> String {
        let own = self.group(name);
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            own.launch_template().map(|t| t.launch_template_name()),
            (own.min_size, own.desired_capacity, own.max_size),
            own.load_balancer_names(),
            own.target_group_arns(),
            own.tags(),
            own.instances()
                .iter()
                .map(|i| i.instance_id())
                .collect::<Vec<_>>(),
            own.vpc_zone_identifier()
        )
    }

    fn tag_of_group(&self, name: &str, key: &str) -> Option<String> {
        let own = self.group(name);
        let tag = own.tags().iter().find(|tag| tag.key() == Some(key));
        tag.and_then(|tag| tag.value()).map(str::to_owned)
    }

    /// Values of a tag of the instances of a group.
    fn tag_of_hosts(&self, name: &str, key: &str) -> Vec<Option<String>> {
        let call = self.own.world.cloud.client().describe_instances();
        let call = call.filters(filter("tag:aws:autoscaling:groupName", name));
        let call = call.filters(filter("instance-state-name", "running"));
        let found = self.wait(call.send()).unwrap();
        let all = found.reservations().iter().flat_map(|r| r.instances());
        all.map(|own| tag_of(own, key).map(str::to_owned)).collect()
    }

    pub fn templates(&self) -> usize {
        let call = self.own.world.cloud.client().describe_launch_templates();
        let found = self.wait(call.max_results(200).send()).unwrap();
        found.launch_templates().len()
    }

    fn schedules(&self, name: &str) -> Vec<aws_sdk_autoscaling::types::ScheduledUpdateGroupAction> {
        let all = self.own.world.schedules().into_iter();
        all.filter(|own| own.auto_scaling_group_name() == Some(name))
            .collect()
    }

    pub fn hosts(&self, name: &str) -> Vec<String> {
        let own = self.group(name);
        let ids = own.instances().iter().filter_map(|own| own.instance_id());
        ids.map(str::to_owned).collect()
    }

    /// Balancers of both sorts, target groups and records.
    fn furniture(&self) -> (usize, usize, usize, usize) {
        let own = &self.own;
        (
            own.classic().len(),
            own.v2().len(),
            own.target_groups().len(),
            own.records().len(),
        )
    }
}

/// Starts instances of Elastigroups in the local cloud, tagged as Spotinst tags them.
pub struct Launcher(pub aws_sdk_ec2::Client);

impl Fleet for Launcher {
    fn launch(&mut self, group: &Value, count: usize) -> Vec<String> {
        use aws_sdk_ec2::types::{InstanceType, ResourceType, Tag, TagSpecification};
        let launch = &group["compute"]["launchSpecification"];
        let tag = |tag: &Value| {
            let text = |key: &str| tag[key].as_str().unwrap().to_owned();
            Tag::builder()
                .key(text("tagKey"))
                .value(text("tagValue"))
                .build()
        };
        let tags = launch["tags"].as_array().unwrap().iter().map(tag);
        let passed = Tag::builder().key("smoketest").value("ok").build();
        let spec = TagSpecification::builder()
            .resource_type(ResourceType::Instance)
            .set_tags(Some(tags.chain([passed]).collect()));
        let zone = &group["compute"]["availabilityZones"][0];
        let count = i32::try_from(count).unwrap();
        let call = self
            .0
            .run_instances()
            .image_id(launch["imageId"].as_str().unwrap())
            .instance_type(InstanceType::T2Micro)
            .subnet_id(zone["subnetIds"][0].as_str().unwrap())
            .min_count(count)
            .max_count(count)
            .tag_specifications(spec.build());
        let made = block_on(call.send()).unwrap();
        let ids = made.instances.unwrap_or_default().into_iter();
        ids.map(|instance| instance.instance_id.unwrap()).collect()
    }

    fn terminate(&mut self, ids: &[String]) {
        if !ids.is_empty() {
            let call = self.0.terminate_instances();
            block_on(call.set_instance_ids(Some(ids.to_vec())).send()).unwrap();
        }
    }
}

pub fn block_on<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

/// Makes the new group; gives its name.
pub async fn make(site: &Site<'_>, deployment: &Deployment) -> Result<String> {
    let mut made = None;
    groups::make(site, deployment, &mut made).await?;
    Ok(made.unwrap())
}

/// The whole way of a deployable hostclass, without its tests.
async fn switch(
    site: &Site<'_>,
    deployment: &Deployment,
    hosts: &[String],
    new: &str,
) -> Result<()> {
    admit(site, deployment, new).await?;
    wait_in_service(site, deployment, hosts, false).await?;
    if let Some(old) = &deployment.old {
        retire(site, deployment, &old.name).await?;
    }
    finish(site, deployment, new).await
}

#[test]
fn a_group_under_test_leaves_what_serves_alone_and_goes_without_a_trace() {
    for (options, made) in [(CLASSIC, (2, 0, 0, 3)), (APPLICATION, (0, 2, 2, 3))] {
        let bed = Bed::new(options);
        let old = bed.serving();
        let (before, furniture) = (bed.print(&old), bed.furniture());
        let templates = bed.templates();
        let parts = bed.parts(bed.own.world.cloud.url());
        let deployment = bed.deployment(&parts);
        let new = bed.wait(make(&parts.site(), &deployment)).unwrap();
        assert_eq!(bed.names().len(), 2);
        assert_eq!(bed.print(&old), before, "{options}");
        assert_eq!(bed.furniture(), made, "{options}");
        assert_eq!(bed.tag_of_group(&new, "is_testing").as_deref(), Some("1"));
        assert_eq!(bed.tag_of_group(&new, "deploy_replaces"), Some(old.clone()));
        assert_eq!(bed.tag_of_hosts(&new, "is_testing"), [Some("1".to_owned())]);
        assert_eq!(bed.tag_of_hosts(&new, "deploy_replaces"), [None]);
        let names = bed.group(&new);
        let normal = bed.group(&old);
        for name in names.load_balancer_names() {
            assert!(!normal.load_balancer_names().contains(name));
        }
        for arn in names.target_group_arns() {
            assert!(!normal.target_group_arns().contains(arn));
        }
        bed.wait(wait_in_service(&parts.site(), &deployment, &[], true))
            .unwrap();

        for _ in 0..2 {
            bed.wait(remove(&parts.site(), &deployment, Some(&new)))
                .unwrap();
            assert_eq!(bed.names(), [old.as_str()]);
            assert_eq!(bed.print(&old), before, "{options}");
            assert_eq!(bed.furniture(), furniture, "{options}");
            assert_eq!(bed.templates(), templates);
        }
    }
}

#[test]
fn a_switch_moves_the_host_names_balancer_and_schedules_and_nothing_of_the_old_group_is_left() {
    for options in [CLASSIC, APPLICATION] {
        let bed = Bed::new(options);
        let old = bed.serving();
        let (furniture, attached) = (bed.furniture(), bed.group(&old));
        bed.row("1,mhcapp,1@45 19 * * *:3@33 19 * * *,,5,t2.micro,,yes,");
        let proxy = Proxy::start(bed.own.world.cloud.url(), Behaviour::new());
        let parts = bed.parts(proxy.url());
        let deployment = bed.deployment(&parts);
        let new = bed.wait(make(&parts.site(), &deployment)).unwrap();
        assert!(bed.schedules(&new).is_empty(), "not under test");
        let hosts = bed.hosts(&new);
        let made = steps(&proxy).len();
        bed.wait(switch(&parts.site(), &deployment, &hosts, &new))
            .unwrap();

        let steps = steps(&proxy).split_off(made);
        let at = |words: [&str; 2]| {
            let found = steps.iter().position(|own| words.contains(&own.as_str()));
            found.unwrap_or_else(|| panic!("{words:?} in {steps:?}"))
        };
        let attach = at(["AttachLoadBalancers", "AttachLoadBalancerTargetGroups"]);
        let detach = at(["DetachLoadBalancers", "DetachLoadBalancerTargetGroups"]);
        let schedule = at(["PutScheduledUpdateGroupAction"; 2]);
        let tag = at(["CreateOrUpdateTags"; 2]);
        let retired = at(["UpdateAutoScalingGroup"; 2]);
        assert!(
            attach < detach && detach < schedule && schedule < tag && tag < retired,
            "{steps:?}"
        );

        assert_eq!(bed.names(), [new.as_str()]);
        assert_eq!(bed.furniture(), furniture, "{options}");
        let own = bed.group(&new);
        assert_eq!(own.load_balancer_names(), attached.load_balancer_names());
        assert_eq!(own.target_group_arns(), attached.target_group_arns());
        assert_eq!(bed.templates(), 1);
        assert_eq!(bed.tag_of_group(&new, "is_testing").as_deref(), Some("0"));
        assert_eq!(bed.tag_of_group(&new, "deploy_replaces"), None);
        assert_eq!(bed.tag_of_hosts(&new, "is_testing"), [Some("0".to_owned())]);
        let mut told: Vec<_> = bed
            .schedules(&new)
            .into_iter()
            .map(|own| {
                let name = own.scheduled_action_name.unwrap_or_default();
                (name, own.min_size, own.desired_capacity, own.max_size)
            })
            .collect();
        told.sort();
        let name = |time: &str| format!("{new}_{time}_19_star_star_star");
        assert_eq!(
            told,
            [
                (name("33"), None, Some(3), None),
                (name("45"), None, Some(1), None)
            ]
        );
        let error = bed
            .wait(remove(&parts.site(), &deployment, Some(&new)))
            .unwrap_err();
        assert!(
            error.to_string().contains("it is not under test"),
            "{error}"
        );
    }
}

#[test]
fn a_hostclass_without_balancer_and_group_is_deployed_too() {
    let bed = Bed::new("elb = no");
    let parts = bed.parts(bed.own.world.cloud.url());
    let deployment = bed.deployment(&parts);
    assert!(deployment.old.is_none());
    let new = bed.wait(make(&parts.site(), &deployment)).unwrap();
    assert_eq!(
        bed.tag_of_group(&new, "deploy_replaces").as_deref(),
        Some("-")
    );
    bed.wait(switch(&parts.site(), &deployment, &[], &new))
        .unwrap();
    assert_eq!(bed.names(), [new.as_str()]);
    assert_eq!((bed.furniture(), bed.templates()), ((0, 0, 0, 0), 1));
}

#[test]
fn a_group_of_no_hosts_is_tested_with_one_and_has_none_again() {
    let bed = Bed::new(CLASSIC);
    let old = bed.serving();
    let call = bed
        .own
        .world
        .cloud
        .autoscaling()
        .update_auto_scaling_group();
    let call = call.auto_scaling_group_name(&old);
    let call = call.min_size(0).desired_capacity(0).max_size(0);
    bed.wait(call.send()).unwrap();
    let parts = bed.parts(bed.own.world.cloud.url());
    let deployment = bed.deployment(&parts);
    let new = bed.wait(make(&parts.site(), &deployment)).unwrap();
    let hosts = bed.hosts(&new);
    assert_eq!(hosts.len(), 1);
    bed.wait(switch(&parts.site(), &deployment, &hosts, &new))
        .unwrap();
    let own = bed.group(&new);
    let sizes = (own.min_size, own.desired_capacity, own.max_size);
    assert_eq!(sizes, (Some(0), Some(0), Some(0)));
}

#[test]
fn a_group_is_admitted_with_the_sizes_that_the_old_one_has_by_then() {
    let bed = Bed::new("elb = no");
    let old = bed.serving();
    let parts = bed.parts(bed.own.world.cloud.url());
    let deployment = bed.deployment(&parts);
    let new = bed.wait(make(&parts.site(), &deployment)).unwrap();
    let call = bed
        .own
        .world
        .cloud
        .autoscaling()
        .update_auto_scaling_group();
    let call = call.auto_scaling_group_name(&old);
    let call = call.min_size(1).desired_capacity(2).max_size(4);
    bed.wait(call.send()).unwrap();
    bed.wait(admit(&parts.site(), &deployment, &new)).unwrap();
    let own = bed.group(&new);
    let sizes = (own.min_size, own.desired_capacity, own.max_size);
    assert_eq!(sizes, (Some(1), Some(2), Some(4)));
}

/// Host names have moved to the balancer of the new type: before the new group goes, the one that serves gets there.
#[test]
fn a_removal_after_the_switch_leaves_what_serves_behind_the_balancer_that_names_lead_to() {
    let bed = Bed::new(CLASSIC);
    let old = bed.serving();
    let hosts = bed.hosts(&old);
    bed.own.configure(APPLICATION);
    let parts = bed.parts(bed.own.world.cloud.url());
    let deployment = bed.deployment(&parts);
    let new = bed.wait(make(&parts.site(), &deployment)).unwrap();
    bed.wait(admit(&parts.site(), &deployment, &new)).unwrap();
    let production = bed.group(&new).target_group_arns().to_vec();
    assert_eq!(bed.group(&old).target_group_arns(), [""; 0]);
    for _ in 0..2 {
        bed.wait(remove(&parts.site(), &deployment, Some(&new)))
            .unwrap();
        assert_eq!(bed.names(), [old.as_str()]);
        let own = bed.group(&old);
        assert!(!own.target_group_arns().is_empty());
        for arn in own.target_group_arns() {
            assert!(production.contains(arn), "{arn} of {production:?}");
        }
        assert_eq!(own.load_balancer_names(), [""; 0]);
        assert_eq!(bed.hosts(&old), hosts);
        assert_eq!(bed.furniture(), (0, 1, 1, 2));
    }
}

#[test]
fn a_group_goes_even_if_balancers_cannot_be_read() {
    let bed = Bed::new(CLASSIC);
    let old = bed.serving();
    let parts = bed.parts(bed.own.world.cloud.url());
    let deployment = bed.deployment(&parts);
    let new = bed.wait(make(&parts.site(), &deployment)).unwrap();
    let proxy = Proxy::start(
        bed.own.world.cloud.url(),
        Behaviour::new().answer("DescribeLoadBalancers", 400, REFUSED),
    );
    let cut_off = bed.parts(proxy.url());
    let error = bed
        .wait(remove(&cut_off.site(), &deployment, Some(&new)))
        .unwrap_err();
    assert!(error.to_string().contains("no more groups"), "{error}");
    assert_eq!((bed.names(), bed.templates()), (vec![old.clone()], 1));
    assert_eq!(bed.furniture(), (2, 0, 0, 3), "the testing balancer stays");
    bed.wait(remove(&parts.site(), &deployment, Some(&new)))
        .unwrap();
    assert_eq!(bed.furniture(), (1, 0, 0, 2));
    assert_eq!(bed.names(), [old.as_str()]);
}

#[test]
fn production_target_groups_get_hosts_only_when_they_are_admitted() {
    let bed = Bed::new("target_group = yes");
    let old = bed.serving();
    let production = bed.group(&old).target_group_arns().to_vec();
    assert_eq!(production.len(), 1);
    let parts = bed.parts(bed.own.world.cloud.url());
    let deployment = bed.deployment(&parts);
    let new = bed.wait(make(&parts.site(), &deployment)).unwrap();
    assert_eq!(bed.group(&new).target_group_arns(), [""; 0]);
    bed.wait(admit(&parts.site(), &deployment, &new)).unwrap();
    assert_eq!(bed.group(&new).target_group_arns(), production);
}

#[test]
fn a_normal_balancer_that_is_not_wanted_any_more_goes_with_the_old_group() {
    let bed = Bed::new(CLASSIC);
    let old = bed.serving();
    bed.own.configure("elb = no");
    let parts = bed.parts(bed.own.world.cloud.url());
    let deployment = bed.deployment(&parts);
    let new = bed.wait(make(&parts.site(), &deployment)).unwrap();
    bed.wait(admit(&parts.site(), &deployment, &new)).unwrap();
    assert_eq!(bed.furniture().0, 1, "the old group serves behind it");
    assert_eq!(bed.group(&old).load_balancer_names().len(), 1);
    bed.wait(retire(&parts.site(), &deployment, &old)).unwrap();
    bed.wait(finish(&parts.site(), &deployment, &new)).unwrap();
    assert_eq!(bed.furniture(), (0, 0, 0, 0));
}

#[test]
fn an_image_for_future_hosts_changes_nothing_else() {
    let bed = Bed::new(CLASSIC);
    let old = bed.serving();
    let before = (bed.hosts(&old), bed.furniture());
    let template = |name: &str| {
        let own = bed.group(name);
        own.launch_template()
            .unwrap()
            .launch_template_name()
            .unwrap()
            .to_owned()
    };
    let first = template(&old);
    bed.row("1,mhcapp,7,7,7,,,no,");
    let proxy = Proxy::start(bed.own.world.cloud.url(), Behaviour::new());
    let parts = bed.parts(proxy.url());
    let deployment = bed.deployment(&parts);
    bed.wait(give_image(&parts.site(), &deployment)).unwrap();
    assert_eq!(
        changing(&proxy),
        [
            "CreateLaunchTemplate",
            "UpdateAutoScalingGroup",
            "DeleteLaunchTemplate"
        ]
    );
    assert_ne!(template(&old), first);
    assert_eq!((bed.hosts(&old), bed.furniture()), before);
    assert_eq!(
        (bed.templates(), bed.group(&old).desired_capacity),
        (1, Some(1))
    );
    let call = bed
        .own
        .world
        .cloud
        .client()
        .describe_launch_template_versions();
    let call = call.launch_template_name(template(&old)).versions("1");
    let found = bed.wait(call.send()).unwrap();
    let data = found.launch_template_versions()[0]
        .launch_template_data()
        .unwrap();
    assert_eq!(data.image_id(), Some(bed.image.as_str()));
    assert_eq!(
        data.instance_type().unwrap().as_str(),
        "t2.micro",
        "that of the group"
    );
    bed.wait(give_image(&parts.site(), &deployment)).unwrap();
    assert_eq!(
        changing(&proxy).len(),
        3,
        "a second time there is nothing to do"
    );
}

#[test]
fn a_testing_balancer_without_group_goes_and_one_of_an_operator_stays() {
    let bed = Bed::new(CLASSIC);
    let old = bed.serving();
    let proxy = Proxy::start(
        bed.own.world.cloud.url(),
        Behaviour::new().answer("CreateAutoScalingGroup", 400, REFUSED),
    );
    let parts = bed.parts(proxy.url());
    let deployment = bed.deployment(&parts);
    let error = bed.wait(make(&parts.site(), &deployment)).unwrap_err();
    assert!(error.to_string().contains("no more groups"), "{error}");
    assert_eq!(bed.furniture(), (2, 0, 0, 3));
    bed.wait(remove(&parts.site(), &deployment, None)).unwrap();
    assert_eq!((bed.furniture(), bed.templates()), ((1, 0, 0, 2), 1));
    assert_eq!(bed.names(), [old.as_str()]);

    // An operator's own group under test, beside which a deployment fails.
    let call = bed.own.world.cloud.autoscaling().create_or_update_tags();
    let tag = aws_sdk_autoscaling::types::Tag::builder()
        .resource_id(&old)
        .resource_type("auto-scaling-group")
        .key("is_testing")
        .value("1")
        .propagate_at_launch(true);
    bed.wait(call.tags(tag.build()).send()).unwrap();
    let parts = bed.parts(bed.own.world.cloud.url());
    let deployment = bed.deployment(&parts);
    assert!(deployment.old.is_none());
    let new = bed.wait(make(&parts.site(), &deployment)).unwrap();
    let testing = bed.group(&new).load_balancer_names()[0].clone();
    let call = bed.own.world.cloud.autoscaling().attach_load_balancers();
    let call = call
        .auto_scaling_group_name(&old)
        .load_balancer_names(&testing);
    bed.wait(call.send()).unwrap();
    bed.wait(remove(&parts.site(), &deployment, Some(&new)))
        .unwrap();
    assert_eq!(bed.names(), [old.as_str()]);
    assert!(bed.group(&old).load_balancer_names().contains(&testing));
    assert_eq!(bed.furniture().0, 2);
}

const REFUSED: &str = r#"<ErrorResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><Error><Type>Sender</Type><Code>LimitExceeded</Code><Message>no more groups</Message></Error><RequestId>1</RequestId></ErrorResponse>"#;

#[test]
fn a_deployment_may_change_the_kind_of_the_group() {
    let bed = Bed::with_spot(CLASSIC);
    bed.serving();
    let server = bed.spot.as_ref().unwrap();
    bed.row("1,mhcapp,,,,t2.micro,yes,yes,");
    let parts = bed.parts(bed.own.world.cloud.url());
    let deployment = bed.deployment(&parts);
    let spot = bed.wait(make(&parts.site(), &deployment)).unwrap();
    let tag = |key: &str| {
        let groups = server.groups();
        let tags = &groups[0]["compute"]["launchSpecification"]["tags"];
        let tags = tags.as_array().unwrap();
        let own = tags.iter().find(|tag| tag["tagKey"] == json!(key));
        own.map(|tag| tag["tagValue"].as_str().unwrap().to_owned())
    };
    assert_eq!(tag("is_testing").as_deref(), Some("1"));
    assert!(tag("deploy_replaces").is_some());
    bed.wait(admit(&parts.site(), &deployment, &spot)).unwrap();
    assert_eq!(tag("is_testing").as_deref(), Some("0"));
    assert!(tag("deploy_replaces").is_some(), "until the end");
    let old = deployment.old.as_ref().unwrap().name.clone();
    bed.wait(retire(&parts.site(), &deployment, &old)).unwrap();
    bed.wait(finish(&parts.site(), &deployment, &spot)).unwrap();
    assert_eq!(tag("deploy_replaces"), None);
    assert_eq!((bed.names().len(), server.groups().len()), (0, 1));
    assert_eq!((bed.furniture(), bed.templates()), ((1, 0, 0, 2), 0));

    // And back.
    bed.row("1,mhcapp,,,,t2.micro,no,yes,");
    let deployment = bed.deployment(&parts);
    assert_eq!(deployment.old.as_ref().unwrap().kind, Kind::Spot);
    let asg = bed.wait(make(&parts.site(), &deployment)).unwrap();
    bed.wait(admit(&parts.site(), &deployment, &asg)).unwrap();
    bed.wait(retire(&parts.site(), &deployment, &spot)).unwrap();
    bed.wait(finish(&parts.site(), &deployment, &asg)).unwrap();
    assert_eq!((bed.names(), server.groups().len()), (vec![asg], 0));
    assert_eq!((bed.furniture(), bed.templates()), ((1, 0, 0, 2), 1));
}

#[test]
fn an_elastigroup_under_test_goes_without_a_trace() {
    let bed = Bed::with_spot(CLASSIC);
    let old = bed.serving();
    bed.row("1,mhcapp,,,,t2.micro,yes,yes,");
    let parts = bed.parts(bed.own.world.cloud.url());
    let deployment = bed.deployment(&parts);
    let spot = bed.wait(make(&parts.site(), &deployment)).unwrap();
    for _ in 0..2 {
        bed.wait(remove(&parts.site(), &deployment, Some(&spot)))
            .unwrap();
        assert!(bed.spot.as_ref().unwrap().groups().is_empty());
        assert_eq!(bed.names(), [old.as_str()]);
        assert_eq!((bed.furniture(), bed.templates()), ((1, 0, 0, 2), 1));
    }
}
