#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::config::Ini;

const BASE: &str = "\
[disco_aws]
project_name = p
[bake]
bakery_environment = build
bakery_instance_type = m7i.large
bake_key = k
repo_hostclass = mhcrepo
phase1_hostclass = mhcgeneric
phase1_ami_name = base
config_data_source = .
asiaq_data_source = dist/
data_destination = /opt/asiaq/
ami_stages = untested failed tested
phase = 2
[base]
phase = 1
bake_ami = ami-1
bake_instance_profile = not_this
[mhcgeneric]
product_line = platform
[mhcx]
bake_encrypted = yes
bake_volume_type = io2
bake_volume_size = 30
http_tokens = Required
enhanced_networking = true
ami_available_wait_time = 30
";

fn directory() -> (tempfile::TempDir, ConfigDir) {
    let dir = tempfile::tempdir().unwrap();
    for name in ["init", "discoroot", "dist"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
    }
    for script in ["init/phase1.sh", "init/phase2.sh"] {
        std::fs::write(dir.path().join(script), "").unwrap();
    }
    let config = ConfigDir::new(Some(dir.path().as_os_str()));
    (dir, config)
}

fn request(hostclass: Option<&str>) -> Request<'_> {
    Request {
        hostclass,
        source_ami: None,
        stage: None,
        tags: &[],
        private: false,
        use_local_ip: false,
        keep_failed: false,
    }
}

fn read(text: &str, request: &Request<'_>) -> Result<Options, ConfigErrors> {
    let config = DiscoAws::from_ini(Ini::parse("a.ini", text.as_bytes()).unwrap());
    read_in(&config, request)
}

fn read_in(config: &DiscoAws, request: &Request<'_>) -> Result<Options, ConfigErrors> {
    let (_dir, directory) = directory();
    Options::read(config, &directory, request)
}

#[test]
fn phases() {
    for hostclass in [None, Some("base")] {
        let options = read(BASE, &request(hostclass)).unwrap();
        assert_eq!((options.phase, options.base_name.as_str()), (1, "base"));
        assert_eq!(options.hostclass, "mhcgeneric");
        assert_eq!(options.source, Source::Id("ami-1".into()));
        assert_eq!(options.product_line.as_deref(), Some("platform"));
        assert_eq!(options.profile, None, "options are those of the stand-in");
        assert_eq!(
            (options.encrypted, options.volume_type.as_str()),
            (false, "gp3")
        );
    }
    let options = read(BASE, &request(Some("mhcx"))).unwrap();
    assert_eq!((options.phase, options.hostclass.as_str()), (2, "mhcx"));
    let source = Source::Base {
        name: "base".into(),
        stage: "tested".into(),
    };
    assert_eq!(
        (options.source, options.stage.as_str()),
        (source, "untested")
    );
    assert_eq!(options.http_tokens.as_deref(), Some("required"));
    assert!(options.encrypted && options.enhanced);
    assert_eq!(
        (options.volume_type.as_str(), options.volume_size),
        ("io2", Some(30))
    );
    assert_eq!(options.wait, Duration::from_secs(30));
    assert!(
        options.configuration.ends_with("/."),
        "{}",
        options.configuration
    );
    assert!(options.asiaq.ends_with("/dist/"), "{}", options.asiaq);
    assert_eq!(options.destination, "/opt/asiaq");
    let asked = Request {
        source_ami: Some("ami-9"),
        stage: Some("mine"),
        ..request(Some("mhcx"))
    };
    let options = read(BASE, &asked).unwrap();
    assert_eq!(options.source, Source::Id("ami-9".into()));
    assert_eq!(options.stage, "mine");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = BASE
        .replace("bake_key = k\n", "")
        .replace("bakery_environment = build", "bakery_environment =")
        .replace("/opt/asiaq/", "opt")
        .replace("bake_volume_size = 30", "bake_volume_size = 0")
        .replace("config_data_source = .", "config_data_source = nowhere");
    let errors = read(&text, &request(Some("mhcx"))).unwrap_err().to_string();
    for part in [
        "bakery_environment: `bakery_environment` is not set",
        "bake_key: `bake_key` is not set",
        "`opt` is no absolute path",
        "`0` is no size in GB",
        "config path not found: ",
    ] {
        assert!(errors.contains(part), "{part} in\n{errors}");
    }
    let text = BASE.replace("phase = 2\n", "");
    let error = read(&text, &request(Some("mhcx"))).unwrap_err().to_string();
    assert!(error.contains("`phase` is not set"), "{error}");
    let text = BASE.replace("bake_ami = ami-1\n", "");
    let error = read(&text, &request(None)).unwrap_err();
    assert!(error.0[0].hint.as_ref().unwrap().contains("`[base]`"));
}
