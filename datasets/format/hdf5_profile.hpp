// SPDX-License-Identifier: Apache-2.0
// A strict reader for the narrow part of HDF5 that ringtrain itself writes. A dataset may come from
// anywhere, and libhdf5 follows external files, runs filter plug-ins and has a long list of crashes
// on damaged input; so a rank opens datasets by this reader: every structure is bounded, every
// checksum verified, everything outside the profile refused by name. Foreign files go through
// `ringtrain dataset import hdf5`.
//
// The profile: superblock 3 at byte 0, checksummed object headers, compact groups with hard links
// only, two levels deep; contiguous, allocated datasets of u8, u32, u64, i64, f32 or fixed-length
// strings; attributes of these types in the root group's header.
//
// In three layers: hdf5_object.hpp (headers as bounded messages), hdf5_messages.hpp (the contents
// of messages), and this one (the tree of groups and datasets).
#pragma once

#include "datasets/format/hdf5_types.hpp"
#include "storage/source.hpp"

namespace ringtrain::datasets {

// Throws a data error that names the file and the object in it.
Hdf5Contents read_hdf5_profile(const storage::Source& file);

}  // namespace ringtrain::datasets
