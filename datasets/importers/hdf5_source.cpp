// SPDX-License-Identifier: Apache-2.0
#include "datasets/importers/hdf5_source.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"
#include "datasets/writing/hdf5_handle.hpp"

namespace ringtrain::datasets {
namespace {

constexpr size_t kMaxDims = 8;
constexpr uint64_t kSlabBytes = uint64_t{16} << 20;
constexpr uint64_t kMaxChunkRowBytes = uint64_t{256} << 20;

// What the child sends first.
struct Header {
  uint32_t error_bytes = 0;  // > 0: an error message follows instead of rows
  uint32_t type = 0;
  uint32_t rank = 0;
  std::array<uint64_t, kMaxDims> dims{};
};

bool write_all(int fd, const void* data, size_t size) {
  const auto* from = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd, from, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    from += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

// False when the other end closed early.
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

// ---- in the child ----

struct NativeType {
  NumberType type;
  hid_t memory;
};

NativeType native_type(hid_t type, const std::string& name) {
  const size_t size = H5Tget_size(type);
  const H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_INTEGER) {
    const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
    switch (size) {
      case 1:
        return is_signed ? NativeType{NumberType::i8, H5T_NATIVE_INT8}
                         : NativeType{NumberType::u8, H5T_NATIVE_UINT8};
      case 2:
        return is_signed ? NativeType{NumberType::i16, H5T_NATIVE_INT16}
                         : NativeType{NumberType::u16, H5T_NATIVE_UINT16};
      case 4:
        return is_signed ? NativeType{NumberType::i32, H5T_NATIVE_INT32}
                         : NativeType{NumberType::u32, H5T_NATIVE_UINT32};
      case 8:
        return is_signed ? NativeType{NumberType::i64, H5T_NATIVE_INT64}
                         : NativeType{NumberType::u64, H5T_NATIVE_UINT64};
      default:
        break;
    }
  }
  // libhdf5 converts half floats itself.
  if (kind == H5T_FLOAT && size <= 4) return {NumberType::f32, H5T_NATIVE_FLOAT};
  if (kind == H5T_FLOAT && size == 8) return {NumberType::f64, H5T_NATIVE_DOUBLE};
  throw data_error(fmt::format("{}: its type is not whole numbers or floats", name));
}

// Every step of the path must be a hard link, so that the file cannot lead anywhere else.
void require_hard_links(hid_t file, const std::string& dataset, const std::string& name) {
  for (size_t at = 1; at != 0;) {
    const size_t slash = dataset.find('/', at);
    const std::string step = dataset.substr(0, slash);
    H5L_info_t info;
    if (H5Lexists(file, step.c_str(), H5P_DEFAULT) <= 0) {
      throw data_error(fmt::format("{}: there is no such dataset in the file", name));
    }
    check_hdf5_status(H5Lget_info(file, step.c_str(), &info, H5P_DEFAULT), name);
    if (info.type != H5L_TYPE_HARD) {
      throw data_error(fmt::format("{}: {} is a link to elsewhere, which is refused", name, step));
    }
    at = slash == std::string::npos ? 0 : slash + 1;
  }
}

void serve(const std::filesystem::path& path, const std::string& dataset, int out,
           bool& rows_begun) {
  const std::string name = path.string() + ":" + dataset;
  prepare_hdf5();
  const Hdf5Handle access(check_hdf5(H5Pcreate(H5P_FILE_ACCESS), "H5Pcreate"), H5Pclose);
  check_hdf5_status(H5Pset_file_locking(access, false, true), "H5Pset_file_locking");
  const Hdf5Handle file(
      check_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), path.string() + ": opening"),
      H5Fclose);
  require_hard_links(file, dataset, name);
  const Hdf5Handle probe(check_hdf5(H5Dopen2(file, dataset.c_str(), H5P_DEFAULT), name), H5Dclose);
  const Hdf5Handle creation(check_hdf5(H5Dget_create_plist(probe), name), H5Pclose);
  const H5D_layout_t layout = H5Pget_layout(creation);
  if (H5Pget_external_count(creation) != 0) {
    throw data_error(name + ": its data lies in an external file, which is refused");
  }
  if (layout == H5D_VIRTUAL) throw data_error(name + ": a virtual dataset, which is refused");
  const Hdf5Handle space(check_hdf5(H5Dget_space(probe), name), H5Sclose);
  const Hdf5Handle type(check_hdf5(H5Dget_type(probe), name), H5Tclose);
  const NativeType native = native_type(type, name);
  Header header;
  header.type = static_cast<uint32_t>(native.type);
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 1 || rank > static_cast<int>(kMaxDims)) throw data_error(name + ": has no rows");
  header.rank = static_cast<uint32_t>(rank);
  std::array<hsize_t, kMaxDims> dims{};
  H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  uint64_t row_bytes = size_of(native.type);
  for (int i = 0; i < rank; ++i) {
    header.dims[static_cast<size_t>(i)] = dims[static_cast<size_t>(i)];
    if (dims[static_cast<size_t>(i)] == 0) throw data_error(name + ": has no rows");
    if (i > 0 && (__builtin_mul_overflow(row_bytes, dims[static_cast<size_t>(i)], &row_bytes) ||
                  row_bytes > uint64_t{1} << 30)) {
      throw data_error(name + ": rows of more than 1 GiB");
    }
  }

  // Whole chunks at a time, so that each is unpacked once.
  uint64_t step = std::max<uint64_t>(1, kSlabBytes / row_bytes);
  const Hdf5Handle reading(check_hdf5(H5Pcreate(H5P_DATASET_ACCESS), "H5Pcreate"), H5Pclose);
  if (layout == H5D_CHUNKED) {
    std::array<hsize_t, kMaxDims> chunk{};
    check_hdf5_status(H5Pget_chunk(creation, rank, chunk.data()), name);
    step = std::max<uint64_t>(1, step / chunk[0]) * chunk[0];
    if (step > kMaxChunkRowBytes / row_bytes)
      throw data_error(name + ": chunks of more than 256 MiB");
    check_hdf5_status(H5Pset_chunk_cache(reading, 10007, step * row_bytes, 1.0), name);
  }
  const Hdf5Handle data(check_hdf5(H5Dopen2(file, dataset.c_str(), reading), name), H5Dclose);
  rows_begun = true;
  if (!write_all(out, &header, sizeof header)) return;
  std::vector<std::byte> slab(std::min<uint64_t>(step, dims[0]) * row_bytes);
  for (uint64_t first = 0; first < dims[0]; first += step) {
    std::array<hsize_t, kMaxDims> start{};
    std::array<hsize_t, kMaxDims> count = dims;
    start[0] = first;
    count[0] = std::min<uint64_t>(step, dims[0] - first);
    check_hdf5_status(
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
        name);
    const Hdf5Handle memory(check_hdf5(H5Screate_simple(rank, count.data(), nullptr), name),
                            H5Sclose);
    check_hdf5_status(H5Dread(data, native.memory, memory, space, H5P_DEFAULT, slab.data()),
                      name + ": reading");
    if (!write_all(out, slab.data(), count[0] * row_bytes)) return;
  }
}

