//! Settings from variables.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Option<SpotinstSettings>> {
    SpotinstSettings::from_variables(|name| {
        let found = variables.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn no_token_means_disabled() {
    for token in [None, Some(""), Some("  ")] {
        let mut variables = vec![("SPOTINST_API_HOST", "nonsense")];
        variables.extend(token.map(|token| ("SPOTINST_TOKEN", token)));
        assert!(read(&variables).unwrap().is_none(), "{token:?}");
    }
}

#[test]
fn defaults_and_given_values() {
    let settings = read(&[("SPOTINST_TOKEN", " abc\n")]).unwrap().unwrap();
    assert_eq!(settings.token.expose_secret(), "abc");
    assert_eq!(settings.host.as_str(), "https://api.spotinst.io/");
    assert_eq!(
        (settings.retry_wait.as_secs(), settings.timeout.as_secs()),
        (60, 60)
    );
    let settings = read(&[
        ("SPOTINST_TOKEN", "abc"),
        ("SPOTINST_API_HOST", "http://127.0.0.1:8080/spot"),
        ("SPOTINST_RETRY_WAIT", "0.25"),
    ]);
    let settings = settings.unwrap().unwrap();
    assert_eq!(settings.host.as_str(), "http://127.0.0.1:8080/spot");
    assert_eq!(settings.retry_wait, Duration::from_millis(250));
}

#[test]
fn nonsense_is_an_error_that_names_the_variable_but_never_the_token() {
    let table = [
        ("SPOTINST_API_HOST", "api.spotinst.io"),
        ("SPOTINST_API_HOST", "ftp://api.spotinst.io"),
        ("SPOTINST_API_HOST", "http://"),
        ("SPOTINST_RETRY_WAIT", "soon"),
        ("SPOTINST_RETRY_WAIT", "-1"),
        ("SPOTINST_RETRY_WAIT", "inf"),
        ("SPOTINST_RETRY_WAIT", "NaN"),
    ];
    for (name, value) in table {
        let error = read(&[("SPOTINST_TOKEN", "planted"), (name, value)]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("environment variable {name} is `{value}`")),
            "{text}"
        );
        assert!(error.hint().is_some());
    }
    let error = read(&[("SPOTINST_TOKEN", "planted\ntoken")]).unwrap_err();
    assert!(error.to_string().contains("SPOTINST_TOKEN"));
    assert!(!format!("{error:?}").contains("planted"));
}
