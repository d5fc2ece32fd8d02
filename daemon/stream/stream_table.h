// SPDX-License-Identifier: Apache-2.0
// StreamTable: a worker's streams, and what they share.
//
// One per worker, owned by it, on its thread. A stream's slot is also its client's slot in the ring's file table.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "answers/answer_reports.h"
#include "base/intrusive_list.h"
#include "base/slab.h"
#include "handoff/admission.h"
#include "handoff/client.h"
#include "handoff/reservation.h"
#include "handoff/worker_load.h"
#include "metrics/counters.h"
#include "ring/completion_table.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"
#include "sse/event_encoder.h"
#include "sse/http_date.h"
#include "stream/stream.h"
#include "stream/stream_metrics.h"
#include "answers/answer_table.h"
#include "answers/user_places.h"
#include "tls/tls_ciphers.h"

namespace streaming {

struct StreamSettings {
  std::uint32_t max_streams = 0;  // of this worker
  Duration max_stream_duration{0};
  Duration first_byte_timeout{0};
  Duration idle_timeout{0};
  Duration write_timeout{0};
  Duration heartbeat_interval{0};    // 0: none
  std::size_t max_queued_bytes = 0;  // over it the backend is paused, until a quarter of it is left
  Format format = Format::kContent;  // unless the hand-off or its backend names another
  bool early_head = true;            // the head is sent at once; else with the first event, or an error's in its place
  bool done_event = false;           // for clients that get no other sign of the end
  bool log_each_stream = true;
};

class StreamTable final : public AnswerObserver, private TimerOwner, private WorkOwner {
 public:
  // Borrows all but the settings.
  StreamTable(Ring& ring, TimerWheel& timers, WorkerLoad& load, UserPlaces& users, AnswerReports& reports,
              Counters& counters, const StreamSettings& settings);

  // Opens a stream that takes the client and its assignment of the WorkerLoad. If it is refused, the caller keeps both.
  Admission open(Client& client, std::unique_ptr<HandoffRequest> request, Backend& backend);
  // Keeps a place for a stream whose client comes later.
  Admission reserve(std::unique_ptr<HandoffRequest> request, Backend& backend,
                    std::unique_ptr<Reservation>& reservation);
  // As open(), for a stream that reads a kept answer. The answer counts as its user's and its backend's, not the stream.
  Admission follow(Client& client, std::unique_ptr<HandoffRequest> request, KeptAnswer& answer);
  // The format of the backend's answer. The Error is for the client: it names a format that there is not.
  Result<Format> format_of(const HandoffRequest& request, const Backend& backend) const;
  // As open(), to answer the client with `refusal`, which may be a 204; false if there is no room even for that.
  bool open_refused(Client& client, const Refusal& refusal);

  // For the hand-off's receiver (ClientReceiver).
  void hold(Handle stream);
  void start(Handle stream);
  void give_back(Handle stream);

  // A client that has no stream, or none yet, takes a place among them, and counts as its user's.
  struct Place {
    std::size_t backend = 0;  // which of backend_registry()
    Time since{};
    UserLimits::User* user = nullptr;
  };
  bool has_place() const { return places_taken() < settings_.max_streams; }
  // Refused unless there is a place, and room for another stream of its user.
  Admission take_place(std::string_view user_id, Place& place);
  // It gets a stream. The stream takes the place, the client and its assignment of the WorkerLoad; if the client is not
  // admitted, the caller keeps all three.
  Admission open_at(const Place& place, Client& client, std::unique_ptr<HandoffRequest> request, Format format,
                    Backend& backend);
  // It has begun without a stream.
  void count_request(const Place& place);
  // It has ended without a stream, for that cause, and with it its client's assignment of the WorkerLoad.
  void return_place(const Place& place, CloseCause cause);
  // It has not begun.
  void cancel_place(const Place& place);

  // Completions of clients' operations go to their streams.
  void enter_at(CompletionTable& completions);

  // Ends all streams. Their clients have kDrainTimeout to take what is queued for them.
  void close_all(CloseCause cause);
  bool closing() const { return closing_; }

