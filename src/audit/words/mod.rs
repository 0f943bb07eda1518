//! The sentences of the audit.

mod access;
mod membership;

pub use access::{
    AccessLine, access_bot_gap, access_bot_remedy, access_gap, access_lines, access_projects, access_remedy,
    access_strangers, access_unread, access_unseen,
};
pub use membership::{member_roles, not_there, oddity, roster_age};
