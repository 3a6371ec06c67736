//! On a terminal: passwords without echo, Ctrl-C at the prompt and in the editor, and another try after a bad edit.

#[allow(dead_code)]
#[path = "../hosts/interactive/terminal.rs"]
mod pty;

use super::{ANN, Bed, is_hash_of};
use crate::support::{Asiaq, Output};
use pty::{Terminal, quoted};
use std::process::Command;

/// A tool on a terminal whose settings are shown when the tool has ended, after its exit code.
fn watched(tool: Asiaq) -> (Terminal, tempfile::TempDir) {
    let (command, home) = tool.into_command();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    let mut script = Command::new("script");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    // The shell outlives Ctrl-C, as the one that people have.
    let line = format!(
        "trap : INT QUIT; {}; echo \"exit $?.\"; stty -a",
        words.join(" ")
    );
    let terminal = Terminal::run(script, &format!("sh -c {}", quoted(&line)));
    (terminal, home)
}

/// Whether the settings that were shown last have echo.
fn echoes(screen: &str) -> bool {
    let settings = screen.rsplit("exit ").next().unwrap();
    settings.split_whitespace().any(|word| word == "echo")
}

#[test]
fn passwords_are_asked_for_without_echo() {
    let (mut terminal, _home) =
        watched(crate::support::asiaq("disco_accounts").args(["hashpassword"]));
    terminal.sees("Password: ");
    terminal.types("s3cret x\n");
    terminal.sees("Password: \r\nPassword: ");
    terminal.types("s3cret x\n");
    let (_, screen) = terminal.end();
    assert!(!screen.contains("s3cret"), "{screen}");
    assert!(screen.contains("exit 0.") && echoes(&screen), "{screen}");
    let hash = screen.lines().find(|line| line.starts_with("$6$")).unwrap();
    assert!(is_hash_of(hash.trim_end(), "s3cret x"), "{screen}");
}

/// A shell that stops a command takes the terminal back, and gives it with echo when the command goes on.
#[test]
fn ctrl_z_does_not_stop_a_question() {
    let tool = crate::support::asiaq("disco_accounts").args(["hashpassword"]);
    let (mut terminal, _home) = watched(tool);
    terminal.sees("Password: ");
    terminal.types("a\x1ab\n");
    terminal.sees("Password: \r\nPassword: ");
    terminal.types("a\x1ab\n");
    let (_, screen) = terminal.end();
    assert!(screen.contains("exit 0.") && echoes(&screen), "{screen}");
    assert!(screen.contains("susp = ^Z;"), "{screen}");
}

#[test]
fn the_terminal_has_its_echo_back_after_ctrl_c() {
    for (keys, status) in [("\x03", 130), ("half\x03", 130), ("\x1c", 130), ("\x04", 1)] {
        let tool = crate::support::asiaq("disco_accounts").args(["hashpassword"]);
        let (mut terminal, _home) = watched(tool);
        terminal.sees("Password: ");
        terminal.types(keys);
        let (_, screen) = terminal.end();
        assert!(
            screen.contains(&format!("exit {status}.")),
            "{keys:?} {screen}"
        );
        assert!(echoes(&screen), "{keys:?} {screen}");
    }
}

/// The editor takes Ctrl-C for a key of its own, as most do.
#[test]
fn ctrl_c_in_the_editor_is_for_the_editor() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let script = "trap 'sed -i s/blue/green/ \"$1\"; exit 0' INT; echo editing; while :; do sleep 0.05; done";
    let tool = bed
        .tool("edituser --name ann")
        .env("EDITOR", &bed.editor(script));
    let (mut terminal, _home) = watched(tool);
    terminal.sees("editing");
    terminal.types("\x03");
    let (_, screen) = terminal.end();
    assert!(screen.contains("exit 0."), "{screen}");
    assert_eq!(bed.user("ann"), ANN.replace("blue", "green"));
    assert_eq!(bed.kept(), []);
}

