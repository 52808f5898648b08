//! The query string: parameters every endpoint understands, and access to its own ones.

use std::time::Duration;

use super::error::ApiError;
use super::filter::Filter;
use super::percent;
use crate::model::Text;
use crate::util::go_duration;

/// The longest a blocking query waits, and what it waits when it does not say.
pub const MAX_WAIT: Duration = Duration::from_secs(300);

/// A parsed query string.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

/// How a list is narrowed and cut into pages.
#[derive(Debug, Default)]
pub struct ListQuery {
    pub prefix: String,
    pub filter: Option<Filter>,
    /// 0: everything on one page.
    pub per_page: usize,
    /// The first item of the page.
    pub next_token: Option<String>,
    pub reverse: bool,
}

/// What namespace a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespace {
    /// `*`, on lists.
    All,
    One(Text),
}

impl Namespace {
    pub fn includes(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(name) => &**name == namespace,
        }
    }
}

impl Query {
    pub fn parse(raw: Option<&str>) -> Result<Self, ApiError> {
        let mut pairs = Vec::new();
        for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((percent::decode(name, true)?, percent::decode(value, true)?));
        }
        Ok(Self { pairs })
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a repeated parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A flag: absent is `default`, bare is true.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(default),
            Some("" | "1" | "t" | "T" | "true" | "True" | "TRUE") => Ok(true),
            Some("0" | "f" | "F" | "false" | "False" | "FALSE") => Ok(false),
            Some(other) => Err(ApiError::bad_request(format!("parameter {name:?} is not a boolean: {other:?}"))),
        }
    }

    /// A number; absent or empty is `None`.
    pub fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        match self.get(name) {
            None | Some("") => Ok(None),
            Some(text) => {
                text.parse().map(Some).map_err(|_| ApiError::bad_request(format!("parameter {name:?} is not a number: {text:?}")))
            }
        }
    }

    /// `index`: wait until the result is newer than this; 0 does not wait.
    pub fn index(&self) -> Result<u64, ApiError> {
        self.number("index").map(Option::unwrap_or_default).map_err(|_| ApiError::bad_request("Invalid index"))
    }

    /// `wait`, at most [`MAX_WAIT`].
    pub fn wait(&self) -> Result<Duration, ApiError> {
        let Some(text) = self.get("wait").filter(|text| !text.is_empty()) else { return Ok(MAX_WAIT) };
        let wait = go_duration::parse(text).map_err(|_| ApiError::bad_request("Invalid wait time"))?;
        Ok(if wait.is_zero() { MAX_WAIT } else { wait.min(MAX_WAIT) })
    }

    /// `stale`: any server may answer from what it has.
    pub fn stale(&self) -> Result<bool, ApiError> {
        self.flag("stale", false)
    }

    /// `pretty`: any value but 0 and false.
    pub fn pretty(&self) -> bool {
        self.get("pretty").is_some_and(|value| !matches!(value, "0" | "false"))
    }

    /// The namespace, `default` when not given.
    pub fn namespace(&self) -> Namespace {
        match self.get("namespace") {
            Some("*") => Namespace::All,
            None | Some("") => Namespace::One("default".into()),
            Some(name) => Namespace::One(name.into()),
        }
    }

    /// `prefix`, `filter`, `per_page`, `next_token` and `reverse`.
    pub fn list(&self) -> Result<ListQuery, ApiError> {
        let per_page = self.number("per_page").map_err(|_| ApiError::bad_request("Invalid per_page"))?.unwrap_or(0);
        Ok(ListQuery {
            prefix: self.get("prefix").unwrap_or_default().to_owned(),
            filter: self.filter()?,
            per_page: usize::try_from(per_page).unwrap_or(usize::MAX),
            next_token: self.get("next_token").filter(|token| !token.is_empty()).map(str::to_owned),
            reverse: self.flag("reverse", false)?,
        })
    }

    pub fn filter(&self) -> Result<Option<Filter>, ApiError> {
        let Some(expression) = self.get("filter").filter(|text| !text.is_empty()) else { return Ok(None) };
        Filter::parse(expression).map(Some).map_err(|error| ApiError::bad_request(format!("failed to read filter expression: {error}")))
    }
}

impl ListQuery {
    /// Whether the filter lets an object through; its JSON is only made when there is a filter.
    pub fn keeps(&self, object: impl FnOnce(&Filter) -> serde_json::Value) -> Result<bool, ApiError> {
        let Some(filter) = &self.filter else { return Ok(true) };
        filter.matches(&object(filter)).map_err(|error| ApiError::bad_request(format!("failed to apply filter expression: {error}")))
    }
}
