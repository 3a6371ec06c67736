//! Who gets the instance's key at boot, as cloud-init has it: on a vendor's image the default user, while root only says
//! so. Pure.

/// Default user of the vendor images of the local cloud.
pub(crate) const DEFAULT_USER: &str = "admin";
/// File of an image that names its default user. Without it the key opens root and `ec2-user`.
pub(crate) const USER_FILE: &str = "/etc/asiaq-local/default-user";

/// The name in that file, if it is one.
#[cfg(any(target_os = "linux", test))]
pub(crate) fn named(text: &str) -> Option<&str> {
    let name = text.trim();
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let usable = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(good);
    usable.then_some(name)
}

/// What stands before root's key: the login ends with a message and status 142.
#[cfg(any(target_os = "linux", test))]
pub(crate) fn refusal(user: &str) -> String {
    format!(
        "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command=\"echo 'Please login as the user \\\"{user}\\\" \
         rather than the user \\\"root\\\".';echo;exit 142\" "
    )
}

/// The lines of `authorized_keys` with the key once more, after `options`. With options, the key's other lines go.
#[cfg(any(target_os = "linux", test))]
pub(crate) fn with_key(before: &str, options: &str, key: &str) -> String {
    let line = format!("{options}{}", key.trim());
    let other = |one: &&str| {
        let one = one.trim();
        one != line && (options.is_empty() || !one.ends_with(key.trim()))
    };
    let kept = before.lines().filter(other);
    kept.chain([line.as_str()])
        .map(|line| format!("{line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_names_of_users_are_taken() {
        for (text, want) in [
            ("admin\n", Some("admin")),
            (" ubuntu ", Some("ubuntu")),
            ("", None),
            ("../root", None),
            ("a b", None),
            ("-x", None),
            ("a\"b", None),
        ] {
            assert_eq!(named(text), want, "{text:?}");
        }
    }

    #[test]
    fn a_key_stands_once_and_with_its_options() {
        let key = "ssh-ed25519 AAAA me\n";
        assert_eq!(with_key("", "", key), key);
        assert_eq!(with_key("other", "", key), format!("other\n{key}"));
        let mine = format!("restrict {key}");
        assert_eq!(with_key(&mine, "", key), format!("{mine}{key}"));
        let refused = with_key(&format!("{key}other\n"), &refusal("admin"), key);
        assert!(
            refused.starts_with("other\nno-port-forwarding,"),
            "{refused}"
        );
        assert!(refused.ends_with(&format!("exit 142\" {key}")), "{refused}");
        assert_eq!(with_key(&refused, &refusal("admin"), key), refused);
    }
}
