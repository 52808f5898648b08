//! Log lines to standard error, and to whoever watches `/v1/agent/monitor`.

use std::fmt::Write as _;
use std::io;

use serde_json::{Map, Value};
use tokio::sync::broadcast;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::api::handles::{LogLevel, LogLine};
use crate::util::clock::Timestamp;

/// How many lines a slow watcher may lag behind before it misses some.
const MONITOR_CAPACITY: usize = 512;

/// Where watchers subscribe to the log.
pub type LogLines = broadcast::Sender<LogLine>;

/// Installs the process's subscriber. `level` is Nomad's (`TRACE` ... `ERROR`) or a filter of `tracing`'s.
pub fn install(level: &str, json: bool) -> Result<LogLines, String> {
    let (lines, _) = broadcast::channel(MONITOR_CAPACITY);
    // Libraries below us are only interesting when they complain.
    let directives = format!("{},openraft=error,hyper=warn,h2=warn,tower_http=warn", level.to_ascii_lowercase());
    let filter = EnvFilter::try_new(directives).map_err(|error| format!("invalid log level {level:?}: {error}"))?;
    let plain = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
    let to_stderr: Box<dyn Layer<_> + Send + Sync> =
        if json { plain.json().boxed() } else { plain.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed() };
    tracing_subscriber::registry()
        .with(filter)
        .with(to_stderr)
        .with(Monitor { lines: lines.clone() })
        .try_init()
        .map_err(|error| format!("logging is already set up: {error}"))?;
    Ok(lines)
}

/// Formats events for watchers; does nothing while there are none.
struct Monitor {
    lines: LogLines,
}

impl<S: Subscriber> Layer<S> for Monitor {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        if self.lines.receiver_count() == 0 {
            return;
        }
        let level = level_of(*event.metadata().level());
        let mut fields = Fields::default();
        event.record(&mut fields);
        let time = Timestamp::now().rfc3339();
        let name = event.metadata().level().as_str();
        let mut text = format!("{time} [{name}] {}", fields.message);
        for (key, value) in &fields.others {
            let _ = write!(text, " {key}={value}");
        }
        let mut object = fields.others;
        object.insert("@level".to_owned(), name.to_ascii_lowercase().into());
        object.insert("@message".to_owned(), fields.message.into());
        object.insert("@module".to_owned(), event.metadata().target().into());
        object.insert("@timestamp".to_owned(), time.into());
        // The last watcher may have left meanwhile.
        let _ = self.lines.send(LogLine { level, text, json: Value::Object(object).to_string() });
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.others.insert(field.name().to_owned(), text.into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.others.insert(field.name().to_owned(), value.into());
    }
}

fn level_of(level: Level) -> LogLevel {
    match level {
        Level::TRACE => LogLevel::Trace,
        Level::DEBUG => LogLevel::Debug,
        Level::INFO => LogLevel::Info,
        Level::WARN => LogLevel::Warn,
        Level::ERROR => LogLevel::Error,
    }
}
