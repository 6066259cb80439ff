//! Faults that show where as many frames are sent as go.

use super::Row;
use crate::simulator::Fault;

pub(super) const ROWS: &[Row] = &[
    (
        Fault::EmulatedRefused,
        "emulated-refused",
        "the emulator does not know the card or the disk that a VF is compared with",
    ),
    (
        Fault::EmulatedMute,
        "emulated-mute",
        "an emulated card in a guest never has a link, and an emulated disk is not found",
    ),
    (
        Fault::VfSlow,
        "vf-slow",
        "a VF in a guest carries no more frames than an emulated card",
    ),
    (
        Fault::VfQueueStops,
        "vf-queue-stops",
        "a VF takes no more frames when many are sent at once",
    ),
    (
        Fault::VfStreamStalls,
        "vf-stream-stalls",
        "a VF carries some frames, and then no more, when many are sent at once",
    ),
    (
        Fault::VfStreamHarms,
        "vf-stream-harms",
        "a VF damages and doubles some frames when many are sent at once",
    ),
    (
        Fault::ClockQuick,
        "clock-quick",
        "the clock by which frames are counted is three times too quick",
    ),
    (
        Fault::BenchNoisy,
        "bench-noisy",
        "every other time a VF carries a fraction of the frames",
    ),
    (
        Fault::EmulatedStalls,
        "emulated-stalls",
        "an emulated card carries some frames, and then no more; an emulated disk fails",
    ),
    (
        Fault::PfStreamStalls,
        "pf-stream-stalls",
        "the PF carries some frames on the host, and then no more, when many are sent at once",
    ),
    (
        Fault::VfHalfDuplex,
        "vf-half-duplex",
        "a VF sends next to nothing while it receives",
    ),
    (
        Fault::VfCostly,
        "vf-costly",
        "the frames of a VF cost the host's processors as much as those of an emulated card",
    ),
    (
        Fault::VfTires,
        "vf-tires",
        "a VF carries half of the frames after a while",
    ),
    (
        Fault::VfLate,
        "vf-late",
        "a frame takes as long by a VF as by an emulated card",
    ),
    (
        Fault::RateRefused,
        "rate-refused",
        "the PF's driver takes no limit of the rate of a VF",
    ),
    (
        Fault::RateIgnored,
        "rate-ignored",
        "the limit of a VF's rate is accepted and has no effect",
    ),
    (
        Fault::RateHarsh,
        "rate-harsh",
        "a VF sends a tenth of what its limit allows",
    ),
    (
        Fault::VfsUnfair,
        "vfs-unfair",
        "one of several VFs that send at once carries several times as much as each of the others",
    ),
    (
        Fault::VfStarved,
        "vf-starved",
        "one of several VFs that send at once carries next to nothing",
    ),
    (
        Fault::VfsCrowded,
        "vfs-crowded",
        "several VFs that send at once carry half of what one carries alone",
    ),
    (
        Fault::EmulatedQuick,
        "emulated-quick",
        "an emulated e1000e fills the wire",
    ),
    (
        Fault::ReceiverSlow,
        "receiver-slow",
        "the machine that receives loses nearly all frames of whoever sends many",
    ),
    (
        Fault::PartnerSilent,
        "partner-silent",
        "the partner at the other end of the cable does nothing that it is asked",
    ),
];
