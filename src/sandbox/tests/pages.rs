//! The pages, as a browser goes through them: a cookie, forms, redirects.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::*;

/// What a browser keeps between two pages.
struct Browser<'a> {
    sandbox: &'a Sandbox,
    cookie: Option<String>,
}

impl Browser<'_> {
    async fn send(&mut self, request: RequestBuilder) -> Response {
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", format!("other=1; {cookie}")),
            None => request,
        };
        let response = request.send().await.unwrap();
        let set = header(&response, "set-cookie");
        if let Some((cookie, attributes)) = set.split_once("; ") {
            assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
            self.cookie = Some(cookie.to_owned());
        }
        response
    }

    /// A page, or where it sends the browser.
    async fn open(&mut self, path: &str) -> Response {
        self.send(self.sandbox.get(path)).await
    }

    /// Follows a redirect within the sandbox.
    async fn follow(&mut self, response: &Response) -> Response {
        let path = header(response, "location");
        assert!(response.status() == 303 && path.starts_with('/'), "{} {path}", response.status());
        self.open(&path).await
    }

    /// Sends the form of a page whose action ends like this, with what a person fills in.
    async fn submit(&mut self, page: &str, action: &str, typed: &[(&str, &str)]) -> Response {
        let form = page.split("<form").find(|form| form.contains(&format!("{action}\""))).expect("a form");
        let form = form.split("</form>").next().unwrap();
        let mut fields: Vec<(String, String)> = form
            .split("type=\"hidden\" name=\"")
            .skip(1)
            .map(|input| {
                let (name, rest) = input.split_once("\" value=\"").unwrap();
                (name.to_owned(), unescape(rest.split('"').next().unwrap()))
            })
            .collect();
        for (name, value) in typed {
            fields.retain(|(field, _)| field != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.send(self.sandbox.http.post(self.sandbox.url(action)).form(&fields)).await
    }

    /// To the consent page, as `developer`.
    async fn reach_consent(&mut self, authorize: &str) -> String {
        let login = self.open(authorize).await;
        let page = self.follow(&login).await.text().await.unwrap();
        let credentials = [("os_username", "developer"), ("os_password", "developer")];
        let back = self.submit(&page, "/login.jsp", &credentials).await;
        let consent = self.follow(&back).await;
        let page = self.follow(&consent).await;
        assert_eq!(page.status(), 200);
        page.text().await.unwrap()
    }
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

const CONSENT: &str = "/plugins/servlet/oauth2/consent";

#[tokio::test]
async fn a_person_logs_in_and_allows_it() {
    let sandbox = sandbox(Options::default()).await;
    let mut browser = Browser { sandbox: &sandbox, cookie: None };
    let login = browser.open(&sandbox.authorize_path(&[])).await;
    let page = browser.follow(&login).await.text().await.unwrap();
    let before = browser.cookie.clone();
    let wrong = [("os_username", "developer"), ("os_password", "wrong")];
    let response = browser.submit(&page, "/login.jsp", &wrong).await;
    assert_eq!(header(&response, "x-seraph-loginreason"), "AUTHENTICATED_FAILED");
    let page = response.text().await.unwrap();
    assert!(page.contains("role=\"alert\"") && page.contains("value=\"developer\""), "{page}");
    let right = [("os_username", "developer"), ("os_password", "developer")];
    let back = browser.submit(&page, "/login.jsp", &right).await;
    assert_ne!(browser.cookie, before, "a new session after the log-in");
    let consent = browser.follow(&back).await;
    assert!(header(&consent, "location").starts_with(CONSENT));
    let page = browser.follow(&consent).await;
    let policy = header(&page, "content-security-policy");
    assert!(policy.contains("form-action 'self' https://127.0.0.1:8085;"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(page.contains("jira command line") && page.contains("Sandbox Developer"));
    assert!(
        page.contains("See the projects")
            && page.contains("Create, change")
            && !page.contains("Administer the")
    );
    let response = browser.submit(&page, CONSENT, &[("decision", "allow")]).await;
    let (target, params) = location(&response);
    assert_eq!((target.as_str(), params["state"].as_str()), (REDIRECT, "a state & more"));
    let (access_token, _) = tokens(sandbox.exchange(&params["code"], &[]).await).await;
    assert_eq!(sandbox.whoami(&access_token).await, (200, "developer".to_owned()));
    let again = browser.submit(&page, CONSENT, &[("decision", "allow")]).await;
    assert_eq!(again.status(), 400, "a request is answered once");
    // Still logged in: straight to the consent page.
    let consent = browser.open(&sandbox.authorize_path(&[])).await;
    assert!(header(&consent, "location").starts_with(CONSENT));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_person_denies_it() {
    let sandbox = sandbox(Options::default()).await;
    let mut browser = Browser { sandbox: &sandbox, cookie: None };
    let page = browser.reach_consent(&sandbox.authorize_path(&[])).await;
    let unclear = browser.submit(&page, CONSENT, &[("decision", "perhaps")]).await;
    assert_eq!(unclear.status(), 400);
    let (target, params) = location(&browser.submit(&page, CONSENT, &[("decision", "deny")]).await);
    assert_eq!(target, REDIRECT);
    assert_eq!(params["error"], "access_denied");
    assert_eq!(params["state"], "a state & more");
    assert!(!params.contains_key("code"));
    sandbox.stop().await;
}

#[tokio::test]
async fn another_account_can_be_taken() {
    let sandbox = sandbox(Options::default()).await;
    let mut browser = Browser { sandbox: &sandbox, cookie: None };
    let page = browser.reach_consent(&sandbox.authorize_path(&[])).await;
    let login = browser.submit(&page, "/secure/Logout.jspa", &[]).await;
    let page = browser.follow(&login).await.text().await.unwrap();
    let credentials = [("os_username", "viewer"), ("os_password", "viewer")];
    let back = browser.submit(&page, "/login.jsp", &credentials).await;
    let consent = browser.follow(&back).await;
    let page = browser.follow(&consent).await.text().await.unwrap();
    assert!(page.contains("Sandbox Viewer"));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_form_of_another_session_changes_nothing() {
    let sandbox = sandbox(Options::default()).await;
    let mut browser = Browser { sandbox: &sandbox, cookie: None };
    let page = browser.reach_consent(&sandbox.authorize_path(&[])).await;
    let forged = [("decision", "allow"), ("atl_token", "guessed")];
    assert_eq!(browser.submit(&page, CONSENT, &forged).await.status(), 403);
    let forged = [("atl_token", "guessed")];
    assert_eq!(browser.submit(&page, "/secure/Logout.jspa", &forged).await.status(), 403);
    let mut stranger = Browser { sandbox: &sandbox, cookie: None };
    assert_eq!(stranger.submit(&page, CONSENT, &[("decision", "allow")]).await.status(), 400);
    let others = stranger.reach_consent(&sandbox.authorize_path(&[])).await;
    let request = page.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let swapped = [("decision", "allow"), ("request", request)];
    assert_eq!(stranger.submit(&others, CONSENT, &swapped).await.status(), 400);
    let login = "<form action=\"/login.jsp\"></form>";
    let planted = [("os_username", "developer"), ("os_password", "developer"), ("atl_token", "guessed")];
    assert_eq!(stranger.submit(login, "/login.jsp", &planted).await.status(), 403);
    assert_eq!(location(&browser.submit(&page, CONSENT, &[("decision", "allow")]).await).0, REDIRECT);
    sandbox.stop().await;
}

#[tokio::test]
async fn nothing_from_outside_becomes_markup() {
    let markup = "<script>alert('1')</script>\"&";
    let sandbox = sandbox(Options { client_name: markup.to_owned(), ..Options::default() }).await;
    let mut browser = Browser { sandbox: &sandbox, cookie: None };
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("os_destination", markup).finish();
    let login = browser.open(&format!("/login.jsp?{query}")).await.text().await.unwrap();
    let typed = [("os_username", markup), ("os_password", "x")];
    let wrong = browser.submit(&login, "/login.jsp", &typed).await.text().await.unwrap();
    let consent = browser.reach_consent(&sandbox.authorize_path(&[("state", Some(markup))])).await;
    for page in [login, wrong, consent] {
        assert!(!page.contains("<script") && !page.contains("{{"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;"), "{page}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn every_page_allows_its_own_style_and_nothing_else() {
    let sandbox = sandbox(Options::default()).await;
    for path in ["/", "/login.jsp", "/no/such/page", "/rest/oauth2/latest/authorize"] {
        let response = sandbox.get(path).send().await.unwrap();
        let policy = header(&response, "content-security-policy");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "cache-control"), "no-store");
        let page = response.text().await.unwrap();
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        assert!(policy.starts_with(&format!("default-src 'none'; style-src 'sha256-{hash}';")), "{policy}");
        assert!(!page.contains("style=") && !page.contains("http-equiv") && !page.contains("<script"));
    }
    sandbox.stop().await;
}
