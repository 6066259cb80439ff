//! Sockets of an interface.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::{setsockopt_impl, sockopt_impl};

sockopt_impl!(
    /// Frames go to the driver without a queue before it (packet(7)).
    QdiscBypass, SetOnly, libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, bool
);
sockopt_impl!(
    /// Which layout a ring has.
    Version, SetOnly, libc::SOL_PACKET, libc::PACKET_VERSION, i32
);
sockopt_impl!(
    /// Frames that others send by this interface do not come in.
    IgnoreOutgoing, SetOnly, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, i32
);

/// A packet socket that is bound to an interface: it receives frames of that ethertype, and none for 0 (packet(7)).
pub(crate) fn packet(
    interface: &str,
    ethertype: u16,
    prepare: impl FnOnce(&OwnedFd) -> io::Result<()>,
) -> io::Result<OwnedFd> {
    let socket = socket(
        AddressFamily::Packet,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    // Before it is bound, so that no frame comes in that the ring would miss.
    prepare(&socket)?;
    let address = libc::sockaddr_ll {
        sll_family: family(libc::AF_PACKET),
        sll_protocol: ethertype.to_be(),
        sll_ifindex: i32::try_from(index(interface)?).map_err(io::Error::other)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    bind(&socket, &address)?;
    Ok(socket)
}

/// An AF_XDP socket that is not bound yet.
pub(crate) fn xdp() -> io::Result<OwnedFd> {
    let (kind, flags) = (libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0);
    raw_socket(libc::AF_XDP, kind, flags)
}

/// The number of an interface of this network namespace.
pub(crate) fn index(interface: &str) -> io::Result<u32> {
    Ok(if_nametoindex(interface)?)
}

pub(crate) fn family(family: i32) -> u16 {
    u16::try_from(family).expect("families of addresses are small numbers")
}

#[expect(unsafe_code, reason = "nix knows no sockets of this family")]
fn raw_socket(family: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: it takes three numbers.
    let socket = Errno::result(unsafe { libc::socket(family, kind, protocol) })?;
    // SAFETY: the kernel has just made it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(socket) })
}

/// Binds a socket to an address of its family.
#[expect(unsafe_code, reason = "nix makes no addresses of these families")]
pub(crate) fn bind<A>(socket: &OwnedFd, address: &A) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<A>()).map_err(io::Error::other)?;
    let socket = socket.as_fd().as_raw_fd();
    // SAFETY: the address is as long as is said, and is only read.
    let bound = unsafe { libc::bind(socket, std::ptr::from_ref(address).cast(), length) };
    Errno::result(bound)?;
    Ok(())
}
