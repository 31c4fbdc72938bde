// SPDX-License-Identifier: Apache-2.0
#include "net/embedded_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace ringtrain::net {
namespace {

constexpr EmbeddedFile kScript{"app.js", "let a;", "packed"};

Answer ask(const EmbeddedFile& file, const Headers& headers = {}) {
  return embedded_file_answer({.method = "GET", .headers = headers}, file, "default-src 'none'");
}

std::string header(const Answer& answer, const std::string& name) {
  const auto found = std::find_if(answer.headers.begin(), answer.headers.end(),
                                  [&](const auto& one) { return one.first == name; });
  return found == answer.headers.end() ? "" : found->second;
}

TEST(EmbeddedFile, IsPackedForWhomItSuits) {
  EXPECT_EQ(ask(kScript).body, "let a;");
  for (const char* accepted : {"gzip", "br, gzip, deflate", "br,gzip;q=0.5", "deflate;q=0, gzip"}) {
    const Answer answer = ask(kScript, {{"accept-encoding", accepted}});
    EXPECT_EQ(answer.body, "packed") << accepted;
    EXPECT_EQ(header(answer, "Content-Encoding"), "gzip");
  }
  for (const char* accepted : {"", "br", "gzip;q=0", "gzip;q=0.0, br"}) {
    const Answer answer = ask(kScript, {{"accept-encoding", accepted}});
    EXPECT_EQ(answer.body, "let a;") << accepted;
    EXPECT_EQ(header(answer, "Content-Encoding"), "");
  }
  EXPECT_EQ(ask({"big.js", "", "packed"}).body, "packed");
  EXPECT_EQ(ask({"icon.svg", "<svg/>", ""}, {{"accept-encoding", "gzip"}}).body, "<svg/>");
}

TEST(EmbeddedFile, ComesAgainWhereItHasChangedAlone) {
  const std::string tag = header(ask(kScript), "ETag");
  const Answer same = ask(kScript, {{"if-none-match", tag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(header(same, "Content-Encoding"), "");
  EXPECT_EQ(ask({"app.js", "let b;", "other"}, {{"if-none-match", tag}}).status, 200);
  // The packed one is another text to a cache.
  EXPECT_EQ(ask(kScript, {{"if-none-match", tag}, {"accept-encoding", "gzip"}}).status, 200);
}

TEST(EmbeddedFile, IsKeptForEverWhereItsAddressChangesWithIt) {
  Answer answer = ask(kScript);
  EXPECT_EQ(header(answer, "Cache-Control"), "no-cache");
  keep_for_ever(answer);
  EXPECT_EQ(header(answer, "Cache-Control"), "public, max-age=31536000, immutable");
}

}  // namespace
}  // namespace ringtrain::net
