// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/manifest.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "tests/unit/runtime/checkpoint/checkpoint_files.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain {
namespace {

using testing::HasSubstr;

Manifest unusual_manifest() {
  Manifest manifest;
  manifest.state = {.step = 1234567890123,
                    .closed_step = 1234567890000,
                    .optimizer_steps = 99,
                    .skipped_steps = 3,
                    .skipped_in_a_row = 2,
                    .rollbacks = 4,
                    .rollbacks_in_a_row = 1,
                    .last_rollback_step = 77,
                    .order_hash = 0xfedcba9876543210,
                    .totals = {.epoch = 5,
                               .epoch_loss = 1.0 / 3,
                               .epoch_samples = 1e15,
                               .samples_seen = 18446744073709551615U},
                    .losses = {0.1, std::numeric_limits<double>::infinity()},
                    .tested = Evaluation{.loss = std::nan(""), .accuracy = 0.7}};
  manifest.job = {{"model", "mlp"}, {"batch_size", 32}, {"seed", 0.1}};
  manifest.dataset_uuid = "d-1";
  manifest.train_rows = 1650;
  manifest.parts = {{.file = "weights.safetensors", .bytes = 7, .crc32c = 0x00c0ffee}};
  return manifest;
}

std::string complaint(const std::filesystem::path& folder) {
  try {
    read_manifest(folder);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    return error.what();
  }
  return "none";
}

TEST(AManifest, ComesBackToTheLastBit) {
  const TemporaryDirectory folder;
  const Manifest written = unusual_manifest();
  write_manifest(folder.path(), written);
  const Manifest read = read_manifest(folder.path());
  EXPECT_EQ(to_json(read.state), to_json(written.state));
  EXPECT_EQ(read.state.order_hash, written.state.order_hash);
  EXPECT_EQ(read.state.totals.samples_seen, written.state.totals.samples_seen);
  EXPECT_EQ(read.state.totals.epoch_loss, written.state.totals.epoch_loss);
  EXPECT_TRUE(std::isinf(read.state.losses[1]));
  EXPECT_TRUE(std::isnan(read.state.tested->loss));
  EXPECT_EQ(read.job, written.job);
  EXPECT_EQ(read.train_rows, 1650);
  ASSERT_EQ(read.parts.size(), 1);
  EXPECT_EQ(read.parts[0].crc32c, 0x00c0ffee);
}

TEST(AManifest, ThatIsCutAnywhereIsRefused) {
  const TemporaryDirectory folder;
  write_manifest(folder.path(), unusual_manifest());
  const std::string whole = read_file(folder.path() / "manifest.json");
  for (size_t size = 0; size + 2 < whole.size(); size += 7) {
    folder.write("manifest.json", whole.substr(0, size));
    EXPECT_THAT(complaint(folder.path()), HasSubstr("manifest.json: damaged")) << size;
  }
}

TEST(AManifest, WithAnyFlippedBitIsRefusedOrSaysTheSame) {
  const TemporaryDirectory folder;
  write_manifest(folder.path(), unusual_manifest());
  const std::string whole = read_file(folder.path() / "manifest.json");
  for (size_t at = 0; at < whole.size(); at += 3) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 7));
    folder.write("manifest.json", flipped);
    try {  // blanks, and capitals of hexadecimal digits, mean the same
      EXPECT_EQ(to_json(read_manifest(folder.path()).state), to_json(unusual_manifest().state));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      EXPECT_THAT(error.what(), HasSubstr("manifest.json: damaged")) << at;
    }
  }
}

TEST(AManifest, ThatIsNotThereIsNamed) {
  const TemporaryDirectory folder;
  EXPECT_THAT(complaint(folder.path()), HasSubstr("manifest.json: cannot open"));
}

TEST(AManifest, NestedDeepIsRefused) {
  const TemporaryDirectory folder;
  folder.write("manifest.json", std::string(1'000'000, '['));
  EXPECT_THAT(complaint(folder.path()), HasSubstr("nested too deep"));
}

TEST(AManifest, NamesPartsOfItsOwnFolderAlone) {
  const TemporaryDirectory folder;
  for (const char* name : {"../part", "/etc/passwd", ".part", ""}) {
    Manifest manifest = unusual_manifest();
    manifest.parts[0].file = name;
    write_manifest(folder.path(), manifest);
    EXPECT_THAT(complaint(folder.path()), HasSubstr("a part's name is a path"));
  }
}

TEST(Parts, AreHeldAgainstTheirChecksums) {
  const TemporaryDirectory folder;
  const auto path = make_checkpoint(folder.path(), 7);
  const Manifest manifest = read_manifest(path);
  check_parts(path, manifest);

  const auto complaint_of_parts = [&] {
    try {
      check_parts(path, manifest);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      return std::string(error.what());
    }
    return std::string("none");
  };
  write_file(path / "part", "the weightz");
  EXPECT_THAT(complaint_of_parts(), HasSubstr("part: its checksum does not match"));
  write_file(path / "part", "the weight");
  EXPECT_THAT(complaint_of_parts(), HasSubstr("part: has 10 bytes, but 11 were written"));
  std::filesystem::remove(path / "part");
  EXPECT_THAT(complaint_of_parts(), HasSubstr("part: cannot open"));
}

}  // namespace
}  // namespace ringtrain
