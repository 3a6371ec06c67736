//! From the rows of a pipeline to what each of them means: image, options, kind of group, instance types, addresses, tags and
//! balancer. Pure. Everything that is wrong with any row is reported, and nothing is provisioned until every row resolves.

use super::Request;
use super::inputs::ResolvedRow;
use crate::aws::Tags;
use crate::balancer::BalancerSpec;
use crate::config::{ConfigError, ConfigErrors, HostclassConfig, Location};
use crate::environment::{Network, NetworkPlace, Vpc};
use crate::error::{Error, Result};
use crate::group::{self, GroupState, Kind};
use crate::host::balancer_spec;
use crate::image::{Image, best};
use crate::names::tag;
use crate::network::{GrammarError, resolve_address};
use crate::pipeline::{Reserve, Row};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What rows are resolved against.
pub(super) struct Known<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) images: &'a [Image],
    pub(super) stages: &'a [String],
    pub(super) vpc: &'a Vpc,
    /// A metanetwork that is yet to be made has no subnets.
    pub(super) network: &'a Network,
    pub(super) groups: &'a GroupState,
    /// Whether Spotinst can be spoken to.
    pub(super) spotinst: bool,
}

/// What is wrong with one row or with several.
#[derive(Default)]
struct Wrong(Vec<Error>);

impl Wrong {
    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }

    /// Configuration errors first and together, then all others.
    fn into_error(self) -> Option<Error> {
        let (mut config, mut others) = (Vec::new(), Vec::new());
        for error in self.0 {
            match error {
                Error::Config(wrong) => config.extend(wrong.0),
                Error::Several(list) => others.extend(list),
                other => others.push(other),
            }
        }
        // Two rows of one hostclass say the same.
        let mut problems: Vec<ConfigError> = Vec::new();
        for problem in config {
            if !problems
                .iter()
                .any(|known| known.to_string() == problem.to_string())
            {
                problems.push(problem);
            }
        }
        if !problems.is_empty() {
            others.insert(0, ConfigErrors(problems).into());
        }
        Error::from_list(others)
    }
}