  // For the streams that there are and those to come; max_streams stays what it was.
  void set_settings(const StreamSettings& settings);

  bool empty() const { return streams_.size() == 0; }
  // Any thread may read them.
  const StreamMetrics& metrics() const { return metrics_; }
  // Calls `visit` with each stream.
  template <typename Visit>
  void for_each(Visit&& visit) {
    streams_.for_each([&visit](Stream& stream, Handle) { visit(stream); });
  }

  // For the streams.
  Ring& ring() { return ring_; }
  TimerWheel& timers() { return timers_; }
  Counters& counters() { return counters_; }
  const StreamSettings& settings() const { return settings_; }
  // Flushes it at the turn's end. Not while it is linked.
  void flush_later(Stream& stream) {
    to_flush_.push_back(stream);
    timers_.at_turn_end(flush_);
  }
  AnswerReports& reports() { return reports_; }
  TlsCiphers& tls_ciphers() { return tls_ciphers_; }
  // Starts a stream that is held, in kHttp2HeadDelay.
  void start_later(Stream& stream);
  // A client with a connection has sent something: lets the stream receive it, at once or when it is its turn.
  void receive_when_possible(Stream& stream);
  // A stream's receive has completed.
  void received();
  // Of all clients' incomplete records; a stream reports each change.
  std::size_t incomplete_record_bytes() const { return incomplete_record_bytes_; }
  void count_incomplete_record(std::size_t bytes_before, std::size_t bytes_now);
  // For a head.
  std::string_view date() { return date_.now(); }
  // Receives bytes that are dropped; shared by all streams, because nobody reads it.
  std::span<char> discarded_bytes() { return discarded_; }
  // A stream's name in the log and in /streams: worker, slot and generation. It is unique within the process.
  std::string id_of(const Stream& stream) const;
  // Likewise of a client that a program answers: its slot is of another table, and has a "p" before it.
  std::string id_of_program(Handle program) const;
  void count_first_event(const Stream& stream, Duration after);
  // The stream has ended: counts, logs and frees it.
  void release(Stream& stream);

 private:
  class ReservedStream;

  // Takes a place and chooses the answer's format, or refuses.
  Admission take_place(const HandoffRequest& request, const Backend& backend, Place& place, Format& format);
  void free_place();
  std::uint32_t places_taken() const { return streams_.size() - refused_streams_ + places_without_stream_; }
  void note_places();
  // A stream that has taken the client. Null on failure, and the client is still the caller's.
  Stream* create(Client& client);
  void count(const Stream& stream);
  void on_answer_begun(const KeptAnswer& answer) override;
  void on_answer_ended(const KeptAnswer& answer) override;
  void log_end(const Stream& stream) const;
  // When a peak is over, the allocator's free memory goes back to the system.
  void trim_memory_later();
  void on_timer(Timer&) override;
  void on_work(Work&) override;
  void submit_receives();
  void start_due();

  Ring& ring_;
  TimerWheel& timers_;
  WorkerLoad& load_;
  UserPlaces& users_;
  AnswerReports& reports_;
  Counters& counters_;
  StreamSettings settings_;
  Timer trim_{*this};
  Work flush_{*this};  // something is in to_flush_
  HttpDate date_;
  std::uint32_t peak_since_trim_ = 0;
  bool closing_ = false;  // from close_all() on
  std::uint32_t refused_streams_ = 0;  // that only answer with a refusal; they take no place from others
  std::uint32_t places_without_stream_ = 0;
  StreamMetrics metrics_;
  Slab<Stream> streams_;
  IntrusiveList<Stream> to_flush_;
  TlsCiphers tls_ciphers_;
  std::deque<Handle> to_receive_;  // streams that wait for others' receives; some have ended meanwhile
  std::uint32_t receiving_ = 0;
  struct Start {
    Handle stream;  // which may have ended meanwhile
    Time due;
  };
  std::deque<Start> to_start_;  // the first one that is due first
  Timer start_{*this};
  std::size_t incomplete_record_bytes_ = 0;
  std::array<char, 16 * 1024> discarded_;
};

}  // namespace streaming
