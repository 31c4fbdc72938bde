// SPDX-License-Identifier: Apache-2.0
#include "server/api/audit.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

Change change(int n) { return {"ci", "127.0.0.1", fmt::format("POST /{}", n), 201, "/made"}; }

TEST(Audit, ShowsTheNewestFirstAPageAtATime) {
  const TemporaryDirectory folder;
  Audit audit(folder.path());
  EXPECT_TRUE(audit.page(10, {})["changes"].empty());
  for (int n = 0; n < 5; ++n) audit.add(change(n));
  auto page = audit.page(2, {});
  EXPECT_EQ(page["changes"][0]["request"], "POST /4");
  EXPECT_EQ(page["changes"][0]["made"], "/made");
  EXPECT_EQ(page["changes"][1]["request"], "POST /3");
  page = audit.page(2, page["next"].get<uint64_t>());
  EXPECT_EQ(page["changes"][1]["request"], "POST /1");
  page = audit.page(2, page["next"].get<uint64_t>());
  EXPECT_EQ(page["changes"].size(), 1u);
  EXPECT_TRUE(page["next"].is_null());
}

TEST(Audit, PassesOverLinesThatAreNone) {
  const TemporaryDirectory folder;
  folder.write("audit.jsonl", "{\"half\": \n\n[1]\n");
  Audit audit(folder.path());
  audit.add(change(1));
  const auto page = audit.page(10, {});
  ASSERT_EQ(page["changes"].size(), 1u);
  EXPECT_TRUE(page["next"].is_null());
  EXPECT_TRUE(audit.page(10, uint64_t{1} << 60)["next"].is_null());
}

TEST(Audit, ReadsFilesThatAreLargerThanAPiece) {
  const TemporaryDirectory folder;
  std::string text;
  for (int n = 0; n < 30000; ++n) {
    text += fmt::format(R"({{"request": "POST /{}", "by": "{:060}"}})", n, n) + "\n";
  }
  folder.write("audit.jsonl", text);
  const Audit audit(folder.path());
  int expected = 29999;
  for (std::optional<uint64_t> before; expected >= 0;) {
    const auto page = audit.page(500, before);
    ASSERT_FALSE(page["changes"].empty());
    for (const auto& one : page["changes"]) {
      ASSERT_EQ(one["request"], fmt::format("POST /{}", expected--));
    }
    if (page["next"].is_null()) break;
    before = page["next"].get<uint64_t>();
  }
  EXPECT_EQ(expected, -1);
}

}  // namespace
}  // namespace ringtrain::server
