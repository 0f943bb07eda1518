//! The rules of the house, read from the source: who may import whom, who may name which foreign
//! crate, who reads the time, how long a file and a function may be. `rules` has them, with the tables.

mod circles;
mod facts;
mod plan;
mod rules;
mod small;

use std::sync::OnceLock;

use plan::House;
use rules::Rule;

fn holds(rule: Rule) {
    static STANDING: OnceLock<House> = OnceLock::new();
    let house = STANDING.get_or_init(House::standing);
    assert!(house.files.len() > 20, "only {} files were found", house.files.len());
    let broken = rule(house);
    assert!(broken.is_empty(), "{} broken:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn rooms_import_only_what_they_may() {
    holds(rules::rooms_import_only_what_they_may);
}

#[test]
fn floors_stand_on_those_below() {
    holds(rules::floors_stand_on_those_below);
}

#[test]
fn no_files_of_a_room_stand_in_a_circle() {
    holds(rules::no_files_of_a_room_stand_in_a_circle);
}

#[test]
fn no_rooms_stand_in_a_circle() {
    holds(rules::no_rooms_stand_in_a_circle);
}

#[test]
fn foreign_types_stop_at_the_border() {
    holds(rules::foreign_types_stop_at_the_border);
}

#[test]
fn the_core_cannot_wait_speak_or_look() {
    holds(rules::the_core_cannot_wait_speak_or_look);
}

#[test]
fn only_the_clock_reads_the_time() {
    holds(rules::only_the_clock_reads_the_time);
}

#[test]
fn files_have_one_subject() {
    holds(rules::files_have_one_subject);
}

#[test]
fn functions_fit_on_a_screen() {
    holds(rules::functions_fit_on_a_screen);
}

#[test]
fn each_type_has_a_name_of_its_own() {
    holds(rules::each_type_has_a_name_of_its_own);
}

#[test]
fn exceptions_are_needed() {
    holds(rules::exceptions_are_needed);
    holds(rules::floors_are_all_there);
}

#[test]
fn every_file_is_a_module() {
    holds(rules::every_file_is_a_module);
}
