#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

#[test]
fn steps_have_different_names() {
    let names: std::collections::BTreeSet<_> = Step::ALL.map(Step::name).into();
    assert_eq!(names.len(), Step::ALL.len());
}

#[test]
fn ids_are_time_based_uuids() {
    let (one, two) = (new_id(), new_id());
    assert_ne!(one, two);
    for id in [one, two] {
        assert_eq!(id.len(), 32);
        assert!(id.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(&id[12..13], "1");
        assert!("89ab".contains(&id[16..17]));
    }
}

#[test]
fn only_what_the_bake_brought_is_removed() {
    assert!(farewell("root").starts_with("rm -f /root/.ssh/authorized_keys && if "));
    let admin = farewell("admin");
    assert!(admin.starts_with("rm -f /root/.ssh/authorized_keys ~admin/.ssh/authorized_keys && "));
    assert!(admin.ends_with(" && echo 'keys are removed' && sync && shutdown now -h"));
}
