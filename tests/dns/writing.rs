//! `dns::Writer`: what is written at the same time goes together, and what is bad harms nobody else.

use crate::support::cloud::Cloud;
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::zone::{calls, change, records, refusal, zone};
use asiaq_core::dns::{self, RecordChange, Target, Writer};
use std::rc::Rc;
use std::time::Duration;
use tokio::task::{JoinHandle, LocalSet};

type Done = Result<(), String>;

fn upsert(name: &str, value: &str) -> RecordChange {
    RecordChange::Upsert {
        name: format!("{name}.example.com"),
        target: Target::Value {
            kind: "CNAME".to_owned(),
            value: value.to_owned(),
        },
    }
}

/// A writer through a proxy, for tasks that run at the same time.
fn writer(cloud: &Cloud, proxy: &Proxy) -> Rc<Writer<'static>> {
    Rc::new(Writer::new(Box::leak(Box::new(cloud.aws(proxy.url())))))
}

/// Starts a write.
fn start(writer: &Rc<Writer<'static>>, zone: &str, changes: Vec<RecordChange>) -> JoinHandle<Done> {
    let (writer, zone) = (Rc::clone(writer), zone.to_owned());
    tokio::task::spawn_local(async move {
        let result = writer.write(&zone, changes).await;
        result.map_err(|error| error.to_string())
    })
}

/// Runs writes that were started together to their end.
fn together(
    cloud: &Cloud,
    writer: &Rc<Writer<'static>>,
    zone: &str,
    writes: Vec<Vec<RecordChange>>,
) -> Vec<Done> {
    let work = async {
        let tasks: Vec<_> = writes.into_iter().map(|w| start(writer, zone, w)).collect();
        let mut results = Vec::new();
        for task in tasks {
            results.push(task.await.unwrap());
        }
        results
    };
    cloud.wait(LocalSet::new().run_until(work))
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("n{n:02}")).collect()
}

#[test]
fn forty_writes_make_one_call_or_two() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let writes = |names: &[String]| -> Vec<Vec<RecordChange>> {
        names
            .iter()
            .map(|name| vec![upsert(name, "a.example.org")])
            .collect()
    };
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let all = writes(&names(40));
    let results = together(&cloud, &writer(&cloud, &proxy), &id, all);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(proxy.count(&change(&id)), 1, "started together");
    assert_eq!(records(&cloud, &id).len(), 40);

    let proxy = Proxy::start(
        cloud.url(),
        Behaviour::new().delay(Duration::from_millis(300)),
    );
    let slow = writer(&cloud, &proxy);
    let work = async {
        let first = start(&slow, &id, vec![upsert("first", "a.example.org")]);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let rest: Vec<_> = names(39)
            .iter()
            .map(|name| start(&slow, &id, vec![upsert(name, "b.example.org")]))
            .collect();
        first.await.unwrap().unwrap();
        for task in rest {
            task.await.unwrap().unwrap();
        }
    };
    cloud.wait(LocalSet::new().run_until(work));
    assert_eq!(proxy.count(&change(&id)), 2, "39 waited for the first");
    let changed = records(&cloud, &id);
    let changed = changed
        .iter()
        .filter(|line| line.ends_with(" b.example.org"));
    assert_eq!(changed.count(), 39);
}

#[test]
fn zones_do_not_wait_for_each_other_and_names_do() {
    let cloud = Cloud::start();
    let one = zone(&cloud, "example.com", false);
    let two = zone(&cloud, "example.com", true);
    let proxy = Proxy::start(
        cloud.url(),
        Behaviour::new().delay(Duration::from_millis(100)),
    );
    let writer = writer(&cloud, &proxy);
    let work = async {
        let tasks = [
            start(&writer, &one, vec![upsert("web", "a.example.org")]),
            start(&writer, &two, vec![upsert("web", "b.example.org")]),
            start(&writer, &one, vec![upsert("web", "c.example.org")]),
        ];
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    };
    cloud.wait(LocalSet::new().run_until(work));
    assert_eq!(
        (proxy.count(&change(&one)), proxy.count(&change(&two))),
        (2, 1)
    );
    assert_eq!(proxy.longest_chain(), 2);
    assert_eq!(
        records(&cloud, &one),
        ["web.example.com. CNAME 5 c.example.org"],
        "the last"
    );
    assert_eq!(
        records(&cloud, &two),
        ["web.example.com. CNAME 5 b.example.org"]
    );
}

