//! `operator snapshot ...`: the cluster's state as a file.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use crate::api::archive::{self, ArchiveMeta};
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_json};
use crate::cli::table::Table;

#[derive(Subcommand)]
pub enum SnapshotCommand {
    Save(SaveArgs),
    Restore(RestoreArgs),
    Inspect(InspectArgs),
}

impl SnapshotCommand {
    pub async fn run(self) -> Outcome {
        match self {
            Self::Save(args) => args.run().await,
            Self::Restore(args) => args.run().await,
            Self::Inspect(args) => args.run(),
        }
    }
}

/// Save the cluster's state to a file
///
/// The file holds everything but who the cluster trusts: jobs, with the secrets that are written in them, and the keys that identities are
/// signed with. Keep it as you keep those.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier operator snapshot save backup.snap
  pannier operator snapshot save -stale backup.snap")]
pub struct SaveArgs {
    /// File to write; without one, pannier-state-TIME.snap
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Take what the server asked has, also when there is no leader
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    connection: Connection,
}

impl SaveArgs {
    async fn run(self) -> Outcome {
        let file =
            self.file.unwrap_or_else(|| PathBuf::from(format!("pannier-state-{}.snap", crate::util::clock::Timestamp::now().seconds())));
        let mut stream = self.connection.open()?.client.save_snapshot(self.stale).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await? {
            bytes.extend_from_slice(&piece);
        }
        // What arrived is looked at before an older file is overwritten.
        let (meta, _) = archive::unpack(&bytes).context("what the agent sent cannot be used")?;
        write(&file, &bytes).with_context(|| format!("cannot write {}", file.display()))?;
        print(&format!("State at index {} written to {} and verified", meta.index, file.display()))?;
        Ok(Exit::Ok)
    }
}

/// Whole and on the disk, or not there: a backup that is cut short is worse than none. Readable by its owner only.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let unnamed = path.with_extension("incomplete");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unnamed)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unnamed, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// Replace the cluster's state by that of a file
///
/// Everything that changed since the file was saved is gone: jobs, allocations, nodes. Nodes stop what they run that is not in it. Who
/// belongs to the cluster, its tokens and its certificates stay as they are.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier operator snapshot restore backup.snap")]
pub struct RestoreArgs {
    /// File that `operator snapshot save` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    connection: Connection,
}

impl RestoreArgs {
    async fn run(self) -> Outcome {
        let (meta, _, bytes) = read(&self.file)?;
        self.connection.open()?.client.restore_snapshot(bytes).await?;
        print(&format!("State of index {} restored from {}", meta.index, self.file.display()))?;
        Ok(Exit::Ok)
    }
}

/// Check a file and say what is in it; needs no agent
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier operator snapshot inspect backup.snap
  pannier operator snapshot inspect -json backup.snap")]
pub struct InspectArgs {
    /// File that `operator snapshot save` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl InspectArgs {
    fn run(self) -> Outcome {
        let (meta, state, _) = read(&self.file)?;
        let contents = match archive::contents(&state) {
            Ok(contents) => contents,
            Err(reason) => bail!("the state in {} cannot be read: {reason}", self.file.display()),
        };
        if self.json {
            let rows: serde_json::Map<_, _> = contents.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
            print_json(&serde_json::json!({"Meta": meta, "Rows": rows}))?;
            return Ok(Exit::Ok);
        }
        let mut table = Table::new(["Created", &meta.created]);
        for (name, value) in
            [("ID", meta.id.clone()), ("Size", meta.size.to_string()), ("Index", meta.index.to_string()), ("Term", meta.term.to_string())]
        {
            table.row([name.into(), value.into()]);
        }
        table.row(["Version".into(), meta.version.to_string().into()]);
        table.row(["Build".into(), (&meta.build).into()]);
        for (name, count) in contents {
            table.row([name.into(), count.to_string().into()]);
        }
        print(&table.render(crate::cli::style::Style::PLAIN))?;
        Ok(Exit::Ok)
    }
}

fn read(path: &Path) -> anyhow::Result<(ArchiveMeta, Vec<u8>, Vec<u8>)> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (meta, state) = archive::unpack(&bytes).with_context(|| format!("{} cannot be used", path.display()))?;
    Ok((meta, state, bytes))
}
