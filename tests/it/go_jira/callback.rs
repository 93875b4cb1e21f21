//! C, the callback: which redirect URI a login asks for. Without a client ID, the login's message is the request
//! to the administrator, and names it.

use crate::support::{Ran, World};

const DEFAULT: &str = "https://127.0.0.1:8085/callback";

/// A login without a client ID.
async fn login(world: &World, args: &[&str], env: &[(&str, &str)]) -> Ran {
    let command = world.command(&[&["login", "--base-url", "https://jira.example.com"], args].concat());
    env.iter().fold(command, |command, (name, value)| command.env(name, *value)).run().await
}

/// The redirect URI that it names.
async fn uri(args: &[&str], env: &[(&str, &str)]) -> String {
    let ran = login(&World::new().await, args, env).await.failed(2, "no_client_id");
    let message = ran.error()["message"].as_str().unwrap().to_owned();
    let (_, rest) = message.split_once("with the redirect URL ").unwrap_or_else(|| panic!("{message}"));
    rest.split(' ').next().unwrap().to_owned()
}

/// Item 52, changed: the default is the port of the registered URI, and what was typed goes first.
/// Item 56, changed: Jira takes https for 127.0.0.1, and http for the word localhost alone.
#[tokio::test]
async fn the_callback_port_is_the_flags_or_the_variables_or_8085() {
    let variable = [("JIRA_OAUTH_CALLBACK_PORT", "9100")];
    assert_eq!(uri(&[], &[]).await, DEFAULT);
    assert_eq!(uri(&["--callback-port", "9000"], &[]).await, "https://127.0.0.1:9000/callback");
    assert_eq!(uri(&[], &variable).await, "https://127.0.0.1:9100/callback");
    assert_eq!(uri(&["--callback-port", "9000"], &variable).await, "https://127.0.0.1:9000/callback");
}

/// Items 53, 54, changed: a port that is none is a typing error, and the login would listen at another place.
#[tokio::test]
async fn a_callback_port_that_is_none_is_refused_by_name() {
    let world = World::new().await;
    for port in ["0", "abc", "65536", "-1", "80 80"] {
        let ran = login(&world, &[], &[("JIRA_OAUTH_CALLBACK_PORT", port)]).await.failed(2, "bad_value");
        assert!(ran.error()["message"].as_str().unwrap().contains("JIRA_OAUTH_CALLBACK_PORT"), "{ran}");
        let typed = login(&world, &[&format!("--callback-port={port}")], &[]).await.failed(2, "bad_value");
        assert!(typed.error()["message"].as_str().unwrap().contains("--callback-port"), "{typed}");
    }
    let empty = uri(&[], &[("JIRA_OAUTH_CALLBACK_PORT", "")]).await;
    assert_eq!(empty, DEFAULT, "an empty variable is an unset one");
}

/// Item 55, changed: https is the default, since Jira wants it, and what was typed goes first.
/// Item 59.
#[tokio::test]
async fn the_callback_speaks_tls_unless_somebody_says_no() {
    let plain = "http://localhost:8085/callback";
    for word in ["1", "true"] {
        assert_eq!(uri(&[], &[("JIRA_OAUTH_CALLBACK_HTTPS", word)]).await, DEFAULT);
    }
    assert_eq!(uri(&["--callback-https"], &[]).await, DEFAULT, "no file is needed for it");
    assert_eq!(uri(&["--callback-https=false"], &[]).await, plain);
    assert_eq!(uri(&[], &[("JIRA_OAUTH_CALLBACK_HTTPS", "false")]).await, plain);
    assert_eq!(uri(&["--callback-https"], &[("JIRA_OAUTH_CALLBACK_HTTPS", "false")]).await, DEFAULT);
    assert_eq!(uri(&["--callback-https=false"], &[("JIRA_OAUTH_CALLBACK_HTTPS", "true")]).await, plain);
}

/// Item 57.
/// Item 58, changed: half a pair is a slip, and plain http in its place would be no service.
#[tokio::test]
async fn a_certificate_and_its_key_go_together() {
    let (cert, key) = (["--callback-cert", "cert.pem"], ["--callback-key", "key.pem"]);
    assert_eq!(uri(&[cert, key].concat(), &[]).await, DEFAULT);
    let env = [("JIRA_OAUTH_CALLBACK_CERT", "cert.pem"), ("JIRA_OAUTH_CALLBACK_KEY", "key.pem")];
    assert_eq!(uri(&[], &env).await, DEFAULT);
    let world = World::new().await;
    for (args, env) in [(&cert[..], &[][..]), (&key, &[]), (&[], &env[..1]), (&[], &env[1..])] {
        let ran = login(&world, args, env).await.failed(2, "bad_value");
        let message = ran.error()["message"].to_string();
        assert!(message.contains("--callback-cert") && message.contains("--callback-key"), "{message}");
    }
}
