//! "Did you mean": the known name nearest to a mistyped one.

/// The nearest of `known`, when it is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long garbage is no typing mistake, and the distance is quadratic.
    if name.chars().count() > 64 {
        return None;
    }
    // Two letters are nobody's typing mistake.
    let limit = match name.chars().count() {
        0..=2 => return None,
        length => (length / 3).max(1),
    };
    known.into_iter().map(|candidate| (distance(name, candidate), candidate)).filter(|(d, _)| *d <= limit).min().map(|(_, best)| best)
}

/// Names that other tools and older versions have for things, and what they are called here.
const ELSEWHERE: [(&str, &str); 22] = [
    ("depends_on", "lifecycle"),
    ("ports", "port"),
    ("volumes", "volume"),
    ("healthcheck", "check"),
    ("environment", "env"),
    ("contents", "data"),
    ("content", "data"),
    ("memory_mb", "memory"),
    ("mem", "memory"),
    ("cpu_mhz", "cpu"),
    ("replicas", "count"),
    ("instances", "count"),
    ("dest", "destination"),
    ("target", "destination"),
    ("src", "source"),
    ("cmd", "command"),
    ("arguments", "args"),
    ("img", "image"),
    ("jar", "jar_path"),
    ("kind", "type"),
    ("timezone", "time_zone"),
    ("schedule", "cron"),
];

/// What `name` is called here, when it is a name of something else's for one of `known`.
pub fn usual_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (_, usual) = ELSEWHERE.iter().find(|(other, _)| *other == name)?;
    known.into_iter().find(|candidate| candidate == usual)
}

/// `did you mean "x"?`, when there is something to suggest.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, known).map(|best| format!("did you mean `{best}`?"))
}

/// Edits (insert, delete, replace, swap neighbours) from `a` to `b`: optimal string alignment.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_typing_mistakes_and_nothing_else() {
        let known = ["count", "constraint", "network", "restart", "task"];
        assert_eq!(nearest("cuont", known), Some("count"));
        assert_eq!(nearest("constraints", known), Some("constraint"));
        assert_eq!(nearest("netwrk", known), Some("network"));
        assert_eq!(nearest("banana", known), None);
        assert_eq!(nearest("x", known), None);
    }
}
