//! Executes the changes of an environment: the only place where create and update call changing operations.
//!
//! Every action is repeatable: what is already as wanted (a rule that exists, a route that exists) is not an error.

use super::changes::{DHCP, INTERNET_GATEWAY, VPC, group_key, subnet_key, table_key};
use super::interface::{InterfaceRequest, create_interface};
use super::observed::GroupRef;
use crate::aws::{Aws, AwsError, Context, Tags, ec2_tags, tag_specification, tags_of};
use crate::error::{Error, Result};
use crate::names::tag;
use crate::network::{Grant, MetaNetwork, Peer};
use crate::plan::{Apply, Change, Plan, Progress};
use aws_sdk_ec2::types::{
    AttributeBooleanValue, IpPermission, IpRange, Ipv6Range, NewDhcpConfiguration, ResourceType,
    UserIdGroupPair,
};
use ipnet::{IpNet, Ipv4Net};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One change to an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Create the VPC with its tags and wait until it is available.
    CreateVpc {
        /// Environment.
        name: String,
        /// Block.
        cidr: Ipv4Net,
        /// Tags.
        tags: Tags,
    },
    /// Switch DNS support on.
    EnableDnsSupport,
    /// Switch DNS host names on.
    EnableDnsHostnames,
    /// Create a metanetwork's security group.
    CreateSecurityGroup {
        /// Metanetwork.
        net: MetaNetwork,
        /// Group name.
        name: String,
        /// Tags.
        tags: Tags,
    },
    /// Create a subnet.
    CreateSubnet {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// Block.
        cidr: Ipv4Net,
        /// Tags.
        tags: Tags,
    },
    /// Create a route table.
    CreateRouteTable {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// Tags.
        tags: Tags,
    },
    /// Associate a table with a subnet, both by logical name.
    AssociateRouteTable {
        /// Table.
        table: String,
        /// Subnet.
        subnet: String,
        /// Association with another table that goes first.
        replace: Option<String>,
    },
    /// Add ingress grants to a metanetwork's group.
    Authorize {
        /// Metanetwork.
        net: MetaNetwork,
        /// Grants.
        grants: Vec<Grant<GroupRef>>,
    },
    /// Revoke ingress grants.
    Revoke {
        /// Metanetwork.
        net: MetaNetwork,
        /// Grants.
        grants: Vec<Grant<GroupRef>>,
    },
    /// Create the internet gateway.
    CreateInternetGateway {
        /// Tags.
        tags: Tags,
    },
    /// Attach it to the VPC.
    AttachInternetGateway,
    /// Change one gateway route.
    Route {
        /// What to do.
        operation: RouteOperation,
        /// Table, by logical name.
        table: String,
        /// Destination.
        destination: Ipv4Net,
        /// Gateway: logical name or id.
        gateway: String,
    },
    /// Create a DHCP options set.
    CreateDhcp {
        /// Options in order.
        options: Vec<(String, Vec<String>)>,
        /// Tags.
        tags: Tags,
    },
    /// Put a set in force: an existing one, else the one just created.
    AssociateDhcp {
        /// Id of the existing set.
        existing: Option<String>,
    },
    /// Delete a set that is not in force.
    DeleteDhcp {
        /// Id.
        id: String,
    },
    /// Reserve an address.
    CreateInterface {
        /// Metanetwork.
        net: MetaNetwork,
        /// Zone.
        zone: String,
        /// Address.
        address: Ipv4Addr,
        /// Hostclass it is for.
        hostclass: String,
    },
}

/// What to do with a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteOperation {
    /// Create; becomes a replacement if the destination has a route meanwhile.
    Create,
    /// Point elsewhere.
    Replace,
    /// Delete.
    Delete,
}

/// Time that AWS gets to make a VPC available.
const VPC_AVAILABLE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));

