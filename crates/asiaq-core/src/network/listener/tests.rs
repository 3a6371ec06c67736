#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;

fn text(internal: (&str, &str), external: (&str, &str)) -> Result<String, GrammarError> {
    let found = mappings(
        &sides(internal.0, internal.1)?,
        &sides(external.0, external.1)?,
    );
    let lines: Vec<String> = found
        .iter()
        .map(|own| format!("{}→{}", own.internal, own.external))
        .collect();
    Ok(lines.join(", "))
}

#[test]
fn the_worked_examples() {
    let table = [
        (("", ""), ("", ""), "80/HTTP→80/HTTP"),
        (("8080", ""), ("443", ""), "8080/TCP→443/HTTPS"),
        (("8080", "http"), ("", "https"), "8080/HTTP→443/HTTPS"),
        (
            ("80,443", ""),
            ("", ""),
            "80/HTTP→80/HTTP, 443/HTTPS→443/HTTPS",
        ),
        (
            ("", ""),
            ("80,443,25", ""),
            "80/HTTP→80/HTTP, 80/HTTP→443/HTTPS, 80/HTTP→25/TCP",
        ),
        (
            ("9000,9001", "HTTP"),
            ("9000", ""),
            "9000/HTTP→9000/TCP, 9001/TCP→9001/TCP",
        ),
        (
            ("8080,8081,8082", "HTTP,HTTP,HTTP"),
            ("80,81", "HTTP"),
            "8080/HTTP→80/HTTP, 8081/HTTP→81/TCP, 8082/HTTP→8082/HTTP",
        ),
    ];
    for (internal, external, wanted) in table {
        assert_eq!(text(internal, external).unwrap(), wanted);
    }
    assert!(text(("", "TCP"), ("", "")).is_err());
}

/// What the text of spec 70, section 7.5 says, written down the long way: `None` is an error.
fn oracle_side(ports: &[Option<u16>], protocols: &[Option<&str>]) -> Option<Vec<(u16, String)>> {
    if ports.is_empty() && protocols.is_empty() {
        return Some(vec![(80, "HTTP".to_owned())]);
    }
    let mut found = Vec::new();
    let mut at = 0;
    while at < ports.len() || at < protocols.len() {
        let port = ports.get(at).copied().flatten();
        let protocol = protocols.get(at).copied().flatten();
        if at < ports.len() && port.is_none() {
            return None;
        }
        found.push(match (port, protocol) {
            (Some(port), Some(protocol)) => (port, protocol.to_owned()),
            (Some(80), None) => (80, "HTTP".to_owned()),
            (Some(443), None) => (443, "HTTPS".to_owned()),
            (Some(port), None) => (port, "TCP".to_owned()),
            (None, Some("HTTP")) => (80, "HTTP".to_owned()),
            (None, Some("HTTPS")) => (443, "HTTPS".to_owned()),
            (None, _) => return None,
        });
        at += 1;
    }
    Some(found)
}

/// As text like that of [`text`].
fn oracle(
    internal: Option<Vec<(u16, String)>>,
    external: Option<Vec<(u16, String)>>,
) -> Option<String> {
    let (internal, external) = (internal?, external?);
    let line = |own: &(u16, String), other: &(u16, String)| {
        format!("{}/{}→{}/{}", own.0, own.1, other.0, other.1)
    };
    let mut lines = Vec::new();
    for at in 0..internal.len().max(external.len()) {
        let own = internal.get(if internal.len() == 1 { 0 } else { at });
        let other = external.get(at);
        if internal.len() == 1 && other.is_none() {
            break;
        }
        lines.push(line(own.or(other)?, other.or(own)?));
    }
    Some(lines.join(", "))
}

