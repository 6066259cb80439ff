//! `blocks`: blocks of a drive that say where they belong, on a host and in a probe guest.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, value_parser};
use harness::blocks::{Area, Pace};
use harness::nvme::Scratch;
use serde::Serialize;

use super::{output, usage};

/// What is transferred at once, at most, in blocks.
const LARGEST: i64 = 65_536;

/// How many bytes are held in memory to be written again and again.
const MOST: u64 = 256 << 20;

#[derive(Subcommand)]
pub(super) enum BlocksCommand {
    /// Write blocks that say where they belong: what was there is lost.
    Write(WriteArgs),
    /// Read them, and count those that are not what was written.
    Verify(AreaArgs),
    /// Read them, or write them again, as fast as they come for some time.
    Rate(RateArgs),
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
pub(super) struct RateArgs {
    #[command(flatten)]
    area: AreaArgs,
    /// Write instead of reading.
    #[arg(long, requires = "overwrite")]
    write: bool,
    /// The data on the device may be lost.
    #[arg(long)]
    overwrite: bool,
    /// How many transfers are under way at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = value_parser!(u16).range(1..=256))]
    at_once: u16,
    /// For how long.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = value_parser!(u64).range(1..=3600))]
    seconds: u64,
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
        BlocksCommand::Rate(args) => return rate(&args),
    };
    let passed = passed.with_context(|| format!("cannot use {}", args.device.display()))?;
    output::print(&told(&args, &passed)?)?;
    Ok(u8::from(passed.wrong > 0 || passed.failed.is_some()))
}

fn rate(args: &RateArgs) -> anyhow::Result<u8> {
    let area = stretch(&args.area)?;
    let bytes = area.count.saturating_mul(area.block as u64);
    if args.write && bytes > MOST {
        return Err(usage(format!(
            "blocks that are written at a pace are made before: {bytes} bytes are more than {MOST}; name a smaller --count"
        )));
    }
    let pace = Pace {
        at_once: args.at_once.into(),
        time: Duration::from_secs(args.seconds),
    };
    let rate = if args.write {
        area.write_for(pace)
    } else {
        area.read_for(pace)
    };
    let rate = rate.with_context(|| format!("cannot use {}", area.device.display()))?;
    output::print(&told(&args.area, &rate)?)?;
    Ok(u8::from(rate.wrong > 0 || rate.failed.is_some()))
}

fn told<T: Serialize + Display>(args: &AreaArgs, result: &T) -> anyhow::Result<String> {
    if args.json {
        Ok(serde_json::to_string(result)?)
    } else {
        Ok(result.to_string())
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
