//! `traffic send` and `traffic receive`: as many frames as go, in one direction.

use std::io::IsTerminal;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use clap::{Args, ValueEnum, value_parser};
use harness::stream::{Backend, Carrier, IMIX, Moment, Receiving, Sending, Shape, Ways};
use harness::traffic::{Interface, MacAddr};

use super::super::{output, usage};
use super::{By, DAY, broke, find, meet, peer, refused, size, told};

#[derive(Args)]
pub(in super::super) struct SendArgs {
    #[command(flatten)]
    by: By,
    /// The address of the other side's interface.
    #[arg(long, value_name = "MAC", value_parser = peer)]
    to: MacAddr,
    #[command(flatten)]
    shape: ShapeArgs,
    /// No more frames than that.
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true, value_parser = value_parser!(u64).range(1..))]
    count: u64,
    /// So many frames a second; without it as many as go.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    rate: Option<u32>,
    #[command(flatten)]
    way: WayArgs,
}

#[derive(Args)]
pub(in super::super) struct ReceiveArgs {
    #[command(flatten)]
    by: By,
    /// What carries the frames.
    #[arg(long, value_enum, default_value_t = CarrierArg::Ethernet)]
    carrier: CarrierArg,
    /// End once so many flows have ended.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..))]
    flows: u16,
    /// With --meet, wait until so many senders are there, so that they begin together.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "meet", value_parser = value_parser!(u16).range(1..))]
    senders: u16,
    #[command(flatten)]
    way: WayArgs,
}

#[derive(Args)]
struct ShapeArgs {
    /// A size of frames in bytes, without the check sequence; several come in turn.
    #[arg(long, value_name = "BYTES", default_value = "60", value_parser = size())]
    size: Vec<u16>,
    /// Seven frames of 60 bytes to four of 590 and one of 1514.
    #[arg(long, conflicts_with = "size")]
    imix: bool,
    /// What carries the frames.
    #[arg(long, value_enum, default_value_t = CarrierArg::Ethernet)]
    carrier: CarrierArg,
    /// The VLAN that they are in.
    #[arg(long, value_name = "ID", value_parser = value_parser!(u16).range(1..=4094))]
    vlan: Option<u16>,
    /// How many flows they belong to, in turn.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..=1024))]
    flows: u16,
    /// Have each frame say when it was sent: a receiver on the same machine, whose clock is the same, tells how long they took.
    #[arg(long)]
    stamp: bool,
    /// The number of the first flow, to tell several senders apart; without it any.
    #[arg(long, value_name = "N")]
    flow: Option<u16>,
}

#[derive(Args)]
struct WayArgs {
    /// By which way; without it the best that works.
    #[arg(long, value_enum)]
    backend: Option<BackendArg>,
    /// First wait until the other side is there, which is told so too; for so many seconds.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "30", value_parser = value_parser!(u64).range(1..=DAY))]
    meet: Option<u64>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum CarrierArg {
    /// An ethertype for experiments.
    Ethernet,
    /// UDP over IPv4.
    Udp4,
    /// UDP over IPv6.
    Udp6,
}

#[derive(Clone, Copy, ValueEnum)]
enum BackendArg {
    /// The packet socket of the library pnet, frame by frame.
    Pnet,
    /// Many frames by one system call.
    Batched,
    /// From memory that is shared with the kernel (AF_XDP).
    Xdp,
    /// Long datagrams that the kernel or the adapter cuts into frames (UDP GSO).
    Segmented,
}

impl SendArgs {
    /// By what, and how many seconds it may take beside those.
    pub(super) fn lasts(&self) -> (&By, u64) {
        (&self.by, self.way.meet.unwrap_or(0))
    }
}

impl ReceiveArgs {
    /// By what, and how many seconds it may take beside those.
    pub(super) fn lasts(&self) -> (&By, u64) {
        (&self.by, self.way.meet.unwrap_or(0))
    }

