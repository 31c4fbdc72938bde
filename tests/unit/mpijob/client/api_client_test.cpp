// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/api_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "mpijob/client/api_error.hpp"
#include "tests/unit/mpijob/client/server_access.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::mpijob {
namespace {

using net::Authority;
using net::FakeServer;
using net::Identity;
using net::ReceivedRequest;
using net::Reply;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

Reply answer(const json& value) { return {200, {value.dump()}}; }

class Client : public testing::Test {
 protected:
  Access access(const FakeServer& server) const { return access_to(server, authority); }

  static std::string refusal(const Access& access) {
    try {
      ApiClient(access).get(pods, "a");
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status(), 0);
      return error.what();
    }
    return "nothing was refused";
  }

  const Authority authority{"the cluster"};
  const Identity identity = authority.make("server", "IP:127.0.0.1");
};

TEST_F(Client, AsksWithTokenAndNamespace) {
  const FakeServer server(identity, "", [](const ReceivedRequest& request) {
    return answer({{"method", request.method},
                   {"target", request.target},
                   {"authorized",
                    request.headers.find("Authorization: Bearer secret") != std::string::npos}});
  });
  Access with_token = access(server);
  with_token.token = "secret";
  const json got = ApiClient(with_token).get(mpi_jobs, "mnist");
  EXPECT_EQ(got["method"], "GET");
  EXPECT_EQ(got["target"], "/apis/kubeflow.org/v2beta1/namespaces/lab/mpijobs/mnist");
  EXPECT_EQ(got["authorized"], true);
}

TEST_F(Client, ShowsItsCertificate) {
  const Authority users("the users");
  const FakeServer server(identity, users.certificate(), [](const ReceivedRequest& request) {
    return answer({{"client", request.client}});
  });
  Access with_certificate = access(server);
  const Identity me = users.make("me", "");
  with_certificate.client_certificate = me.certificate;
  with_certificate.client_key = me.key;
  EXPECT_EQ(ApiClient(with_certificate).get(pods, "a")["client"], "me");
  with_certificate.client_key = "no key";
  EXPECT_THAT(refusal(with_certificate), HasSubstr("client certificate cannot be used"));
}

TEST_F(Client, RefusesACertificateOfAnotherAuthority) {
  const Authority other("somebody else");
  const FakeServer server(other.make("server", "IP:127.0.0.1"), "",
                          [](const ReceivedRequest&) { return answer(json::object()); });
  EXPECT_THAT(refusal(access(server)), HasSubstr("certificate is not trusted"));
  Access by_the_system = access(server);
  by_the_system.certificate_authority.clear();
  EXPECT_THAT(refusal(by_the_system), HasSubstr("certificate is not trusted"));
}

TEST_F(Client, RefusesACertificateForAnotherName) {
  const FakeServer server(authority.make("server", "DNS:kubernetes"), "",
                          [](const ReceivedRequest&) {
                            return answer({{"good", true}});
                          });
  EXPECT_THAT(refusal(access(server)), HasSubstr("certificate is not trusted"));
  // Unless that is the name that the kubeconfig gives.
  Access named = access(server);
  named.tls_server_name = "kubernetes";
  EXPECT_EQ(ApiClient(named).get(pods, "a")["good"], true);
  named.tls_server_name = "other";
  EXPECT_THAT(refusal(named), HasSubstr("certificate is not trusted"));
}

TEST_F(Client, SkipsVerificationWhereConfiguredAndWarns) {
  const FakeServer server(Authority("nobody").make("server", "DNS:other"), "",
                          [](const ReceivedRequest&) {
                            return answer({{"good", true}});
                          });
  Access insecure = access(server);
  insecure.certificate_authority.clear();
  insecure.insecure = true;
  testing::internal::CaptureStderr();
  EXPECT_EQ(ApiClient(insecure).get(pods, "a")["good"], true);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("turns off the verification of TLS"));
}

TEST_F(Client, TakesTheNextTokenWhenOneIsRefused) {
  const TemporaryDirectory folder;
  const FakeServer server(identity, "", [&](const ReceivedRequest& request) {
    if (request.headers.find("Bearer new") != std::string::npos) return answer({{"good", true}});
    folder.write("token", "new");  // as the kubelet does while a request is under way
    return Reply{401, {"{}"}};
  });
  Access rotating = access(server);
  rotating.token_file = folder.write("token", "old");
  EXPECT_EQ(ApiClient(rotating).get(pods, "a")["good"], true);
}

