//! Which boot of the machine this is.

use std::io;

use reports::Boot;

use super::read;
use crate::machine::Host;

/// The boot's id, which no two boots share (`random(4)`), and the kernel that runs.
pub async fn boot(host: &dyn Host) -> io::Result<Boot> {
    Ok(Boot {
        id: read::text(host, "/proc/sys/kernel/random/boot_id").await?,
        kernel: read::text(host, "/proc/sys/kernel/osrelease").await?,
    })
}
