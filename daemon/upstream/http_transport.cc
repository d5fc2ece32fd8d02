// SPDX-License-Identifier: Apache-2.0
#include "upstream/http_transport.h"

#include "upstream/limits.h"

namespace streaming {

HttpTransport::Slot::Slot(Handle new_handle, ByteStreamOwner& owner, Origin& origin, ByteStreamEnvironment& environment)
    : handle(new_handle),
      stream(owner, origin, environment,
             {.receive = {Operation::kUpstreamReceive, handle},
              .send = {Operation::kUpstreamSend, handle},
              .writable = {Operation::kUpstreamWritable, handle}}) {
}

void HttpTransport::FreeSlot::operator()(ByteStream*) const {
  slots->destroy(*slots->find(handle), handle);
}

HttpTransport::HttpTransport(Ring& ring, TimerWheel& new_timers, Resolver& new_resolver)
    : timers(new_timers),
      resolver(new_resolver),
      connects_(ring, new_timers),
      byte_streams{.ring = ring, .connects = connects_, .plaintext = std::vector<char>(kTlsRecordBytes)},
      slots_(kUnlimited) {  // the engines bound it
}

HttpTransport::Stream HttpTransport::make_stream(ByteStreamOwner& owner, Origin& origin) {
  Slot& slot = *slots_.create(owner, origin, byte_streams);
  return Stream(&slot.stream, FreeSlot{&slots_, slot.handle});
}

void HttpTransport::enter_at(CompletionTable& completions) {
  completions.enter<&ConnectAttempts::on_connected>(Operation::kUpstreamConnect, connects_);
  completions.enter_slots<&Slot::on_received>(Operation::kUpstreamReceive, slots_);
  completions.enter_slots<&Slot::on_sent>(Operation::kUpstreamSend, slots_);
  completions.enter_slots<&Slot::on_writable>(Operation::kUpstreamWritable, slots_);
}

}  // namespace streaming
