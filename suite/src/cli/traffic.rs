//! `traffic`: frames over one interface, on a host and in a probe guest.

mod counters;
mod meet;
mod partner;
mod stream;
mod told;

use std::io;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::{Args, Subcommand, value_parser};
use harness::traffic::{
    DEADLINE, Echo, Interface, LARGEST, MacAddr, Ping, Pinged, SMALLEST, Sizes, Unfit, WIDTH,
    Waiting, Wire,
};

use super::{output, real, usage};

/// The longest time that may be asked for, in seconds: a day.
const DAY: u64 = 86_400;

#[derive(Subcommand)]
pub(super) enum TrafficCommand {
    /// Answer the frames of `traffic ping`.
    Echo(EchoArgs),
    /// Send frames of many sizes to a `traffic echo`, and count what comes back unharmed.
    Ping(PingArgs),
    /// Send as many frames as go to a `traffic receive`.
    Send(stream::SendArgs),
    /// Have the partner at the other end of the cable, a `traffic echo --partner`, do something.
    Ask(partner::AskArgs),
    /// Receive the frames of a `traffic send`, and count what was lost, doubled, reordered and damaged.
    Receive(stream::ReceiveArgs),
}

/// By which interface, and for how long.
#[derive(Args)]
struct By {
    /// The network interface; not one that carries the default route.
    #[arg(long, value_name = "IF")]
    interface: String,
    /// End after so many seconds in any case.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = value_parser!(u64).range(1..=DAY))]
    seconds: u64,
}

#[derive(Args)]
pub(super) struct EchoArgs {
    #[command(flatten)]
    by: By,
    /// End with the first ping that ends.
    #[arg(long)]
    once: bool,
    /// Do what a bench at the other end of the cable asks: echo, ping, receive and send, by this interface.
    #[arg(long, conflicts_with_all = ["once", "busy"])]
    partner: bool,
    #[command(flatten)]
    waits: WaitArgs,
}

#[derive(Args)]
pub(super) struct PingArgs {
    #[command(flatten)]
    by: By,
    /// The address of the other side's interface.
    #[arg(long, value_name = "MAC", value_parser = peer)]
    to: MacAddr,
    #[command(flatten)]
    sizes: SizeArgs,
    /// So many frames may wait for their answer at once; with 1 none waits for another.
    #[arg(long, value_name = "N", default_value_t = WIDTH, value_parser = value_parser!(u8).range(1..=i64::from(WIDTH)))]
    at_once: u8,
    /// Wait so many seconds until the other side answers at all.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u64).range(..=DAY))]
    wait: u64,
    /// Send all of them anew until so many seconds have passed.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u64).range(..=DAY))]
    at_least: u64,
    #[command(flatten)]
    waits: WaitArgs,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct WaitArgs {
    /// Wait for frames without sleeping: it takes a processor, and is there sooner by what waking up takes.
    #[arg(long)]
    busy: bool,
}

#[derive(Args)]
struct SizeArgs {
    /// The smallest frame in bytes, without its check sequence.
    #[arg(long, value_name = "BYTES", default_value_t = SMALLEST, value_parser = size())]
    smallest: u16,
    /// The largest frame in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1514, value_parser = size())]
    largest: u16,
    /// From one size to the next, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 1, value_parser = value_parser!(u16).range(1..))]
    step: u16,
    /// How many frames of each size.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    count: u32,
}

fn size() -> clap::builder::RangedI64ValueParser<u16> {
    value_parser!(u16).range(i64::from(SMALLEST)..=i64::from(LARGEST))
}

fn peer(text: &str) -> Result<MacAddr, String> {
    let mac: Result<MacAddr, _> = text.parse();
    mac.ok()
        .filter(|mac| mac.is_unicast() && !mac.is_zero())
        .ok_or_else(|| "no address of one interface; write it as 02:00:00:00:00:01".to_owned())
}

pub(super) fn run(command: &TrafficCommand) -> anyhow::Result<u8> {
    partner::end_with_partner()?;
    match command {
        TrafficCommand::Echo(args) => echo(args),
        TrafficCommand::Ping(args) => ping(args),
        TrafficCommand::Ask(args) => partner::ask(args),
        TrafficCommand::Send(args) => stream::send(args),
        TrafficCommand::Receive(args) => stream::receive(args),
    }
}

fn echo(args: &EchoArgs) -> anyhow::Result<u8> {
    let interface = find(&args.by.interface)?;
    if args.partner {
        return partner::serve(&interface, args.by.until());
    }
    let mut wire = open(&interface, args.waits.waiting())?;
    let echo = Echo {
        mac: interface.mac,
        parties: 1,
        once: args.once,
        until: args.by.until(),
    };
    let echoed = broke(&interface, echo.run(&mut wire))?;
    let in_vain = args.once && !echoed.ended;
    let what = if in_vain { "; no ping has ended" } else { "" };
    output::print(&format!("answered {} frames{what}", echoed.answered))?;
    Ok(in_vain.into())
}

fn ping(args: &PingArgs) -> anyhow::Result<u8> {
    let sizes = args.sizes.checked()?;
    let interface = find(&args.by.interface)?;
    fits(args, &interface)?;
    let mut wire = open(&interface, args.waits.waiting())?;
    let ping = Ping {
        from: interface.mac,
        to: args.to,
        session: fastrand::u32(..),
        sizes,
        at_once: args.at_once,
        at_least: Duration::from_secs(args.at_least),
        wait: Duration::from_secs(args.wait),
        deadline: DEADLINE,
        until: args.by.until(),
    };
    let pinged = broke(&interface, ping.run(&mut wire))?;
    output::print(&rendered(&pinged, args.json)?)?;
    Ok((!pinged.is_unharmed()).into())
}

fn rendered(pinged: &Pinged, json: bool) -> serde_json::Result<String> {
    if json {
        serde_json::to_string(pinged)
    } else {
        Ok(pinged.to_string())
    }
}

impl By {
    fn until(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.seconds)
    }
}