// What a file makes libhdf5 allocate must not take the machine down.
void limit_memory() {
  // Sanitizers map terabytes that they hardly use.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit memory{uint64_t{4} << 30, uint64_t{4} << 30};
  ::setrlimit(RLIMIT_AS, &memory);
#endif
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
}

int child(const std::filesystem::path& path, const std::string& dataset, int out) {
  limit_memory();
  std::signal(SIGPIPE, SIG_DFL);
  bool rows_begun = false;
  try {
    serve(path, dataset, out, rows_begun);
  } catch (const std::exception& error) {
    // Once rows flow there is no room for words: they end short, and the exit status tells.
    if (!rows_begun) {
      Header header;
      const std::string text = error.what();
      header.error_bytes = static_cast<uint32_t>(std::min<size_t>(text.size(), 4000));
      write_all(out, &header, sizeof header);
      write_all(out, text.data(), header.error_bytes);
    }
    return 1;
  }
  return 0;
}

// ---- in the parent ----

class Hdf5Source : public ArraySource {
 public:
  Hdf5Source(const std::filesystem::path& path, const std::string& dataset) {
    name_ = path.string() + ":" + dataset;
    File::open_for_reading(path);  // for its errors
    try {
      Pipe pipe = make_pipe();
      const auto body = [&] {
        pipe.read_end.close();
        return child(path, dataset.starts_with('/') ? dataset : "/" + dataset,
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
    Header header;
    if (!read_all(in_.get(), &header, sizeof header)) ended_early();
    if (header.error_bytes > 0) {
      std::string text(std::min<uint32_t>(header.error_bytes, 4096), '\0');
      read_all(in_.get(), text.data(), text.size());
      throw data_error(text);
    }
    // The child may have been taken over by the file: nothing it says is believed unchecked.
    if (header.type > static_cast<uint32_t>(NumberType::f64) || header.rank < 1 ||
        header.rank > kMaxDims) {
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
