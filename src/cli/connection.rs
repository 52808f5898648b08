//! The flags every command that talks to an agent shares, and what they and the environment amount to.

use clap::Args;

use super::style::Style;
use crate::api::client::{Address, Client, ClientError, ClientOptions, Tls, TlsOptions, Token};

const DEFAULT_ADDRESS: &str = "http://127.0.0.1:4646";

/// Which agent to talk to, as whom, and in which colours.
#[derive(Args, Clone, Default)]
pub struct Connection {
    /// Agent to talk to: http://host:port, https://host:port or unix:///path [env: PANNIER_ADDR, NOMAD_ADDR] [default: http://127.0.0.1:4646]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    address: Option<String>,
    /// Namespace to act in, `*` for all of them in lists [env: PANNIER_NAMESPACE, NOMAD_NAMESPACE]
    #[arg(long, value_name = "NAME", help_heading = "Connection")]
    namespace: Option<String>,
    /// Region to forward the request to [env: PANNIER_REGION, NOMAD_REGION]
    #[arg(long, value_name = "NAME", help_heading = "Connection")]
    region: Option<String>,
    /// Secret id of the token to use [env: PANNIER_TOKEN, NOMAD_TOKEN]
    #[arg(long, value_name = "SECRET", help_heading = "Connection")]
    token: Option<String>,
    /// PEM file of the authority that the agent's certificate must come from [env: PANNIER_CACERT, NOMAD_CACERT]
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    ca_cert: Option<String>,
    /// Name that the agent's certificate must carry, instead of the address [env: PANNIER_TLS_SERVER_NAME, NOMAD_TLS_SERVER_NAME]
    #[arg(long, value_name = "NAME", help_heading = "Connection")]
    tls_server_name: Option<String>,
    /// Take any certificate; whoever is in between can read the token [env: PANNIER_SKIP_VERIFY, NOMAD_SKIP_VERIFY]
    #[arg(long, help_heading = "Connection")]
    tls_skip_verify: bool,
    /// Print without colours [env: NO_COLOR, NOMAD_CLI_NO_COLOR]
    #[arg(long, help_heading = "Connection")]
    no_color: bool,
    /// Print colours even when the output is not a terminal [env: NOMAD_CLI_FORCE_COLOR]
    #[arg(long, help_heading = "Connection")]
    force_color: bool,
}

/// A client and the way to print for it.
pub struct Session {
    pub client: Client,
    pub style: Style,
}

impl Connection {
    /// # Errors
    /// When the address makes no sense.
    pub fn open(&self) -> Result<Session, ClientError> {
        let env = |name: &str| std::env::var(name).ok();
        Ok(Session { client: Client::new(self.options(env)?), style: Style::detect(self.no_color, self.force_color, env) })
    }

    fn options(&self, env: impl Fn(&str) -> Option<String>) -> Result<ClientOptions, ClientError> {
        let setting = |flag: &Option<String>, name: &str| {
            let from_env = |prefix: &str| env(&format!("{prefix}_{name}")).filter(|value| !value.is_empty());
            flag.clone().filter(|value| !value.is_empty()).or_else(|| from_env("PANNIER")).or_else(|| from_env("NOMAD"))
        };
        let address: Address = setting(&self.address, "ADDR").as_deref().unwrap_or(DEFAULT_ADDRESS).parse()?;
        let is_set = |value: String| !matches!(value.as_str(), "0" | "false");
        let tls = TlsOptions {
            authority: setting(&self.ca_cert, "CACERT").map(Into::into),
            server_name: setting(&self.tls_server_name, "TLS_SERVER_NAME"),
            skip_verify: self.tls_skip_verify || setting(&None, "SKIP_VERIFY").is_some_and(is_set),
        };
        Ok(ClientOptions {
            tls: matches!(address, Address::Https { .. }).then(|| Tls::new(&tls)).transpose()?,
            address,
            token: setting(&self.token, "TOKEN").map(Token::new),
            namespace: setting(&self.namespace, "NAMESPACE"),
            region: setting(&self.region, "REGION"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_our_environment_over_nomads() {
        let env = |name: &str| match name {
            "NOMAD_ADDR" => Some("http://nomad:1".to_owned()),
            "PANNIER_ADDR" => Some("http://pannier:2".to_owned()),
            "NOMAD_TOKEN" => Some("t".to_owned()),
            "NOMAD_REGION" => Some(String::new()),
            _ => None,
        };
        let options = Connection::default().options(env).unwrap();
        assert_eq!(options.address.to_string(), "http://pannier:2");
        assert_eq!((options.token, options.region), (Some(Token::new("t")), None));
        let flags = Connection { address: Some("unix:///s".into()), ..Default::default() };
        assert_eq!(flags.options(env).unwrap().address.to_string(), "unix:///s");
        assert_eq!(Connection::default().options(|_| None).unwrap().address.to_string(), DEFAULT_ADDRESS);
    }
}
