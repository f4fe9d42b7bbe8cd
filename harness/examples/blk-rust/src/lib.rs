// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A virtio-blk device over 32 KiB of RAM, driven by vringer.
//!
//! One queue; read, write, flush, get id.  It enters at the level of an
//! activated device and knows guest memory by the host's accessors only.  A
//! guest's mistake in a ring makes it ask for a reset; one in a request gets
//! that request VIRTIO_BLK_S_IOERR.  No indirect descriptors, no EVENT_IDX.
//!
//! VIRTIO 1.4, 5.2 (block device) and 2.7 (split virtqueues).

mod vringer;

use std::os::raw::{c_char, c_void};
use vringer::{Host, Purpose, Queue, Registered, Ring, Target, Why};

const SECTOR: usize = 512;
const SECTORS: u64 = 64;
const QUEUE_SIZE: u16 = 64;

const F_FLUSH: u64 = 1 << 9;
const F_VERSION_1: u64 = 1 << 32;

const T_IN: u32 = 0;
const T_OUT: u32 = 1;
const T_FLUSH: u32 = 4;
const T_GET_ID: u32 = 8;

const S_OK: u8 = 0;
const S_IOERR: u8 = 1;
const S_UNSUPP: u8 = 2;

const HEADER: usize = 16;
const ID: [u8; 20] = *b"vringer-blk-rust\0\0\0\0";

/// The guest broke a ring, or took memory away: nothing is left but a reset.
struct NeedsReset;
type Ringed<T> = Result<T, NeedsReset>;

/// A buffer of a chain: a descriptor's copy.
#[derive(Clone, Copy)]
struct Buffer {
    addr: u64,
    len: u32,
    writable: bool,
}

struct Blk {
    host: *const Host,
    features: u64,
    ring: Ring,
    next_avail: u16,
    next_used: u16,
    disk: Vec<u8>,
    requests: u64,
    errors: u64,
}

/// Guest memory.
impl Blk {
    fn why(&self, purpose: Purpose, walk: u16) -> Why {
        Why { purpose: purpose as u16, queue: 0, walk }
    }

    /// `len` bytes at `addr` into `buf`, which has room for them.
    fn read(&self, why: Why, addr: u64, buf: &mut [u8], len: usize) -> Ringed<()> {
        let host = unsafe { &*self.host };
        let to = buf.as_mut_ptr() as *mut c_void;

        match unsafe { host.read.unwrap()(host.ctx, why, addr, to, len as u32) } {
            0 => Ok(()),
            _ => Err(NeedsReset),
        }
    }

    fn write(&self, why: Why, addr: u64, buf: &[u8]) -> Ringed<()> {
        let host = unsafe { &*self.host };
        let from = buf.as_ptr() as *const c_void;

        match unsafe { host.write.unwrap()(host.ctx, why, addr, from, buf.len() as u32) } {
            0 => Ok(()),
            _ => Err(NeedsReset),
        }
    }

    fn read16(&self, why: Why, addr: u64) -> Ringed<u16> {
        let mut bytes = [0; 2];

        self.read(why, addr, &mut bytes, 2)?;
        Ok(u16::from_le_bytes(bytes))
    }
}

/// The queue.
impl Blk {
    /// Where a part of a ring lies; one that passes 2^64 is nowhere.
    fn at(base: u64, offset: u64) -> Ringed<u64> {
        base.checked_add(offset).ok_or(NeedsReset)
    }

