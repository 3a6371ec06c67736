//! Tables of the substitution and of names, the substitution against a plain description of it, and scripts on the disk.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;

fn made(text: &str) -> String {
    String::from_utf8(substitute(text.as_bytes(), "mhcpear")).unwrap()
}

#[test]
fn the_worked_example_and_its_edges() {
    let table = [
        (
            "#$TEMPLATED_NAME ${TEMPLATED_HOSTCLASS}_x $HOME $1 $$",
            "#pear mhcpear_x $HOME $1 $",
        ),
        ("", ""),
        ("$", "$"),
        ("$$", "$"),
        ("$$$", "$$"),
        ("$$$$", "$$"),
        ("$$TEMPLATED_NAME", "$TEMPLATED_NAME"),
        ("$$$TEMPLATED_NAME", "$pear"),
        ("$${TEMPLATED_NAME}", "${TEMPLATED_NAME}"),
        (
            "$TEMPLATED_NAMEX $TEMPLATED_NAME_",
            "$TEMPLATED_NAMEX $TEMPLATED_NAME_",
        ),
        ("$TEMPLATED_NAME1", "$TEMPLATED_NAME1"),
        (
            "$templated_name $Templated_Name",
            "$templated_name $Templated_Name",
        ),
        ("$TEMPLATED_NAME-x $TEMPLATED_NAME.x", "pear-x pear.x"),
        ("$TEMPLATED_NAMEä", "pearä"),
        ("${TEMPLATED_NAME", "${TEMPLATED_NAME"),
        ("${TEMPLATED_NAME }", "${TEMPLATED_NAME }"),
        ("${ TEMPLATED_NAME}", "${ TEMPLATED_NAME}"),
        ("${TEMPLATED_NAME:-x}", "${TEMPLATED_NAME:-x}"),
        ("${TEMPLATED_NAME${TEMPLATED_NAME}", "${TEMPLATED_NAMEpear"),
        ("${}$TEMPLATED_HOSTCLASS", "${}mhcpear"),
        ("$(id) $? $@ \\$TEMPLATED_NAME", "$(id) $? $@ \\pear"),
        (
            "TEMPLATED_NAME {TEMPLATED_NAME}",
            "TEMPLATED_NAME {TEMPLATED_NAME}",
        ),
        ("${x}$$${TEMPLATED_NAME}", "${x}$pear"),
    ];
    for (text, want) in table {
        assert_eq!(made(text), want, "{text}");
    }
    let raw = substitute(b"\xff$TEMPLATED_NAME\xfe", "mhcpear");
    assert_eq!(raw, b"\xffpear\xfe");
    // What is put in is not looked at again.
    assert_eq!(substitute(b"$TEMPLATED_NAME", "mhc$$"), b"$$");
}

/// A template by its parts.
#[derive(Debug, Clone)]
enum Part {
    Plain(String),
    Hostclass(bool),
    Name(bool),
    Dollar,
    Other(String),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        "[ -#%-@\\[-`|~\n]{0,6}".prop_map(Part::Plain),
        any::<bool>().prop_map(Part::Hostclass),
        any::<bool>().prop_map(Part::Name),
        Just(Part::Dollar),
        "[a-z]{1,4}".prop_map(Part::Other),
    ]
}

proptest! {
    #[test]
    fn each_part_becomes_what_it_stands_for(parts in proptest::collection::vec(part(), 0..12)) {
        let (mut text, mut want) = (String::new(), String::new());
        for part in parts {
            let (from, to) = match part {
                // A blank keeps parts apart.
                Part::Plain(plain) => (format!("{plain} "), format!("{plain} ")),
                Part::Hostclass(true) => ("${TEMPLATED_HOSTCLASS}".into(), "mhcpear".into()),
                Part::Hostclass(false) => ("$TEMPLATED_HOSTCLASS ".into(), "mhcpear ".into()),
                Part::Name(true) => ("${TEMPLATED_NAME}".into(), "pear".into()),
                Part::Name(false) => ("$TEMPLATED_NAME ".into(), "pear ".into()),
                Part::Dollar => ("$$".into(), "$".into()),
                Part::Other(name) => (format!("${name} "), format!("${name} ")),
            };
            text += &from;
            want += &to;
        }
        prop_assert_eq!(made(&text), want);
    }

    #[test]
    fn text_without_dollars_stays(text in "[^$]*") {
        prop_assert_eq!(made(&text), text);
    }

    #[test]
    fn doubled_dollars_protect_everything(text in any::<String>()) {
        prop_assert_eq!(made(&text.replace('$', "$$")), text);
    }
}

