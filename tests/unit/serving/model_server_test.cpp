// SPDX-License-Identifier: Apache-2.0
#include "serving/model_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "net/http_client.hpp"
#include "tests/unit/serving/fake_versions.hpp"

namespace ringtrain::serving {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kToken = "0123456789abcdef";

// A whole server on a port of its own.
class ModelServerTest : public ::testing::Test {
 protected:
  ModelServerTest() {
    deployments_.add("m", "accuracy 0.9");
    deployments_.add("broken", "failing");
    deployments_.add("busy", "busy");
    thread_ = std::thread([this] { http_.run(); });
  }
  ~ModelServerTest() override {
    http_.stop();
    thread_.join();
  }

  net::HttpResponse ask(const std::string& method, const std::string& path,
                        const std::string& body = "",
                        const std::vector<std::string>& headers = {}) {
    net::HttpRequest request;
    request.method = method;
    request.url = "http://127.0.0.1:" + std::to_string(http_.port()) + path;
    request.body = body;
    request.headers = headers;
    return net::HttpClient().perform(request);
  }
  static std::string error_of(const net::HttpResponse& response) {
    return json::parse(response.body).at("error").get<std::string>();
  }

  net::HttpServer http_{
      {}, [this](net::ServedRequest request) { return routes_.answer(std::move(request)); }};
  Deployments deployments_{load_fake,
                           [this](std::function<void()> work) { http_.post(std::move(work)); }};
  ModelServer routes_{deployments_, {.limits = {.max_rows = 4}, .admin_token = kToken}};
  std::thread thread_;
};

constexpr const char* kBody =
    R"({"inputs":[{"name":"input","datatype":"UINT8","shape":[1,2,2],"data":[1,2,3,4]}],)"
    R"("outputs":[{"name":"label"}]})";

TEST_F(ModelServerTest, AnswersBothProtocols) {
  EXPECT_EQ(json::parse(ask("POST", "/v2/models/m/infer", kBody).body)["outputs"][0]["data"],
            json({"fox"}));
  EXPECT_EQ(json::parse(ask("POST", "/v2/models/m/versions/1/infer", kBody).body)["model_version"],
            "1");
  const json found =
      json::parse(ask("POST", "/v1/models/m:predict", R"({"instances":[[1,2,3,4]]})").body);
  EXPECT_EQ(found["predictions"][0]["label"], "fox");
  EXPECT_EQ(json::parse(ask("GET", "/v1/models").body),
            json::parse(R"({"models":["broken","busy","m"]})"));
  EXPECT_EQ(json::parse(ask("GET", "/v2/health/ready").body)["ready"], true);
  EXPECT_EQ(json::parse(ask("GET", "/v2/models/m/ready").body)["ready"], true);
}

TEST_F(ModelServerTest, SaysWhatIsWrongWithItsStatus) {
  EXPECT_EQ(ask("GET", "/v3").status, 404);
  EXPECT_EQ(ask("GET", "/v2/models/m/infer").status, 405);
  EXPECT_THAT(error_of(ask("GET", "/v2/models/n")), HasSubstr("there is no model n"));
  EXPECT_EQ(ask("POST", "/v2/models/m/versions/9/infer", kBody).status, 404);
  EXPECT_EQ(ask("POST", "/v2/models/m/infer", "x").status, 400);
  EXPECT_THAT(error_of(ask("POST", "/v2/models/m/infer", kBody, {"X-Timeout-Ms: never"})),
              HasSubstr("X-Timeout-Ms: expected a whole number"));
  EXPECT_THAT(error_of(ask("POST", "/predict", "x")), HasSubstr("several models are served"));
  EXPECT_THAT(error_of(ask("POST", "/predict?model=m", "x")),
              HasSubstr("the image cannot be used"));
  const auto broken = ask("POST", "/v2/models/broken/infer", kBody);
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(error_of(broken), HasSubstr("broken cannot compute these rows: it is broken"));
}

TEST_F(ModelServerTest, RefusesRowsForWhichItHasNoRoomAndSaysWhenToComeAgain) {
  const auto refused =
      ask("POST", "/v1/models/busy:predict", R"({"instances":[[1,2,3,4],[1,2,3,4]]})");
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(error_of(refused), HasSubstr("the model is busy: too many rows wait for it"));
  EXPECT_EQ(net::header_of(refused, "retry-after"), "1");
  EXPECT_THAT(
      ask("GET", "/metrics").body,
      HasSubstr(R"(ringtrain_inference_rejected_total{model="busy",reason="queue_full"} 1)"));
  EXPECT_EQ(ask("POST", "/v1/models/busy:predict", R"({"instances":[[1,2,3,4]]})").status, 200);
}

TEST_F(ModelServerTest, CountsWhatItDoes) {
  ask("POST", "/v2/models/m/infer", kBody);
  ask("POST", "/v2/models/m/infer", "x");
  const std::string text = ask("GET", "/metrics").body;
  EXPECT_THAT(
      text, HasSubstr(R"(ringtrain_inference_requests_total{model="m",version="1",code="200"} 1)"));
  EXPECT_THAT(
      text, HasSubstr(R"(ringtrain_inference_requests_total{model="m",version="1",code="400"} 1)"));
  EXPECT_THAT(text,
              HasSubstr(R"(ringtrain_inference_rejected_total{model="m",reason="bad_request"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(ringtrain_inference_batch_rows_count{model="m",version="1"} 1)"));
  EXPECT_THAT(
      text,
      HasSubstr(R"(ringtrain_inference_share_ratio{model="m",version="1",role="current"} 1)"));
}

TEST_F(ModelServerTest, DeploysForTheHolderOfTheTokenAlone) {
  const std::vector<std::string> token = {std::string("Authorization: Bearer ") + kToken};
  EXPECT_EQ(ask("PUT", "/deployments/m", R"({"model":"x"})").status, 401);
  EXPECT_EQ(
      ask("PUT", "/deployments/m", R"({"model":"x"})", {"Authorization: Bearer other"}).status,
      401);
  EXPECT_EQ(ask("GET", "/deployments").status, 401);
  EXPECT_EQ(ask("PUT", "/deployments/m", R"({"modle":"x"})", token).status, 422);
  EXPECT_THAT(error_of(ask("PUT", "/deployments/m", R"({"model":"bad"})", token)),
              HasSubstr("bad is no model"));
  const auto done = ask("PUT", "/deployments/m", R"({"model":"accuracy 0.95"})", token);
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(json::parse(done.body)["current"]["version"], "3");
  const auto canary = ask("PUT", "/deployments/m",
                          R"({"canary":{"model":"accuracy 0.96","percent":50,"after":5}})", token);
  EXPECT_EQ(json::parse(canary.body)["canary"]["percent"], 50) << canary.body;
  EXPECT_EQ(ask("DELETE", "/deployments/m/canary", "", token).status, 200);
  EXPECT_EQ(ask("DELETE", "/deployments/m/canary", "", token).status, 404);
}

TEST_F(ModelServerTest, ThePageIsServedWithAStrictPolicy) {
  const auto page = ask("GET", "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<canvas id=\"board\""));
  EXPECT_EQ(ask("GET", "/page/draw.js").status, 200);
  EXPECT_EQ(ask("GET", "/page/none.js").status, 404);
  EXPECT_EQ(json::parse(ask("GET", "/page/models").body)["models"].size(), 3U);
}

TEST_F(ModelServerTest, AFormIsForOneModel) {
  EXPECT_THAT(error_of(ask("POST", "/upload", "x")), HasSubstr("several models are served"));
  EXPECT_EQ(ask("GET", "/upload").status, 405);
}

TEST_F(ModelServerTest, IsNotReadyWhileItDrainsAndStillAnswers) {
  http_.post([this] { routes_.drain(); });
  EXPECT_EQ(ask("GET", "/readyz").status, 503);
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(ask("POST", "/v2/models/m/infer", kBody).status, 200);
}

}  // namespace
}  // namespace ringtrain::serving
