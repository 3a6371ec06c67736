//! `edituser` and `editgroup`.

use super::{ANN, Bed};
use crate::support::environment::changing_calls;
use crate::support::proxy::{Behaviour, Proxy};

#[test]
fn a_user_is_switched_off_and_on_without_editor() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let run = |words: &str| {
        let proxy = Proxy::start(bed.cloud.url(), Behaviour::new());
        let tool = bed.tool_at(proxy.url(), words).env("EDITOR", "false");
        let output = tool.run().expect_status(0);
        (output, changing_calls(&proxy).len())
    };
    let (dry, calls) = run("edituser --name ann --active no --dry-run");
    assert_eq!(
        (dry.stdout.as_str(), calls),
        ("~ user ann: active: yes -> no\n", 0)
    );
    assert_eq!(run("edituser --name ann --active no").1, 1);
    let off = ANN.replace("active = yes", "active = no");
    assert_eq!(bed.user("ann"), off);
    let (same, calls) = run("edituser --name ann --active=false");
    assert!(
        calls == 0 && same.stderr.contains("nothing was written"),
        "{}",
        same.stderr
    );
    assert_eq!(run("edituser --name ann --active Y").1, 1);
    assert_eq!(bed.user("ann"), ANN.replace("active = yes", "active = Y"));
}

#[test]
fn an_edit_changes_what_was_changed() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    bed.put("accounts/users/bob", "[user]\nid = 2001\n");
    bed.put("accounts/groups/ops", "[group]\nid = 2000\n");
    let script = "sed -i 's/blue/green/' \"$1\"; echo '# why' >>\"$1\"";
    let output = bed.edit("edituser --name ann", script).expect_status(0);
    assert_eq!(
        bed.user("ann"),
        ANN.replace("blue", "green"),
        "comments are not kept"
    );
    assert!(
        output.stderr.contains("user ann: favourite: changed"),
        "{}",
        output.stderr
    );
    bed.edit("editgroup --name ops", "sed -i s/2000/2222/ \"$1\"")
        .expect_status(0);
    assert_eq!(bed.group("ops"), "[group]\nid = 2222\n\n");

    let before = bed.user("ann");
    let dry = bed.edit(
        "edituser --name ann --dry-run",
        "sed -i 's,/bin/bash,/bin/sh,' \"$1\"",
    );
    assert_eq!(
        dry.expect_status(0).stdout,
        "~ user ann: shell: /bin/bash -> /bin/sh\n"
    );
    for script in [
        "true",
        "echo '# only a remark' >>\"$1\"",
        "test \"$(stat -c %a \"$1\")\" = 600",
    ] {
        let output = bed.edit("edituser --name ann", script).expect_status(0);
        assert!(
            output.stderr.contains("nothing was written"),
            "{}",
            output.stderr
        );
    }
    let output = bed
        .edit("edituser --name ann", "sed -i s/2000/2001/ \"$1\"")
        .expect_status(1);
    assert!(
        output
            .stderr
            .contains("error: id 2001 belongs to user bob already\n"),
        "{}",
        output.stderr
    );
    assert_eq!(bed.user("ann"), before);
    // This one, and the one of the dry run.
    assert_eq!(bed.kept().len(), 2);
}

#[test]
fn an_editor_may_have_arguments() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let tool = bed.tool("edituser --name ann");
    let tool = tool.env(
        "EDITOR",
        "sed -i -e 's/favourite = blue/favourite = light green/'",
    );
    tool.run().expect_status(0);
    assert_eq!(bed.user("ann"), ANN.replace("= blue", "= light green"));
}

#[test]
fn names_that_do_not_exist() {
    let bed = Bed::new();
    for (words, problem) in [
        (
            "edituser --name ann",
            "error: no such user ann in bucket accounts.test\n",
        ),
        (
            "edituser --name ann --active no",
            "error: no such user ann in bucket accounts.test\n",
        ),
        (
            "editgroup --name ops",
            "error: no such group ops in bucket accounts.test\n",
        ),
    ] {
        let output = bed.run(words).expect_status(1);
        assert!(output.stderr.contains(problem), "{}", output.stderr);
    }
}

#[test]
fn a_broken_record_can_be_repaired() {
    let bed = Bed::new();
    let broken = "[user]\nid = 2000\npassword secret\n";
    bed.put("accounts/users/ann", broken);
    let output = bed.run("edituser --name ann --active no").expect_status(1);
    assert!(
        output.stderr.contains("record of ann:3: syntax error"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("secret"));
    // Left as it is, it is still broken; there is no edit to keep.
    bed.run("edituser --name ann").expect_status(1);
    assert_eq!(bed.kept(), []);
    assert_eq!(bed.user("ann"), broken);
    bed.edit(
        "edituser --name ann",
        "sed -i 's/password /password = /' \"$1\"",
    )
    .expect_status(0);
    assert_eq!(bed.user("ann"), "[user]\nid = 2000\npassword = secret\n\n");
}
