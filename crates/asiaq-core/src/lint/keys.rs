//! Every option that some tool reads, in one table per kind of section: its name, what its value must look like, and what it
//! is for. The reference in `docs/configuration.md` is written from this table, and a test holds it true.

pub use super::values::Kind;

/// One option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// Its name, without `default_` and `@ENV`.
    pub name: &'static str,
    /// What its value must look like.
    pub kind: Kind,
    /// Whether a section must have it, by itself or through its defaults.
    pub required: bool,
    /// Whether its forms with `@` are looked up, in sections whose options have such forms.
    pub forms: bool,
    /// What it is for, and its default.
    pub about: &'static str,
}

impl Key {
    /// The same without forms with `@`.
    const fn formless(self) -> Self {
        Key {
            forms: false,
            ..self
        }
    }
}

/// A kind of section.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// The file.
    pub file: &'static str,
    /// Its name, or what it looks like.
    pub name: &'static str,
    /// What its options have forms for, `KEY@ENV` or `KEY@ACCOUNT`; empty if there are none.
    pub at: &'static str,
    /// The options.
    pub keys: &'static [Key],
    /// Hostclass options that it may hold for all of them.
    pub fallbacks: &'static [&'static str],
}

const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        name,
        kind,
        required: false,
        forms: true,
        about,
    }
}

const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        name,
        kind,
        required: true,
        forms: true,
        about,
    }
}

/// Integers without an upper bound worth the name.
const ANY: Kind = Kind::Whole(0, u64::MAX);
const PORT: Kind = Kind::Whole(1, 65535);

/// `[disco_aws]`, besides `default_` forms of hostclass options.
pub const MAIN: &[Key] = &[
    needed(
        "default_environment",
        Kind::Environment,
        "environment when neither `--env` nor `DEFAULT_ENV` is given",
    )
    .formless(),
    needed(
        "project_name",
        Kind::Bucket,
        "part of the names of credential buckets",
    )
    .formless(),
    key(
        "user_timezone",
        Kind::Zone,
        "zone in which `asiaq dp list` prints dates; US/Eastern",
    ),
    key(
        "default_instance_type",
        Kind::Instance,
        "type for pipeline rows without one; m5.large",
    ),
    key(
        "jump_box_hostclasses",
        Kind::Hostclasses,
        "jump hosts for ssh, best first",
    ),
    key("zookeeper_hostclass", Kind::Hostclass, "has no effect"),
    key(
        "logger_hostclass",
        Kind::Hostclass,
        "its `ip_address` goes to all hosts as logger_ip",
    ),
    key(
        "logforwarder_hostclass",
        Kind::Hostclass,
        "its `ip_address` goes to all hosts as logforwarder_ip",
    ),
    key(
        "http_proxy_hostclass",
        Kind::Hostclass,
        "its `ip_address` goes to hosts with `enable_proxy` as http_proxy_ip",
    ),
    key(
        "proxy_hostclass",
        Kind::Hostclass,
        "its `eip` is let into Elasticsearch domains",
    ),
    key(
        "s3_bucket_base",
        Kind::Bucket,
        "buckets are called BASE--ssm and BASE--dynamodb-backup",
    ),
    key("s3_bucket_suffix", Kind::Bucket, "and then end in --SUFFIX"),
    key(
        "sandbox_sync_config",
        Kind::Text,
        "lines LOCAL REMOTE_DIR of files that `asiaq sandbox` uploads",
    ),
    key(
        "sandbox_config_bucket",
        Kind::Bucket,
        "bucket that it uploads them to",
    ),
    key(
        "spotinst_account_id",
        Kind::Text,
        "Spotinst account of the Elastigroups",
    ),
    key("default_spotinst_account_id", Kind::Text, "the same"),
    key(
        "smoketest_method",
        Kind::Text,
        "as `default_smoketest_method`",
    ),
];

