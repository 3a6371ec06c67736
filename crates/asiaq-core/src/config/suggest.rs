//! "Did you mean": the nearest of some known words. Only for messages, never for decisions.

/// The candidate nearest to `word`, if one is near enough to be what was meant.
///
/// Near enough is one slip for every four letters, at least one. Among equals the first candidate wins.
pub(crate) fn nearest<'a, S: AsRef<str>>(word: &str, candidates: &'a [S]) -> Option<&'a str> {
    let allowed = 1 + word.chars().count() / 4;
    candidates
        .iter()
        .map(|candidate| (distance(word, candidate.as_ref()), candidate.as_ref()))
        .filter(|(slips, _)| *slips <= allowed)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance in characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut before = i + 1;
        next.push(before);
        for (b, pair) in right.iter().zip(row.windows(2)) {
            // `windows(2)` yields pairs only: the cells above-left and above.
            let (diagonal, above) = match pair {
                [diagonal, above] => (*diagonal, *above),
                _ => continue,
            };
            before = (diagonal + usize::from(a != *b))
                .min(above + 1)
                .min(before + 1);
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let table = [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("vcp_cidr", "vpc_cidr", 2),
            ("größe", "grösse", 2),
        ];
        for (left, right, slips) in table {
            assert_eq!(distance(left, right), slips, "{left} {right}");
            assert_eq!(distance(right, left), slips, "{right} {left}");
        }
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["vpc_cidr", "vpc_cidr_size", "application"];
        assert_eq!(nearest("vcp_cidr", &known), Some("vpc_cidr"));
        assert_eq!(nearest("vpc_cidrsize", &known), Some("vpc_cidr_size"));
        assert_eq!(nearest("aplication", &known), Some("application"));
        assert_eq!(nearest("something_else", &known), None);
        assert_eq!(nearest("x", &known), None);
        assert_eq!(nearest::<&str>("x", &[]), None);
    }
}
