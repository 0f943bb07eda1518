//! `usher check --online`: is the forge new enough for what Usher asks of it, and for what the
//! configuration expects of it.

use super::finding::Findings;
use crate::config::Forge;

/// Major and minor version.
type Version = (u32, u32);

/// Before it nothing tells which files a change touches (`GET …/diffs`).
const OLDEST: Version = (15, 7);
/// Since then webhooks are signed.
const SIGNS: Version = (19, 0);

/// Judges what a GitLab tells of itself.
pub(super) fn judge(forge: &Forge, told: Option<&str>, findings: &mut Findings) {
    let Some(told) = told else { return };
    let Some(version) = read(told) else {
        findings.warning(
            format!("its version, {told}, is not understood"),
            "make sure that it is GitLab 15.7 or newer",
        );
        return;
    };
    let relies_on_signatures = !forge.signing_tokens.is_empty() && !takes_secret_tokens(forge);
    if version < OLDEST {
        findings.fault(
            format!("GitLab {told} is too old: Usher works with 15.7 and newer"),
            "update GitLab; before 15.7 it does not tell which files a change touches",
        );
    } else if version < SIGNS && relies_on_signatures {
        findings.fault(
            format!("GitLab {told} does not sign webhooks (19.0 and newer do), so all would be refused"),
            "configure `secret_tokens` instead of `signing_tokens`",
        );
    } else {
        findings.good(format!("GitLab {told} is new enough"));
    }
}

/// Whether an unsigned webhook with a secret token is taken all the same.
fn takes_secret_tokens(forge: &Forge) -> bool {
    forge.allow_unsigned && !forge.secret_tokens.is_empty()
}

/// `19.5.0-ee`, `16.11.2`, `19.4.0-pre`
fn read(told: &str) -> Option<Version> {
    let mut parts = told.split(['.', '-']);
    let mut number = || parts.next()?.parse().ok();
    Some((number()?, number()?))
}
