//! `disco_route53` when the service is busy, refuses, or the tool is killed.

use super::run;
use crate::support::cloud::Cloud;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::zone::{calls, change, records, refusal, zone};
use crate::support::{asiaq, run_until_killed};

const CREATE: &str = "create-record example.com web.example.com CNAME a.example.org";
const DELETE: &str = "delete-record example.com web.example.com CNAME";

#[test]
fn a_busy_service_is_waited_for() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let busy = refusal("PriorRequestNotComplete", "The request was rejected");
    let behaviour = Behaviour::new()
        .answer_first(&change(&id), 400, &busy)
        .throttle(&change(&id), 1);
    let proxy = Proxy::start(cloud.url(), behaviour);
    let tool = asiaq("disco_route53").endpoint(proxy.url());
    let tool = tool.env("AWS_RETRY_MODE", "standard");
    tool.args(CREATE.split_whitespace()).run().expect_status(0);
    assert_eq!(proxy.count(&change(&id)), 3);
    assert_eq!(
        records(&cloud, &id),
        ["web.example.com. CNAME 5 a.example.org"]
    );
}

#[test]
fn a_refusal_is_told_with_what_the_service_says() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let said = "RRSet of type CNAME with DNS name web.example.com. is not permitted";
    let own = format!(
        "<InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Messages><Message>{said}</Message>\
         </Messages><RequestId>r-1</RequestId></InvalidChangeBatch>"
    );
    for body in [own, refusal("InvalidChangeBatch", &format!("[{said}]"))] {
        let proxy = Proxy::start(
            cloud.url(),
            Behaviour::new().answer(&change(&id), 400, &body),
        );
        let output = run(proxy.url(), CREATE).expect_status(1);
        assert_eq!(output.stdout, "");
        assert!(
            output.stderr.contains("InvalidChangeBatch: ") && output.stderr.contains(said),
            "{}",
            output.stderr
        );
        assert_eq!(proxy.count(&change(&id)), 1);
    }
}

#[test]
fn a_record_that_someone_else_deleted_is_deleted() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    run(cloud.url(), CREATE).expect_status(0);
    let said = "[Tried to delete resource record set [name='web.example.com.', type='CNAME'] but it was not found]";
    let behaviour =
        Behaviour::new().answer(&change(&id), 400, &refusal("InvalidChangeBatch", said));
    let proxy = Proxy::start(cloud.url(), behaviour);
    run(proxy.url(), DELETE).expect_status(0);
    assert_eq!(proxy.count(&change(&id)), 1);
}

#[test]
fn killed_at_any_call_and_run_again() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let made = ["web.example.com. CNAME 5 a.example.org"];
    for (words, wanted) in [(CREATE, &made[..]), (DELETE, &[])] {
        for before in [true, false] {
            let mut killed = 0;
            loop {
                // The state before the command.
                let undo = if words == CREATE { DELETE } else { CREATE };
                run(cloud.url(), undo).expect_status(0);
                let behaviour = if before {
                    Behaviour::new().kill_before(killed + 1)
                } else {
                    Behaviour::new().kill_at(killed + 1)
                };
                let proxy = Proxy::start(cloud.url(), behaviour);
                let tool = asiaq("disco_route53").args(words.split_whitespace());
                let dead = run_until_killed(&proxy, tool);
                let Some(dead) = dead else {
                    break;
                };
                assert_ne!(dead.status, 0, "{:?}", calls(&proxy));
                killed += 1;
                run(cloud.url(), words).expect_status(0);
                assert_eq!(records(&cloud, &id), wanted);
            }
            assert_eq!(killed, 3, "zones, records, change");
        }
    }
}