TEST_F(Client, ReadsListsPageByPage) {
  std::mutex mutex;
  std::vector<std::string> targets;
  const FakeServer server(identity, "", [&](const ReceivedRequest& request) {
    const std::lock_guard lock(mutex);
    targets.push_back(request.target);
    const bool first = request.target.find("continue=") == std::string::npos;
    return answer({{"metadata", {{"continue", first ? "a/b" : ""}, {"resourceVersion", "7"}}},
                   {"items", json::array({first ? "one" : "two"})}});
  });
  const json list = ApiClient(access(server)).list(pods, {"job=a b", ""});
  EXPECT_EQ(list["items"], json({"one", "two"}));
  EXPECT_THAT(targets,
              ElementsAre("/api/v1/namespaces/lab/pods?labelSelector=job%3Da%20b&limit=500",
                          "/api/v1/namespaces/lab/pods?labelSelector=job%3Da%20b&limit=500&"
                          "continue=a%2Fb"));
}

TEST_F(Client, SendsWhatItCreatesAndPatches) {
  const FakeServer server(identity, "", [](const ReceivedRequest& request) {
    return answer(
        {{"method", request.method},
         {"target", request.target},
         {"body", json::parse(request.body)},
         {"merge", request.headers.find("application/merge-patch+json") != std::string::npos}});
  });
  ApiClient client(access(server));
  const json created =
      client.create(config_maps, {{"metadata", {{"name", "a"}}}, {"data", {{"x", "y"}}}});
  EXPECT_EQ(created["method"], "POST");
  EXPECT_EQ(created["body"]["data"]["x"], "y");
  const json patched = client.patch(mpi_jobs, "a", {{"spec", {{"x", nullptr}}}});
  EXPECT_EQ(patched["method"], "PATCH");
  EXPECT_EQ(patched["merge"], true);
  EXPECT_TRUE(patched["body"]["spec"]["x"].is_null());
}

TEST_F(Client, TriesReadsAgainWhileTheServerIsOverloaded) {
  std::atomic<int> requests{0};
  const FakeServer server(identity, "", [&](const ReceivedRequest&) {
    return ++requests == 1 ? Reply{503, {"overloaded"}} : answer({{"good", true}});
  });
  EXPECT_EQ(ApiClient(access(server)).get(pods, "a")["good"], true);
}

TEST_F(Client, DoesNotRepeatChanges) {
  std::atomic<int> requests{0};
  const FakeServer server(identity, "", [&](const ReceivedRequest&) {
    ++requests;
    return Reply{503, {"overloaded"}};
  });
  ApiClient client(access(server));
  EXPECT_THROW(client.patch(pods, "a", json::object()), ApiError);
  EXPECT_EQ(requests, 1);
}

TEST_F(Client, SaysWhatIsNoApiServer) {
  const FakeServer server(identity, "", [](const ReceivedRequest&) {
    return Reply{200, {"<html>"}, "text/html"};
  });
  try {
    ApiClient(access(server)).get(pods, "a");
    FAIL();
  } catch (const ApiError& error) {
    EXPECT_THAT(error.what(), HasSubstr("is it a Kubernetes API server?"));
  }
}

TEST_F(Client, SaysThatAConnectionWasLost) {
  const FakeServer server(identity, "", [](const ReceivedRequest&) { return Reply{0, {}}; });
  EXPECT_THAT(refusal(access(server)), HasSubstr("cannot be reached"));
}

TEST_F(Client, StreamsComeInPiecesBesideRequests) {
  const FakeServer server(identity, "", [](const ReceivedRequest& request) {
    if (request.target == "/stream") return Reply{200, {"one\n", "tw", "o\n"}};
    if (request.target == "/gone") return Reply{410, {"too old"}};
    return answer({{"good", true}});
  });
  ApiClient client(access(server));
  std::string text;
  std::vector<StreamEnd> ends;
  const auto stream = client.transport().open(
      {.target = "/stream"}, [&](std::string_view bytes) { text += bytes; },
      [&](const StreamEnd& end) { ends.push_back(end); });
  EXPECT_EQ(client.get(pods, "a")["good"], true);
  while (ends.empty()) client.transport().wait(std::chrono::seconds(5));
  EXPECT_EQ(text, "one\ntwo\n");
  EXPECT_EQ(ends[0].status, 200);

  const auto gone = client.transport().open(
      {.target = "/gone"}, [&](std::string_view bytes) { text += bytes; },
      [&](const StreamEnd& end) { ends.push_back(end); });
  while (ends.size() < 2) client.transport().wait(std::chrono::seconds(5));
  EXPECT_EQ(ends[1].status, 410);
  EXPECT_EQ(ends[1].body, "too old");
  EXPECT_EQ(text, "one\ntwo\n");
}

}  // namespace
}  // namespace ringtrain::mpijob
