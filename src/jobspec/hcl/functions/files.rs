//! Functions that look at files, through whoever lends some (see `jobspec::files`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::RegexBuilder;

use super::{Args, Problem};
use crate::jobspec::files::FileAccess;
use crate::jobspec::hcl::value::{MAX_WEIGHT, Value};

/// Every function of this family, with the number of its arguments.
pub const NAMES: [(&str, usize); 8] =
    [("abspath", 1), ("basename", 1), ("dirname", 1), ("file", 1), ("filebase64", 1), ("fileexists", 1), ("fileset", 2), ("pathexpand", 1)];

/// Calls one of [`NAMES`], with as many arguments as it takes.
pub fn call(name: &str, args: &Args<'_>, files: &dyn FileAccess) -> Result<Value, Problem> {
    let path = args.text(0)?;
    let wrong = |problem: String| Problem::at(0, problem);
    Ok(match name {
        "abspath" => files.absolute(&expand(&path, files)?).map_err(wrong)?.into(),
        "basename" => Value::string(last_part(&path)),
        "dirname" => directory_of(&path).into(),
        "fileexists" => Value::Bool(files.is_file(&expand(&path, files)?)),
        "fileset" => fileset(&expand(&path, files)?, &args.text(1)?, files)?,
        "pathexpand" => expand(&path, files)?.into(),
        "filebase64" => STANDARD.encode(read(&path, files)?).into(),
        _ => String::from_utf8(read(&path, files)?).map_err(|_| wrong("the file is not UTF-8; use filebase64()".to_owned()))?.into(),
    })
}

fn read(path: &str, files: &dyn FileAccess) -> Result<Vec<u8>, Problem> {
    let bytes = files.read(&expand(path, files)?).map_err(|problem| Problem::at(0, problem))?;
    if bytes.len() > MAX_WEIGHT / 2 {
        return Err(Problem::at(0, format!("the file has {} bytes; a jobspec does not hold more than {}", bytes.len(), MAX_WEIGHT / 2)));
    }
    Ok(bytes)
}

/// `~` and `~/...` with the home directory in its place.
fn expand(path: &str, files: &dyn FileAccess) -> Result<String, Problem> {
    let Some(rest) = path.strip_prefix('~') else { return Ok(path.to_owned()) };
    if !rest.is_empty() && !rest.starts_with('/') {
        return Err(Problem::at(0, "only `~/` is known, not the homes of others"));
    }
    let home = files.home().ok_or_else(|| Problem::at(0, "there is no home directory"))?;
    Ok(format!("{home}{rest}"))
}

/// As Go's `filepath.Base`.
fn last_part(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/" } else { trimmed.rsplit('/').next().unwrap_or(trimmed) }
}

/// As Go's `filepath.Dir`, cleaned.
fn directory_of(path: &str) -> String {
    let Some((directory, _)) = path.rsplit_once('/') else { return ".".to_owned() };
    let is_rooted = directory.starts_with('/') || directory.is_empty();
    let mut parts: Vec<&str> = Vec::new();
    for part in directory.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            ("..", _) if is_rooted => {}
            _ => parts.push(part),
        }
    }
    match (is_rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// The files below `directory` whose paths match a pattern of `*`, `**`, `?`, `[a-z]` and `{a,b}`, sorted.
fn fileset(directory: &str, pattern: &str, files: &dyn FileAccess) -> Result<Value, Problem> {
    let regex = RegexBuilder::new(&glob_to_regex(pattern))
        .size_limit(1 << 20)
        .build()
        .map_err(|_| Problem::at(1, format!("{pattern:?} is not a pattern")))?;
    let mut found = files.files_below(directory).map_err(|problem| Problem::at(0, problem))?;
    found.retain(|path| regex.is_match(path));
    found.sort();
    Ok(Value::strings(found)?)
}

fn glob_to_regex(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut chars = pattern.chars().peekable();
    let mut in_braces = false;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                if chars.peek() == Some(&'/') {
                    chars.next();
                    regex.push_str("(?:.*/)?");
                } else {
                    regex.push_str(".*");
                }
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '{' => {
                in_braces = true;
                regex.push_str("(?:");
            }
            '}' if in_braces => {
                in_braces = false;
                regex.push(')');
            }
            ',' if in_braces => regex.push('|'),
            '[' | ']' => regex.push(c),
            '-' | '^' => regex.push(c),
            other => regex.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push('$');
    regex
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::jobspec::{Input, VariableSources, parse};

    #[derive(Debug)]
    struct Pretended(BTreeMap<&'static str, &'static [u8]>);

    impl FileAccess for Pretended {
        fn read(&self, path: &str) -> Result<Vec<u8>, String> {
            self.0.get(path).map(|bytes| bytes.to_vec()).ok_or_else(|| format!("there is no file {path:?}"))
        }
        fn is_file(&self, path: &str) -> bool {
            self.0.contains_key(path)
        }
        fn files_below(&self, directory: &str) -> Result<Vec<String>, String> {
            Ok(self.0.keys().filter_map(|path| path.strip_prefix(directory)?.strip_prefix('/')).map(str::to_owned).collect())
        }
        fn absolute(&self, path: &str) -> Result<String, String> {
            Ok(format!("/work/{path}"))
        }
        fn home(&self) -> Option<String> {
            Some("/home/a".to_owned())
        }
    }

    fn meta(expression: &str) -> Result<String, String> {
        let files = Pretended(BTreeMap::from([
            ("conf/a.txt", b"${not} an expression".as_slice()),
            ("conf/b/c.txt", b"c".as_slice()),
            ("conf/raw", [0xff, 0xfe].as_slice()),
            ("/home/a/x", b"home".as_slice()),
        ]));
        let source =
            format!("job \"x\" {{\n meta {{ v = {expression} }}\n group \"g\" {{\n task \"t\" {{ driver = \"raw_exec\" }}\n }}\n}}\n");
        let variables = VariableSources::default();
        let input = Input { source: &source, file: "x.hcl", variables: &variables, files: Some(&files) };
        parse(&input).map(|parsed| parsed.job.meta["v"].to_string()).map_err(|errors| errors[0].message.clone())
    }

    #[test]
    fn files_are_those_that_were_lent() {
        let cases = [
            ("file(\"conf/a.txt\")", "${not} an expression"),
            ("file(\"~/x\")", "home"),
            ("filebase64(\"conf/raw\")", "//4="),
            ("fileexists(\"conf/raw\")", "true"),
            ("fileexists(\"nothing\")", "false"),
            ("join(\",\", fileset(\"conf\", \"**/*.txt\"))", "a.txt,b/c.txt"),
            ("join(\",\", fileset(\"conf\", \"*\"))", "a.txt,raw"),
            ("join(\",\", fileset(\"conf\", \"{raw,b/?.txt}\"))", "b/c.txt,raw"),
            ("abspath(\"a\")", "/work/a"),
            ("pathexpand(\"~/b\")", "/home/a/b"),
            ("basename(\"a/b.txt\")", "b.txt"),
            ("basename(\"/\")", "/"),
            ("dirname(\"a/b/../c.txt\")", "a"),
            ("dirname(\"/c\")", "/"),
            ("dirname(\"c\")", "."),
        ];
        for (expression, expected) in cases {
            assert_eq!(meta(expression).as_deref(), Ok(expected), "{expression}");
        }
        assert!(meta("file(\"conf/raw\")").unwrap_err().contains("filebase64"));
        assert!(meta("file(\"no\")").unwrap_err().contains("there is no file"));
        assert!(meta("file()").unwrap_err().contains("takes 1 argument"));
    }
}
