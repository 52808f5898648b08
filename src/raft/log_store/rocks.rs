//! The log on RocksDB: column family `log` by index, `meta` for everything there is one of.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rocksdb::{BlockBasedOptions, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode, DEFAULT_COLUMN_FAMILY_NAME};
use rocksdb::{IteratorMode, LogLevel, Options, ReadOptions, WriteBatch, WriteOptions};

use super::device::{LogDevice, Operation, Recovered};
use super::tail::entry_bytes;
use crate::codec::{self, CodecError, Persisted};
use crate::raft::error::RaftError;
use crate::raft::records::{FormatRecord, IdentityRecord, LogIdRecord, LogRecord, VoteRecord};
use crate::raft::types::{Entry, LogId};
use crate::util::random::random_u128;

/// Layout of the directory. Version 1: column families `log` (index as u64 big-endian -> [`LogRecord`]) and `meta` (the keys below).
const FORMAT: u16 = 1;

const LOG: &str = "log";
const META: &str = "meta";

const FORMAT_KEY: &str = "format";
const ID_KEY: &str = "id";
const VOTE_KEY: &str = "vote";
const COMMITTED_KEY: &str = "committed";
const PURGED_KEY: &str = "purged";

pub(super) struct Rocks {
    db: DB,
    path: PathBuf,
}

impl Rocks {
    /// Opens or makes the database and checks that what it holds is whole.
    pub(super) fn open(path: &Path) -> Result<(Self, Recovered), RaftError> {
        let families = [DEFAULT_COLUMN_FAMILY_NAME, LOG, META].map(|name| ColumnFamilyDescriptor::new(name, family_options()));
        let db = DB::open_cf_descriptors(&database_options(), path, families).map_err(|error| open_error(path, error.into_string()))?;
        let rocks = Self { db, path: path.to_owned() };
        let recovered = rocks.recover()?;
        Ok((rocks, recovered))
    }

    fn recover(&self) -> Result<Recovered, RaftError> {
        let Some(format) = self.meta::<FormatRecord>(FORMAT_KEY)? else {
            return self.initialize();
        };
        if format.version > FORMAT {
            let found = format!("log format {}, this build reads up to {FORMAT}", format.version);
            return Err(RaftError::NewerFormat { path: self.path.clone(), found });
        }
        let Some(identity) = self.meta::<IdentityRecord>(ID_KEY)? else {
            return Err(self.damaged("the server's id is missing"));
        };
        let purged = self.meta::<LogIdRecord>(PURGED_KEY)?.map(LogId::from);
        let last = self.check_entries(purged)?;
        Ok(Recovered {
            id: identity.id,
            fresh: false,
            vote: self.meta::<VoteRecord>(VOTE_KEY)?.map(Into::into),
            committed: self.meta::<LogIdRecord>(COMMITTED_KEY)?.map(Into::into),
            purged,
            last: last.or(purged),
        })
    }

    /// A new log: it gets its id for life.
    fn initialize(&self) -> Result<Recovered, RaftError> {
        if self.db.iterator_cf(self.log_family(), IteratorMode::Start).next().is_some() {
            return Err(self.damaged("it has entries but no format version"));
        }
        // 0 is what an unset id would look like.
        let id = ((random_u128() >> 64) as u64).max(1);
        let mut batch = WriteBatch::default();
        let records = [(FORMAT_KEY, codec::encode(&FormatRecord { version: FORMAT })), (ID_KEY, codec::encode(&IdentityRecord { id }))];
        for (key, record) in records {
            batch.put_cf(self.meta_family(), key, record.map_err(|error| self.codec_error(&error))?);
        }
        self.write_batch(batch, true).map_err(|source| RaftError::io(&self.path, source))?;
        Ok(Recovered { id, fresh: true, ..Recovered::default() })
    }

    /// Walks all keys, which also verifies RocksDB's block checksums, and returns the last entry's id.
    fn check_entries(&self, purged: Option<LogId>) -> Result<Option<LogId>, RaftError> {
        let mut expected = purged.map_or(0, |purged| purged.index + 1);
        let mut keys = self.db.raw_iterator_cf(self.log_family());
        keys.seek(expected.to_be_bytes());
        while let Some(key) = keys.key() {
            if key != expected.to_be_bytes() {
                return Err(self.damaged(&format!("entry {expected} is missing")));
            }
            expected += 1;
            keys.next();
        }
        keys.status().map_err(|error| self.damaged(&error.into_string()))?;
        keys.seek_to_last();
        let Some((key, value)) = keys.item() else { return Ok(None) };
        let Some(index) = key_index(key).filter(|index| index + 1 == expected) else { return Ok(None) };
        let entry = decode_entry(index, value).map_err(|error| self.codec_error(&error))?;
        Ok(Some(entry.log_id))
    }

