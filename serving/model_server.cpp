// SPDX-License-Identifier: Apache-2.0
#include "serving/model_server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"
#include "net/multipart.hpp"
#include "net/request_path.hpp"
#include "serving/protocol/image_row.hpp"
#include "serving/protocol/infer_answer.hpp"
#include "serving/protocol/refusal.hpp"

namespace ringtrain::serving {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kMostPixels = int64_t{1} << 26;  // of all images of a request

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

int64_t whole_number(const std::string& text, int64_t least, int64_t most, const char* name) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || value < least || value > most) {
    throw Refusal(400, fmt::format("{}: expected a whole number from {} to {}, got {}", name, least,
                                   most, text.substr(0, 40)));
  }
  return value;
}

net::Answer refusal_answer(const Refusal& refusal) {
  net::Answer answer = error_answer(refusal.status(), refusal.what());
  if (refusal.retry_after()) {
    answer.headers.emplace_back("Retry-After", std::to_string(*refusal.retry_after()));
  }
  return answer;
}

// A request while it is computed.
struct Running {
  InputRows input;
  Clock::time_point begin;
  std::chrono::milliseconds timeout;
  std::shared_ptr<net::HttpPending> pending;
};

net::Answer answer_of(
    const Running& running, const Version& version, const BatchResult& result,
    const std::function<net::Answer(const ServedModel&, const std::vector<float>&)>& finish) {
  switch (result.end) {
    case BatchResult::End::late:
      return refusal_answer(
          {429,
           fmt::format("the model is busy: {} ms passed before it came to this request",
                       running.timeout.count()),
           1});
    case BatchResult::End::failed:
      return error_answer(
          400, fmt::format("{} cannot compute these rows: {}", version.model.name, result.error));
    case BatchResult::End::done:
      break;
  }
  return finish(version.model, result.outputs);
}

}  // namespace

ModelServer::ModelServer(Deployments& deployments, const ModelServerOptions& options)
    : deployments_(deployments), options_(options) {
  add_health_routes();
  add_protocol_routes();
  add_page_routes();
  add_deployment_routes();
}

net::Answer ModelServer::answer(net::ServedRequest request) {
  net::Answer answer;
  try {
    answer = routed(request);
  } catch (const Refusal& refusal) {
    answer = refusal_answer(refusal);
  } catch (const std::exception& error) {
    log_error(error.what());
    answer = error_answer(500, "the server failed; its log says why");
  }
  answer.close = answer.close || *draining_;
  return answer;
}

net::Answer ModelServer::routed(net::ServedRequest& request) {
  const std::string_view target = request.target;
  const size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  std::string allowed;
  for (const Route& route : routes_) {
    auto values = net::match_path(route.path, path);
    if (!values) continue;
    if (route.method != request.method && !(route.method == "GET" && request.method == "HEAD")) {
      allowed += (allowed.empty() ? "" : ", ") + route.method;
      continue;
    }
    ModelCall call{.request = request, .path = std::move(*values), .query = {}};
    if (question != std::string_view::npos) {
      auto query = net::parse_query(target.substr(question + 1));
      if (!query) throw Refusal(400, "the query is not encoded as it must be");
      call.query = std::move(*query);
    }
    return route.run(call);
  }
  if (allowed.empty()) throw Refusal(404, "there is nothing at this address: GET / has a list");
  net::Answer answer = error_answer(405, fmt::format("this address takes {}", allowed));
  answer.headers.emplace_back("Allow", allowed);
  return answer;
}

std::chrono::milliseconds ModelServer::timeout_of(const net::ServedRequest& request) const {
  const std::string text(request.header("x-timeout-ms"));
  if (text.empty()) return options_.timeout;
  return std::chrono::milliseconds(whole_number(text, 1, 600000, "X-Timeout-Ms"));
}

net::Answer ModelServer::compute(Version& version, const net::ServedRequest& request,
                                 const std::function<InputRows()>& read, Finish finish) {
  const Clock::time_point begin = Clock::now();
  const auto timeout = timeout_of(request);
  const auto running = std::make_shared<Running>();
  running->begin = begin;
  running->timeout = timeout;
  running->pending = std::make_shared<net::HttpPending>();
  const auto reject = [&](const Refusal& refusal, const char* reason) {
    metrics_->rejected(version.model, reason);
    metrics_->answered(version.model, refusal.status(), seconds_since(begin));
    throw Refusal(refusal);
  };
  try {
    running->input = read();
  } catch (const Refusal& refusal) {
    reject(refusal, "bad_request");
  }
  // The version outlives its requests: its batcher ends with the last of them.
  const auto done = [running, &version, metrics = metrics_, finish = std::move(finish),
                     draining = draining_](const BatchResult& result) {
    net::Answer answer;
    try {
      answer = answer_of(*running, version, result, finish);
    } catch (const std::exception& error) {
      log_error(error.what());
      answer = error_answer(500, "the server failed; its log says why");
    }
    if (result.end == BatchResult::End::done) {
      metrics->computed(version.model, running->input.rows, result);
    } else if (result.end == BatchResult::End::late) {
      metrics->rejected(version.model, "deadline");
    }
    if (result.end == BatchResult::End::failed) ++version.failures;
    if (result.end != BatchResult::End::late) ++version.requests;
    metrics->answered(version.model, answer.status, seconds_since(running->begin));
    answer.close = *draining;
    running->pending->finish(std::move(answer));
  };
  const auto admission = version.batcher->submit({.rows = running->input.rows,
                                                  .samples = running->input.data(),
                                                  .deadline = begin + timeout,
                                                  .done = done});
  const int wait = std::max(1, static_cast<int>(std::ceil(version.batcher->expected_wait())));
  if (admission == Batcher::Admission::full) {
    reject({429, "the model is busy: too many rows wait for it", wait}, "queue_full");
  } else if (admission == Batcher::Admission::too_late) {
    reject({429,
            fmt::format("the model is busy: it would not come to this request in {} ms",
                        timeout.count()),
            wait},
           "deadline");
  }
  return {.pending = running->pending};
}

