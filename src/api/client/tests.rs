use std::convert::Infallible;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::loopback::{Answer, agent, respond};
use super::*;

fn answer(path: &str) -> Answer {
    match path {
        "/v1/evaluation/e1" => (200, vec![r#"{"ID":"e1","Status":"complete"}"#]),
        "/v1/jobs" => (200, vec!["{\"not\": \"a list\"}"]),
        "/v1/client/fs/logs/a1" => (200, vec!["{}{\"Offset\":5,\"Da", "ta\":\"aGVs", "bG8=\",\"File\":\"f\"}\n{", "}"]),
        "/v1/client/fs/logs/a2" => (200, vec!["{\"Data\":7}"]),
        "/v1/nodes" => (500, vec!["No cluster leader\n"]),
        _ => (404, vec!["job not found"]),
    }
}

fn client(address: Address) -> Client {
    Client::new(ClientOptions { address, token: Some(Token::new("s3cret")), namespace: Some("prod".into()), region: None, tls: None })
}

#[tokio::test]
async fn a_query_carries_token_and_namespace_and_returns_the_index() {
    let (address, seen) = agent(answer).await;
    let answer = client(address).await_evaluation("e1", 7, std::time::Duration::from_secs(5)).await.unwrap();
    assert_eq!((answer.index, answer.value.status.as_str()), (42, "complete"));
    let (target, token) = seen.lock().unwrap()[0].clone();
    assert_eq!(target, "/v1/evaluation/e1?index=7&wait=5s&namespace=prod");
    assert_eq!(token.as_deref(), Some("s3cret"));
}

#[tokio::test]
async fn refusals_carry_status_and_text() {
    let (address, _) = agent(answer).await;
    let client = client(address);
    let missing = client.job("x").await.unwrap_err();
    assert!(missing.is_not_found());
    assert_eq!(missing.to_string(), "job not found (404)");
    let leaderless = client.list_nodes("").await.unwrap_err();
    assert_eq!(leaderless.to_string(), "No cluster leader (500)");
    assert!(leaderless.is_transient());
    assert!(matches!(client.list_jobs("").await.unwrap_err(), ClientError::Decode { path, .. } if path == "/v1/jobs"));
}

#[tokio::test]
async fn frames_are_read_across_pieces() {
    let (address, _) = agent(answer).await;
    let client = client(address);
    let request = LogRequest { task: "t".into(), stream: "stdout", ..Default::default() };
    let mut frames = client.logs("a1", &request).await.unwrap();
    assert!(frames.next().await.unwrap().unwrap().is_heartbeat());
    let frame = frames.next().await.unwrap().unwrap();
    assert_eq!((frame.offset, frame.data.as_slice()), (5, b"hello".as_slice()));
    assert!(frames.next().await.unwrap().unwrap().is_heartbeat());
    assert!(frames.next().await.unwrap().is_none());

    let mut broken = client.logs("a2", &request).await.unwrap();
    assert!(matches!(broken.next().await, Err(ClientError::Decode { .. })));
}

#[tokio::test]
async fn an_absent_agent_is_explained() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap();
    drop(listener);
    let error = client(format!("http://{authority}").parse().unwrap()).agent_self().await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ClientError::Connect { .. }), "{text}");
    assert!(std::error::Error::source(&error).is_none(), "the text has it all");
    assert!(text.starts_with(&format!("cannot reach the agent at http://{authority}: connection refused; start one with")), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn speaks_over_a_unix_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("api.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let service = service_fn(|_| async { Ok::<_, Infallible>(respond(answer("/v1/evaluation/e1"))) });
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
    });
    let client = client(format!("unix://{}", path.display()).parse().unwrap());
    assert_eq!(client.evaluation("e1").await.unwrap().id, "e1");
    drop(client);
    server.await.unwrap();
    let gone = directory.path().join("gone.sock");
    let error = Client::new(ClientOptions { address: Address::Unix { path: gone }, token: None, namespace: None, region: None, tls: None })
        .agent_self()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("there is no such socket"), "{error}");
}

#[test]
fn a_token_is_never_shown() {
    let options = ClientOptions {
        address: "127.0.0.1:1".parse().unwrap(),
        token: Some(Token::new("s3cret")),
        namespace: None,
        region: None,
        tls: None,
    };
    assert!(!format!("{options:?}").contains("s3cret"));
    let bad = Client::new(ClientOptions { token: Some(Token::new("s3cret\n")), ..options });
    let error = bad.to_http(ApiRequest::get(&["jobs"])).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}
