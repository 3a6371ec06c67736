//! Stickiness through the life of a balancer.

use super::{ID, Site};

/// Cookies by the policy, and the policies of port 80.
fn sticky(site: &Site) -> (Vec<String>, Vec<String>) {
    let own = site.balancer();
    let policies = own.policies().unwrap();
    let application = policies.app_cookie_stickiness_policies().iter();
    let application = application.map(|p| {
        let name = p.policy_name().unwrap_or_default();
        format!("{name} {}", p.cookie_name().unwrap_or_default())
    });
    let balancer = policies.lb_cookie_stickiness_policies().iter();
    let balancer = balancer.map(|p| format!("{} -", p.policy_name().unwrap_or_default()));
    let cookies = application.chain(balancer).collect();
    let listener = &own.listener_descriptions()[0];
    (cookies, listener.policy_names().to_vec())
}

const POLICY: &str = "session-cookie-policy";

#[test]
fn the_policy_comes_changes_and_goes_and_others_stay() {
    let site = Site::new("elb_sticky_app_cookie = SID");
    let plan = site.converge();
    assert!(
        plan.contains("+ stickiness of load balancer mhcweb by cookie SID\n"),
        "{plan}"
    );
    let wanted = (vec![format!("{POLICY} SID")], vec![POLICY.to_owned()]);
    assert_eq!(sticky(&site), wanted);

    // A policy of the operator's own.
    let call = site
        .client()
        .create_load_balancer_policy()
        .load_balancer_name(ID)
        .policy_name("tls")
        .policy_type_name("SSLNegotiationPolicyType");
    site.cloud.wait(call.send()).unwrap();
    let call = site
        .client()
        .set_load_balancer_policies_of_listener()
        .load_balancer_name(ID)
        .load_balancer_port(80)
        .policy_names("tls")
        .policy_names(POLICY);
    site.cloud.wait(call.send()).unwrap();

    let cases = [
        (
            "elb_sticky_app_cookie = OTHER",
            "~ stickiness of load balancer mhcweb: cookie SID -> cookie OTHER\n",
            Some("OTHER"),
        ),
        (
            "elb_sticky_app_cookie = ELB",
            "~ stickiness of load balancer mhcweb: cookie OTHER -> a cookie of its own\n",
            Some("-"),
        ),
        ("elb_sticky_app_cookie = AWSELB", "no changes\n", Some("-")),
        (
            "elb_sticky_app_cookie =",
            "- stickiness of load balancer mhcweb by a cookie of its own\n",
            None,
        ),
    ];
    for (options, plan, cookie) in cases {
        site.configure(options);
        assert_eq!(site.converge(), plan);
        let (cookies, policies) = sticky(&site);
        let wanted: Vec<String> = cookie
            .iter()
            .map(|cookie| format!("{POLICY} {cookie}"))
            .collect();
        assert_eq!(cookies, wanted);
        let on: &[&str] = if cookie.is_some() {
            &["tls", POLICY]
        } else {
            &["tls"]
        };
        assert_eq!(policies, on);
    }
}

#[test]
fn listeners_that_speak_no_http_are_left_alone() {
    let site = Site::new("elb_sticky_app_cookie = SID\nelb_port = 25");
    let plan = site.converge();
    assert!(!plan.contains("stickiness"), "{plan}");
    assert_eq!(sticky(&site), (vec![], vec![]));
}
