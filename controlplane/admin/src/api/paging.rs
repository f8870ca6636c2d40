//! Long lists, page by page.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::{Code, Problem};

const DEFAULT: usize = 100;
const MOST: usize = 1000;

/// Which page.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Length of the whole list.
    pub total: usize,
    /// The cursor of the next page; absent on the last one.
    pub next: Option<String>,
}

impl Paging {
    /// The page of a list in the order of its keys. The cursor holds a key, so that what is added
    /// or removed in the meantime moves nothing.
    pub fn page<T>(&self, list: Vec<T>, key: impl Fn(&T) -> String) -> Result<Page<T>, Problem> {
        let (limit, after) = (self.limit()?, self.after()?);
        let total = list.len();
        let behind = |item: &T| after.as_ref().is_none_or(|after| key(item) > *after);
        let mut rest = list.into_iter().filter(behind);
        let items: Vec<_> = rest.by_ref().take(limit).collect();
        let is_more = rest.next().is_some();
        Ok(Page::new(items, total, is_more, key))
    }

    /// How many at most.
    pub fn limit(&self) -> Result<usize, Problem> {
        let limit = self.limit.unwrap_or(DEFAULT);
        match (1..=MOST).contains(&limit) {
            true => Ok(limit),
            false => Err(Problem::new(Code::Invalid, format!("limit: 1-{MOST}"))),
        }
    }

    /// The key that the page comes behind.
    pub fn after(&self) -> Result<Option<String>, Problem> {
        self.cursor.as_deref().map(decode).transpose()
    }
}

impl<T> Page<T> {
    /// A page of a list of `total`, behind which others follow or not.
    pub fn new(items: Vec<T>, total: usize, is_more: bool, key: impl Fn(&T) -> String) -> Self {
        let last = items.last().filter(|_| is_more);
        let next = last.map(|last| Base64UrlUnpadded::encode_string(key(last).as_bytes()));
        Self { items, total, next }
    }
}

fn decode(cursor: &str) -> Result<String, Problem> {
    let bytes = Base64UrlUnpadded::decode_vec(cursor).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Problem::new(Code::Invalid, "cursor: take `next` of the page before"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_whatever_happens_between() {
        let key = |word: &&str| word.to_string();
        let first = Paging { limit: Some(2), cursor: None };
        let page = first.page(vec!["a", "b", "c", "d"], key).unwrap();
        assert_eq!((&*page.items, page.total), (&["a", "b"][..], 4));
        let second = Paging { limit: Some(2), cursor: page.next };
        let page = second.page(vec!["aa", "b", "d", "e"], key).unwrap();
        assert_eq!((&*page.items, page.next), (&["d", "e"][..], None));
        for wrong in
            [Paging { limit: Some(0), cursor: None }, Paging { limit: Some(1001), cursor: None }]
        {
            assert_eq!(wrong.page(vec!["a"], key).unwrap_err().code, "invalid");
        }
        let wrong = Paging { limit: None, cursor: Some("%".into()) };
        assert_eq!(wrong.page(vec!["a"], key).unwrap_err().code, "invalid");
    }
}
