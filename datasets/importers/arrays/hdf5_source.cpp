// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/arrays/hdf5_source.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"
#include "datasets/importers/arrays/hdf5_child.hpp"

namespace ringtrain::datasets {
namespace {

// Returns false if the other end closed early.
bool read_all(int fd, void* data, size_t size) {
  auto* to = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = ::read(fd, to, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

class Hdf5Source : public ArraySource {
 public:
  Hdf5Source(const std::filesystem::path& path, const std::string& dataset) {
    name_ = path.string() + ":" + dataset;
    File::open_for_reading(path);  // for its errors
    try {
      Pipe pipe = make_pipe();
      const auto body = [&] {
        pipe.read_end.close();
        return run_hdf5_child(path, dataset.starts_with('/') ? dataset : "/" + dataset,
                              pipe.write_end.get());
      };
      child_ = Child({.body = body});
      in_ = std::move(pipe.read_end);
    } catch (const std::system_error& error) {
      throw data_error(fmt::format("{}: no process to read it in: {}", name_, error.what()));
    }
    read_header();
  }
  Hdf5Source(const Hdf5Source&) = delete;
  Hdf5Source& operator=(const Hdf5Source&) = delete;

  void read(std::byte* out, uint64_t count) override {
    if (!read_all(in_.get(), out, count * row_bytes())) ended_early();
  }

  void expect_end() override {
    char byte = 0;
    if (read_all(in_.get(), &byte, 1) || !end().success()) {
      throw data_error(name_ + ": damaged: libhdf5 failed at its end");
    }
  }

 private:
  void read_header() {
    Hdf5Header header;
    if (!read_all(in_.get(), &header, sizeof header)) ended_early();
    if (header.error_bytes > 0) {
      std::string text(std::min<uint32_t>(header.error_bytes, 4096), '\0');
      read_all(in_.get(), text.data(), text.size());
      throw data_error(text);
    }
    // The file may have taken over the child, so its messages are checked too.
    if (header.type > static_cast<uint32_t>(NumberType::f64) || header.rank < 1 ||
        header.rank > kHdf5MaxDims) {
      ended_early();
    }
    type_ = static_cast<NumberType>(header.type);
    dims_.assign(header.dims.begin(), header.dims.begin() + header.rank);
    if (std::find(dims_.begin(), dims_.end(), 0U) != dims_.end()) ended_early();
  }

  [[noreturn]] void ended_early() {
    const ExitStatus status = end();
    if (status.signal != 0) {
      throw data_error(
          fmt::format("{}: damaged: it crashes libhdf5 (signal {})", name_, status.signal));
    }
    throw data_error(
        fmt::format("{}: damaged, or packed with a filter that is not built in", name_));
  }

  // Waits for the child, which writes no more or is stopped by the closed pipe.
  ExitStatus end() {
    in_.close();
    return child_.wait();
  }

  Child child_;
  FileDescriptor in_;
};

}  // namespace

std::unique_ptr<ArraySource> open_hdf5_source(const std::filesystem::path& file,
                                              const std::string& dataset) {
  return std::make_unique<Hdf5Source>(file, dataset);
}

}  // namespace ringtrain::datasets
