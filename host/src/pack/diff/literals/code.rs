//! Literals in the code of a function: addresses with lengths beside them, and short texts that the compiler made numbers of.
//!
//! A comparison with a text of up to some dozens of bytes becomes comparisons of four or eight bytes at a time: the text stands in the code as numbers,
//! piece by piece, the last piece often overlapping the one before.

use std::collections::{BTreeMap, VecDeque};

use wasmparser::{FunctionBody, Operator};

use super::data::{Data, printable};
use super::{LONGEST, Origin, Tally};

/// How many instructions lie between the address and the length of a text, at most.
const NEAR: usize = 8;

/// How many instructions lie between two pieces of a text, at most.
const NEXT: usize = 24;

/// What is kept of a function while it is read.
struct Reader<'a, 't> {
    data: &'a Data<'a>,
    tally: &'t mut Tally,
    place: usize,
    constants: VecDeque<(usize, u32)>,
    /// The last two instructions, the latest last.
    last: [Seen; 2],
    /// The variables that hold what was loaded, or where something is.
    locals: BTreeMap<u32, Seen>,
    pieces: Option<Pieces>,
    /// Letters that something is compared with, one by one, and where the latest stood: how letter case is ignored.
    spelt: (String, usize),
}

/// What of an instruction matters to those after it.
#[derive(Clone, Copy)]
enum Seen {
    Other,
    Constant(i32),
    /// A place so far behind another.
    Address(i64),
    /// Something was loaded: so many bytes, from so far behind the text's beginning.
    Load {
        width: usize,
        offset: i64,
    },
}

/// A text that is being put together.
struct Pieces {
    start: i64,
    bytes: Vec<u8>,
    /// Where its latest piece stood.
    place: usize,
    /// Whether it is more than its first piece.
    joined: bool,
}

/// Gathers the literals of a function. What follows in code that cannot be read is nothing that could run.
pub(super) fn gather(body: &FunctionBody<'_>, data: &Data<'_>, tally: &mut Tally) {
    let Ok(operators) = body.get_operators_reader() else { return };
    let mut reader = Reader {
        data,
        tally,
        place: 0,
        constants: VecDeque::new(),
        last: [Seen::Other; 2],
        locals: BTreeMap::new(),
        pieces: None,
        spelt: (String::new(), 0),
    };
    // The instruction before: whether a number is compared is seen in what follows it.
    let mut before = None;
    for operator in operators {
        let Ok(operator) = operator else { break };
        if let Some(before) = before.take() {
            reader.read(&before, Some(&operator));
        }
        before = Some(operator);
    }
    if let Some(before) = before {
        reader.read(&before, None);
    }
    reader.flush();
    reader.flush_spelt();
}

impl Reader<'_, '_> {
    fn read(&mut self, operator: &Operator<'_>, next: Option<&Operator<'_>>) {
        self.place += 1;
        let seen = match *operator {
            Operator::I32Const { value } => {
                self.constant(value);
                self.piece(&value.to_le_bytes());
                if next.is_some_and(compares) {
                    self.number(i64::from(value), u64::from(value.cast_unsigned()));
                    self.letter(value);
                }
                Seen::Constant(value)
            }
            Operator::I64Const { value } => {
                self.packed(value.cast_unsigned());
                self.piece(&value.to_le_bytes());
                self.number(value, value.cast_unsigned());
                Seen::Other
            }
            Operator::F64Const { value } => {
                self.tally.add_float(f64::from_bits(value.bits()));
                Seen::Other
            }
            Operator::F32Const { value } => {
                self.tally.add_float(f64::from(f32::from_bits(value.bits())));
                Seen::Other
            }
            Operator::I32Add => match self.last {
                [Seen::Address(base), Seen::Constant(more)] => Seen::Address(base.saturating_add(i64::from(more))),
                [_, Seen::Constant(more)] => Seen::Address(i64::from(more)),
                _ => Seen::Other,
            },
            Operator::LocalGet { local_index } => self.locals.get(&local_index).copied().unwrap_or(Seen::Other),
            Operator::LocalTee { local_index } | Operator::LocalSet { local_index } => {
                let value = self.last[1];
                match value {
                    Seen::Load { .. } | Seen::Address(_) => self.locals.insert(local_index, value),
                    Seen::Other | Seen::Constant(_) => self.locals.remove(&local_index),
                };
                value
            }
            ref other => match (load(other), self.last[1]) {
                (Some((width, offset)), Seen::Address(base)) => {
                    Seen::Load { width, offset: base.saturating_add(offset) }
                }
                (Some((width, offset)), _) => Seen::Load { width, offset },
                (None, _) => Seen::Other,
            },
        };
        self.last = [self.last[1], seen];
    }

    /// Takes a constant that may be an address or a length.
    fn constant(&mut self, value: i32) {
        let value = value.cast_unsigned();
        while self.constants.front().is_some_and(|&(place, _)| place + NEAR < self.place) {
            self.constants.pop_front();
        }
        for place in 0..self.constants.len() {
            let other = self.constants[place].1;
            self.text_at(value, other);
            self.text_at(other, value);
        }
        self.constants.push_back((self.place, value));
        if let Some(letter) = u8::try_from(value).ok().filter(u8::is_ascii_graphic) {
            self.tally.add_text(char::from(letter).encode_utf8(&mut [0; 4]), Origin::Letter);
        }
    }

