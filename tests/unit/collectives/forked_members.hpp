// SPDX-License-Identifier: Apache-2.0
// Ranks of a group as real processes, which meet by way of a store of files.
#pragma once

#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "collectives/meeting.hpp"
#include "collectives/shared_region.hpp"
#include "tests/unit/collectives/forked_ranks.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::collectives {

inline Store store_of_files(const std::filesystem::path& folder) {
  const auto file_of = [folder](std::string key) {
    for (char& c : key) c = c == '/' ? '.' : c;
    return folder / key;
  };
  return {.set =
              [file_of](const std::string& key, const std::string& value) {
                const auto file = file_of(key);
                const auto fresh = file.string() + "." + std::to_string(getpid());
                std::ofstream(fresh) << value;
                std::filesystem::rename(fresh, file);
              },
          .get = [file_of](const std::string& key) -> std::optional<std::string> {
            std::ifstream in(file_of(key));
            if (!in) return std::nullopt;
            return std::string(std::istreambuf_iterator<char>(in), {});
          }};
}

// Runs rank_main in as many processes, as run_ranks() does.
inline std::vector<int> run_members(
    int ranks, const std::function<void(const std::shared_ptr<SharedRegion>&)>& rank_main,
    std::chrono::duration<double> timeout = std::chrono::minutes(1)) {
  const TemporaryDirectory folder;
  return run_ranks(ranks, [&](const Node& node) {
    const Member member = {.rank = node.rank, .size = node.size, .timeout = timeout};
    auto meeting = std::get<Meeting>(meet(store_of_files(folder.path()), member));
    rank_main(std::make_shared<SharedRegion>(std::move(meeting), node.rank, node.size));
  });
}

}  // namespace ringtrain::collectives