#[test]
fn names_of_hostclasses() {
    for name in ["mhcpear", "mhc1", "mhc-x_y.z", "mhcPear", "mhcmhc"] {
        assert!(check_hostclass(name).is_ok(), "{name}");
    }
    let table = [
        ("pear", "hostclass must start with mhc."),
        ("", "hostclass must start with mhc."),
        ("MHCpear", "hostclass must start with mhc."),
        ("../mhcpear", "hostclass must start with mhc."),
        ("mhc", "hostclass must have a name of its own after `mhc`"),
        ("mhc/../x", "`mhc/../x` is no name of a hostclass"),
        ("mhc/x", "is no name of a hostclass"),
        ("mhcpe ar", "is no name of a hostclass"),
        ("mhcpear~x", "is no name of a hostclass"),
        ("mhcpear\n", "`mhcpear\\n` is no name of a hostclass"),
        ("mhc\0", "is no name of a hostclass"),
    ];
    for (name, want) in table {
        let error = check_hostclass(name).unwrap_err().to_string();
        assert!(error.contains(want), "{name}: {error}");
    }
}

/// A configuration directory whose own name contains the placeholder.
fn directory(text: &str, mode: u32) -> (tempfile::TempDir, ConfigDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let init = root.path().join("template/init");
    fs::create_dir_all(&init).unwrap();
    fs::write(init.join("template.sh"), text).unwrap();
    fs::set_permissions(init.join("template.sh"), Permissions::from_mode(mode)).unwrap();
    let dir = ConfigDir::new(Some(root.path().join("template").as_os_str()));
    (root, dir, init)
}

#[test]
fn a_script_is_made_beside_the_template_with_its_mode() {
    let (_root, dir, init) = directory("#$TEMPLATED_NAME\n", 0o754);
    let plan = plan_scripts(&dir, "mhcpear", false).unwrap();
    let path = init.join("mhcpear.sh");
    assert_eq!(
        plan.lines(),
        [format!("+ {} from template.sh", path.display())]
    );
    assert!(!path.exists());
    write_scripts(&plan).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "#pear\n");
    assert_eq!(mode(&path).unwrap(), 0o754);
    assert_eq!(fs::read_dir(&init).unwrap().count(), 2);
}

#[test]
fn a_script_that_is_there_is_replaced_only_by_force() {
    let (_root, dir, init) = directory("new", 0o755);
    let path = init.join("mhcpear.sh");
    let late = plan_scripts(&dir, "mhcpear", false).unwrap();
    fs::write(&path, "mine").unwrap();
    let error = plan_scripts(&dir, "mhcpear", false).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`{}` exists already", path.display())
    );
    assert!(error.hint().unwrap().contains("--force"));
    // It came into being after the plan.
    assert!(write_scripts(&late).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    let plan = plan_scripts(&dir, "mhcpear", true).unwrap();
    assert_eq!(
        plan.lines(),
        [format!("~ {}: replaced from template.sh", path.display())]
    );
    write_scripts(&plan).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert!(plan_scripts(&dir, "mhcpear", true).unwrap().is_empty());
    // A link is replaced, not followed.
    let other = init.join("other");
    fs::write(&other, "other").unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&other, &path).unwrap();
    assert!(plan_scripts(&dir, "mhcpear", false).is_err());
    write_scripts(&plan_scripts(&dir, "mhcpear", true).unwrap()).unwrap();
    assert!(!path.is_symlink());
    assert_eq!(fs::read_to_string(&other).unwrap(), "other");
}

#[test]
fn a_template_that_is_missing_is_an_error_of_the_configuration() {
    let (root, dir, init) = directory("", 0o644);
    fs::remove_file(init.join("template.sh")).unwrap();
    let error = plan_scripts(&dir, "mhcpear", false)
        .unwrap_err()
        .to_string();
    let want = root.path().join("template/init/template.sh");
    assert_eq!(error, format!("Config path not found: {}", want.display()));
}
