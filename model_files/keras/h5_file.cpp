// SPDX-License-Identifier: Apache-2.0
#include "model_files/keras/h5_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_descriptor.hpp"
#include "base/spawn.hpp"
#include "model_files/keras/h5_child.hpp"

namespace ringtrain::model_files::keras {
namespace {

using nlohmann::json;

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

void require_hdf5(const std::filesystem::path& path) {
  const File file = File::open_for_reading(path);
  std::array<char, 8> magic{};
  if (file.size() >= magic.size()) file.read_at(magic.data(), magic.size(), 0);
  const std::string_view begin(magic.data(), magic.size());
  if (begin == "\x89HDF\r\n\x1a\n") return;
  throw data_error(fmt::format("{}: not an HDF5 file{}", path.string(),
                               begin.starts_with("PK\x03\x04")
                                   ? "; a .keras archive: model.save(\"model.h5\") writes one"
                                   : ""));
}

// The child that reads a file, and what it says.
class H5Process {
 public:
  explicit H5Process(const std::filesystem::path& path) : name_(path.string()) {
    require_hdf5(path);
    try {
      Pipe pipe = make_pipe();
      const auto body = [&] {
        pipe.read_end.close();
        return run_h5_child(path, pipe.write_end.get());
      };
      child_ = Child({.body = body});
      in_ = std::move(pipe.read_end);
    } catch (const std::system_error& error) {
      throw data_error(fmt::format("{}: no process to read it in: {}", name_, error.what()));
    }
  }

  json description() {
    uint64_t size = 0;
    if (!read_all(in_.get(), &size, sizeof size) || size > kMostHeaderBytes) damaged();
    std::string text(size, '\0');
    if (!read_all(in_.get(), text.data(), text.size())) damaged();
    json result = json::parse(text, nullptr, false);
    if (!result.is_object()) damaged();
    if (result.contains("error") && result["error"].is_string()) {
      throw data_error(result["error"].get<std::string>());
    }
    return result;
  }

  void read(std::vector<float>& numbers) {
    if (!read_all(in_.get(), numbers.data(), numbers.size() * sizeof(float))) damaged();
  }

  void finish() {
    in_.close();
    if (!child_.wait().success()) damaged();
  }

  [[noreturn]] void damaged() {
    in_.close();
    const ExitStatus status = child_.wait();
    throw data_error(
        status.signal == 0
            ? name_ + ": damaged, or packed with a filter that is not built in"
            : fmt::format("{}: damaged: it crashes libhdf5 (signal {})", name_, status.signal));
  }

 private:
  std::string name_;
  Child child_;
  FileDescriptor in_;
};

}  // namespace

H5File read_h5(const std::filesystem::path& path) {
  H5Process process(path);
  H5File file;
  uint64_t total = 0;
  try {
    const json described = process.description();
    file.model_config = described.at("model_config").get<std::string>();
    file.keras_version = described.at("keras_version").get<std::string>();
    file.backend = described.at("backend").get<std::string>();
    for (const json& layer : described.at("layers")) {
      H5Layer own{layer.at("name").get<std::string>(), {}};
      for (const json& weight : layer.at("weights")) {
        own.weights.push_back({weight.at("name").get<std::string>(),
                               weight.at("shape").get<std::vector<int64_t>>(),
                               {}});
      }
      file.layers.push_back(std::move(own));
    }
  } catch (const json::exception&) {
    process.damaged();
  }
  for (H5Layer& layer : file.layers) {
    for (H5Weight& weight : layer.weights) {
      uint64_t count = 1;
      for (const int64_t size : weight.shape) {
        if (size < 0 || __builtin_mul_overflow(count, static_cast<uint64_t>(size), &count)) {
          process.damaged();
        }
      }
      // The file may have taken over the child, so its messages are checked too.
      if (count > kMostNumbers - total) process.damaged();
      total += count;
      weight.numbers.resize(count);
      process.read(weight.numbers);
    }
  }
  process.finish();
  return file;
}

}  // namespace ringtrain::model_files::keras