impl Known<'_> {
    /// All rows, in their order.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub(super) fn rows(&self, rows: Vec<(i64, Row)>) -> Result<Vec<ResolvedRow>> {
        let (mut resolved, mut wrong) = (Vec::new(), Wrong::default());
        for (sequence, row) in rows {
            self.row(sequence, row, &mut resolved, &mut wrong);
        }
        wrong.0.extend(shared_balancers(&resolved));
        match wrong.into_error() {
            Some(error) => Err(error),
            None => Ok(resolved),
        }
    }

    fn row(&self, sequence: i64, row: Row, all: &mut Vec<ResolvedRow>, wrong: &mut Wrong) {
        let request = self.request;
        let Some((image, hostclass)) = wrong.keep(self.image(&row)) else {
            return;
        };
        let want_spot = row.spotinst == Some(true) || hostclass.spotinst;
        let kind = wrong.keep(self.kind(&row, &hostclass, want_spot));
        let reserve = wrong.keep(reserve(request, &row));
        let types = wrong.keep(instance_types(request, self.groups, &row, &hostclass));
        let addresses = wrong.keep(self.addresses(&hostclass));
        let domain = wrong.keep(self.domain(&hostclass));
        let (Some(kind), Some(reserve), Some(types), Some(addresses), Some(())) =
            (kind, reserve, types, addresses, domain)
        else {
            return;
        };
        let tags = tags(request, self.vpc, &row, &hostclass);
        let balancer = self.balancer(&hostclass, &addresses, tags.clone());
        let tags = request.purpose.group_tags(self.groups, tags);
        let Some(balancer) = wrong.keep(balancer) else {
            return;
        };
        all.push(ResolvedRow {
            sequence,
            image,
            want_spot,
            kind,
            instance_types: usable_types(types, kind),
            more_facts: BTreeMap::new(),
            reserve,
            addresses,
            new_interfaces: Vec::new(),
            tags,
            balancer,
            hostclass,
            row,
        });
    }

    /// The row's image and the options of its hostclass.
    fn image(&self, row: &Row) -> Result<(Image, HostclassConfig)> {
        let request = self.request;
        let key = if row.ami.is_some() {
            "ami"
        } else {
            "hostclass"
        };
        let image = find_image(row, self.images, self.stages, request.env)
            .map_err(|error| error.at(cell(request, row, key)))?;
        let hostclass = request.config.hostclass(image.hostclass(), request.env)?;
        Ok((image.clone(), hostclass))
    }

    /// The kind of the group that the row creates or updates (spec 30, section 14).
    fn kind(&self, row: &Row, hostclass: &HostclassConfig, want_spot: bool) -> Result<Kind> {
        if want_spot && !self.spotinst {
            return Err(no_spotinst(self.request, row, hostclass)?.into());
        }
        let purpose = self.request.purpose;
        purpose.named(self.groups, self.request.env, &hostclass.name)?;
        group::kind_for(self.groups, &hostclass.name, purpose.target(), want_spot)
    }

    /// The hostclass's static addresses.
    fn addresses(&self, hostclass: &HostclassConfig) -> Result<Vec<Ipv4Addr>> {
        let request = self.request;
        let blocks = self.metanetwork(hostclass)?.blocks();
        let own = request
            .config
            .static_addresses(&hostclass.name, request.env)?;
        let Some(own) = own else {
            return Ok(Vec::new());
        };
        // Its subnets are not made yet, so nobody knows the addresses.
        if blocks.is_empty() {
            return Ok(Vec::new());
        }
        let (mut addresses, mut problems) = (Vec::new(), Vec::new());
        for text in &own.addresses {
            match resolve_address(own.meta_network, text, &blocks) {
                Ok(address) => addresses.push(address),
                Err(error) => problems.push(
                    ConfigError::new(format!("ip_address of hostclass {}: {}", hostclass.name, error.0))
                        .at(own.location.clone())
                        .with_hint("offsets count from the first (`+N`) or the last (`-N`) address of the metanetwork"),
                ),
            }
        }
        if problems.is_empty() {
            Ok(addresses)
        } else {
            Err(ConfigErrors(problems).into())
        }
    }

    /// The hostclass's metanetwork; an environment without it is reported where the hostclass asks for it.
    fn metanetwork(&self, hostclass: &HostclassConfig) -> Result<&NetworkPlace> {
        let place = self.network.place(hostclass.meta_network);
        place.map_err(|missing| self.missing(hostclass, "meta_network", missing))
    }

    /// An error about something that an option of the hostclass names, with the place of the option.
    fn missing(&self, hostclass: &HostclassConfig, key: &str, missing: Error) -> Error {
        let request = self.request;
        let asked = request
            .config
            .required_hostclass_option(&hostclass.name, key, request.env);
        let error = ConfigError::new(missing.to_string());
        let error = match asked {
            Ok(asked) => error.at(asked.location),
            Err(_) => error,
        };
        match missing.hint() {
            Some(hint) => error.with_hint(hint).into(),
            None => error.into(),
        }
    }

    /// A load balancer needs a hosted zone for its host names.
    fn domain(&self, hostclass: &HostclassConfig) -> Result<()> {
        if !hostclass.balancer.enabled || hostclass.domain_name.is_some() {
            return Ok(());
        }
        let request = self.request;
        let asked = request.config.required_hostclass_option(
            &hostclass.name,
            "domain_name",
            request.env,
        )?;
        Err(ConfigError::new(format!(
            "hostclass {} has a load balancer, which needs a domain",
            hostclass.name
        ))
        .at(asked.location)
        .with_hint("name the hosted zone of the load balancer's host names")
        .into())
    }

    fn balancer(
        &self,
        hostclass: &HostclassConfig,
        addresses: &[Ipv4Addr],
        tags: Tags,
    ) -> Result<BalancerSpec> {
        let (vpc, testing) = (self.vpc, self.request.testing);
        let mut spec = balancer_spec(vpc, self.network, hostclass, addresses, testing, tags)
            .map_err(|missing| self.missing(hostclass, "elb_meta_network", missing))?;
        // What serves gets no hosts under test (D-36).
        spec.options.target_group &= !self.request.purpose.is_trial();
        Ok(spec)
    }
}

