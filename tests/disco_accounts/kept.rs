//! No edit is ever lost: it is kept wherever the command fails, and can be taken up again.

use super::{ANN, BUCKET, Bed};
use crate::support::proxy::{Behaviour, Proxy};
use crate::support::{Output, binary};

/// The one edit that was kept; the error names it.
#[track_caller]
fn only_kept(bed: &Bed, output: &Output) -> (String, String) {
    let kept = bed.kept();
    let [(path, text)] = &kept[..] else {
        panic!("one edit is kept, not {kept:?}\n{}", output.stderr)
    };
    let path = path.to_string_lossy().into_owned();
    assert!(
        output
            .stderr
            .contains(&format!("your edit is kept in {path}; ")),
        "{}",
        output.stderr
    );
    (path, text.clone())
}

#[test]
fn an_editor_that_fails_uploads_nothing() {
    for (editor, problem) in [
        (
            "sed -i s/blue/green/ \"$1\"; exit 3",
            "failed (exit status: 3): nothing was written\n",
        ),
        (
            "sed -i s/blue/green/ \"$1\"; kill -9 $$",
            "failed (signal: 9 (SIGKILL)): nothing was written\n",
        ),
    ] {
        let bed = Bed::new();
        bed.put("accounts/users/ann", ANN);
        let output = bed.edit("edituser --name ann", editor).expect_status(1);
        assert!(output.stderr.contains(problem), "{}", output.stderr);
        assert_eq!(bed.user("ann"), ANN);
        assert_eq!(only_kept(&bed, &output).1, ANN.replace("blue", "green"));
    }
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    for (editor, problem) in [
        (
            "false",
            "error: the editor `false` failed (exit status: 1): nothing was written\n",
        ),
        (
            "/no/such/editor -x",
            "error: the editor `/no/such/editor` is not installed\n",
        ),
        ("vi 'x", "error: cannot read $EDITOR `vi 'x`: "),
        (" ", "error: $EDITOR is blank\n"),
    ] {
        let tool = bed.tool("edituser --name ann").env("EDITOR", editor);
        let output = tool.run().expect_status(1);
        assert!(output.stderr.contains(problem), "{}", output.stderr);
        assert_eq!(bed.kept(), [], "nothing was edited");
    }
    assert_eq!(bed.user("ann"), ANN);
}

#[test]
fn an_edit_that_is_no_record_is_kept_and_taken_up_again() {
    for (script, problem) in [
        (
            "sed -i 's/^id = .*/id = many/; s/blue/green/' \"$1\"",
            "`many` is no id of a user",
        ),
        (
            "sed -i 's/^id = .*/gibberish/; s/blue/green/' \"$1\"",
            "record of ann:7: syntax error",
        ),
        (
            "sed -i 's/user/group/; s/blue/green/' \"$1\"",
            "the record of user ann has no section `[user]`",
        ),
        (
            "sed -i 's/^id = /no = /; s/blue/green/' \"$1\"",
            "No option 'id'",
        ),
    ] {
        let bed = Bed::new();
        bed.put("accounts/users/ann", ANN);
        let output = bed.edit("edituser --name ann", script).expect_status(1);
        assert!(output.stderr.contains(problem), "{}", output.stderr);
        assert_eq!(bed.user("ann"), ANN);
        let (path, text) = only_kept(&bed, &output);
        assert!(text.contains("green"));
        let again = format!(
            "EDITOR='cp {path}' disco_accounts --bucket {BUCKET} edituser --name ann takes it up again"
        );
        assert!(output.stderr.contains(&again), "{}", output.stderr);
        // The person repairs the file and does as the hint says.
        std::fs::write(&path, ANN.replace("blue", "red")).unwrap();
        let tool = bed
            .tool("edituser --name ann")
            .env("EDITOR", &format!("cp {path}"));
        tool.run().expect_status(0);
        assert_eq!(bed.user("ann"), ANN.replace("blue", "red"));
    }
}

/// Somebody else changes the record while the editor is open.
#[test]
fn the_last_writer_does_not_silently_win() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let script = format!(
        "\"$TOOL\" --bucket {BUCKET} edituser --name ann --active no && sed -i s/blue/green/ \"$1\""
    );
    let tool = bed
        .tool("edituser --name ann")
        .env("TOOL", binary("disco_accounts"));
    let output = tool
        .env("EDITOR", &bed.editor(&script))
        .run()
        .expect_status(1);
    let part = "user ann was changed by somebody else at 20";
    assert!(output.stderr.contains(part), "{}", output.stderr);
    assert!(
        output.stderr.contains("nothing was overwritten"),
        "{}",
        output.stderr
    );
    assert_eq!(bed.user("ann"), ANN.replace("active = yes", "active = no"));
    let (path, text) = only_kept(&bed, &output);
    assert_eq!(text, ANN.replace("blue", "green"));
    // What the other did is said, and no way is offered to undo it unseen.
    assert!(
        output.stderr.contains("(active: yes -> no)"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("cp "), "{}", output.stderr);
    let path = std::path::PathBuf::from(path);
    assert!(path.exists());
    let again = bed.edit("edituser --name ann", "sed -i s/blue/green/ \"$1\"");
    again.expect_status(0);
    let both = ANN.replace("active = yes", "active = no");
    assert_eq!(bed.user("ann"), both.replace("blue", "green"));
}

