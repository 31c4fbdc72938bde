// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/hdf5_source.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "datasets/importers/arrays/hdf5_child.hpp"
#include "datasets/writing/hdf5_process.hpp"

namespace ringtrain::datasets {
namespace {

class Hdf5Source : public ArraySource {
 public:
  Hdf5Source(const std::string& name, const std::filesystem::path& path, const std::string& dataset)
      : process_(name, uint64_t{4} << 30, [&](int out) {
          return run_hdf5_child(path, dataset.starts_with('/') ? dataset : "/" + dataset, out);
        }) {
    name_ = name;
    read_header();
  }

  void read(std::byte* out, uint64_t count) override {
    if (!process_.read(out, count * row_bytes())) process_.damaged();
  }

  void expect_end() override {
    char byte = 0;
    if (process_.read(&byte, 1) || !process_.end().success()) {
      throw data_error(name_ + ": damaged: libhdf5 failed at its end");
    }
  }

 private:
  void read_header() {
    Hdf5Header header;
    if (!process_.read(&header, sizeof header)) process_.damaged();
    if (header.error_bytes > 0) {
      std::string text(std::min<uint32_t>(header.error_bytes, 4096), '\0');
      process_.read(text.data(), text.size());
      throw data_error(text);
    }
    // The file may have taken over the child, so its messages are checked too.
    if (header.type > static_cast<uint32_t>(NumberType::f64) || header.rank < 1 ||
        header.rank > kHdf5MaxDims) {
      process_.damaged();
    }
    type_ = static_cast<NumberType>(header.type);
    dims_.assign(header.dims.begin(), header.dims.begin() + header.rank);
    if (std::find(dims_.begin(), dims_.end(), 0U) != dims_.end()) process_.damaged();
  }

  Hdf5Process process_;
};

}  // namespace

std::unique_ptr<ArraySource> open_hdf5_source(const std::filesystem::path& file,
                                              const std::string& dataset) {
  File::open_for_reading(file);  // for its errors
  return std::make_unique<Hdf5Source>(file.string() + ":" + dataset, file, dataset);
}

}  // namespace ringtrain::datasets
