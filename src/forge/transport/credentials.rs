//! What a client signs in with, and the header that each request carries for it.

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// What a client signs in with.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// An access token: GitLab personal, project, group and service account tokens; GitHub personal
    /// access tokens.
    Token(SecretString),
    /// A GitHub App, which gets a token of its own for every owner that has installed it.
    App(AppKey),
}

/// The private key of a GitHub App.
#[derive(Clone, Debug)]
pub struct AppKey {
    /// The App's id, or its client id as text: either signs in.
    pub id: String,
    /// RSA, as GitHub hands it out: PEM.
    pub private_key: SecretString,
}

/// One token, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Bearer {
    /// `Authorization`, marked as sensitive.
    pub header: HeaderValue,
    /// The token alone, to be taken out of what is printed.
    pub secret: SecretString,
}

impl Bearer {
    /// # Errors
    /// When the token cannot be a header.
    pub(super) fn new(secret: SecretString) -> Result<Bearer, String> {
        let text = format!("Bearer {}", secret.expose_secret());
        let mut header = HeaderValue::from_str(&text).map_err(|_| {
            "the token holds a line break or another character no header may carry".to_owned()
        })?;
        header.set_sensitive(true);
        Ok(Bearer { header, secret })
    }
}
