//! Replacement of `%(name)s` in ini values (spec 10, section 3.4). Pure text work: knows no sections.

/// How often replaced text is looked through again.
const MAX_ROUNDS: usize = 10;

/// A value may not grow beyond this many bytes: nested names could otherwise fill the memory.
const MAX_BYTES: usize = 1 << 20;

/// Replaces `%(name)s` by what `known` says of the lower-cased name, and `%%` by `%`, until no `%(` is left.
///
/// A value without `%(` comes back untouched, whatever other per cent signs it has. The error is a problem
/// text without location and without the value.
pub(super) fn interpolate<'a>(
    raw: &str,
    known: impl Fn(&str) -> Option<&'a str>,
) -> Result<String, String> {
    let mut value = raw.to_owned();
    for _ in 0..MAX_ROUNDS {
        if !value.contains("%(") {
            return Ok(value);
        }
        value = replace_once(&value, &known)?;
    }
    if value.contains("%(") {
        return Err(format!(
            "interpolation does not end after {MAX_ROUNDS} rounds"
        ));
    }
    Ok(value)
}

fn replace_once<'a>(
    value: &str,
    known: &impl Fn(&str) -> Option<&'a str>,
) -> Result<String, String> {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, sign)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = sign.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (name, after) = sign
            .strip_prefix('(')
            .ok_or("interpolation allows only `%%` and `%(name)s`")?
            .split_once(')')
            .ok_or("interpolation has `%(` without `)`")?;
        rest = after.strip_prefix('s').ok_or_else(|| {
            format!("interpolation of `%({name})` needs an `s` after the bracket")
        })?;
        let replacement = known(&name.to_ascii_lowercase())
            .ok_or_else(|| format!("interpolation names an unknown option `{name}`"))?;
        out.push_str(replacement);
        if out.len() > MAX_BYTES {
            return Err("interpolation makes the value too long".to_owned());
        }
    }
    out.push_str(rest);
    Ok(out)
}
