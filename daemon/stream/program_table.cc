// SPDX-License-Identifier: Apache-2.0
#include "stream/program_table.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <limits>
#include <string>
#include <utility>

#include "backends/local/exec.h"
#include "backends/registry.h"
#include "base/log.h"
#include "base/log_line.h"

namespace streaming {
namespace {

constexpr int kRetryAfterSeconds = 2;

// What the machine is short of now may be there in a moment; a program that is not there will not be.
Refusal not_started(int code) {
  const bool for_now = code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE;
  if (for_now) return Refusal{503, "the program cannot be started now, try again soon", kRetryAfterSeconds};
  return Refusal{500, "the program cannot be started"};
}

CloseCause cause_of(int status) {
  if (status == 0) return CloseCause::kCompleted;
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE ? CloseCause::kClientGone : CloseCause::kProgramFailed;
}

}  // namespace

class ProgramTable::Program final : public ChildOwner, private TimerOwner {
 public:
  Program(Handle handle, ProgramTable& table, std::string name)
      : handle_(handle), table_(table), name_(std::move(name)), lifetime_(*this) {}

  void on_child_ended(Handle, int status) override { table_.release(*this, status); }
  void on_timer(Timer&) override { table_.end(*this, CloseCause::kTooLong); }

  const Handle handle_;
  ProgramTable& table_;
  const std::string name_;
  Timer lifetime_;
  Handle child_;
  StreamTable::Place place_;
  std::optional<CloseCause> ended_for_;  // why it was asked to end; nothing while it may go on
};

ProgramTable::ProgramTable(Children& children, TimerWheel& timers, StreamTable& streams,
                           std::atomic<std::int64_t>& running)
    : children_(children),
      timers_(timers),
      streams_(streams),
      running_(running),
      programs_(std::numeric_limits<std::uint32_t>::max()) {  // the places bound it
}

ProgramTable::~ProgramTable() = default;

std::optional<Refusal> ProgramTable::open(UniqueFd& client, const HandoffRequest& request, const Config& config) {
  if (find_command(config, request.profile) == nullptr) {
    return Refusal{400, "unknown profile; of backend exec there are: " + command_names(config)};
  }
  if (running_.fetch_add(1, std::memory_order_relaxed) >= config.exec_max_children) {
    running_.fetch_sub(1, std::memory_order_relaxed);
    return Refusal{503, "too many programs run, try again soon", kRetryAfterSeconds};
  }
  std::optional<Refusal> refusal = start(client, request, config);
  if (refusal) {
    running_.fetch_sub(1, std::memory_order_relaxed);
  } else {
    client.reset();  // it is the program's
  }
  return refusal;
}

std::optional<Refusal> ProgramTable::start(const UniqueFd& client, const HandoffRequest& request,
                                           const Config& config) {
  Result<ProgramPayload> payload = program_payload(request);
  if (!payload) return not_started(payload.error().code);
  const auto backend = static_cast<std::size_t>(find_backend(kExecBackend) - backend_registry().data());
  StreamTable::Place place{.backend = backend, .since = timers_.clock()};
  if (std::optional<Refusal> refusal = streams_.take_place(request.user_id, place)) return refusal;

  Program& program = *programs_.create(*this, std::string(request.profile.empty() ? "default" : request.profile));
  program.place_ = place;
  std::vector<std::string> environment = harmless_environment();
  environment.push_back(std::move(payload->variable));
  // Programs are written for sockets that wait.
  fcntl(client.get(), F_SETFL, fcntl(client.get(), F_GETFL) & ~O_NONBLOCK);
  const Result<Handle> child = children_.start({.words = *find_command(config, request.profile),
                                                .environment = std::move(environment),
                                                .input = client.get(),
                                                .output = client.get(),
                                                .file = payload->file.get()},
                                               program);
  if (!child) {
    log::error("program {}: {}", program.name_, child.error().message);
    programs_.destroy(program, program.handle_);
    streams_.cancel_place(place);
    return not_started(child.error().code);
  }
  program.child_ = *child;
  const Duration longest = streams_.settings().max_stream_duration;
  if (longest > Duration(0)) timers_.schedule(program.lifetime_, longest);
  return std::nullopt;
}

void ProgramTable::end(Program& program, CloseCause cause) {
  if (!program.ended_for_) program.ended_for_ = cause;
  children_.end(program.child_);
}

void ProgramTable::end_all(CloseCause cause) {
  programs_.for_each([&](Program& program, Handle) { end(program, cause); });
}

void ProgramTable::release(Program& program, int status) {
  const CloseCause cause = program.ended_for_.value_or(cause_of(status));
  if (streams_.settings().log_each_stream) {
    LogLine line("program ended");
    line.add("stream", streams_.id_of_program(program.handle_)).add("profile", program.name_).add("cause", info(cause).word);
    WIFSIGNALED(status) ? line.add("signal", WTERMSIG(status)) : line.add("status", WEXITSTATUS(status));
    line.add("duration_ms", (timers_.clock() - program.place_.since).count()).write();
  }
  running_.fetch_sub(1, std::memory_order_relaxed);
  streams_.return_place(program.place_, cause);
  programs_.destroy(program, program.handle_);
}

}  // namespace streaming