#[test]
fn an_editor_that_dies_of_ctrl_c_leaves_the_edit() {
    let bed = Bed::new();
    bed.put("accounts/users/ann", ANN);
    let script = "sed -i s/blue/green/ \"$1\"; echo editing; sleep 60";
    let tool = bed
        .tool("edituser --name ann")
        .env("EDITOR", &bed.editor(script));
    let (mut terminal, _home) = watched(tool);
    terminal.sees("editing");
    terminal.types("\x03");
    let (_, screen) = terminal.end();
    assert!(screen.contains("your edit is kept in "), "{screen}");
    assert_eq!(bed.user("ann"), ANN);
    let [(_, text)] = &bed.kept()[..] else {
        panic!("one edit is kept: {screen}")
    };
    assert_eq!(*text, ANN.replace("blue", "green"));
}

/// Killed from elsewhere, with the editor open. `$READY` in the script is what it creates when it waits.
fn terminated(bed: &Bed, script: &str) -> Output {
    bed.put("accounts/users/ann", ANN);
    let ready = bed.place.path().join("ready");
    let tool = bed
        .tool("edituser --name ann")
        .env("READY", &ready.to_string_lossy())
        .env("EDITOR", &bed.editor(script));
    let running = tool.spawn();
    crate::support::sshd::until("the editor", || ready.exists());
    let child = running.child();
    let id = child.lock().unwrap().id();
    let id = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    running.wait().expect_status(130)
}

#[test]
fn an_edit_survives_sigterm() {
    let wait = "touch \"$READY\"; while :; do sleep 0.05; done";
    for script in [
        "sed -i s/blue/green/ \"$1\"; touch \"$READY\"; exec sleep 60".to_owned(),
        // Saves when it is told to end, and takes its time.
        format!("trap 'sleep 0.3; sed -i s/blue/green/ \"$1\"; exit 1' TERM; {wait}"),
    ] {
        let bed = Bed::new();
        let output = terminated(&bed, &script);
        assert!(
            output.stderr.contains("hint: your edit is kept in "),
            "{}",
            output.stderr
        );
        assert_eq!(bed.kept()[0].1, ANN.replace("blue", "green"), "{script}");
        assert_eq!(bed.user("ann"), ANN);
    }
    // As editors do that save under another name.
    let bed = Bed::new();
    let script = format!("trap 'echo unsaved >\"${{1%/*}}/.x.swp\"; exit 1' TERM; {wait}");
    let output = terminated(&bed, &script);
    let part = "hint: the editor left files of its own, copied to ";
    let (_, rest) = output.stderr.split_once(part).unwrap();
    let (copies, _) = rest.split_once(';').unwrap();
    let text = std::fs::read_to_string(format!("{copies}/.x.swp"));
    assert_eq!(text.unwrap(), "unsaved\n");
}

#[test]
fn a_bad_edit_can_be_repaired_at_once() {
    // The first time the id becomes bad, the second time good again.
    let script = "grep -q many \"$1\" && sed -i 's/many/2222/' \"$1\" || sed -i 's/^id = .*/id = many/' \"$1\"";
    for (keys, status) in [("\n", 0), ("y\n", 0), ("no\n", 1), ("\x03", 130)] {
        let bed = Bed::new();
        bed.put("accounts/users/ann", ANN);
        let tool = bed
            .tool("edituser --name ann")
            .env("EDITOR", &bed.editor(script));
        let (mut terminal, _home) = watched(tool);
        terminal.sees("`many` is no id of a user\r\nEdit again? [Y/n] ");
        terminal.types(keys);
        let (_, screen) = terminal.end();
        assert!(
            screen.contains(&format!("exit {status}.")),
            "{keys:?} {screen}"
        );
        if status == 0 {
            assert_eq!(bed.user("ann"), ANN.replace("id = 2000", "id = 2222"));
            assert_eq!(bed.kept(), []);
        } else {
            assert!(screen.contains("your edit is kept in "), "{screen}");
            assert_eq!(bed.kept().len(), 1);
            assert_eq!(bed.user("ann"), ANN);
        }
    }
}
