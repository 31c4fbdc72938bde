// SPDX-License-Identifier: Apache-2.0
// Stands in packages under the name of each program that loads libtorch: finds the torch of the
// machine, and executes the program of that name in with-torch/ with it.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/spawn.hpp"
#include "launcher/script/python_torch.hpp"

namespace ringtrain::launcher {
namespace {

namespace fs = std::filesystem;

// The scratch folders of this rank's mpirun must stay: they end with the process above mpirun, and
// would end with one that a look-up starts.
fs::path find_torch_beside_scratch(const fs::path& self) {
  constexpr const char* kScratch = "RINGTRAIN_SCRATCH";
  const char* const variable = std::getenv(kScratch);
  const std::string scratch = variable == nullptr ? "" : variable;
  unsetenv(kScratch);
  fs::path torch = find_torch(self, RINGTRAIN_TORCH_VERSION);
  if (!scratch.empty()) setenv(kScratch, scratch.c_str(), 1);
  return torch;
}

void start_with_torch(int argc, char** argv) {
  const fs::path self = fs::read_symlink("/proc/self/exe");
  std::string path;
  for (const fs::path& folder : library_folders(find_torch_beside_scratch(self))) {
    path += folder.string() + ":";
  }
  const char* const before = std::getenv("LD_LIBRARY_PATH");
  path = before == nullptr ? path.substr(0, path.size() - 1) : path + before;
  setenv("LD_LIBRARY_PATH", path.c_str(), 1);
  std::vector<std::string> words = {self.parent_path() / "with-torch" / self.filename()};
  words.insert(words.end(), argv + 1, argv + argc);
  execute(words);
}

}  // namespace
}  // namespace ringtrain::launcher

int main(int argc, char** argv) {
  try {
    ringtrain::launcher::start_with_torch(argc, argv);
  } catch (const std::exception& error) {
    std::fputs(fmt::format("{}\n", error.what()).c_str(), stderr);
    return ringtrain::exit_code_of(error);
  }
}