    fn meta<T: Persisted>(&self, key: &str) -> Result<Option<T>, RaftError> {
        let bytes = self.db.get_pinned_cf(self.meta_family(), key).map_err(|error| open_error(&self.path, error.into_string()))?;
        bytes.map(|bytes| codec::decode(&bytes)).transpose().map_err(|error| self.codec_error(&error))
    }

    fn write_batch(&self, batch: WriteBatch, durable: bool) -> io::Result<()> {
        let mut options = WriteOptions::default();
        options.set_sync(durable);
        self.db.write_opt(batch, &options).map_err(io_error)
    }

    fn log_family(&self) -> &ColumnFamily {
        self.db.cf_handle(LOG).expect("opened with this column family")
    }

    fn meta_family(&self) -> &ColumnFamily {
        self.db.cf_handle(META).expect("opened with this column family")
    }

    fn damaged(&self, reason: &str) -> RaftError {
        RaftError::DamagedLog { path: self.path.clone(), reason: reason.to_owned() }
    }

    fn codec_error(&self, error: &CodecError) -> RaftError {
        match error {
            CodecError::TooNew { .. } => RaftError::NewerFormat { path: self.path.clone(), found: error.to_string() },
            _ => self.damaged(&error.to_string()),
        }
    }
}

impl LogDevice for Rocks {
    fn write(&self, operations: &[Operation], durable: bool) -> io::Result<()> {
        let (log, meta) = (self.log_family(), self.meta_family());
        let mut batch = WriteBatch::default();
        for operation in operations {
            match operation {
                Operation::Append(entries) => {
                    for entry in entries {
                        batch.put_cf(log, entry.log_id.index.to_be_bytes(), encode(&LogRecord::from(entry))?);
                    }
                }
                Operation::Truncate { range } => batch.delete_range_cf(log, range.start.to_be_bytes(), range.end.to_be_bytes()),
                Operation::Purge { from, upto } => {
                    // One batch, so the id is never without effect and the entries never gone without it.
                    batch.put_cf(meta, PURGED_KEY, encode(&LogIdRecord::from(upto))?);
                    batch.delete_range_cf(log, from.to_be_bytes(), (upto.index + 1).to_be_bytes());
                }
                Operation::Vote(vote) => batch.put_cf(meta, VOTE_KEY, encode(&VoteRecord::from(vote))?),
                Operation::Committed(committed) => batch.put_cf(meta, COMMITTED_KEY, encode(&LogIdRecord::from(committed))?),
            }
        }
        self.write_batch(batch, durable)?;
        for operation in operations {
            if let Operation::Purge { from, upto } = operation {
                // Whole files that hold nothing else go at once instead of through a compaction.
                self.db.delete_file_in_range_cf(log, from.to_be_bytes(), upto.index.to_be_bytes()).map_err(io_error)?;
            }
        }
        Ok(())
    }

    fn read(&self, range: Range<u64>, byte_limit: usize) -> io::Result<Vec<Entry>> {
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(range.end.to_be_bytes());
        let mut rows = self.db.raw_iterator_cf_opt(self.log_family(), options);
        // Never from the family's start: purged entries lie there as tombstones.
        rows.seek(range.start.to_be_bytes());
        let mut entries = Vec::new();
        let mut bytes = 0;
        for index in range {
            let Some((key, value)) = rows.item().filter(|(key, _)| *key == index.to_be_bytes()) else {
                rows.status().map_err(io_error)?;
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("log entry {index} is missing")));
            };
            debug_assert_eq!(key_index(key), Some(index));
            let entry = decode_entry(index, value).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            bytes += entry_bytes(&entry);
            if bytes > byte_limit && !entries.is_empty() {
                break;
            }
            entries.push(entry);
            rows.next();
        }
        Ok(entries)
    }

    fn sync(&self) -> io::Result<()> {
        self.db.flush_wal(true).map_err(io_error)
    }
}

