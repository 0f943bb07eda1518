//! What goes over the wire, apart from any forge's dialect: requests, answers, pages, GraphQL, and the
//! payloads of webhooks.

mod call;
mod graphql;
mod json;
mod page;
mod payload;
mod reply;

pub(crate) use self::call::{Call, read_time};
pub(crate) use self::graphql::{Field, Query, error, refused};
pub(crate) use self::json::{merged, strings};
pub(crate) use self::page::Page;
pub(crate) use self::payload::{Audience, Payload};
pub(crate) use self::reply::Reply;
