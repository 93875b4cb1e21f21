//! What a page in the browser or a program on this machine can do to a login that is waiting: nothing.

use http::Method;
use jira_oauth::sandbox::{Action, Fault, Gate};
use tokio::net::TcpStream;
use url::Url;

use crate::support::{World, callback_of, follow, visit, web};

#[tokio::test]
async fn nothing_but_the_right_request_ends_the_wait() {
    let world = World::new().await;
    let (live, ran) = world.login(&[]).start();
    let (ran, last) = tokio::join!(ran, async {
        let start = live.login_url().await;
        let page = live.authorize_url().await;
        let right = callback_of(&page, "code", "forged");
        let with = |query: &str| {
            let mut url = right.clone();
            url.set_query(Some(query));
            url
        };
        let state = right.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let mut idle = vec![];
        for _ in 0..5 {
            idle.push(TcpStream::connect(("127.0.0.1", world.port)).await.unwrap());
        }
        for wrong in [
            with("error=access_denied&state=wrong"),
            with("error=access_denied"),
            with("code=x&state=wrong"),
            with("code=x"),
            with(""),
            with(&format!("state={state}")),
            with(&format!("code=&state={state}")),
            with(&format!("code=a&code=b&state={state}")),
            with(&format!("code=a&state={state}&state={state}")),
            start.join("/").unwrap(),
            start.join("/callback/").unwrap(),
            start.join("/start/00000000000000000000000000000000").unwrap(),
        ] {
            assert_eq!(visit(wrong.clone()).await.status, 400, "{wrong}");
        }
        for method in [Method::POST, Method::PUT, Method::HEAD, Method::OPTIONS, Method::DELETE] {
            let answer = web().request(method.clone(), right.clone()).header("content-length", "0");
            assert_eq!(answer.send().await.unwrap().status(), 405, "{method}");
        }
        let foreign = web().get(right.clone()).header("host", "evil.example.com").send().await.unwrap();
        assert_eq!(foreign.status(), 421);
        let rebound = web().get(right.clone()).header("host", "127.0.0.1").send().await.unwrap();
        assert_eq!(rebound.status(), 421);
        for origin in ["https://evil.example.com", "null", &format!("https://127.0.0.1:{}", world.port)] {
            let answer = web().get(right.clone()).header("origin", origin).send().await.unwrap();
            assert_eq!(answer.status(), 403, "{origin}");
        }
        assert_eq!(live.stdout.text(), "", "the login goes on");
        follow(start).await.pop().unwrap()
    });
    ran.ok();
    assert_eq!(last.status, 200);
    assert_eq!(world.jira.token_calls("authorization_code"), 1, "the forged code was not tried");
}

#[tokio::test]
async fn a_second_code_is_refused() {
    let world = World::new().await;
    let gate = Gate::new();
    world.jira.faults().add(Fault::on("/rest/oauth2/latest/token", Action::ProcessThenHold(gate.clone())));
    let (live, ran) = world.login(&[]).start();
    let (ran, first, ()) =
        tokio::join!(ran, async { follow(live.login_url().await).await.pop().unwrap() }, async {
            gate.arrived(1).await;
            let second = visit(callback_of(&live.authorize_url().await, "code", "another")).await;
            assert_eq!(second.status, 400);
            assert!(second.body.contains("not the login that is waiting"));
            gate.release();
        });
    ran.ok();
    assert_eq!(first.status, 200);
    assert_eq!(world.jira.token_calls("authorization_code"), 1);
}

#[tokio::test]
async fn a_code_of_another_login_is_refused() {
    let (one, other) = (World::new().await, World::new().await);
    let (live, ran) = one.login(&[]).start();
    let (other_live, other_ran) = other.login(&[]).start();
    let (ran, other_ran, ()) = tokio::join!(ran, other_ran, async {
        let code = visit(other_live.authorize_url().await).await;
        let location = code.headers["location"].to_str().unwrap().to_owned();
        live.login_url().await;
        let here = location.replace(&other.port.to_string(), &one.port.to_string());
        assert_eq!(visit(Url::parse(&here).unwrap()).await.status, 400);
        follow(live.login_url().await).await;
        visit(Url::parse(&location).unwrap()).await;
    });
    ran.ok();
    other_ran.ok();
}

#[tokio::test]
async fn what_an_error_says_reaches_neither_the_page_nor_the_terminal() {
    let world = World::new().await;
    for error in ["access_denied", "\u{1b}]0;owned\u{7}<b>markup</b>"] {
        let (live, ran) = world.login(&["--output", "text"]).start();
        let (ran, page) = tokio::join!(ran, async {
            let text =
                live.stderr.until(|text| Some(text.split_once("open ")?.1.split_once(' ')?.0.to_owned()));
            let start = Url::parse(&crate::support::wait(text).await).unwrap();
            let page = crate::support::authorize_of(start).await;
            let mut url = callback_of(&page, "error", error);
            url.query_pairs_mut()
                .append_pair("error_description", "\u{1b}]52;c;aGk=\u{7}<script>\u{9b}31m$(id)");
            visit(url).await
        });
        assert!(page.body.contains("Access was not granted"), "{page:?}");
        for hostile in ["<script>", "<b>", "$(id)", "\u{1b}", "\u{9b}", "markup", "aGk="] {
            assert!(!page.body.contains(hostile) && !ran.stderr.contains(hostile), "{hostile:?} in {ran}");
        }
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    }
}
