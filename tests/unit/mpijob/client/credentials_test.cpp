// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "tests/throws_error.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::mpijob {
namespace {

using testing::HasSubstr;

class Plugin : public testing::Test {
 protected:
  // A plugin that is this shell script.
  Access with_plugin(const std::string& script) const {
    Access access;
    access.server = "https://a";
    access.plugin = ExecPlugin{};
    access.plugin->api_version = "client.authentication.k8s.io/v1";
    access.plugin->command = "sh";
    access.plugin->arguments = {folder.write("plugin", script)};
    access.plugin->interactive = false;
    access.plugin->install_hint = "install it\n";
    return access;
  }

  static std::string refusal(const Access& access) {
    try {
      Credentials(access).current();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::job);
      return error.what();
    }
    return "nothing was refused";
  }

  TemporaryDirectory folder;
};

TEST_F(Plugin, GivesATokenOnceUntilItIsRefused) {
  const Access access = with_plugin("echo x >> " + (folder.path() / "runs").string() + R"(
n=$(wc -l < )" + (folder.path() / "runs").string() +
                                    R"()
echo '{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
       "status": {"token": "token-'$n'", "expirationTimestamp": "2100-01-01T00:00:00Z"}}'
)");
  Credentials credentials(access);
  EXPECT_EQ(credentials.current().token, "token-1");
  EXPECT_EQ(credentials.current().token, "token-1");
  EXPECT_TRUE(credentials.renew());
  EXPECT_EQ(credentials.current().token, "token-2");
}

TEST_F(Plugin, IsRunAgainWhenItsTokenHasExpired) {
  const Access access = with_plugin("echo x >> " + (folder.path() / "runs").string() + R"(
n=$(wc -l < )" + (folder.path() / "runs").string() +
                                    R"()
echo '{"kind": "ExecCredential", "status": {"token": "token-'$n'",
       "expirationTimestamp": "2001-01-01T00:00:00Z"}}'
)");
  Credentials credentials(access);
  EXPECT_EQ(credentials.current().token, "token-1");
  EXPECT_EQ(credentials.current().token, "token-2");
}

TEST_F(Plugin, ReceivesTheClusterAndItsEnvironment) {
  Access access = with_plugin(R"(
case $KUBERNETES_EXEC_INFO in *'"server":"https://a"'*) known=yes ;; esac
echo "{\"kind\": \"ExecCredential\", \"status\": {\"token\": \"$known-$REGION\"}}"
)");
  access.plugin->provide_cluster_info = true;
  access.plugin->environment = {{"REGION", "north"}};
  EXPECT_EQ(Credentials(access).current().token, "yes-north");
}

TEST_F(Plugin, ItsFailureIsOneLine) {
  EXPECT_THAT(refusal(with_plugin("exit 3")), HasSubstr("sh exited with code 3; install it"));
  EXPECT_THAT(refusal(with_plugin("kill -9 $$")), HasSubstr("was killed by signal 9"));
  EXPECT_THAT(refusal(with_plugin("echo hello")), HasSubstr("printed no ExecCredential"));
  EXPECT_THAT(refusal(with_plugin(R"(echo '{"kind": "ExecCredential", "status": {}}')")),
              HasSubstr("neither a token nor a client certificate"));
  EXPECT_THAT(refusal(with_plugin(
                  R"(echo '{"kind": "ExecCredential", "status": {"clientKeyData": "k"}}')")),
              HasSubstr("only one of"));
  EXPECT_THAT(refusal(with_plugin(R"(echo '{"kind": "ExecCredential", "status": {"token": 1}}')")),
              HasSubstr("not strings"));
  Access access = with_plugin("");
  access.plugin->command = "/is/not/there";
  EXPECT_THAT(refusal(access), HasSubstr("cannot be started: No such file"));
}

TEST(TokenFile, IsReadAgainForEveryRequest) {
  const TemporaryDirectory folder;
  Access access;
  access.token_file = folder.write("token", "first\n");
  Credentials credentials(access);
  EXPECT_EQ(credentials.current().token, "first");
  EXPECT_FALSE(credentials.renew());
  folder.write("token", "second");
  EXPECT_TRUE(credentials.renew());
  EXPECT_EQ(credentials.current().token, "second");
}

TEST(TokenFile, ThatIsGoneIsNamed) {
  Access access;
  access.origin = "the service account of this pod";
  access.token_file = "/is/not/there";
  Credentials credentials(access);
  EXPECT_THAT([&] { credentials.current(); }, ThrowsError(ErrorKind::job));
}

}  // namespace
}  // namespace ringtrain::mpijob
