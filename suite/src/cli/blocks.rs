//! `blocks`: blocks of a drive that say where they belong, on a host and in a probe guest.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, value_parser};
use harness::blocks::{Area, Passed};
use harness::nvme::Scratch;

use super::{output, usage};

/// What is transferred at once, at most, in blocks.
const LARGEST: i64 = 65_536;

#[derive(Subcommand)]
pub(super) enum BlocksCommand {
    /// Write blocks that say where they belong: what was there is lost.
    Write(WriteArgs),
    /// Read them, and count those that are not what was written.
    Verify(AreaArgs),
}

#[derive(Args)]
pub(super) struct WriteArgs {
    #[command(flatten)]
    area: AreaArgs,
    /// The data on the device may be lost.
    #[arg(long)]
    overwrite: bool,
}

#[derive(Args)]
pub(super) struct AreaArgs {
    /// The block device, such as /dev/nvme0n1.
    #[arg(long, value_name = "PATH")]
    device: PathBuf,
    /// The namespace that it must be, by its controller's serial number.
    #[arg(long, value_name = "SERIAL:NSID")]
    namespace: Option<Scratch>,
    /// What tells these blocks from others.
    #[arg(long, value_name = "N")]
    seed: u32,
    /// The first block.
    #[arg(long, value_name = "LBA", default_value_t = 0)]
    first: u64,
    /// How many blocks.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    count: u64,
    /// How many blocks are transferred at once, in turns.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "8", value_parser = value_parser!(u32).range(1..=LARGEST))]
    transfers: Vec<u32>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// The exit code is 1 where the device refuses, or has other blocks than were written.
pub(super) fn run(command: BlocksCommand) -> anyhow::Result<u8> {
    let (args, passed) = match command {
        BlocksCommand::Write(WriteArgs {
            overwrite: false,
            area,
        }) => {
            let device = area.device.display();
            return Err(usage(format!(
                "what is on {device} would be lost; `--overwrite` says that it may be"
            )));
        }
        BlocksCommand::Write(WriteArgs { area, .. }) => {
            let passed = stretch(&area)?.write();
            (area, passed)
        }
        BlocksCommand::Verify(area) => {
            let passed = stretch(&area)?.verify();
            (area, passed)
        }
    };
    let passed = passed.with_context(|| format!("cannot use {}", args.device.display()))?;
    output::print(&told(&args, &passed)?)?;
    Ok(u8::from(passed.wrong > 0 || passed.failed.is_some()))
}

fn told(args: &AreaArgs, passed: &Passed) -> anyhow::Result<String> {
    if args.json {
        Ok(serde_json::to_string(passed)?)
    } else {
        Ok(passed.to_string())
    }
}

fn stretch(args: &AreaArgs) -> anyhow::Result<Area> {
    let (block, size) = geometry(&args.device)?;
    if let Some(wanted) = &args.namespace {
        is_that(&args.device, wanted)?;
    }
    let end = args.first.checked_add(args.count);
    if end.is_none_or(|end| end > size) {
        return Err(usage(format!(
            "{} has {size} blocks, and {} from {} on are asked for",
            args.device.display(),
            args.count,
            args.first
        )));
    }
    Ok(Area {
        device: args.device.clone(),
        block,
        first: args.first,
        count: args.count,
        transfers: args.transfers.iter().map(|count| *count as usize).collect(),
        seed: args.seed,
    })
}

/// Names of block devices are given anew as namespaces come and go (Linux 6.12 drivers/nvme/host/sysfs.c, `nsid`, and of what it is
/// a device, `serial`).
fn is_that(device: &Path, wanted: &Scratch) -> anyhow::Result<()> {
    let name = device.file_name().context("a device has a name")?;
    let folder = Path::new("/sys/class/block").join(name);
    let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    let [nsid, serial] = ["nsid", "device/serial"].map(text);
    let (nsid, serial) = (nsid.trim(), serial.trim());
    if serial == wanted.serial && nsid == wanted.nsid.to_string() {
        return Ok(());
    }
    bail!(
        "{} is namespace {serial}:{nsid}, and not {wanted}",
        device.display()
    );
}

/// Bytes of a block, and how many there are (Linux Documentation/ABI/stable/sysfs-block: `size` counts 512 bytes whatever a block has).
fn geometry(device: &Path) -> anyhow::Result<(usize, u64)> {
    let real = fs::canonicalize(device);
    let real = real.map_err(|error| usage(format!("cannot find {}: {error}", device.display())))?;
    let name = real.file_name().context("a device has a name")?;
    let folder = Path::new("/sys/class/block").join(name);
    let number = |file: &str| -> anyhow::Result<u64> {
        let text = fs::read_to_string(folder.join(file));
        let text =
            text.map_err(|_| usage(format!("{} is no whole block device", device.display())))?;
        Ok(text.trim().parse()?)
    };
    let block = number("queue/logical_block_size")?;
    if block == 0 {
        bail!("{} has blocks of no size", device.display());
    }
    Ok((usize::try_from(block)?, number("size")? * 512 / block))
}
