// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `<vringer.h>`, version 1, in Rust: what an activated device that tells the
//! purpose of its accesses needs of it.  Field by field as there.
#![allow(dead_code)]

use std::os::raw::{c_char, c_void};

pub const VERSION: u32 = 1;
pub const LEVEL_ACTIVATED: u32 = 2;
pub const MEMORY_PURPOSES: u32 = 1;

/// What an access is for.
#[repr(u16)]
#[derive(Clone, Copy)]
pub enum Purpose {
    Payload,
    Desc,
    Indirect,
    AvailFlags,
    AvailIdx,
    AvailEntry,
    UsedEvent,
    UsedFlags,
    UsedIdx,
    UsedEntry,
    AvailEvent,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Why {
    pub purpose: u16,
    pub queue: u16,
    pub walk: u16,
}

type Copy = unsafe extern "C" fn(*mut c_void, Why, u64, *mut c_void, u32) -> i32;
type CopyOut = unsafe extern "C" fn(*mut c_void, Why, u64, *const c_void, u32) -> i32;

#[repr(C)]
pub struct Host {
    pub version: u32,
    pub size: u32,
    pub ctx: *mut c_void,
    pub read: Option<Copy>,
    pub write: Option<CopyOut>,
    pub map: *const c_void,
    pub unmap: *const c_void,
    pub load: *const c_void,
    pub store: *const c_void,
    pub regions: *const c_void,
    pub region_count: u32,
    pub reserved: u32,
    pub interrupt: *const c_void,
    pub used: Option<unsafe extern "C" fn(*mut c_void, u32)>,
    pub config_changed: Option<unsafe extern "C" fn(*mut c_void)>,
    pub needs_reset: Option<unsafe extern "C" fn(*mut c_void)>,
    pub alloc: *const c_void,
    pub free: *const c_void,
}

#[repr(C)]
pub struct Queue {
    pub name: *const c_char,
    pub size_max: u16,
    pub driver_initiated: u8,
    pub reserved: u8,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Ring {
    pub desc: u64,
    pub avail: u64,
    pub used: u64,
    pub size: u16,
    pub ready: u16,
    pub reserved: u32,
}

#[repr(C)]
pub struct Sum {
    pub left: *const c_char,
    pub right: *const c_char,
}

#[repr(C)]
pub struct Disagreement {
    pub rule: *const c_char,
    pub reason: *const c_char,
}

type Device = *mut c_void;
type ConfigRead = unsafe extern "C" fn(Device, u64, *mut c_void, u32);
type ConfigWrite = unsafe extern "C" fn(Device, u64, *const c_void, u32);

#[repr(C)]
pub struct Target {
    pub version: u32,
    pub size: u32,
    pub name: *const c_char,
    pub help: *const c_char,
    pub level: u32,
    pub memory: u32,
    pub layout: u32,
    pub flags: u32,
    pub device_id: u32,
    pub queue_count: u32,
    pub features: u64,
    pub queues: *const Queue,
    pub config_len: u32,
    pub chain_bytes_max: u32,
    pub heap_max: u32,
    pub counter_count: u32,
    pub counter_names: *const *const c_char,
    pub sums: *const Sum,
    pub disagreements: *const Disagreement,
    pub liveness: *const c_char,
    pub create: Option<unsafe extern "C" fn(*const Host, u64, *const u16) -> Device>,
    pub destroy: Option<unsafe extern "C" fn(Device)>,
    pub read: Option<ConfigRead>,
    pub write: Option<ConfigWrite>,
    pub activate: Option<unsafe extern "C" fn(Device, u64, *const Ring)>,
    pub kick: Option<unsafe extern "C" fn(Device, u32)>,
    pub queue_stop: Option<unsafe extern "C" fn(Device, u32)>,
    pub reset: Option<unsafe extern "C" fn(Device)>,
    pub config_read: Option<ConfigRead>,
    pub config_write: Option<ConfigWrite>,
    pub step: Option<unsafe extern "C" fn(Device)>,
    pub state: Option<unsafe extern "C" fn(Device) -> u32>,
    pub settle: Option<unsafe extern "C" fn(Device, u32) -> i32>,
    pub counters: Option<unsafe extern "C" fn(Device, *mut u64)>,
}

/// All constant: pointers to what is never written.
unsafe impl Sync for Target {}
unsafe impl Sync for Queue {}

/// What `vringer_targets` is a list of; the last one is null.
#[repr(transparent)]
pub struct Registered(pub *const Target);
unsafe impl Sync for Registered {}