/// Applies a plan to the environment `name`. `ids` are the existing resources by logical name. Returns all ids.
pub async fn apply(
    aws: &Aws,
    name: &str,
    plan: &Plan<Action>,
    ids: BTreeMap<String, String>,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, String>> {
    let executor = Executor {
        aws,
        env: name,
        progress,
        ids: Mutex::new(ids),
    };
    plan.apply(&executor, progress).await?;
    Ok(executor
        .ids
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

struct Executor<'a> {
    aws: &'a Aws,
    env: &'a str,
    progress: &'a dyn Progress,
    ids: Mutex<BTreeMap<String, String>>,
}

impl Apply<Action> for Executor<'_> {
    async fn apply(&self, change: &Change<Action>) -> Result<(), Error> {
        match &change.action {
            Action::CreateVpc { name, cidr, tags } => self.create_vpc(name, *cidr, tags).await,
            Action::EnableDnsSupport => self.dns_attribute(true).await,
            Action::EnableDnsHostnames => self.dns_attribute(false).await,
            Action::CreateSecurityGroup { net, name, tags } => {
                self.create_group(*net, name, tags).await
            }
            Action::CreateSubnet {
                net,
                zone,
                cidr,
                tags,
            } => self.create_subnet(*net, zone, *cidr, tags).await,
            Action::CreateRouteTable { net, zone, tags } => {
                self.create_table(*net, zone, tags).await
            }
            Action::AssociateRouteTable {
                table,
                subnet,
                replace,
            } => self.associate(table, subnet, replace.as_deref()).await,
            Action::Authorize { net, grants } => self.authorize(*net, grants).await,
            Action::Revoke { net, grants } => self.revoke(*net, grants).await,
            Action::CreateInternetGateway { tags } => self.create_internet_gateway(tags).await,
            Action::AttachInternetGateway => self.attach_internet_gateway().await,
            Action::Route {
                operation,
                table,
                destination,
                gateway,
            } => self.route(*operation, table, *destination, gateway).await,
            Action::CreateDhcp { options, tags } => self.create_dhcp(options, tags).await,
            Action::AssociateDhcp { existing } => self.associate_dhcp(existing.as_deref()).await,
            Action::DeleteDhcp { id } => self.delete_dhcp(id).await,
            Action::CreateInterface {
                net,
                zone,
                address,
                hostclass,
            } => self.interface(*net, zone, *address, hostclass).await,
        }
    }
}

impl Executor<'_> {
    /// The id behind a logical name. Plans order changes so that it is known; if not, the plan is at fault.
    fn id(&self, key: &str) -> Result<String> {
        let ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.get(key).cloned().ok_or_else(|| {
            Error::not_found(format!(
                "`{key}` of environment `{}` does not exist",
                self.env
            ))
        })
    }

    fn learn(
        &self,
        key: impl Into<String>,
        id: Option<&str>,
        operation: &'static str,
    ) -> Result<()> {
        let key = key.into();
        let id = id.ok_or_else(|| AwsError::incomplete(operation, &key, "id"))?;
        self.ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, id.to_owned());
        Ok(())
    }

    async fn create_vpc(&self, name: &str, cidr: Ipv4Net, tags: &Tags) -> Result<()> {
        let call = self.aws.ec2().create_vpc().cidr_block(cidr.to_string());
        let answer = call
            .tag_specifications(tag_specification(ResourceType::Vpc, tags))
            .send()
            .await;
        let answer = answer.context("ec2:CreateVpc", format!("environment {name}"))?;
        self.learn(VPC, answer.vpc().and_then(|v| v.vpc_id()), "ec2:CreateVpc")?;
        let id = self.id(VPC)?;
        let what = format!("waiting for VPC {id} of environment `{name}` to become available");
        let (pause, limit) = VPC_AVAILABLE;
        self.aws
            .poll
            .until(&what, pause, limit, async || {
                let answer = match self
                    .aws
                    .ec2()
                    .describe_vpcs()
                    .vpc_ids(&id)
                    .send()
                    .await
                    .context("ec2:DescribeVpcs", &id)
                {
                    Err(error) if error.is_not_found() => return Ok(None),
                    other => other?,
                };
                let available = answer
                    .vpcs()
                    .iter()
                    .any(|v| v.state().is_some_and(|s| s.as_str() == "available"));
                Ok(available.then_some(()))
            })
            .await
    }

    async fn dns_attribute(&self, support: bool) -> Result<()> {
        let on = AttributeBooleanValue::builder().value(true).build();
        let id = self.id(VPC)?;
        let call = self.aws.ec2().modify_vpc_attribute().vpc_id(&id);
        let call = if support {
            call.enable_dns_support(on)
        } else {
            call.enable_dns_hostnames(on)
        };
        call.send().await.context("ec2:ModifyVpcAttribute", &id)?;
        Ok(())
    }

    async fn create_group(&self, net: MetaNetwork, name: &str, tags: &Tags) -> Result<()> {
        let call = self
            .aws
            .ec2()
            .create_security_group()
            .group_name(name)
            .description(net.description())
            .vpc_id(self.id(VPC)?);
        let answer = call
            .tag_specifications(tag_specification(ResourceType::SecurityGroup, tags))
            .send()
            .await;
        let answer = answer.context("ec2:CreateSecurityGroup", name)?;
        self.learn(group_key(net), answer.group_id(), "ec2:CreateSecurityGroup")
    }

    async fn create_subnet(
        &self,
        net: MetaNetwork,
        zone: &str,
        cidr: Ipv4Net,
        tags: &Tags,
    ) -> Result<()> {
        let call = self
            .aws
            .ec2()
            .create_subnet()
            .vpc_id(self.id(VPC)?)
            .cidr_block(cidr.to_string())
            .availability_zone(zone);
        let answer = call
            .tag_specifications(tag_specification(ResourceType::Subnet, tags))
            .send()
            .await;
        let answer = answer.context("ec2:CreateSubnet", format!("subnet {net} {zone} {cidr}"))?;
        self.learn(
            subnet_key(net, zone),
            answer.subnet().and_then(|s| s.subnet_id()),
            "ec2:CreateSubnet",
        )
    }

    async fn create_table(&self, net: MetaNetwork, zone: &str, tags: &Tags) -> Result<()> {
        let vpc = self.id(VPC)?;
        let call = self
            .aws
            .ec2()
            .create_route_table()
            .vpc_id(&vpc)
            .client_token(format!("{vpc}-{net}-{zone}"));
        let answer = call
            .tag_specifications(tag_specification(ResourceType::RouteTable, tags))
            .send()
            .await;
        let answer = answer.context("ec2:CreateRouteTable", format!("route table {net} {zone}"))?;
        self.learn(
            table_key(net, zone),
            answer.route_table().and_then(|t| t.route_table_id()),
            "ec2:CreateRouteTable",
        )
    }

    async fn associate(&self, table: &str, subnet: &str, replace: Option<&str>) -> Result<()> {
        let (table_id, name) = (self.id(table)?, format!("{table} with {subnet}"));
        if let Some(old) = replace {
            let call = self
                .aws
                .ec2()
                .replace_route_table_association()
                .association_id(old)
                .route_table_id(table_id);
            call.send()
                .await
                .context("ec2:ReplaceRouteTableAssociation", &name)?;
        } else {
            let call = self
                .aws
                .ec2()
                .associate_route_table()
                .route_table_id(table_id)
                .subnet_id(self.id(subnet)?);
            call.send()
                .await
                .context("ec2:AssociateRouteTable", &name)?;
        }
        Ok(())
    }

    /// All grants in one call; if AWS says that one of them exists, one by one.
    async fn authorize(&self, net: MetaNetwork, grants: &[Grant<GroupRef>]) -> Result<()> {
        let (group, permissions) = (self.id(&group_key(net))?, self.permissions(grants)?);
        let call = async |permissions: Vec<IpPermission>| {
            let call = self
                .aws
                .ec2()
                .authorize_security_group_ingress()
                .group_id(&group)
                .set_ip_permissions(Some(permissions));
            call.send()
                .await
                .context(
                    "ec2:AuthorizeSecurityGroupIngress",
                    format!("{net} ({} rules wanted)", grants.len()),
                )
                .map(|_| ())
        };
        one_by_one_if("InvalidPermission.Duplicate", permissions, call).await
    }

    async fn revoke(&self, net: MetaNetwork, grants: &[Grant<GroupRef>]) -> Result<()> {
        let (group, permissions) = (self.id(&group_key(net))?, self.permissions(grants)?);
        let call = async |permissions: Vec<IpPermission>| {
            let call = self
                .aws
                .ec2()
                .revoke_security_group_ingress()
                .group_id(&group)
                .set_ip_permissions(Some(permissions));
            call.send()
                .await
                .context("ec2:RevokeSecurityGroupIngress", net)
                .map(|_| ())
        };
        one_by_one_if("InvalidPermission.NotFound", permissions, call).await
    }

    fn permissions(&self, grants: &[Grant<GroupRef>]) -> Result<Vec<IpPermission>> {
        grants.iter().map(|grant| self.permission(grant)).collect()
    }

    fn permission(&self, grant: &Grant<GroupRef>) -> Result<IpPermission> {
        let permission = IpPermission::builder()
            .ip_protocol(grant.protocol.aws_name())
            .set_from_port(grant.from)
            .set_to_port(grant.to);
        let permission = match &grant.peer {
            Peer::Group(source) => {
                let id = match source {
                    GroupRef::Net(net) => self.id(&group_key(*net))?,
                    GroupRef::Foreign(id) => id.clone(),
                };
                permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(id).build())
            }
            Peer::Cidr(IpNet::V4(cidr)) => {
                permission.ip_ranges(IpRange::builder().cidr_ip(cidr.to_string()).build())
            }
            Peer::Cidr(IpNet::V6(cidr)) => {
                permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(cidr.to_string()).build())
            }
        };
        Ok(permission.build())
    }

    async fn create_internet_gateway(&self, tags: &Tags) -> Result<()> {
        let call = self.aws.ec2().create_internet_gateway();
        let answer = call
            .tag_specifications(tag_specification(ResourceType::InternetGateway, tags))
            .send()
            .await;
        let answer = answer.context(
            "ec2:CreateInternetGateway",
            format!("environment {}", self.env),
        )?;
        self.learn(
            INTERNET_GATEWAY,
            answer
                .internet_gateway()
                .and_then(|g| g.internet_gateway_id()),
            "ec2:CreateInternetGateway",
        )
    }

    async fn attach_internet_gateway(&self) -> Result<()> {
        let id = self.id(INTERNET_GATEWAY)?;
        let call = self
            .aws
            .ec2()
            .attach_internet_gateway()
            .internet_gateway_id(&id)
            .vpc_id(self.id(VPC)?);
        match call.send().await.context("ec2:AttachInternetGateway", &id) {
            Err(error) if error.is("Resource.AlreadyAssociated") => Ok(()),
            other => Ok(other.map(|_| ())?),
        }
    }

    async fn route(
        &self,
        operation: RouteOperation,
        table: &str,
        destination: Ipv4Net,
        gateway: &str,
    ) -> Result<()> {
        let (table_id, name) = (self.id(table)?, format!("{destination} in {table}"));
        let ec2 = self.aws.ec2();
        if operation == RouteOperation::Delete {
            let call = ec2
                .delete_route()
                .route_table_id(table_id)
                .destination_cidr_block(destination.to_string());
            return match call.send().await.context("ec2:DeleteRoute", &name) {
                Err(error) if error.is_not_found() => Ok(()),
                other => Ok(other.map(|_| ())?),
            };
        }
        let gateway = if gateway == INTERNET_GATEWAY {
            self.id(INTERNET_GATEWAY)?
        } else {
            gateway.to_owned()
        };
        if operation == RouteOperation::Create {
            let call = ec2
                .create_route()
                .route_table_id(&table_id)
                .destination_cidr_block(destination.to_string())
                .gateway_id(&gateway);
            match call.send().await.context("ec2:CreateRoute", &name) {
                Err(error) if error.is("RouteAlreadyExists") => {}
                other => return Ok(other.map(|_| ())?),
            }
        }
        let call = ec2
            .replace_route()
            .route_table_id(table_id)
            .destination_cidr_block(destination.to_string())
            .gateway_id(gateway);
        call.send().await.context("ec2:ReplaceRoute", &name)?;
        Ok(())
    }

    async fn create_dhcp(&self, options: &[(String, Vec<String>)], tags: &Tags) -> Result<()> {
        let option = |(key, values): &(String, Vec<String>)| {
            NewDhcpConfiguration::builder()
                .key(key)
                .set_values(Some(values.clone()))
                .build()
        };
        let call = self
            .aws
            .ec2()
            .create_dhcp_options()
            .set_dhcp_configurations(Some(options.iter().map(option).collect()));
        let answer = call
            .tag_specifications(tag_specification(ResourceType::DhcpOptions, tags))
            .send()
            .await;
        let answer =
            answer.context("ec2:CreateDhcpOptions", format!("environment {}", self.env))?;
        let set = answer.dhcp_options();
        self.learn(
            DHCP,
            set.and_then(|s| s.dhcp_options_id()),
            "ec2:CreateDhcpOptions",
        )?;
        // Some compatible endpoints ignore tags in this call; an untagged set would never be found again.
        if set.is_some_and(|s| tags_of(s.tags()).contains_key(tag::NAME)) {
            return Ok(());
        }
        let call = self
            .aws
            .ec2()
            .create_tags()
            .resources(self.id(DHCP)?)
            .set_tags(Some(ec2_tags(tags)));
        call.send()
            .await
            .context("ec2:CreateTags", "the DHCP options")?;
        Ok(())
    }

    async fn associate_dhcp(&self, existing: Option<&str>) -> Result<()> {
        let set = existing.map_or_else(|| self.id(DHCP), |id| Ok(id.to_owned()))?;
        let call = self
            .aws
            .ec2()
            .associate_dhcp_options()
            .dhcp_options_id(&set)
            .vpc_id(self.id(VPC)?);
        call.send()
            .await
            .context("ec2:AssociateDhcpOptions", &set)?;
        Ok(())
    }

    /// The new set is in force already, so failing to remove an old one is only worth a note.
    async fn delete_dhcp(&self, id: &str) -> Result<()> {
        let call = self.aws.ec2().delete_dhcp_options().dhcp_options_id(id);
        if let Err(error) = call.send().await.context("ec2:DeleteDhcpOptions", id) {
            if !error.is_not_found() {
                self.progress
                    .note(&format!("the old DHCP options stay: {error}"));
            }
        }
        Ok(())
    }

    /// AWS keeps the first four and the last address of a subnet for itself; asking for one is a mistake worth a note, not
    /// a reason to leave the environment half-made (spec 20, section 13).
    async fn interface(
        &self,
        net: MetaNetwork,
        zone: &str,
        address: Ipv4Addr,
        hostclass: &str,
    ) -> Result<()> {
        let request = InterfaceRequest {
            environment: self.env.to_owned(),
            hostclass: hostclass.to_owned(),
            address,
        };
        match create_interface(
            self.aws,
            &request,
            &self.id(&subnet_key(net, zone))?,
            &self.id(&group_key(net))?,
        )
        .await
        {
            Err(error)
                if matches!(
                    error.code.as_deref(),
                    Some("InvalidParameterValue" | "InvalidIPAddress.InUse")
                ) =>
            {
                self.progress.note(&format!(
                    "Failed to reserve IP address ({address}) for hostclass ({hostclass}): {error}"
                ));
                Ok(())
            }
            other => Ok(other.map(|_| ())?),
        }
    }
}

/// Sends everything in one call; if AWS answers with `harmless`, each part by itself, where `harmless` is not an error.
async fn one_by_one_if(
    harmless: &str,
    all: Vec<IpPermission>,
    call: impl AsyncFn(Vec<IpPermission>) -> Result<(), AwsError>,
) -> Result<()> {
    match call(all.clone()).await {
        Err(error) if error.is(harmless) => {}
        other => return Ok(other?),
    }
    for permission in all {
        match call(vec![permission]).await {
            Err(error) if error.is(harmless) => {}
            other => other?,
        }
    }
    Ok(())
}
