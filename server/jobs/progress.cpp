// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/progress.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <variant>

#include "base/file_descriptor.hpp"
#include "job/result_fields.hpp"

namespace ringtrain::server {

using ringtrain::from_json;  // for structs with fields
using ringtrain::to_json;

constexpr auto fields_of(const RankRate*) {
  using T = RankRate;
  return std::tuple(field("ranks", &T::ranks), field("rate", &T::samples_per_second),
                    field("reports", &T::reports));
}

constexpr auto fields_of(const Progress*) {
  using T = Progress;
  return std::tuple(
      field("attempt", &T::attempt), field("offset", &T::offset), field("phase", &T::phase),
      field("attempt_saved", &T::attempt_saved), field("has_saved", &T::has_saved),
      field("barren", &T::barren), field("first_started", &T::first_started),
      field("starts", &T::starts), field("starts_of_attempt", &T::starts_of_attempt),
      field("step", &T::step), field("steps", &T::steps), field("epoch", &T::epoch),
      field("epochs", &T::epochs), field("ranks", &T::ranks), field("loss", &T::loss),
      field("samples_per_second", &T::samples_per_second), field("seconds_left", &T::seconds_left),
      field("train_loss", &T::train_loss), field("test_loss", &T::test_loss),
      field("test_accuracy", &T::test_accuracy), field("best_accuracy", &T::best_accuracy),
      field("checkpoints", &T::checkpoints), field("communication", &T::communication),
      field("order_hash", &T::order_hash), field("placement", &T::placement),
      field("slowest", &T::slowest), field("step_seconds", &T::step_seconds),
      field("communication_share", &T::communication_share), field("data_share", &T::data_share),
      field("ranks_seen", &T::ranks_seen), field("rates", &T::rates));
}

namespace {

constexpr size_t kPiece = size_t{4} << 20;
constexpr int64_t kReportsInMean = 60;

// Takes the kinds of events that say something of the progress.
class Taker {
 public:
  Taker(Progress& progress, SeriesByName& series, Time time)
      : p_(progress),
        series_(series),
        stamp_(print_time_ms(time)),
        seconds_(std::chrono::duration<double>(time.time_since_epoch()).count()) {}

  void operator()(const StartedEvent& started) {
    if (p_.first_started.empty()) p_.first_started = stamp_;
    set(RunPhase::training);
    ++p_.starts;
    ++p_.starts_of_attempt;
    p_.step_seconds.clear();
    p_.step = started.from_step;
    p_.steps = started.steps;
    p_.epochs = started.epochs;
    p_.ranks = started.world_size;
    p_.communication = started.communication;
    p_.placement = started.placement;
  }
  void operator()(const StepEvent& step) {
    set(RunPhase::training);
    p_.step = step.step;
    p_.steps = step.steps;
    p_.epoch = step.epoch;
    p_.epochs = step.epochs;
    p_.loss = step.loss;
    p_.samples_per_second = step.samples_per_second;
    p_.seconds_left = step.seconds_left;
    add_rate(step.samples_per_second);
    add("loss", step.step, step.loss);
    add("samples_per_second", step.step, step.samples_per_second);
  }
  void operator()(const EpochEvent& epoch) {
    p_.step = epoch.step;
    p_.epoch = epoch.epoch;
    p_.epochs = epoch.epochs;
    p_.train_loss = epoch.train_loss;
    add("train_loss", epoch.step, epoch.train_loss);
    add("learning_rate", epoch.step, epoch.learning_rate);
    if (epoch.test_loss) {
      p_.test_loss = epoch.test_loss;
      add("test_loss", epoch.step, *epoch.test_loss);
    }
    if (epoch.test_accuracy) {
      accuracy(*epoch.test_accuracy);
      add("test_accuracy", epoch.step, *epoch.test_accuracy);
    }
    if (epoch.slowest) {
      p_.slowest = epoch.slowest;
      add("step_seconds", epoch.step, epoch.slowest->seconds);
    }
  }
  void operator()(const RanksEvent& ranks) {
    p_.step_seconds = ranks.step_seconds;
    p_.communication_share = ranks.communication_share;
    p_.data_share = ranks.data_share;
    p_.ranks_seen = stamp_;
    add("communication_share", ranks.step, ranks.communication_share);
    add("data_share", ranks.step, ranks.data_share);
  }
  void operator()(const CheckpointEvent&) {
    ++p_.checkpoints;
    p_.attempt_saved = p_.has_saved = true;
  }
  void operator()(const StoppedEvent& stopped) {
    p_.step = stopped.step;
    if (stopped.checkpoint) p_.attempt_saved = p_.has_saved = true;
  }
  void operator()(const ResultEvent& event) {
    const Result& result = event.result;
    if (result.status != "stopped") set(RunPhase::finished);
    p_.step = result.steps;
    p_.train_loss = result.train_loss;
    if (result.test_loss) p_.test_loss = result.test_loss;
    if (result.test_accuracy) accuracy(*result.test_accuracy);
    p_.samples_per_second = result.samples_per_second;
    p_.order_hash = result.order_hash;
    p_.seconds_left = 0;
  }
  void operator()(const FailureEvent&) { set(RunPhase::failing); }
  void operator()(const LostHostEvent&) { set(RunPhase::failing); }
  void operator()(const EvaluatingEvent&) {}
  void operator()(const PausedEvent&) {}
  void operator()(const RankEndedEvent& ended) {
    if (ended.exit_code != 0 || ended.signal != 0) set(RunPhase::failing);
  }
  void operator()(const RankSilentEvent&) {}
  void operator()(const LogEvent&) {}