/// Only the second of two lines would be stored.
#[test]
fn an_option_that_stands_twice_is_refused() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let script = "sed -i 's/^shell = .*/ssh_key_0 = ssh-rsa BBB/' \"$1\"";
    let output = bed.edit("edituser --name ann", script).expect_status(1);
    let part = "record of ann: lines 3 and 4 both set `ssh_key_0`";
    assert!(output.stderr.contains(part), "{}", output.stderr);
    assert!(only_kept(&bed, &output).1.contains("ssh-rsa BBB"));
    assert_eq!(bed.user("ann"), ANN);
}

#[test]
fn the_edit_of_a_dry_run_is_kept() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let words = "edituser --name ann --dry-run";
    let same = bed.edit(words, "echo '# a remark' >>\"$1\"");
    same.expect_status(0);
    assert_eq!(bed.kept(), []);
    let output = bed.edit(words, "sed -i s/blue/green/ \"$1\"");
    let output = output.expect_status(0);
    assert_eq!(output.stdout, "~ user ann: favourite: changed\n");
    assert_eq!(only_kept(&bed, &output).1, ANN.replace("blue", "green"));
    assert_eq!(bed.user("ann"), ANN);
}

#[test]
fn the_way_to_go_on_has_all_options() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let script = "sed -i 's/^id = .*/id = many/' \"$1\"";
    let words = "adduser --name ann --password x --force";
    let output = bed.edit(words, script).expect_status(1);
    let (path, _) = only_kept(&bed, &output);
    let again = format!(
        "EDITOR='cp {path}' disco_accounts --bucket {BUCKET} adduser --name ann --force takes it up again"
    );
    assert!(output.stderr.contains(&again), "{}", output.stderr);
}

/// An editor that crashes leaves what it saved for that case under another name.
#[test]
fn rescue_copies_of_the_editor_are_kept() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let script = "echo unsaved >\"${1%/*}/.x.swp\"; exit 1";
    let output = bed.edit("edituser --name ann", script).expect_status(1);
    let (_, rest) = output
        .stderr
        .split_once("the editor left files of its own, copied to ")
        .unwrap();
    let (copies, _) = rest.split_once(';').unwrap();
    let state = bed.place.path().join("state/asiaq/edits");
    assert!(copies.starts_with(&*state.to_string_lossy()), "{copies}");
    let text = std::fs::read_to_string(format!("{copies}/.x.swp"));
    assert_eq!(text.unwrap(), "unsaved\n");
    // After a good end such a file is a backup copy.
    let script = "cp \"$1\" \"$1~\"; sed -i 's/^id = .*/id = many/' \"$1\"";
    let output = bed.edit("edituser --name ann", script).expect_status(1);
    assert!(!output.stderr.contains("files of its own"));
}

#[test]
fn a_record_that_was_deleted_meanwhile_does_not_come_back() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let missing =
        "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>gone</Message></Error>";
    let put = format!("PUT /{BUCKET}/accounts/users/ann");
    let proxy = Proxy::start(bed.cloud.url(), Behaviour::new().answer(&put, 404, missing));
    let tool = bed.tool_at(proxy.url(), "edituser --name ann");
    let output = tool
        .env("EDITOR", "sed -i s/blue/green/")
        .run()
        .expect_status(1);
    assert!(
        output.stderr.contains("nothing was overwritten"),
        "{}",
        output.stderr
    );
    only_kept(&bed, &output);
}

#[test]
fn an_edit_that_s3_does_not_take_is_kept() {
    let denied = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let put = format!("PUT /{BUCKET}/accounts/users/ann");
    let proxy = Proxy::start(bed.cloud.url(), Behaviour::new().answer(&put, 403, denied));
    let tool = bed.tool_at(proxy.url(), "edituser --name ann");
    let output = tool
        .env("EDITOR", "sed -i s/blue/green/")
        .run()
        .expect_status(1);
    assert!(output.stderr.contains("AccessDenied"), "{}", output.stderr);
    let (_, text) = only_kept(&bed, &output);
    assert_eq!(text, ANN.replace("blue", "green"));
}

#[test]
fn without_a_place_for_state_the_edit_stays_where_it_is() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let tool = bed
        .tool("edituser --name ann")
        .env("XDG_STATE_HOME", "/dev/null");
    let script = bed.editor("sed -i s/blue/green/ \"$1\"; exit 1");
    let output = tool.env("EDITOR", &script).run().expect_status(1);
    let (_, rest) = output.stderr.split_once("your edit is kept in ").unwrap();
    let (path, _) = rest.split_once("; EDITOR=").unwrap();
    assert!(
        path.starts_with(&*bed.place.path().join("run/asiaq-edit-").to_string_lossy()),
        "{path}"
    );
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        ANN.replace("blue", "green")
    );
}
