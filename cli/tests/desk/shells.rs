//! Completions and manual: each shell reads its script, and bash completes by it.

use std::process::{Command, Stdio};

use crate::desk::Desk;

/// What a shell says of a script that it only reads; none where the shell is not installed.
fn read_by(shell: &str, script: &std::path::Path) -> Option<(bool, String)> {
    let output = Command::new(shell).arg("-n").arg(script).stdin(Stdio::null()).output().ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn each_shell_that_is_installed_reads_its_completions() {
    let mut read = Vec::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = Desk::empty().berth(&["completions", shell]);
        assert_eq!((script.code, script.err.as_str()), (0, ""), "{shell}");
        for command in ["onboard", "offboard", "ledger", "create-account", "status"] {
            assert!(script.out.contains(command), "{shell}: {command}");
        }
        let desk = Desk::empty().file("script", &script.out);
        if let Some(verdict) = read_by(shell, &desk.path("script")) {
            assert_eq!(verdict, (true, String::new()), "{shell}");
            read.push(shell);
        }
    }
    assert!(read.contains(&"bash"), "this project builds with bash: {read:?}");
}

#[test]
fn bash_completes_commands_switches_and_their_values() {
    let script = Desk::empty().berth(&["completions", "bash"]).out;
    let desk = Desk::empty().file("berth.bash", &script);
    for (line, wanted) in [
        ("berth stat", "status"),
        ("berth ledger re", "rebuild release"),
        ("berth status --so", "--sort"),
        ("berth status --sort e", "environment"),
        ("berth status -o y", "yaml"),
    ] {
        let words: Vec<String> = line.split(' ').map(|word| format!("'{word}'")).collect();
        let ask = format!(
            "source '{}'; COMP_WORDS=({}); COMP_CWORD={}; _berth berth {} {}; echo \"${{COMPREPLY[*]}}\"",
            desk.path("berth.bash").display(),
            words.join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let output = Command::new("bash").args(["--norc", "-c", &ask]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.trim(), wanted, "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let desk = Desk::empty();
    let folder = desk.path("man/man1").display().to_string();
    desk.berth(&["man", &folder]).with_code(0);
    for page in ["berth.1", "berth-status.1", "berth-ledger-rebuild.1", "berth-local-up.1"] {
        let text = desk.read(&format!("man/man1/{page}"));
        assert!(text.contains(".TH ") && text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    assert!(desk.read("man/man1/berth.1").contains("3 there are no credentials"));
    let nowhere = desk.berth(&["man", "/proc/none"]);
    assert!(nowhere.with_code(1).contains("cannot write into /proc/none"), "{nowhere:#?}");
}