/// Sections of hostclasses and of base images; as `default_KEY` also in `[disco_aws]`.
pub const HOSTCLASS: &[Key] = &[
    key(
        "ami_available_wait_time",
        ANY,
        "seconds until a new image must be available; 600",
    )
    .formless(),
    key(
        "bake_ami",
        Kind::Ami,
        "image that a base image is made from",
    )
    .formless(),
    key(
        "bake_encrypted",
        Kind::Bool,
        "encrypt images; as the account does by default",
    )
    .formless(),
    key(
        "bake_instance_profile",
        Kind::Text,
        "IAM role of the machine being baked",
    )
    .formless(),
    key(
        "bake_volume_size",
        Kind::Text,
        "GB of the root volume of images; as the source image",
    )
    .formless(),
    key(
        "bake_volume_type",
        Kind::Text,
        "type of the root volume of images; gp3",
    )
    .formless(),
    key(
        "chaos",
        Kind::Bool,
        "may `disco_chaos` terminate its hosts; yes",
    ),
    key(
        "deployment_strategy",
        Kind::Strategy,
        "`blue_green` or `rolling`; `blue_green`",
    ),
    key("domain_name", Kind::Text, "Route 53 zone for host names"),
    key("eip", Kind::Text, "elastic IP of the one host"),
    key("elb", Kind::Bool, "whether there is a load balancer; no"),
    key("elb_cert_name", Kind::Text, "name of the certificate"),
    key("elb_connection_draining", Kind::Text, "seconds; 300"),
    key("elb_cross_zone_load_balancing", Kind::Bool, "yes"),
    key("elb_dns_alias", Kind::Text, "one more host name"),
    key("elb_health_check_url", Kind::Text, "path; /"),
    key("elb_idle_timeout", Kind::Text, "seconds; 300"),
    key(
        "elb_instance_port",
        Kind::Text,
        "ports of the hosts, separated by commas",
    ),
    key("elb_instance_protocol", Kind::Text, "their protocols"),
    key(
        "elb_meta_network",
        Kind::Text,
        "metanetwork of the balancer; that of the hosts",
    ),
    key(
        "elb_port",
        Kind::Text,
        "ports of the balancer, separated by commas",
    ),
    key("elb_protocol", Kind::Text, "their protocols"),
    key(
        "elb_public",
        Kind::Bool,
        "whether the internet can reach it; no",
    ),
    key(
        "elb_ssl_policy",
        Kind::Text,
        "security policy of HTTPS and TLS listeners",
    ),
    key(
        "elb_sticky_app_cookie",
        Kind::Text,
        "cookie that keeps a client with its host",
    ),
    key(
        "elb_type",
        Kind::Text,
        "`classic`, `application` or `network`; classic",
    ),
    key(
        "enable_proxy",
        Kind::Bool,
        "tell hosts the address of the proxy; no",
    ),
    key(
        "enhanced_networking",
        Kind::Bool,
        "set its attributes on images; no",
    )
    .formless(),
    key(
        "hosts_timeout",
        Kind::Whole(1, 604_800),
        "seconds until a new group has its hosts; 300",
    ),
    key(
        "http_tokens",
        Kind::Text,
        "`required` or `optional`: IMDSv2; the default of the account",
    ),
    key(
        "in_service_timeout",
        Kind::Whole(1, 604_800),
        "seconds until new hosts serve behind their balancer; 900",
    ),
    key("instance_profile_name", Kind::Text, "IAM role of the hosts"),
    key("ip_address", Kind::Text, "addresses, or offsets like `+5`"),
    key("meta_network", Kind::Text, "where the hosts live; required"),
    key(
        "phase",
        Kind::OneOf(&["1", "2"]),
        "1: base image, 2: image of a hostclass",
    )
    .formless(),
    key(
        "phase1_ami_name",
        Kind::Image,
        "base image of the hostclass",
    )
    .formless(),
    key("product_line", Kind::Text, "tag `productline`; unknown"),
    key(
        "public_ip",
        Kind::Bool,
        "give hosts a public address; required",
    ),
    key(
        "rolling_instance_warmup",
        Kind::Whole(0, 86400),
        "seconds until a new host counts; 300, of Elastigroups 1200",
    ),
    key(
        "rolling_min_healthy_percentage",
        Kind::Whole(0, 100),
        "hosts that keep serving; 90",
    ),
    key(
        "rolling_timeout",
        Kind::Whole(1, 604_800),
        "seconds for replacing all hosts; by their number, 3600 at least",
    ),
    key(
        "smoke_test_timeout",
        Kind::Whole(1, 604_800),
        "seconds until new hosts pass their smoke tests; 1200",
    ),
    key("smoketest_method", Kind::Text, "`tag` or `ssh`; tag"),
    key(
        "smoketest_termination",
        Kind::Bool,
        "replace hosts that do not get well; required",
    ),
    key(
        "spotinst",
        Kind::Bool,
        "an Elastigroup instead of an Auto Scaling group; no",
    ),
    key(
        "ssh_key_name",
        Kind::Text,
        "EC2 key pair, or `None`; required",
    ),
    key(
        "ssm_doc_integration_tests",
        Kind::Document,
        "document that runs a test; ssh without",
    ),
    key(
        "ssm_doc_testing_mode",
        Kind::Document,
        "document for testing mode; ssh without",
    ),
    key("tags", Kind::Text, "KEY:VALUE,KEY:VALUE"),
    key(
        "target_group",
        Kind::Bool,
        "whether there is a target group; no",
    ),
    key("test_command", Kind::Text, "what runs a test"),
    key("test_hostclass", Kind::Hostclass, "hosts that tests run on"),
    key("test_user", Kind::Text, "who runs a test"),
];

