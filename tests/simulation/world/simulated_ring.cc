// SPDX-License-Identifier: Apache-2.0
// The ring's life: what is submitted, waits, completes and is handed out. simulated_operations.cc has what each operation
// does.
#include "simulation/world/simulated_ring.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/json_input.h"
#include "simulation/world/operation_names.h"
#include "simulation/world/request.h"

namespace streaming::simulation {
namespace {

constexpr int kFirstRing = 1 << 20;

std::string result_name(std::int64_t result) {
  return result >= 0 ? "ok" : strerrorname_np(static_cast<int>(-result));
}

// A descriptor of the real kernel is not the same each time.
std::int32_t traced_result(const Completion& completion) {
  const Operation operation = completion.tag.operation;
  const bool opens = operation == Operation::kJournalOpen || operation == Operation::kFileOpen;
  return opens ? std::min(completion.result, 0) : completion.result;
}

}  // namespace

SimulatedRing::SimulatedRing(Kernel& kernel, Disk& disk, ProcessFiles& files, const RingOptions& options,
                             std::string name, std::function<void()> on_ready)
    : kernel_(kernel),
      disk_(disk),
      files_(files),
      options_(options),
      name_(std::move(name)),
      number_(kFirstRing + static_cast<int>(kernel.next_number())),
      on_ready_(std::move(on_ready)) {
  if (options_.direct_files) table_.resize(options_.client_files + options_.connection_files);
  kernel_.rings.emplace(number_, this);
}

SimulatedRing::~SimulatedRing() {
  kernel_.rings.erase(number_);
}

void SimulatedRing::kill() {
  killed_ = true;
  if (kernel_.killing) note_killed();
  alive_ = std::make_shared<int>(0);
  submitted_.clear();
  requests_.clear();
  ready_.clear();
  unreported_losses_ = false;
  for (std::shared_ptr<File>& file : table_) std::exchange(file, nullptr).reset();
}

void SimulatedRing::note_killed() {
  for (const std::shared_ptr<File>& file : table_) {
    if (file != nullptr) file->note_killed();
  }
  for (const auto& [number, request] : requests_) {
    if (request->held != nullptr) request->held->note_killed();
  }
}

void SimulatedRing::finish_closes() {
  std::vector<Request*> closes;
  for (const auto& [number, request] : requests_) {
    if (request->kind == Kind::kClose) closes.push_back(request.get());
  }
  for (Request* request : closes) complete(*request, close(*request));
}

std::size_t SimulatedRing::files_in_table() const {
  return static_cast<std::size_t>(
      std::count_if(table_.begin(), table_.end(), [](const auto& file) { return file != nullptr; }));
}

// --- Files ----------------------------------------------------------------------------------------------------------

Result<RingFile> SimulatedRing::adopt(std::uint32_t slot, UniqueFd& fd) {
  if (!options_.direct_files || slot >= options_.client_files) return RingFile::regular(fd.release());
  if (kernel_.faults.failed_adoption.strikes(kernel_.random)) {
    kernel_.coverage.count("fault", "failed adoption");
    if (const std::shared_ptr<File> file = files_.find(fd.get())) file->note_dropped();
    return Error::from_errno("cannot install a file in the ring", ENOMEM);
  }
  CHECK(table_[slot] == nullptr);
  table_[slot] = files_.find(fd.get());
  CHECK(table_[slot] != nullptr);
  fd.reset();
  return RingFile::direct(slot);
}

RingFile SimulatedRing::file_of(std::int32_t result) const {
  CHECK(result >= 0);
  return options_.direct_files ? RingFile::direct(static_cast<std::uint32_t>(result)) : RingFile::regular(result);
}

std::shared_ptr<File> SimulatedRing::find(RingFile file) const {
  if (!file.is_direct()) return files_.find(file.number());
  const auto slot = static_cast<std::size_t>(file.number());
  return slot < table_.size() ? table_[slot] : nullptr;
}

// Where an accepted connection is.
std::int32_t SimulatedRing::install(std::shared_ptr<File> file) {
  if (!options_.direct_files) return files_.add(std::move(file));
  const auto first = table_.begin() + options_.client_files;
  const auto free = std::find(first, table_.end(), nullptr);
  if (free == table_.end()) {
    file->note_dropped();
    return -ENFILE;
  }
  *free = std::move(file);
  return static_cast<std::int32_t>(free - table_.begin());
}

// --- Submitting -----------------------------------------------------------------------------------------------------

SimulatedRing::Request& SimulatedRing::add(Kind kind, RingFile file, Tag tag) {
  auto request = std::make_unique<Request>(*this, kind, file, tag, next_request_++);
  Request& added = *request;
  requests_.emplace(added.number, std::move(request));
  submitted_.push_back(&added);
  return added;
}

void SimulatedRing::enter() {
  if (killed_) return;
  while (!submitted_.empty()) {
    Request& request = *submitted_.front();
    submitted_.pop_front();
    request.begin();
    carry_out_or_wait(request);
  }
}

void SimulatedRing::carry_out_or_wait(Request& request) {
  if (request.kind == Kind::kCancel) {
    cancel(request.tag);
    requests_.erase(request.number);
    return;
  }
  const bool is_real = request.kind == Kind::kClose && !request.file.is_direct() && request.file.number() < kFirstDescriptor;
  if (is_real) return complete(request, ::close(request.file.number()) == 0 ? 0 : -EBADF);
  if (!request.is_for_disk() && request.kind != Kind::kPassFile) {
    request.held = find(request.file);
    if (request.held == nullptr) return complete(request, -EBADF);
  }
  if (request.is_for_disk()) return start_disk_operation(request);
  if (!kernel_.faults.late_execution.strikes(kernel_.random)) return carry_out(request);
  kernel_.coverage.count("fault", "late execution");
  const std::int64_t delay = static_cast<std::int64_t>(kernel_.random.between(1, 400)) * 1000;
  kernel_.scheduler.after_ns(delay, [this, number = request.number, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    if (const auto found = requests_.find(number); found != requests_.end()) carry_out(*found->second);
  });
}

// Or waits for its file.
void SimulatedRing::carry_out(Request& request) {
  if (const std::optional<std::int64_t> result = try_now(request)) return complete(request, *result);
  if (!request.waits) {
    request.waits = true;
    request.held->add(request);
  }
}

void SimulatedRing::Request::on_change() {
  if (const std::optional<std::int64_t> result = ring.try_now(*this)) ring.complete(*this, *result);
}

void SimulatedRing::cancel(Tag target) {
  const auto found = std::find_if(requests_.begin(), requests_.end(), [&](const auto& entry) {
    const Request& request = *entry.second;
    return request.tag == target && request.kind != Kind::kCancel && request.begun && !request.is_for_disk();
  });
  kernel_.trace.note("{} cancel {} {}: {}", name_, name_of(target.operation), target.slot.index,
                     found == requests_.end() ? "not there" : "done");
  if (found != requests_.end()) complete(*found->second, -ECANCELED);
}

// --- Completing -----------------------------------------------------------------------------------------------------

void SimulatedRing::complete(Request& request, std::int64_t result) {
  const auto found = requests_.find(request.number);
  CHECK(found != requests_.end());
  Ready ready{std::move(found->second), {}, {}, nullptr};
  requests_.erase(found);
  ready.completion = {.tag = request.tag, .result = static_cast<std::int32_t>(result), .more = false, .buffer = {}};
  request.note_result(result);
  request.finish();
  if (request.buffer_in_use != nullptr) {
    ready.buffer = std::move(request.buffer);
    ready.buffers_in_use = request.buffer_in_use;
  }
  if (!kernel_.faults.late_completion.strikes(kernel_.random)) return push(std::move(ready));
  kernel_.coverage.count("fault", "late completion");
  const std::int64_t delay = static_cast<std::int64_t>(kernel_.random.between(1, 3000)) * 1000;
  auto later = std::make_shared<Ready>(std::move(ready));
  kernel_.scheduler.after_ns(delay, [this, later, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) push(std::move(*later));
  });
}