    /// Takes an address and a length that are written as one number.
    fn packed(&mut self, value: u64) {
        let [address, len] = [value & u64::from(u32::MAX), value >> 32].map(|half| u32::try_from(half).unwrap_or(0));
        self.text_at(address, len);
    }

    fn text_at(&mut self, address: u32, len: u32) {
        if (1..=LONGEST).contains(&len)
            && let Some(text) = self.data.text(address, len)
        {
            self.tally.add_text(text, Origin::Pointer);
        }
    }

    fn number(&mut self, signed: i64, unsigned: u64) {
        self.tally.add_number(&signed.to_string());
        if signed < 0 {
            self.tally.add_number(&unsigned.to_string());
        }
    }

    /// Takes a number that may be a piece of a text.
    fn piece(&mut self, bytes: &[u8]) {
        let loaded = match self.last[1] {
            Seen::Load { width, offset } => Some((width, offset)),
            _ => None,
        };
        let width = loaded.map_or(bytes.len(), |(width, _)| width.min(bytes.len()));
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let bytes = &bytes[..end];
        // A letter alone is taken as such; where it was loaded as one byte it may end a text.
        let is_whole = loaded.is_none() || end == width;
        if end == 0 || !is_whole || printable(bytes).is_none() || (end == 1 && loaded.is_none()) {
            return;
        }
        if let Ok(text) = str::from_utf8(bytes)
            && end > 1
        {
            self.tally.add_text(text, Origin::Comparison);
        }
        let place = self.place;
        if let Some(pieces) = &mut self.pieces
            && pieces.place + NEXT >= place
            && pieces.join(loaded.map(|(_, offset)| offset), bytes)
        {
            pieces.place = place;
            return;
        }
        self.flush();
        self.pieces =
            Some(Pieces { start: loaded.map_or(0, |(_, offset)| offset), bytes: bytes.to_vec(), place, joined: false });
    }

    /// Takes a number that something is compared with, which may be a letter of a text.
    fn letter(&mut self, value: i32) {
        let Some(letter) = u8::try_from(value).ok().filter(u8::is_ascii_graphic) else { return };
        let (text, place) = &self.spelt;
        if place + NEXT < self.place || text.len() >= LONGEST as usize {
            self.flush_spelt();
        }
        self.spelt.0.push(char::from(letter));
        self.spelt.1 = self.place;
    }

    fn flush_spelt(&mut self) {
        let text = std::mem::take(&mut self.spelt.0);
        if text.len() > 1 {
            self.tally.add_text(&text, Origin::Comparison);
        }
    }

    /// Ends the text that is being put together.
    fn flush(&mut self) {
        if let Some(pieces) = self.pieces.take().filter(|pieces| pieces.joined)
            && let Some(text) = printable(&pieces.bytes)
        {
            self.tally.add_text(text, Origin::Comparison);
        }
    }
}

impl Pieces {
    /// Adds a piece where it continues the text: behind it, overlapping its end, or before it. Returns false where it is of another text.
    fn join(&mut self, offset: Option<i64>, bytes: &[u8]) -> bool {
        let len = i64::try_from(self.bytes.len()).unwrap_or(i64::MAX);
        if self.bytes.len() > LONGEST as usize {
            return false;
        }
        let from = offset.map_or(len, |offset| offset.saturating_sub(self.start));
        if let Ok(from) = usize::try_from(from) {
            if from > self.bytes.len() || from == 0 {
                return false;
            }
            let known = &self.bytes[from..];
            let overlap = known.len().min(bytes.len());
            if known[..overlap] != bytes[..overlap] {
                return false;
            }
            self.bytes.extend_from_slice(&bytes[overlap..]);
        } else {
            // It lies before what is known, and has to reach it.
            let gap = usize::try_from(from.unsigned_abs()).unwrap_or(usize::MAX);
            if gap > bytes.len() || !self.bytes.starts_with(&bytes[gap..]) {
                return false;
            }
            self.bytes.splice(..0, bytes[..gap].iter().copied());
            self.start += from;
        }
        self.joined = true;
        true
    }
}

/// Tells whether an instruction compares what stands before it.
fn compares(operator: &Operator<'_>) -> bool {
    use Operator::{I32Eq, I32GeS, I32GeU, I32GtS, I32GtU, I32LeS, I32LeU, I32LtS, I32LtU, I32Ne, I32Xor};
    matches!(operator, I32Eq | I32Ne | I32Xor | I32LtS | I32LtU | I32GtS | I32GtU | I32LeS | I32LeU | I32GeS | I32GeU)
}

/// Returns how many bytes an instruction loads, and from how far behind the address; nothing for one that loads no integer.
fn load(operator: &Operator<'_>) -> Option<(usize, i64)> {
    use Operator::{
        I32Load, I32Load8S, I32Load8U, I32Load16S, I32Load16U, I64Load, I64Load8S, I64Load8U, I64Load16S, I64Load16U,
        I64Load32S, I64Load32U,
    };
    let (width, memory) = match operator {
        I32Load8U { memarg } | I32Load8S { memarg } | I64Load8U { memarg } | I64Load8S { memarg } => (1, memarg),
        I32Load16U { memarg } | I32Load16S { memarg } | I64Load16U { memarg } | I64Load16S { memarg } => (2, memarg),
        I32Load { memarg } | I64Load32U { memarg } | I64Load32S { memarg } => (4, memarg),
        I64Load { memarg } => (8, memarg),
        _ => return None,
    };
    Some((width, i64::try_from(memory.offset).unwrap_or(i64::MAX)))
}
