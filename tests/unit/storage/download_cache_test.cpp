// SPDX-License-Identifier: Apache-2.0
#include "storage/download_cache.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::storage {
namespace {

// Sets a variable of the environment, or removes it, for one test.
class Variable {
 public:
  Variable(std::string name, const char* value) : name_(std::move(name)) {
    if (const char* before = ::getenv(name_.c_str())) before_ = before;
    set(value);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) const {
    if (value == nullptr) {
      ::unsetenv(name_.c_str());
    } else {
      ::setenv(name_.c_str(), value, 1);
    }
  }
  std::string name_;
  std::optional<std::string> before_;
};

TEST(Cache, LiesInTheFolderThatIsAskedForElseInTheUsersOwn) {
  const Variable home("HOME", "/home/ada");
  const Variable no_xdg("XDG_CACHE_HOME", nullptr);
  const Variable no_own("RINGTRAIN_CACHE", nullptr);
  EXPECT_EQ(cache_directory(), "/home/ada/.cache/ringtrain");
  const Variable xdg("XDG_CACHE_HOME", "/var/ada");
  EXPECT_EQ(cache_directory(), "/var/ada/ringtrain");
  const Variable own("RINGTRAIN_CACHE", "/fast");
  EXPECT_EQ(cache_directory(), "/fast");
}

TEST(Cache, KeepsAFileAndMakesItsFolders) {
  const TemporaryDirectory folder;
  store_in_cache(folder / "a/b/file", "bytes");
  std::ifstream file(folder / "a/b/file");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "bytes");
}

TEST(Cache, ThatCannotBeWrittenIsNoError) {
  const TemporaryDirectory folder;
  folder.write("a", "a file, not a folder");
  store_in_cache(folder / "a/b/file", "bytes");
  EXPECT_FALSE(std::filesystem::exists(folder / "a/b"));
}

}  // namespace
}  // namespace ringtrain::storage
