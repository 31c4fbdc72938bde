// SPDX-License-Identifier: Apache-2.0
#include "launcher/bench_data.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "datasets/block_store.hpp"
#include "datasets/error.hpp"
#include "datasets/file.hpp"
#include "datasets/hdf5_baseline.hpp"
#include "datasets/order.hpp"
#include "datasets/reader.hpp"
#include "datasets/writer.hpp"
#include "runtime/job/error.hpp"

namespace ringtrain::launcher {
namespace {

using datasets::Plan;
using datasets::Split;
using Clock = std::chrono::steady_clock;

constexpr uint64_t kBatch = 128;
constexpr int kInFlight = 16;

struct Options {
  std::string directory = "data/bench";
  uint64_t mebibytes = 512;  // per sample size
  int rounds = 5;
  std::vector<uint64_t> sizes = {784, 3072, 27648, 150528};
  std::string python = "python3";
  std::string peers = "benchmarks/peers/data_peers.py";
  double peer_seconds = 3;
  std::string json;
};

datasets::Shape shape_of(uint64_t bytes) {
  switch (bytes) {
    case 784:
      return {1, 28, 28};
    case 3072:
      return {3, 32, 32};
    case 27648:
      return {3, 96, 96};
    case 150528:
      return {3, 224, 224};
    default:
      return {1, 1, static_cast<int64_t>(bytes)};
  }
}

// Random bytes, so that nothing on the way can compress them.
Plan make_dataset(const std::filesystem::path& path, uint64_t sample_bytes, uint64_t total_bytes) {
  datasets::NewDataset dataset;
  dataset.shape = shape_of(sample_bytes);
  dataset.train_rows = std::max<uint64_t>(kBatch, total_bytes / sample_bytes);
  dataset.source = "ringtrain bench data";
  if (std::filesystem::exists(path)) {
    try {
      Plan plan = datasets::open_dataset_unverified(path);
      if (plan.train.rows == dataset.train_rows && plan.shape == dataset.shape) return plan;
    } catch (const DataError&) {
      // Left by something else: written again.
    }
  }
  datasets::Writer writer(path, dataset);
  writer.set_class_names({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
  std::vector<std::byte> row(sample_bytes + 8);
  for (uint64_t i = 0; i < dataset.train_rows; ++i) {
    uint64_t state = datasets::mix(i);
    for (size_t at = 0; at < sample_bytes; at += 8) {
      state = state * 6364136223846793005 + 1442695040888963407;
      std::memcpy(row.data() + at, &state, 8);
    }
    writer.put(Split::train, i, row.data(), static_cast<int64_t>(i % 10));
  }
  return writer.finish();
}

void drop_from_page_cache(const Plan& plan) {
  for (const auto& file : plan.files) {
    const auto open = datasets::File::open_for_writing(file.path);
    open.sync();
    ::posix_fadvise(open.fd(), 0, 0, POSIX_FADV_DONTNEED);
  }
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// What a CPU without augmentation does to a batch.
void convert(const std::byte* in, float* out, size_t count) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(in);
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(bytes[i]) * (1 / 127.5F) - 1;
}

// Keeps a result alive that nobody looks at.
std::atomic<uint64_t> sink;
void use(const void* data) { sink += *static_cast<const unsigned char*>(data); }

// The blocks in the order in which one rank fetches them, and one thread per read in flight.
void raw_pread(const Plan& plan) {
  datasets::BlockFiles files(plan, Split::train);
  const auto order =
      datasets::SampleOrder(plan.train.rows, plan.block_rows, kBatch, 1, true).epoch(0);
  const uint64_t blocks = (plan.train.rows + plan.block_rows - 1) / plan.block_rows;
  for (const auto& file : files.files()) ::posix_fadvise(file.fd(), 0, 0, POSIX_FADV_RANDOM);
  std::atomic<uint64_t> next = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kInFlight; ++t) {
    threads.emplace_back([&] {
      const std::unique_ptr<std::byte, void (*)(void*)> buffer(
          static_cast<std::byte*>(std::aligned_alloc(
              4096, (plan.block_rows * (plan.row_bytes() + 8) + 8191) / 4096 * 4096)),
          std::free);
      for (uint64_t slot = next++; slot < blocks; slot = next++) {
        const auto place = files.place(order.block(slot));
        files.file(place).read_at(buffer.get(), place.rows * plan.row_bytes(), place.x_offset);
        files.file(place).read_at(buffer.get(), place.rows * sizeof(int64_t), place.y_offset);
        use(buffer.get());
      }
    });
  }
}

// Rows one after the other from mapped memory into a batch, then to floats.
void memcpy_and_convert(const Plan& plan, const datasets::Mapping& mapping, bool to_floats) {
  const auto& piece = plan.train.pieces.front();
  const std::byte* x = mapping.data() + piece.x_offset;
  std::vector<std::byte> batch(kBatch * plan.row_bytes());
  std::vector<float> floats(kBatch * plan.row_bytes());
  for (uint64_t first = 0; first < plan.train.rows; first += kBatch) {
    const size_t bytes = std::min(kBatch, plan.train.rows - first) * plan.row_bytes();
    std::memcpy(batch.data(), x + first * plan.row_bytes(), bytes);
    if (to_floats) convert(batch.data(), floats.data(), bytes);
    use(batch.data());
  }
}

datasets::ReaderOptions reader_options(datasets::Tier tier) {
  datasets::ReaderOptions options;
  options.batch_size = kBatch;
  options.seed = 1;
  options.tier = tier;
  options.blocks_in_flight = kInFlight;
  return options;
}

void read_epoch(datasets::Reader& reader, const Plan& plan, uint64_t epoch, bool to_floats) {
  std::vector<float> floats(kBatch * plan.row_bytes());
  reader.start(epoch);
  while (const auto* batch = reader.next()) {
    if (to_floats) convert(batch->x, floats.data(), batch->rows * plan.row_bytes());
    use(batch->x);
  }
}

void libhdf5_samples(const Plan& plan, uint64_t limit) {
  const datasets::Permutation order(plan.train.rows, 1);
  uint64_t position = 0;
  datasets::read_with_libhdf5(plan, [&](uint64_t& first, uint64_t& count) {
    count = position < limit ? 1 : 0;
    first = count > 0 ? order(position++) : 0;
  });
}

void libhdf5_blocks(const Plan& plan) {
  const uint64_t blocks = plan.train.rows / plan.block_rows;
  const datasets::Permutation order(blocks, 1);
  uint64_t position = 0;
  datasets::read_with_libhdf5(plan, [&](uint64_t& first, uint64_t& count) {
    count = position < blocks ? plan.block_rows : 0;
    first = count > 0 ? order(position++) * plan.block_rows : 0;
  });
}

// Runs a program with its standard output caught; no shell. Empty when it fails.
std::string output_of(const std::vector<std::string>& words) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "";
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    const int null = ::open("/dev/null", O_WRONLY);
    if (null >= 0) ::dup2(null, STDERR_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) < 0 || status != 0) return "";
  return text;
}

std::optional<double> peer_rate(const Options& options, const Plan& plan, const std::string& kind,
                                int workers) {
  const std::string text =
      output_of({options.python, options.peers, kind, plan.files.front().path, "--workers",
                 std::to_string(workers), "--batch", std::to_string(kBatch), "--seconds",
                 std::to_string(options.peer_seconds)});
  try {
    return nlohmann::json::parse(text).at("samples_per_second").get<double>();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Contestants in a fixed order; every round runs each of them once.
class Table {
 public:
  struct Row {
    std::string name;
    std::string limit;  // the contestant that this one is a share of; empty: none
    std::function<double()> bytes_per_second;
    std::vector<double> results;
  };
  void add(const std::string& name, const std::string& limit, std::function<double()> run) {
    rows_.push_back({name, limit, std::move(run), {}});
  }
  void run(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      for (Row& row : rows_) row.results.push_back(row.bytes_per_second());
    }
  }
  double rate(const std::string& name) const {
    for (const Row& row : rows_) {
      if (row.name == name) return median(row.results);
    }
    return 0;
  }
  // The median over rounds of the ratio inside a round: the machine's moods cancel out.
  double ratio(const std::string& name, const std::string& limit) const {
    const Row* a = nullptr;
    const Row* b = nullptr;
    for (const Row& row : rows_) {
      if (row.name == name) a = &row;
      if (row.name == limit) b = &row;
    }
    if (a == nullptr || b == nullptr) return 0;
    std::vector<double> ratios;
    for (size_t i = 0; i < a->results.size(); ++i) ratios.push_back(a->results[i] / b->results[i]);
    return median(ratios);
  }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;
};

nlohmann::json bench_size(const Options& options, uint64_t sample_bytes, bool with_peers) {
  const std::filesystem::path path =
      std::filesystem::path(options.directory) / fmt::format("bench-{}.h5", sample_bytes);
  const Plan plan = make_dataset(path, sample_bytes, options.mebibytes << 20);
  const double bytes = static_cast<double>(plan.train.rows * plan.row_bytes());
  std::optional<datasets::Reader> mapped(std::in_place, plan, Split::train,
                                         reader_options(datasets::Tier::in_memory));
  datasets::Reader fetched(plan, Split::train, reader_options(datasets::Tier::out_of_core));
  read_epoch(*mapped, plan, 0, false);  // checks every block once, and fills the page cache
  read_epoch(fetched, plan, 0, false);
  const double amplification =
      static_cast<double>(fetched.bytes_read()) / static_cast<double>(plan.bytes(Split::train));
  std::optional<datasets::Mapping> mapping(std::in_place, datasets::File::open_for_reading(path));
  uint64_t epoch = 0;

  Table table;
  const auto timed = [bytes](std::function<void()> work) {
    return [bytes, work = std::move(work)] { return bytes / seconds_of(work); };
  };
  table.add("memcpy", "", timed([&] { memcpy_and_convert(plan, *mapping, false); }));
  table.add("ringtrain, in memory", "memcpy",
            timed([&] { read_epoch(*mapped, plan, ++epoch, false); }));
  table.add("memcpy and conversion", "", timed([&] { memcpy_and_convert(plan, *mapping, true); }));
  table.add("ringtrain, in memory, and conversion", "memcpy and conversion",
            timed([&] { read_epoch(*mapped, plan, ++epoch, true); }));
  table.add("pread of blocks, cached", "", timed([&] { raw_pread(plan); }));
  table.add("ringtrain, out of core, cached", "pread of blocks, cached",
            timed([&] { read_epoch(fetched, plan, ++epoch, false); }));
  table.add("libhdf5 per block", "", timed([&] { libhdf5_blocks(plan); }));
  const uint64_t samples = std::min<uint64_t>(plan.train.rows, 100000);
  table.add("libhdf5 per sample", "", [&] {
    return static_cast<double>(samples * plan.row_bytes()) /
           seconds_of([&] { libhdf5_samples(plan, samples); });
  });
  table.run(options.rounds);

  Table cold;
  const auto from_disk = [&](std::function<void()> work) {
    return [&, work = std::move(work)] {
      drop_from_page_cache(plan);
      return bytes / seconds_of(work);
    };
  };
  cold.add("pread of blocks, cold", "", from_disk([&] { raw_pread(plan); }));
  // A reader of its own: the checksums of a first epoch are part of its price.
  cold.add("ringtrain, out of core, cold", "pread of blocks, cold", from_disk([&] {
             datasets::Reader reader(plan, Split::train,
                                     reader_options(datasets::Tier::out_of_core));
             read_epoch(reader, plan, 0, false);
           }));
  // Mapped pages cannot be dropped from the page cache.
  mapping.reset();
  mapped.reset();
  cold.run(options.rounds);

  nlohmann::json result;
  result["sample_bytes"] = sample_bytes;
  result["samples"] = plan.train.rows;
  result["bytes_read_over_needed"] = amplification;
  const double ours = table.rate("ringtrain, in memory");
  fmt::print("\n{} bytes per sample, {} samples, bytes read over needed {:.3f}\n", sample_bytes,
             plan.train.rows, amplification);
  fmt::print("  {:<40}{:>9}{:>14}  {}\n", "", "GB/s", "samples/s", "share of its limit");
  const auto print = [&](const std::string& name, double rate, const std::string& share) {
    fmt::print("  {:<40}{:>9.3f}{:>14.0f}  {}\n", name, rate / 1e9,
               rate / static_cast<double>(sample_bytes), share);
  };
  for (const Table* t : {&table, &cold}) {
    for (const auto& row : t->rows()) {
      const double share = row.limit.empty() ? 0 : t->ratio(row.name, row.limit);
      print(row.name, median(row.results),
            row.limit.empty() ? "" : fmt::format("{:.1f}% of {}", share * 100, row.limit));
      nlohmann::json entry = {{"name", row.name}, {"bytes_per_second", median(row.results)}};
      if (!row.limit.empty()) entry["share"] = share;
      result["rows"].push_back(std::move(entry));
    }
  }
  if (with_peers) {
    const std::vector<std::pair<std::string, int>> peers = {
        {"h5py", 0}, {"h5py", 2}, {"h5py", 4}, {"memmap", 0}, {"memmap", 2}};
    for (const auto& [kind, workers] : peers) {
      std::vector<double> rates;
      for (int round = 0; round < std::min(options.rounds, 3); ++round) {
        if (const auto rate = peer_rate(options, plan, kind, workers)) {
          rates.push_back(*rate * static_cast<double>(sample_bytes));
        }
      }
      const std::string name = fmt::format("torch DataLoader, {}, {} workers", kind, workers);
      if (rates.empty()) {
        fmt::print("  {:<40}failed\n", name);
        continue;
      }
      const double rate = median(rates);
      print(name, rate, fmt::format("ringtrain in memory is {:.0f} times as fast", ours / rate));
      result["rows"].push_back(
          {{"name", name}, {"bytes_per_second", rate}, {"ringtrain_times", ours / rate}});
    }
  }
  return result;
}

void run(const Options& options) {
  if (options.rounds < 1 || options.mebibytes < 1)
    throw JobError("--rounds and --mib must be at least 1");
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) throw JobError(fmt::format("--directory {}: {}", options.directory, error.message()));
  const bool with_peers =
      !options.python.empty() &&
      !output_of({options.python, "-c", "import h5py, numpy, torch; print(1)"}).empty();
  if (!with_peers) {
    fmt::print("peers skipped: '{}' cannot import h5py, numpy and torch (--python names another)\n",
               options.python);
  }
  nlohmann::json all = nlohmann::json::array();
  for (const uint64_t size : options.sizes) all.push_back(bench_size(options, size, with_peers));
  if (options.json.empty()) return;
  std::ofstream out(options.json);
  out << all.dump(2) << '\n';
  if (!out.flush()) throw JobError(fmt::format("--json {}: cannot be written", options.json));
}

}  // namespace

void add_bench_data_command(CLI::App& bench) {
  CLI::App& command = *bench.add_subcommand(
      "data", "The reader beside the machine's limits and beside others' readers");
  const auto options = std::make_shared<Options>();
  command.add_option("--directory", options->directory, "For the files that are read")
      ->capture_default_str();
  command.add_option("--mib", options->mebibytes, "Data per sample size")->capture_default_str();
  command.add_option("--rounds", options->rounds, "Every contestant runs once a round")
      ->capture_default_str();
  command.add_option("--sizes", options->sizes, "Bytes per sample")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--python", options->python, "A Python with torch and h5py, for the peers")
      ->capture_default_str();
  command.add_option("--peers", options->peers, "The peers' script")->capture_default_str();
  command.add_option("--peer-seconds", options->peer_seconds, "How long each peer reads")
      ->capture_default_str();
  command.add_option("--json", options->json, "Write the results to this file too");
  command.callback([options] { run(*options); });
}

}  // namespace ringtrain::launcher