/// Every list of up to two ports, beside every list of up to two protocols, on both sides.
#[test]
fn all_combinations_of_given_and_absent_parts() {
    const PORTS: [Option<u16>; 4] = [Some(80), Some(443), Some(9000), None];
    const PROTOCOLS: [Option<&str>; 4] = [Some("HTTP"), Some("HTTPS"), Some("TCP"), None];
    fn lists<T: Copy>(words: &[T]) -> Vec<Vec<T>> {
        let one = words.iter().map(|word| vec![*word]);
        let two = words
            .iter()
            .flat_map(|first| words.iter().map(move |second| vec![*first, *second]));
        std::iter::once(vec![]).chain(one).chain(two).collect()
    }
    let (ports, protocols) = (lists(&PORTS), lists(&PROTOCOLS));
    // A list of one blank element is a blank option, which is an empty list.
    let is_list = |blank: bool| !blank;
    let mut options = Vec::new();
    for ports in ports.iter().filter(|list| is_list(list[..] == [None])) {
        for protocols in protocols.iter().filter(|list| is_list(list[..] == [None])) {
            let port = |port: &Option<u16>| port.map_or(String::new(), |port| port.to_string());
            let words: Vec<String> = ports.iter().map(port).collect();
            let names: Vec<&str> = protocols.iter().map(|name| name.unwrap_or("")).collect();
            let wanted = oracle_side(ports, protocols);
            options.push((words.join(","), names.join(" , ").to_lowercase(), wanted));
        }
    }
    assert_eq!(options.len(), 20 * 20);
    let (mut good, mut bad) = (0, 0);
    for (ports, protocols, internal) in &options {
        for (other_ports, other_protocols, external) in &options {
            let found = text((ports, protocols), (other_ports, other_protocols)).ok();
            let wanted = oracle(internal.clone(), external.clone());
            assert_eq!(
                found, wanted,
                "`{ports}` `{protocols}` `{other_ports}` `{other_protocols}`"
            );
            *(if wanted.is_some() {
                &mut good
            } else {
                &mut bad
            }) += 1;
        }
    }
    assert!(good > 10_000 && bad > 10_000, "{good} {bad}");
}

#[test]
fn the_side_that_is_checked() {
    let of = |words: &[&str]| -> Vec<Mapping> {
        let side = |word: &&str| {
            let (port, protocol) = word.split_once('/').unwrap();
            Side::new(port.parse().unwrap(), protocol)
        };
        let pairs = words.iter().map(|word| Mapping {
            internal: side(word),
            external: Side::new(1, "TCP"),
        });
        pairs.collect()
    };
    let table: [(&[&str], Option<&str>); 4] = [
        (&["9001/TCP", "8080/HTTPS"], Some("8080/HTTPS")),
        (&["9001/TCP", "9/SSL"], Some("9001/TCP")),
        (&["80/HTTP", "443/HTTPS"], Some("80/HTTP")),
        (&[], None),
    ];
    for (words, wanted) in table {
        let mappings = of(words);
        let found = checked(&mappings).map(|mapping| mapping.internal.to_string());
        assert_eq!(found.as_deref(), wanted);
    }
}

#[test]
fn ports_that_are_none() {
    for text in ["0", "65536", "-1", "http", "80,,443", ",80", "80 443"] {
        assert!(sides(text, "").is_err(), "{text}");
    }
    assert_eq!(
        sides(" 80 , 65535", "").unwrap(),
        [Side::new(80, "HTTP"), Side::new(65535, "TCP")]
    );
}

#[test]
fn other_types_of_balancers_infer_what_they_can_do() {
    let table = [
        (Inference::Http, ("", ""), ("", ""), "80/HTTP→80/HTTP"),
        (
            Inference::Http,
            ("8080", ""),
            ("443", ""),
            "8080/HTTP→443/HTTPS",
        ),
        (
            Inference::Http,
            ("", ""),
            ("80,443", ""),
            "80/HTTP→80/HTTP, 80/HTTP→443/HTTPS",
        ),
        (
            Inference::Http,
            ("", "https"),
            ("", "http"),
            "443/HTTPS→80/HTTP",
        ),
        (Inference::Transport, ("", ""), ("", ""), "80/TCP→80/TCP"),
        (
            Inference::Transport,
            ("8080", ""),
            ("443", ""),
            "8080/TCP→443/TCP",
        ),
        (
            Inference::Transport,
            ("8080", ""),
            ("", "ssl"),
            "8080/TCP→443/TLS",
        ),
        (
            Inference::Transport,
            ("53", "udp"),
            ("53", "UDP"),
            "53/UDP→53/UDP",
        ),
    ];
    for (inference, internal, external, wanted) in table {
        let side = |(ports, protocols)| sides_by(inference, ports, protocols).unwrap();
        let found: Vec<String> = mappings(&side(internal), &side(external))
            .iter()
            .map(|own| format!("{}→{}", own.internal, own.external))
            .collect();
        assert_eq!(found.join(", "), wanted);
    }
    assert!(sides_by(Inference::Transport, "", "UDP").is_err());
    assert!(sides_by(Inference::Http, "", "TLS").is_err());
}