void SimulatedRing::push(Ready ready) {
  const bool can_be_lost = ready.completion.tag.operation != Operation::kNone && ready.buffers_in_use == nullptr;
  if (can_be_lost && kernel_.faults.lost_completions.strikes(kernel_.random)) {
    kernel_.trace.note("{} loses {} {}", name_, name_of(ready.completion.tag.operation), ready.completion.tag.slot.index);
    kernel_.coverage.count("fault", "lost completion");
    ++lost_;
    unreported_losses_ = true;
    return on_ready_();
  }
  ready_.push_back(std::move(ready));
  on_ready_();
}

Status SimulatedRing::wait(std::optional<std::int64_t>) {
  enter();
  if (!std::exchange(unreported_losses_, false)) return success();
  return Error{"the kernel had no memory for completions and has lost some", EBADR};
}

bool SimulatedRing::dispatch(CompletionHandler& handler) {
  std::size_t count = ready_.size();
  if (count > 1 && kernel_.faults.held_completions.strikes(kernel_.random)) {
    kernel_.coverage.count("fault", "completions in parts");
    count = kernel_.random.between(1, count - 1);
  }
  for (std::size_t i = 0; i < count; ++i) {
    Ready ready = std::move(ready_.front());
    ready_.pop_front();
    Completion& completion = ready.completion;
    if (ready.request) ready.request->use_memory_again(completion.result);
    if (completion.tag.operation == Operation::kNone) continue;
    kernel_.trace.note("{} {} {}.{} = {}{}", name_, name_of(completion.tag.operation), completion.tag.slot.index,
                       completion.tag.slot.generation, traced_result(completion), completion.more ? " more" : "");
    kernel_.coverage.count(name_of(completion.tag.operation), result_name(completion.result));
    if (ready.buffers_in_use != nullptr) {
      const auto bytes = static_cast<std::size_t>(std::max(completion.result, 0));
      completion.buffer = std::span(ready.buffer).first(bytes);
    }
    handler.on_completion(completion);
    if (killed_) return true;
    if (ready.buffers_in_use != nullptr) --*ready.buffers_in_use;
  }
  return count > 0;
}

}  // namespace streaming::simulation