/// `[bake]`, besides the hostclass options of baking.
pub const BAKE: &[Key] = &[
    key(
        "ami_stages",
        Kind::Filled,
        "stages of an image, first to last; untested tested",
    ),
    key(
        "asiaq_data_source",
        Kind::Filled,
        "tree that is copied to DATA_DESTINATION/asiaq",
    ),
    key(
        "bake_key",
        Kind::Filled,
        "EC2 key pair of the machine being baked",
    ),
    key(
        "bakery_environment",
        Kind::Environment,
        "where machines are baked",
    ),
    key("bakery_instance_type", Kind::Instance, "and their type"),
    key(
        "config_data_source",
        Kind::Filled,
        "what is copied to the machine; `.` is all",
    ),
    key("data_destination", Kind::Path, "and where to"),
    key("no_repo_hostclasses", Kind::Hostclasses, "for people only"),
    key(
        "phase1_hostclass",
        Kind::Hostclass,
        "stands in for the hostclass while a base image is made",
    ),
    key(
        "prod_account_ids",
        Kind::Accounts,
        "accounts that released images are shared with",
    ),
    key(
        "prod_baker",
        Kind::Text,
        "whose images are shared with them",
    ),
    key(
        "repo_hostclass",
        Kind::Hostclass,
        "host with your own packages",
    ),
    key(
        "trusted_account_ids",
        Kind::Accounts,
        "accounts whose images we use",
    ),
];

/// Hostclass options that `[bake]` may hold for all of them.
pub const BAKE_FALLBACKS: [&str; 10] = [
    "ami_available_wait_time",
    "bake_ami",
    "bake_encrypted",
    "bake_instance_profile",
    "bake_volume_size",
    "bake_volume_type",
    "enhanced_networking",
    "phase",
    "phase1_ami_name",
    "product_line",
];

/// `[test]`, besides the hostclass options of testing.
pub const TEST: &[Key] = &[
    key("command", Kind::Text, "as `test_command`"),
    key(
        "env",
        Kind::Environment,
        "environment of the test machines; that of the deployment",
    ),
    key("hostclass", Kind::Hostclass, "as `test_hostclass`"),
    key("user", Kind::Text, "as `test_user`"),
];

/// Hostclass options that `[test]` may hold for all of them.
pub const TEST_FALLBACKS: [&str; 13] = [
    "deployment_strategy",
    "elb",
    "hosts_timeout",
    "in_service_timeout",
    "rolling_instance_warmup",
    "rolling_min_healthy_percentage",
    "rolling_timeout",
    "smoke_test_timeout",
    "ssm_doc_integration_tests",
    "ssm_doc_testing_mode",
    "test_command",
    "test_hostclass",
    "test_user",
];

/// `[socify]`.
pub const SOCIFY: &[Key] = &[key(
    "socify_baseurl",
    Kind::Url,
    "change tickets of deployments",
)];

/// `[iam]`.
pub const IAM: &[Key] = &[
    key(
        "saml_provider_name",
        Kind::Text,
        "name of the identity provider",
    ),
    key(
        "saml_provider_url",
        Kind::Text,
        "http, https or file address of its metadata",
    ),
    key(
        "role_prefix",
        Kind::Text,
        "beginning of the names of groups and roles",
    ),
    key(
        "policy_blacklist",
        Kind::Policies,
        "policies that are left out",
    ),
    key(
        "prune_empty_groups",
        Kind::Bool,
        "delete groups without members; no",
    ),
    key(
        "naked_roles",
        Kind::Policies,
        "policies whose role is called like the policy",
    ),
];