    pub(super) fn flows(&self) -> u16 {
        self.flows
    }
}

pub(in super::super) fn send(args: &SendArgs) -> anyhow::Result<u8> {
    let interface = find(&args.by.interface)?;
    let shape = args.shape.of(&interface, args.to)?;
    let templates = shape
        .templates()
        .map_err(|error| usage(format!("--size: {error}")))?;
    let (backend, mut sender) = args
        .way
        .ways()
        .sender(&interface, &templates)
        .map_err(|error| refused(&interface, &error))?;
    if let Some(wait) = args.way.meeting() {
        meet::call(&interface, args.to, wait)?;
    }
    let sending = Sending {
        shape,
        rate: args.rate.map(f64::from),
        count: args.count,
        limit: Duration::from_secs(args.by.seconds),
    };
    let sent = broke(
        &interface,
        sending.run(
            &interface,
            (backend, sender.as_mut()),
            &mut live(args.way.json),
        ),
    )?;
    let text = if args.way.json {
        serde_json::to_string(&sent)?
    } else {
        told::of_sent(&sent)
    };
    output::print(&text)?;
    Ok(sent.stalled.into())
}

pub(in super::super) fn receive(args: &ReceiveArgs) -> anyhow::Result<u8> {
    let interface = find(&args.by.interface)?;
    let opened = args.way.ways().receiver(&interface, args.carrier.into());
    let (backend, mut source) = opened.map_err(|error| refused(&interface, &error))?;
    if let Some(wait) = args.way.meeting() {
        meet::answer(&interface, args.senders, wait)?;
    }
    let receiving = Receiving {
        flows: args.flows,
        limit: Duration::from_secs(args.by.seconds),
    };
    let received = broke(
        &interface,
        receiving.run(
            &interface,
            (backend, source.as_mut()),
            &mut live(args.way.json),
        ),
    )?;
    let text = if args.way.json {
        serde_json::to_string(&received)?
    } else {
        told::of_received(&received)
    };
    output::print(&text)?;
    Ok(u8::from(!received.is_whole()))
}

/// Tells people of each second, where somebody looks on. A terminal that takes nothing holds up no frames.
fn live(json: bool) -> impl FnMut(Moment) {
    let is_watched = !json && std::io::stderr().is_terminal();
    let (tell, told) = sync_channel(1);
    if is_watched {
        std::thread::spawn(move || {
            for moment in told {
                output::say(&told::of_moment(&moment));
            }
        });
    }
    move |moment| {
        // What has no room is not told; without anybody who looks on, nothing is.
        let _ = tell.try_send(moment);
    }
}

impl ShapeArgs {
    /// What the frames look like that leave by the interface.
    fn of(&self, interface: &Interface, to: MacAddr) -> anyhow::Result<Shape> {
        let sizes = if self.imix {
            IMIX.to_vec()
        } else {
            self.size.clone()
        };
        let tag = self.vlan.map_or(0, |_| 4);
        let longest = interface.longest_frame() + tag;
        if let Some(size) = sizes.iter().find(|size| u32::from(**size) > longest) {
            let Interface { name, mtu, .. } = interface;
            return Err(usage(format!(
                "--size {size}: {name} sends at most {longest} bytes with its MTU of {mtu}; raise that, or choose less"
            )));
        }
        Ok(Shape {
            from: interface.mac,
            to,
            carrier: self.carrier.into(),
            vlan: self.vlan,
            sizes,
            flows: self.flows,
            stamped: self.stamp,
            first: self.flow.unwrap_or_else(|| fastrand::u16(..)),
        })
    }
}

impl WayArgs {
    fn meeting(&self) -> Option<Duration> {
        self.meet.map(Duration::from_secs)
    }

    fn ways(&self) -> Ways {
        match self.backend {
            None => Ways::Best,
            Some(BackendArg::Pnet) => Ways::Only(Backend::Pnet),
            Some(BackendArg::Batched) => Ways::Only(Backend::Batched),
            Some(BackendArg::Xdp) => Ways::Only(Backend::Xdp),
            Some(BackendArg::Segmented) => Ways::Only(Backend::Segmented),
        }
    }
}

impl From<CarrierArg> for Carrier {
    fn from(carrier: CarrierArg) -> Self {
        match carrier {
            CarrierArg::Ethernet => Self::Ethernet,
            CarrierArg::Udp4 => Self::Udp4,
            CarrierArg::Udp6 => Self::Udp6,
        }
    }
}
