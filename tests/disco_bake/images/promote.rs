//! `promote` and `hostclasspromote`, and the core's promotion that deployments use.

use asiaq_core::config::{ConfigDir, DiscoAws};
use asiaq_core::image::manage::{promote::locate, set_stage};

use super::World;
use crate::support::environment::changing_calls;
use crate::support::proxy::Behaviour;
use crate::support::snapshots::refusal;

const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];

fn baked(world: &World, name: &str, stage: &str, baker: &str) -> String {
    let tags = [("stage", stage), ("baker", baker)];
    world.cloud.register_image(name, &tags)
}

#[test]
fn the_image_is_looked_for_first() {
    let world = World::start();
    let id = world.image("mhca 1700000000", "untested");
    for unknown in ["ami-12345678", "nonsense"] {
        let words = format!("promote --ami {unknown} --stage none");
        let (output, proxy) = world.through(Behaviour::new(), &words);
        let told = format!("error: Could not locate image {unknown}.\nhint: ");
        let output = output.expect_status(1);
        assert!(output.stderr.contains(&told), "{}", output.stderr);
        assert_eq!(proxy.calls().len(), 1);
        let call = &proxy.calls()[0];
        assert_eq!(call.parameter("Owner.1"), None, "anybody's");
    }
    let denied = refusal("UnauthorizedOperation", "You are not authorized.");
    let behaviour = Behaviour::new().answer("DescribeImages", 403, &denied);
    let (output, _) = world.through(behaviour, &format!("promote --ami {id} --stage tested"));
    let told = format!("error: Could not locate image {id}. ec2:DescribeImages");
    let output = output.expect_status(1);
    assert!(output.stderr.contains(&told), "{}", output.stderr);

    let words = format!("promote --ami {id} --stage none --promote-to-prod");
    let (output, proxy) = world.through(Behaviour::new(), &words);
    let output = output.expect_status(1);
    assert!(
        output.stderr.contains(
            "error: Unknown ami stage: none, check config option 'ami_stages'\nhint: the stages are untested, failed, tested\n"
        ),
        "{}",
        output.stderr
    );
    assert_eq!(changing_calls(&proxy), [""; 0]);
    assert_eq!(world.tag(&id, "stage").as_deref(), Some("untested"));
}

#[test]
fn the_last_stage_shares_what_the_production_baker_baked() {
    let world = World::start();
    let id = baked(&world, "mhca 1700000000", "untested", "jenkins");
    let words = format!("promote --ami {id} --stage tested");
    let lines = format!(
        "~ image {id} (mhca 1700000000): stage untested -> tested\n\
         + launch permission of image {id} (mhca 1700000000) for 111111111111\n\
         + launch permission of image {id} (mhca 1700000000) for 222222222222\n"
    );
    let (dry, proxy) = world.through(Behaviour::new(), &format!("{words} --dry-run"));
    assert_eq!(dry.expect_status(0).stdout, lines);
    assert_eq!(changing_calls(&proxy), [""; 0]);
    let json = world
        .run(&format!("{words} --dryrun --output json"))
        .expect_status(0);
    let plan: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(plan.as_array().unwrap().len(), 3);

    let failed = world
        .run(&format!("promote --ami {id} --stage failed"))
        .expect_status(0);
    assert_eq!(failed.stdout, "");
    assert!(world.permitted(&id).is_empty());
    let behaviour = Behaviour::new()
        .throttle("CreateTags", 1)
        .throttle("ModifyImageAttribute", 1);
    let (done, _) = world.through(behaviour, &words);
    let done = done.expect_status(0);
    assert_eq!(done.stdout, "");
    for account in ACCOUNTS {
        let told = format!("Permitting {id} to be launched by prod account {account}");
        assert!(done.stderr.contains(&told), "{}", done.stderr);
    }
    assert_eq!(world.permitted(&id), ACCOUNTS);
    assert_eq!(world.tag(&id, "stage").as_deref(), Some("tested"));
    let shared = world.tag(&id, "shared_with_account_ids");
    assert_eq!(shared.as_deref(), Some("111111111111,222222222222"));
    let (again, proxy) = world.through(Behaviour::new(), &words);
    again.expect_status(0);
    assert_eq!(changing_calls(&proxy), [""; 0]);
    let again = world.run(&format!("{words} --dry-run")).expect_status(0);
    assert_eq!(again.stdout, "no changes\n");
}

#[test]
fn others_are_shared_only_when_asked() {
    let world = World::start();
    let ann = baked(&world, "mhca 1700000000", "untested", "ann");
    let nobody = world.cloud.register_image("mhcb 1700000000", &[]);
    for id in [&ann, &nobody] {
        world
            .run(&format!("promote --ami {id} --stage tested"))
            .expect_status(0);
        assert!(world.permitted(id).is_empty());
        assert_eq!(world.tag(id, "stage").as_deref(), Some("tested"));
        assert_eq!(world.tag(id, "shared_with_account_ids"), None);
    }
    world
        .run(&format!(
            "promote --ami {ann} --stage untested --promote-to-prod"
        ))
        .expect_status(0);
    assert_eq!(world.permitted(&ann), ACCOUNTS);
    assert_eq!(world.tag(&ann, "stage").as_deref(), Some("untested"));
    // Tagged as shared with these, but one of them lost it meanwhile.
    world.permit(&nobody, "111111111111");
    let tags = "111111111111,222222222222";
    let tag = aws_sdk_ec2::types::Tag::builder()
        .key("shared_with_account_ids")
        .value(tags)
        .build();
    let call = world
        .cloud
        .client()
        .create_tags()
        .resources(&nobody)
        .tags(tag)
        .send();
    world.cloud.wait(call).unwrap();
    let words = format!("promote --ami {nobody} --stage tested --promote-to-prod");
    let dry = world
        .run(&format!("{words} --dry-run"))
        .expect_status(0)
        .stdout;
    assert_eq!(
        dry,
        format!("+ launch permission of image {nobody} (mhcb 1700000000) for 222222222222\n")
    );
    world.run(&words).expect_status(0);
    assert_eq!(world.permitted(&nobody), ACCOUNTS);
}

