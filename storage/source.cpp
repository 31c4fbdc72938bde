// SPDX-License-Identifier: Apache-2.0
#include "storage/source.hpp"

#include "base/file.hpp"

namespace ringtrain::storage {
namespace {

class FileSource : public Source {
 public:
  explicit FileSource(File file)
      : Source(file.path().string(), file.size(), ""), file_(std::move(file)) {}
  void read_at(void* data, size_t size, uint64_t offset) const override {
    file_.read_at(data, size, offset);
  }

 private:
  File file_;
};

}  // namespace

std::unique_ptr<Source> open_file(const std::filesystem::path& path) {
  return std::make_unique<FileSource>(File::open_for_reading(path));
}

}  // namespace ringtrain::storage
