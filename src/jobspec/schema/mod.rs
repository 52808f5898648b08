//! What a job may hold, told to other programs: from the very tables that jobspecs are decoded by, so that it cannot be out of date.

mod completion;
mod json_schema;
mod prose;

#[cfg(test)]
mod tests;

pub use self::completion::completion;
pub use self::json_schema::json_schema;
