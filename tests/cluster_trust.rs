//! Certificates over time: what expired, what an operator's client trusts, and clusters that are formed by configuration files.
//!
//! Needs root, iproute2 and curl; without them the tests say so and pass.

mod support;

use std::fs;

use pannier::model::NodeId;
use pannier::model::security::Identity;
use pannier::tls::{CertificateAuthority, Credentials, NewKey, VALIDITY};
use pannier::util::clock::Timestamp;
use support::cluster::Cluster;

#[test]
fn a_node_whose_certificate_expired_comes_back_with_a_token_as_who_it_was() {
    let Some(mut cluster) = Cluster::new("expiry", &["s1", "c1"]) else { return };
    cluster.bootstrap("s1");
    cluster.join_clients(&["c1"]);
    cluster.run_job("web", 2);
    cluster.wait("the job to run", |cluster| cluster.running("web").len() == 2);
    let (node, tasks) = (cluster.node_id("c1"), cluster.agent("c1").task_pids());

    // It was off for so long that its certificate ended meanwhile.
    cluster.kill("c1");
    let directory = cluster.agent("c1").data_dir().join("client/tls");
    expire(&directory, node.parse().expect("a node id"));
    cluster.start("c1");
    let said = cluster.ended("c1");
    assert!(said.contains("certificate has expired") && said.contains("token join create"), "{said}");

    // Its key is what it is known by; a fresh one under the same id is somebody else.
    let key = fs::read(directory.join("node.key")).expect("its key");
    let token = cluster.join_token("client", &[]);
    cluster.join("c1", &token);
    cluster.wait("the node to be ready", |cluster| cluster.node_status("c1") == "ready");
    assert_eq!(cluster.node_id("c1"), node);
    assert_eq!(fs::read(directory.join("node.key")).expect("its key"), key);
    assert_eq!(cluster.agent("c1").task_pids(), tasks, "its tasks ran on");
    // It was a member all along: no use of the token was counted.
    let listed = cluster.cli("s1", &["token", "join", "list"]);
    let id = token.split('.').nth(3).expect("an id");
    assert!(listed.lines().any(|line| line.contains(id) && line.split_whitespace().any(|word| word == "1")), "{listed}");

    cluster.kill("c1");
    fs::remove_dir_all(&directory).expect("its key is lost");
    let refused = cluster.refused_again("c1", &token);
    assert!(refused.contains("joined with another key"), "{refused}");
}

/// Puts a certificate of the same key in the place of the one there is, which ended a minute ago.
fn expire(directory: &std::path::Path, node: NodeId) {
    let credentials = Credentials::load(directory).expect("credentials are read").expect("there are some");
    let long_ago = Timestamp::now() - VALIDITY - std::time::Duration::from_secs(60);
    let key = NewKey::of(&credentials).expect("its key");
    let authority = CertificateAuthority::create(long_ago).expect("an authority");
    let issued = authority.issue(&key.request, Identity::client(node), &[], VALIDITY, long_ago).expect("a certificate");
    key.certified(issued.to_vec(), credentials.authorities).save(directory).expect("it is kept");
}

#[test]
fn the_command_line_trusts_the_authority_it_is_given_and_no_other() {
    let Some(mut cluster) = Cluster::new("cacert", &["s1", "c1"]) else { return };
    cluster.bootstrap("s1");
    cluster.join_clients(&["c1"]);
    let address = format!("https://{}:4646", cluster.agent("s1").ip);
    let authority = cluster.agent("s1").data_dir().join("server/tls/ca.pem");
    let secret = cluster.token_header().split_once(": ").expect("a header").1.to_owned();
    let stranger = cluster.agent("s1").data_dir().join("stranger.pem");
    let other = CertificateAuthority::create(Timestamp::now()).expect("an authority");
    fs::write(&stranger, pannier::tls::pem_of(other.certificate())).expect("a file");
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = cluster.agent("c1").within(support::BINARY);
        command.args(arguments).args(["-address", &address]).env("NOMAD_TOKEN", &secret).envs(environment.iter().copied());
        let output = command.output().expect("the CLI runs");
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let authority = authority.to_str().expect("UTF-8");
    let members = ["server", "members"];
    let (done, text) = run(&["server", "members", "-ca-cert", authority], &[]);
    assert!(done && text.contains("alive"), "{text}");
    let (done, text) = run(&members, &[("NOMAD_CACERT", authority)]);
    assert!(done && text.contains("alive"), "{text}");
    let (done, text) = run(&members, &[("NOMAD_CACERT", stranger.to_str().expect("UTF-8"))]);
    assert!(!done && text.to_lowercase().contains("certificate"), "{text}");
    let (done, text) = run(&members, &[]);
    assert!(!done && text.to_lowercase().contains("certificate"), "no authority: the system's do not know this one: {text}");
    let (done, text) = run(&members, &[("NOMAD_CACERT", authority), ("NOMAD_TOKEN", "")]);
    assert!(!done && text.contains("Permission denied"), "{text}");
}

/// Three machines with the same file on each, as Nomad's are set up; beside it only the token, which a file cannot know before there is a
/// cluster.
#[test]
fn three_servers_form_a_cluster_by_their_configuration_files() {
    let Some(mut cluster) = Cluster::new("static", &["s1", "s2", "s3"]) else { return };
    let servers: Vec<String> = ["s1", "s2", "s3"].iter().map(|name| format!("\"{}\"", cluster.agent(name).ip)).collect();
    let file = format!(
        "server {{\n  enabled = true\n  bootstrap_expect = 3\n  server_join {{\n    retry_join = [{}]\n  }}\n}}\n",
        servers.join(", ")
    );
    cluster.configure(&file);
    // The others come up first and wait.
    let refused = cluster.refused_with("s2", &[]);
    assert!(refused.contains("a token is needed"), "{refused}");
    cluster.launch("s1", &["-bootstrap"]);
    cluster.wait("the first server to lead", |cluster| cluster.agent("s1").register("first", 0).0 == 200);
    let token = cluster.join_token("server", &["-uses", "2"]);
    cluster.launch("s2", &["-token", &token]);
    cluster.launch("s3", &["-token", &token]);
    cluster.wait_voters(3);
    // From now on the file is enough, in whatever order they come.
    for server in ["s1", "s2", "s3"] {
        cluster.kill(server);
    }
    for server in ["s3", "s1", "s2"] {
        cluster.launch(server, &[]);
    }
    cluster.verify(&["first".to_owned()], &[]);
}
