//! `listhosts`: rows with every column, and the text layout that scripts parse by field position (spec 40, section 7). Pure.

use super::Host;
use crate::names::tag;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

/// One host as the listing shows it. The field names are the JSON keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostRow {
    /// Instance id.
    pub instance_id: String,
    /// Tag `hostclass`.
    pub hostclass: Option<String>,
    /// Public address, else preferred private address.
    pub address: Option<String>,
    /// State.
    pub state: String,
    /// Tag `hostname`.
    pub hostname: Option<String>,
    /// Tag `owner`.
    pub owner: Option<String>,
    /// Instance type.
    pub instance_type: String,
    /// Image id.
    pub ami: String,
    /// Tag `smoketest`.
    pub smoketest: Option<String>,
    /// Whole hours since the image was made.
    pub ami_age_hours: Option<i64>,
    /// Whole hours since launch.
    pub uptime_hours: Option<i64>,
    /// Preferred private address.
    pub private_ip: Option<String>,
    /// Availability zone.
    pub availability_zone: String,
    /// Tag `productline`.
    pub productline: Option<String>,
    /// Name of the first security group.
    pub security_group: Option<String>,
    /// Name of the Auto Scaling group.
    pub group_name: Option<String>,
}

/// Columns of the text layout beside instance id, hostclass and address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Columns {
    /// State.
    pub state: bool,
    /// Whether the host has a host name.
    pub hostname: bool,
    /// Owner.
    pub owner: bool,
    /// Instance type.
    pub instance_type: bool,
    /// Image id.
    pub ami: bool,
    /// Whether the smoke test passed.
    pub smoke: bool,
    /// Age of the image.
    pub ami_age: bool,
    /// Time since launch.
    pub uptime: bool,
    /// Preferred private address.
    pub private_ip: bool,
    /// Zone.
    pub availability_zone: bool,
    /// Product line.
    pub productline: bool,
    /// Security group.
    pub securitygroup: bool,
}

impl Columns {
    /// Columns of `--most`.
    #[must_use]
    pub fn most(mut self) -> Self {
        (self.state, self.hostname, self.owner, self.instance_type) = (true, true, true, true);
        (self.ami, self.smoke, self.ami_age, self.uptime) = (true, true, true, true);
        self
    }

    /// Columns of `--all`.
    #[must_use]
    pub fn all(self) -> Self {
        Self {
            private_ip: true,
            availability_zone: true,
            productline: true,
            securitygroup: true,
            ..self.most()
        }
    }
}

