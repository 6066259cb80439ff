//! What an adapter, or its driver, does to frames by itself.
//!
//! Source: Linux include/uapi/linux/ethtool.h; net/ethtool/ioctl.c, `ethtool_get_value`.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// How each is asked for, and what it is called (ethtool(8), `-K`).
const ALL: [(u32, &str); 6] = [
    (0x14, "rx"),
    (0x16, "tx"),
    (0x18, "sg"),
    (0x1e, "tso"),
    (0x23, "gso"),
    (0x2b, "gro"),
];

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// The offloads of an interface that are on, as ethtool calls them: checksums (`rx`, `tx`), scattered frames (`sg`), and the cutting and joining
/// of segments (`tso`, `gso`, `gro`). One that a driver does not know of is off.
pub fn offloads(interface: &str) -> io::Result<Vec<&'static str>> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Inet, SockType::Datagram, flags, None)?;
    let mut on = Vec::new();
    for (command, name) in ALL {
        if is_on(&socket, interface, command)? {
            on.push(name);
        }
    }
    Ok(on)
}

fn is_on(socket: &OwnedFd, interface: &str, command: u32) -> io::Result<bool> {
    let mut value = Value { command, data: 0 };
    match ask(socket, interface, &mut value) {
        Ok(()) => Ok(value.data != 0),
        Err(Errno::EOPNOTSUPP) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[expect(unsafe_code, reason = "nix has no such request")]
fn ask(socket: &OwnedFd, interface: &str, value: &mut Value) -> nix::Result<()> {
    let mut name = [0; libc::IFNAMSIZ];
    // The last byte stays 0.
    if interface.len() >= name.len() {
        return Err(Errno::ENODEV);
    }
    for (place, byte) in name.iter_mut().zip(interface.bytes()) {
        *place = libc::c_char::from_ne_bytes([byte]);
    }
    let mut request = libc::ifreq {
        ifr_name: name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_data: std::ptr::from_mut(value).cast(),
        },
    };
    let request = std::ptr::from_mut(&mut request);
    // SAFETY: the kernel reads and writes the request, and the value that it points to; both live as long.
    let asked = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, request) };
    Errno::result(asked).map(drop)
}

#[cfg(test)]
mod tests {
    use super::offloads;

    /// Loopback joins and cuts in software, and cannot be told not to scatter (Linux drivers/net/loopback.c, `gen_lo_setup`).
    #[test]
    fn an_interface_tells_and_none_is_an_error() {
        let on = offloads("lo").unwrap();
        assert!(on.contains(&"sg"), "{on:?}");
        assert!(offloads("no-such").is_err());
        assert!(offloads("a-name-that-is-far-too-long").is_err());
    }
}