    /// The buffers of the chain at `head`: at most as many as the queue has
    /// descriptors, so that a loop ends.  A descriptor is read once.
    fn walk(&self, walk: u16, head: u16) -> Ringed<Vec<Buffer>> {
        let mut buffers = Vec::new();
        let mut index = head;

        while buffers.len() < self.ring.size as usize {
            let mut desc = [0; 16];

            if index >= self.ring.size {
                return Err(NeedsReset);
            }
            let addr = Self::at(self.ring.desc, 16 * index as u64)?;
            self.read(self.why(Purpose::Desc, walk), addr, &mut desc, 16)?;
            let flags = u16::from_le_bytes([desc[12], desc[13]]);
            if flags & 4 != 0 {
                return Err(NeedsReset);
            }
            buffers.push(Buffer {
                addr: u64::from_le_bytes(desc[..8].try_into().unwrap()),
                len: u32::from_le_bytes(desc[8..12].try_into().unwrap()),
                writable: flags & 2 != 0,
            });
            if flags & 1 == 0 {
                return Ok(buffers);
            }
            index = u16::from_le_bytes([desc[14], desc[15]]);
        }
        Err(NeedsReset)
    }

    fn return_chain(&mut self, walk: u16, head: u16, len: u32) -> Ringed<()> {
        let slot = 4 + 8 * (self.next_used % self.ring.size) as u64;
        let mut entry = [0; 8];

        entry[..4].copy_from_slice(&(head as u32).to_le_bytes());
        entry[4..].copy_from_slice(&len.to_le_bytes());
        self.write(self.why(Purpose::UsedEntry, walk), Self::at(self.ring.used, slot)?, &entry)?;
        self.next_used = self.next_used.wrapping_add(1);
        let idx = self.next_used.to_le_bytes();
        self.write(self.why(Purpose::UsedIdx, 0), Self::at(self.ring.used, 2)?, &idx)
    }

    /// All that is available.  How many chains were returned is in `done`, also
    /// where a mistake of the guest's ends it.
    fn process(&mut self, done: &mut u32) -> Ringed<()> {
        let idx = self.read16(self.why(Purpose::AvailIdx, 0), Self::at(self.ring.avail, 2)?)?;

        if idx.wrapping_sub(self.next_avail) > self.ring.size {
            return Err(NeedsReset);
        }
        while self.next_avail != idx {
            let walk = self.next_avail;
            let slot = 4 + 2 * (walk % self.ring.size) as u64;
            let head =
                self.read16(self.why(Purpose::AvailEntry, walk), Self::at(self.ring.avail, slot)?)?;

            self.next_avail = walk.wrapping_add(1);
            let buffers = self.walk(walk, head)?;
            let len = self.request(walk, &buffers)?;
            self.return_chain(walk, head, len)?;
            *done += 1;
        }
        Ok(())
    }

    /// Does the driver want to be told?  If it cannot be asked, it is.
    fn notify(&self) {
        let host = unsafe { &*self.host };
        let flags = self.read16(self.why(Purpose::AvailFlags, 0), self.ring.avail);

        if flags.unwrap_or(0) & 1 == 0 {
            unsafe { host.used.unwrap()(host.ctx, 0) };
        }
    }

    fn kick(&mut self) {
        let host = unsafe { &*self.host };
        let mut done = 0;

        if self.ring.ready == 0 {
            return;
        }
        let broken = self.process(&mut done).is_err();
        if done > 0 {
            self.notify();
        }
        if broken {
            self.ring.ready = 0;
            unsafe { host.needs_reset.unwrap()(host.ctx) };
        }
    }
}

/// Requests.
impl Blk {
    /// The first `len` bytes that the driver wrote, or None; `buf` has room.
    fn gather(&self, walk: u16, buffers: &[Buffer], buf: &mut [u8], len: usize) -> Option<()> {
        let mut at = 0;

        for b in buffers.iter().filter(|b| !b.writable) {
            let part = (b.len as usize).min(len - at);

            self.read(self.why(Purpose::Payload, walk), b.addr, &mut buf[at..], part).ok()?;
            at += part;
        }
        if at == len { Some(()) } else { None }
    }

