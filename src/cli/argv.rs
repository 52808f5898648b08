//! Flags with one dash, as Go programs take them, turned into the two-dash form that clap reads.
//!
//! `-address=x`, `-json` and `-detach=false` become `--address=x`, `--json` and nothing; real short flags (`-f`,
//! `-n 10`, `-n10`) stay, and so does everything after `--` and every value of a flag.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

/// What a flag does with what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// On or off: takes no value.
    Switch,
    /// The value follows after `=` or as the next argument.
    Value,
    /// The value can only follow after `=`.
    OptionalValue,
}

/// The flags of a command and all of its subcommands, by name.
#[derive(Debug, Default)]
pub struct Flags {
    long: BTreeMap<String, Kind>,
    short: BTreeMap<char, Kind>,
}

impl Flags {
    pub fn of(command: &Command) -> Self {
        let mut flags = Self::default();
        for name in ["help", "version"] {
            flags.long.insert(name.to_owned(), Kind::Switch);
        }
        flags.collect(command);
        flags
    }

    fn collect(&mut self, command: &Command) {
        for arg in command.get_arguments() {
            let kind = kind_of(arg);
            self.long.extend(arg.get_long_and_visible_aliases().into_iter().flatten().map(|name| (name.to_owned(), kind)));
            self.short.extend(arg.get_short().map(|name| (name, kind)));
        }
        command.get_subcommands().for_each(|subcommand| self.collect(subcommand));
    }

    /// Rewrites a whole command line, the program's name included.
    pub fn normalize(&self, argv: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
        let mut argv = argv.into_iter();
        let mut normalized: Vec<OsString> = argv.next().into_iter().collect();
        while let Some(argument) = argv.next() {
            if argument == "--" {
                normalized.push(argument);
                normalized.extend(argv);
                break;
            }
            let Some(text) = argument.to_str() else {
                normalized.push(argument);
                continue;
            };
            let Some((rewritten, value_follows)) = self.rewrite(text) else { continue };
            normalized.push(rewritten.into());
            if value_follows {
                normalized.extend(argv.next());
            }
        }
        normalized
    }

    /// The argument in clap's form and whether the next one is its value; none for a switch that is turned off.
    fn rewrite(&self, text: &str) -> Option<(String, bool)> {
        let unchanged = Some((text.to_owned(), false));
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let Some(bare) = name.strip_prefix("--").or_else(|| name.strip_prefix('-')) else {
            return unchanged;
        };
        let Some(first) = bare.chars().next().filter(char::is_ascii_alphabetic) else {
            // A lone dash (standard input) or a negative number.
            return unchanged;
        };
        let one_dash = !name.starts_with("--");
        if one_dash && bare.len() == 1 {
            return Some((text.to_owned(), value.is_none() && self.short.get(&first) == Some(&Kind::Value)));
        }
        let known = self.long.get(bare).copied();
        if one_dash && known.is_none() && matches!(self.short.get(&first), Some(Kind::Value)) {
            // `-n10`: a short flag with its value attached.
            return unchanged;
        }
        match (known, value) {
            (Some(Kind::Switch), Some(value)) => match boolean(value) {
                Some(true) => Some((format!("--{bare}"), false)),
                Some(false) => None,
                None => Some((format!("--{bare}={value}"), false)),
            },
            (_, Some(value)) => Some((format!("--{bare}={value}"), false)),
            (kind, None) => Some((format!("--{bare}"), kind == Some(Kind::Value))),
        }
    }
}

fn kind_of(arg: &Arg) -> Kind {
    match arg.get_action() {
        ArgAction::Set | ArgAction::Append if arg.is_require_equals_set() => Kind::OptionalValue,
        ArgAction::Set | ArgAction::Append => Kind::Value,
        _ => Kind::Switch,
    }
}

/// The words Go reads as a boolean.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalized(argv: &[&str]) -> Vec<String> {
        let command = Command::new("x").subcommand(
            Command::new("logs")
                .arg(Arg::new("address").long("address"))
                .arg(Arg::new("follow").short('f').action(ArgAction::SetTrue))
                .arg(Arg::new("lines").short('n'))
                .arg(Arg::new("tail").long("tail").action(ArgAction::SetTrue))
                .arg(Arg::new("var").long("var").action(ArgAction::Append))
                .arg(Arg::new("diff").long("diff").num_args(0..=1).require_equals(true)),
        );
        let argv = std::iter::once("x").chain(argv.iter().copied()).map(OsString::from);
        Flags::of(&command).normalize(argv).into_iter().skip(1).map(|text| text.into_string().unwrap()).collect()
    }

    #[test]
    fn one_dash_becomes_two_for_long_flags_only() {
        assert_eq!(
            normalized(&["logs", "-address=http://x", "-tail", "-f", "-n", "10", "id"]),
            ["logs", "--address=http://x", "--tail", "-f", "-n", "10", "id"]
        );
        assert_eq!(normalized(&["-n10", "--tail", "-h", "-help", "-version"]), ["-n10", "--tail", "-h", "--help", "--version"]);
        // Unknown words get two dashes too, so that the complaint names the whole of them.
        assert_eq!(normalized(&["-bogus", "-"]), ["--bogus", "-"]);
    }

    #[test]
    fn values_are_left_alone() {
        assert_eq!(normalized(&["-address", "-tail", "-tail"]), ["--address", "-tail", "--tail"]);
        assert_eq!(normalized(&["-var", "a=-tail", "-var=b=c=d"]), ["--var", "a=-tail", "--var=b=c=d"]);
        assert_eq!(normalized(&["-n", "-5", "-diff", "-tail"]), ["-n", "-5", "--diff", "--tail"]);
        assert_eq!(normalized(&["--", "-tail", "-5"]), ["--", "-tail", "-5"]);
    }

    #[test]
    fn switches_take_gos_booleans() {
        assert_eq!(
            normalized(&["-tail=true", "-tail=0", "--tail=f", "-tail=maybe", "-diff=false"]),
            ["--tail", "--tail=maybe", "--diff=false"]
        );
    }
}
