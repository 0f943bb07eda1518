//! The way to a forge: `ca_file` and `proxy`.

use ::secrecy::ExposeSecret;

use super::*;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const FILES: &[(&str, &str)] = &[
    ("ca.pem", PEM),
    ("ca.der", "0\u{82}"),
    ("both.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----BEGIN PRIVATE KEY-----\nhush\n"),
];
const VARIABLES: &[(&str, &str)] = &[
    ("TOKEN", "t"),
    ("HOOK", "h"),
    ("PROXY", "http://usher:hush-hush@proxy.example.com:3128"),
    ("NO_PROXY_AT_ALL", "proxy.example.com:3128/hush"),
];

fn with(line: &str) -> Result<Loaded, Mistakes> {
    read_with(
        &LEAST.replacen("kind = \"gitlab\"", &format!("kind = \"gitlab\"\n{line}"), 1),
        FILES,
        VARIABLES,
    )
}

#[test]
fn certificates_and_proxies_are_taken_and_not_printed() {
    let config = with("ca_file = \"ca.pem\"\nproxy = \"env:PROXY\"").unwrap().config;
    assert_eq!(config.forges[0].ca.as_deref(), Some(PEM));
    let proxy = config.forges[0].proxy.as_ref().unwrap().expose_secret();
    assert_eq!(proxy, "http://usher:hush-hush@proxy.example.com:3128");
    assert!(!format!("{config:?}").contains("hush"));
    let plain = with("proxy = \"http://proxy.example.com:3128\"").unwrap().config;
    assert!(plain.forges[0].proxy.is_some());
    let least = good(LEAST);
    assert!(least.forges[0].proxy.is_none() && least.forges[0].ca.is_none());
}

#[test]
fn what_is_neither_is_told_without_a_secret() {
    for (line, expected) in [
        ("ca_file = \"nowhere.pem\"", "cannot read the certificates in `nowhere.pem`"),
        ("ca_file = \"ca.der\"", "`ca.der` holds no certificate in PEM"),
        ("ca_file = \"both.pem\"", "`both.pem` holds a private key"),
        ("proxy = \"http://usher:hush@proxy.example.com\"", "a secret must not stand in the configuration"),
        ("proxy = \"socks5://proxy.example.com\"", "this is no address of a proxy"),
        ("proxy = \"proxy.example.com:3128\"", "this is no address of a proxy"),
        ("proxy = \"http://proxy.example.com/path\"", "this is no address of a proxy"),
        ("proxy = \"env:NO_PROXY_AT_ALL\"", "what `env:NO_PROXY_AT_ALL` leads to is no address of a proxy"),
        ("proxy = \"env:MISSING\"", "`MISSING` is not set"),
    ] {
        let said = with(line).unwrap_err().to_string();
        assert!(said.contains(expected) && !said.contains("hush"), "{line}: {said}");
    }
}
