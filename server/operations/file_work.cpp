// SPDX-License-Identifier: Apache-2.0
#include "server/operations/file_work.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/file.hpp"
#include "net/sha256.hpp"

namespace ringtrain::server {
namespace {

constexpr uint64_t kPiece = uint64_t{1} << 20;

// Calls take(bytes, offset) for one piece of the file after the other. Returns whether all was
// read.
bool read_pieces(const std::filesystem::path& path, BackgroundState& state,
                 const std::function<void(std::string_view bytes, uint64_t offset)>& take) {
  const File file = File::open_for_reading(path);
  const uint64_t size = file.size();
  std::string piece(std::min(kPiece, size), '\0');
  for (uint64_t done = 0; done < size;) {
    if (state.cancelled) return false;
    const uint64_t part = std::min<uint64_t>(piece.size(), size - done);
    file.read_at(piece.data(), part, done);
    take(std::string_view(piece).substr(0, part), done);
    done += part;
    state.progress = static_cast<double>(done) / static_cast<double>(size);
  }
  return true;
}

}  // namespace

std::string sum_of_file(const std::filesystem::path& file, BackgroundState& state) {
  net::Sha256 sum;
  read_pieces(file, state,
              [&](std::string_view bytes, uint64_t) { sum.add(bytes.data(), bytes.size()); });
  return sum.hexadecimal();
}

void copy_whole_file(const std::filesystem::path& from, const std::filesystem::path& to,
                     BackgroundState& state) {
  PendingFile pending(to);
  const bool is_whole = read_pieces(from, state, [&](std::string_view bytes, uint64_t offset) {
    pending.file().write_at(bytes.data(), bytes.size(), offset);
  });
  if (is_whole) pending.commit();
}

}  // namespace ringtrain::server
