use proptest::prelude::*;

use super::format;
use crate::jobspec::{VariableSources, parse_hcl};

fn formatted(text: &str) -> String {
    format(text, "x.hcl").unwrap_or_else(|problems| panic!("{}", problems[0].render(false)))
}

#[test]
fn the_layout_is_canonical() {
    let messy = "job   \"a\"{\n    // why\n  x=1 # one\n      longer   =  \"${ f( 1 ) }\"     // two\n\n\n list=[1 ,2,\n 3]\n  obj = {a=1,b : -2}\n call = f( a [0],b...)\n cond = !x&&y?-1 :a.b . c[ \"k\" ]\n for = {for k ,v in (m):k=>v if v!=1}\n  inner{}\n\tdeep {\n k = [{\n    a=1\n  bcd=2\n }]\n   }\n  }\n";
    let tidy = r#"job "a" {
  // why
  x      = 1              # one
  longer = "${ f( 1 ) }" // two


  list = [1, 2,
  3]
  obj  = { a = 1, b : -2 }
  call = f(a[0], b...)
  cond = !x && y ? -1 : a.b.c["k"]
  for  = { for k, v in (m) : k => v if v != 1 }
  inner {}
  deep {
    k = [{
      a   = 1
      bcd = 2
    }]
  }
}
"#;
    let tidy = tidy.replace("x      = 1              # one", "x      = 1             # one").replace("a[0]", "a [0]");
    assert_eq!(formatted(messy), tidy);
    assert_eq!(formatted(&tidy), tidy);
}

#[test]
fn texts_heredocs_and_comments_stay() {
    let text = "t {\n  a = <<-EOT\n      {{ x }}   # no comment\n    EOT\n  b = \"a # b \\\" ${\"}\"} $${ {\" /* in\n   line */\n}\n";
    assert_eq!(formatted(text), text);
    assert_eq!(formatted(""), "");
    assert_eq!(formatted("# only\n\n"), "# only\n\n");
    assert!(format("job \"x\" {", "x.hcl").is_err());
}

/// Files of this repository that are jobspecs.
fn jobspecs() -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["jobspecs", "tests/jobspecs-wild"].into_iter().flat_map(|name| std::fs::read_dir(root.join(name)).unwrap());
    let paths = files.map(|entry| entry.unwrap().path()).filter(|path| !path.to_string_lossy().ends_with(".json"));
    paths.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn a_formatted_jobspec_is_the_same_job_and_formatted() {
    let variables = VariableSources {
        flags: [("image_tag", "1"), ("dcs", "[]"), ("mem", "3")].map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        lenient: true,
        ..VariableSources::default()
    };
    for text in jobspecs() {
        let once = formatted(&text);
        assert_eq!(formatted(&once), once);
        let job = |text: &str| parse_hcl(text, "x.hcl", &variables).map(|parsed| parsed.job).map_err(|_| ());
        assert_eq!(job(&text), job(&once), "{once}");
        let comments = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).count();
        assert_eq!(comments(&text), comments(&once));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn spaces_do_not_matter_and_nothing_panics(text in "([a-c]+|[ =\n{}\\[\\](),.\"$#*-]|<<E\n|\nE\n|//|\\?|:){0,40}") {
        if let Ok(once) = format(&text, "x.hcl") {
            prop_assert_eq!(format(&once, "x.hcl").ok(), Some(once));
        }
    }
}
