// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.hpp"
#include "mpijob/client/access.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::mpijob {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// One file with two clusters, in the ways in which people write them.
constexpr const char* kTwoContexts = R"(
apiVersion: v1
kind: Config
current-context: lab
clusters:
- name: lab
  cluster: {server: "https://10.0.0.1:6443/", certificate-authority: pki/ca.crt}
- name: cloud
  cluster:
    server: "https://cloud.example:443"
    insecure-skip-tls-verify: true
    proxy-url: "http://proxy:3128"
users:
- name: me
  user: {token: secret}
- name: robot
  user:
    as: someone
    as-groups: [one, two]
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: bin/login
      args: [--quiet]
      env: [{name: REGION, value: north}]
      interactiveMode: Never
      installHint: install login
contexts:
- name: lab
  context: {cluster: lab, user: me, namespace: training}
- name: cloud
  context: {cluster: cloud, user: robot}
- name: broken
  context: {cluster: nowhere, user: me}
)";

class Kubeconfig : public testing::Test {
 protected:
  Kubeconfig() { folder.write("pki/ca.crt", "the authority"); }

  Access find(const AccessOptions& options) const {
    return find_access(
        options,
        [&](const char* name) {
          const auto found = variables.find(name);
          return found == variables.end() ? std::string() : found->second;
        },
        folder.path() / "serviceaccount");
  }

  std::string refusal(const AccessOptions& options) const {
    try {
      find(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::job);
      return error.what();
    }
    return "nothing was refused";
  }

  TemporaryDirectory folder;
  std::map<std::string, std::string> variables;
};

TEST_F(Kubeconfig, TheCurrentContextIsTakenFromTheHomeFolder) {
  folder.write(".kube/config", kTwoContexts);
  folder.write(".kube/pki/ca.crt", "the authority at home");
  variables["HOME"] = folder.path();
  const Access access = find({});
  EXPECT_EQ(access.server, "https://10.0.0.1:6443");
  EXPECT_EQ(access.name_space, "training");
  EXPECT_EQ(access.certificate_authority, "the authority at home");
  EXPECT_EQ(access.token, "secret");
  EXPECT_FALSE(access.insecure);
}

TEST_F(Kubeconfig, OptionsWinOverTheFile) {
  const auto file = folder.write("config", kTwoContexts);
  const Access access = find({file, "cloud", "mine"});
  EXPECT_EQ(access.server, "https://cloud.example:443");
  EXPECT_EQ(access.name_space, "mine");
  EXPECT_EQ(access.proxy, "http://proxy:3128");
  EXPECT_TRUE(access.insecure);
  EXPECT_EQ(access.impersonated_user, "someone");
  EXPECT_THAT(access.impersonated_groups, ElementsAre("one", "two"));
  ASSERT_TRUE(access.plugin);
  EXPECT_EQ(access.plugin->command, folder.path() / "bin/login");
  EXPECT_THAT(access.plugin->arguments, ElementsAre("--quiet"));
  EXPECT_EQ(access.plugin->environment.front().second, "north");
  EXPECT_FALSE(access.plugin->interactive);
}

TEST_F(Kubeconfig, FilesOfTheListAreMergedAndTheFirstWins) {
  const auto first = folder.write("first", "users: [{name: me, user: {token: better}}]\n");
  const auto second = folder.write("second", kTwoContexts);
  variables["KUBECONFIG"] = first.string() + ":/is/not/there:" + second.string();
  const Access access = find({});
  EXPECT_EQ(access.token, "better");
  EXPECT_EQ(access.server, "https://10.0.0.1:6443");
  EXPECT_EQ(access.certificate_authority, "the authority");
}

