// SPDX-License-Identifier: Apache-2.0
#include "launcher/supervise/mpirun_starter.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/deadline.hpp"
#include "launcher/process/stopped_ranks.hpp"
#include "launcher/supervise/ssh_host_check.hpp"

namespace ringtrain::launcher {
namespace {

bool read_some(FileDescriptor& from, Lines& lines, const Lines::Take& take) {
  std::array<char, 65536> buffer;
  const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
  if (size > 0) lines.feed({buffer.data(), static_cast<size_t>(size)}, take);
  if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) from.close();
  return size > 0;
}

// Takes what is still in the pipe after all processes have ended.
void drain(FileDescriptor& from, Lines& lines, const Lines::Take& take) {
  if (from.is_open()) ::fcntl(from.get(), F_SETFL, O_NONBLOCK);
  while (from.is_open() && read_some(from, lines, take)) {
  }
  lines.finish(take);
}

// Stands for a check where hosts are reached in another way than ssh (kubectl exec), which cannot
// be asked.
class AllAnswer : public HostCheck {
 public:
  explicit AllAnswer(const std::vector<Host>& hosts) {
    for (const Host& host : hosts) problems_[host.name] = "";
  }
  bool done() override { return true; }
  const std::map<std::string, std::string>& problems() const override { return problems_; }

 private:
  std::map<std::string, std::string> problems_;
};

}  // namespace

Ranks::Seen ProcessRanks::wait(std::chrono::milliseconds at_most, const LineSink& sink) {
  FileDescriptor& out = process_.standard_output();
  FileDescriptor& err = process_.standard_error();
  std::array<pollfd, 4> events{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0},
                               pollfd{process_.ended(), POLLIN, 0},
                               pollfd{stop_.descriptor(), POLLIN, 0}};
  if (!poll_until(events, Deadline(at_most))) return {};
  if (events[0].revents != 0) read_some(out, output_, sink.standard_output);
  if (events[1].revents != 0) read_some(err, errors_, sink.standard_error);
  return {.output = events[0].revents != 0, .ended = events[2].revents != 0};
}

ExitStatus ProcessRanks::finish(const LineSink& sink) {
  const ExitStatus status = process_.wait();
  drain(process_.standard_output(), output_, sink.standard_output);
  drain(process_.standard_error(), errors_, sink.standard_error);
  return status;
}

std::string ProcessRanks::paused() { return stopped_ranks(process_.subreaper()); }

std::unique_ptr<Ranks> MpirunStarter::start(const std::vector<Host>& hosts, StartFrom from) {
  RankLayout layout = lay_out_on(hosts);
  layout.attempt = ++attempts_;
  auto hostfile = std::make_unique<TemporaryHostfile>(layout.hosts);
  const MpirunCommand command =
      mpirun_command(mpirun_, layout, hostfile->path(), command_(layout, from));
  return std::make_unique<ProcessRanks>(command, stop_, std::move(hostfile));
}

std::unique_ptr<HostCheck> MpirunStarter::check(const std::vector<Host>& hosts) {
  if (std::getenv("OMPI_MCA_plm_rsh_agent") != nullptr) return std::make_unique<AllAnswer>(hosts);
  return std::make_unique<SshHostCheck>(hosts);
}

}  // namespace ringtrain::launcher
