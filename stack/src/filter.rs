//! Classic BPF, the filter machine of SO_ATTACH_FILTER: S. McCanne and V. Jacobson, "The BSD Packet Filter", USENIX 1993;
//! Linux's Documentation/networking/filter.rst and net/core/filter.c (`bpf_check_classic`).
//!
//! A program is checked once: known instructions, jumps forward and inside, a return at the end, scratch memory written before
//! it is read. So it ends after at most as many steps as it has instructions. A load beyond the packet ends it with 0, which
//! drops the packet; another result is how many bytes of it are kept.
//!
//! Limits: loads relative to the network header work, those relative to the link header find nothing; of the ancillary
//! offsets (SKF_AD_*) those that a host without a driver can answer.

use crate::error::{Error, Result};

/// An instruction, struct sock_filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Instructions to skip when a condition holds.
    pub jt: u8,
    /// And when it does not.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

/// A checked program.
#[derive(Debug, PartialEq, Eq)]
pub struct Filter {
    program: Vec<Instruction>,
}

/// What a program looks at.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// From the network header on.
    pub network: &'a [u8],
    /// Where in it offset 0 of the program is: the transport header, or 0 for raw sockets.
    pub start: usize,
}

/// BPF_MAXINSNS
const MAX: usize = 4096;
/// SKF_AD_OFF, SKF_NET_OFF
const AD_OFF: u32 = 0xffff_f000;
const NET_OFF: u32 = 0xfff0_0000;
/// SKF_AD_VLAN_TPID, the last one.
const VLAN_TPID: u32 = 60;
/// ETH_P_IP
const ETH_P_IP: u32 = 0x0800;
/// ARPHRD_ETHER
const ARPHRD_ETHER: u32 = 1;

// Classes, sizes, modes and operations of <linux/bpf_common.h>.
const LD: u16 = 0;
const LDX: u16 = 1;
const ST: u16 = 2;
const STX: u16 = 3;
const ALU: u16 = 4;
const JMP: u16 = 5;
const RET: u16 = 6;
const MISC: u16 = 7;
const W: u16 = 0;
const H: u16 = 8;
const B: u16 = 0x10;
const IMM: u16 = 0;
const ABS: u16 = 0x20;
const IND: u16 = 0x40;
const MEM: u16 = 0x60;
const LEN: u16 = 0x80;
const MSH: u16 = 0xa0;
const X: u16 = 8;
const A: u16 = 0x10;

impl Filter {
    /// Checks a program.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]
    pub fn new(program: Vec<Instruction>) -> Result<Filter> {
        let len = program.len();
        let last = program.last().ok_or(Error::InvalidArgument)?.code;
        if len > MAX || !matches!(last, 0x06 | 0x16) {
            return Err(Error::InvalidArgument);
        }
        // Which words of scratch memory are written on every way to an instruction (check_load_and_stores).
        let mut written = vec![u16::MAX; len];
        let mut now = 0u16;
        for (at, i) in program.iter().enumerate() {
            now &= written.get(at).copied().unwrap_or(0);
            let word = 1u16.checked_shl(i.k).unwrap_or(0);
            let left = len.saturating_sub(at).saturating_sub(1);
            let fine = match i.code {
                // BPF_ST, BPF_STX
                0x02 | 0x03 => {
                    now |= word;
                    word != 0
                }
                // BPF_LD and BPF_LDX of scratch memory
                0x60 | 0x61 => word != 0 && now & word != 0,
                // BPF_JA
                0x05 => {
                    let to = usize::try_from(i.k).unwrap_or(usize::MAX);
                    let inside = to < left;
                    if inside {
                        visit(&mut written, at.saturating_add(to).saturating_add(1), now);
                    }
                    now = u16::MAX;
                    inside
                }
                c if c & 7 == JMP => {
                    let (yes, no) = (usize::from(i.jt), usize::from(i.jf));
                    let known = matches!(c & 0xf0, 0x10 | 0x20 | 0x30 | 0x40) && c & !0xff == 0;
                    if yes < left && no < left {
                        visit(&mut written, at.saturating_add(yes).saturating_add(1), now);
                        visit(&mut written, at.saturating_add(no).saturating_add(1), now);
                    }
                    now = u16::MAX;
                    known && yes < left && no < left
                }
                // Division and remainder by a constant, shifts.
                0x34 | 0x94 => i.k != 0,
                0x64 | 0x74 => i.k < 32,
                // Ancillary data: one of 16 words.
                0x20 | 0x28 | 0x30 if i.k >= AD_OFF => {
                    (i.k - AD_OFF).is_multiple_of(4) && i.k - AD_OFF <= VLAN_TPID
                }
                c => KNOWN.contains(&c),
            };
            if !fine {
                return Err(Error::InvalidArgument);
            }
        }
        Ok(Filter { program })
    }

