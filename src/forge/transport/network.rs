//! The network to a forge, where it is not the plain one: a private certificate authority, a proxy.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::wire::ForgeService;

/// How requests reach a forge. By default as the system does it: the machine's trust roots, and the
/// proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`), if there is one.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Certificates in PEM that are trusted beside the machine's.
    pub ca: Option<String>,
    /// `http://` or `https://`, with user and password if it asks for them. No environment counts then.
    pub proxy: Option<SecretString>,
    /// The forge is in this process: requests are handed to it, and nothing goes over the network.
    pub service: Option<ForgeService>,
}

impl Network {
    /// Host and port of the proxy, for messages: nothing secret.
    pub(super) fn proxy_address(&self) -> Option<String> {
        let url = Url::parse(self.proxy.as_ref()?.expose_secret()).ok()?;
        Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
    }

    /// Sets up a client for it. `is_loopback`: the forge is on this machine, where a proxy of the
    /// environment could not reach it.
    ///
    /// # Errors
    /// When it cannot be used; the message repeats no secret.
    pub(super) fn apply(
        &self,
        mut http: reqwest::ClientBuilder,
        is_loopback: bool,
    ) -> Result<reqwest::ClientBuilder, String> {
        if let Some(pem) = &self.ca {
            let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
            let roots = roots.ok().filter(|roots| !roots.is_empty());
            let roots = roots.ok_or("`ca_file` holds no certificate in PEM")?;
            http = http.tls_certs_merge(roots);
        }
        match &self.proxy {
            Some(url) => {
                // reqwest's own message would repeat the address.
                let proxy = reqwest::Proxy::all(url.expose_secret()).map_err(|_| "`proxy` is no address")?;
                Ok(http.proxy(proxy))
            }
            None if is_loopback => Ok(http.no_proxy()),
            None => Ok(http),
        }
    }
}
