//! Options: ports, certificates, public balancers, networks.

use super::{Site, listeners};
use aws_sdk_acm::Client as Acm;

/// Issued at once, since it is of a private authority.
fn certificate(site: &Site, name: &str) -> String {
    let authority = "arn:aws:acm-pca:us-west-2:123456789012:certificate-authority/a";
    let call = Acm::new(&site.cloud.sdk())
        .request_certificate()
        .domain_name(name)
        .certificate_authority_arn(authority);
    let made = site.cloud.wait(call.send()).expect("certificate");
    made.certificate_arn.expect("ARN")
}

fn server_certificate(site: &Site, name: &str) -> String {
    let call = aws_sdk_iam::Client::new(&site.cloud.sdk())
        .upload_server_certificate()
        .server_certificate_name(name)
        .certificate_body("body")
        .private_key("key");
    let made = site.cloud.wait(call.send()).expect("server certificate");
    made.server_certificate_metadata.expect("metadata").arn
}

const HTTPS: &str =
    "elb_instance_port = 8080\nelb_instance_protocol = http\nelb_port = 80,443,25\n";

fn made_with(site: &Site, options: &str) -> Vec<String> {
    site.configure(options);
    site.run("update --hostclass mhcweb").expect_status(0);
    let made = listeners(&site.balancer());
    site.run("delete --hostclass mhcweb").expect_status(0);
    made
}

#[test]
fn certificates_are_found_in_acm_and_iam() {
    let site = Site::new("");
    let https = |arn: &str| {
        vec![
            "25/TCP -> 8080/HTTP -".to_owned(),
            "80/HTTP -> 8080/HTTP -".to_owned(),
            format!("443/HTTPS -> 8080/HTTP {arn}"),
        ]
    };
    let iam = server_certificate(&site, "mhcweb-ci.example.com");
    assert_eq!(made_with(&site, HTTPS), https(&iam), "only IAM has one");
    let wildcard = certificate(&site, "*.example.com");
    assert_eq!(made_with(&site, HTTPS), https(&wildcard));
    let exact = certificate(&site, "mhcweb-ci.example.com");
    assert_eq!(made_with(&site, HTTPS), https(&exact));
    let alias = certificate(&site, "www.example.com");
    let options = format!("{HTTPS}elb_dns_alias = www");
    assert_eq!(made_with(&site, &options), https(&alias));
    let named = certificate(&site, "shop.example.org");
    let options = format!("{HTTPS}elb_dns_alias = www\nelb_cert_name = shop.example.org");
    assert_eq!(made_with(&site, &options), https(&named));
}

#[test]
fn public_balancers_and_other_networks() {
    let site = Site::new("elb_public = yes\nelb_meta_network = dmz");
    site.converge();
    let own = site.balancer();
    assert_eq!(own.scheme(), Some("internet-facing"));
    let mut subnets = own.subnets().to_vec();
    subnets.sort();
    assert_eq!(subnets, site.subnets("dmz"));
    assert_eq!(own.security_groups(), [site.security_group("dmz")]);
    site.run("delete --hostclass mhcweb").expect_status(0);
    // A static address pins the balancer to its subnet.
    site.configure("ip_address = +5");
    site.converge();
    assert_eq!(site.balancer().subnets().len(), 1);
    site.configure("elb_public = yes");
    let warned = site
        .run("update --hostclass mhcweb")
        .expect_status(0)
        .stderr;
    for part in [
        "scheme internal, configured internet-facing",
        "subnets subnet-",
    ] {
        assert!(warned.contains(part), "{warned}");
    }
}
