// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/storage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "tests/unit/server/kubeml/array_text.hpp"
#include "tests/unit/server/refused.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

class KubemlStorageTest : public testing::Test {
 protected:
  using Files = std::vector<std::pair<std::string, std::string>>;

  // Sends a form with these files.
  void add(const std::string& name, const Files& files) {
    std::string body;
    for (const auto& [field, bytes] : files) {
      body +=
          "--b\r\nContent-Disposition: form-data; name=\"" + field + "\"\r\n\r\n" + bytes + "\r\n";
    }
    body += "--b--\r\n";
    storage_.add_dataset(name, folder_.write("body", body), "multipart/form-data; boundary=b");
  }
  static Files good() {
    return {{"x-train", array_text("'|u1'", "(1797, 2)", 3594)},
            {"y-train", array_text("'<i8'", "(1797, 1)", 14376)},
            {"x-test", array_text("'|u1'", "(360, 2)", 720)},
            {"y-test", array_text("'<i8'", "(360,)", 2880)}};
  }

  const TemporaryDirectory folder_;
  KubemlStorage storage_{folder_.path()};
};

TEST_F(KubemlStorageTest, KeepsFunctions) {
  storage_.put_function("lenet", "def main(): pass\n", true);
  EXPECT_EQ(status_of_refusal([&] { storage_.put_function("lenet", "x", true); }), 409);
  EXPECT_EQ(status_of_refusal([&] { storage_.put_function("other", "x", false); }), 404);
  EXPECT_EQ(status_of_refusal([&] { storage_.put_function("../x", "x", true); }), 400);
  EXPECT_EQ(status_of_refusal([&] { storage_.put_function("x", "\xff", true); }), 400);
  EXPECT_EQ(status_of_refusal([&] { storage_.put_function("x", std::string(300000, '#'), true); }),
            413);
  storage_.put_function("lenet", "def main(): return 1\n", false);
  EXPECT_EQ(read_file(storage_.function_file("lenet")), "def main(): return 1\n");
  ASSERT_EQ(storage_.functions().size(), 1U);
  EXPECT_EQ(storage_.functions()[0].name, "lenet");
  storage_.remove_function("lenet");
  EXPECT_EQ(status_of_refusal([&] { storage_.function_file("lenet"); }), 404);
  EXPECT_EQ(status_of_refusal([&] { storage_.function_file("../functions/lenet"); }), 404);
}

TEST_F(KubemlStorageTest, CountsRowsAsKubemlDoes) {
  add("digits_1", good());
  ASSERT_EQ(storage_.datasets().size(), 1U);
  EXPECT_EQ(storage_.dataset("digits_1").train_set_size, 1800U);
  EXPECT_EQ(storage_.dataset("digits_1").test_set_size, 300U);
  EXPECT_EQ(status_of_refusal([&] { add("digits_1", good()); }), 400);
  storage_.remove_dataset("digits_1");
  EXPECT_EQ(status_of_refusal([&] { storage_.remove_dataset("digits_1"); }), 404);
  EXPECT_TRUE(storage_.datasets().empty());
}

TEST_F(KubemlStorageTest, TakesADatasetWholeOrNotAtAll) {
  const std::string x = array_text("'|u1'", "(3,)", 3);
  EXPECT_EQ(status_of_refusal([&] { add("a", {{"x-train", x}}); }), 400);
  EXPECT_EQ(status_of_refusal([&] {
              add("a", {{"x-train", x},
                        {"y-train", array_text("'|u1'", "(2,)", 2)},
                        {"x-test", x},
                        {"y-test", x}});
            }),
            400);
  EXPECT_EQ(status_of_refusal([&] { add("../a", good()); }), 400);
  EXPECT_EQ(status_of_refusal([&] {
              storage_.add_dataset("a", folder_.write("none", ""),
                                   "multipart/form-data; boundary=b");
            }),
            400);
  EXPECT_EQ(status_of_refusal([&] { storage_.check_new_dataset("../a"); }), 400);
  storage_.check_new_dataset("a");
  EXPECT_TRUE(std::filesystem::is_empty(storage_.datasets_folder()));
  // A server was killed over one.
  std::filesystem::create_directory(storage_.datasets_folder() / ".half");
  EXPECT_TRUE(KubemlStorage(folder_.path()).datasets().empty());
  EXPECT_TRUE(std::filesystem::is_empty(storage_.datasets_folder()));
}

}  // namespace
}  // namespace ringtrain::server