/// The row with what depends on the group that it updates, when an earlier row has made or changed that group.
///
/// # Errors
/// More than one group of the hostclass, or an Elastigroup without access to Spotinst.
pub(super) fn again(
    request: &Request<'_>,
    groups: &GroupState,
    own: &ResolvedRow,
) -> Result<ResolvedRow> {
    let name = &own.hostclass.name;
    let kind = group::kind_for(groups, name, request.purpose.target(), own.want_spot)?;
    let types = instance_types(request, groups, &own.row, &own.hostclass)?;
    Ok(ResolvedRow {
        kind,
        instance_types: usable_types(types, kind),
        ..own.clone()
    })
}

/// The row's types, else those of the existing group, else the default; never empty.
fn instance_types(
    request: &Request<'_>,
    groups: &GroupState,
    row: &Row,
    hostclass: &HostclassConfig,
) -> Result<Vec<String>> {
    let own = listed(row.instance_type.as_deref().unwrap_or_default());
    if !own.is_empty() {
        return Ok(own);
    }
    let existing = request.purpose.typical(groups, &hostclass.name)?;
    let existing = existing.and_then(|group| groups.launch_info(group));
    let existing = listed(existing.as_deref().unwrap_or_default());
    if !existing.is_empty() {
        return Ok(existing);
    }
    Ok(listed(&request.config.default_instance_type(request.env)?))
}

/// A cell of the pipeline.
fn cell(request: &Request<'_>, row: &Row, key: &str) -> Location {
    Location {
        file: request.pipeline.file.clone(),
        line: Some(row.line),
        section: None,
        key: Some(key.to_owned()),
    }
}

/// The reserve; empty text is one too: it takes back what an earlier run has reserved.
fn reserve(request: &Request<'_>, row: &Row) -> Result<Option<Reserve>> {
    let parsed = row.spotinst_reserve.as_deref().map(str::parse).transpose();
    Ok(parsed.map_err(|GrammarError(problem)| {
        ConfigError::new(problem).at(cell(request, row, "spotinst_reserve"))
    })?)
}

/// The elements of a `:` list.
fn listed(types: &str) -> Vec<String> {
    let parts = types.split(':').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// An Auto Scaling group has one type only.
fn usable_types(mut types: Vec<String>, kind: Kind) -> Vec<String> {
    if kind == Kind::Asg {
        types.truncate(1);
    }
    types
}

/// Hostclasses whose balancers, target groups or host names would have one name: they would take them from each other.
fn shared_balancers(rows: &[ResolvedRow]) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let (own, name) = (&row.balancer, &row.hostclass.name);
        let mut seen: Vec<&str> = vec![name];
        for earlier in rows.iter().take(index) {
            let (other, its_name) = (&earlier.balancer, &earlier.hostclass.name);
            if seen.contains(&its_name.as_str()) {
                continue;
            }
            seen.push(its_name);
            let either = own.options.enabled || other.options.enabled;
            let both = own.options.enabled && other.options.enabled;
            let groups = own.options.target_group && other.options.target_group;
            let target_group =
                |spec: &BalancerSpec| crate::names::target_group(&spec.env, &spec.hostclass);
            let what = if either && own.id() == other.id() {
                Some(format!("the load balancer {}", own.name()))
            } else if groups && target_group(own) == target_group(other) {
                Some(format!("the target group {}", target_group(own)))
            } else {
                let host = own
                    .hosts()
                    .into_iter()
                    .find(|host| other.hosts().contains(host));
                host.filter(|_| both)
                    .map(|host| format!("the host name {host}"))
            };
            errors.extend(what.map(|what| {
                Error::refused(format!(
                    "hostclasses {its_name} and {name} would share {what}"
                ))
                .with_hint("rename one of the hostclasses, or give them different `elb_dns_alias`")
            }));
        }
    }
    errors
}