    /// `data` into the device-writable bytes, from the first on.  How many were
    /// written is in `written`, also where it ends early.
    fn scatter(&self, walk: u16, buffers: &[Buffer], data: &[u8], written: &mut u32) -> Option<()> {
        let mut at = 0;

        for b in buffers.iter().filter(|b| b.writable) {
            let len = (b.len as usize).min(data.len() - at);

            self.write(self.why(Purpose::Payload, walk), b.addr, &data[at..at + len]).ok()?;
            at += len;
            *written += len as u32;
        }
        Some(())
    }

    /// Bytes of a disk access; None: beyond the end, or not whole sectors.
    fn range(sector: u64, len: u64) -> Option<std::ops::Range<usize>> {
        let end = len.checked_add(sector.checked_mul(SECTOR as u64)?)?;

        if len % SECTOR as u64 != 0 || end > SECTORS * SECTOR as u64 {
            return None;
        }
        Some((end - len) as usize..end as usize)
    }

    /// What the driver wrote behind the header goes to the disk.
    fn store(&mut self, walk: u16, buffers: &[Buffer], sector: u64, len: u64) -> Option<()> {
        let range = Self::range(sector, len - HEADER as u64)?;
        let mut data = vec![0; HEADER + range.len()];

        self.gather(walk, buffers, &mut data, HEADER + range.len())?;
        self.disk[range].copy_from_slice(&data[HEADER..]);
        Some(())
    }

    /// Serve one request: how many bytes were written, from the first
    /// device-writable one on without a gap.
    fn request(&mut self, walk: u16, buffers: &[Buffer]) -> Ringed<u32> {
        let sum = |writable| -> u64 {
            buffers.iter().filter(|b| b.writable == writable).map(|b| b.len as u64).sum()
        };
        let (readable, writable) = (sum(false), sum(true));
        let mut header = [0; HEADER];
        let mut written = 0;
        let mut status = S_IOERR;

        self.requests += 1;
        /* Without a place for the status there is nothing to say. */
        let last = match buffers.iter().rev().find(|b| b.writable && b.len > 0) {
            Some(b) => *b,
            None => {
                self.errors += 1;
                return Ok(0);
            }
        };
        if readable >= HEADER as u64 && self.gather(walk, buffers, &mut header, HEADER).is_some() {
            let kind = u32::from_le_bytes(header[..4].try_into().unwrap());
            let sector = u64::from_le_bytes(header[8..].try_into().unwrap());
            let done = match kind {
                T_IN => Self::range(sector, writable - 1)
                    .and_then(|r| self.scatter(walk, buffers, &self.disk[r], &mut written)),
                T_OUT => self.store(walk, buffers, sector, readable),
                T_FLUSH if self.features & F_FLUSH != 0 => Some(()),
                T_GET_ID => {
                    let len = (writable - 1).min(ID.len() as u64) as usize;
                    self.scatter(walk, buffers, &ID[..len], &mut written)
                }
                _ => {
                    status = S_UNSUPP;
                    None
                }
            };
            if done.is_some() {
                status = S_OK;
            }
        }
        self.errors += (status != S_OK) as u64;
        let at = last.addr.checked_add(last.len as u64 - 1).ok_or(NeedsReset)?;
        self.write(self.why(Purpose::Payload, walk), at, &[status])?;
        /* The status counts where nothing is missing in front of it. */
        if written as u64 == writable - 1 {
            written += 1;
        }
        Ok(written)
    }
}

/* What vringer calls. */

unsafe fn get<'a>(device: *mut c_void) -> &'a mut Blk {
    &mut *(device as *mut Blk)
}

unsafe extern "C" fn create(host: *const Host, _offered: u64, _max: *const u16) -> *mut c_void {
    let blk = Blk {
        host,
        features: 0,
        ring: Ring::default(),
        next_avail: 0,
        next_used: 0,
        disk: vec![0; SECTORS as usize * SECTOR],
        requests: 0,
        errors: 0,
    };

    Box::into_raw(Box::new(blk)) as *mut c_void
}

unsafe extern "C" fn destroy(device: *mut c_void) {
    drop(Box::from_raw(device as *mut Blk));
}

