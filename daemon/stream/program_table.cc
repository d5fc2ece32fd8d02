// SPDX-License-Identifier: Apache-2.0
#include "stream/program_table.h"

#include <fcntl.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/registry.h"
#include "base/log.h"
#include "base/log_line.h"
#include "process/program.h"
#include "stream/limits.h"
#include "stream/program_output.h"

namespace streaming {
namespace {

constexpr std::string_view kDefaultCommand = "default";

// The kernel takes no variable of more than 32 pages, its name and its end included (MAX_ARG_STRLEN).
constexpr std::size_t kLongestVariable = 32 * 4096 - 1;

std::string json_of(const HandoffRequest& request) {
  if (request.json.document().IsNull()) return {};
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  request.json.document().Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

Result<UniqueFd> file_of(std::string_view text) {
  UniqueFd file(memfd_create("handoff_data", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return Error::from_errno("cannot create a memfd", errno);
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = write(file.get(), rest.data(), rest.size());
    if (written <= 0) return Error::from_errno("cannot write a memfd", errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  lseek(file.get(), 0, SEEK_SET);
  fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return file;
}

// The command of the hand-off's profile, or the one named "default"; null if the configuration has none.
const std::vector<std::string>* find_command(const Config& config, std::string_view profile) {
  const auto found = config.exec_commands.find(profile.empty() ? kDefaultCommand : profile);
  return found == config.exec_commands.end() ? nullptr : &found->second;
}

// "default, report"
std::string command_names(const Config& config) {
  std::string names;
  for (const auto& [name, words] : config.exec_commands) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

// The payload, as a program gets it.
struct ProgramPayload {
  std::string variable;  // of its environment: the payload, or the path of its file
  UniqueFd file;         // the payload, if it is too large for a variable; else none
};

Result<ProgramPayload> program_payload(const HandoffRequest& request) {
  std::string variable = "HANDOFF_DATA=" + json_of(request);
  if (variable.size() <= kLongestVariable) return ProgramPayload{std::move(variable), UniqueFd()};
  Result<UniqueFd> file = file_of(std::string_view(variable).substr(variable.find('=') + 1));
  if (!file) return file.error();
  return ProgramPayload{"HANDOFF_DATA_FILE=/proc/self/fd/" + std::to_string(kProgramFile), std::move(*file)};
}

// What the machine is short of now may be there in a moment; a program that is not there will not be.
Refusal not_started(int code) {
  const bool for_now = code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE;
  if (for_now) return Refusal{503, "the program cannot be started now, try again soon", kRetryAfterSeconds};
  return Refusal{500, "the program cannot be started"};
}

std::size_t exec_index() {
  return static_cast<std::size_t>(find_backend(kExecBackend) - backend_registry().data());
}

CloseCause cause_of(int status) {
  if (status == 0) return CloseCause::kCompleted;
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE ? CloseCause::kClientGone : CloseCause::kProgramFailed;
}

}  // namespace

class ProgramTable::Program final : public ChildOwner, private TimerOwner, private WorkOwner {
 public:
  Program(Handle handle, ProgramTable& table, std::string name, std::vector<std::string> command)
      : handle_(handle),
        table_(table),
        name_(std::move(name)),
        command_(std::move(command)),
        lifetime_(*this),
        over_(*this) {}
  ~Program() { table_.running_.fetch_sub(1, std::memory_order_relaxed); }

  void on_child_ended(Handle, int status) override { table_.on_ended(*this, status); }
  void on_timer(Timer&) override { table_.end(*this, CloseCause::kTooLong); }
  void on_work(Work&) override { table_.release_when_over(*this); }

  void on_readable(const Completion& completion) { output_->on_readable(completion); }
  void on_received(const Completion& completion) { output_->on_received(completion); }

  const Handle handle_;
  ProgramTable& table_;
  const std::string name_;
  const std::vector<std::string> command_;
  Time started_{};
  Timer lifetime_;
  Work over_;                                // the program was reaped, or its output is over
  std::optional<Handle> child_;              // nothing before the start and once it was reaped
  std::optional<StreamTable::Place> place_;  // nothing if a stream has it
  std::unique_ptr<ProgramOutput> output_;    // null unless a stream has the client
  std::string stream_id_;                    // for the log
  std::optional<CloseCause> ended_for_;      // why it was asked to end; nothing while it may go on
};

class ProgramTable::ProgramBackend final : public Backend {
 public:
  ProgramBackend() { set_index(exec_index()); }

  std::unique_ptr<BackendSession> answer(std::unique_ptr<HandoffRequest>, EventSink& sink) override {
    program_->stream_id_ = sink.stream_id();
    return program_->output_->begin(sink);
  }

  Program* program_ = nullptr;  // of the stream that is being opened
};

ProgramTable::ProgramTable(Ring& ring, Children& children, TimerWheel& timers, StreamTable& streams,
                           std::atomic<std::int64_t>& running)
    : ring_(ring),
      children_(children),
      timers_(timers),
      streams_(streams),
      running_(running),
      programs_(kUnlimited),  // max_children bounds it
      backend_(std::make_unique<ProgramBackend>()) {
}

ProgramTable::~ProgramTable() = default;

void ProgramTable::enter_at(CompletionTable& completions) {
  completions.enter_slots<&Program::on_readable>(Operation::kProgramReadable, programs_);
  completions.enter_slots<&Program::on_received>(Operation::kProgramReceive, programs_);
}

// --- Beginning ------------------------------------------------------------------------------------------------------

class ProgramTable::ReservedProgram final : public Reservation {
 public:
  // Borrows the table and the program, which has not started.
  ReservedProgram(ProgramTable& table, Program& program, const StreamTable::Place& place,
                  std::unique_ptr<HandoffRequest> request)
      : table_(table), program_(program), place_(place), request_(std::move(request)) {}
  ~ReservedProgram() override {
    if (taken_) return;
    table_.streams_.cancel_place(place_);
    if (!program_.child_) table_.programs_.destroy(program_, program_.handle_);
  }

  bool is_relay_only() const override { return true; }
  Admission take(Client& client) override {
    Admission admission = table_.start(program_, place_, client, std::move(request_));
    taken_ = static_cast<bool>(admission);
    return admission;
  }

 private:
  ProgramTable& table_;
  Program& program_;
  const StreamTable::Place place_;
  std::unique_ptr<HandoffRequest> request_;
  bool taken_ = false;  // by the program, which runs
};

Admission ProgramTable::open(Client& client, std::unique_ptr<HandoffRequest> request, const Config& config) {
  if (is_http2(client.transport)) return Refusal{400, "backend exec has no frames for a client over HTTP/2"};
  std::unique_ptr<Reservation> place;
  if (Admission admission = reserve(std::move(request), config, place); !admission) return admission;
  return place->take(client);
}

Admission ProgramTable::reserve(std::unique_ptr<HandoffRequest> request, const Config& config,
                                std::unique_ptr<Reservation>& reservation) {
  const std::vector<std::string>* command = find_command(config, request->profile);
  if (command == nullptr) {
    return Refusal{400, "unknown profile; of backend exec there are: " + command_names(config)};
  }
  if (running_.fetch_add(1, std::memory_order_relaxed) >= config.exec_max_children) {
    running_.fetch_sub(1, std::memory_order_relaxed);
    return Refusal{503, "too many programs run, try again soon", kRetryAfterSeconds};
  }
  Program& program = *programs_.create(
      *this, std::string(request->profile.empty() ? kDefaultCommand : request->profile), *command);
  StreamTable::Place place{.backend = exec_index(), .since = timers_.clock()};
  Admission admission = streams_.take_place(request->user_id, place);
  if (admission) {
    reservation = std::make_unique<ReservedProgram>(*this, program, place, std::move(request));
  } else {
    programs_.destroy(program, program.handle_);
  }
  return admission;
}

Admission ProgramTable::start(Program& program, const StreamTable::Place& place, Client& client,
                              std::unique_ptr<HandoffRequest> request) {
  program.started_ = timers_.clock();
  const Result<Handle> child =
      client.connection ? start_behind_pair(program, *request) : start_child(program, client.socket, *request);
  if (!child) {
    log::error("program {}: {}", program.name_, child.error().message);
    return not_started(child.error().code);
  }
  program.child_ = *child;
  const Duration longest = streams_.settings().max_stream_duration;
  if (longest > Duration(0)) timers_.schedule(program.lifetime_, longest);
  if (!client.connection) {
    program.place_ = place;
    program.stream_id_ = streams_.id_of_program(program.handle_);
    streams_.count_request(place);
    client.socket.reset();  // it is the program's
    return admitted();
  }
  backend_->program_ = &program;
  Admission admission = streams_.open_at(place, client, std::move(request), Format::kVerbatim, *backend_);
  backend_->program_ = nullptr;
  if (!admission) end(program, CloseCause::kRefused);
  return admission;
}

Result<Handle> ProgramTable::start_behind_pair(Program& program, const HandoffRequest& request) {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::from_errno("cannot create a socket pair", errno);
  }
  UniqueFd ours(ends[0]);
  const UniqueFd its(ends[1]);
  program.output_ = std::make_unique<ProgramOutput>(ring_, timers_, Tag{Operation::kProgramReadable, program.handle_},
                                                    Tag{Operation::kProgramReceive, program.handle_}, std::move(ours),
                                                    program.over_);
  return start_child(program, its, request);
}

Result<Handle> ProgramTable::start_child(Program& program, const UniqueFd& client, const HandoffRequest& request) {
  Result<ProgramPayload> payload = program_payload(request);
  if (!payload) return payload.error();
  std::vector<std::string> environment = harmless_environment();
  environment.push_back(std::move(payload->variable));
  // Programs are written for sockets that wait.
  fcntl(client.get(), F_SETFL, fcntl(client.get(), F_GETFL) & ~O_NONBLOCK);
  return children_.start({.words = program.command_,
                          .environment = std::move(environment),
                          .input = client.get(),
                          .output = client.get(),
                          .file = payload->file.get()},
                         program);
}

// --- Ending ---------------------------------------------------------------------------------------------------------

void ProgramTable::end(Program& program, CloseCause cause) {
  if (!program.child_) return;
  if (!program.ended_for_) program.ended_for_ = cause;
  children_.end(*program.child_);
}

void ProgramTable::end_all(CloseCause cause) {
  programs_.for_each([&](Program& program, Handle) { end(program, cause); });
}

void ProgramTable::on_ended(Program& program, int status) {
  program.child_.reset();
  program.lifetime_.stop();
  // A program whose stream has ended before it has lost its client, however it takes that.
  const bool lost_client = program.output_ && !program.output_->wanted();
  const CloseCause cause = program.ended_for_.value_or(lost_client ? CloseCause::kClientGone : cause_of(status));
  if (streams_.settings().log_each_stream) {
    LogLine line("program ended");
    line.add("stream", program.stream_id_).add("profile", program.name_).add("cause", info(cause).word);
    WIFSIGNALED(status) ? line.add("signal", WTERMSIG(status)) : line.add("status", WEXITSTATUS(status));
    line.add("duration_ms", (timers_.clock() - program.started_).count()).write();
  }
  if (program.place_) streams_.return_place(*program.place_, cause);
  if (program.output_) program.output_->on_program_ended(status);
  timers_.soon(program.over_);
}

void ProgramTable::release_when_over(Program& program) {
  if (!program.child_ && (!program.output_ || program.output_->over())) programs_.destroy(program, program.handle_);
}

}  // namespace streaming
