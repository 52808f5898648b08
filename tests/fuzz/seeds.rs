//! Writes where the targets start from, all of it out of the repository: `seeds <repository> <directory>` fills `<directory>/<target>/` with
//! inputs and makes `<directory>/<target>.dict` of the words that the target's readers know.

// Everything here is instrumented, so everything needs the runtime that counts.
use libfuzzer_sys as _;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pannier::codec;
use pannier::jobspec::{VariableSources, json, parse_hcl};
use pannier::runtime::driver::ExitRecord;
use pannier::runtime::launch::{CgroupPlan, LAUNCH_PLAN_VERSION, LaunchKind, LaunchPlan, LogPlan, ProcessPlan};
use pannier::runtime::shim::plan::{Credentials, ShimPlan};
use pannier::runtime::shim::protocol::{self, Readiness, Response};
use pannier::runtime::shim::record::ShimState;
use pannier::state::command::Request;
use pannier::state::{State, snapshot};
use pannier::util::clock::Timestamp;
use serde::Serialize;

/// Bytes before the body of an envelope.
const HEADER: usize = 7;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(repository), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: seeds <repository> <directory>"));
    };
    let seeds = Seeds { repository, target };
    seeds.jobs()?;
    seeds.configuration()?;
    seeds.records()?;
    seeds.shim()?;
    seeds.requests()
}

struct Seeds {
    repository: PathBuf,
    target: PathBuf,
}

impl Seeds {
    fn jobs(&self) -> io::Result<()> {
        let mut jobs = Vec::new();
        for (name, text) in self.texts("jobspecs")? {
            self.write("jobspec_hcl", &name, &text)?;
            let parsed = parse_hcl(&text, &name, &VariableSources::default());
            jobs.extend(parsed.map(|parsed| parsed.job).inspect_err(|problems| eprintln!("{name}: {problems:?}")));
        }
        for (name, text) in self.texts("tests/jobspecs-wild")? {
            self.write("jobspec_hcl", &name, &text)?;
        }
        for (name, text) in self.texts("tests/jobspec-errors")? {
            let source = text.split("\n=====\n").next().unwrap_or_default();
            self.write("jobspec_hcl", &name, source)?;
        }
        let mut fields = BTreeSet::new();
        for (number, job) in jobs.iter().enumerate() {
            let value = json::job_to_value(job);
            collect_keys(&value, &mut fields);
            self.write("json_job", &format!("job-{number}.json"), value.to_string())?;
            self.write("json_job", &format!("wrapped-{number}.json"), serde_json::json!({ "Job": value }).to_string())?;
        }
        self.dictionary("json_job", fields.iter().map(|field| format!("\"{field}\":")))?;
        let mut words = self.quoted_words("src/jobspec/decode")?;
        words.extend(self.quoted_words("src/jobspec/hcl")?);
        words.extend(
            ["${", "%{ if ", "%{ for ", "%{ endif }", "<<EOF\n", "<<-EOF\n", " ? ", "[*]", ".*.", "...", " => "].map(str::to_owned),
        );
        self.dictionary("jobspec_hcl", words)
    }

    fn configuration(&self) -> io::Result<()> {
        let agent = "data_dir = \"/var/lib/pannier\"\nbind_addr = \"0.0.0.0\"\nports {\n  http = 4646\n}\nserver {\n  enabled = true\n}\n\
                     client {\n  enabled = true\n  meta = { rack = \"r${1 + 1}\" }\n  options {\n    \"driver.raw_exec.enable\" = \"1\"\n  }\n}\n\
                     plugin \"raw_exec\" {\n  config {\n    enabled = true\n  }\n}\n";
        self.write("config_hcl", "agent.hcl", agent)?;
        for (name, text) in self.texts("jobspecs")? {
            self.write("config_hcl", &name, text)?;
        }
        self.dictionary("config_hcl", self.quoted_words("src/jobspec/hcl")?)
    }