impl WaitArgs {
    fn waiting(&self) -> Waiting {
        if self.busy {
            Waiting::Awake
        } else {
            Waiting::Asleep
        }
    }
}

impl SizeArgs {
    fn checked(&self) -> anyhow::Result<Sizes> {
        let &Self {
            smallest,
            largest,
            step,
            count,
        } = self;
        if smallest > largest {
            let text = format!("--smallest {smallest} is above --largest {largest}; exchange them");
            return Err(usage(text));
        }
        Ok(Sizes {
            smallest,
            largest,
            step,
            count,
        })
    }
}

/// Whether the frames can leave by the interface, and come back.
fn fits(args: &PingArgs, interface: &Interface) -> anyhow::Result<()> {
    let Interface { name, mac, mtu } = interface;
    let (largest, longest) = (args.sizes.largest, interface.longest_frame());
    if u32::from(largest) > longest {
        return Err(usage(format!(
            "--largest {largest}: {name} sends at most {longest} bytes with its MTU of {mtu}; raise that, or choose less"
        )));
    }
    if args.to == *mac {
        return Err(usage(format!(
            "--to {mac} is {name} itself; name the other side's address"
        )));
    }
    Ok(())
}

fn find(name: &str) -> anyhow::Result<Interface> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let host = real::this_host()?;
    let found = runtime.block_on(Interface::find(host.as_ref(), name));
    found.map_err(|unfit| match unfit {
        Unfit::Unreadable(error) => error.into(),
        unfit => usage(format!("--interface: {unfit}")),
    })
}

fn open(interface: &Interface, waiting: Waiting) -> anyhow::Result<Wire> {
    Wire::open(interface, waiting).map_err(|error| refused(interface, &error))
}

/// What cannot be opened, with the way out.
fn refused(interface: &Interface, error: &io::Error) -> anyhow::Error {
    let name = &interface.name;
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            anyhow!("cannot open a packet socket on {name}: {error}; run it as root")
        }
        _ => anyhow!("cannot open a packet socket on {name}: {error}"),
    }
}

/// A socket of an interface that is taken down tells only that, once.
fn broke<T>(interface: &Interface, result: io::Result<T>) -> anyhow::Result<T> {
    result.map_err(|error| {
        let name = &interface.name;
        anyhow!("no frames pass {name} any more: {error}; see whether it was taken down")
    })
}
