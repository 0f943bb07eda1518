//! A new secret for webhooks: made here, kept in one file, shown to nobody.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::cli::CliError;
use crate::config::Forge;
use crate::forge::HookSecrets;
use usher_core::model::change::ForgeKind;

/// GitLab signs with exactly so many; as many do for GitHub.
const KEY_BYTES: usize = 32;

/// A secret that nobody knows yet, and where it will be kept.
pub(super) struct Fresh {
    path: PathBuf,
    /// `whsec_…`, as GitLab signs with it.
    token: SecretString,
}

/// What is said of a new secret.
pub(super) struct Report {
    pub path: String,
    /// The line that the configuration lacks; `None`: it names the file already.
    pub line: Option<String>,
    pub written: bool,
}

impl Fresh {
    /// # Errors
    /// When there is such a file already, or the system has no randomness.
    pub(super) fn generate(path: &Path) -> Result<Fresh, CliError> {
        let path = std::path::absolute(path).context("the path of the new secret")?;
        if path.symlink_metadata().is_ok() {
            let what = format!(
                "{} is there already, and no secret is overwritten; name a new file, or leave \
                 --generate-secret out and add --rotate to give the webhooks the one in it",
                path.display()
            );
            return Err(CliError::Usage(what));
        }
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).context("the operating system gives no random numbers")?;
        Ok(Fresh { path, token: format!("whsec_{}", STANDARD.encode(key)).into() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file is taken to hold while the configuration is read: good on either forge.
    pub(super) fn text(&self) -> &str {
        self.token.expose_secret()
    }

    /// What the webhooks of a forge are given: a signing token where the forge is configured with
    /// them, else the same key as a plain secret.
    pub(super) fn secrets(&self, forge: &Forge) -> HookSecrets {
        if !signs(forge) {
            return HookSecrets { secret: Some(self.value(forge)), signing_token: None };
        }
        // A plain token beside it stays, for the time of a migration.
        let secret = forge.secret_tokens.first().cloned();
        HookSecrets { secret, signing_token: Some(self.value(forge)) }
    }

    /// The secret as this forge takes it.
    fn value(&self, forge: &Forge) -> SecretString {
        let token = self.token.expose_secret();
        let bare = token.strip_prefix("whsec_").unwrap_or(token);
        if signs(forge) { self.token.clone() } else { bare.into() }
    }

    /// Writes the file: new, and readable by nobody else.
    ///
    /// # Errors
    /// When it cannot be written, or somebody else wrote it meanwhile.
    pub(super) fn keep(&self, forge: &Forge) -> Result<(), CliError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let write = || {
            let mut file = options.open(&self.path)?;
            file.write_all(format!("{}\n", self.value(forge).expose_secret()).as_bytes())?;
            file.sync_all()
        };
        write().with_context(|| format!("the secret cannot be kept in {}", self.path.display()))?;
        Ok(())
    }

    /// What to tell; the secret itself is not in it.
    pub(super) fn report(&self, forge: &Forge, written: bool) -> Report {
        let (key, list) = match forge.kind {
            ForgeKind::GitHub => ("webhook_secrets", &forge.webhook_secrets),
            ForgeKind::GitLab if signs(forge) => ("signing_tokens", &forge.signing_tokens),
            ForgeKind::GitLab => ("secret_tokens", &forge.secret_tokens),
        };
        let path = self.path.display().to_string();
        let known = list.iter().any(|secret| secret.expose_secret() == self.token.expose_secret());
        let line = (!known).then(|| format!("{key} = [\"file:{path}\"]"));
        Report { path, line, written }
    }
}

/// Whether deliveries of this forge are signed with a token of GitLab 19.0.
fn signs(forge: &Forge) -> bool {
    forge.kind == ForgeKind::GitLab && !forge.signing_tokens.is_empty()
}
