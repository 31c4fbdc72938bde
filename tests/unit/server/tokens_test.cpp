// SPDX-License-Identifier: Apache-2.0
#include "server/api/tokens.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.hpp"
#include "net/sha256.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

using testing::HasSubstr;
using testing::Not;

int mode_of(const std::filesystem::path& file) {
  struct stat about {};
  EXPECT_EQ(::stat(file.c_str(), &about), 0);
  return static_cast<int>(about.st_mode & 0777);
}

TEST(Tokens, MakesTheOwnersOnceAndKeepsHashesAlone) {
  const TemporaryDirectory folder;
  std::string token;
  {
    Tokens tokens(folder.path());
    token = read_owner_token(folder.path());
    EXPECT_EQ(tokens.find(token).value().scope, Scope::admin);
  }
  EXPECT_EQ(mode_of(folder / "token"), 0600);
  EXPECT_EQ(mode_of(folder / "tokens.json"), 0600);
  EXPECT_THAT(read_file(folder / "tokens.json"), Not(HasSubstr(token)));
  Tokens again(folder.path());
  EXPECT_EQ(read_owner_token(folder.path()), token);
  EXPECT_TRUE(again.find(token));
  EXPECT_FALSE(again.find(token + "x"));
  EXPECT_FALSE(again.find(""));
}

TEST(Tokens, SeesThoseThatAnotherProcessAddsAndForgets) {
  const TemporaryDirectory folder;
  Tokens server(folder.path());
  Tokens command(folder.path());
  const std::string token = command.add("ci", Scope::submit, std::chrono::hours(0));
  const auto caller = server.find(token);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->name, "ci");
  EXPECT_EQ(caller->scope, Scope::submit);
  server.remove_by_id(net::sha256(token).substr(0, 12));
  EXPECT_FALSE(command.find(token));
  EXPECT_FALSE(server.find(command.add("old", Scope::read, std::chrono::hours(-1))));
}

TEST(Tokens, TradesACodeOnce) {
  const TemporaryDirectory folder;
  Tokens tokens(folder.path());
  const std::string code = tokens.new_code();
  EXPECT_FALSE(tokens.find(code));
  const auto token = tokens.redeem(code);
  ASSERT_TRUE(token);
  EXPECT_EQ(tokens.find(*token).value().name, "browser");
  EXPECT_FALSE(tokens.redeem(code));
  EXPECT_FALSE(tokens.redeem("x"));
  // A browser stays signed in when the server starts again.
  EXPECT_TRUE(Tokens(folder.path()).find(*token));
}

TEST(Tokens, EndsASessionAndLeavesTheTokenThatItWasBegunWith) {
  const TemporaryDirectory folder;
  Tokens tokens(folder.path());
  const std::string token = tokens.add("ci", Scope::submit, std::chrono::hours(0));
  const std::string session = tokens.begin_session(token);
  EXPECT_NE(session, token);
  EXPECT_EQ(tokens.find(session).value().name, "ci");
  EXPECT_EQ(tokens.find(session).value().scope, Scope::submit);
  tokens.end_session(token);
  EXPECT_TRUE(tokens.find(token));
  tokens.end_session(session);
  EXPECT_FALSE(tokens.find(session));
  EXPECT_TRUE(tokens.find(token));
  const std::string by_code = tokens.redeem(tokens.new_code()).value();
  tokens.end_session(by_code);
  EXPECT_FALSE(tokens.find(by_code));
}

TEST(Tokens, ASessionDoesNotOutliveItsToken) {
  const TemporaryDirectory folder;
  Tokens tokens(folder.path());
  const std::string token = tokens.add("ci", Scope::submit, std::chrono::hours(0));
  const std::string session = tokens.begin_session(token);
  tokens.remove_by_id(net::sha256(token).substr(0, 12));
  EXPECT_FALSE(tokens.find(session));
}

TEST(Tokens, RefusesAFolderOfNoServerAndABrokenList) {
  const TemporaryDirectory folder;
  EXPECT_THAT([&] { read_owner_token(folder.path()); },
              ThrowsError(ErrorKind::job, HasSubstr("no server has run there")));
  folder.write("tokens.json", "[");
  EXPECT_THAT([&] { Tokens tokens(folder.path()); },
              ThrowsError(ErrorKind::io, HasSubstr("is no list of tokens")));
}

}  // namespace
}  // namespace ringtrain::server
