// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/data/data.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "benchmarks/commands/provenance.hpp"
#include "benchmarks/commands/rounds.hpp"
#include "benchmarks/data/data_contestants.hpp"
#include "benchmarks/data/data_peers.hpp"
#include "benchmarks/data/data_table.hpp"

namespace ringtrain::benchmarks {

using namespace launcher;
namespace {

using datasets::DatasetIndex;
using datasets::Reader;
using datasets::Split;
using datasets::Tier;
using Clock = std::chrono::steady_clock;

struct DataOptions {
  std::string directory;     // empty: one that is removed at the end
  uint64_t mebibytes = 512;  // per sample size
  int rounds = 7;
  std::vector<uint64_t> sizes = {784, 3072, 27648, 150528};
  Peers peers;
  std::string json;
};

double seconds_of(const std::function<void()>& work) {
  const auto begin = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Bytes that this process has read from disks so far.
uint64_t bytes_from_disk() {
  std::ifstream io("/proc/self/io");
  std::string key;
  uint64_t value = 0;
  while (io >> key >> value) {
    if (key == "read_bytes:") return value;
  }
  return 0;
}

using Keep = std::function<void(const nlohmann::ordered_json&)>;

class SizeBench {
 public:
  // keep: takes the records of all rounds, and of the table at the end.
  SizeBench(const DataOptions& options, uint64_t sample_bytes, Keep keep)
      : options_(options),
        keep_(std::move(keep)),
        index_(make_bench_dataset(
            std::filesystem::path(options.directory) / fmt::format("bench-{}.h5", sample_bytes),
            sample_bytes, options.mebibytes << 20)),
        bytes_(static_cast<double>(index_.train.rows * index_.row_bytes())),
        sample_bytes_(static_cast<double>(sample_bytes)) {}

  // Returns whether over half of the rounds of a group were disturbed.
  bool run(bool with_peers) {
    fmt::print("\n{} bytes per sample, {} samples\n", sample_bytes_, index_.train.rows);
    fmt::print("  {:<44}{:>8}{:>13}  {}\n", "", "GB/s", "samples/s", "share of its limit");
    nlohmann::ordered_json table = {{"kind", "table"},
                                    {"class", "measured"},
                                    {"sample_bytes", sample_bytes_},
                                    {"samples", index_.train.rows},
                                    {"rounds", options_.rounds},
                                    {"rows", nlohmann::ordered_json::array()}};
    run_cached(table["rows"]);
    run_cold(table);
    if (with_peers) run_peers(table["rows"]);
    keep_(table);
    return disturbed_;
  }

 private:
  std::function<double()> timed(std::function<void()> work) const {
    return [this, work = std::move(work)] { return bytes_ / seconds_of(work); };
  }

  void run_group(const char* group, int rounds, BenchTable& table, nlohmann::ordered_json& rows) {
    table.run(rounds, [&](const nlohmann::ordered_json& found) {
      nlohmann::ordered_json record = {
          {"kind", "round"}, {"sample_bytes", sample_bytes_}, {"group", group}};
      record.update(found);
      keep_(record);
    });
    disturbed_ = disturbed_ || table.was_disturbed();
    auto own = nlohmann::ordered_json::array();
    table.append_to(own, sample_bytes_);
    print_rows(own);
    rows.insert(rows.end(), own.begin(), own.end());
  }

  void run_cached(nlohmann::ordered_json& rows) {
    Reader in_memory(index_, Split::train, bench_reader_options(Tier::in_memory, false));
    Reader to_floats(index_, Split::train, bench_reader_options(Tier::in_memory, true));
    Reader out_of_core(index_, Split::train, bench_reader_options(Tier::out_of_core, false));
    const Mapping mapping(File::open_for_reading(index_.shards.front().path));
    // Checks every block once, fills the page cache and the page tables.
    for (Reader* reader : {&in_memory, &to_floats, &out_of_core}) {
      read_epoch(*reader, index_, 0, reader == &to_floats);
    }
    uint64_t epoch = 0;
    BenchTable table;
    table.add("memcpy", "", timed([&] { memcpy_rows(index_, mapping, false); }));
    table.add("ringtrain, in memory", "memcpy",
              timed([&] { read_epoch(in_memory, index_, ++epoch, false); }));
    table.add("memcpy and conversion", "", timed([&] { memcpy_rows(index_, mapping, true); }));
    table.add("ringtrain, in memory, and conversion", "memcpy and conversion",
              timed([&] { read_epoch(to_floats, index_, ++epoch, true); }));
    table.add("pread of blocks, cached, 1 thread", "", timed([&] { pread_blocks(index_, 1); }));
    table.add("ringtrain, out of core, cached", "pread of blocks, cached, 1 thread",
              timed([&] { read_epoch(out_of_core, index_, ++epoch, false); }));
    const std::string many = fmt::format("pread of blocks, cached, {} threads", kBenchThreads);
    table.add(many, "", timed([&] { pread_blocks(index_, kBenchThreads); }));
    table.add("libhdf5 per block", "", timed([&] { read_blocks_with_libhdf5(index_); }));
    const uint64_t samples = std::min<uint64_t>(index_.train.rows, 100000);
    table.add("libhdf5 per sample", "", [&, samples] {
      return static_cast<double>(samples) * sample_bytes_ /
             seconds_of([&] { read_samples_with_libhdf5(index_, samples); });
    });
    run_group("cached", options_.rounds, table, rows);
    ours_ = table.rate("ringtrain, in memory");
  }

  void run_cold(nlohmann::ordered_json& result) {
    const auto from_disk = [&](std::function<void()> work) {
      return [this, work = std::move(work)] {
        drop_from_page_cache(index_);
        return bytes_ / seconds_of(work);
      };
    };
    double amplification = 0;
    BenchTable table;
    const std::string limit = fmt::format("pread of blocks, cold, {} threads", kBenchThreads);
    table.add(limit, "", from_disk([&] { pread_blocks(index_, kBenchThreads); }));
    // A fresh reader each time: the checksums of a first epoch are part of its cost.
    table.add("ringtrain, out of core, cold", limit, from_disk([&] {
                const uint64_t before = bytes_from_disk();
                Reader reader(index_, Split::train, bench_reader_options(Tier::out_of_core, false));
                read_epoch(reader, index_, 0, false);
                amplification = static_cast<double>(bytes_from_disk() - before) /
                                static_cast<double>(index_.bytes(Split::train));
              }));
    run_group("cold", options_.rounds, table, result["rows"]);
    fmt::print("  bytes read from the disk over bytes needed: {:.3f}\n", amplification);
    result["bytes_read_over_needed"] = amplification;
  }

  void run_peers(nlohmann::ordered_json& rows) {
    BenchTable table;
    for (const bool cold : {false, true}) {
      for (const std::string kind : {"h5py", "memmap"}) {
        for (const int workers : {0, 2, 4}) {
          table.add(fmt::format("DataLoader, {}, {} workers, {}", kind, workers,
                                cold ? "cold" : "cached"),
                    "", [this, cold, kind, workers] {
                      if (cold) drop_from_page_cache(index_);
                      return sample_bytes_ * samples_per_second(options_.peers,
                                                                index_.shards.front().path, kind,
                                                                workers, kBenchBatch);
                    });
        }
      }
    }
    run_group("peers", 1, table, rows);
    double best = 0;
    for (const int workers : {0, 2, 4}) {
      best =
          std::max(best, table.rate(fmt::format("DataLoader, h5py, {} workers, cached", workers)));
    }
    if (best > 0) {
      fmt::print(
          "  ringtrain, in memory, is {:.0f} times as fast as the best DataLoader over h5py\n",
          ours_ / best);
    }
  }

  const DataOptions& options_;
  Keep keep_;
  bool disturbed_ = false;
  DatasetIndex index_;
  double bytes_;
  double sample_bytes_;
  double ours_ = 0;
};

void run(DataOptions options) {
  if (options.rounds < 1 || options.mebibytes < 1) {
    throw job_error("--rounds and --mib must be at least 1");
  }
  // Not in /tmp, which may be memory: files are read from the disk, too.
  std::optional<TemporaryFolder> own;
  if (options.directory.empty()) {
    own.emplace(std::filesystem::current_path(), "ringtrain-bench.");
    options.directory = own->path().string();
  }
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) throw job_error(fmt::format("--directory {}: {}", options.directory, error.message()));
  const bool with_peers =
      !options.peers.python.empty() && can_import(options.peers.python, "h5py, numpy, torch");
  if (!with_peers) {
    fmt::print("peers skipped: '{}' cannot import h5py, numpy and torch (--python names another)\n",
               options.peers.python);
  }
  std::string records;
  const Keep keep = [&](const nlohmann::ordered_json& record) {
    keep_record(options.json, record, records);
  };
  keep(provenance_record(with_peers ? options.peers.python : ""));
  std::vector<uint64_t> noisy;
  for (const uint64_t size : options.sizes) {
    if (SizeBench(options, size, keep).run(with_peers)) noisy.push_back(size);
  }
  if (!noisy.empty()) {
    throw mostly_disturbed_error(fmt::format("{} bytes per sample", fmt::join(noisy, ", ")));
  }
}

}  // namespace

void add_bench_data_command(CLI::App& bench) {
  CLI::App& command = *bench.add_subcommand(
      "data", "Measure the reader beside the limits of the machine and other readers");
  const auto options = std::make_shared<DataOptions>();
  command
      .add_option("--directory", options->directory,
                  "Directory for the files to read, which stay in it and are used again (default: "
                  "one in the working directory, which is removed)")
      ->type_name("DIR");
  command.add_option("--mib", options->mebibytes, "MiB of data per sample size")
      ->capture_default_str();
  command
      .add_option("--rounds", options->rounds,
                  "Rounds that count; each contestant runs once a round")
      ->capture_default_str();
  command.add_option("--sizes", options->sizes, "Bytes per sample")
      ->delimiter(',')
      ->capture_default_str();
  command
      .add_option("--python", options->peers.python, "Python with torch and h5py, for the peers")
      ->capture_default_str()
      ->type_name("PROGRAM");
  command.add_option("--peers", options->peers.script, "Script for the peers")
      ->capture_default_str()
      ->type_name("FILE");
  command.add_option("--peer-seconds", options->peers.seconds, "Seconds that each peer reads")
      ->capture_default_str();
  command
      .add_option("--json", options->json,
                  "Write all rounds to this file as well, a JSON object a line, in place of what "
                  "is there")
      ->type_name("FILE");
  command.footer(
      "Writes files of --mib MiB for each of --sizes, 2 GiB in all by default, to --directory. A "
      "round in which something else used the cores is kept, and run again; exit code 5 if most "
      "were.\n\n"
      "Examples:\n"
      "  ringtrain bench data --mib 64 --sizes 784,3072 --rounds 1");
  command.callback([options] { run(*options); });
}

}  // namespace ringtrain::benchmarks
