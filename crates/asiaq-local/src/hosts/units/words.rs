//! Words of a unit's command lines: quotes, escapes, variables and specifiers, as systemd reads them. Pure.

use std::collections::BTreeMap;

/// Splits at blanks. Quotes keep blanks, a backslash takes the next character as it is (`\n`, `\t`, `\s` are special).
pub fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', _) => {
                let escaped = characters.next().map_or('\\', unescaped);
                word.get_or_insert_default().push(escaped);
            }
            (_, Some(open)) if character == open => quote = None,
            (_, Some(_)) => word.get_or_insert_default().push(character),
            ('"' | '\'', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (blank, None) if blank.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

fn unescaped(character: char) -> char {
    match character {
        'n' => '\n',
        't' => '\t',
        's' => ' ',
        other => other,
    }
}

/// The program and arguments of a command line of unit `name`, with `variables` put in.
///
/// `${X}` stands for a value inside a word; `$X` as a word of its own stands for the words of the value; `$$` is a dollar sign.
pub fn command(text: &str, name: &str, variables: &BTreeMap<String, String>) -> Vec<String> {
    let mut words = Vec::new();
    for word in split(&specifiers(text, name)) {
        let whole = word.strip_prefix('$').filter(|rest| is_name(rest));
        match whole {
            Some(variable) => {
                let value = variables.get(variable).map_or("", String::as_str);
                words.extend(value.split_whitespace().map(str::to_owned));
            }
            None => words.push(expanded(&word, variables)),
        }
    }
    words
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn expanded(word: &str, variables: &BTreeMap<String, String>) -> String {
    let mut result = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        rest = after;
        if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            rest = after;
            continue;
        }
        let braced = after
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        match braced.filter(|(name, _)| is_name(name)) {
            Some((name, after)) => {
                result.push_str(variables.get(name).map_or("", String::as_str));
                rest = after;
            }
            None => result.push('$'),
        }
    }
    result.push_str(rest);
    result
}

/// Puts in `%n` (name), `%N` and `%p` (name without suffix) and `%%`. Others stay.
pub fn specifiers(text: &str, name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let mut result = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            result.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => result.push_str(name),
            Some('N' | 'p') => result.push_str(stem),
            Some('%') | None => result.push('%'),
            Some(other) => result.extend(['%', other]),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn words_are_split_as_systemd_does() {
        for (text, want) in [
            ("/bin/a b  c", &["/bin/a", "b", "c"][..]),
            ("/bin/a 'b c' \"d 'e'\"", &["/bin/a", "b c", "d 'e'"]),
            (
                r#"/bin/a b\ c "x\"y" \s\t"#,
                &["/bin/a", "b c", "x\"y", " \t"],
            ),
            ("/bin/a ''", &["/bin/a", ""]),
            ("/bin/a x'y z'w", &["/bin/a", "xy zw"]),
            ("  ", &[]),
            ("/bin/a 'open", &["/bin/a", "open"]),
        ] {
            assert_eq!(split(text), want, "{text}");
        }
    }

    #[test]
    fn variables_and_specifiers_are_put_in() {
        let variables = [("ONE", "1"), ("TWO", "a b")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let variables = BTreeMap::from(variables);
        for (text, want) in [
            ("/p $TWO ${TWO}", &["/p", "a", "b", "a b"][..]),
            ("/p x${ONE}y $ONE-z", &["/p", "x1y", "$ONE-z"]),
            ("/p $NONE ${NONE} end", &["/p", "", "end"]),
            ("/p $$ONE 50%%", &["/p", "$ONE", "50%"]),
            ("/p %n %N %p %x", &["/p", "web.service", "web", "web", "%x"]),
            ("/p '${ONE}' ${open", &["/p", "1", "${open"]),
        ] {
            assert_eq!(command(text, "web.service", &variables), want, "{text}");
        }
    }
}
