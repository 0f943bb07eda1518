//! What each forge's documentation says of its patterns, as tables.

use super::*;

fn github(text: &str) -> Codeowners {
    Codeowners::parse(ForgeKind::GitHub, text)
}

fn gitlab(text: &str) -> Codeowners {
    Codeowners::parse(ForgeKind::GitLab, text)
}

fn matches(kind: ForgeKind, pattern: &str, path: &str) -> bool {
    Codeowners::parse(kind, &format!("{pattern} @x")).owners(path) == ["x"]
}

/// The example of GitHub's `about-code-owners.md`, line by line.
#[test]
fn githubs_patterns() {
    let table: &[(&str, &[&str], &[&str])] = &[
        ("*", &["a", "a/b.c", ".github/x"], &[]),
        ("*.js", &["a.js", "deep/in/a.js"], &["a.jsx", "js"]),
        ("/build/logs/", &["build/logs/a", "build/logs/b/c"], &["x/build/logs/a", "build/logs"]),
        ("docs/*", &["docs/getting-started.md"], &["docs/build-app/troubleshooting.md", "x/docs/a.md"]),
        ("apps/", &["apps/a", "x/apps/a/b"], &["apps", "xapps/a"]),
        ("/docs/", &["docs/a", "docs/b/c"], &["x/docs/a"]),
        ("/scripts", &["scripts", "scripts/a/b"], &["x/scripts"]),
        ("**/logs", &["logs/a", "build/logs/a", "deeply/nested/logs"], &["catalogs/a", "log"]),
        ("/apps/github", &["apps/github", "apps/github/a/b"], &["apps/githubx"]),
        ("docs", &["docs", "docs/a", "x/docs/a"], &["docsx/a"]),
        ("a/b", &["a/b", "a/b/c"], &["x/a/b"]),
        ("a/**/z", &["a/z", "a/b/z", "a/b/c/z", "a/z/more"], &["a/b", "b/a/z"]),
        ("a/**", &["a/b", "a/b/c"], &["a", "b/a/c"]),
        ("**", &["a", "a/b"], &[]),
        ("/*", &["a", ".b"], &["a/b"]),
        ("file?.rs", &["file1.rs"], &["file.rs", "file12.rs"]),
        ("with\\ space/", &["with space/a"], &["with/a"]),
        ("/", &[], &["a", "a/b"]),
        ("README", &["README", "x/README"], &["readme", "README.md"]),
    ];
    check(ForgeKind::GitHub, table);
}

/// The examples of GitLab's `reference.md` and `advanced.md`.
#[test]
fn gitlabs_patterns() {
    let table: &[(&str, &[&str], &[&str])] = &[
        ("*", &["a", "a/b/c", ".gitlab-ci.yml"], &[]),
        ("/README.md", &["README.md"], &["docs/README.md"]),
        ("/docs/README.md", &["docs/README.md"], &["README.md", "x/docs/README.md"]),
        ("README.md", &["README.md", "internal/README.md", "app/lib/README.md"], &["README.mdx"]),
        (
            "internal/README.md",
            &["internal/README.md", "docs/internal/README.md", "docs/api/internal/README.md"],
            &["README.md"],
        ),
        ("/docs/", &["docs/a", "docs/b/c", "docs/.d"], &["docs", "x/docs/a"]),
        ("docs/", &["docs/a", "x/docs/b/c"], &["docsx/a"]),
        ("docs", &["docs", "x/docs"], &["docs/a"]),
        ("/docs/*", &["docs/a"], &["docs/b/c"]),
        ("/docs/*.md", &["docs/a.md"], &["docs/b/a.md", "docs/a.txt"]),
        ("/docs/index.*", &["docs/index.md", "docs/index.html"], &["docs/index"]),
        ("/docs/*spec*", &["docs/qa_specs.rb", "docs/spec_helpers.rb"], &["docs/x/spec"]),
        ("/docs/*/README.md", &["docs/api/README.md"], &["docs/README.md", "docs/a/b/README.md"]),
        (
            "/docs/**/index.md",
            &["docs/index.md", "docs/api/index.md", "docs/api/graphql/index.md"],
            &["index.md"],
        ),
        ("**/*.rb", &["config/database.rb", "app/controllers/users/stars.rb", "a.rb"], &["a.rbx"]),
        ("path\\ with\\ spaces/*.md", &["path with spaces/a.md"], &["path/a.md"]),
        ("\\#file_with_pound.rb", &["#file_with_pound.rb"], &["file_with_pound.rb"]),
        ("/src/[a-c]*.rs", &["src/a.rs", "src/cd.rs"], &["src/d.rs"]),
        ("/src/[^a-c].rs", &["src/d.rs"], &["src/a.rs"]),
        ("/docs/**", &["docs/a"], &["docs/a/b"]),
    ];
    check(ForgeKind::GitLab, table);
}

