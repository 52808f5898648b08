use super::*;

fn commands<'a>(command: &'a clap::Command, path: &str, found: &mut Vec<(String, &'a clap::Command)>) {
    let path = format!("{path} {}", command.get_name());
    command.get_subcommands().for_each(|subcommand| commands(subcommand, &path, found));
    found.push((path, command));
}

#[test]
fn the_command_tree_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_shows_how_to_use_it() {
    let root = Cli::command();
    let mut found = Vec::new();
    commands(&root, "", &mut found);
    for (path, command) in found {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Examples:\n  pannier "), "{path} has no examples");
        assert!(command.get_about().is_some(), "{path} does not say what it does");
    }
}

fn parse(line: &str) -> Result<Command, clap::Error> {
    let argv = argv::Flags::of(&Cli::command()).normalize(line.split(' ').map(Into::into));
    Cli::try_parse_from(argv).map(|cli| cli.command)
}

#[test]
fn everyday_lines_are_understood() {
    for line in [
        "nomad job run -detach -check-index 0 -var a=b -address=http://x:1 f.hcl",
        "nomad job run -output -json -",
        "nomad plan -diff=false -json-output f.hcl",
        "nomad job status -json",
        "nomad job stop -purge -detach=true a b",
        "nomad job scale web 3",
        "nomad job scale web front 3",
        "nomad job history -p -version 3 web",
        "nomad alloc logs -stderr -f -tail -n 10 abc web",
        "nomad logs -job web",
        "nomad alloc fs -stat abc alloc/logs",
        "nomad alloc signal -s SIGHUP abc",
        "nomad node status -self -verbose",
        "nomad eval list -json",
        "nomad server members -detailed",
        "nomad operator api -X PUT -d {} -H A:b -v /v1/jobs",
        "nomad monitor -log-level=DEBUG",
        "nomad status",
        "nomad system gc -namespace=*",
        "nomad agent -dev",
        "nomad fmt -check -recursive -list=false a b",
        "nomad job schema -completion",
        "nomad job promote -group web web",
        "nomad job revert web 3",
        "nomad job deployments -latest web",
        "nomad deployment list -json",
        "nomad deployment status -monitor 0a1b",
        "nomad deployment promote -group a -group=b -detach 0a1b",
        "nomad deployment fail 0a1b",
    ] {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
    for line in ["nomad job run", "nomad bogus", "nomad job run -bogus f", "nomad logs -stdout -stderr a"] {
        assert!(parse(line).is_err(), "{line}");
    }
    let Err(error) = parse("nomad job run -bogus f") else { panic!("an unknown flag was accepted") };
    assert!(error.to_string().contains("'--bogus'"), "{error}");
}

#[test]
fn agent_arguments_are_gathered() {
    let line = "pannier agent -server -client -config a.hcl -config=b -http-port 5646 -servers=x:1,y:2 -bootstrap-expect=1 -dc dc2";
    let Ok(Command::Agent(args)) = parse(line) else { panic!("{line}") };
    let expected = AgentArgs {
        server: true,
        client: true,
        config: vec!["a.hcl".into(), "b".into()],
        http_port: Some(5646),
        servers: vec!["x:1".into(), "y:2".into()],
        bootstrap_expect: Some(1),
        dc: Some("dc2".into()),
        ..Default::default()
    };
    assert_eq!(*args, expected);
}
