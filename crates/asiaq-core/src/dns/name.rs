//! Comparing names of records and hosts. Pure.

/// Prefix of the host names of load balancers that consoles put into alias records.
const DUAL_STACK: &str = "dualstack.";

/// The form in which names are compared: lower case, no trailing dot, and octal escapes such as `\052`
/// replaced. An escaped dot stays escaped: it is part of a label.
pub(super) fn plain(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name.trim_end_matches('.');
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let code = after.get(..3).and_then(octal).filter(|c| *c != '.');
        match code {
            Some(character) => {
                text.push(character);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                text.push('\\');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text.to_ascii_lowercase()
}

fn octal(digits: &str) -> Option<char> {
    let all = digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    let code = u8::from_str_radix(digits, 8).ok().filter(|_| all)?;
    Some(char::from(code))
}

/// True if both are the same name.
pub(super) fn same_name(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

/// True if both lead to the same host: as [`same_name`], and with or without `dualstack.`.
pub(super) fn same_host(a: &str, b: &str) -> bool {
    let bare = |name: &str| {
        let name = plain(name);
        name.strip_prefix(DUAL_STACK)
            .map(str::to_owned)
            .unwrap_or(name)
    };
    bare(a) == bare(b)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_compared_without_escapes_case_and_final_dot() {
        let table = [
            (r"\052.Example.com.", "*.example.com", true),
            (r"*.example.com", r"\052.example.com.", true),
            (r"a\056b.example.com", "a.b.example.com", false),
            (r"a\100b.example.com", "a@b.example.com", true),
            (r"a\09.example.com", r"a\09.example.com.", true),
            (r"a\952.example.com", "a*.example.com", false),
            (r"end\", r"END\.", true),
            ("a.example.com", "b.example.com", false),
            ("dualstack.a.example.com", "a.example.com", false),
        ];
        for (a, b, same) in table {
            assert_eq!(same_name(a, b), same, "{a} {b}");
            assert_eq!(same_name(b, a), same, "{b} {a}");
        }
    }

    #[test]
    fn a_dual_stack_name_is_the_same_host() {
        assert!(same_host(
            "dualstack.LB-1.us-west-2.elb.amazonaws.com.",
            "lb-1.us-west-2.elb.amazonaws.com"
        ));
        assert!(!same_host(
            "lb-1.elb.amazonaws.com",
            "lb-11.elb.amazonaws.com"
        ));
    }

    proptest! {
        #[test]
        fn any_text_is_compared(a in ".*") {
            prop_assert!(same_name(&a, &a));
        }

        #[test]
        fn escaping_changes_nothing(label in "[a-z0-9*_@ ]{1,10}") {
            let escaped: String = label.bytes().map(|byte| format!("\\{byte:03o}")).collect();
            let (a, b) = (format!("{escaped}.example.com."), format!("{label}.example.com"));
            prop_assert!(same_name(&a, &b));
        }
    }
}