fn check(kind: ForgeKind, table: &[(&str, &[&str], &[&str])]) {
    for (pattern, yes, no) in table {
        for path in *yes {
            assert!(matches(kind, pattern, path), "{kind:?}: `{pattern}` should match {path}");
        }
        for path in *no {
            assert!(!matches(kind, pattern, path), "{kind:?}: `{pattern}` should not match {path}");
        }
    }
}

#[test]
fn on_github_the_last_match_wins_and_no_owners_take_the_owners_away() {
    let file = github(
        "# a comment\n* @global @acme/everybody\n*.js @js-owner #This is an inline comment\n\
         /apps/ @octocat\n/apps/github\n/apps/github/a.js @doctocat # also @nobody\n",
    );
    assert_eq!(file.owners("README"), ["global", "acme/everybody"]);
    assert_eq!(file.owners("src/a.js"), ["js-owner"]);
    assert_eq!(file.owners("apps/b"), ["octocat"]);
    assert!(file.owners("apps/github/b").is_empty());
    assert_eq!(file.owners("apps/github/a.js"), ["doctocat"]);
    assert_eq!(file.flaws, []);
    assert_eq!(file.handles().len(), 5);
}

#[test]
fn what_github_does_not_support_is_told_by_line_and_passed_over() {
    let file = github(
        "* @all\n!a.js @x\n\\#b @x\nsrc/[a-z].rs @x\n*.go docs@example.com\n*.py pythonista\n/ @x\na/*** @x\n",
    );
    let told: Vec<_> = file.flaws.iter().map(|flaw| (flaw.line, flaw.what.as_str())).collect();
    let expected = [
        (2, "`!` takes nothing back on GitHub: `!a.js`"),
        (3, "`\\#` is no way to write a `#` on GitHub: `\\#b`"),
        (4, "`[ ]` is no set of characters on GitHub: `src/[a-z].rs`"),
        (5, "`docs@example.com` is no user name and is passed over"),
        (6, "`pythonista` is no owner, so GitHub skips the line"),
        (7, "`/` matches nothing"),
        (8, "three asterisks in a row: `a/***`"),
    ];
    assert_eq!(told, expected);
    assert_eq!(file.owners("a.js"), ["all"]);
    assert!(file.owners("a.go").is_empty(), "the line counts, only its owner is not known here");
    assert_eq!(file.owners("a.py"), ["all"], "what is no owner makes GitHub skip the line");
    let file = github("* @all\na.rs @rita ravi\nb.rs @rita, @ravi\nc.rs @\nd.rs @@maintainer\n");
    for path in ["a.rs", "b.rs", "c.rs", "d.rs"] {
        assert_eq!(file.owners(path), ["all"], "{path}: the whole line is skipped");
    }
}

#[test]
fn each_gitlab_section_has_its_own_last_match() {
    let file = gitlab(
        "* @admin\n\n[README Owners]\nREADME.md @user1 @user2\ninternal/README.md @user4\n\n\
         ^[README other owners][2]\nREADME.md @user3 @group/with-nested/subgroup\n\
         [readme owners]\n*.txt @user5\n",
    );
    let sub = "group/with-nested/subgroup";
    assert_eq!(file.owners("README.md"), ["admin", "user1", "user2", "user3", sub]);
    assert_eq!(file.owners("internal/README.md"), ["admin", "user4", "user3", sub]);
    assert_eq!(file.owners("a.txt"), ["admin", "user5"]);
    assert_eq!(file.sections.len(), 3, "case does not matter in a section's name");
    assert_eq!(file.flaws, []);
}

#[test]
fn a_gitlab_section_has_default_owners_and_exclusions() {
    let file = gitlab(
        "[Documentation][2] @docs-team\ndocs/\nREADME.md\n\n^[Database] @database-team @agarcia\n\
         model/db/\nconfig/db/setup.md @docs-team\n[Ruby]\n*.rb @ruby\n!/config/**/*.rb\n\
         /config/routes.rb @ops\n",
    );
    assert_eq!(file.owners("docs/a/b"), ["docs-team"]);
    assert_eq!(file.owners("model/db/x"), ["database-team", "agarcia"]);
    assert_eq!(file.owners("config/db/setup.md"), ["docs-team"]);
    assert_eq!(file.owners("a.rb"), ["ruby"]);
    assert!(file.owners("config/routes.rb").is_empty(), "what is excluded stays so in its section");
}

#[test]
fn what_gitlab_does_not_read_is_told_by_line() {
    let file = gitlab(
        "a.rb @@developer @rita\nb.rb rita@example.com\nc.rb\n[Section name\nd.rb @x # see @y\ne.rb @g user\n",
    );
    let told: Vec<_> = file.flaws.iter().map(|flaw| (flaw.line, flaw.what.as_str())).collect();
    let expected = [
        (1, "the role `@@developer` is passed over"),
        (2, "`rita@example.com` is no user name and is passed over"),
        (2, "nobody is known to own `b.rb`"),
        (3, "nobody is known to own `c.rb`"),
        (4, "this heading is not closed: `[Section name`"),
        (4, "`name` is no owner; did you mean `@…`?"),
        (4, "nobody is known to own `[Section`"),
        (6, "`user` is no owner; did you mean `@…`?"),
    ];
    assert_eq!(told, expected);
    assert_eq!(file.owners("a.rb"), ["rita"]);
    assert_eq!(file.owners("d.rb"), ["x", "y"], "an owner in a comment is one on GitLab");
}

