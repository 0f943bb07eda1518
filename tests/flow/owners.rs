//! CODEOWNERS and the size of a change, through the real clients of both forges.

use usher_core::model::change::Size;
use usher_sandbox::{Forge, NewChange};

use super::harness::{BOTH, House, Settings, project, touching};

const FOLLOWED: Toml = "codeowners = true\n";
const SMALL: Toml = "[[timebox_rule]]\nmax_lines = 5\nreviewing = { budget = \"2h\" }\n";

type Toml = &'static str;

async fn house(more: Toml) -> House {
    House::with(Settings { more, ..Settings::default() }).await
}

#[tokio::test]
async fn the_owner_is_asked_and_finding_the_file_costs_a_read_for_each_place() {
    let expected: [&[&str]; 2] = [
        &[
            "GET /merge_requests/1/diffs",
            "GET /repository/files/CODEOWNERS/raw",
            "GET /repository/files/docs%2FCODEOWNERS/raw",
            "QUERY /gl/api/graphql",
            "POST /labels",
            "POST /labels",
            "POST /gl/api/graphql",
            "POST /merge_requests/1/notes",
        ],
        &[
            "GET /pulls/1/files",
            "GET /contents/.github/CODEOWNERS",
            "GET /contents/CODEOWNERS",
            "GET /contents/docs/CODEOWNERS",
            "GET /pulls/1",
            "POST /issues/1/labels",
            "PATCH /labels/support-contribution",
            "PATCH /labels/support-review::reviewing",
            "POST /pulls/1/requested_reviewers",
            "POST /issues/1/comments",
        ],
    ];
    for (forge, expected) in BOTH.into_iter().zip(expected) {
        for owner in ["rita", "ravi"] {
            let mut house = house(FOLLOWED).await;
            let text = format!("* @dora\nsrc/*.rs @{owner} @lena\n");
            house.sandbox.set_file(forge, project(forge), "main", "docs/CODEOWNERS", Some(&text));
            let asked = house.cost_of(async |house| drop(house.open(forge, "sam"))).await;
            assert_eq!(asked, expected, "{forge:?}");
            let change = house.sandbox.changes(forge).remove(0);
            assert_eq!(house.reviewer(&change), owner, "{forge:?}");
            let owners = house.review(&change).await.planned.pools[0].owners.clone();
            assert_eq!((owners.len(), owners[0].path.as_str()), (1, "src/lib.rs"), "{forge:?}");
        }
    }
}

/// Where two files are there, the first place counts; the other forge's own folder never does.
#[tokio::test]
async fn each_forge_has_its_own_first_place_and_reads_the_target_branch() {
    for (forge, first, foreign) in [
        (Forge::Gitlab, "CODEOWNERS", ".github/CODEOWNERS"),
        (Forge::Github, ".github/CODEOWNERS", ".gitlab/CODEOWNERS"),
    ] {
        for owner in ["rita", "ravi"] {
            let mut house = house(FOLLOWED).await;
            let other = if owner == "rita" { "* @ravi" } else { "* @rita" };
            let files = [("release", first, &*format!("* @{owner}")), ("release", "docs/CODEOWNERS", other)];
            for (branch, path, text) in
                files.into_iter().chain([("main", first, other), ("release", foreign, other)])
            {
                house.sandbox.set_file(forge, project(forge), branch, path, Some(text));
            }
            let change = NewChange { target_branch: "release".into(), ..touching("sam", &["a/b.rs"]) };
            let change = house.open_with(forge, change);
            house.quiet().await;
            assert_eq!(house.reviewer(&change), owner, "{forge:?}");
        }
    }
}

#[tokio::test]
async fn without_the_file_the_whole_pool_is_considered() {
    for forge in BOTH {
        let mut house = house(FOLLOWED).await;
        let asked = house.cost_of(async |house| drop(house.open(forge, "sam"))).await;
        let looked_for = asked.iter().filter(|line| line.contains("CODEOWNERS")).count();
        assert_eq!(looked_for, 3, "{forge:?}: {asked:?}");
        let change = house.sandbox.changes(forge).remove(0);
        assert_eq!(house.reviewers(&change).len(), 1, "{forge:?}");
        house.assert_one_status_comment(&change);
    }
}

/// GitHub tells the size in its webhooks; on GitLab the files are read, once for each push.
#[tokio::test]
async fn the_size_is_read_on_gitlab_only_and_again_after_a_push() {
    for (forge, reads) in [(Forge::Gitlab, 1), (Forge::Github, 0)] {
        let mut house = house(SMALL).await;
        let files = |asked: &[String]| {
            asked.iter().filter(|line| line.ends_with("/diffs") || line.ends_with("/files")).count()
        };
        let asked = house.cost_of(async |house| drop(house.open(forge, "sam"))).await;
        assert_eq!(files(&asked), reads, "{forge:?}: {asked:?}");
        let change = house.sandbox.changes(forge).remove(0);
        assert_eq!(house.review(&change).await.seen.size, Some(Size { lines: 4, files: 1 }), "{forge:?}");
        let comment = &house.seen(&change).comments_by("usher")[0].body.clone();
        assert!(comment.contains("Mon 2 Mar, 12:0") && comment.contains("2 working hours"), "{comment}");
        house.minute().await;
        let asked = house.cost_of(async |house| house.sandbox.push(&change, "sam").unwrap()).await;
        assert_eq!(files(&asked), reads, "{forge:?}: {asked:?}");
        let asked = house.cost_of(async |house| house.sandbox.add_label(&change, "rita", "bug").unwrap());
        assert_eq!(files(&asked.await), 0, "{forge:?}");
    }
}
