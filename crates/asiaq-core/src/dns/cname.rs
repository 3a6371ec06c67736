//! Records that lead to something which goes: found in all zones and deleted.

use super::record::{Record, records};
use super::writer::{RecordChange, Writer};
use super::zone::zones;
use crate::aws::Aws;
use crate::error::Result;

/// A record that leads to a host: a CNAME, or an alias for its addresses.
#[derive(Debug, Clone, PartialEq)]
pub struct Cname {
    zone_id: String,
    record: Record,
}

impl Cname {
    /// Its name without the trailing dot.
    pub fn name(&self) -> &str {
        self.record.title()
    }

    /// Id of its zone, without `/hostedzone/`.
    pub fn zone_id(&self) -> &str {
        self.zone_id.trim_start_matches("/hostedzone/")
    }

    /// True if it leads to this host name.
    pub fn leads_to(&self, host: &str) -> bool {
        self.record.leads_to(host)
    }

    /// What people read.
    pub fn describe(&self) -> String {
        format!("record {} {}", self.name(), self.record.kind)
    }
}

/// The CNAMEs and aliases of all zones that lead to one of the host names. Without host names no call is
/// made.
pub async fn cnames_of(aws: &Aws, hosts: &[String]) -> Result<Vec<Cname>> {
    if hosts.is_empty() {
        return Ok(Vec::new());
    }
    let zones = zones(aws).await?;
    let readings = zones.iter().map(async |zone| {
        let found = records(aws, &zone.id, None).await?;
        let found = found.into_iter().map(|record| Cname {
            zone_id: zone.id.clone(),
            record,
        });
        Ok::<_, crate::Error>(found.collect::<Vec<_>>())
    });
    let all = futures::future::try_join_all(readings).await?;
    Ok(all
        .into_iter()
        .flatten()
        .filter(|cname| hosts.iter().any(|host| cname.leads_to(host)))
        .collect())
}

impl Writer<'_> {
    /// Deletes a record; one that is gone or was changed meanwhile is not an error.
    pub async fn delete(&self, cname: &Cname) -> Result<()> {
        let change = RecordChange::Delete(Box::new(cname.record.clone()));
        self.write(&cname.zone_id, vec![change]).await
    }

    /// Deletes records, those of one zone together.
    pub async fn delete_all(&self, cnames: &[Cname]) -> Result<()> {
        let deletions = cnames.iter().map(|cname| self.delete(cname));
        futures::future::try_join_all(deletions).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::dns::Target;

    #[test]
    fn people_read_name_and_type() {
        let of = |target: Target| Cname {
            zone_id: "Z1".into(),
            record: Record::new("web-ci.example.com.", &target).unwrap(),
        };
        let cname = of(Target::Value {
            kind: "CNAME".into(),
            value: "lb-1.elb.amazonaws.com".into(),
        });
        assert_eq!(cname.describe(), "record web-ci.example.com CNAME");
        assert!(cname.leads_to("LB-1.elb.amazonaws.com."));
        let alias = of(Target::Alias {
            host: "lb-1.elb.amazonaws.com".into(),
            zone_id: "ZELB".into(),
        });
        assert_eq!(alias.describe(), "record web-ci.example.com A");
    }
}
