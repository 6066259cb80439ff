//! Unpacks what distributions compress: modules and kernels.

use std::io::{self, Read};

/// How the streams begin (Linux 6.12 lib/decompress.c, `compressed_formats`).
const GZIP: &[u8] = &[0x1f, 0x8b];
const XZ: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The bytes that were compressed with gzip, xz or zstd; any others as they are.
pub fn unpack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    if bytes.starts_with(GZIP) {
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut unpacked)?;
    } else if bytes.starts_with(XZ) {
        lzma_rust2::XzReader::new(bytes, false).read_to_end(&mut unpacked)?;
    } else if bytes.starts_with(ZSTD) {
        let decoder = ruzstd::decoding::StreamingDecoder::new(bytes);
        let mut decoder = decoder.map_err(io::Error::other)?;
        decoder.read_to_end(&mut unpacked)?;
    } else {
        unpacked.extend(bytes);
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::unpack;

    /// What `gzip -n`, `xz --check=crc32` (as the kernel's build has it) and `zstd` make of one line.
    const PACKED: [&[u8]; 3] = [
        &[
            0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x4b, 0x54, 0xc8, 0xcd,
            0x4f, 0x29, 0xcd, 0x49, 0xe5, 0x02, 0x00, 0x2e, 0xb6, 0x65, 0xce, 0x09, 0x00, 0x00,
            0x00,
        ],
        &[
            0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x02, 0x00,
            0x21, 0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x08, 0x61,
            0x20, 0x6d, 0x6f, 0x64, 0x75, 0x6c, 0x65, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x2e, 0xb6,
            0x65, 0xce, 0x00, 0x01, 0x1d, 0x09, 0x93, 0x61, 0x36, 0xa6, 0x90, 0x42, 0x99, 0x0d,
            0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a,
        ],
        &[
            0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x49, 0x00, 0x00, 0x61, 0x20, 0x6d, 0x6f, 0x64,
            0x75, 0x6c, 0x65, 0x0a, 0xae, 0x8e, 0xed, 0xb6,
        ],
    ];

    #[test]
    fn what_distributions_compress_is_unpacked() {
        for packed in PACKED {
            assert_eq!(unpack(packed).unwrap(), b"a module\n");
        }
    }

    #[test]
    fn what_is_not_compressed_stays() {
        assert_eq!(unpack(b"\x7fELF").unwrap(), b"\x7fELF");
        assert_eq!(unpack(b"").unwrap(), b"");
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        for packed in PACKED {
            assert!(unpack(&packed[..packed.len() - 6]).is_err());
        }
    }
}
