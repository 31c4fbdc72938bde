// SPDX-License-Identifier: Apache-2.0
// libhdf5 with handles that close themselves and failures that throw. For writing, and for
// importing foreign files; a rank reads through hdf5_profile.hpp.
#pragma once

#include <hdf5.h>

#include <string>
#include <utility>

namespace ringtrain::datasets {

// An owned HDF5 identifier with the function that closes it.
class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Hdf5Handle() = default;
  Hdf5Handle(hid_t id, Close closer) : id_(id), close_(closer) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  Hdf5Handle(const Hdf5Handle&) = delete;
  Hdf5Handle& operator=(const Hdf5Handle&) = delete;
  ~Hdf5Handle() {
    if (id_ >= 0) close_(id_);
  }
  // Implicit, for calls of the C API.
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor)
  // Closes now, throwing when data could not be flushed.
  void close();

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

// Returns the result of a call of libhdf5. Throws a data error with `doing` and libhdf5's own
// reason if it is negative.
hid_t check_hdf5(hid_t result, const std::string& doing);
void check_hdf5_status(herr_t result, const std::string& doing);

// Silences libhdf5's own printing and forbids its filter plug-ins, for the calling thread and the
// process. Call before the first use.
void prepare_hdf5();

}  // namespace ringtrain::datasets