#[test]
fn a_refused_sharing_leaves_the_stage() {
    let world = World::start();
    let id = baked(&world, "mhca 1700000000", "untested", "jenkins");
    let message = "Snapshot snap-1 is encrypted with the AWS Managed CMK and cannot be shared";
    let refused = refusal("InvalidParameter", message);
    let behaviour = || Behaviour::new().answer("ModifyImageAttribute", 400, &refused);
    let (output, _) = world.through(behaviour(), &format!("promote --ami {id} --stage tested"));
    let output = output.expect_status(1);
    assert!(
        output.stderr.contains(message) && output.stderr.contains("1 of 2 changes failed (1 done"),
        "{}",
        output.stderr
    );
    assert_eq!(world.tag(&id, "stage").as_deref(), Some("tested"));
    assert_eq!(world.tag(&id, "shared_with_account_ids"), None);
    // The tag is not set, so nothing is shared either.
    let other = baked(&world, "mhcb 1700000000", "untested", "jenkins");
    let denied = refusal("UnauthorizedOperation", "You are not authorized.");
    let behaviour = Behaviour::new().answer("CreateTags", 403, &denied);
    let (output, proxy) =
        world.through(behaviour, &format!("promote --ami {other} --stage tested"));
    output.expect_status(1);
    assert_eq!(proxy.count("ModifyImageAttribute"), 0);
}

#[test]
fn a_hostclass_is_promoted_by_its_latest_image() {
    let world = World::start();
    let none = world
        .run("hostclasspromote --hostclass mhca")
        .expect_status(1);
    assert!(
        none.stderr
            .contains("error: hostclass mhca has no image of stage tested that is not private\n"),
        "{}",
        none.stderr
    );
    world.image("mhca 1700000001", "tested");
    let latest = baked(&world, "mhca 1700000002", "tested", "ann");
    world.image("mhca 1700000003", "untested");
    let private = [("stage", "tested"), ("is_private", "True")];
    world.cloud.register_image("mhca 1700000004", &private);
    let dry = world
        .run("hostclasspromote --hostclass mhca --dry-run")
        .expect_status(0);
    let lines = ACCOUNTS.map(|account| {
        format!("+ launch permission of image {latest} (mhca 1700000002) for {account}\n")
    });
    assert_eq!(dry.stdout, lines.concat());
    assert!(world.permitted(&latest).is_empty());
    world
        .run("hostclasspromote --hostclass mhca")
        .expect_status(0);
    assert_eq!(world.permitted(&latest), ACCOUNTS);
    let again = world
        .run("hostclasspromote --hostclass mhca --dry-run")
        .expect_status(0);
    assert_eq!(again.stdout, "no changes\n");
}

#[test]
fn without_production_accounts_only_the_tag_is_set() {
    let world = World::start();
    world.config.edit(
        "disco_aws.ini",
        "prod_account_ids = 111111111111 222222222222\n",
        "",
    );
    let id = world.image("mhca 1700000000", "tested");
    let (output, proxy) = world.through(Behaviour::new(), "hostclasspromote --hostclass mhca");
    output.expect_status(0);
    assert_eq!(changing_calls(&proxy), ["CreateTags"]);
    assert_eq!(
        world.tag(&id, "shared_with_account_ids").as_deref(),
        Some("")
    );
    let (again, proxy) = world.through(Behaviour::new(), "hostclasspromote --hostclass mhca");
    again.expect_status(0);
    assert_eq!(changing_calls(&proxy), [""; 0]);
}

#[test]
fn deployments_promote_without_failing_on_sharing() {
    let world = World::start();
    let config = DiscoAws::load(&ConfigDir::new(Some(world.config.path().as_os_str()))).unwrap();
    let id = baked(&world, "mhca 1700000000", "untested", "jenkins");
    let promoted = |url: &str, stage: &str| {
        let aws = world.cloud.aws(url);
        world.cloud.wait(async {
            let image = locate(&aws, &id).await.unwrap();
            set_stage(&aws, &config, &image, stage).await
        })
    };
    let url = world.cloud.url();
    let error = promoted(url, "none").unwrap_err().to_string();
    assert!(error.starts_with("Unknown ami stage: none"), "{error}");
    let failed = promoted(url, "failed").unwrap();
    assert_eq!(
        (failed.stage.as_str(), failed.shared_with.len()),
        ("failed", 0)
    );
    assert_eq!(world.tag(&id, "stage").as_deref(), Some("failed"));
    let refused = refusal("InvalidParameter", "no sharing");
    let behaviour = Behaviour::new().answer("ModifyImageAttribute", 400, &refused);
    let proxy = crate::support::proxy::Proxy::start(url, behaviour);
    let unshared = promoted(proxy.url(), "tested").unwrap();
    assert!(
        unshared
            .not_shared
            .is_some_and(|why| why.contains("no sharing"))
    );
    assert!(unshared.shared_with.is_empty());
    assert_eq!(world.tag(&id, "stage").as_deref(), Some("tested"));
    let shared = promoted(url, "tested").unwrap();
    assert_eq!(
        (shared.shared_with.as_slice(), shared.not_shared),
        (&ACCOUNTS.map(str::to_owned)[..], None)
    );
    assert_eq!(world.permitted(&id), ACCOUNTS);
}
