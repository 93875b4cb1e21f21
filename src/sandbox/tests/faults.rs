//! Faults on order, and what the log says of them.

use futures_util::future;
use http::Method;

use super::*;

const MYSELF: &str = "/rest/api/2/myself";
const TOKEN: &str = "/rest/oauth2/latest/token";

#[tokio::test]
async fn a_token_call_can_do_its_work_and_not_answer() {
    let sandbox = sandbox(Options { context_path: "/jira".to_owned(), ..Options::default() }).await;
    let old = sandbox.running.mint_session("developer", Scope::Write);
    sandbox.running.faults().add(Fault::on(TOKEN, Action::ProcessThenDrop).method(Method::POST));
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &old.refresh_token),
        ("client_id", sandbox.running.client_id()),
    ];
    sandbox.http.post(sandbox.url(TOKEN)).form(&form).send().await.expect_err("no answer");
    assert_eq!(sandbox.whoami(&old.access_token).await.0, 401, "the work is done");
    assert_eq!(error(sandbox.refresh(&old.refresh_token, &[]).await).await, "invalid_grant");
    let log = sandbox.running.log();
    assert_eq!(log[0].status, None);
    assert_eq!(log[0].field("refresh_token").as_deref(), Some(old.refresh_token.as_str()));
    assert_eq!(log[2].status, Some(400));
    assert_eq!(sandbox.running.token_calls("refresh_token"), 2);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_dropped_request_has_done_nothing() {
    let sandbox = sandbox(Options::default()).await;
    let session = sandbox.running.mint_session("developer", Scope::Write);
    sandbox.running.faults().add(Fault::on(TOKEN, Action::Drop));
    let url = sandbox.url(TOKEN);
    sandbox.http.post(url).form(&[("grant_type", "refresh_token")]).send().await.expect_err("no answer");
    tokens(sandbox.refresh(&session.refresh_token, &[]).await).await;
    assert_eq!(sandbox.running.faults().pending(), 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_gate_tells_when_the_work_is_done_and_then_lets_the_answer_go() {
    let sandbox = sandbox(Options::default()).await;
    let old = sandbox.running.mint_session("developer", Scope::Write);
    let gate = Gate::new();
    sandbox.running.faults().add(Fault::on(TOKEN, Action::ProcessThenHold(gate.clone())));
    let test = async {
        gate.arrived(1).await;
        assert_eq!(sandbox.whoami(&old.access_token).await.0, 401, "rotated, and not yet answered");
        gate.release();
    };
    let (response, ()) = future::join(sandbox.refresh(&old.refresh_token, &[]), test).await;
    let (access_token, _) = tokens(response).await;
    assert_eq!(sandbox.whoami(&access_token).await.0, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn requests_that_are_held_are_counted_while_they_are() {
    let sandbox = sandbox(Options::default()).await;
    let pat = sandbox.running.mint_pat("developer");
    let gate = Gate::new();
    sandbox.running.faults().add(Fault::on(MYSELF, Action::Hold(gate.clone())).times(5));
    let calls = future::join_all((0..5).map(|_| sandbox.whoami(&pat)));
    let test = async {
        future::join(gate.arrived(5), sandbox.running.wait_for(MYSELF, 5)).await;
        assert!(sandbox.running.log().iter().all(|request| request.status.is_none()));
        gate.release();
    };
    let (answers, ()) = future::join(calls, test).await;
    assert!(answers.iter().all(|answer| *answer == (200, "developer".to_owned())));
    assert_eq!(sandbox.running.max_in_flight(), 5);
    let log = sandbox.running.log();
    assert!(log.iter().all(|request| request.status == Some(200)));
    assert!(log.iter().all(|request| request.user.as_deref() == Some("developer")));
    let authorization = log[0].header("authorization").unwrap();
    assert_eq!(authorization, format!("Bearer {}", fingerprint(&pat)), "never the secret");
    sandbox.running.clear_log();
    assert_eq!((sandbox.running.log().len(), sandbox.running.max_in_flight()), (0, 0));
    sandbox.stop().await;
}

#[tokio::test]
async fn any_answer_can_be_ordered() {
    let sandbox = sandbox(Options::default()).await;
    let faults = sandbox.running.faults();
    faults.add(Fault::on(MYSELF, Action::respond(503, "text/html", "<h1>Down</h1>")).skip(1).times(2));
    let status = async || sandbox.whoami("x").await.0;
    assert_eq!((status().await, status().await, status().await, status().await), (401, 503, 503, 401));
    faults.add(Fault::on(
        MYSELF,
        Action::Respond {
            status: http::StatusCode::FOUND,
            headers: vec![("location".into(), "https://sso.example/".into())],
            body: Vec::new().into(),
        },
    ));
    let response = sandbox.get(MYSELF).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), header(&response, "location")),
        (302, "https://sso.example/".into())
    );
    assert_eq!(header(&response, "x-ausername"), "", "it is a proxy that answers, not Jira");
    faults.add(Fault::on(
        MYSELF,
        Action::Flood { headers: vec![], piece: "x".repeat(1000).into(), times: 5000 },
    ));
    let flood = sandbox.get(MYSELF).send().await.unwrap();
    assert_eq!(flood.bytes().await.unwrap().len(), 5_000_000);
    faults.add(Fault::on(MYSELF, Action::Drip { bytes: 3, every: Duration::from_millis(1) }));
    let drip = sandbox.get(MYSELF).send().await.unwrap();
    assert!(json(drip).await["message"].is_string());
    faults.add(Fault::on(MYSELF, Action::Delay(Duration::from_millis(1))));
    faults.add(Fault::on(MYSELF, Action::ProcessThenDelay(Duration::from_millis(1))));
    assert_eq!((status().await, status().await), (401, 401));
    assert_eq!(faults.pending(), 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn who_hangs_or_is_held_is_never_answered_once_the_sandbox_stops() {
    let sandbox = sandbox(Options::default()).await;
    sandbox.running.faults().add(Fault::on(MYSELF, Action::Hang).always());
    let gate = sandbox.running.faults().hold(TOKEN);
    let hangs = tokio::spawn(sandbox.get(MYSELF).send());
    let held = tokio::spawn(sandbox.http.post(sandbox.url(TOKEN)).form(&[("a", "b")]).send());
    future::join(sandbox.running.wait_for(MYSELF, 1), gate.arrived(1)).await;
    assert!(!hangs.is_finished() && !held.is_finished());
    let before = std::time::Instant::now();
    sandbox.stop().await;
    assert!(before.elapsed() < Duration::from_secs(2), "without the whole grace");
    hangs.await.unwrap().expect_err("never answered");
    held.await.unwrap().expect_err("never answered");
}
