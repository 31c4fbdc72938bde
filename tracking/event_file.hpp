// SPDX-License-Identifier: Apache-2.0
// TensorBoard's event files: records with masked CRCs (tensorflow/core/lib/io/record_writer.cc), an
// Event message each (tensorflow/core/util/event.proto).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/time.hpp"

namespace ringtrain::tracking {

using Scalar = std::pair<std::string, double>;

class EventFile {
 public:
  // Makes a new file in a folder, which is made where it is missing; files of one folder are read
  // in the order in which they were made. Throws an io error.
  EventFile(const std::filesystem::path& folder, Time now);

  // Readers forget what earlier records have of this step and of later ones: training continues
  // from a checkpoint.
  void restart(int64_t step, Time time);
  void add(int64_t step, const std::vector<Scalar>& scalars, Time time);

 private:
  // A full disk loses the record.
  void append(std::string_view event);

  FileDescriptor file_;
};

}  // namespace ringtrain::tracking
