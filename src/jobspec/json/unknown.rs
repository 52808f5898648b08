//! Fields of a job's JSON that nothing reads. They are tolerated, since clients are older or newer than we are, and named: most are slips.

use serde_ignored::Path;
use serde_json::Value as Json;

use super::kept::says_nothing;
use super::types::ApiJob;
use crate::jobspec::validate::Problem;

/// More than these, and the job was made for something else.
const MOST: usize = 20;

/// The job in `value`, and a warning for each field that says something and is not read.
pub fn read(value: &Json) -> Result<(ApiJob, Vec<Problem>), serde_json::Error> {
    let mut found = Vec::new();
    let api = serde_ignored::deserialize(value, |path| {
        let mut places = Vec::new();
        collect(&path, &mut places);
        found.push(places);
    })?;
    let warnings = found.iter().filter_map(|places| warning(value, places)).take(MOST).collect();
    Ok((api, warnings))
}

enum Place {
    Field(String),
    Item(usize),
}

fn collect(path: &Path<'_>, places: &mut Vec<Place>) {
    match path {
        Path::Root => {}
        Path::Seq { parent, index } => {
            collect(parent, places);
            places.push(Place::Item(*index));
        }
        Path::Map { parent, key } => {
            collect(parent, places);
            places.push(Place::Field(key.clone()));
        }
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => collect(parent, places),
    }
}

fn warning(value: &Json, places: &[Place]) -> Option<Problem> {
    let mut at = value;
    let mut path = "job".to_owned();
    for place in places {
        match place {
            Place::Field(name) => {
                at = at.get(name)?;
                path.push_str(&format!(".{name}"));
            }
            Place::Item(index) => {
                at = at.get(index)?;
                path.push_str(&format!("[{index}]"));
            }
        }
    }
    // Nomad's clients write every field that they know, mostly empty.
    (!says_nothing(at)).then(|| Problem::warning(path, "is not a field that pannier knows, and is ignored"))
}
