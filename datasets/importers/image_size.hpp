// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "datasets/importers/images.hpp"

namespace ringtrain::datasets {

// Chooses the size of the samples where the user has not, from the sizes of images.
class ImageSizeVotes {
 public:
  // Counts a JPEG or PNG; another file counts nothing, as decoding it names it.
  void add(std::string_view bytes);
  // Sets height and width of the sources where they are 0. Returns the reason; empty for a given
  // size.
  std::string choose(ImageSources& sources) const;

 private:
  std::map<std::pair<int64_t, int64_t>, uint64_t> counts_;  // by height and width
  uint64_t sized_ = 0;
};

}  // namespace ringtrain::datasets
