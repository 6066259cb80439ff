//! How long it takes to make the next frame of a stream: its number alone is written anew.

use criterion::{Criterion, criterion_group, criterion_main};
use harness::stream::{Carrier, Mark, Shape};
use harness::traffic::MacAddr;
use std::hint::black_box;

fn rewrite(criterion: &mut Criterion) {
    for size in [60, 1514, 9014] {
        let shape = Shape {
            from: MacAddr(2, 0, 0, 0, 0, 1),
            to: MacAddr(2, 0, 0, 0, 0, 2),
            carrier: Carrier::Udp4,
            vlan: None,
            sizes: vec![size],
            flows: 1,
            stamped: false,
            first: 1,
        };
        let mut template = shape.templates().expect("a frame").remove(0);
        let mut number = 0;
        criterion.bench_function(&format!("rewrite of {size} bytes"), |bencher| {
            bencher.iter(|| {
                number += 1;
                Mark::Frame(number).write(&mut template.bytes[template.payload..]);
                black_box(&mut template);
            });
        });
    }
}

criterion_group!(benches, rewrite);
criterion_main!(benches);
