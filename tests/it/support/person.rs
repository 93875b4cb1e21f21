//! The person at the terminal: answers questions as they were told to, and plays the browser.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jira_oauth::process::{Browser, Env, Prompt};
use jira_oauth::secret::Secret;
use reqwest::{Client, redirect};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use tokio::sync::watch;
use url::Url;

/// What a person sees at a prompt, and what they answer. A login also waits for a pasted line, which comes
/// from elsewhere, whenever it comes.
pub struct Answers {
    told: Mutex<VecDeque<(&'static str, String)>>,
    pasted: Mutex<Receiver<String>>,
    pub paste: Sender<String>,
    asked: Mutex<Vec<String>>,
    unexpected: Mutex<Vec<String>>,
}

impl Answers {
    /// `told`: a part of the question, and the answer, in order.
    pub fn new(told: Vec<(&'static str, String)>) -> Answers {
        let (paste, pasted) = channel();
        Answers {
            told: Mutex::new(told.into()),
            pasted: Mutex::new(pasted),
            paste,
            asked: Mutex::default(),
            unexpected: Mutex::default(),
        }
    }

    /// The questions that were asked.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Panics if a question came that nobody expected, or one that was expected did not.
    pub fn settle(&self) {
        let unexpected = self.unexpected.lock().unwrap();
        assert!(unexpected.is_empty(), "unexpected questions: {unexpected:?}");
        let told = self.told.lock().unwrap();
        assert!(told.is_empty(), "questions that were never asked: {told:?}");
    }

    fn answer(&self, question: &str) -> io::Result<String> {
        self.asked.lock().unwrap().push(question.to_owned());
        let mut told = self.told.lock().unwrap();
        if told.front().is_some_and(|(part, _)| question.contains(part)) {
            return Ok(told.pop_front().unwrap().1);
        }
        self.unexpected.lock().unwrap().push(question.to_owned());
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

impl Prompt for Answers {
    fn line(&self, question: &str) -> io::Result<String> {
        if question.is_empty() {
            return self.pasted.lock().unwrap().recv().map_err(|_| io::ErrorKind::UnexpectedEof.into());
        }
        self.answer(question)
    }

    fn hidden(&self, question: &str) -> io::Result<Secret> {
        self.answer(question).map(Secret::new)
    }

    fn restore(&self) {}
}

/// What the person does when their browser opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduct {
    /// Goes through with it: every redirect is followed.
    Consents,
    /// Says no on Jira's page.
    Denies,
    /// Looks at it and does nothing.
    Dawdles,
    /// There is no browser: it cannot be opened.
    Fails,
}

/// One page that the browser saw.
#[derive(Clone, Debug)]
pub struct Step {
    pub url: Url,
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: String,
}

/// A browser in the person's hands.
pub struct Hands {
    conduct: Conduct,
    opened: watch::Sender<Vec<String>>,
    environments: Mutex<Vec<Env>>,
    steps: watch::Sender<Vec<Step>>,
}

impl Hands {
    pub fn new(conduct: Conduct) -> Hands {
        Hands {
            conduct,
            opened: watch::Sender::new(vec![]),
            environments: Mutex::default(),
            steps: watch::Sender::new(vec![]),
        }
    }

    /// The pages that were asked for.
    pub fn opened(&self) -> Vec<String> {
        self.opened.borrow().clone()
    }

    /// Waits for the first of them.
    pub async fn first(&self) -> String {
        let mut opened = self.opened.subscribe();
        let opened = opened.wait_for(|urls| !urls.is_empty()).await.expect("the browser is held here");
        opened[0].clone()
    }

    /// What the browser was given as its environment.
    pub fn environments(&self) -> Vec<Env> {
        self.environments.lock().unwrap().clone()
    }

    /// What the browser saw, when it has seen the last page.
    pub async fn steps(&self) -> Vec<Step> {
        let mut steps = self.steps.subscribe();
        steps.wait_for(|steps| !steps.is_empty()).await.expect("the browser is held here").clone()
    }
}

impl Browser for Hands {
    fn open(&self, url: &str, env: &Env) -> io::Result<()> {
        self.opened.send_modify(|urls| urls.push(url.to_owned()));
        self.environments.lock().unwrap().push(env.clone());
        let (url, steps) = (Url::parse(url).expect("a browser is given a URL"), self.steps.clone());
        match self.conduct {
            Conduct::Consents => drop(tokio::spawn(async move {
                steps.send_replace(follow(url).await);
            })),
            Conduct::Denies => drop(tokio::spawn(async move {
                let denied = callback_of(&authorize_of(url).await, "error", "access_denied");
                steps.send_replace(vec![visit(denied).await]);
            })),
            Conduct::Dawdles => {}
            Conduct::Fails => return Err(io::ErrorKind::NotFound.into()),
        }
        Ok(())
    }
}

/// Goes to a page and wherever it leads, at most ten pages.
pub async fn follow(url: Url) -> Vec<Step> {
    let (mut steps, mut url) = (vec![], Some(url));
    while let Some(next) = url.take().filter(|_| steps.len() < 10) {
        let step = visit(next).await;
        let location = step.headers.get("location").filter(|_| (300..400).contains(&step.status));
        url = location.map(|to| step.url.join(to.to_str().unwrap()).unwrap());
        steps.push(step);
    }
    steps
}

/// Goes to one page.
pub async fn visit(url: Url) -> Step {
    let response = web().get(url.clone()).send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Step { url, status, headers, body: response.text().await.unwrap_or_default() }
}

/// Jira's page, which the first page of a login leads to, or is.
pub async fn authorize_of(url: Url) -> Url {
    if !url.path().starts_with("/start/") {
        return url;
    }
    let step = visit(url).await;
    step.url.join(step.headers["location"].to_str().unwrap()).unwrap()
}

/// The callback of an authorize URL with its state, and one parameter more.
pub fn callback_of(authorize: &Url, name: &str, value: &str) -> Url {
    let param = |name: &str| {
        let found = authorize.query_pairs().find(|(key, _)| key == name);
        found.unwrap_or_else(|| panic!("no {name} in {authorize}")).1.into_owned()
    };
    let mut url = Url::parse(&param("redirect_uri")).unwrap();
    url.query_pairs_mut().append_pair(name, value).append_pair("state", &param("state"));
    url
}

/// A browser that has clicked every certificate warning away, and follows nothing by itself.
pub fn web() -> Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let builder = Client::builder().no_proxy().redirect(redirect::Policy::none());
    builder.timeout(Duration::from_secs(30)).tls_info(true).tls_backend_preconfigured(tls).build().unwrap()
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