    /// How many bytes of the packet, from its start on, are kept; 0: none, it is dropped.
    pub fn run(&self, packet: &Packet<'_>) -> u32 {
        let (mut a, mut x) = (0u32, 0u32);
        let mut memory = [0u32; 16];
        let mut at = 0usize;
        // Jumps go forward only.
        while let Some(i) = self.program.get(at) {
            at = at.saturating_add(1);
            let operand = if i.code & X == 0 { i.k } else { x };
            match i.code & 7 {
                LD | LDX => {
                    let size = match i.code & 0x18 {
                        W => 4,
                        H => 2,
                        _ => 1,
                    };
                    let value = match i.code & 0xe0 {
                        IMM => Some(i.k),
                        ABS if i.k >= AD_OFF => packet.ancillary(i.k - AD_OFF, a, x),
                        ABS => packet.load(i.k, size),
                        IND => packet.load(x.wrapping_add(i.k), size),
                        MEM => memory.get(i.k as usize).copied(),
                        LEN => Some(packet.len()),
                        // The length of an IP header: four times the low half of a byte.
                        MSH => packet.load(i.k, 1).map(|b| (b & 0xf).wrapping_mul(4)),
                        _ => None,
                    };
                    let Some(value) = value else { return 0 };
                    if i.code & 7 == LD { a = value } else { x = value }
                }
                ST | STX => {
                    if let Some(word) = memory.get_mut(i.k as usize) {
                        *word = if i.code & 7 == ST { a } else { x };
                    }
                }
                ALU => {
                    let result = match i.code & 0xf0 {
                        0x00 => Some(a.wrapping_add(operand)),
                        0x10 => Some(a.wrapping_sub(operand)),
                        0x20 => Some(a.wrapping_mul(operand)),
                        0x30 => a.checked_div(operand),
                        0x40 => Some(a | operand),
                        0x50 => Some(a & operand),
                        0x60 => Some(a.wrapping_shl(operand)),
                        0x70 => Some(a.wrapping_shr(operand)),
                        0x80 => Some(a.wrapping_neg()),
                        0x90 => a.checked_rem(operand),
                        _ => Some(a ^ operand),
                    };
                    // Division by zero ends the program.
                    let Some(result) = result else { return 0 };
                    a = result;
                }
                JMP => {
                    let skip = match i.code & 0xf0 {
                        0x00 => i.k as usize,
                        0x10 => branch(i, a == operand),
                        0x20 => branch(i, a > operand),
                        0x30 => branch(i, a >= operand),
                        _ => branch(i, a & operand != 0),
                    };
                    at = at.saturating_add(skip);
                }
                RET => return if i.code & 0x18 == A { a } else { i.k },
                // MISC: TAX and TXA
                _ if i.code & 0x80 == 0 => x = a,
                _ => a = x,
            }
        }
        0
    }
}

fn branch(i: &Instruction, holds: bool) -> usize {
    usize::from(if holds { i.jt } else { i.jf })
}

/// An instruction is reached with this memory written.
fn visit(written: &mut [u16], at: usize, now: u16) {
    if let Some(mask) = written.get_mut(at) {
        *mask &= now;
    }
}

/// Instructions without an operand to check, other than jumps.
const KNOWN: &[u16] = &[
    LD | IMM,
    LD | ABS | W,
    LD | ABS | H,
    LD | ABS | B,
    LD | IND | W,
    LD | IND | H,
    LD | IND | B,
    LD | LEN,
    LDX | IMM,
    LDX | LEN,
    LDX | MSH | B,
    ALU,
    ALU | X,
    ALU | 0x10,
    ALU | 0x10 | X,
    ALU | 0x20,
    ALU | 0x20 | X,
    ALU | 0x30 | X,
    ALU | 0x40,
    ALU | 0x40 | X,
    ALU | 0x50,
    ALU | 0x50 | X,
    ALU | 0x60 | X,
    ALU | 0x70 | X,
    ALU | 0x80,
    ALU | 0x90 | X,
    ALU | 0xa0,
    ALU | 0xa0 | X,
    RET,
    RET | A,
    MISC,
    MISC | 0x80,
];