net::Answer ModelServer::infer(ModelCall& call, const std::string& number) {
  Version& version = deployments_.choose(call.path.at("model"), number);
  const std::string header(call.request.header("inference-header-content-length"));
  const auto wanted = std::make_shared<InferRequest>();
  const auto read = [&] {
    *wanted = parse_infer(std::move(call.request.body),
                          header.empty() ? std::nullopt : std::optional<std::string_view>(header),
                          version.model, options_.limits);
    return std::exchange(wanted->input, {});
  };
  return compute(version, call.request, read,
                 [wanted](const ServedModel& model, const std::vector<float>& outputs) {
                   return infer_answer(model, wanted->id, wanted->outputs, outputs);
                 });
}

net::Answer ModelServer::predict_instances(ModelCall& call) {
  Version& version = deployments_.choose(call.path.at("model"));
  int64_t pixels = kMostPixels;
  const auto decode = [&](const std::string& bytes, const ServedModel& model) {
    if (!takes_images(model.samples)) {
      throw Refusal(400, fmt::format("{} does not take images", model.name));
    }
    try {
      const auto size = datasets::image_size(bytes);
      pixels -= size.width * size.height;
      if (pixels < 0) throw Refusal(413, "the images of the request have too many pixels");
      return image_row(bytes, model.samples, datasets::Fit::crop);
    } catch (const Error& error) {
      throw Refusal(400, fmt::format("an image cannot be used: {}", error.what()));
    }
  };
  const auto read = [&] {
    return parse_instances(call.request.body, version.model, options_.limits, decode);
  };
  return compute(version, call.request, read, predictions_answer);
}

net::Answer ModelServer::predict_image(ModelCall& call) {
  const auto& all = deployments_.all();
  const std::string name = call.query["model"];
  if (name.empty() && all.size() != 1) {
    throw Refusal(400, "several models are served: name one by ?model=NAME");
  }
  Version& version = deployments_.choose(name.empty() ? all.begin()->first : name);
  const auto top = static_cast<size_t>(
      call.query["top"].empty() ? 10 : whole_number(call.query["top"], 1, 1000, "top"));
  const bool drawn = call.query["drawn"] == "1";
  const auto seen = std::make_shared<std::string>();
  const auto read = [&]() -> InputRows {
    const datasets::DatasetIndex& samples = version.model.samples;
    if (!takes_images(samples)) {
      throw Refusal(400, fmt::format("{} does not take images: POST /v2/models/{}/infer",
                                     version.model.name, version.model.name));
    }
    try {
      std::string row = drawn ? drawn_row(call.request.body, samples)
                              : image_row(call.request.body, samples,
                                          call.query["fit"] == "stretch" ? datasets::Fit::stretch
                                                                         : datasets::Fit::crop);
      if (call.query["seen"] == "1") *seen = row;
      return {.rows = 1, .bytes = std::move(row)};
    } catch (const Error& error) {
      throw Refusal(400, fmt::format("the image cannot be used: {}", error.what()));
    }
  };
  return compute(version, call.request, read,
                 [top, seen](const ServedModel& model, const std::vector<float>& outputs) {
                   return predict_answer(model, outputs, top, *seen);
                 });
}

net::Answer ModelServer::predict_upload(ModelCall& call) {
  const auto& all = deployments_.all();
  if (all.size() != 1) throw Refusal(400, "several models are served: POST /predict?model=NAME");
  Version& version = deployments_.choose(all.begin()->first);
  const auto read = [&]() -> InputRows {
    if (!takes_images(version.model.samples)) {
      throw Refusal(400, fmt::format("{} does not take images", version.model.name));
    }
    try {
      const auto files = net::files_of_form(call.request.body, call.request.header("content-type"));
      const auto file = files.find("file");
      if (file == files.end()) throw Refusal(400, "the form has no file in the field 'file'");
      return {
          .rows = 1,
          .bytes = image_row(file->second.bytes, version.model.samples, datasets::Fit::stretch)};
    } catch (const Error& error) {
      throw Refusal(400, fmt::format("the image cannot be used: {}", error.what()));
    }
  };
  return compute(version, call.request, read, prediction_page);
}

}  // namespace ringtrain::serving
