//! The rules of the house themselves, on houses of a few lines: what is broken is found, wherever it stands.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::House;
use super::rules::{self, Rule};

/// A house of these files; the first crate's root declares its rooms.
fn house(files: &[(&str, &str)]) -> House {
    let texts: BTreeMap<String, String> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    House::of(&texts)
}

/// A house whose rooms are these files below `src/`.
fn rooms(files: &[(&str, &str)]) -> House {
    let declared: String =
        ["cli", "clock", "courier", "engine", "forge", "metrics", "service", "store", "wakeups", "web"]
            .iter()
            .filter(|room| files.iter().any(|(path, _)| *path == format!("src/{room}/mod.rs")))
            .map(|room| format!("pub mod {room};\n"))
            .collect();
    house(&[files, &[("src/lib.rs", &declared)]].concat())
}

/// What a rule finds, by places.
fn places(rule: Rule, house: &House) -> Vec<String> {
    let found = rule(house);
    found.iter().map(|line| line.splitn(3, ':').take(2).collect::<Vec<_>>().join(":")).collect()
}

const IMPORTS: Rule = rules::rooms_import_only_what_they_may;

#[test]
fn an_import_is_found_however_it_is_written() {
    let store = ("src/store/mod.rs", "pub struct Store; pub mod sql { pub fn all() {} }");
    for text in [
        "use crate::store::Store;",
        "use crate::{store::Store};",
        "use super::store::Store;",
        "use crate::store;\nfn f(_: store::Store) {}",
        "use crate as house;\nuse house::store::Store;",
        "pub use crate::store::Store as Kept;",
        "fn f(_: crate::store::Store) {}",
        "fn f() { crate::store::sql::all() }",
        "fn f() { println!(\"{:?}\", vec![crate::store::sql::all()]) }",
        "macro_rules! m { () => { $crate::store::sql::all() } }",
        "#[serde(with = \"crate::store::sql\")]\nstruct S;",
        "fn f() { use crate::store::*; }",
        "mod inner { use super::super::store::Store; }",
    ] {
        let built = rooms(&[store, ("src/metrics/mod.rs", text)]);
        assert!(!IMPORTS(&built).is_empty(), "not found: {text}");
    }
    let quiet = "/// [`crate::store`]\n// use crate::store;\nconst S: &str = \"crate::store::Store\";\n";
    let built = rooms(&[store, ("src/metrics/mod.rs", quiet)]);
    assert_eq!(IMPORTS(&built), Vec::<String>::new());
}

#[test]
fn code_after_a_test_module_is_code() {
    let text = "#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod inner {\n    use crate::cli;\n}\n\nuse crate::store::Store;\n";
    let built = rooms(&[
        ("src/metrics/mod.rs", text),
        ("src/metrics/tests.rs", "use crate::cli;\nmod deep;"),
        ("src/metrics/tests/deep.rs", "use crate::cli;"),
        ("src/store/mod.rs", "pub struct Store;"),
        ("src/cli/mod.rs", ""),
    ]);
    assert_eq!(places(IMPORTS, &built), ["src/metrics/mod.rs:8"]);
}

#[test]
fn only_modules_for_tests_are_left_out() {
    for (condition, hidden) in
        [("test", true), ("all(test, unix)", true), ("unix", false), ("not(test)", false)]
    {
        let text = format!("#[cfg({condition})]\nmod inner {{ use crate::store::Store; }}");
        let built = rooms(&[("src/metrics/mod.rs", &text), ("src/store/mod.rs", "pub struct Store;")]);
        assert_eq!(IMPORTS(&built).is_empty(), hidden, "{condition}");
    }
    // A function or an import for tests stands in the product all the same.
    let text = "#[cfg(test)]\nuse crate::store::Store;\n";
    let built = rooms(&[("src/metrics/mod.rs", text), ("src/store/mod.rs", "pub struct Store;")]);
    assert_eq!(places(IMPORTS, &built), ["src/metrics/mod.rs:2"]);
}

#[test]
fn whoever_passes_a_room_on_does_not_hide_it() {
    let built = rooms(&[
        ("src/store/mod.rs", "pub struct Store;"),
        ("src/engine/mod.rs", "pub use crate::store::Store;"),
        ("src/forge/mod.rs", "use crate::engine::Store;"),
    ]);
    let found = IMPORTS(&built);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("uses store"), "{found:?}");
}

