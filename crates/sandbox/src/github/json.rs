//! A pull request and what hangs on it, as GitHub's REST API shows them; its webhooks carry the same
//! objects.

use super::time::github_time;
use crate::wire::merged;
use crate::world::{
    Change, ChangeState, ChangedFile, Comment, Forge, Label, Project, Reaction, State, SubmittedReview,
    UserId, Verdict, digest,
};
use serde_json::{Value, json};

/// Deletions and additions of a file above which GitHub leaves its patch out.
const PATCH_LINES_MAX: u64 = 3_000;

/// Reactions GitHub knows.
pub(super) const REACTIONS: [&str; 8] =
    ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"];

impl State {
    pub(super) fn gh_label(&self, project: &Project, label: &Label) -> Value {
        json!({
            "id": label.id,
            "node_id": format!("LA_{}", label.id),
            "url": format!("{}/repos/{}/labels/{}", self.api(Forge::Github), project.path, escaped(&label.name)),
            "name": label.name,
            "color": label.color,
            "default": false,
            "description": label.description,
        })
    }

    pub(super) fn gh_labels(&self, project: &Project, change: &Change) -> Value {
        let labels = change.labels.iter().filter_map(|name| project.label(name));
        labels.map(|label| self.gh_label(project, label)).collect()
    }

    /// A pull request as lists and most webhooks show it.
    pub(super) fn gh_pull(&self, project: &Project, change: &Change) -> Value {
        let api = format!("{}/repos/{}", self.api(Forge::Github), project.path);
        let (pull, issue) =
            (format!("{api}/pulls/{}", change.number), format!("{api}/issues/{}", change.number));
        let page = format!("{}/{}/pull/{}", self.pages(Forge::Github), project.path, change.number);
        let ended = change.ended_at.map(github_time);
        let urls = json!({
            "url": pull,
            "html_url": page,
            "diff_url": format!("{page}.diff"),
            "patch_url": format!("{page}.patch"),
            "issue_url": issue,
            "commits_url": format!("{pull}/commits"),
            "review_comments_url": format!("{pull}/comments"),
            "review_comment_url": format!("{api}/pulls/comments{{/number}}"),
            "comments_url": format!("{issue}/comments"),
            "statuses_url": format!("{api}/statuses/{}", change.head),
            "_links": {
                "self": { "href": pull },
                "html": { "href": page },
                "issue": { "href": issue },
                "comments": { "href": format!("{issue}/comments") },
                "review_comments": { "href": format!("{pull}/comments") },
                "review_comment": { "href": format!("{api}/pulls/comments{{/number}}") },
                "commits": { "href": format!("{pull}/commits") },
                "statuses": { "href": format!("{api}/statuses/{}", change.head) },
            },
        });
        let people = json!({
            "user": self.gh_user(change.author),
            "assignee": null,
            "assignees": [],
            "requested_reviewers":
                change.reviewers.iter().map(|reviewer| self.gh_user(reviewer.user)).collect::<Vec<_>>(),
            "requested_teams": [],
            "author_association": self.gh_association(project, change.author),
        });
        let content = json!({
            "id": change.id,
            "node_id": format!("PR_{}", change.id),
            "number": change.number,
            "state": open_or_closed(change),
            "locked": false,
            "title": change.title,
            "body": if change.description.is_empty() { None } else { Some(&change.description) },
            "labels": self.gh_labels(project, change),
            "milestone": null,
            "active_lock_reason": null,
            "created_at": github_time(change.created_at),
            "updated_at": github_time(change.updated_at),
            "closed_at": ended,
            "merged_at": ended.as_ref().filter(|_| change.state == ChangeState::Merged),
            "merge_commit_sha": change.head,
            "draft": change.draft,
            "auto_merge": null,
            "head": self.gh_branch(project, &change.source_branch, &change.head),
            "base": self.gh_branch(project, &change.target_branch, &change.head),
        });
        merged(merged(urls, people), content)
    }

