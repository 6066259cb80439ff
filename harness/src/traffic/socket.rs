//! The packet socket of an interface: it receives our frames and no others.

use std::io;
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
use std::time::Duration;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socket, sockopt};
use nix::{libc, setsockopt_impl, sockopt_impl};
use pnet_datalink::{Channel, ChannelType, Config, NetworkInterface};

use super::frame::LARGEST;
use super::interface::Interface;

/// Each of several pings on one interface receives the answers to all of them, the more the longer
/// it is not given the processor. As Linux makes it, the buffer has room for about a hundred.
const BUFFER: usize = 8 << 20;

sockopt_impl!(
    /// Frames go to the driver without a queue before it (packet(7)).
    QdiscBypass, SetOnly, libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, bool
);

/// A channel for frames of an ethertype, whose reads and writes wait no longer than that.
///
/// Not promiscuous: whether an adapter filters by address is for it to show. pnet's own socket would
/// receive all protocols, what others send by this interface included; from a channel of layer 3 it
/// takes only the protocol if there is a socket already (pnet_datalink 0.35 src/linux.rs, `channel`).
pub(crate) fn channel(
    interface: &Interface,
    ethertype: u16,
    wait: Duration,
) -> io::Result<Channel> {
    let interface = of_this_namespace(interface)?;
    let config = Config {
        write_buffer_size: usize::from(LARGEST),
        read_buffer_size: usize::from(LARGEST),
        read_timeout: Some(wait),
        write_timeout: Some(wait),
        channel_type: ChannelType::Layer3(ethertype),
        promiscuous: false,
        socket_fd: Some(raw_socket()?.into_raw_fd()),
        ..Config::default()
    };
    pnet_datalink::channel(&interface, config)
}

/// Receives nothing before it is bound to a protocol (packet(7)).
fn raw_socket() -> io::Result<OwnedFd> {
    let (family, kind) = (AddressFamily::Packet, SockType::Raw);
    let socket = socket(family, kind, SockFlag::SOCK_CLOEXEC, None)?;
    // Refused in a user namespace (Linux net/core/sock.c, `SO_RCVBUFFORCE`); one ping at a time has
    // all the room that it needs without it.
    let _ = setsockopt(&socket.as_fd(), sockopt::RcvBufForce, &BUFFER);
    // The kernel's queue drops frames that have waited for long (Linux net/sched/sch_fq_codel.c), which on a machine that is
    // short of processors is no fault of the adapter.
    setsockopt(&socket.as_fd(), QdiscBypass, &true)?;
    Ok(socket)
}

/// sysfs may be mounted for another network namespace than this process is in: then the interface
/// of that name there is none here, or a stranger.
pub(crate) fn of_this_namespace(interface: &Interface) -> io::Result<NetworkInterface> {
    let same =
        |found: &NetworkInterface| found.name == interface.name && found.mac == Some(interface.mac);
    let mut all = pnet_datalink::interfaces().into_iter();
    all.find(same).ok_or_else(|| {
        let name = &interface.name;
        io::Error::other(format!("/sys shows {name} of another network namespace"))
    })
}