/// The row asks for an Elastigroup, and Spotinst cannot be spoken to.
fn no_spotinst(
    request: &Request<'_>,
    row: &Row,
    hostclass: &HostclassConfig,
) -> Result<ConfigError, ConfigError> {
    let place = if row.spotinst == Some(true) {
        Some(cell(request, row, "spotinst"))
    } else {
        let config = request.config;
        let found = config.section_option(&hostclass.name, "spotinst", request.env)?;
        found.map(|found| found.location)
    };
    let text = format!(
        "hostclass {} asks for a Spotinst Elastigroup, but SPOTINST_TOKEN is not set",
        hostclass.name
    );
    let error = ConfigError::new(text).with_hint(
        "set the environment variable SPOTINST_TOKEN, or remove `spotinst` from the row and the hostclass to use an Auto Scaling group",
    );
    Ok(match place {
        Some(place) => error.at(place),
        None => error,
    })
}

/// By id if the row has one; else the best of the hostclass (spec 40, section 4.2).
fn find_image<'a>(
    row: &Row,
    images: &'a [Image],
    stages: &[String],
    env: &str,
) -> Result<&'a Image, ConfigError> {
    if let Some(id) = &row.ami {
        let hint = "only images of this account and of `trusted_account_ids` in [bake] are used; check the id and the region";
        let image = images
            .iter()
            .find(|image| image.id == *id)
            .ok_or_else(|| ConfigError::new(format!("no image {id}")).with_hint(hint))?;
        if !image.is_usable() {
            let text = format!("image {id} ({}) is {}", image.name, image.state);
            return Err(ConfigError::new(text).with_hint(
                "hosts cannot start from it; name another image, or a hostclass to get the newest that is usable",
            ));
        }
        return Ok(image);
    }
    let hostclass = row.hostclass.as_deref().unwrap_or_default();
    best(images, hostclass, stages, false).ok_or_else(|| {
        let stage = if stages.is_empty() {
            "any stage".to_owned()
        } else {
            format!("stage {}", stages.join(" or "))
        };
        ConfigError::new(format!(
            "no image of hostclass {hostclass} in {stage} for environment `{env}`"
        ))
        .with_hint(
            "bake one (`disco_bake bake --hostclass`), promote one, or choose another --stage",
        )
    })
}

