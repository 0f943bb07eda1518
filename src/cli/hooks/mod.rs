//! `usher hooks`: sets up the webhooks on the forges, and looks after them. Nothing is written without
//! `--yes`, and no hook is touched whose address is not ours.

mod patience;
mod print;
mod secret;
mod site;
mod survey;
mod work;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

pub(super) use self::print::health_words;
use self::secret::Fresh;
use self::site::Site;
use self::survey::{HookLevel, Own, Surveyor};
use super::{CliError, load, start_logging, warn};
use crate::clock::Clock;
use crate::config::{self, Config, Forge};
use crate::forge::{HookAddress, HookSecrets, HookWish};
use crate::service::client;
use usher_core::model::change::ForgeKind;

#[derive(Debug, Subcommand)]
pub(super) enum HooksCommand {
    /// Show what is there, what is missing and what differs; writes nothing. Exit code 1 if `install`
    /// would do something, or cannot see everything; else 0
    Plan {
        #[command(flatten)]
        wish: Wish,
    },
    /// Set up what is missing and correct what differs; without --yes it only plans
    Install {
        #[command(flatten)]
        wish: Wish,
        /// Do it
        #[arg(long)]
        yes: bool,
    },
    /// Show how our webhooks are, and which deliveries failed. Exit code 1 if one is not well
    Status {
        /// Where Usher can be reached; without it, hooks are known by the end of their address
        #[arg(long)]
        url: Option<String>,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Take our webhooks down, and no others; without --yes it only says which (exit code 1 if there
    /// are any)
    Remove {
        /// Where Usher can be reached: `https://usher.example.com`
        #[arg(long)]
        url: String,
        #[command(flatten)]
        place: PlaceArgs,
        /// Do it
        #[arg(long)]
        yes: bool,
    },
}

/// Which webhooks.
#[derive(Clone, Debug, Args)]
pub(super) struct PlaceArgs {
    /// Only this forge of the configuration
    #[arg(long)]
    forge: Option<String>,
    /// Only webhooks of projects, or of groups and organisations; without it, those of owners where
    /// `projects` has a wildcard and the token may, else those of projects
    #[arg(long)]
    level: Option<HookLevel>,
}

/// How the webhooks should be.
#[derive(Clone, Debug, Args)]
pub(super) struct Wish {
    /// Where Usher can be reached: `https://usher.example.com`; /hooks/NAME is added
    #[arg(long)]
    url: String,
    #[command(flatten)]
    place: PlaceArgs,
    /// Give the webhooks a new secret, and keep it in this new file, readable by you alone. The
    /// configuration may name the file already. Without it, the first configured secret is given
    #[arg(long, value_name = "FILE")]
    generate_secret: Option<PathBuf>,
    /// Give the secret to webhooks that have one already, too: no forge shows which it is
    #[arg(long)]
    rotate: bool,
}

pub(super) async fn run(path: &Path, command: HooksCommand, json: bool) -> Result<ExitCode, CliError> {
    start_logging("error");
    let clock = Clock::system();
    match command {
        HooksCommand::Plan { wish } => install(path, &wish, false, json, &clock).await,
        HooksCommand::Install { wish, yes } => install(path, &wish, yes, json, &clock).await,
        HooksCommand::Status { url, place } => status(path, url.as_deref(), &place, json, &clock).await,
        HooksCommand::Remove { url, place, yes } => remove(path, &url, &place, yes, json, &clock).await,
    }
}

async fn install(
    path: &Path,
    wish: &Wish,
    yes: bool,
    json: bool,
    clock: &Clock,
) -> Result<ExitCode, CliError> {
    let fresh = wish.generate_secret.as_deref().map(Fresh::generate).transpose()?;
    let config = match &fresh {
        None => load(path)?,
        Some(fresh) => warn(config::load_as_if(path, fresh.path(), fresh.text()).map_err(CliError::Config)?),
    };
    let forges = chosen(&config, wish.place.forge.as_deref())?;
    if fresh.is_some() && forges.len() != 1 {
        return Err(CliError::Usage("--generate-secret is for one forge: add --forge NAME".into()));
    }
    let mut sites = Vec::new();
    for forge in forges {
        let address = HookAddress::new(&wish.url, &forge.name).map_err(CliError::Usage)?;
        let secrets = fresh.as_ref().map_or_else(|| secrets(forge), |fresh| fresh.secrets(forge));
        let hook = HookWish { address: address.clone(), secrets };
        let client = client(forge, clock)?;
        let mut survey =
            Surveyor::new(&client, clock, Own::At(address.clone()), wish.place.level).look().await;
        survey.judge(forge.kind, Some(&hook), wish.rotate || fresh.is_some());
        if address.is_plain() {
            survey.notes.push("the address is not https: everybody on the way can read what is sent".into());
        }
        sites.push((Site { forge, client, address: Some(address), survey }, hook));
    }
    if yes {
        if let Some(fresh) = &fresh {
            fresh.keep(sites[0].0.forge)?;
        }
        for (site, hook) in &mut sites {
            work::install(site, hook, clock).await;
        }
    }
    let sites: Vec<Site<'_>> = sites.into_iter().map(|(site, _)| site).collect();
    let kept = fresh.as_ref().map(|fresh| fresh.report(sites[0].forge, yes));
    print::plan(&sites, kept.as_ref(), yes, json);
    Ok(code(sites.iter().all(|site| site.survey.is_done())))
}

async fn status(
    path: &Path,
    url: Option<&str>,
    place: &PlaceArgs,
    json: bool,
    clock: &Clock,
) -> Result<ExitCode, CliError> {
    let config = load(path)?;
    let mut sites = Vec::new();
    for forge in chosen(&config, place.forge.as_deref())? {
        let address = url.map(|url| HookAddress::new(url, &forge.name)).transpose();
        let address = address.map_err(CliError::Usage)?;
        let own = address.clone().map_or_else(|| Own::Ending(forge.name.clone()), Own::At);
        let client = client(forge, clock)?;
        let mut survey = Surveyor::new(&client, clock, own, place.level).look().await;
        survey.judge(forge.kind, None, false);
        work::ask_deliveries(&client, &mut survey, clock).await;
        sites.push(Site { forge, client, address, survey });
    }
    print::status(&sites, json);
    Ok(code(sites.iter().all(|site| site.survey.is_well())))
}

async fn remove(
    path: &Path,
    url: &str,
    place: &PlaceArgs,
    yes: bool,
    json: bool,
    clock: &Clock,
) -> Result<ExitCode, CliError> {
    let config = load(path)?;
    let mut sites = Vec::new();
    for forge in chosen(&config, place.forge.as_deref())? {
        let address = HookAddress::new(url, &forge.name).map_err(CliError::Usage)?;
        let client = client(forge, clock)?;
        let mut survey = Surveyor::new(&client, clock, Own::At(address.clone()), place.level).look().await;
        survey.judge(forge.kind, None, false);
        survey.keep_removable(place.level);
        let mut site = Site { forge, client, address: Some(address), survey };
        if yes {
            work::remove(&mut site, clock).await;
        }
        sites.push(site);
    }
    print::removal(&sites, yes, json);
    Ok(code(sites.iter().all(|site| site.survey.is_gone())))
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The forges of that name, or all.
fn chosen<'a>(config: &'a Config, name: Option<&str>) -> Result<Vec<&'a Forge>, CliError> {
    let Some(name) = name else { return Ok(config.forges.iter().collect()) };
    let found: Vec<&Forge> = config.forges.iter().filter(|forge| forge.name == name).collect();
    if found.is_empty() {
        let known: Vec<&str> = config.forges.iter().map(|forge| forge.name.as_str()).collect();
        return Err(CliError::Usage(format!("there is no forge `{name}`; there is {}", known.join(", "))));
    }
    Ok(found)
}

/// What the configuration says a webhook has to know: the first of each list.
fn secrets(forge: &Forge) -> HookSecrets {
    match forge.kind {
        ForgeKind::GitHub => {
            HookSecrets { secret: forge.webhook_secrets.first().cloned(), signing_token: None }
        }
        ForgeKind::GitLab => HookSecrets {
            secret: forge.secret_tokens.first().cloned(),
            signing_token: forge.signing_tokens.first().cloned(),
        },
    }
}
