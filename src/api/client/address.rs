//! Where an agent listens: `http://host:port` or `unix:///path/to/socket`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::error::ClientError;

const DEFAULT_PORT: u16 = 4646;

/// The address of an agent's HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `host:port`.
    Http { authority: String },
    /// As [`Self::Http`], over TLS.
    Https { authority: String },
    /// The path of a Unix socket.
    Unix { path: PathBuf },
}

impl Address {
    /// The authority to put into a request's URI and `Host` header.
    pub(super) fn authority(&self) -> &str {
        match self {
            Self::Http { authority } | Self::Https { authority } => authority,
            Self::Unix { .. } => "localhost",
        }
    }
}

impl FromStr for Address {
    type Err = ClientError;

    fn from_str(text: &str) -> Result<Self, ClientError> {
        let invalid = |reason| ClientError::InvalidAddress { address: text.to_owned(), reason };
        if let Some(path) = text.strip_prefix("unix://") {
            if path.is_empty() {
                return Err(invalid("the path of the socket is missing"));
            }
            return Ok(Self::Unix { path: path.into() });
        }
        let (is_secure, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return Err(invalid("the scheme has to be http, https or unix")),
            None => (false, text),
        };
        let authority = rest.trim_end_matches('/');
        if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
            return Err(invalid("expected http://host:port or unix:///path"));
        }
        let parsed: hyper::http::uri::Authority = authority.parse().map_err(|_| invalid("expected http://host:port or unix:///path"))?;
        let port = authority.strip_prefix(parsed.host()).unwrap_or_default();
        if let Some(number) = port.strip_prefix(':') {
            number.parse::<u16>().map_err(|_| invalid("the port has to be a number up to 65535"))?;
        }
        let authority = if port.is_empty() { format!("{authority}:{DEFAULT_PORT}") } else { authority.to_owned() };
        Ok(if is_secure { Self::Https { authority } } else { Self::Http { authority } })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { authority } => write!(f, "http://{authority}"),
            Self::Https { authority } => write!(f, "https://{authority}"),
            Self::Unix { path } => write!(f, "unix://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_people_write() {
        for (text, shown) in [
            ("http://127.0.0.1:4646", "http://127.0.0.1:4646"),
            ("http://127.0.0.1:4646/", "http://127.0.0.1:4646"),
            ("http://nomad.example", "http://nomad.example:4646"),
            ("10.0.0.1:80", "http://10.0.0.1:80"),
            ("http://[::1]:4646", "http://[::1]:4646"),
            ("https://10.0.0.1", "https://10.0.0.1:4646"),
            ("unix:///run/pannier.sock", "unix:///run/pannier.sock"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_with_a_reason() {
        for text in ["", "http://", "unix://", "ftp://a", "http://a/v1/jobs", "http://a:99999", "http://a:", "http://a b"] {
            assert!(matches!(text.parse::<Address>(), Err(ClientError::InvalidAddress { .. })), "{text}");
        }
    }
}
