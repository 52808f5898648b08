//! `alloc fs`: the directory of an allocation.

use clap::Args;

use super::tail::{self, From, Window};
use super::task;
use crate::api::types::files::FsEntry;
use crate::cli::connection::Connection;
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_bytes};
use crate::cli::table::{Cell, Table};
use crate::cli::time;

/// List a directory of an allocation, or print a file of it
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier alloc fs 0a1b2c3d
  pannier alloc fs 0a1b2c3d alloc/logs/web.stdout.0
  pannier alloc fs -stat 0a1b2c3d web/local/config.json
  pannier alloc fs -f -tail 0a1b2c3d web/local/access.log")]
pub struct FsArgs {
    /// Id of the allocation, or the beginning of it; with -job, of a job
    #[arg(value_name = "ALLOCATION")]
    allocation: String,
    /// Path below the allocation's directory
    #[arg(value_name = "PATH", default_value = "/")]
    path: String,
    /// Show size, mode and time of the file instead of its contents
    #[arg(long)]
    stat: bool,
    /// Show sizes in units people read
    #[arg(short = 'H')]
    human: bool,
    #[command(flatten)]
    window: Window,
    /// Take the argument for a job, and one of its running allocations
    #[arg(long)]
    job: bool,
    /// Accepted for compatibility
    #[arg(long, hide = true)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

impl FsArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let id = task::allocation(&session, &self.allocation, self.job).await?.id;
        let entry = session.client.stat_file(&id, &self.path).await?;
        if self.stat {
            print(&self.table(&[entry]).render(session.style))?;
            return Ok(Exit::Ok);
        }
        if entry.is_dir {
            let entries = session.client.list_files(&id, &self.path).await?;
            print(&self.table(&entries).render(session.style))?;
            return Ok(Exit::Ok);
        }
        let from = self.window.from();
        if self.window.follow || from != From::Start {
            let mut frames = session.client.follow_file(&id, &self.path, from.bytes_from_end(), self.window.follow).await?;
            tail::print_frames(&mut frames, from).await?;
            return Ok(Exit::Ok);
        }
        let mut contents = session.client.cat_file(&id, &self.path).await?;
        while let Some(bytes) = contents.next().await? {
            print_bytes(&bytes)?;
        }
        Ok(Exit::Ok)
    }

    fn table(&self, entries: &[FsEntry]) -> Table {
        let mut table = Table::new(["Mode", "Size", "Modified Time", "Name"]);
        for entry in entries {
            let name = if entry.is_dir { format!("{}/", entry.name) } else { entry.name.clone() };
            let size = u64::try_from(entry.size).unwrap_or(0);
            let size = if self.human { human_size(size) } else { format!("{size} B") };
            let modified: Cell = time::at_text(Some(&entry.mod_time)).into();
            table.row([(&entry.file_mode).into(), size.into(), modified, name.into()]);
        }
        table
    }
}

/// Bytes with one decimal in the largest fitting binary unit.
pub fn human_size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_the_largest_unit_that_fits() {
        assert_eq!(human_size(1023), "1023 B");
        assert_eq!(human_size(1536), "1.5 KiB");
        assert_eq!(human_size(5 << 40), "5.0 TiB");
        assert_eq!(human_size(u64::MAX), "16777216.0 TiB");
    }
}
