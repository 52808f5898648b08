//! Cutting a list into pages. A page ends with the *first item of the next one* as its token, so that rows which come and go between two
//! requests shift nothing: walking the pages meets every row that was there all the time exactly once.

use std::fmt::Display;
use std::str::FromStr;

use super::error::ApiError;
use super::query::ListQuery;
use crate::model::JobKey;

/// What a list is ordered by, and what its token is made of.
pub trait PageKey: Ord + Display {
    fn parse(token: &str) -> Option<Self>
    where
        Self: Sized;
}

/// Rows by creation: `createIndex.id`, compared as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CreatedKey<Id>(pub u64, pub Id);

/// Rows by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdKey<Id>(pub Id);

/// Jobs: `namespace.id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedKey(pub JobKey);

impl<Id: Display> Display for CreatedKey<Id> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl<Id: Ord + Display + FromStr> PageKey for CreatedKey<Id> {
    fn parse(token: &str) -> Option<Self> {
        let (index, id) = token.split_once('.')?;
        Some(Self(index.parse().ok()?, id.parse().ok()?))
    }
}

impl<Id: Display> Display for IdKey<Id> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<Id: Ord + Display + FromStr> PageKey for IdKey<Id> {
    fn parse(token: &str) -> Option<Self> {
        token.parse().ok().map(Self)
    }
}

impl Display for NamedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0.namespace, self.0.id)
    }
}

impl PageKey for NamedKey {
    fn parse(token: &str) -> Option<Self> {
        let (namespace, id) = token.split_once('.')?;
        Some(Self(JobKey::new(namespace, id)))
    }
}

/// A number alone: rows by modify index.
impl PageKey for u64 {
    fn parse(token: &str) -> Option<Self> {
        token.parse().ok()
    }
}

/// One page of rows.
#[derive(Debug)]
pub struct Page<Row> {
    pub rows: Vec<Row>,
    /// Where the next page starts; `None` on the last one.
    pub next_token: Option<String>,
}

/// Orders `rows` by key and cuts out the page that `list` asks for, of the rows that `keep` lets through.
pub fn cut<Key: PageKey, Row>(
    mut rows: Vec<(Key, Row)>,
    list: &ListQuery,
    mut keep: impl FnMut(&Row) -> Result<bool, ApiError>,
) -> Result<Page<Row>, ApiError> {
    rows.sort_unstable_by(|(a, _), (b, _)| if list.reverse { b.cmp(a) } else { a.cmp(b) });
    let start = match &list.next_token {
        None => None,
        Some(token) => Some(Key::parse(token).ok_or_else(|| ApiError::bad_request(format!("invalid next_token {token:?}")))?),
    };
    let is_before_start = |key: &Key| match &start {
        None => false,
        Some(start) if list.reverse => key > start,
        Some(start) => key < start,
    };
    let mut page = Page { rows: Vec::new(), next_token: None };
    for (key, row) in rows {
        if is_before_start(&key) || !keep(&row)? {
            continue;
        }
        if list.per_page > 0 && page.rows.len() == list.per_page {
            page.next_token = Some(key.to_string());
            break;
        }
        page.rows.push(row);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(per_page: usize, reverse: bool) -> Vec<u64> {
        let mut seen = Vec::new();
        let mut list = ListQuery { per_page, reverse, ..ListQuery::default() };
        loop {
            // Numeric order: as text, "10" would come before "9".
            let rows: Vec<_> = (0..23).map(|n| (CreatedKey(n, n), n)).collect();
            let page = cut(rows, &list, |n| Ok(n % 5 != 0)).unwrap();
            seen.extend(page.rows);
            let Some(token) = page.next_token else { return seen };
            list.next_token = Some(token);
        }
    }

    #[test]
    fn pages_cover_every_kept_row_once_in_order() {
        let expected: Vec<u64> = (0..23).filter(|n| n % 5 != 0).collect();
        for per_page in [0, 1, 2, 7, 18, 100] {
            assert_eq!(walk(per_page, false), expected, "{per_page}");
            assert_eq!(walk(per_page, true), expected.iter().rev().copied().collect::<Vec<_>>(), "{per_page} reversed");
        }
    }

    #[test]
    fn a_token_survives_the_removal_of_its_row() {
        let list = ListQuery { next_token: Some("4.4".into()), ..ListQuery::default() };
        let rows: Vec<_> = [1u64, 3, 5, 6].map(|n| (CreatedKey(n, n), n)).into();
        assert_eq!(cut(rows, &list, |_| Ok(true)).unwrap().rows, [5, 6]);
    }

    #[test]
    fn a_broken_token_is_refused() {
        let list = ListQuery { next_token: Some("x".into()), ..ListQuery::default() };
        assert!(cut(vec![(CreatedKey(1, 1u64), ())], &list, |()| Ok(true)).is_err());
    }
}