TEST_F(Kubeconfig, CertificatesMayStandInTheFile) {
  const auto file = folder.write("config", R"(
current-context: c
clusters: [{name: c, cluster: {server: "https://a", certificate-authority-data: UEVN}}]
users: [{name: u, user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
)");
  const Access access = find({file, "", ""});
  EXPECT_EQ(access.certificate_authority, "PEM");
  EXPECT_EQ(access.client_certificate, "cert");
  EXPECT_EQ(access.client_key, "key");
  EXPECT_EQ(access.name_space, "default");
}

TEST_F(Kubeconfig, APodUsesItsServiceAccount) {
  folder.write("serviceaccount/token", "t");
  folder.write("serviceaccount/ca.crt", "PEM");
  folder.write("serviceaccount/namespace", "lab\n");
  variables["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  variables["KUBERNETES_SERVICE_PORT"] = "6443";
  const Access access = find({});
  EXPECT_EQ(access.server, "https://[fd00::1]:6443");
  EXPECT_EQ(access.name_space, "lab");
  EXPECT_EQ(access.certificate_authority, "PEM");
  EXPECT_EQ(access.token_file, folder.path() / "serviceaccount/token");
}

TEST_F(Kubeconfig, WhatIsMissingIsNamed) {
  const auto file = folder.write("config", kTwoContexts);
  EXPECT_THAT(refusal({}), HasSubstr("no cluster is configured"));
  EXPECT_THAT(refusal({"/is/not/there", "", ""}),
              HasSubstr("/is/not/there: cannot open: No such file"));
  EXPECT_THAT(refusal({file, "other", ""}),
              HasSubstr("context other does not exist (contexts: lab, cloud, broken)"));
  EXPECT_THAT(refusal({file, "broken", ""}),
              HasSubstr("context broken: cluster 'nowhere' does not exist"));
  variables["KUBECONFIG"] = "/is/not/there";
  EXPECT_THAT(refusal({}), HasSubstr("no file of KUBECONFIG exists: /is/not/there"));
}

TEST_F(Kubeconfig, WhatIsNoKubeconfigIsRefusedByLineOrKey) {
  EXPECT_THAT(refusal({folder.write("a", "x: [\n"), "", ""}), HasSubstr("not a kubeconfig"));
  EXPECT_THAT(refusal({folder.write("b", "just text"), "", ""}), HasSubstr("not a map of keys"));
  EXPECT_THAT(refusal({folder.write("c", "contexts: []"), "", ""}),
              HasSubstr("no current-context"));
  const auto with_user = [&](const std::string& user, const std::string& cluster) {
    return refusal({folder.write("d",
                                 "current-context: c\n"
                                 "clusters: [{name: c, cluster: {" +
                                     cluster +
                                     "}}]\n"
                                     "users: [{name: u, user: {" +
                                     user +
                                     "}}]\n"
                                     "contexts: [{name: c, context: {cluster: c, user: u}}]\n"),
                    "", ""});
  };
  EXPECT_THAT(with_user("", "server: ftp://a"), HasSubstr("starts with https://"));
  EXPECT_THAT(with_user("client-key-data: a2V5", "server: https://a"),
              HasSubstr("need each other"));
  EXPECT_THAT(with_user("client-key-data: '*'", "server: https://a"), HasSubstr("not base64"));
  EXPECT_THAT(with_user("auth-provider: {name: gcp}", "server: https://a"),
              HasSubstr("auth-provider was removed"));
  EXPECT_THAT(with_user("exec: {command: x, apiVersion: v9}", "server: https://a"),
              HasSubstr("apiVersion is not client.authentication.k8s.io"));
  EXPECT_THAT(with_user("exec: [x]", "server: https://a"), HasSubstr("exec: not a map"));
  EXPECT_THAT(with_user("", "server: https://a, insecure-skip-tls-verify: perhaps"),
              HasSubstr("neither true nor false"));
  EXPECT_THAT(with_user("client-certificate: gone.crt, client-key: gone.key", "server: https://a"),
              HasSubstr("gone.crt: cannot open: No such file"));
}

}  // namespace
}  // namespace ringtrain::mpijob
