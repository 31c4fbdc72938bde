// SPDX-License-Identifier: Apache-2.0
// Opening a dataset, and reading all of it when it opens. Mutated headers get checksums that fit,
// as a forger would give them: otherwise the first check would turn every input away.
#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/error.hpp"
#include "datasets/format/dataset_index.hpp"
#include "datasets/format/hdf5_object.hpp"
#include "datasets/reading/open.hpp"
#include "datasets/reading/reader.hpp"
#include "tests/fuzz/memory_file.hpp"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace ringtrain::datasets {
namespace {

void seal(uint8_t* data, size_t from, size_t to) {
  const uint32_t sum = lookup3({reinterpret_cast<const char*>(data) + from, to - from});
  std::memcpy(data + to, &sum, sizeof sum);
}

void seal_all(uint8_t* data, size_t size) {
  if (size >= 48) seal(data, 0, 44);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (size_t at = bytes.find("OHDR"); at != std::string_view::npos;
       at = bytes.find("OHDR", at + 4)) {
    if (at + 6 > size) return;
    const uint8_t flags = data[at + 5];
    const size_t width = size_t{1} << (flags & 3);
    const size_t head = 6 + ((flags & 0x20) != 0 ? 16 : 0) + ((flags & 0x10) != 0 ? 4 : 0);
    uint64_t length = 0;
    if (at + head + width > size) return;
    std::memcpy(&length, data + at + head, width);
    const size_t begin = at + head + width;
    if (length > size || begin + length + 4 > size) continue;
    seal(data, at, begin + length);
    // Continuations say where they are and how long.
    const size_t message_head = (flags & 0x04) != 0 ? 6 : 4;
    for (size_t m = begin; m + message_head <= begin + length;) {
      uint16_t body = 0;
      std::memcpy(&body, data + m + 1, sizeof body);
      uint64_t place[2] = {0, 0};
      if (data[m] == 0x10 && m + message_head + sizeof place <= size) {
        std::memcpy(place, data + m + message_head, sizeof place);
        if (place[1] >= 8 && place[1] <= size && place[0] <= size - place[1]) {
          seal(data, place[0], place[0] + place[1] - 4);
        }
      }
      m += message_head + body;
    }
  }
}

void open_and_read(const std::filesystem::path& path) {
  const DatasetIndex index = open_dataset_unverified(path);
  // Allowed, but no work for a fuzzer.
  if (index.train.rows > 4096 || index.row_bytes() > 4096) return;
  for (const Tier tier : {Tier::in_memory, Tier::out_of_core}) {
    ReaderOptions options;
    options.batch_size = 16;
    options.tier = tier;
    options.blocks_in_flight = 1;
    Reader reader(index, Split::train, options);
    reader.start(0);
    while (reader.next() != nullptr) {
    }
  }
}

}  // namespace
}  // namespace ringtrain::datasets

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned /*seed*/) {
  const size_t mutated = LLVMFuzzerMutate(data, size, max_size);
  ringtrain::datasets::seal_all(data, mutated);
  return mutated;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ringtrain::fuzz::MemoryFile file(data, size);
  try {
    ringtrain::datasets::open_and_read(file.path());
  } catch (const ringtrain::Error&) {
  }
  return 0;
}