#[test]
fn the_limits_of_the_service_are_kept() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let writes = (0..600).map(|n| vec![upsert(&format!("n{n}"), "a.example.org")]);
    let results = together(&cloud, &writer(&cloud, &proxy), &id, writes.collect());
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(proxy.count(&change(&id)), 2, "500 upserts count as 1000");
}

#[test]
fn a_bad_record_fails_alone() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    let writes = vec![
        vec![upsert("a", "a.example.org")],
        // The service takes no blank in a name; the good half of the write must not be made.
        vec![
            upsert("half", "a.example.org"),
            upsert("not good", "a.example.org"),
        ],
        vec![upsert("b", "a.example.org"), upsert("c", "a.example.org")],
    ];
    let results = together(&cloud, &writer(&cloud, &proxy), &id, writes);
    let [Ok(()), Err(error), Ok(())] = &results[..] else {
        panic!("{results:?}");
    };
    assert!(error.contains("InvalidChangeBatch"), "{error}");
    assert_eq!(proxy.count(&change(&id)), 4, "together, then each alone");
    let wanted = ["a", "b", "c"].map(|name| format!("{name}.example.com. CNAME 5 a.example.org"));
    assert_eq!(records(&cloud, &id), wanted);
}

#[test]
fn a_busy_service_is_asked_again() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let busy = refusal("PriorRequestNotComplete", "The request was rejected");
    let behaviour = Behaviour::new()
        .throttle(&change(&id), 2)
        .answer_first(&change(&id), 400, &busy)
        .answer_first(&change(&id), 400, &busy);
    let proxy = Proxy::start(cloud.url(), behaviour);
    let writes = names(3)
        .iter()
        .map(|name| vec![upsert(name, "a.example.org")])
        .collect();
    let results = together(&cloud, &writer(&cloud, &proxy), &id, writes);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(proxy.count(&change(&id)), 5, "one call, made five times");
    assert_eq!(records(&cloud, &id).len(), 3);
}

#[test]
fn a_denied_call_fails_for_all_that_waited_for_it() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let body = refusal("AccessDenied", "not authorized");
    let proxy = Proxy::start(
        cloud.url(),
        Behaviour::new().answer(&change(&id), 403, &body),
    );
    let writes = names(3)
        .iter()
        .map(|name| vec![upsert(name, "a.example.org")])
        .collect();
    let results = together(&cloud, &writer(&cloud, &proxy), &id, writes);
    assert_eq!(proxy.count(&change(&id)), 1, "not repeated");
    for result in results {
        let error = result.unwrap_err();
        assert!(error.contains("AccessDenied: not authorized"), "{error}");
    }
}

#[test]
fn a_cname_gives_way_to_an_alias_in_one_call_even_if_it_is_gone() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let make = |proxy: &Proxy, changes: Vec<RecordChange>| {
        let results = together(&cloud, &writer(&cloud, proxy), &id, vec![changes]);
        assert_eq!(results, [Ok(())]);
        proxy.count(&change(&id))
    };
    let plain = Proxy::start(cloud.url(), Behaviour::new());
    make(&plain, vec![upsert("web", "a.example.org")]);
    let aws = cloud.aws(cloud.url());
    let pair = ("example.com".to_owned(), "web.example.com".to_owned());
    let found = cloud.wait(dns::lookup(&aws, &[pair])).unwrap();
    let old = found
        .records(found.zone("example.com").unwrap(), "web.example.com")
        .next();
    let old = RecordChange::Delete(Box::new(old.unwrap().clone()));
    let new = RecordChange::Upsert {
        name: "web.example.com".to_owned(),
        target: Target::Alias {
            host: "lb.elb.amazonaws.com".to_owned(),
            zone_id: "ZELB".to_owned(),
        },
    };
    let swap = vec![old, new];
    let wanted = ["web.example.com. A - alias lb.elb.amazonaws.com"];
    let proxy = Proxy::start(cloud.url(), Behaviour::new());
    assert_eq!(make(&proxy, swap.clone()), 1);
    assert_eq!(records(&cloud, &id), wanted);

    let said = "[Tried to delete resource record set [name='web.example.com.', type='CNAME'] but it was not found]";
    let gone = refusal("InvalidChangeBatch", said);
    let proxy = Proxy::start(
        cloud.url(),
        Behaviour::new().answer_first(&change(&id), 400, &gone),
    );
    assert_eq!(
        make(&proxy, swap),
        2,
        "the second time without the deletion"
    );
    assert_eq!(records(&cloud, &id), wanted);
}

