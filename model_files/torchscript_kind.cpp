// SPDX-License-Identifier: Apache-2.0
#include "model_files/torchscript_kind.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/file.hpp"

namespace ringtrain::model_files {
namespace {

std::string read(const File& file, uint64_t offset, uint64_t size) {
  std::string bytes(size, '\0');
  file.read_at(bytes.data(), bytes.size(), offset);
  return bytes;
}

// A safetensors file begins with the length of its header, 8 bytes, then the header as JSON.
bool is_safetensors(std::string_view head) {
  return head.size() > 8 && head[8] == '{' && head.substr(5, 3) == std::string_view("\0\0\0", 3);
}

}  // namespace

std::string why_not_torchscript(const std::filesystem::path& file) {
  constexpr uint64_t kHead = 16;
  constexpr uint64_t kTail = 1 << 20;  // holds the names of a zip archive's files
  const File opened = File::open_for_reading(file);
  const uint64_t size = opened.size();
  const std::string head = read(opened, 0, std::min(size, kHead));
  // torch.save before PyTorch 1.6, or pickle.dump.
  const bool is_pickle = head.starts_with('\x80');
  const bool is_zip = head.starts_with("PK\x03\x04");
  std::string names;
  if (is_zip) names = read(opened, size - std::min(size, kTail), std::min(size, kTail));
  const bool is_whole = names.find("PK\x05\x06") != std::string::npos;  // the archive's last record
  if (is_pickle || (is_whole && names.find("/data.pkl") != std::string::npos &&
                    names.find("constants.pkl") == std::string::npos)) {
    return "is a file of torch.save, which only Python can read";
  }
  if (is_safetensors(head)) return "is a safetensors file: weights without the network";
  if (head.starts_with("\x89HDF\r\n\x1a\n")) return "is an HDF5 file, as datasets are";
  if (!is_zip || names.find("constants.pkl") == std::string::npos) {
    return "is not a TorchScript file that can be opened";
  }
  return "";
}

}  // namespace ringtrain::model_files
