//! Whether a program runs where there is nothing but itself.

/// `PT_INTERP` (elf(5)): the program wants to be loaded by another one.
const INTERPRETER: u32 = 3;

/// Whether a 64-bit ELF program is static: it names no other program that loads it and its libraries
/// (elf(5), `Elf64_Ehdr` and `Elf64_Phdr`; the header's numbers are little-endian on all machines we know).
pub fn is_static(program: &[u8]) -> bool {
    let number = |at: usize, size: usize| -> Option<usize> {
        let bytes = program.get(at..at.checked_add(size)?)?;
        let number = bytes
            .iter()
            .rev()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        usize::try_from(number).ok()
    };
    let headers = || {
        let (start, size, count) = (number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?);
        let kinds = (0..count).map(move |index| number(start.checked_add(index * size)?, 4));
        Some(kinds.collect::<Vec<_>>())
    };
    let interpreter = Some(INTERPRETER as usize);
    !headers().is_some_and(|kinds| kinds.contains(&interpreter))
}

#[cfg(test)]
mod tests {
    use super::is_static;

    /// A header and two program headers of these kinds.
    fn program(kinds: [u8; 2]) -> Vec<u8> {
        let mut program = vec![0; 0x40 + 2 * 0x38];
        program[..4].copy_from_slice(b"\x7fELF");
        (program[0x20], program[0x36], program[0x38]) = (0x40, 0x38, 2);
        (program[0x40], program[0x78]) = (kinds[0], kinds[1]);
        program
    }

    #[test]
    fn a_program_that_wants_a_loader_is_not_static() {
        assert!(is_static(&program([1, 2])));
        assert!(!is_static(&program([6, 3])));
        assert!(!is_static(&std::fs::read("/bin/sh").unwrap()));
    }

    #[test]
    fn what_is_cut_off_does_no_harm() {
        let whole = program([6, 3]);
        for length in 0..whole.len() {
            is_static(&whole[..length]);
        }
        assert!(!is_static(&whole));
    }
}