/// `[audit]`.
pub const AUDIT: &[Key] = &[
    key(
        "dev_canonical_id",
        Kind::Text,
        "canonical id of the account dev",
    ),
    key(
        "prod_canonical_id",
        Kind::Text,
        "canonical id of the account prod",
    ),
];

/// `[envtype:TYPE]` and `[env:NAME]`; the reader of that file knows them by itself.
pub const VPC: &[Key] = &[
    key("vpc_cidr", Kind::Text, "network of the VPC"),
    key("ip_space", Kind::Text, "else: where to take a network from"),
    key("vpc_cidr_size", Kind::Text, "and its prefix length"),
    key(
        "NET_cidr",
        Kind::Text,
        "network or `auto`; without it there is no such metanetwork",
    ),
    key(
        "NET_sg_rules",
        Kind::Text,
        "PROTOCOL SOURCE PORT..., separated by commas",
    ),
    key(
        "NET_igw_routes",
        Kind::Text,
        "networks behind the internet gateway",
    ),
    key(
        "NET_vgw_routes",
        Kind::Text,
        "networks behind the VPN gateway",
    ),
    key(
        "NET_nat_gateways",
        Kind::Text,
        "`auto`, or an elastic IP for each zone",
    ),
    key(
        "nat_gateway_routes",
        Kind::Text,
        "SOURCE/NAT of metanetworks",
    ),
    key(
        "customer_ports",
        Kind::Text,
        "ports that customers may reach",
    ),
    key("customer_cidr", Kind::Text, "and where they come from"),
    key("internal_dns", Kind::Text, "address or AmazonProvidedDNS"),
    key("external_dns", Kind::Text, "address or AmazonProvidedDNS"),
    key("domain_name", Kind::Text, "domain that hosts search"),
    key("ntp_server", Kind::Text, "one to four addresses or names"),
    key(
        "ntp_server_metanetwork",
        Kind::Text,
        "else: metanetwork of the time server",
    ),
    key("ntp_server_offset", Kind::Text, "and its offset there"),
    key("application", Kind::Text, "tag `application`"),
    key(
        "ami_stage",
        Kind::Text,
        "stages of images to use, best first",
    ),
    key(
        "credential_buckets",
        Kind::Text,
        "names of buckets with secrets, first one first",
    ),
    key("tunnel_key", Kind::Text, "has no effect"),
];

/// `[defaults]` of alarms, and each alarm.
pub const ALARM: &[Key] = &[
    needed(
        "custom_metric",
        Kind::OnlyTrue,
        "`true`: a metric that hosts send themselves",
    ),
    needed("period", Kind::Whole(1, u64::MAX), "seconds of one check"),
    needed(
        "duration",
        Kind::Whole(1, u64::MAX),
        "checks in a row that must be bad",
    ),
    needed(
        "statistic",
        Kind::OneOf(&["SampleCount", "Average", "Sum", "Minimum", "Maximum"]),
        "what is compared",
    ),
    key(
        "level",
        Kind::OneOf(&["critical", "info"]),
        "which topic of the team is told; critical",
    ),
    key("threshold_max", Kind::Digits, "alarm above"),
    key("threshold_min", Kind::Digits, "alarm below"),
    key(
        "log_pattern_metric",
        Kind::Bool,
        "a metric of disco_log_metrics.ini; no",
    ),
];

/// `[ENV-DATABASE]` of disco_rds.ini.
pub const RDS: &[Key] = &[
    needed("engine", Kind::Filled, "like postgres"),
    needed("engine_version", Kind::Filled, "version of the engine"),
    needed("db_instance_class", Kind::Database, "like db.m7g.large"),
    needed("allocated_storage", Kind::Whole(1, 65536), "GB"),
    needed(
        "master_username",
        Kind::Filled,
        "its password is in the credential bucket",
    ),
    key(
        "port",
        PORT,
        "5432 for postgres, 1521 for oracle engines, otherwise required",
    ),
    key("iops", ANY, "provisioned IOPS; 0 is none"),
    key("multi_az", Kind::Bool, "a standby in another zone; yes"),
    key("storage_encrypted", Kind::Bool, "yes"),
    key("auto_minor_version_upgrade", Kind::Bool, "yes"),
    key("publicly_accessible", Kind::Bool, "no"),
    key("backup_retention_period", Kind::Whole(0, 35), "days; 1"),
    key("license_model", Kind::Text, "by the engine"),
    key("character_set_name", Kind::Text, "none"),
    key("preferred_backup_window", Kind::Daily, "hh:mm-hh:mm, UTC"),
    key(
        "preferred_maintenance_window",
        Kind::Weekly(30),
        "ddd:hh:mm-ddd:hh:mm, UTC",
    ),
    key("product_line", Kind::Text, "tag `productline`; unknown"),
];

