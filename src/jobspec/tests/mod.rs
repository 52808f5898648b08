//! The room as a whole: text in, model and messages out.

mod errors;
mod examples;
mod hcl_jobs;
mod json_jobs;
mod properties;
mod sample;
mod wild;
