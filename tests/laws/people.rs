//! Who is who: a name in the policy and a login on a forge are not the same thing.

use usher_core::model::change::Account;
use usher_core::model::people::Directory;
use usher_core::model::policy::{GroupRef, PersonPolicy};

use crate::support::company::{Company, account};

/// Rita is called `rita-x` on this forge, where `rita` is somebody else: a member of pool and group.
fn two_ritas(known: bool) -> (Directory, Account) {
    let mut company = Company::new();
    let own = PersonPolicy { gitlab: Some("rita-x".into()), ..PersonPolicy::default() };
    company.policy.people.insert("rita".into(), own);
    company.policy.pools[0].groups.push(GroupRef { forge: "forge".into(), path: "acme/backend".into() });
    let stranger = Account::new(77, "rita");
    company.roster.groups.insert("acme/backend".into(), vec![stranger.clone()]);
    company.roster.accounts.remove("rita");
    if known {
        company.roster.accounts.insert("rita-x".into(), Account::new(4, "rita-x"));
    }
    (company.directory(), stranger)
}

#[test]
fn a_login_like_another_persons_name_does_not_take_their_place() {
    for known in [true, false] {
        let (directory, stranger) = two_ritas(known);
        let rita = directory.by_name("rita").unwrap();
        assert_eq!(rita.account, known.then(|| Account::new(4, "rita-x")));
        let other = directory.by_id(stranger.id).unwrap();
        assert_eq!((other.name.as_str(), other.account.as_ref()), ("rita (gitlab)", Some(&stranger)));
        assert_eq!(directory.pool("backend"), ["ravi", "rita", "rita (gitlab)"]);
        // On the forge `@rita` is the login.
        assert_eq!(directory.find("@rita").unwrap().name, "rita (gitlab)");
        assert_eq!(directory.find("rita-x").map(|p| p.name.as_str()), known.then_some("rita"));
    }
}

#[test]
fn a_member_of_a_group_who_is_named_as_well_is_one_person() {
    let mut company = Company::new();
    company.policy.pools[0].groups.push(GroupRef { forge: "forge".into(), path: "acme/backend".into() });
    company.roster.groups.insert("acme/backend".into(), account("rita").into_iter().collect());
    assert_eq!(company.directory().pool("backend"), ["ravi", "rita"]);
    // Also when the roster of single accounts has not been read.
    company.roster.accounts.remove("rita");
    assert_eq!(company.directory().pool("backend"), ["ravi", "rita"]);
    assert_eq!(company.directory().by_name("rita").unwrap().account, account("rita"));
}
