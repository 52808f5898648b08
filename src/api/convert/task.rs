//! Task states and their events.

use super::{strings, time_or_never};
use crate::api::types::task::{TaskEvent, TaskState};
use crate::model;

impl From<&model::TaskState> for TaskState {
    fn from(state: &model::TaskState) -> Self {
        Self {
            state: state.state.name().to_owned(),
            failed: state.failed,
            restarts: state.restarts,
            last_restart: Some(time_or_never(state.last_restart)),
            started_at: Some(time_or_never(state.started_at)),
            finished_at: Some(time_or_never(state.finished_at)),
            events: state.events.iter().map(TaskEvent::from).collect(),
        }
    }
}

impl From<&model::TaskEvent> for TaskEvent {
    /// The details, which are where a value is kept, are repeated in the fields that older clients read.
    fn from(event: &model::TaskEvent) -> Self {
        let text = |key: &str| event.details.get(key).map(ToString::to_string).unwrap_or_default();
        let number = |key: &str| event.details.get(key).and_then(|value| value.parse().ok()).unwrap_or_default();
        Self {
            r#type: event.kind.to_string(),
            time: event.time.0,
            display_message: event.message.to_string(),
            details: strings(&event.details),
            message: event.message.to_string(),
            fails_task: event.fails_task,
            restart_reason: text("restart_reason"),
            setup_error: text("setup_error"),
            driver_error: text("driver_error"),
            driver_message: text("driver_message"),
            exit_code: number("exit_code"),
            signal: number("signal"),
            kill_reason: text("kill_reason"),
            kill_timeout: number("kill_timeout"),
            kill_error: text("kill_error"),
            start_delay: number("start_delay"),
            download_error: text("download_error"),
            validation_error: text("validation_error"),
            failed_sibling: text("failed_sibling"),
            task_signal_reason: text("task_signal_reason"),
            task_signal: text("task_signal"),
        }
    }
}