    /// A pull request as `GET …/pulls/:n` and the `pull_request` webhook show it.
    pub(super) fn gh_full_pull(&self, project: &Project, change: &Change) -> Value {
        let is_merged = change.state == ChangeState::Merged;
        let more = json!({
            "merged": is_merged,
            "mergeable": if change.state == ChangeState::Open { Some(true) } else { None },
            "rebaseable": null,
            "mergeable_state": if change.draft { "draft" } else { "clean" },
            "merged_by": change.ended_by.filter(|_| is_merged).map(|user| self.gh_user(user)),
            "comments": change.comments.iter().filter(|comment| !comment.is_on_a_line()).count(),
            "review_comments": change.comments.iter().filter(|comment| comment.is_on_a_line()).count(),
            "maintainer_can_modify": false,
            "commits": change.commits,
            "additions": change.files.iter().map(|file| file.added).sum::<u64>(),
            "deletions": change.files.iter().map(|file| file.deleted).sum::<u64>(),
            "changed_files": change.files.len(),
        });
        merged(self.gh_pull(project, change), more)
    }

    fn gh_branch(&self, project: &Project, branch: &str, sha: &str) -> Value {
        json!({
            "label": format!("{}:{branch}", project.owner()),
            "ref": branch,
            "sha": sha,
            "user": self.gh_owner(project.owner()),
            "repo": self.gh_repo(project),
        })
    }

    /// The issue behind a pull request, as `issue_comment` carries it.
    pub(super) fn gh_issue(&self, project: &Project, change: &Change) -> Value {
        let pull = self.gh_pull(project, change);
        let shared = [
            "number",
            "state",
            "locked",
            "title",
            "body",
            "user",
            "labels",
            "assignee",
            "assignees",
            "milestone",
            "created_at",
            "updated_at",
            "closed_at",
            "author_association",
            "active_lock_reason",
            "draft",
            "html_url",
            "comments_url",
        ];
        let shared = shared.iter().map(|name| ((*name).to_owned(), pull[*name].clone())).collect();
        let url = pull["issue_url"].as_str().unwrap_or_default();
        let own = json!({
            "id": change.id + 1_000_000_000,
            "node_id": format!("PR_{}", change.id),
            "url": url,
            "repository_url": format!("{}/repos/{}", self.api(Forge::Github), project.path),
            "comments": change.comments.iter().filter(|comment| !comment.is_on_a_line()).count(),
            "pull_request": {
                "url": pull["url"],
                "html_url": pull["html_url"],
                "diff_url": pull["diff_url"],
                "patch_url": pull["patch_url"],
                "merged_at": pull["merged_at"],
            },
            "state_reason": null,
            "labels_url": format!("{url}/labels{{/name}}"),
            "events_url": format!("{url}/events"),
            "timeline_url": format!("{url}/timeline"),
            "reactions": reactions(url, &[]),
            "performed_via_github_app": null,
        });
        merged(Value::Object(shared), own)
    }

    pub(super) fn gh_comment(&self, project: &Project, change: &Change, comment: &Comment) -> Value {
        let api = format!("{}/repos/{}/issues", self.api(Forge::Github), project.path);
        let page = format!("{}/{}/pull/{}", self.pages(Forge::Github), project.path, change.number);
        json!({
            "id": comment.id,
            "node_id": format!("IC_{}", comment.id),
            "url": format!("{api}/comments/{}", comment.id),
            "html_url": format!("{page}#issuecomment-{}", comment.id),
            "issue_url": format!("{api}/{}", change.number),
            "user": self.gh_user(comment.author),
            "created_at": github_time(comment.created_at),
            "updated_at": github_time(comment.updated_at),
            "author_association": self.gh_association(project, comment.author),
            "body": comment.body,
            "performed_via_github_app": null,
            "reactions": reactions(&format!("{api}/comments/{}", comment.id), &comment.reactions),
        })
    }

    /// A comment on a line, which belongs to a review.
    pub(super) fn gh_line_comment(&self, project: &Project, change: &Change, comment: &Comment) -> Value {
        let api = format!("{}/repos/{}/pulls", self.api(Forge::Github), project.path);
        let page = format!("{}/{}/pull/{}", self.pages(Forge::Github), project.path, change.number);
        json!({
            "id": comment.id,
            "node_id": format!("PRRC_{}", comment.id),
            "pull_request_review_id": comment.wrapper(),
            "url": format!("{api}/comments/{}", comment.id),
            "html_url": format!("{page}#discussion_r{}", comment.id),
            "pull_request_url": format!("{api}/{}", change.number),
            "path": change.files.first().map_or("README.md", |file| file.path.as_str()),
            "commit_id": change.head,
            "original_commit_id": change.head,
            "diff_hunk": "@@ -1 +1 @@",
            "side": "RIGHT",
            "start_side": null,
            "line": 1,
            "original_line": 1,
            "start_line": null,
            "original_start_line": null,
            "position": 1,
            "original_position": 1,
            "_links": {
                "self": { "href": format!("{api}/comments/{}", comment.id) },
                "html": { "href": format!("{page}#discussion_r{}", comment.id) },
                "pull_request": { "href": format!("{api}/{}", change.number) },
            },
            "user": self.gh_user(comment.author),
            "created_at": github_time(comment.created_at),
            "updated_at": github_time(comment.updated_at),
            "author_association": self.gh_association(project, comment.author),
            "body": comment.body,
            "reactions": reactions(&format!("{api}/comments/{}", comment.id), &comment.reactions),
        })
    }