#[test]
fn doors_and_windows_are_watched() {
    let built = rooms(&[
        ("src/cli/mod.rs", "use crate::service;\nuse usher_sandbox::Sandbox;"),
        ("src/service/mod.rs", ""),
        ("crates/sandbox/src/lib.rs", "mod world;\npub use world::Sandbox;"),
        ("crates/sandbox/src/world.rs", "pub struct Sandbox;"),
        ("src/wakeups/mod.rs", "use crate::cli;"),
        ("src/courier/mod.rs", "use crate::service;"),
        ("src/store/mod.rs", "use usher_sandbox::Sandbox;"),
        ("src/forge/mod.rs", "pub struct Client; pub struct Health;"),
        ("src/web/mod.rs", "use crate::forge::Health;\nuse crate::forge;\nfn f(_: forge::Client) {}"),
    ]);
    let found: BTreeSet<String> = places(IMPORTS, &built).into_iter().collect();
    let expected = ["src/courier/mod.rs:1", "src/store/mod.rs:1", "src/wakeups/mod.rs:1", "src/web/mod.rs:3"];
    assert_eq!(found, expected.map(str::to_owned).into());
}

const MANY: [(&str, &str); 7] = [
    ("src/lib.rs", "mod store;"),
    ("src/store.rs", "use usher_core::decide;\nuse usher_words::Text;\nuse usher_core::model::Fact;"),
    ("crates/core/src/lib.rs", "pub mod model;\npub mod choose;\npub mod decide;\npub use decide::decide;"),
    ("crates/core/src/model.rs", "mod fact;\npub use fact::Fact;"),
    ("crates/core/src/choose.rs", "use crate::model::Fact;"),
    ("crates/core/src/decide.rs", "use crate::{choose, model::Fact};\npub fn decide() {}"),
    ("crates/words/src/lib.rs", "use usher_core::model::Fact;\npub struct Text;"),
];

#[test]
fn crates_are_rooms_too() {
    let fact = |text| house(&[&MANY[..], &[("crates/core/src/model/fact.rs", text)]].concat());
    let plain = fact("pub struct Fact;");
    assert_eq!(plain.lost, Vec::<String>::new());
    assert_eq!(rules::floors_stand_on_those_below(&plain), Vec::<String>::new());
    // `store` may import the core, but not the words.
    assert_eq!(places(IMPORTS, &plain), ["src/store.rs:2"]);
    for text in [
        "pub struct Fact;\nuse crate::choose;",
        "pub struct Fact;\nuse super::super::decide::decide;",
        "pub struct Fact;\nfn f() { crate::decide() }",
        "pub struct Fact;\n#[cfg(test)]\nmod tests {}\nuse crate::choose;",
    ] {
        let found = places(rules::floors_stand_on_those_below, &fact(text));
        assert_eq!(found.len(), 1, "{text}");
        assert!(found[0].starts_with("crates/core/src/model/fact.rs:"), "{found:?}");
    }
}

#[test]
fn whoever_is_on_no_floor_is_found() {
    let built = house(&[
        ("crates/core/src/lib.rs", "mod model;\nmod hall;"),
        ("crates/core/src/model.rs", ""),
        ("crates/core/src/hall.rs", ""),
    ]);
    let found = rules::floors_stand_on_those_below(&built);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("crates/core/src/hall.rs"), "{found:?}");
    let gone = rules::floors_are_all_there(&built);
    assert!(gone.iter().any(|line| line.starts_with("crates/core/src/choose")), "{gone:?}");
    assert!(!gone.iter().any(|line| line.starts_with("crates/core/src/model")), "{gone:?}");
}

#[test]
fn rooms_within_a_room_have_floors_too() {
    let forge = |shared, github| {
        rooms(&[
            (
                "src/forge/mod.rs",
                "mod client;\nmod github;\nmod gitlab;\nmod shared;\npub use client::Client;",
            ),
            ("src/forge/client.rs", "use super::gitlab::GitLab;\npub struct Client;"),
            ("src/forge/shared/mod.rs", "pub mod fault;"),
            ("src/forge/shared/fault.rs", shared),
            ("src/forge/github/mod.rs", github),
            ("src/forge/gitlab/mod.rs", "pub struct GitLab;\nuse super::shared::fault::Fault;"),
        ])
    };
    let found = |shared, github| places(rules::floors_stand_on_those_below, &forge(shared, github));
    assert_eq!(found("pub struct Fault;", "use crate::forge::shared::fault::Fault;"), Vec::<String>::new());
    assert_eq!(found("pub struct Fault(crate::forge::Client);", ""), ["src/forge/shared/fault.rs:1"]);
    // The two dialects do not know each other.
    assert_eq!(found("pub struct Fault;", "\nuse super::gitlab::GitLab;"), ["src/forge/github/mod.rs:2"]);
}

