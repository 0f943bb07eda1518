//! `usher check --online`: the CODEOWNERS files that routes follow, and what is wrong in them.

use std::collections::BTreeSet;

use crate::config::{Config, Forge};
use crate::forge::{Client, ForgeFault, Listing, OwnersRead};
use usher_core::choose::codeowners::{BYTES_MAX, Codeowners};
use usher_core::model::people::Directory;

/// Projects whose file is read, at most.
const PROJECTS_MAX: usize = 50;
/// Flaws that are printed of one file, at most.
const FLAWS_SHOWN: usize = 20;

/// What is to be said of one file, and what to do about it.
type Said = (String, Option<String>);

/// Reads the file of each project that a route with `codeowners` can lead from: those that the
/// configuration names in full, and those with open changes. Each on its default branch.
pub(super) async fn ask(
    config: &Config,
    forge: &Forge,
    client: &Client,
    directory: &Directory,
    listing: &Listing,
) -> Vec<Said> {
    let exact = client.exact_projects().map(str::to_owned);
    let open = listing.changes.iter().map(|(key, _)| key.project.clone());
    let followed = |project: &String| {
        let mut routes = config.policy.routes.iter().filter(|route| route.codeowners);
        routes.any(|route| route.may_lead_from(&forge.name, project))
    };
    let projects: BTreeSet<String> = exact.chain(open).filter(followed).collect();
    let mut said = Vec::new();
    for project in projects.iter().take(PROJECTS_MAX) {
        said.push(judge(project, client.codeowners(project, None).await, directory));
    }
    if projects.len() > PROJECTS_MAX {
        said.push((format!("only the first {PROJECTS_MAX} CODEOWNERS files were read"), None));
    }
    said
}

fn judge(project: &str, read: Result<OwnersRead, ForgeFault>, directory: &Directory) -> Said {
    match read {
        Ok(OwnersRead::Missing) => {
            (format!("{project} has no CODEOWNERS, so everybody of the pool is considered"), None)
        }
        Ok(OwnersRead::TooLarge { place }) => {
            let remedy = format!("it is not used; keep it below {BYTES_MAX} bytes");
            (format!("{place} of {project} is too large"), Some(remedy))
        }
        Ok(OwnersRead::Read { place, file }) if file.flaws.is_empty() => {
            (format!("{place} of {project} is understood; {}", known(&file, directory)), None)
        }
        Ok(OwnersRead::Read { place, file }) => {
            let mut what = format!("{place} of {project}, {}:", known(&file, directory));
            for flaw in file.flaws.iter().take(FLAWS_SHOWN) {
                what.push_str(&format!("\n            line {}: {}", flaw.line, flaw.what));
            }
            if let Some(more) = file.flaws.len().checked_sub(FLAWS_SHOWN).filter(|more| *more > 0) {
                what.push_str(&format!("\n            and {more} more"));
            }
            (what, Some("correct the file; until then Usher passes over these places".into()))
        }
        Err(fault) => {
            let remedy = "the token must read files: on GitHub Contents: read, on GitLab the role Reporter";
            (format!("CODEOWNERS of {project} cannot be read: {fault}"), Some(remedy.into()))
        }
    }
}

/// How many of the owners are members of some pool.
fn known(file: &Codeowners, directory: &Directory) -> String {
    let handles = file.handles();
    let in_pools = handles
        .iter()
        .filter(|handle| directory.behind(handle).iter().any(|name| directory.in_any_pool(name)));
    format!("{} of its {} owners lead to members of a pool", in_pools.count(), handles.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use usher_core::model::change::{Account, ForgeKind};
    use usher_core::model::people::Roster;
    use usher_core::model::policy::{Policy, Pool};

    fn directory() -> Directory {
        let pool = Pool { name: "backend".into(), members: vec!["rita".into()], ..Pool::default() };
        let policy = Policy { pools: vec![pool], ..Policy::default() };
        let accounts = [("rita".to_owned(), Account::new(1, "Rita"))].into();
        Directory::new(&policy, "f", &Roster { accounts, ..Roster::default() })
    }

    fn said(text: &str) -> Said {
        let file = Codeowners::parse(ForgeKind::GitLab, text);
        judge("acme/shop", Ok(OwnersRead::Read { place: "CODEOWNERS", file }), &directory())
    }

    #[test]
    fn a_good_file_is_no_fault_and_a_bad_line_is_told_by_its_number() {
        let (what, remedy) = said("* @rita @olga\n");
        let counted = "1 of its 2 owners lead to members of a pool";
        assert_eq!(what, format!("CODEOWNERS of acme/shop is understood; {counted}"));
        assert_eq!(remedy, None);
        let (what, remedy) = said("* @rita @olga\na.rb @@developer @rita\n");
        let line = "line 2: the role `@@developer` is passed over";
        assert_eq!(what, format!("CODEOWNERS of acme/shop, {counted}:\n            {line}"));
        assert!(remedy.is_some());
    }

    #[test]
    fn a_missing_file_is_no_fault_and_a_hidden_one_is() {
        let missing = judge("acme/shop", Ok(OwnersRead::Missing), &directory());
        assert_eq!(missing.1, None);
        let fault = ForgeFault::Refused { status: 403, answer: "no".into() };
        let (what, remedy) = judge("acme/shop", Err(fault), &directory());
        assert!(what.contains("refused with 403: no"), "{what}");
        assert!(remedy.is_some_and(|remedy| remedy.contains("Contents: read")));
    }
}
