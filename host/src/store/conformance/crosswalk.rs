//! Links as they are listed, and as people change them.

use super::samples::{confirmed, end, facts, link, new_run, object, parked, target};
use super::{commit, get, refuse, start};
use crate::contract::runs::{Facts, Link, WaitReason};
use crate::contract::types::{ObjectRef, System};
use crate::store::{
    LinkAct, LinkAuthor, LinkChange, LinkChangeFilter, LinkEdit, LinkFilter, RunId, Store,
    StoredLink, Write,
};

/// Every part of a filter narrows the list, whose order is that of the sources' ids.
pub fn links_are_listed_by_filter<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    three_links(&store);
    let targets = |filter: LinkFilter| {
        let found = get(store.links(filter)).into_iter();
        found.map(|found| found.link.target.id).collect::<Vec<_>>()
    };
    let concur = Some(System::Concur);
    assert_eq!(
        targets(LinkFilter {
            system: concur,
            ..all()
        }),
        ["20"]
    );
    let kind = Some("invoice".into());
    assert_eq!(targets(LinkFilter { kind, ..all() }), ["70", "7"]);
    let of_target = Some(target("7"));
    assert_eq!(
        targets(LinkFilter {
            target: of_target,
            ..all()
        }),
        ["7"]
    );
    for (text, found) in [
        ("209", vec!["70"]),
        ("northwind", vec!["70"]),
        ("70", vec!["70", "20"]),
        ("%", vec![]),
    ] {
        let find = Some(text.into());
        assert_eq!(targets(LinkFilter { find, ..all() }), found, "{text}");
    }
    let connection = "bolt".into();
    assert_eq!(
        targets(LinkFilter {
            connection,
            ..all()
        }),
        ["8"]
    );
}

/// Links come with what people call their source, and with the run that stored them and when.
pub fn links_say_when_and_by_which_run<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let (run, back) = three_links(&store);
    let expected = |link: Link, facts: Facts| StoredLink {
        link,
        facts,
        stored: Some(900),
        run: Some(run),
    };
    assert_eq!(
        get(store.links(all())),
        [
            expected(link("20", "70"), facts("2093")),
            expected(link("3", "7"), Facts::NONE),
            expected(back, Facts::NONE),
        ]
    );
}

/// Two links of `acme` and one back, stored by a run that has ended, and one of `bolt`.
fn three_links(store: &impl Store) -> (RunId, Link) {
    let run = start(store, Write::Start(new_run("acme", "20")));
    let back = Link {
        source: target("70"),
        target: object("20"),
        ..link("20", "70")
    };
    commit(
        store,
        vec![
            links(
                "acme",
                vec![link("3", "7"), link("20", "70"), back.clone()],
                run,
            ),
            links("bolt", vec![link("3", "8")], run),
            end(run, confirmed(), 5_000),
        ],
    );
    (run, back)
}

/// A page begins behind the source that it is given, whether or not that is linked any more.
pub fn links_are_paged_by_source<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let mut sources: Vec<String> = (0..25).map(|id| id.to_string()).collect();
    let all_of = sources.iter().map(|id| link(id, "7")).collect();
    commit(&store, vec![links("acme", all_of, 1)]);
    sources.sort();
    let mut paged: Vec<String> = Vec::new();
    let mut filter = LinkFilter { limit: 10, ..all() };
    loop {
        let page = get(store.links(filter.clone()));
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 10);
        filter.after = Some(last.link.source.clone());
        commit(&store, vec![unlinks(last.link.source.clone())]);
        paged.extend(page.into_iter().map(|stored| stored.link.source.id));
    }
    assert_eq!(paged, sources);
}

/// What a person changes is recorded with who and when, and what changes nothing is not.
pub fn changes_of_links_are_recorded<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let made = edit(vec![link("1", "7"), link("2", "8")], vec![]);
    commit(&store, vec![Write::EditLinks(made.clone())]);
    commit(&store, vec![Write::EditLinks(made.clone())]);
    let stored = get(store.links(all())).remove(0);
    assert_eq!((stored.stored, stored.run), (Some(made.at), None));
    let broken = LinkEdit {
        at: 2_000,
        ..edit(vec![], vec![object("1"), object("9")])
    };
    commit(&store, vec![Write::EditLinks(broken)]);
    let change = |id, source: &str, of: &str, act, at| LinkChange {
        id,
        source: object(source),
        target: target(of),
        act,
        author: made.author.clone(),
        at,
    };
    let expected = [
        change(3, "1", "7", LinkAct::Broken, 2_000),
        change(2, "2", "8", LinkAct::Adopted, 1_000),
        change(1, "1", "7", LinkAct::Adopted, 1_000),
    ];
    let of = |filter| get(store.link_changes(filter));
    let filter = LinkChangeFilter {
        connection: "acme".into(),
        ..LinkChangeFilter::default()
    };
    assert_eq!(of(filter.clone()), expected);
    let source = Some(object("1"));
    let of_one = of(LinkChangeFilter {
        source,
        ..filter.clone()
    });
    assert_eq!(of_one, [expected[0].clone(), expected[2].clone()]);
    let (before, limit) = (Some(3), 1);
    assert_eq!(
        of(LinkChangeFilter {
            before,
            limit,
            ..filter
        }),
        expected[1..2]
    );
    assert_eq!(of(LinkChangeFilter::default()), []);
    drop(store);
    assert_eq!(get(place().links(all())).len(), 1);
}

/// A person changes no link to another target, and none while a run of its source may have read it.
pub fn links_are_not_changed_under_a_run<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    commit(
        &store,
        vec![Write::EditLinks(edit(vec![link("1", "7")], vec![]))],
    );
    let refused = |made: Vec<Link>, unmade| {
        refuse(&store, vec![Write::EditLinks(edit(made, unmade))]);
        assert_eq!(get(store.links(all())).len(), 1, "all or none");
    };
    refused(vec![link("2", "9"), link("1", "8")], vec![]);
    let run = start(&store, Write::Start(new_run("acme", "1")));
    refused(vec![], vec![object("1")]);
    let wait = |reason| Write::Wait {
        run,
        due: 9_000,
        reason: Some(reason),
        on: None,
        message: String::new(),
    };
    commit(&store, vec![wait(WaitReason::Remote)]);
    refused(vec![], vec![object("1")]);
    // What waits for its time to look again has read nothing yet.
    let looking = start(&store, end(run, parked(Some(9_000)), 5_000));
    let late = LinkEdit {
        at: 9_000,
        ..edit(vec![], vec![object("1")])
    };
    refuse(&store, vec![Write::EditLinks(late)]);
    commit(
        &store,
        vec![Write::EditLinks(edit(vec![], vec![object("1")]))],
    );
    assert_eq!(get(store.links(all())), []);
    commit(&store, vec![end(looking, confirmed(), 10_000)]);
}

fn all() -> LinkFilter {
    LinkFilter {
        connection: "acme".into(),
        ..LinkFilter::default()
    }
}

fn links(connection: &str, links: Vec<Link>, run: RunId) -> Write {
    Write::Links {
        connection: connection.into(),
        links,
        unlinks: vec![],
        run: Some(run),
        at: 900,
    }
}

fn unlinks(source: ObjectRef) -> Write {
    Write::EditLinks(edit(vec![], vec![source]))
}

pub(super) fn edit(links: Vec<Link>, unlinks: Vec<ObjectRef>) -> LinkEdit {
    LinkEdit {
        connection: "acme".into(),
        links,
        act: LinkAct::Adopted,
        unlinks,
        author: LinkAuthor {
            uid: 1_000,
            name: Some("Zoë".into()),
        },
        at: 1_000,
    }
}