unsafe extern "C" fn activate(device: *mut c_void, features: u64, rings: *const Ring) {
    let blk = get(device);

    blk.features = features;
    blk.ring = *rings;
    blk.next_avail = 0;
    blk.next_used = 0;
}

unsafe extern "C" fn kick(device: *mut c_void, _queue: u32) {
    get(device).kick();
}

unsafe extern "C" fn queue_stop(device: *mut c_void, _queue: u32) {
    get(device).ring.ready = 0;
}

unsafe extern "C" fn reset(device: *mut c_void) {
    get(device).ring = Ring::default();
}

unsafe extern "C" fn config_read(_device: *mut c_void, offset: u64, buf: *mut c_void, len: u32) {
    let capacity = SECTORS.to_le_bytes();
    let to = std::slice::from_raw_parts_mut(buf as *mut u8, len as usize);

    for (i, byte) in to.iter_mut().enumerate() {
        *byte = *capacity.get(offset as usize + i).unwrap_or(&0);
    }
}

unsafe extern "C" fn counters(device: *mut c_void, values: *mut u64) {
    let blk = get(device);

    *values = blk.requests;
    *values.add(1) = blk.errors;
}

const fn text(bytes: &'static [u8]) -> *const c_char {
    bytes.as_ptr() as *const c_char
}

static QUEUES: [Queue; 1] = [Queue {
    name: text(b"requests\0"),
    size_max: QUEUE_SIZE,
    driver_initiated: 1,
    reserved: 0,
}];

#[repr(transparent)]
struct Names([*const c_char; 2]);
unsafe impl Sync for Names {}
static NAMES: Names = Names([text(b"requests\0"), text(b"errors\0")]);

#[repr(transparent)]
struct Sums([vringer::Sum; 2]);
unsafe impl Sync for Sums {}
static SUMS: Sums = Sums([
    vringer::Sum { left: text(b"errors\0"), right: text(b"requests\0") },
    vringer::Sum { left: std::ptr::null(), right: std::ptr::null() },
]);

#[repr(transparent)]
struct Disagreements([vringer::Disagreement; 2]);
unsafe impl Sync for Disagreements {}
static DISAGREEMENTS: Disagreements = Disagreements([
    vringer::Disagreement {
        rule: text(b"reset.session\0"),
        reason: text(b"the disk keeps what was written, over a reset too\0"),
    },
    vringer::Disagreement { rule: std::ptr::null(), reason: std::ptr::null() },
]);

static TARGET: Target = Target {
    version: vringer::VERSION,
    size: std::mem::size_of::<Target>() as u32,
    name: text(b"blk-rust\0"),
    help: text(b"virtio-blk over 32 KiB of RAM, in Rust\0"),
    level: vringer::LEVEL_ACTIVATED,
    memory: vringer::MEMORY_PURPOSES,
    layout: 0,
    flags: 0,
    device_id: 2,
    queue_count: 1,
    features: F_VERSION_1 | F_FLUSH,
    queues: QUEUES.as_ptr(),
    config_len: 8,
    chain_bytes_max: 0,
    heap_max: 0,
    counter_count: 2,
    counter_names: NAMES.0.as_ptr(),
    sums: SUMS.0.as_ptr(),
    disagreements: DISAGREEMENTS.0.as_ptr(),
    liveness: text(concat!(include_str!("../liveness.vr"), "\0").as_bytes()),
    create: Some(create),
    destroy: Some(destroy),
    read: None,
    write: None,
    activate: Some(activate),
    kick: Some(kick),
    queue_stop: Some(queue_stop),
    reset: Some(reset),
    config_read: Some(config_read),
    config_write: None,
    step: None,
    state: None,
    settle: None,
    counters: Some(counters),
};

#[no_mangle]
pub static vringer_targets: [Registered; 2] = [Registered(&TARGET), Registered(std::ptr::null())];
