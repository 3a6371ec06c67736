//! The drawing is well-formed, complete, and the one in the documentation.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::sample;
use super::*;

/// Reads a document by hand: every tag is closed in order, attributes are quoted, `&` and `<` are escaped, no character
/// that XML forbids. Gives the texts.
fn texts(document: &str) -> Vec<String> {
    let mut rest = document
        .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        .unwrap();
    let (mut open, mut texts) = (Vec::new(), Vec::new());
    assert!(rest.chars().all(|c| c >= ' ' || matches!(c, '\n' | '\t')));
    while let Some(start) = rest.find('<') {
        let (text, tail) = rest.split_at(start);
        assert!(!text.contains('>'), "{text}");
        for entity in text.split('&').skip(1) {
            assert!(
                ["amp;", "lt;", "gt;"]
                    .iter()
                    .any(|known| entity.starts_with(known)),
                "{text}"
            );
        }
        if !text.trim().is_empty() {
            assert!(!open.is_empty());
            texts.push(
                text.trim()
                    .replace("&lt;", "<")
                    .replace("&gt;", ">")
                    .replace("&amp;", "&"),
            );
        }
        let (tag, tail) = tail[1..].split_once('>').unwrap();
        rest = tail;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let attributes = tag
            .trim_end_matches('/')
            .split_once(' ')
            .map_or("", |(_, rest)| rest);
        let parts: Vec<&str> = attributes.split('"').collect();
        assert_eq!(parts.len() % 2, 1, "{tag}");
        for name in parts.iter().step_by(2).filter(|name| !name.is_empty()) {
            let name = name.trim().strip_suffix('=').unwrap();
            assert!(
                name.chars().all(|c| c.is_ascii_alphabetic() || c == '-'),
                "{tag}"
            );
        }
        if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
    }
    assert_eq!((open, rest.trim()), (vec![], ""));
    texts
}

#[test]
fn documents_are_well_formed_and_say_everything() {
    let large = texts(&svg(&sample::large()));
    for text in [
        "staging",
        "type production-like · vpc-03c62f372fe94f82a · us-west-2",
        "mhcweb",
        "×3",
        "NAT gateway",
        "203.0.113.11",
        "0.0.0.0/0 → internet gateway",
        "0.0.0.0/0 → NAT gateway 203.0.113.11",
        "10.48.0.0/20 → peering with metrics",
        "pending-acceptance",
        "qa (production-like)",
        "192.168.0.0/16 → VPN gateway",
        "s3 → endpoint",
        "domain-name-servers",
        "6 / 12 / 24",
    ] {
        assert!(large.iter().any(|own| own == text), "{text}");
    }
    let small = texts(&svg(&sample::small()));
    assert!(small.iter().any(|text| text == "no routes out"));
    texts(&svg(&Environment::default()));
    let nasty = texts(&svg(&sample::nasty()));
    assert!(
        nasty
            .iter()
            .any(|text| text.starts_with("class\"\\<b>&amp;'\u{fffd}\u{fffd}]]>é漢"))
    );
}

#[test]
fn nothing_comes_from_elsewhere() {
    let document = svg(&sample::large());
    for word in ["href", "<script", "<style", "url(", "<image"] {
        assert!(!document.contains(word), "{word}");
    }
    assert_eq!(document.matches("://").count(), 1, "the name space only");
}

/// The picture of docs/show.md. Write it anew with ASIAQ_UPDATE_DOCS=1.
#[test]
fn the_picture_of_the_documentation_is_the_present_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/environment.svg");
    let document = svg(&sample::large()) + "\n";
    if std::env::var_os("ASIAQ_UPDATE_DOCS").is_some() {
        std::fs::write(path, &document).unwrap();
    }
    let shown = std::fs::read_to_string(path).unwrap();
    assert!(shown == document, "run this test with ASIAQ_UPDATE_DOCS=1");
}
