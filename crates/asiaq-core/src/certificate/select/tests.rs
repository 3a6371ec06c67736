#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use proptest::prelude::*;

/// An issued certificate whose ARN is its first name and its date.
fn certificate(names: &[&str], date: u32) -> Certificate {
    Certificate {
        arn: format!("{}@{date}", names.first().copied().unwrap_or_default()),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        issued: true,
        date: date.into(),
        key: "RSA_2048".into(),
    }
}

fn chosen(name: &str, classic: bool, known: &[Certificate]) -> Option<String> {
    let name = name.to_owned();
    select(&Wanted { name, classic }, known).map(|certificate| certificate.arn.clone())
}

#[test]
fn names_that_are_covered() {
    let table = [
        ("api-ci.x.org", "api-ci.x.org", true),
        ("*.x.org", "api-ci.x.org", true),
        ("*.x.org", "a.b.x.org", false),
        ("*.x.org", "x.org", false),
        ("x.org", "web-ci.x.org", false),
        ("*.b.x.org", "a.b.x.org", true),
        ("*.org", "x.org", true),
        ("*.", "x", false),
        ("*", "x", false),
        ("", "x.org", false),
        ("*.x.org", ".x.org", false),
        ("*.x.org", "*.x.org", false),
        ("", "", false),
    ];
    for (own, name, covered) in table {
        assert_eq!(covers(own, name), covered, "{own} {name}");
    }
}

#[test]
fn the_best_certificate_is_chosen() {
    let wild = |date| certificate(&["*.x.org"], date);
    let table: Vec<(&str, Vec<Certificate>, Option<&str>)> = vec![
        // The rows of the specification.
        (
            "api-ci.x.org",
            vec![wild(9), certificate(&["api-ci.x.org"], 1)],
            Some("api-ci.x.org@1"),
        ),
        (
            "web-ci.x.org",
            vec![wild(2023), wild(2024)],
            Some("*.x.org@2024"),
        ),
        (
            "web-ci.x.org",
            vec![wild(2024), wild(2023)],
            Some("*.x.org@2024"),
        ),
        ("a.b.x.org", vec![wild(1)], None),
        ("web-ci.x.org", vec![certificate(&["x.org"], 1)], None),
        (
            "legacy-cert",
            vec![wild(1), certificate(&["x.org"], 1)],
            None,
        ),
        // Equal length: exact before wildcard, however old.
        (
            "a.x.org",
            vec![wild(9), certificate(&["a.x.org"], 1)],
            Some("a.x.org@1"),
        ),
        // Any of its names counts, and only those that cover.
        (
            "a.x.org",
            vec![
                certificate(&["very-long-name.x.org", "*.x.org"], 1),
                certificate(&["b.org", "A.X.org."], 0),
            ],
            Some("b.org@0"),
        ),
        ("*.x.org", vec![wild(1)], None),
        ("", vec![wild(1)], None),
        ("Web.X.org.", vec![wild(1)], Some("*.x.org@1")),
        ("web.x.org", vec![], None),
    ];
    for (name, known, wanted) in table {
        assert_eq!(chosen(name, false, &known).as_deref(), wanted, "{name}");
    }
}

#[test]
fn only_issued_certificates_count() {
    let mut pending = certificate(&["a.x.org"], 9);
    pending.issued = false;
    assert_eq!(chosen("a.x.org", false, &[pending.clone()]), None);
    let known = [pending, certificate(&["*.x.org"], 1)];
    assert_eq!(
        chosen("a.x.org", false, &known).as_deref(),
        Some("*.x.org@1")
    );
}

#[test]
fn classic_balancers_take_small_rsa_keys_only() {
    for (key, usable) in [
        ("RSA_1024", true),
        ("RSA_2048", true),
        ("RSA_3072", false),
        ("RSA_4096", false),
        ("EC_prime256v1", false),
        ("", false),
    ] {
        let mut exact = certificate(&["a.x.org"], 9);
        exact.key = key.into();
        let known = [exact, certificate(&["*.x.org"], 1)];
        let wanted = if usable { "a.x.org@9" } else { "*.x.org@1" };
        assert_eq!(
            chosen("a.x.org", true, &known).as_deref(),
            Some(wanted),
            "{key}"
        );
        assert_eq!(
            chosen("a.x.org", false, &known).as_deref(),
            Some("a.x.org@9"),
            "{key}"
        );
    }
}

proptest! {
    #[test]
    fn the_order_of_the_list_does_not_matter(
        certificates in proptest::collection::vec(
            (proptest::sample::select(vec!["*.x.org", "a.x.org", "b.x.org", "x.org", "*.a.x.org"]), 0..3_u32), 0..8)
    ) {
        let known: Vec<Certificate> =
            certificates.iter().map(|(name, date)| certificate(&[name], *date)).collect();
        let mut reversed = known.clone();
        reversed.reverse();
        for name in ["a.x.org", "c.a.x.org", "x.org"] {
            prop_assert_eq!(chosen(name, true, &known), chosen(name, true, &reversed));
        }
    }
}
