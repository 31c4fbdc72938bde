// SPDX-License-Identifier: Apache-2.0
#include "datasets/writing/hdf5_handle.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace ringtrain::datasets {
namespace {

// The innermost entry of libhdf5's error stack: the reason, where the outer ones are only callers.
std::string innermost_reason() {
  std::string reason = "unknown reason";
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned depth, const H5E_error2_t* entry, void* out) -> herr_t {
        if (depth == 0 && entry->desc != nullptr) *static_cast<std::string*>(out) = entry->desc;
        return 0;
      },
      &reason);
  return reason;
}

}  // namespace

void Hdf5Handle::close() {
  const hid_t id = std::exchange(id_, H5I_INVALID_HID);
  if (id >= 0) check_hdf5_status(close_(id), "closing an HDF5 object");
}

hid_t check_hdf5(hid_t result, const std::string& doing) {
  if (result < 0) throw data_error(fmt::format("{} failed: {}", doing, innermost_reason()));
  return result;
}

void check_hdf5_status(herr_t result, const std::string& doing) { check_hdf5(result, doing); }

void prepare_hdf5() {
  H5open();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
}

}  // namespace ringtrain::datasets
