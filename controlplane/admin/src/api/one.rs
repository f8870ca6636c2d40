//! One of a list.

use std::sync::Arc;

use console::Request;

use super::problem::{Code, Problem};
use crate::site::{Site, Visitor};

/// The one that is called so, or that there is none.
pub async fn one_of<L, T>(
    site: &Arc<Site>,
    visitor: &Visitor,
    list: L,
    is_it: impl Fn(&T) -> bool,
) -> Result<T, Problem>
where
    L: Request<Answer = Vec<T>> + Send + 'static,
    T: Send + 'static,
{
    let all = site.ask(visitor, list).await?;
    all.into_iter().find(is_it).ok_or_else(|| Problem::new(Code::NotFound, ""))
}
