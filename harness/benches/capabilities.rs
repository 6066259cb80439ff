//! How long a probe spends on one function's config space.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use harness::pci::{Capabilities, ConfigSpace};

/// A PCI Express function with `count` extended capabilities of 64 bytes, SR-IOV among them.
fn space(count: u16) -> ConfigSpace {
    let mut bytes = vec![0; 4096];
    (bytes[0x06], bytes[0x34]) = (0x10, 0x40);
    bytes[0x40..0x44].copy_from_slice(&[0x10, 0, 0x02, 0]);
    for index in 0..count {
        let at = 0x100 + 0x40 * index;
        let next = if index + 1 < count { at + 0x40 } else { 0 };
        let id = [0x01, 0x03, 0x0d, 0x0e, 0x10][usize::from(index % 5)];
        let header = u32::from(next) << 20 | 1 << 16 | id;
        bytes[usize::from(at)..][..4].copy_from_slice(&header.to_le_bytes());
    }
    ConfigSpace::new(bytes)
}

fn walk(c: &mut Criterion) {
    let (usual, full) = (space(5), space(60));
    assert_eq!(
        Capabilities::read(&full).found.len(),
        61,
        "the walk takes every step it is timed for"
    );
    c.bench_function("capabilities of a NIC", |b| {
        b.iter(|| Capabilities::read(black_box(&usual)));
    });
    c.bench_function("capabilities of a full config space", |b| {
        b.iter(|| Capabilities::read(black_box(&full)));
    });
}

criterion_group!(benches, walk);
criterion_main!(benches);