    /// The kept bytes of commands, bare and in their envelopes, and the state that they lead to.
    fn records(&self) -> io::Result<()> {
        let mut state = State::default();
        let mut index = 0;
        for (name, bytes) in self.files("tests/golden")? {
            self.write("codec_envelope", &name, &bytes)?;
            self.write("codec_envelope", &format!("body-{name}"), bytes.get(HEADER..).unwrap_or_default())?;
            let request = codec::decode::<Request>(&bytes).map_err(io::Error::other)?;
            index += 1;
            let _ = state.apply(index, &request);
            // Again under an id of its own: what came first was refused for want of what came later.
            index += 1;
            let _ = state.apply(index, &Request { id: index.into(), ..request });
        }
        let snapshot = snapshot::encode(&state).map_err(io::Error::other)?;
        self.write("codec_envelope", "snapshot", &snapshot)?;
        let mut rows = Vec::new();
        let mut rest = snapshot.as_slice();
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let (row, next) = tail.split_at(u32::from_le_bytes(*length) as usize);
            let body = row.get(HEADER..).unwrap_or_default();
            rows.extend(u16::try_from(body.len()).map_err(io::Error::other)?.to_le_bytes());
            rows.extend(body);
            rest = next;
        }
        self.write("codec_envelope", "snapshot-rows", &rows)
    }

    fn shim(&self) -> io::Result<()> {
        use protocol::Command::{Kill, Release, Signal, Status, Wait};
        let exit = ExitRecord { exit_code: 1, signal: 9, oom_killed: true, finished_at: Timestamp(5), unknown: false };
        for (number, command) in [Status, Wait, Signal(15), Kill, Release].into_iter().enumerate() {
            self.message(&format!("request-{number}"), &protocol::Request::new(command))?;
        }
        let answers = [Response::Done, Response::Status { pid: 7, exit: Some(exit.clone()) }, Response::Error { message: "no".into() }];
        for (number, answer) in answers.into_iter().enumerate() {
            self.message(&format!("response-{number}"), &answer)?;
        }
        let launch = LaunchPlan {
            version: LAUNCH_PLAN_VERSION,
            driver: "raw_exec".into(),
            kind: LaunchKind::Process(ProcessPlan {
                argv: vec!["/bin/sh".into(), "-c".into()],
                env: [("A".to_owned(), "b".to_owned())].into(),
                work_dir: "/".into(),
                user: "nobody".into(),
                oom_score_adj: Some(-5),
            }),
            run_dir: "/run/x".into(),
            logs: LogPlan { dir: "/logs".into(), task: "t".into(), max_files: 10, max_file_size: 10 << 20, disabled: false },
            cgroup: Some(CgroupPlan {
                path: "allocs/a/t".into(),
                cpu_shares: 100,
                cpu_quota_us: Some(10_000),
                cores: vec![0, 1],
                memory_soft: 1 << 20,
                memory_hard: Some(1 << 30),
                pids_max: None,
            }),
        };
        let credentials = Credentials { uid: 65534, gid: 65534, groups: vec![4] };
        let plan = ShimPlan { launch, cgroup: None, credentials: Some(credentials) };
        self.document("plan", &plan)?;
        let state = ShimState { protocol: 1, boot_id: "b".into(), shim_pid: 2, pid: 3, start_time: 4, started_at: Timestamp(5) };
        self.document("state", &state)?;
        self.document("exit", &exit)?;
        self.document("started", &Readiness::Started { pid: 3 })?;
        self.document("failed", &Readiness::Failed { message: "no".into(), permanent: true })?;
        let mut fields = BTreeSet::new();
        for (_, bytes) in read_dir(&self.target.join("shim_protocol"))? {
            collect_keys(&serde_json::from_slice(&bytes).unwrap_or_default(), &mut fields);
        }
        self.dictionary("shim_protocol", fields.iter().map(|field| format!("\"{field}\"")))
    }

    fn requests(&self) -> io::Result<()> {
        let expressions = [
            r#"Status == "ready" and Priority != 50 or Drain == false"#,
            r#"Attributes["cpu.arch"] == amd64"#,
            r#""kernel" in Attributes and dc2 not in Datacenters"#,
            r#"ID matches "^f[0-9]$" and not (Tags not contains "x")"#,
            "Meta is empty and Datacenters is not empty",
            r#""/Resources/Memory/MB" == 4096"#,
            "Resources.Memory.MB == 4096\0{\"Resources\":{\"Memory\":{\"MB\":4096}}}",
            r#"ID matches `^\w\d$`"#,
        ];
        for (number, expression) in expressions.iter().enumerate() {
            self.write("filter", &number.to_string(), expression)?;
        }
        self.dictionary("filter", self.quoted_words("src/api/filter")?)?;
        let queries =
            ["index=7&wait=1h30m&stale", "prefix=a%2Fb&per_page=5&next_token=x&reverse=true", "namespace=*&filter=ID+%3D%3D+a&pretty"];
        for (number, query) in queries.iter().enumerate() {
            self.write("http_path", &number.to_string(), format!("/v1/job/a%2Fb?{query}"))?;
        }
        self.write("http_path", "duration", "1h30m1.5s250ms7us3ns")?;
        self.dictionary("http_path", self.quoted_words("src/api/query.rs")?)
    }

    /// A message as JSON, and as a frame.
    fn message<T: Serialize>(&self, name: &str, message: &T) -> io::Result<()> {
        self.document(name, message)?;
        self.write("shim_protocol", &format!("{name}.frame"), protocol::encode(message).map_err(io::Error::other)?)
    }

    fn document<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        self.write("shim_protocol", name, serde_json::to_vec(value)?)
    }

    fn write(&self, target: &str, name: &str, content: impl AsRef<[u8]>) -> io::Result<()> {
        let directory = self.target.join(target);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(name), content)
    }

    fn dictionary(&self, target: &str, words: impl IntoIterator<Item = String>) -> io::Result<()> {
        let lines = words.into_iter().map(|word| format!("\"{}\"\n", escape(&word))).collect::<String>();
        fs::write(self.target.join(format!("{target}.dict")), lines)
    }

    /// What stands in quotes in the sources of a reader: the words that it compares its input with, among others.
    fn quoted_words(&self, below: &str) -> io::Result<BTreeSet<String>> {
        let mut words = BTreeSet::new();
        let path = self.repository.join(below);
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                let name = entry?.file_name();
                if name != "tests" {
                    words.extend(self.quoted_words(&format!("{below}/{}", name.to_string_lossy()))?);
                }
            }
            return Ok(words);
        }
        let text = fs::read_to_string(path)?;
        let is_word = |part: &&str| {
            (2..30).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789=!".contains(&byte))
        };
        words.extend(text.split('"').filter(is_word).map(str::to_owned));
        Ok(words)
    }

    fn files(&self, directory: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
        read_dir(&self.repository.join(directory))
    }

    fn texts(&self, directory: &str) -> io::Result<Vec<(String, String)>> {
        Ok(self.files(directory)?.into_iter().map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned())).collect())
    }
}

/// Names and contents of a directory's files, by name.
fn read_dir(directory: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_file() {
            files.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), fs::read(&path)?));
        }
    }
    files.sort();
    Ok(files)
}

fn collect_keys(value: &serde_json::Value, keys: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, field) in fields {
                keys.insert(key.clone());
                collect_keys(field, keys);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}

/// As libFuzzer's dictionaries write it.
fn escape(word: &str) -> String {
    word.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' => format!("\\{}", char::from(byte)),
            b' '..=b'~' => char::from(byte).to_string(),
            other => format!("\\x{other:02X}"),
        })
        .collect()
}