/// `[ENV:CLUSTER]` of disco_elasticache.ini.
pub const CACHE: &[Key] = &[
    needed("instance_type", Kind::Cache, "like cache.t4g.small"),
    needed("engine_version", Kind::Filled, "version of Redis"),
    needed("parameter_group", Kind::Filled, "must fit the version"),
    needed(
        "num_nodes",
        Kind::Whole(1, 500),
        "nodes, the primary included",
    ),
    needed("port", PORT, "TCP"),
    key(
        "maintenance_window",
        Kind::Weekly(60),
        "sat:05:00-sat:06:00",
    ),
    key(
        "meta_network",
        Kind::Net,
        "`default_meta_network` of `[disco_aws]`",
    ),
    key(
        "domain_name",
        Kind::Text,
        "`default_domain_name` of `[disco_aws]`; without either no DNS record",
    ),
    key(
        "product_line",
        Kind::Text,
        "`default_product_line` of `[disco_aws]`",
    ),
    key("engine", Kind::Text, "has no effect"),
    key("auto_failover", Kind::Text, "has no effect"),
];

/// `[defaults]` and `[ENV:NAME]` of disco_elasticsearch.ini.
pub const SEARCH: &[Key] = &[
    needed("version", Kind::Filled, "version of Elasticsearch"),
    needed(
        "instance_type",
        Kind::Search,
        "like m6g.large.elasticsearch",
    ),
    needed("instance_count", Kind::Whole(1, 200), "instances"),
    needed(
        "snapshot_start_hour",
        Kind::Whole(0, 23),
        "when AWS takes its own snapshot, UTC",
    ),
    key(
        "allowed_source_ips",
        Kind::Addresses,
        "who may talk to the domain; required, may be empty",
    ),
    needed("zone_awareness", Kind::Bool, "spread over zones"),
    needed("dedicated_master", Kind::Bool, "masters that hold no data"),
    key("dedicated_master_type", Kind::Search, "required with them"),
    key(
        "dedicated_master_count",
        Kind::Whole(2, 5),
        "required with them",
    ),
    needed("ebs_enabled", Kind::Bool, "data on EBS"),
    key(
        "volume_type",
        Kind::OneOf(&["standard", "gp2", "gp3", "io1"]),
        "required with it",
    ),
    key(
        "volume_size",
        Kind::Whole(10, 65536),
        "GB, required with it",
    ),
    key("iops", Kind::Whole(1, u64::MAX), "required for io1"),
    key(
        "archive_index_prefix_pattern",
        Kind::Filled,
        "regular expression of what is archived",
    ),
    key(
        "archive_repository",
        Kind::Filled,
        "snapshot repository within Elasticsearch",
    ),
    key(
        "archive_role",
        Kind::Policy,
        "policy whose role writes to the bucket",
    ),
    key(
        "archive_threshold",
        Kind::Fraction,
        "share of the disk that grooming leaves in use",
    ),
    key(
        "archive_max_shards",
        Kind::Whole(1, u64::MAX),
        "shards that grooming leaves",
    ),
    key("api_use_ssl", Kind::Bool, "yes"),
    key("api_verify_certs", Kind::Bool, "yes"),
];

/// `[HOSTCLASS.METRIC]` of disco_log_metrics.ini.
pub const LOG_METRIC: &[Key] = &[
    needed("log_file", Kind::Path, "on the host"),
    needed("filter_pattern", Kind::Filled, "pattern of CloudWatch Logs"),
    needed(
        "metric_value",
        Kind::Metric,
        "number, or $field of the pattern",
    ),
];

