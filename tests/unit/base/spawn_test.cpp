// SPDX-License-Identifier: Apache-2.0
#include "base/spawn.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <string>
#include <system_error>

#include "base/file_descriptor.hpp"

namespace ringtrain {
namespace {

using testing::HasSubstr;

std::string read_all(const FileDescriptor& from) {
  std::string text;
  std::array<char, 256> buffer{};
  for (ssize_t size = 0; (size = ::read(from.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(size));
  }
  return text;
}

// Runs a script with its stdout in a pipe.
std::string output_of(const std::string& script, SpawnOptions options = {}) {
  Pipe out = make_pipe();
  options.arguments = {"sh", "-c", script};
  options.standard_output = out.write_end.get();
  Child child(options);
  out.write_end.close();
  return read_all(out.read_end);
}

ExitStatus status_of(const std::string& script) {
  return Child({.arguments = {"sh", "-c", script}}).wait();
}

TEST(Spawn, ReportsHowAChildEnded) {
  EXPECT_TRUE(status_of("exit 0").success());
  EXPECT_EQ(status_of("exit 7").code, 7);
  EXPECT_EQ(status_of("exit 7").shell_code(), 7);
  EXPECT_EQ(status_of("kill -KILL $$").signal, SIGKILL);
  EXPECT_EQ(status_of("kill -KILL $$").shell_code(), 128 + SIGKILL);
}

TEST(Spawn, SaysWhyAProgramCannotStart) {
  try {
    spawn({.arguments = {"/no/such/program"}});
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_STREQ(error.what(), "/no/such/program: cannot be started: No such file or directory");
    EXPECT_EQ(error.code().value(), ENOENT);
  }
  EXPECT_THROW(spawn({}), std::runtime_error);
}

TEST(Spawn, GivesAnEmptyInputAndOurEnvironmentWithMore) {
  ::setenv("SPAWN_TEST", "ours", 1);
  EXPECT_EQ(output_of("cat; echo $SPAWN_TEST"), "ours\n");
  EXPECT_EQ(output_of("echo $SPAWN_TEST $MORE",
                      {.environment = {{"SPAWN_TEST", "theirs"}, {"MORE", "too"}}}),
            "theirs too\n");
}

TEST(Spawn, StartsAProgramWithDefaultSignals) {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  const std::string status = output_of("grep -E '^Sig(Blk|Ign)' /proc/self/status");
  ::sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  EXPECT_THAT(status, HasSubstr("SigBlk:\t0000000000000000"));
  EXPECT_THAT(status, HasSubstr("SigIgn:\t0000000000000000"));
}

TEST(Spawn, RunsABodyInACopyOfThisProgram) {
  Pipe out = make_pipe();
  Child child({.body = [&] { return ::write(out.write_end.get(), "hello", 5) == 5 ? 3 : 4; }});
  out.write_end.close();
  EXPECT_EQ(read_all(out.read_end), "hello");
  EXPECT_EQ(child.wait().code, 3);
  EXPECT_EQ(Child({.body = []() -> int { throw 1; }}).wait().code, 127);
}

TEST(Spawn, MakesAGroupOfItsOwnWhereAsked) {
  const std::string own = "test $(cut -d' ' -f5 /proc/$$/stat) = $$";
  EXPECT_TRUE(Child({.arguments = {"sh", "-c", own}, .own_group = true}).wait().success());
  EXPECT_FALSE(Child({.arguments = {"sh", "-c", own}}).wait().success());
}

TEST(Spawn, SignalsAChildWhoseParentDies) {
  Pipe out = make_pipe();
  Child parent({.body = [&] {
    spawn({.arguments = {"sleep", "1000"},
           .standard_output = out.write_end.get(),
           .death_signal = SIGKILL});
    return 0;
  }});
  out.write_end.close();
  EXPECT_TRUE(parent.wait().success());
  EXPECT_EQ(read_all(out.read_end), "");  // the sleeper has let go of the pipe
}

TEST(Child, IsKilledWithItsOwner) {
  Pipe out = make_pipe();
  {
    Child child({.arguments = {"sleep", "1000"}, .standard_output = out.write_end.get()});
    out.write_end.close();
    EXPECT_FALSE(child.poll());
    Child other = std::move(child);
    EXPECT_GT(other.process(), 0);
  }
  EXPECT_EQ(read_all(out.read_end), "");
}

}  // namespace
}  // namespace ringtrain
