//! Deliveries of GitHub, as long as real ones are.

use serde_json::{Value, json};

const OPENED: &str = include_str!("../../tests/payloads/github/pull_request.opened.json");
/// How many changes the deliveries are about, in turn.
pub(super) const CHANGES: u64 = 500;

/// What each object of a person has beside what our small payloads tell, as GitHub documents it
/// (<https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request>).
const OF_A_PERSON: [&str; 10] = [
    "url",
    "followers_url",
    "following_url",
    "gists_url",
    "starred_url",
    "subscriptions_url",
    "organizations_url",
    "repos_url",
    "events_url",
    "received_events_url",
];
const OF_A_REPOSITORY: [&str; 45] = [
    "forks_url",
    "keys_url",
    "collaborators_url",
    "teams_url",
    "hooks_url",
    "issue_events_url",
    "events_url",
    "assignees_url",
    "branches_url",
    "tags_url",
    "blobs_url",
    "git_tags_url",
    "git_refs_url",
    "trees_url",
    "statuses_url",
    "languages_url",
    "stargazers_url",
    "contributors_url",
    "subscribers_url",
    "subscription_url",
    "commits_url",
    "git_commits_url",
    "comments_url",
    "issue_comment_url",
    "contents_url",
    "compare_url",
    "merges_url",
    "archive_url",
    "downloads_url",
    "issues_url",
    "pulls_url",
    "milestones_url",
    "notifications_url",
    "labels_url",
    "releases_url",
    "deployments_url",
    "git_url",
    "ssh_url",
    "clone_url",
    "svn_url",
    "homepage",
    "created_at",
    "updated_at",
    "pushed_at",
    "topics_url",
];

/// A body with room for what differs from one delivery to the next.
pub(super) struct Bodies {
    before: String,
    between: String,
    after: String,
}

/// Stands where the number of the change goes, and where the time of its last update goes.
const NUMBER: &str = "\"NUMBER\"";
const UPDATED: &str = "UPDATED";

impl Bodies {
    /// Deliveries about changes of this author, by GitHub's number.
    pub(super) fn by(login: &str, id: u64, repository: u64, project: &str) -> Bodies {
        let mut body: Value = serde_json::from_str(OPENED).expect("a payload");
        body["action"] = json!("synchronize");
        let pull = &mut body["pull_request"];
        (pull["user"]["login"], pull["user"]["id"]) = (json!(login), json!(id));
        (pull["number"], pull["updated_at"]) = (json!("NUMBER"), json!(UPDATED));
        let mut project_of = pull["base"]["repo"].clone();
        (project_of["id"], project_of["full_name"]) = (json!(repository), json!(project));
        (pull["base"]["repo"], pull["head"]["repo"]) = (project_of.clone(), project_of.clone());
        body["repository"] = project_of;
        body["sender"] = body["pull_request"]["user"].clone();
        body.as_object_mut().expect("an object").remove("number");
        lengthen(&mut body);
        let text = body.to_string();
        let (before, rest) = text.split_once(NUMBER).expect("a number");
        let (between, after) = rest.split_once(UPDATED).expect("a time");
        let [before, between, after] = [before, between, after].map(str::to_owned);
        Bodies { before, between, after }
    }

    /// The delivery of this number: each is newer than the one before, and about the next change.
    pub(super) fn write(&self, number: u64, into: &mut String) {
        let at = jiff::Timestamp::from_second(1_767_225_600 + number as i64).expect("a time");
        into.clear();
        into.push_str(&self.before);
        into.push_str(&(1 + number % CHANGES).to_string());
        into.push_str(&self.between);
        into.push_str(&at.to_string());
        into.push_str(&self.after);
    }
}

fn lengthen(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(lengthen),
        Value::Object(fields) => {
            fields.values_mut().for_each(lengthen);
            let base = match (fields.get("login"), fields.get("full_name")) {
                (Some(login), _) => format!("users/{}", login.as_str().unwrap_or_default()),
                (_, Some(path)) => format!("repos/{}", path.as_str().unwrap_or_default()),
                _ => return,
            };
            let names: &[&str] = if fields.contains_key("login") { &OF_A_PERSON } else { &OF_A_REPOSITORY };
            for name in names {
                let url =
                    format!("https://api.github.com/{base}/{}{{/other_user}}", name.trim_end_matches("_url"));
                fields.entry(*name).or_insert_with(|| url.into());
            }
        }
        _ => {}
    }
}
