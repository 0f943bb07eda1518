//! `ca_file` and `proxy` of a `[[forge]]`: the way to it.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::mistakes::{Fault, RELATIVE_TODO, readable};
use super::outside::Outside;
use super::tree::Node;
use super::{secrets, units};

const PROXY_TODO: &str = "write \"http://proxy.example.com:3128\"";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// The certificates that a `ca_file` holds.
pub(super) fn ca_file(node: &Node, outside: &Outside<'_>) -> Result<String, Fault> {
    let path = units::text(node)?;
    let path = path.strip_prefix("file:").unwrap_or(&path);
    let pem = outside.read(path).map_err(|error| {
        let todo = readable(&error, RELATIVE_TODO);
        Fault::new(format!("cannot read the certificates in `{path}`: {error}"), todo)
    })?;
    if pem.contains("PRIVATE KEY-----") {
        let todo = "give it the authority's certificate alone; the key stays with the authority";
        return Err(Fault::new(format!("`{path}` holds a private key"), todo));
    }
    if pem.contains(CERTIFICATE) {
        return Ok(pem);
    }
    let todo =
        format!("it begins with {CERTIFICATE}; `openssl x509 -in FILE -out FILE.pem` makes PEM of DER");
    Err(Fault::new(format!("`{path}` holds no certificate in PEM"), todo))
}

/// The address of a proxy. One with a password comes by reference.
pub(super) fn proxy(node: &Node, outside: &Outside<'_>) -> Result<SecretString, Fault> {
    let text = units::text(node)?;
    if secrets::is_reference(&text) {
        let address = secrets::secret(node, outside)?;
        let fits = secrets::is_stand_in(&address) || proxy_url(address.expose_secret()).is_some();
        let wrong = || Fault::new(format!("what `{text}` leads to is no address of a proxy"), PROXY_TODO);
        return if fits { Ok(address) } else { Err(wrong()) };
    }
    match proxy_url(&text) {
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            let what = "a secret must not stand in the configuration itself";
            let todo =
                "put the whole address into a variable and write its name: proxy = \"env:USHER_PROXY\"";
            Err(Fault::new(what, todo))
        }
        Some(_) => Ok(SecretString::from(text)),
        None => Err(Fault::new("this is no address of a proxy", PROXY_TODO)),
    }
}

fn proxy_url(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    (plain && matches!(url.scheme(), "http" | "https") && url.host().is_some()).then_some(url)
}