#[test]
fn a_write_that_is_given_up_takes_no_other_with_it() {
    let cloud = Cloud::start();
    let id = zone(&cloud, "example.com", false);
    let proxy = Proxy::start(
        cloud.url(),
        Behaviour::new().delay(Duration::from_millis(200)),
    );
    let writer = writer(&cloud, &proxy);
    let work = async {
        // The first makes the call for both.
        let first = start(&writer, &id, vec![upsert("first", "a.example.org")]);
        let second = start(&writer, &id, vec![upsert("second", "a.example.org")]);
        tokio::time::sleep(Duration::from_millis(80)).await;
        let third = start(&writer, &id, vec![upsert("third", "a.example.org")]);
        let unwanted = start(&writer, &id, vec![upsert("unwanted", "a.example.org")]);
        tokio::time::sleep(Duration::from_millis(20)).await;
        unwanted.abort();
        first.abort();
        second.await.unwrap().unwrap();
        third.await.unwrap().unwrap();
    };
    cloud.wait(LocalSet::new().run_until(work));
    let made = records(&cloud, &id);
    for (name, count) in [("second", 1), ("third", 1), ("unwanted", 0)] {
        let own = made.iter().filter(|line| line.starts_with(name));
        assert_eq!(own.count(), count, "{name}: {made:?}");
    }
}

#[test]
fn settled_waits_for_every_change_that_is_pending() {
    let cloud = Cloud::start();
    let (one, two) = (
        zone(&cloud, "example.com", false),
        zone(&cloud, "example.org", false),
    );
    let info = |id: &str, status: &str| {
        format!(
            "<ChangeInfo><Id>/change/{id}</Id><Status>{status}</Status>\
             <SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>"
        )
    };
    let accepted = |id: &str| {
        let info = info(id, "PENDING");
        format!("<ChangeResourceRecordSetsResponse>{info}</ChangeResourceRecordSetsResponse>")
    };
    let pending = |id: &str| {
        let info = info(id, "PENDING");
        format!("<GetChangeResponse>{info}</GetChangeResponse>")
    };
    let (look_one, look_two) = ("GET /2013-04-01/change/C1", "GET /2013-04-01/change/C2");
    let behaviour = Behaviour::new()
        .answer(&change(&one), 200, &accepted("C1"))
        .answer(&change(&two), 200, &accepted("C2"))
        .answer_first(look_one, 200, &pending("C1"))
        .answer_first(look_one, 200, &pending("C1"))
        .answer_first(look_two, 200, &pending("C2"))
        .delay(Duration::from_millis(50));
    let proxy = Proxy::start(cloud.url(), behaviour);
    let aws = cloud.aws(proxy.url());
    let writer = Writer::new(&aws);
    cloud.wait(writer.settled()).unwrap();
    assert_eq!(calls(&proxy), [""; 0], "nothing was written");
    for id in [&one, &two] {
        cloud
            .wait(writer.write(id, vec![upsert("web", "a.example.org")]))
            .unwrap();
    }
    cloud.wait(writer.settled()).unwrap();
    assert_eq!((proxy.count(look_one), proxy.count(look_two)), (3, 2));
    assert_eq!(proxy.longest_chain(), 2 + 3, "both at the same time");
    cloud.wait(writer.settled()).unwrap();
    assert_eq!(proxy.calls().len(), 7, "settled already");
}
