//! Where a gateway's database is: in memory only. What lasts is kept encrypted elsewhere.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rustix::fs::statfs;
use store::StoreUrl;

/// As the kernel numbers file systems that are in memory.
const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];
const NAME: &str = "branch.db";

/// An empty place in a directory that no disk holds.
pub fn fresh(directory: &Path) -> Result<StoreUrl> {
    let told = || format!("cannot use {}: set `memory` in [controld.srst]", directory.display());
    DirBuilder::new().recursive(true).mode(0o700).create(directory).with_context(told)?;
    let kind = statfs(directory).with_context(told)?.f_type;
    ensure!(
        IN_MEMORY.contains(&kind),
        "{} is on a disk, where what phones and lines there are would stay readable: set `memory` \
         in [controld.srst] to a directory of a tmpfs, such as /run/ringfence/srst",
        directory.display()
    );
    for name in ["", "-wal", "-shm"].map(|ending| format!("{NAME}{ending}")) {
        let old = directory.join(name);
        if old.exists() {
            fs::remove_file(&old).with_context(told)?;
        }
    }
    Ok(StoreUrl::Sqlite(directory.join(NAME)))
}

#[cfg(test)]
mod tests {
    use super::*;

    // R: SRST-08
    #[test]
    fn a_disk_is_no_memory() {
        let memory = tempfile::tempdir_in("/dev/shm").unwrap();
        let place = memory.path().join("srst");
        assert!(fresh(&place).is_ok());
        fs::write(place.join(NAME), "left by a crash").unwrap();
        assert!(fresh(&place).is_ok() && !place.join(NAME).exists());
        // Where the sources are, there is a disk.
        let disk = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let refused = fresh(disk.path()).unwrap_err().to_string();
        assert!(refused.contains("on a disk"), "{refused}");
    }
}
