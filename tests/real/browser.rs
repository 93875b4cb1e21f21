//! What login counts on in a browser, and what the tests count on in their driver.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::browser::Browser;
use crate::support::{Real, runs};

const START: &str = "<!doctype html><h1>Start</h1><form action=/callback><input id=code name=code value=old>\
                     <button>Send</button></form>";

/// Serves HTTPS with a certificate that nobody signed; hands out the head of each request it could read.
fn serve() -> (SocketAddr, Receiver<String>) {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, heads) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (config, seen) = (config.clone(), seen.clone());
            thread::spawn(move || {
                let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                let mut head = vec![];
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut byte) {
                        Ok(1) => head.push(byte[0]),
                        _ => return,
                    }
                }
                let head = String::from_utf8(head).unwrap();
                let body = if head.starts_with("GET /start ") { START } else { "<h1>Arrived</h1>" };
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = seen.send(head);
            });
        }
    });
    (address, heads)
}

/// Login sends the browser to `/start` first, so that the warning is behind it before Jira gives out a code
/// that may live ten seconds. That only helps if the browser does not warn again at `/callback`.
#[test]
fn one_certificate_exception_at_start_covers_the_callback() {
    if !runs(Real::Browser) {
        return;
    }
    let (address, heads) = serve();
    let mut browser = Browser::start();
    assert!(
        browser.open(&format!("https://{address}/start")),
        "a certificate that nobody signed is warned about"
    );
    assert!(heads.try_recv().is_err(), "nothing is sent before the warning is clicked away");
    browser.proceed();
    assert!(browser.text().contains("Start"));
    assert!(!browser.open(&format!("https://{address}/callback?code=a")), "no second warning");
    browser.wait_for_text("Arrived");
    let callback = heads.try_iter().find(|head| head.starts_with("GET /callback")).unwrap();
    assert!(!callback.to_lowercase().contains("\r\norigin:"), "a navigation carries no Origin: {callback}");
}

#[test]
fn the_driver_types_clicks_and_looks() {
    if !runs(Real::Browser) {
        return;
    }
    let (address, _heads) = serve();
    let mut browser = Browser::start();
    browser.open(&format!("https://{address}/start"));
    browser.proceed();
    browser.fill("#code", "new & \"quoted\"");
    browser.click("button");
    browser.wait_for_url(&format!("https://{address}/callback?code=new+%26+%22quoted%22"));
    assert_eq!(browser.count("h1"), 1);
    let directory = tempfile::tempdir().unwrap();
    let picture = directory.path().join("page.png");
    browser.screenshot(&picture);
    assert!(std::fs::read(picture).unwrap().starts_with(b"\x89PNG"));
    assert!(
        browser
            .requests()
            .iter()
            .all(|request| request["url"].as_str().unwrap().contains(&address.to_string()))
    );
}
