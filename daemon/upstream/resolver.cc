#include "upstream/resolver.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/limits.h"

namespace streaming {
namespace {

// An address of the one family, then one of the other, so that a family that leads nowhere costs one try.
void alternate_families(AddressList& addresses) {
  if (addresses.empty()) return;
  const int first = addresses.front().family();
  AddressList others;
  std::erase_if(addresses, [&](const Address& address) {
    if (address.family() != first) others.push_back(address);
    return address.family() != first;
  });
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::size_t at = std::min(2 * i + 1, addresses.size());
    addresses.insert(addresses.begin() + static_cast<std::ptrdiff_t>(at), others[i]);
  }
}

Result<AddressList> look_up(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int result = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (result != 0) return Error{"cannot find the address of the upstream: " + std::string(gai_strerror(result))};
  AddressList addresses;
  for (const addrinfo* entry = found; entry != nullptr && addresses.size() < kMaxAddresses; entry = entry->ai_next) {
    Address& address = addresses.emplace_back();
    std::copy_n(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen,
                reinterpret_cast<char*>(&address.storage));
    address.length = entry->ai_addrlen;
  }
  freeaddrinfo(found);
  alternate_families(addresses);
  return addresses;
}

}  // namespace

struct Resolver::Queue {
  struct Answer {
    std::pair<std::string, std::uint16_t> name;
    Result<AddressList> addresses;
  };

  std::mutex mutex;
  std::condition_variable asked;
  std::deque<std::pair<std::string, std::uint16_t>> names;
  std::vector<Answer> answers;
  bool over = false;
  UniqueFd wakeup{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

Resolver::Resolver(Ring& ring, TimerWheel& timers) : ring_(ring), timers_(timers) {
}

Resolver::~Resolver() {
  if (queue_ == nullptr) return;
  const std::lock_guard lock(queue_->mutex);
  queue_->over = true;
  queue_->asked.notify_one();
}

void Resolver::ask(const std::string& host, std::uint16_t port, AddressAsker& asker) {
  Result<AddressList> literal = look_up(host, port, AI_NUMERICHOST);
  if (literal) return asker.on_addresses(literal);
  Name& name = names_[{host, port}];
  if (!name.being_found && timers_.now() < name.expiry) return asker.on_addresses(name.addresses);
  name.askers.push_back(asker);
  if (std::exchange(name.being_found, true)) return;
  if (queue_ == nullptr) start_thread();
  const std::lock_guard lock(queue_->mutex);
  queue_->names.emplace_back(host, port);
  queue_->asked.notify_one();
}

void Resolver::forget(const std::string& host, std::uint16_t port) {
  if (const auto found = names_.find({host, port}); found != names_.end()) found->second.expiry = Time{};
}

void Resolver::start_thread() {
  queue_ = std::make_shared<Queue>();
  CHECK(queue_->wakeup);
  std::thread(find_names, queue_).detach();
  watch();
}

void Resolver::watch() {
  ring_.submit_poll(RingFile::regular(queue_->wakeup.get()), POLLIN, Tag{Operation::kAddressesFound, {}});
}

void Resolver::on_found() {
  eventfd_t ignored = 0;
  eventfd_read(queue_->wakeup.get(), &ignored);
  watch();
  std::vector<Queue::Answer> answers;
  {
    const std::lock_guard lock(queue_->mutex);
    answers.swap(queue_->answers);
  }
  for (Queue::Answer& answer : answers) {
    Name& name = names_[answer.name];
    name.being_found = false;
    name.expiry = timers_.now() + (answer.addresses ? kResolvedForTime : kUnresolvedForTime);
    name.addresses = std::move(answer.addresses);
    while (AddressAsker* asker = name.askers.pop_front()) asker->on_addresses(name.addresses);
  }
}

void Resolver::find_names(std::shared_ptr<Queue> queue) {
  std::unique_lock lock(queue->mutex);
  for (;;) {
    queue->asked.wait(lock, [&] { return queue->over || !queue->names.empty(); });
    if (queue->over) return;
    const auto name = queue->names.front();
    queue->names.pop_front();
    lock.unlock();
    Result<AddressList> addresses = look_up(name.first, name.second, AI_ADDRCONFIG);
    lock.lock();
    queue->answers.push_back({name, std::move(addresses)});
    eventfd_write(queue->wakeup.get(), 1);
  }
}

}  // namespace streaming