impl Packet<'_> {
    fn len(&self) -> u32 {
        u32::try_from(self.network.len().saturating_sub(self.start)).unwrap_or(u32::MAX)
    }

    /// `size` bytes at `offset`, in network order; offsets with the upper bits set are special.
    fn load(&self, offset: u32, size: usize) -> Option<u32> {
        let at = if offset >= NET_OFF {
            usize::try_from(offset - NET_OFF).ok()?
        } else if offset < 0x8000_0000 {
            self.start.checked_add(usize::try_from(offset).ok()?)?
        } else {
            return None;
        };
        let bytes = self.network.get(at..at.checked_add(size)?)?;
        Some(bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)))
    }

    /// SKF_AD_*
    fn ancillary(&self, what: u32, a: u32, x: u32) -> Option<u32> {
        match what {
            // PROTOCOL
            0 => Some(ETH_P_IP),
            // PKTTYPE (PACKET_HOST), MARK, QUEUE, RXHASH, CPU, VLAN_TAG, VLAN_TAG_PRESENT and VLAN_TPID
            4 | 20 | 24 | 32 | 36 | 44 | 48 | VLAN_TPID => Some(0),
            // HATYPE
            28 => Some(ARPHRD_ETHER),
            // ALU_XOR_X
            40 => Some(a ^ x),
            // PAY_OFFSET, NLATTR, RANDOM and the interface's number are not known here.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn i(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {
        Instruction { code, jt, jf, k }
    }

    fn run(program: &[Instruction], bytes: &[u8]) -> u32 {
        Filter::new(program.to_vec()).unwrap().run(&Packet { network: bytes, start: 2 })
    }

    #[test]
    fn loads_are_big_endian_and_end_with_the_packet() {
        let p = [0xaa, 0xbb, 1, 2, 3, 4];
        assert_eq!(run(&[i(0x20, 0, 0, 0), i(0x16, 0, 0, 0)], &p), 0x0102_0304);
        assert_eq!(run(&[i(0x28, 0, 0, 2), i(0x16, 0, 0, 0)], &p), 0x0304);
        assert_eq!(run(&[i(0x30, 0, 0, 3), i(0x16, 0, 0, 0)], &p), 4);
        assert_eq!(run(&[i(0x28, 0, 0, 3), i(0x06, 0, 0, 9)], &p), 0);
        // SKF_NET_OFF, LEN, SKF_AD_PROTOCOL, MSH, IND
        assert_eq!(run(&[i(0x30, 0, 0, NET_OFF), i(0x16, 0, 0, 0)], &p), 0xaa);
        assert_eq!(run(&[i(0x80, 0, 0, 0), i(0x16, 0, 0, 0)], &p), 4);
        assert_eq!(run(&[i(0x28, 0, 0, AD_OFF), i(0x16, 0, 0, 0)], &p), 0x800);
        let msh = [i(0xb1, 0, 0, 2), i(0x87, 0, 0, 0), i(0x16, 0, 0, 0)];
        assert_eq!(run(&msh, &p), 12);
        let ind = [i(0x01, 0, 0, 1), i(0x50, 0, 0, 1), i(0x16, 0, 0, 0)];
        assert_eq!(run(&ind, &p), 3);
        // Only a constant offset asks for ancillary data.
        let ind = [i(0x01, 0, 0, 0), i(0x48, 0, 0, AD_OFF), i(0x06, 0, 0, 9)];
        assert_eq!(run(&ind, &p), 0);
    }

    #[test]
    fn arithmetic_jumps_and_memory() {
        let p = [0, 0, 7];
        let program = [
            i(0x30, 0, 0, 0),
            i(0x02, 0, 0, 15),
            i(0x15, 0, 2, 7),
            i(0x61, 0, 0, 15),
            i(0x24, 0, 0, 6),
            i(0x0c, 0, 0, 0),
            i(0x16, 0, 0, 0),
        ];
        assert_eq!(run(&program, &p), 49);
        // Division by zero drops.
        assert_eq!(run(&[i(0x00, 0, 0, 5), i(0x3c, 0, 0, 0), i(0x06, 0, 0, 1)], &p), 0);
    }

    #[test]
    fn what_is_not_a_program() {
        let bad: &[&[Instruction]] = &[
            &[],
            // No return at the end; a jump beyond; an unknown instruction; memory read before it is written, on one way only.
            &[i(0x00, 0, 0, 0)],
            &[i(0x05, 0, 0, 1), i(0x06, 0, 0, 0)],
            &[i(0x15, 0, 1, 0), i(0x06, 0, 0, 0)],
            &[i(0xff, 0, 0, 0), i(0x06, 0, 0, 0)],
            &[i(0x60, 0, 0, 0), i(0x06, 0, 0, 0)],
            &[i(0x15, 0, 1, 0), i(0x02, 0, 0, 3), i(0x60, 0, 0, 3), i(0x06, 0, 0, 0)],
            &[i(0x02, 0, 0, 16), i(0x06, 0, 0, 0)],
            &[i(0x34, 0, 0, 0), i(0x06, 0, 0, 0)],
            &[i(0x64, 0, 0, 32), i(0x06, 0, 0, 0)],
        ];
        for program in bad {
            assert_eq!(Filter::new(program.to_vec()), Err(Error::InvalidArgument), "{program:?}");
        }
        // Ancillary data that nobody knows (bpf_anc_helper).
        for (k, known) in [(AD_OFF + 60, true), (AD_OFF + 64, false), (AD_OFF + 2, false)] {
            assert_eq!(Filter::new(vec![i(0x20, 0, 0, k), i(0x16, 0, 0, 0)]).is_ok(), known, "{k:#x}");
        }
        assert!(Filter::new(vec![i(0x06, 0, 0, 0); MAX]).is_ok());
        assert!(Filter::new(vec![i(0x06, 0, 0, 0); MAX + 1]).is_err());
    }
}