const CIRCLES: Rule = rules::no_files_of_a_room_stand_in_a_circle;

#[test]
fn files_in_a_circle_are_found() {
    let root = "mod a;\nmod b;\nmod c;\npub use a::A;\npub use b::B;";
    let three = |a, b, c| {
        let files =
            [("src/store/mod.rs", root), ("src/store/a.rs", a), ("src/store/b.rs", b), ("src/store/c.rs", c)];
        CIRCLES(&rooms(&files))
    };
    // A front door that passes names on is no circle.
    let none = three("pub struct A;", "use super::A;\npub struct B;", "use super::{A, B};");
    assert_eq!(none, Vec::<String>::new());
    for (a, b, c) in [
        ("pub struct A(super::b::B);", "pub struct B(super::a::A);", ""),
        ("use super::B;\npub struct A;", "use crate::store::A;\npub struct B;", ""),
        ("pub struct A;\nuse super::c;", "pub struct B;", "use super::*;\nfn f(_: A) {}"),
        ("use super::c::C;\npub struct A;", "use super::A;\npub struct B;", "pub struct C(super::B);"),
    ] {
        let found = three(a, b, c);
        assert_eq!(found.len(), 1, "{a} {b} {c}: {found:?}");
    }
}

#[test]
fn a_parent_that_needs_its_child_and_is_needed_stands_in_a_circle() {
    let built = rooms(&[
        ("src/store/mod.rs", "mod child;\npub struct Store(child::Row);"),
        ("src/store/child.rs", "pub struct Row;\nfn f(_: super::Store) {}"),
    ]);
    assert_eq!(CIRCLES(&built).len(), 1);
    let built = rooms(&[
        ("src/store/mod.rs", "mod child;\npub struct Store;\nfn f(child: u8) -> u8 { child }"),
        ("src/store/child.rs", "fn f(_: super::Store) {}"),
    ]);
    assert_eq!(CIRCLES(&built), Vec::<String>::new());
}

#[test]
fn rooms_in_a_circle_are_found() {
    let built = rooms(&[
        ("src/cli/mod.rs", "use crate::web;"),
        ("src/web/mod.rs", "use crate::clock;"),
        ("src/clock/mod.rs", "use crate::cli;"),
    ]);
    assert_eq!(rules::no_rooms_stand_in_a_circle(&built).len(), 1);
}

#[test]
fn foreign_crates_are_found_outside_their_rooms() {
    let rule: Rule = rules::foreign_types_stop_at_the_border;
    for text in [
        "use sqlx;",
        "use ::sqlx::Row;",
        "use sqlx::{Row, query};",
        "fn f() { sqlx::query(\"\") }",
        "fn f() { assert!(sqlx::query(\"\")) }",
        "use sqlx as database;\nfn f() { database::query(\"\") }",
        "#[derive(sqlx::FromRow)]\nstruct S;",
    ] {
        assert!(!rule(&rooms(&[("src/engine/mod.rs", text)])).is_empty(), "not found: {text}");
        assert_eq!(rule(&rooms(&[("src/store/mod.rs", text)])), Vec::<String>::new(), "{text}");
    }
    // A module of ours with the same name is no foreign crate.
    let own = [
        ("src/web/mod.rs", "mod gitlab;\nmod http;\npub use gitlab::Face;"),
        ("src/web/gitlab.rs", "pub struct Face;"),
        ("src/web/http.rs", "use super::gitlab;\nfn f(_: gitlab::Face) {}"),
    ];
    assert_eq!(rule(&rooms(&own)), Vec::<String>::new());
}

