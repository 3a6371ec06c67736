//! The user data of a host: `key="value"` lines that boot scripts source and grep (spec 40, section 4.6). Pure.
//!
//! Boot scripts select lines with an unanchored grep for `hostclass`, `owner` and `environment_name`: no other key or value
//! may contain one of these words.

/// What goes into the user data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UserData<'a> {
    pub(super) hostclass: &'a str,
    /// Only if the hostclass wants a proxy; empty if there is no address.
    pub(super) http_proxy_ip: Option<&'a str>,
    pub(super) logger_ip: &'a str,
    pub(super) logforwarder_ip: &'a str,
    pub(super) environment: &'a str,
    pub(super) domain_name: Option<&'a str>,
    pub(super) owner: &'a str,
    pub(super) credential_buckets: &'a [String],
    pub(super) eip: Option<&'a str>,
    pub(super) floating_ips: &'a [String],
    pub(super) smoketest_termination: bool,
    pub(super) project_name: &'a str,
    pub(super) is_spotinst: bool,
}

impl UserData<'_> {
    /// The text: lines joined by `\n`, none at the end. Unset values are the word `None`.
    pub(super) fn render(&self) -> String {
        let none = |value: Option<&str>| value.unwrap_or("None").to_owned();
        let bit = |set: bool| if set { "1" } else { "0" }.to_owned();
        let floating = self.floating_ips.join(" ");
        let zookeepers = format!(
            "[\\\"mhczookeeper-{}.{}:2181\\\"]",
            self.environment,
            none(self.domain_name)
        );
        let mut lines = vec![("hostclass", self.hostclass.to_owned())];
        lines.extend(
            self.http_proxy_ip
                .map(|ip| ("http_proxy_ip", ip.to_owned())),
        );
        lines.extend([
            ("logger_ip", self.logger_ip.to_owned()),
            ("logforwarder_ip", self.logforwarder_ip.to_owned()),
            ("environment_name", self.environment.to_owned()),
            ("domain_name", none(self.domain_name)),
            ("owner", self.owner.to_owned()),
            ("credential_buckets", self.credential_buckets.join(" ")),
            ("zookeepers", zookeepers),
            ("eip", none(self.eip)),
            ("floating_ips", floating),
            (
                "floating_ip",
                self.floating_ips.first().cloned().unwrap_or_default(),
            ),
            ("smoketest_termination", bit(self.smoketest_termination)),
            ("project_name", self.project_name.to_owned()),
            ("is_spotinst", bit(self.is_spotinst)),
        ]);
        let rendered: Vec<String> = lines
            .into_iter()
            .map(|(key, value)| format!("{key}=\"{value}\""))
            .collect();
        rendered.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_full_and_of_a_bare_host() {
        let buckets = [
            "us-west-2.p.credentials.ci".to_owned(),
            "us-west-2.p.credentials.common".to_owned(),
        ];
        let ips = ["10.0.0.5".to_owned(), "10.0.1.5".to_owned()];
        let full = UserData {
            hostclass: "mhcweb",
            http_proxy_ip: Some("10.0.2.5"),
            logger_ip: "10.0.3.5",
            logforwarder_ip: "",
            environment: "ci",
            domain_name: Some("example.com"),
            owner: "ann",
            credential_buckets: &buckets,
            eip: Some("1.2.3.4"),
            floating_ips: &ips,
            smoketest_termination: true,
            project_name: "p",
            is_spotinst: false,
        };
        insta::assert_snapshot!(full.render(), @r#"
        hostclass="mhcweb"
        http_proxy_ip="10.0.2.5"
        logger_ip="10.0.3.5"
        logforwarder_ip=""
        environment_name="ci"
        domain_name="example.com"
        owner="ann"
        credential_buckets="us-west-2.p.credentials.ci us-west-2.p.credentials.common"
        zookeepers="[\"mhczookeeper-ci.example.com:2181\"]"
        eip="1.2.3.4"
        floating_ips="10.0.0.5 10.0.1.5"
        floating_ip="10.0.0.5"
        smoketest_termination="1"
        project_name="p"
        is_spotinst="0"
        "#);
        let bare = UserData {
            hostclass: "mhcweb",
            environment: "ci",
            owner: "ann",
            project_name: "p",
            ..UserData::default()
        };
        insta::assert_snapshot!(bare.render(), @r#"
        hostclass="mhcweb"
        logger_ip=""
        logforwarder_ip=""
        environment_name="ci"
        domain_name="None"
        owner="ann"
        credential_buckets=""
        zookeepers="[\"mhczookeeper-ci.None:2181\"]"
        eip="None"
        floating_ips=""
        floating_ip=""
        smoketest_termination="0"
        project_name="p"
        is_spotinst="0"
        "#);
    }
}
