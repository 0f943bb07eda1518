//! `[templates]` and `[maintainers]`.

use super::*;

fn templates(files: &'static [(&'static str, &'static str)], lines: &str) -> Result<Loaded, Mistakes> {
    read_with(&format!("{LEAST}\n[templates]\n{lines}\n"), files, &[])
}

#[test]
fn a_template_with_a_fault_is_a_warning_with_its_place() {
    let loaded = templates(&[("s.md", "{{ text }}\n{{ nonsense }}")], "status = \"s.md\"");
    let report = short(&loaded);
    assert!(report.contains("warning:") && report.contains("s.md:2:4: "), "{report}");
    assert!(report.contains("the built-in text is used"), "{report}");
    let broken = templates(&[("r.md", "{% if %}")], "remind = \"r.md\"");
    assert!(short(&broken).contains("r.md:1"), "{}", short(&broken));
    assert_eq!(broken.unwrap().config.templates.files().count(), 1, "it is known, and told at run time");
}

#[test]
fn a_good_template_is_kept_without_a_word() {
    let loaded = templates(&[("a.md", "{{ person }}, please!")], "ask = \"a.md\"\nescalate = \"a.md\"");
    assert_eq!(short(&loaded), "");
    assert_eq!(loaded.unwrap().config.templates.files().count(), 2);
}

#[test]
fn a_file_that_is_not_there_is_a_mistake() {
    let report = short(&templates(&[], "status = \"gone.md\""));
    assert!(report.contains("gone.md cannot be read") && !report.contains("warning:"), "{report}");
    let report = short(&templates(&[], "stauts = \"s.md\""));
    assert!(report.contains("unknown key `stauts` in [templates]"), "{report}");
}

#[test]
fn maintainers_are_named_like_support() {
    let text =
        format!("{LEAST}\n[maintainers]\nmembers = [\"olga\"]\ngitlab_groups = [\"gitlab:acme/lead\"]\n");
    let policy = good(&text).policy;
    assert_eq!(policy.maintainers.members, ["olga"]);
    let wish = usher_core::model::people::RosterWish::new(&policy, "gitlab");
    assert!(wish.logins.contains("olga") && wish.groups.contains("acme/lead"), "{wish:?}");
    let twice = format!("{LEAST}\n[maintainers]\nmembers = [\"olga\", \"Olga\"]\n");
    assert!(short(&read(&twice)).contains("`Olga` is named twice"));
}