fn key_index(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

fn encode<T: Persisted>(value: &T) -> io::Result<Vec<u8>> {
    codec::encode(value).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn decode_entry(index: u64, value: &[u8]) -> Result<Entry, CodecError> {
    let record: LogRecord = codec::decode(value)?;
    if record.index != index {
        let reason = format!("it says it is entry {}, but lies at {index}", record.index);
        return Err(CodecError::Malformed { kind: LogRecord::KIND, version: LogRecord::VERSION, reason });
    }
    record.into_entry()
}

fn database_options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // The default drops everything after a damaged record, synced or not: for Raft that is to forget what was acknowledged. This one
    // forgives only a torn end and refuses to open otherwise.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_paranoid_checks(true);
    // Both families are flushed together, or the rarely written `meta` would hold on to every old write-ahead log.
    options.set_atomic_flush(true);
    options.set_max_total_wal_size(256 << 20);
    options.set_max_background_jobs(2);
    options.set_avoid_unnecessary_blocking_io(true);
    // RocksDB's own diary: short, and nothing in it by the clock, so that an idle server writes nothing.
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1 << 20);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

fn family_options() -> Options {
    let mut options = Options::default();
    options.set_write_buffer_size(16 << 20);
    options.set_compression_type(DBCompressionType::None);
    // Written once, read hardly ever, and then in order: the kernel's page cache serves. RocksDB's own takes 6 MB for each family at once.
    let mut table = BlockBasedOptions::default();
    table.disable_cache();
    options.set_block_based_table_factory(&table);
    // Entries are written once, in order, and deleted by the file: compaction has nothing to win, so it must not hold writes up.
    options.set_level_zero_file_num_compaction_trigger(8);
    options.set_level_zero_slowdown_writes_trigger(64);
    options.set_level_zero_stop_writes_trigger(128);
    options
}

/// RocksDB reports the system's error only in its text.
fn io_error(error: rocksdb::Error) -> io::Error {
    let text = error.into_string();
    io::Error::new(io_kind(&text), text)
}

fn io_kind(text: &str) -> io::ErrorKind {
    let kinds = [
        ("No space left on device", io::ErrorKind::StorageFull),
        ("Disk quota exceeded", io::ErrorKind::QuotaExceeded),
        ("Read-only file system", io::ErrorKind::ReadOnlyFilesystem),
        ("Permission denied", io::ErrorKind::PermissionDenied),
        ("Corruption", io::ErrorKind::InvalidData),
    ];
    kinds.into_iter().find(|(phrase, _)| text.contains(phrase)).map_or(io::ErrorKind::Other, |(_, kind)| kind)
}

fn open_error(path: &Path, text: String) -> RaftError {
    let path = path.to_owned();
    if text.contains("lock hold by current process") || text.contains("While lock file") {
        return RaftError::Locked { path };
    }
    // A newer build may have added column families.
    if text.contains("Column families not opened") {
        return RaftError::NewerFormat { path, found: text };
    }
    match io_kind(&text) {
        io::ErrorKind::InvalidData => RaftError::DamagedLog { path, reason: text },
        kind => RaftError::io(&path, io::Error::new(kind, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_told_apart() {
        let path = Path::new("/data/raft");
        let lock = "IO error: While lock file: /data/raft/LOCK: Resource temporarily unavailable";
        assert!(matches!(open_error(path, lock.into()), RaftError::Locked { .. }));
        let full = "IO error: No space left on device: While appending to file: /data/raft/000012.log: No space left on device";
        assert!(matches!(open_error(path, full.into()), RaftError::DiskFull { .. }));
        let read_only = "IO error: While open a file for appending: /data/raft/LOG: Read-only file system";
        assert!(matches!(open_error(path, read_only.into()), RaftError::NotWritable { .. }));
        assert!(matches!(open_error(path, "Corruption: checksum mismatch".into()), RaftError::DamagedLog { .. }));
    }

    #[test]
    fn a_directory_of_a_newer_build_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        {
            let (rocks, _) = Rocks::open(directory.path()).unwrap();
            rocks.db.put_cf(rocks.meta_family(), FORMAT_KEY, codec::encode(&FormatRecord { version: FORMAT + 1 }).unwrap()).unwrap();
        }
        let error = Rocks::open(directory.path()).err().unwrap();
        assert!(error.to_string().contains("written by a newer pannier (log format 2"), "{error}");
    }

    #[test]
    fn a_missing_entry_is_found_at_the_start() {
        use crate::raft::log_store::tests::blank;
        let directory = tempfile::tempdir().unwrap();
        {
            let (rocks, recovered) = Rocks::open(directory.path()).unwrap();
            assert!(recovered.fresh && recovered.id != 0);
            rocks.write(&[Operation::Append((0..9).map(|index| blank(1, index)).collect())], true).unwrap();
            rocks.db.delete_cf(rocks.log_family(), 4u64.to_be_bytes()).unwrap();
        }
        let error = Rocks::open(directory.path()).err().unwrap();
        assert!(matches!(&error, RaftError::DamagedLog { reason, .. } if reason == "entry 4 is missing"), "{error}");
        assert!(error.to_string().contains("restore the data directory from a backup"), "{error}");
    }

    #[test]
    fn an_idle_log_stays_small_and_quiet() {
        let directory = tempfile::tempdir().unwrap();
        drop(Rocks::open(directory.path()).unwrap());
        let names = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
        let newest = names.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("OPTIONS-")).max().unwrap();
        let options = std::fs::read_to_string(newest).unwrap();
        for wanted in ["stats_dump_period_sec=0", "stats_persist_period_sec=0", "max_log_file_size=1048576", "write_buffer_size=16777216"] {
            assert!(options.lines().any(|line| line.trim() == wanted), "{wanted} is not among\n{options}");
        }
    }

    #[test]
    fn a_second_opener_is_told_who_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let (_rocks, _) = Rocks::open(directory.path()).unwrap();
        assert!(matches!(Rocks::open(directory.path()), Err(RaftError::Locked { .. })));
    }
}