/// The rows of a listing: terminated hosts hidden, sorted by state, hostclass, host name. `created` are the creation times of
/// images by id.
pub fn rows(
    hosts: Vec<Host>,
    created: &BTreeMap<String, DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Vec<HostRow> {
    let mut shown: Vec<Host> = hosts
        .into_iter()
        .filter(|host| !host.is_terminated())
        .collect();
    shown.sort_by_cached_key(|host| {
        (
            host.state.clone(),
            or_dash(host.hostclass()),
            or_dash(host.tag(tag::HOSTNAME)),
        )
    });
    let hours = |since: &DateTime<Utc>| (now - since).num_hours();
    let row = |host: Host| {
        let owned = |key: &str| host.tag(key).map(str::to_owned);
        HostRow {
            hostclass: owned(tag::HOSTCLASS),
            hostname: owned(tag::HOSTNAME),
            owner: owned(tag::OWNER),
            smoketest: owned(tag::SMOKETEST),
            ami_age_hours: created.get(&host.image_id).map(hours),
            uptime_hours: host.launched.as_ref().map(hours),
            productline: owned(tag::PRODUCT_LINE),
            group_name: host.group().map(str::to_owned),
            address: host.public_ip.or_else(|| host.private_ip.clone()),
            instance_id: host.id,
            state: host.state,
            instance_type: host.instance_type,
            ami: host.image_id,
            private_ip: host.private_ip,
            availability_zone: host.zone,
            security_group: host.security_group,
        }
    };
    shown.into_iter().map(row).collect()
}

fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

impl HostRow {
    /// The line of the text layout: fields separated by one blank, padded, never cut.
    pub fn line(&self, columns: Columns) -> String {
        let dash = |text: &Option<String>| or_dash(text.as_deref());
        let flag = |set: bool| if set { "y" } else { "-" }.to_owned();
        let number = |n: Option<i64>| n.map_or_else(|| "None".to_owned(), |n| n.to_string());
        let productline = self.productline.clone().filter(|p| p != "unknown");
        let cells = [
            (true, 0, self.instance_id.clone()),
            (true, 30, dash(&self.hostclass)),
            (true, 15, dash(&self.address)),
            (columns.state, 10, self.state.clone()),
            (columns.hostname, 1, flag(self.hostname.is_some())),
            (columns.owner, 11, dash(&self.owner)),
            (columns.instance_type, 10, self.instance_type.clone()),
            (columns.ami, 12, self.ami.clone()),
            (columns.smoke, 1, flag(self.smoketest.is_some())),
            (columns.ami_age, 4, number(self.ami_age_hours)),
            (columns.uptime, 3, number(self.uptime_hours)),
            (columns.private_ip, 16, dash(&self.private_ip)),
            (
                columns.availability_zone,
                12,
                self.availability_zone.clone(),
            ),
            (columns.productline, 15, dash(&productline)),
            (columns.securitygroup, 15, dash(&self.security_group)),
        ];
        let padded: Vec<String> = cells
            .into_iter()
            .filter(|c| c.0)
            .map(|(_, width, text)| format!("{text:<width$}"))
            .collect();
        padded.join(" ")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::host::record::tests::host;

    #[test]
    fn terminated_hidden_and_sorted() {
        let hosts = [
            host(
                "i-3",
                "running",
                &[("hostclass", "mhcb"), ("hostname", "z")],
            ),
            host(
                "i-2",
                "running",
                &[("hostclass", "mhcb"), ("hostname", "a")],
            ),
            host("i-1", "terminated", &[("hostclass", "mhca")]),
            host("i-4", "pending", &[("hostclass", "mhcz")]),
            host("i-5", "running", &[]),
        ];
        let ids: Vec<String> = rows(hosts.to_vec(), &BTreeMap::new(), Utc::now())
            .into_iter()
            .map(|r| r.instance_id)
            .collect();
        assert_eq!(ids, ["i-4", "i-5", "i-2", "i-3"]);
    }

    #[test]
    fn layout_of_columns() {
        let now = DateTime::from_timestamp(1_700_000_000 + 7_300, 0).unwrap();
        let created = BTreeMap::from([(
            "ami-1".to_owned(),
            DateTime::from_timestamp(1_700_000_000 - 3_600, 0).unwrap(),
        )]);
        let mut web = host(
            "i-0a1",
            "running",
            &[
                ("hostclass", "mhcweb"),
                ("hostname", "web1"),
                ("productline", "unknown"),
            ],
        );
        web.public_ip = Some("52.1.2.3".into());
        let row = &rows(vec![web], &created, now)[0];
        let pad = |text: &str, width: usize| format!("{text:<width$}");
        let short = Columns {
            hostname: true,
            private_ip: true,
            ..Columns::default()
        };
        assert_eq!(
            row.line(short),
            format!(
                "i-0a1 {} {} y {}",
                pad("mhcweb", 30),
                pad("52.1.2.3", 15),
                pad("10.3.0.12", 16)
            )
        );
        assert_eq!(
            row.line(Columns::default().all())
                .split_whitespace()
                .collect::<Vec<_>>(),
            [
                "i-0a1",
                "mhcweb",
                "52.1.2.3",
                "running",
                "y",
                "-",
                "m5.large",
                "ami-1",
                "-",
                "3",
                "2",
                "10.3.0.12",
                "us-west-2a",
                "-",
                "-"
            ]
        );
        let unknown = &rows(vec![host("i-0a2", "running", &[])], &BTreeMap::new(), now)[0];
        assert!(
            unknown
                .line(Columns {
                    ami_age: true,
                    ..Columns::default()
                })
                .ends_with(" None")
        );
    }
}
