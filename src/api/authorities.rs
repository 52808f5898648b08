//! The cluster's certificate authorities.

use super::call::{Answer, Call};
use super::types::operator::AuthorityStep;

/// Does the next step of a rotation; `force=true`: without waiting for members that have not heard of the last one.
pub async fn rotate(call: Call) -> Answer {
    let force = call.query.flag("force", false)?;
    let step = call.api.cluster.rotate_authority(force).await?;
    call.plain(&AuthorityStep { step: step.to_owned() })
}
