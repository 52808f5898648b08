//! The `*` globs of `datacenters`.

/// Whether `text` matches `pattern`, where `*` stands for any run of characters and everything else for itself.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let Some((middle, tail)) = rest.rsplit_once('*') else {
        return text.ends_with(rest);
    };
    for piece in middle.split('*') {
        // The leftmost match leaves the most text for the pieces that follow.
        let Some(at) = text.find(piece) else {
            return false;
        };
        text = &text[at + piece.len()..];
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_any_run() {
        for (pattern, text) in
            [("*", ""), ("*", "dc1"), ("dc1", "dc1"), ("eu-*", "eu-west"), ("*-west", "eu-west"), ("a*b*c", "axxbyyc"), ("a**c", "abc")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("dc1", "dc10"), ("eu-*", "us-east"), ("a*b*c", "acb"), ("*-west", "west-"), ("ab*ba", "aba")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