/// `reference_extractor.rb` scans the text after the path; `file.rb` takes the section's owners only where
/// there is no such text.
#[test]
fn gitlab_finds_owners_in_the_text_and_falls_back_to_no_default() {
    let file = gitlab(
        "[Docs] @docs-team\na @rita, @ravi and @acme/team.\nb (@rita)\nc @@maintainers\nd rita@example.com\n\
         e somebody\nf\ng x@y @-dash @.dot\nh @rita/\ni @acme//x\nj @@owner @rita\n",
    );
    assert_eq!(file.owners("a"), ["rita", "ravi", "acme/team"]);
    assert_eq!(file.owners("b"), ["rita"]);
    for path in ["c", "d", "e"] {
        assert!(file.owners(path).is_empty(), "{path}: owners of its own, of whom none is known");
    }
    assert_eq!(file.owners("f"), ["docs-team"]);
    assert_eq!(file.owners("g"), [".dot"]);
    assert_eq!(file.owners("h"), ["rita"]);
    assert_eq!(file.owners("i"), ["acme"]);
    assert_eq!(file.owners("j"), ["rita"]);
}

/// `normalize_pattern` of `file.rb` makes `/**/*` of a bare slash.
#[test]
fn on_gitlab_a_bare_slash_is_everything() {
    let file = gitlab("/ @rita\ndocs/ @dora\n");
    assert_eq!((file.owners("a"), file.owners("a/b/c")), (vec!["rita"], vec!["rita"]));
    assert_eq!(file.owners("x/docs/a"), ["dora"]);
    assert_eq!(file.flaws, []);
}

/// `section_parser.rb`: a line that begins with a closed bracket is a heading, whatever follows.
#[test]
fn gitlab_headings_are_read_by_its_own_rule() {
    let owner = |heading: &str| {
        let file = gitlab(&format!("{heading}\na\n"));
        file.owners("a").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(owner("[Backend][2]@rita"), ["rita"]);
    assert_eq!(owner("^[Backend][ 2 ] @rita"), ["rita"]);
    assert_eq!(owner("[] @rita"), ["rita"]);
    assert_eq!(owner("[Docs] @rita, @ravi"), ["rita"], "a comma ends a heading's owners");
    assert_eq!(owner("[Doc]] @rita"), [""; 0]);
    assert_eq!(owner("[Docs][two] @rita"), [""; 0]);
    let file = gitlab("* @all\n[a-z]*.rb @rita\nb.rb\n");
    assert_eq!(file.owners("a.rb"), ["all"], "a heading, and no path");
}

#[test]
fn limits_are_told_and_kept() {
    let long = "a @x\n".repeat(ENTRIES_MAX + 5);
    let file = github(&long);
    assert_eq!(file.sections[0].entries.len(), ENTRIES_MAX);
    assert_eq!(file.flaws[0].line, ENTRIES_MAX + 1);
    let broken = "! @x\n".repeat(1_000);
    assert_eq!(github(&broken).flaws.len(), FLAWS_MAX);
    let large = format!("{}\nb @late\n", "#".repeat(BYTES_MAX));
    assert!(github(&large).owners("b").is_empty());
    assert_eq!(github(&large).flaws.len(), 1);
    let crowd = format!("a {}", "@x ".repeat(OWNERS_MAX + 1));
    assert_eq!(github(&crowd).owners("a"), ["x"]);
    assert_eq!(github(&crowd).flaws.len(), 1);
    let path = format!("{} @x", "a".repeat(PATTERN_BYTES_MAX + 1));
    assert_eq!(github(&path).flaws[0].what, "a path of more than 1024 bytes");
}

/// Many stars cost no more than their number times the length of the name.
#[test]
fn a_hostile_pattern_is_matched_in_no_time() {
    let name = "a".repeat(5_000);
    assert!(!matches(ForgeKind::GitLab, &format!("{}b", "a*".repeat(400)), &name));
    let path = "a/".repeat(2_000);
    assert!(!matches(ForgeKind::GitHub, &format!("{}b", "**/a/".repeat(200)), &path));
}

#[test]
fn byte_order_marks_and_line_ends_of_windows_do_not_matter() {
    let file = github("\u{feff}*.md @rita\r\n*.rs @ravi\r\n");
    assert_eq!((file.owners("a.md"), file.owners("a.rs")), (vec!["rita"], vec!["ravi"]));
    assert_eq!(file.flaws, []);
}
