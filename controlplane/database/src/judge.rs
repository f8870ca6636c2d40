//! Who may take changes: decisions, without a clock and without a network.

use std::collections::BTreeSet;

use store::ServerPlace;

use crate::Fault;

/// What another node says of its database; `None` if it is not heard.
pub type Heard = (String, Option<ServerPlace>);

/// What an original has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Take changes.
    Serve,
    /// Take none until these have been heard: one of them may be a later original.
    Wait(Vec<String>),
    /// Take none any more: this one has become the original.
    Yield(String),
}

/// What an original has to do that has heard `before` since it started, and now hears `others`.
pub fn original(own: ServerPlace, others: &[Heard], before: &BTreeSet<String>) -> Verdict {
    if let Some(later) = originals(own, others).find(|(_, place)| place.timeline > own.timeline) {
        return Verdict::Yield(later.0.to_owned());
    }
    let unheard = others.iter().filter(|(name, place)| place.is_none() && !before.contains(name));
    let unheard: Vec<String> = unheard.map(|(name, _)| name.clone()).collect();
    if unheard.is_empty() { Verdict::Serve } else { Verdict::Wait(unheard) }
}

/// The node that a copy has to follow: the latest original, if one is heard.
pub fn followed(own: ServerPlace, others: &[Heard]) -> Option<String> {
    let latest = originals(own, others).max_by_key(|(_, place)| place.timeline)?;
    (latest.1.timeline >= own.timeline).then(|| latest.0.to_owned())
}

/// Whether a copy may become the original, if the nodes `lost` do not come back as what they were.
pub fn promotion(own: ServerPlace, others: &[Heard], lost: &[String]) -> Result<(), Fault> {
    if !own.follows {
        return Err(Fault::IsPublisher);
    }
    if let Some((node, _)) = originals(own, others).find(|(_, it)| it.timeline >= own.timeline) {
        return Err(Fault::PublisherThere(node.to_owned()));
    }
    let same = |place: &&ServerPlace| place.system == own.system;
    let heard = others.iter().filter_map(|(name, it)| Some((name, it.as_ref().filter(same)?)));
    if let Some((node, more)) =
        heard.max_by_key(|(_, it)| it.has).filter(|(_, it)| it.has > own.has)
    {
        return Err(Fault::HasLess { node: node.clone(), bytes: more.has - own.has });
    }
    let unheard = others.iter().filter(|(name, place)| place.is_none() && !lost.contains(name));
    let unheard: Vec<String> = unheard.map(|(name, _)| name.clone()).collect();
    if unheard.is_empty() { Ok(()) } else { Err(Fault::Unheard(unheard)) }
}

/// Those of the others that are originals of the same database.
fn originals(own: ServerPlace, others: &[Heard]) -> impl Iterator<Item = (&str, ServerPlace)> {
    others.iter().filter_map(move |(name, place)| {
        let place = place.filter(|place| place.system == own.system && !place.follows)?;
        Some((name.as_str(), place))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn place(follows: bool, timeline: u32, has: u64) -> ServerPlace {
        ServerPlace { system: 7, follows, timeline, has }
    }

    fn heard(name: &str, place: ServerPlace) -> Heard {
        (name.into(), Some(place))
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    const ORIGINAL: ServerPlace = place(false, 1, 100);
    const COPY: ServerPlace = place(true, 1, 90);

    // R: BAK-02
    #[test]
    fn an_original_that_starts_waits_until_it_has_heard_everybody() {
        let nobody = BTreeSet::new();
        assert_eq!(original(ORIGINAL, &[], &nobody), Verdict::Serve);
        let others = [heard("cm2", COPY), ("cm3".into(), None)];
        assert_eq!(original(ORIGINAL, &others, &nobody), Verdict::Wait(names(&["cm3"])));
        let before = BTreeSet::from(["cm3".to_owned()]);
        assert_eq!(original(ORIGINAL, &others, &before), Verdict::Serve);
    }

    #[test]
    fn an_original_yields_to_a_later_one() {
        let everybody = BTreeSet::from(["cm2".to_owned(), "cm3".to_owned()]);
        let later = heard("cm2", place(false, 2, 120));
        let verdict = original(ORIGINAL, &[later.clone(), ("cm3".into(), None)], &everybody);
        assert_eq!(verdict, Verdict::Yield("cm2".into()));
        // The later one does not yield to the earlier one.
        let verdict = original(place(false, 2, 120), &[heard("cm1", ORIGINAL)], &everybody);
        assert_eq!(verdict, Verdict::Serve);
        // That of another cluster is nothing to us.
        let stranger = ServerPlace { system: 8, ..place(false, 9, 1) };
        assert_eq!(original(ORIGINAL, &[heard("cm2", stranger)], &everybody), Verdict::Serve);
    }

    #[test]
    fn a_copy_follows_the_latest_original() {
        let later = heard("cm2", place(false, 2, 120));
        assert_eq!(followed(COPY, &[heard("cm1", ORIGINAL), later]), Some("cm2".into()));
        assert_eq!(followed(COPY, &[heard("cm1", COPY), ("cm2".into(), None)]), None);
        // One that was left behind is not followed back.
        assert_eq!(followed(place(true, 2, 120), &[heard("cm1", ORIGINAL)]), None);
    }

    // R: BAK-02
    #[test]
    fn a_copy_is_promoted_only_if_nobody_is_the_original_or_has_more() {
        let gone: Heard = ("cm1".into(), None);
        let lost = names(&["cm1"]);
        assert_eq!(promotion(ORIGINAL, &[], &[]), Err(Fault::IsPublisher));
        assert_eq!(
            promotion(COPY, &[heard("cm1", ORIGINAL)], &lost),
            Err(Fault::PublisherThere("cm1".into()))
        );
        assert_eq!(
            promotion(COPY, &[gone.clone(), heard("cm3", place(true, 1, 95))], &lost),
            Err(Fault::HasLess { node: "cm3".into(), bytes: 5 })
        );
        assert_eq!(
            promotion(COPY, &[gone.clone(), ("cm3".into(), None)], &lost),
            Err(Fault::Unheard(names(&["cm3"])))
        );
        assert_eq!(promotion(COPY, &[gone, heard("cm3", place(true, 1, 90))], &lost), Ok(()));
    }
}
