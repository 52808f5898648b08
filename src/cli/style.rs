//! Colour, where a person is looking and did not refuse it.

use std::io::IsTerminal as _;

/// What a piece of text means, for the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    Plain,
    Bold,
    Good,
    Waiting,
    Bad,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Good => "32",
            Self::Waiting => "33",
            Self::Bad => "31",
        }
    }

    /// The paint for a status word of a job, node, allocation, evaluation, deployment, task or server.
    pub fn for_status(status: &str) -> Self {
        match status {
            "running" | "ready" | "successful" | "alive" | "eligible" => Self::Good,
            "pending" | "blocked" | "initializing" | "paused" | "unknown" | "draining" | "leaving" => Self::Waiting,
            "failed" | "lost" | "down" | "disconnected" | "ineligible" => Self::Bad,
            _ => Self::Plain,
        }
    }
}

/// Whether to paint at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    enabled: bool,
}

impl Style {
    /// Never paints.
    pub const PLAIN: Self = Self { enabled: false };

    /// Flags win over the environment (`NO_COLOR`, `NOMAD_CLI_NO_COLOR`, `NOMAD_CLI_FORCE_COLOR`), which wins over
    /// whether standard output is a terminal.
    pub fn detect(no_color: bool, force_color: bool, env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| env(name).is_some_and(|value| !value.is_empty());
        if no_color {
            return Self::PLAIN;
        }
        if force_color {
            return Self { enabled: true };
        }
        if set("NO_COLOR") || set("NOMAD_CLI_NO_COLOR") {
            return Self::PLAIN;
        }
        Self { enabled: set("NOMAD_CLI_FORCE_COLOR") || std::io::stdout().is_terminal() }
    }

    pub fn paint(self, paint: Paint, text: &str) -> String {
        if self.enabled && paint != Paint::Plain { format!("\x1b[{}m{text}\x1b[0m", paint.code()) } else { text.to_owned() }
    }

    pub fn bold(self, text: &str) -> String {
        self.paint(Paint::Bold, text)
    }
}

/// Replaces control characters, so that text from elsewhere cannot steer the terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusing_colour_wins() {
        let env = |name: &str| (name == "NO_COLOR" || name == "NOMAD_CLI_FORCE_COLOR").then(|| "1".to_owned());
        assert_eq!(Style::detect(false, false, env).paint(Paint::Bad, "x"), "x");
        assert_eq!(Style::detect(false, true, env).paint(Paint::Bad, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(Style::detect(true, true, env).paint(Paint::Bad, "x"), "x");
        assert_eq!(Style::detect(false, false, |name| (name == "NOMAD_CLI_FORCE_COLOR").then(|| "1".into())).bold("x"), "\x1b[1mx\x1b[0m");
    }

    #[test]
    fn text_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc"), "a [2Jb c");
    }
}