    /// A review; REST says `APPROVED`, the webhook `approved`.
    pub(super) fn gh_review(&self, project: &Project, change: &Change, review: &SubmittedReview) -> Value {
        let pull = format!("{}/repos/{}/pulls/{}", self.api(Forge::Github), project.path, change.number);
        let page = format!("{}/{}/pull/{}", self.pages(Forge::Github), project.path, change.number);
        let state = match review.verdict {
            _ if review.dismissed => "DISMISSED",
            Verdict::Approve => "APPROVED",
            Verdict::RequestChanges => "CHANGES_REQUESTED",
            Verdict::Comment => "COMMENTED",
        };
        json!({
            "id": review.id,
            "node_id": format!("PRR_{}", review.id),
            "user": self.gh_user(review.user),
            "body": review.body,
            "commit_id": review.commit,
            "submitted_at": github_time(review.submitted_at),
            "state": state,
            "html_url": format!("{page}#pullrequestreview-{}", review.id),
            "pull_request_url": pull,
            "author_association": self.gh_association(project, review.user),
            "_links": {
                "html": { "href": format!("{page}#pullrequestreview-{}", review.id) },
                "pull_request": { "href": pull },
            },
        })
    }

    pub(super) fn gh_file(&self, project: &Project, change: &Change, file: &ChangedFile) -> Value {
        let api = format!("{}/repos/{}/contents/{}", self.api(Forge::Github), project.path, file.path);
        let page = format!("{}/{}", self.pages(Forge::Github), project.path);
        let mut entry = json!({
            "sha": digest(&file.path).get(..40),
            "filename": file.path,
            "status": "modified",
            "additions": file.added,
            "deletions": file.deleted,
            "changes": file.added + file.deleted,
            "blob_url": format!("{page}/blob/{}/{}", change.head, file.path),
            "raw_url": format!("{page}/raw/{}/{}", change.head, file.path),
            "contents_url": format!("{api}?ref={}", change.head),
        });
        if file.added + file.deleted <= PATCH_LINES_MAX {
            entry["patch"] = Value::from(file.hunk());
        }
        entry
    }

    pub(super) fn gh_reaction(&self, reaction: &Reaction) -> Value {
        json!({
            "id": reaction.id,
            "node_id": format!("REA_{}", reaction.id),
            "user": self.gh_user(reaction.user),
            "content": reaction.name,
            "created_at": github_time(reaction.created_at),
        })
    }

    fn gh_association(&self, project: &Project, user: UserId) -> &'static str {
        let in_a_team = self
            .orgs
            .get(project.owner())
            .is_some_and(|org| org.teams.values().any(|team| team.members.contains(&user)));
        match self.github_members(project).get(&user) {
            _ if in_a_team => "MEMBER",
            Some(_) => "COLLABORATOR",
            None => "NONE",
        }
    }
}

/// How often each reaction was given to the comment or issue at `url`.
fn reactions(url: &str, given: &[Reaction]) -> Value {
    let mut counts = json!({ "url": format!("{url}/reactions"), "total_count": given.len() });
    for name in REACTIONS {
        counts[name] = json!(given.iter().filter(|reaction| reaction.name == name).count());
    }
    counts
}

/// GitHub knows only these two; merged is a kind of closed.
pub(super) fn open_or_closed(change: &Change) -> &'static str {
    if change.state == ChangeState::Open { "open" } else { "closed" }
}

/// Percent-encodes what must not stand in a path segment.
fn escaped(segment: &str) -> String {
    url::form_urlencoded::byte_serialize(segment.as_bytes()).collect::<String>().replace('+', "%20")
}
