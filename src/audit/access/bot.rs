//! What Usher's own account needs in a project for each thing it does there.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use usher_core::model::access::{BotRights, ProjectFacts, Rank};
use usher_core::model::change::ForgeKind;
use usher_core::model::policy::Policy;

/// Something that Usher does in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BotNeed {
    ReadChanges,
    Comment,
    /// With an emoji, to a command.
    React,
    SetLabels,
    CreateLabels,
    AskReviewers,
    /// For this report only.
    ReadMembers,
    /// Where a route goes by CODEOWNERS.
    ReadOwners,
    /// Seeing whether its webhooks are alive; Usher works without (GitLab).
    WatchHooks,
}

/// What Usher lacks in some projects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BotGap {
    pub projects: Vec<String>,
    pub lacks: BTreeSet<BotNeed>,
    /// The smallest role that brings it all; `None` for a GitHub App.
    pub rank: Option<Rank>,
    /// The permissions that a GitHub App is to be granted: name, `read` or `write`.
    pub permissions: BTreeMap<String, String>,
    /// Usher does without.
    pub optional: bool,
}

impl BotNeed {
    /// The least role that may do it.
    ///
    /// GitLab: Reporter may comment and create labels; labels and reviewers of a merge request are
    /// for Developers, webhooks for Maintainers (GL `doc/user/permissions.md`). GitHub: triage may
    /// label and ask for reviews, a label is created and collaborators are listed from write on
    /// (GH "Repository roles for an organization"; OpenAPI description).
    fn role(self, kind: ForgeKind) -> Rank {
        let (gitlab, github) = match self {
            BotNeed::ReadChanges | BotNeed::Comment | BotNeed::React | BotNeed::ReadOwners => {
                (Rank::Read, Rank::Read)
            }
            BotNeed::CreateLabels => (Rank::Read, Rank::Write),
            BotNeed::SetLabels | BotNeed::AskReviewers => (Rank::Write, Rank::Triage),
            BotNeed::ReadMembers => (Rank::Guest, Rank::Write),
            BotNeed::WatchHooks => (Rank::Maintain, Rank::Nobody),
        };
        if kind == ForgeKind::GitLab { gitlab } else { github }
    }

    /// The permission of a GitHub App that does it (OpenAPI schema `app-permissions`). Every App may
    /// read metadata, which collaborators are.
    fn permission(self) -> Option<(&'static str, &'static str)> {
        match self {
            BotNeed::ReadChanges => Some(("pull_requests", "read")),
            BotNeed::Comment | BotNeed::SetLabels | BotNeed::CreateLabels | BotNeed::AskReviewers => {
                Some(("pull_requests", "write"))
            }
            BotNeed::React => Some(("issues", "write")),
            BotNeed::ReadOwners => Some(("contents", "read")),
            BotNeed::ReadMembers | BotNeed::WatchHooks => None,
        }
    }

    fn is_optional(self) -> bool {
        self == BotNeed::WatchHooks
    }
}

/// What Usher lacks, project by project, the same lacks together.
pub(super) fn judge(policy: &Policy, forge: &str, kind: ForgeKind, projects: &[ProjectFacts]) -> Vec<BotGap> {
    let mut gaps: Vec<BotGap> = Vec::new();
    for project in projects {
        for optional in [false, true] {
            let Some(gap) = gap(policy, forge, kind, project, optional) else { continue };
            let same = |other: &&mut BotGap| {
                let alike = (&other.lacks, other.rank, &other.permissions);
                alike == (&gap.lacks, gap.rank, &gap.permissions)
            };
            match gaps.iter_mut().find(same) {
                Some(other) => other.projects.extend(gap.projects),
                None => gaps.push(gap),
            }
        }
    }
    gaps.sort_by_key(|gap| gap.optional);
    gaps
}

fn gap(
    policy: &Policy,
    forge: &str,
    kind: ForgeKind,
    project: &ProjectFacts,
    optional: bool,
) -> Option<BotGap> {
    let owners = policy.routes.iter().filter(|route| route.codeowners);
    let owners = owners.into_iter().any(|route| route.may_lead_from(forge, &project.project));
    let always = [
        BotNeed::ReadChanges,
        BotNeed::Comment,
        BotNeed::React,
        BotNeed::SetLabels,
        BotNeed::CreateLabels,
        BotNeed::AskReviewers,
        BotNeed::ReadMembers,
        BotNeed::WatchHooks,
    ];
    let needs = always.into_iter().chain(owners.then_some(BotNeed::ReadOwners));
    let needs = needs.filter(|need| need.is_optional() == optional);
    let mut gap = BotGap {
        projects: vec![project.project.clone()],
        lacks: BTreeSet::new(),
        rank: None,
        permissions: BTreeMap::new(),
        optional,
    };
    match &project.bot {
        BotRights::Unknown => return None,
        BotRights::Role(rank) => {
            gap.lacks = needs.filter(|need| need.role(kind) > *rank).collect();
            gap.rank = gap.lacks.iter().map(|need| need.role(kind)).max();
        }
        BotRights::Permissions(granted) => {
            let has = |(name, level): (&str, &str)| {
                granted.get(name).is_some_and(|given| given == level || given == "write")
            };
            let lacking = needs.filter(|need| need.permission().is_some_and(|wanted| !has(wanted)));
            gap.lacks = lacking.collect();
            for (name, level) in gap.lacks.iter().filter_map(|need| need.permission()) {
                let wanted = gap.permissions.entry(name.to_owned()).or_default();
                // `write` includes `read`, and comes after it in the alphabet.
                if level > wanted.as_str() {
                    level.clone_into(wanted);
                }
            }
        }
    }
    (!gap.lacks.is_empty()).then_some(gap)
}
