//! From a jobspec's text to a judged model: 200 lines must take a millisecond at most, and time must grow with the length
//! and no faster.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pannier::jobspec::{VariableSources, format, json, parse_hcl, validate};

/// A jobspec of about `lines` lines, with a bit of everything.
fn jobspec(lines: usize) -> String {
    let mut text = String::from(
        "variable \"image\" {\n  type    = string\n  default = \"app:1\"\n}\n\nlocals {\n  tags = [for i in range(3) : \"t-${i}\"]\n}\n\njob \"bench\" {\n  datacenters = [\"dc1\"]\n",
    );
    let mut group = 0;
    while text.lines().count() + 39 < lines {
        group += 1;
        let _ = write!(
            text,
            r#"
  group "g{group}" {{
    count = {group} > 1 ? 2 : 1
    network {{
      port "http" {{
        to = 8080
      }}
    }}
    service {{
      name     = "s{group}"
      provider = "nomad"
      port     = "http"
      tags     = local.tags
    }}
    task "t" {{
      driver = "docker"
      config {{
        image = "${{var.image}}"
        args  = ["-p", "${{NOMAD_PORT_http}}"]
        ports = ["http"]
      }}
      env {{
        NODE  = "${{node.unique.name}}"
        LEVEL = upper("info")
      }}
      template {{
        destination = "local/a.conf"
        data        = <<-EOF
          listen = {{{{ env "NOMAD_ADDR_http" }}}}
          %{{ for t in local.tags ~}}
          tag = ${{t}}
          %{{ endfor ~}}
        EOF
      }}
      resources {{
        cpu    = 100 + {group}
        memory = 64
      }}
    }}
  }}
"#
        );
    }
    text.push_str("}\n");
    text
}

fn reading(criterion: &mut Criterion) {
    let variables = VariableSources::default();
    let mut group = criterion.benchmark_group("jobspec");
    for lines in [200, 1_000, 5_000] {
        let text = jobspec(lines);
        let actual = text.lines().count();
        group.throughput(Throughput::Elements(actual as u64));
        group.bench_with_input(BenchmarkId::new("parse_and_validate", actual), &text, |bencher, text| {
            bencher.iter(|| {
                let parsed = parse_hcl(black_box(text), "bench.hcl", &variables).expect("the jobspec is a job");
                black_box(validate(&parsed.job).len())
            });
        });
        group.bench_with_input(BenchmarkId::new("format", actual), &text, |bencher, text| {
            bencher.iter(|| format::format(black_box(text), "bench.hcl").expect("the jobspec is HCL").len());
        });
        let parsed = parse_hcl(&text, "bench.hcl", &variables).expect("the jobspec is a job");
        group.bench_with_input(BenchmarkId::new("to_json", actual), &parsed.job, |bencher, job| {
            bencher.iter(|| black_box(json::job_to_value(job)));
        });
    }
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