#[test]
fn the_core_is_kept_still() {
    let rule: Rule = rules::the_core_cannot_wait_speak_or_look;
    let core = |text| {
        rule(&house(&[("crates/core/src/lib.rs", text), ("crates/core/src/tests.rs", "use std::thread;")]))
    };
    for text in [
        "use std::{env, fmt};",
        "fn f() { std::fs::read(\"x\") }",
        "async fn f() {}",
        "fn f() { g(async { 1 }) }",
        "fn f() { println!(\"x\") }",
        "fn f() { if true { eprintln!(\"x\") } }",
        "#[cfg(test)]\nmod tests;\nuse std::thread;",
    ] {
        assert_eq!(core(text).len(), 1, "{text}");
    }
    let fine =
        "use std::fmt;\nuse serde::Serialize;\nfn f(x: u8) -> u32 { x.env(u32::MAX, str::len, Self::new()) }";
    assert_eq!(core(fine), Vec::<String>::new());
}

#[test]
fn whoever_reads_the_time_is_found() {
    let rule: Rule = rules::only_the_clock_reads_the_time;
    for text in [
        "fn f() { jiff::Timestamp::now() }",
        "use jiff::Timestamp;\nfn f() { Timestamp::now() }",
        "use std::time::Instant as Tick;\nfn f() { Tick::now() }",
        "fn f() { map(std::time::SystemTime::now) }",
        "fn f() { format!(\"{}\", jiff::ZonedDateTime::now()) }",
    ] {
        assert!(!rule(&rooms(&[("src/web/mod.rs", text)])).is_empty(), "not found: {text}");
        let built = house(&[("src/lib.rs", "mod clock;"), ("src/clock.rs", text)]);
        assert_eq!(rule(&built), Vec::<String>::new());
    }
}

#[test]
fn long_files_and_functions_are_found() {
    let statements = |count: usize| "    f();\n".repeat(count);
    let function = |name: &str, count: usize| format!("fn {name}() {{\n{}}}\n", statements(count));
    let rule: Rule = rules::functions_fit_on_a_screen;
    let text = format!(
        "{}#[cfg(test)]\nmod tests {{\n{}}}\nimpl S {{\n{}}}\ntrait T {{\n{}}}\n",
        function("short", 68),
        function("in_tests", 100),
        function("method", 69),
        function("given", 69),
    );
    let built = rooms(&[("src/store/mod.rs", &text)]);
    let found = rule(&built);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].ends_with("method has 71 lines") && found[1].ends_with("given has 71 lines"),
        "{found:?}"
    );

    let rule: Rule = rules::files_have_one_subject;
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// x\n".repeat(900));
    let long = |lines: usize| format!("{}{tests}{}", "// x\n".repeat(400), "// x\n".repeat(lines - 400));
    assert_eq!(rule(&rooms(&[("src/store/mod.rs", &long(500))])), Vec::<String>::new());
    assert_eq!(rule(&rooms(&[("src/store/mod.rs", &long(501))])).len(), 1);
}

#[test]
fn a_file_that_no_module_declares_is_found() {
    let built = rooms(&[("src/store/mod.rs", "mod rows;"), ("src/store/old.rs", "")]);
    let found = rules::every_file_is_a_module(&built);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn types_of_one_name_are_found() {
    let rule: Rule = rules::each_type_has_a_name_of_its_own;
    let with = |text| rule(&rooms(&[("src/store/mod.rs", "pub struct Row;"), ("src/web/mod.rs", text)]));
    for text in [
        "pub struct Row;",
        "pub(super) enum Row {}",
        "mod inner {\n    pub type Row = u8;\n}",
        "pub trait Row {}",
    ] {
        let found = with(text);
        assert_eq!(found.len(), 1, "{text}");
        assert!(found[0].contains("src/store/mod.rs:1, src/web/mod.rs:"), "{found:?}");
    }
    // Whoever keeps a type to themselves, or writes it for tests, is in nobody's way.
    for text in
        ["struct Row;", "pub use crate::store::Row;", "#[cfg(test)]\nmod tests {\n    pub struct Row;\n}"]
    {
        assert_eq!(with(text), Vec::<String>::new(), "{text}");
    }
    let wire = house(&[
        ("src/lib.rs", "mod forge;\nmod store;"),
        ("src/forge.rs", "mod wire;\npub struct Row;"),
        ("src/forge/wire.rs", "pub struct User;\npub struct Row;"),
        ("src/store.rs", "pub struct User;"),
    ]);
    assert_eq!(rule(&wire), Vec::<String>::new());
}
