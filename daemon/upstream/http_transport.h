// SPDX-License-Identifier: Apache-2.0
// HttpTransport: what both HTTP engines of a worker stand on: its byte streams, and the origins that they lead to.
//
// A member of the UpstreamClient, on the worker's thread; outlives the engines. Each connection's ByteStream has a slot here,
// so that one engine can hand it to the other when the server has chosen what is spoken.

#pragma once

#include <memory>

#include "base/slab.h"
#include "ring/completion_table.h"
#include "upstream/address_race.h"
#include "upstream/byte_stream.h"
#include "upstream/origins.h"
#include "upstream/resolver.h"

namespace streaming {

class HttpTransport {
 public:
  // Borrows all.
  HttpTransport(Ring& ring, TimerWheel& new_timers, Resolver& new_resolver);

  // Completions of connections' operations go to them.
  void enter_at(CompletionTable& completions);

  struct Slot;
  // Frees the slot. Not before the ByteStream is idle, or the ring's last turn is over.
  struct FreeSlot {
    Slab<Slot>* slots;
    Handle handle;
    void operator()(ByteStream* stream) const;
  };
  using Stream = std::unique_ptr<ByteStream, FreeSlot>;
  // Borrows both.
  Stream make_stream(ByteStreamOwner& owner, Origin& origin);

  TimerWheel& timers;
  Resolver& resolver;
  Origins origins;

 private:
  ConnectAttempts connects_;

 public:
  ByteStreamEnvironment byte_streams;

 private:
  Slab<Slot> slots_;
};

struct HttpTransport::Slot {
  Slot(Handle handle, ByteStreamOwner& owner, Origin& origin, ByteStreamEnvironment& environment);

  void on_received(const Completion& completion) { stream.on_received(completion); }
  void on_sent(const Completion& completion) { stream.on_sent(completion); }
  void on_writable(const Completion& completion) { stream.on_writable(completion); }

  const Handle handle;
  ByteStream stream;
};

}  // namespace streaming