/// Everything, in the order of the reference.
pub const SECTIONS: &[Section] = &[
    section("disco_aws.ini", "[disco_aws]", "ENV", MAIN),
    section(
        "disco_aws.ini",
        "[mhc...], and as default_KEY in [disco_aws]",
        "ENV",
        HOSTCLASS,
    ),
    Section {
        fallbacks: &BAKE_FALLBACKS,
        ..section("disco_aws.ini", "[bake]", "", BAKE)
    },
    Section {
        fallbacks: &TEST_FALLBACKS,
        ..section("disco_aws.ini", "[test]", "", TEST)
    },
    section("disco_aws.ini", "[socify]", "", SOCIFY),
    section("disco_aws.ini", "[iam]", "ACCOUNT", IAM),
    section("disco_aws.ini", "[audit]", "", AUDIT),
    section("disco_vpc.ini", "[envtype:TYPE] and [env:NAME]", "", VPC),
    section(
        "disco_alarms.ini",
        "[defaults] and [TEAM.NAMESPACE.METRIC[.HOSTCLASS]]",
        "",
        ALARM,
    ),
    section("disco_rds.ini", "[ENV-DATABASE]", "", RDS),
    section("disco_elasticache.ini", "[ENV:CLUSTER]", "", CACHE),
    section(
        "disco_elasticsearch.ini",
        "[defaults] and [ENV:NAME]",
        "",
        SEARCH,
    ),
    section(
        "disco_log_metrics.ini",
        "[HOSTCLASS.METRIC]",
        "",
        LOG_METRIC,
    ),
];

const fn section(
    file: &'static str,
    name: &'static str,
    at: &'static str,
    keys: &'static [Key],
) -> Section {
    Section {
        file,
        name,
        at,
        keys,
        fallbacks: &[],
    }
}

/// The reference for operators, as Markdown.
pub fn reference() -> String {
    let mut text = String::new();
    for section in SECTIONS {
        text += &format!("### `{}`: `{}`\n\n", section.file, section.name);
        if !section.at.is_empty() {
            let formless = section.keys.iter().filter(|key| !key.forms);
            let names: Vec<&str> = formless.map(|key| key.name).collect();
            let but = match names.is_empty() {
                true => String::new(),
                false => format!(", except {}", super::values::quoted(&names)),
            };
            text += &format!("Each also as `KEY@{}`{but}.\n\n", section.at);
        }
        if !section.fallbacks.is_empty() {
            let names = super::values::quoted(section.fallbacks);
            text += &format!("Also options of hostclasses, for all of them: {names}.\n\n");
        }
        text += "| option | value | |\n|---|---|---|\n";
        for key in section.keys {
            let required = if key.required { "required; " } else { "" };
            let about = format!("{required}{}", key.about).replace('|', "\\|");
            text += &format!("| `{}` | {} | {about} |\n", key.name, shape(key.kind));
        }
        text.push('\n');
    }
    text
}

/// What a value looks like, for people.
fn shape(kind: Kind) -> String {
    match kind {
        Kind::Text | Kind::Filled | Kind::Strategy => "text".to_owned(),
        Kind::Bool | Kind::OnlyTrue => "boolean".to_owned(),
        Kind::Whole(from, u64::MAX) => format!("integer from {from}"),
        Kind::Whole(from, to) => format!("{from} to {to}"),
        Kind::Digits => "digits".to_owned(),
        Kind::Fraction => "fraction".to_owned(),
        Kind::OneOf(all) => super::values::quoted(all),
        Kind::Net => "metanetwork".to_owned(),
        Kind::Hostclass => "hostclass".to_owned(),
        Kind::Hostclasses => "hostclasses".to_owned(),
        Kind::Environment => "environment".to_owned(),
        Kind::Image => "section".to_owned(),
        Kind::Document => "SSM document".to_owned(),
        Kind::Policy => "policy".to_owned(),
        Kind::Policies => "policies".to_owned(),
        Kind::Instance | Kind::Cache | Kind::Search => "instance type".to_owned(),
        Kind::Database => "instance class".to_owned(),
        Kind::Addresses => "addresses, networks".to_owned(),
        Kind::Ami => "image id".to_owned(),
        Kind::Accounts => "account numbers".to_owned(),
        Kind::Daily | Kind::Weekly(_) => "window".to_owned(),
        Kind::Zone => "time zone".to_owned(),
        Kind::Url => "http(s) address".to_owned(),
        Kind::Bucket => "part of a bucket name".to_owned(),
        Kind::Path => "absolute path".to_owned(),
        Kind::Metric => "number or $field".to_owned(),
    }
}