/// Tags of the group, propagated to its hosts; the hostclass option `tags` comes last and may override (spec 40, section 4.4).
fn tags(request: &Request<'_>, vpc: &Vpc, row: &Row, hostclass: &HostclassConfig) -> Tags {
    let name = hostclass.name.as_str();
    let chaos = if row.chaos.unwrap_or(hostclass.chaos) {
        "True"
    } else {
        "False"
    };
    let testing = if request.testing { "1" } else { "0" };
    let fixed = [
        (tag::HOSTCLASS, name),
        (tag::APPLICATION, name),
        (tag::OWNER, request.owner),
        (tag::ENVIRONMENT, request.env),
        (tag::ENVIRONMENT_CLASS, vpc.environment_class()),
        (tag::CHAOS, chaos),
        (tag::IS_TESTING, testing),
    ];
    let fixed = fixed
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    fixed.chain(hostclass.tags.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::super::inputs::tests::resolved;
    use super::*;

    #[test]
    fn an_image_by_id_needs_no_stage_and_one_by_hostclass_does() {
        let own = resolved("mhcx", "").image;
        let images = [own.clone()];
        let stages = ["tested".to_owned()];
        let row = |hostclass: Option<&str>, ami: Option<&str>| Row {
            hostclass: hostclass.map(str::to_owned),
            ami: ami.map(str::to_owned),
            ..Row::default()
        };
        let found = find_image(&row(Some("mhcy"), Some("ami-1")), &images, &stages, "ci");
        assert_eq!(found.unwrap(), &own);
        let found = find_image(&row(Some("mhcx"), None), &images, &[], "ci");
        assert_eq!(found.unwrap(), &own);
        let text = |row: &Row| {
            find_image(row, &images, &stages, "ci")
                .unwrap_err()
                .to_string()
        };
        assert_eq!(text(&row(None, Some("ami-2"))), "no image ami-2");
        let expected = "no image of hostclass mhcx in stage tested for environment `ci`";
        assert_eq!(text(&row(Some("mhcx"), None)), expected);
    }

    #[test]
    fn an_image_by_id_must_be_usable_or_become_so() {
        for (state, usable) in [
            ("available", true),
            ("pending", true),
            ("transient", true),
            ("failed", false),
            ("error", false),
            ("invalid", false),
            ("deregistered", false),
        ] {
            let image = Image {
                state: state.into(),
                ..resolved("mhcx", "").image
            };
            let row = Row {
                ami: Some("ami-1".into()),
                ..Row::default()
            };
            let images = [image];
            match find_image(&row, &images, &[], "ci") {
                Ok(found) => assert!(usable, "{state}: {found:?}"),
                Err(error) => {
                    assert!(!usable, "{state}: {error}");
                    let expected = format!("image ami-1 (mhcx 1700000000) is {state}");
                    assert_eq!(error.to_string(), expected);
                }
            }
        }
    }

    #[test]
    fn type_lists_are_trimmed_and_an_auto_scaling_group_has_one_type() {
        for (text, spot, asg) in [
            ("c4.large", vec!["c4.large"], vec!["c4.large"]),
            (
                "c4.large:m4.large",
                vec!["c4.large", "m4.large"],
                vec!["c4.large"],
            ),
            (
                " c4.large : : m4.large:",
                vec!["c4.large", "m4.large"],
                vec!["c4.large"],
            ),
            (" : ", vec![], vec![]),
        ] {
            assert_eq!(usable_types(listed(text), Kind::Spot), spot, "{text}");
            assert_eq!(usable_types(listed(text), Kind::Asg), asg, "{text}");
        }
    }

    #[test]
    fn hostclasses_that_would_share_a_balancer_are_refused() {
        let rows = |first: (&str, &str), second: (&str, &str)| {
            let rows = [resolved(first.0, first.1), resolved(second.0, second.1)];
            let errors: Vec<String> = shared_balancers(&rows)
                .iter()
                .map(Error::to_string)
                .collect();
            errors.join("\n")
        };
        let elb = "elb=yes\ndomain_name=x.org";
        let alias = "elb=yes\ndomain_name=x.org\nelb_dns_alias=www";
        let pairs = [
            (
                ("mhc_api", elb),
                ("mhcapi", ""),
                "hostclasses mhc_api and mhcapi would share the load balancer ci-mhcapi",
            ),
            (
                ("mhca", alias),
                ("mhcb", alias),
                "hostclasses mhca and mhcb would share the host name www.x.org",
            ),
            (
                ("mhc_api", "target_group=yes"),
                ("mhc-api", "target_group=yes"),
                "hostclasses mhc_api and mhc-api would share the target group ci-mhc-api",
            ),
            (("mhc_api", ""), ("mhcapi", ""), ""),
            (("mhca", elb), ("mhcb", elb), ""),
            (("mhca", elb), ("mhca", elb), ""),
        ];
        for (first, second, expected) in pairs {
            assert_eq!(rows(first, second), expected, "{first:?} {second:?}");
        }
    }
}