 private:
  void set(RunPhase phase) { p_.phase = static_cast<int64_t>(phase); }
  void accuracy(double value) {
    p_.test_accuracy = value;
    p_.best_accuracy = std::max(value, p_.best_accuracy.value_or(value));
  }
  void add_rate(double samples_per_second) {
    auto found = std::find_if(p_.rates.begin(), p_.rates.end(),
                              [&](const RankRate& one) { return one.ranks >= p_.ranks; });
    if (found == p_.rates.end() || found->ranks != p_.ranks) {
      found = p_.rates.insert(found, {.ranks = p_.ranks});
    }
    found->reports = std::min(found->reports + 1, kReportsInMean);
    found->samples_per_second +=
        (samples_per_second - found->samples_per_second) / static_cast<double>(found->reports);
  }
  void add(const char* name, int64_t step, double value) {
    series_[name].add(static_cast<double>(step), seconds_, value);
  }

  Progress& p_;
  SeriesByName& series_;
  const std::string stamp_;
  const double seconds_;
};

}  // namespace

void Progress::begin_attempt(int number) {
  if (attempt > 0) barren = attempt_saved ? 0 : barren + 1;
  attempt = number;
  offset = 0;
  phase = static_cast<int64_t>(RunPhase::none);
  attempt_saved = false;
  starts_of_attempt = 0;
}

nlohmann::ordered_json rates_to_json(const std::vector<RankRate>& rates) {
  auto json = nlohmann::ordered_json::object();
  for (const RankRate& one : rates) {
    if (one.reports >= kReportsOfARate) json[std::to_string(one.ranks)] = one.samples_per_second;
  }
  return json;
}

nlohmann::ordered_json progress_to_json(const Progress& progress) { return progress; }

std::optional<Progress> progress_from_json(const std::string& text) {
  try {
    const auto json = nlohmann::ordered_json::parse(text);
    if (!json.is_object()) return std::nullopt;
    return json.get<Progress>();
  } catch (const nlohmann::ordered_json::exception&) {
    return std::nullopt;
  }
}

void take_event(const EventRecord& record, Progress& progress, SeriesByName& series) {
  std::visit(Taker(progress, series, record.time.value_or(Time{})), record.event);
}

bool read_events(const std::filesystem::path& file, uint64_t& offset, const OnEvent& on_event) {
  const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!opened.is_open()) return false;
  struct stat about {};
  if (::fstat(opened.get(), &about) != 0) return false;
  const auto length = static_cast<uint64_t>(about.st_size);
  if (length <= offset) return false;
  std::string piece(std::min<uint64_t>(kPiece, length - offset), '\0');
  const ssize_t size =
      ::pread(opened.get(), piece.data(), piece.size(), static_cast<off_t>(offset));
  if (size <= 0) return false;
  piece.resize(static_cast<size_t>(size));
  const size_t end = piece.rfind('\n');
  if (end == std::string::npos) {
    if (piece.size() == kPiece) offset += kPiece;  // no event is as long
    return piece.size() == kPiece;
  }
  for (size_t at = 0; at <= end;) {
    const size_t line_end = piece.find('\n', at);
    if (const auto record = parse_event('\x1e' + piece.substr(at, line_end - at))) {
      on_event(*record);
    }
    at = line_end + 1;
  }
  offset += end + 1;
  return piece.size() == kPiece;
}

}  // namespace ringtrain::server
