// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/http2_client.h"

#include <apr_portable.h>

#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/child.h"
#include "mod_socket_handoff/client_connection.h"
#include "mod_socket_handoff/deadline.h"
#include "mod_socket_handoff/http2_trace.h"
#include "mod_socket_handoff/outcome.h"
#include "mod_socket_handoff/tls_client.h"
#include "mod_socket_handoff/unused_bytes.h"

namespace socket_handoff {

namespace {

using handoff_protocol::FrameHead;
using handoff_protocol::FrameType;

// How long the primary connection's thread may take to meet the interim response. It may have to write to a slow client
// first.
constexpr std::chrono::milliseconds kMaxWaitForPrimary(2000);

// How often a waiting request looks whether its stream was cancelled, which nobody signals.
constexpr std::chrono::milliseconds kLookForCancelling(50);

}  // namespace

// In the primary connection's pool, which outlives all requests of the connection: mod_http2 waits for their threads.
class Http2Client {
 public:
  // A request that waits for the primary's thread. On the stack of the request's thread; Http2Client's mutex guards it.
  struct PendingDeparture {
    enum class State {
      kAwaited,         // the request's thread may withdraw it
      kIsBeingDecided,  // the primary's thread uses it, and the request's thread waits without a limit
      kDecided,
    };

    std::uint32_t stream;
    Reservation& reservation;
    State state = State::kAwaited;
    Departure departure = {};
  };

  // Where in a brigade the interim response of a pending departure is.
  struct InterimResponse {
    apr_off_t start;
    bool is_last;  // no other frame follows
  };

  explicit Http2Client(conn_rec* c);

  conn_rec* connection() const { return c_; }
  void watch_by(ap_filter_t* input, ap_filter_t* output) {
    input_ = input;
    output_ = output;
  }

  // For the primary's thread.

  bool is_gone() const { return is_gone_; }
  void stop_watching();
  // What was read for a departure that did not happen must be given to mod_http2 first.
  bool holds_bytes() const { return held_ && !APR_BRIGADE_EMPTY(held_); }
  apr_status_t give_held_bytes(apr_bucket_brigade* brigade, ap_input_mode_t mode, apr_off_t most);
  void lose_certainty(const char* reason);
  void observe_input(const apr_bucket_brigade* brigade);
  // The interim response of the pending departure, if it is in the brigade.
  std::optional<InterimResponse> observe_output(const apr_bucket_brigade* brigade);
  // Null if the request does not wait any more.
  PendingDeparture* begin_decision();
  void decide(PendingDeparture& pending, bool is_last);

  // For requests' threads.

  Verdict certainty();
  bool wait_until_alone(const request_rec* r, std::uint32_t stream, std::chrono::milliseconds time_allowed);
  bool is_alone(std::uint32_t stream);
  Departure depart(request_rec* r, std::uint32_t stream, Reservation& reservation);
  void count_relayed_streams(int change);

 private:
  class Lock {
   public:
    explicit Lock(Http2Client& client) : client_(client) { pthread_mutex_lock(&client_.mutex_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() { pthread_mutex_unlock(&client_.mutex_); }

    // Until something has changed, or this time has passed.
    void wait(std::chrono::microseconds time_allowed);

   private:
    Http2Client& client_;
  };

  Http2Trace& trace();
  void take(Http2Trace::Sender sender, std::span<const std::uint8_t> bytes);
  bool observe_bucket(apr_bucket* bucket, apr_off_t& passed, std::optional<InterimResponse>& interim);
  bool is_interim_response(const FrameHead& frame) const;
  Verdict examine(std::uint32_t stream, handoff_protocol::ConnectionState& connection, UnusedBytes& frames,
                  UnusedBytes& records);
  Verdict collect_frames(std::uint32_t stream, handoff_protocol::Http2State& http2, UnusedBytes& frames);
  bool hold_decrypted_bytes();
  Departure hand_over(PendingDeparture& pending, bool is_last);

  conn_rec* const c_;
  ap_filter_t* input_ = nullptr;
  ap_filter_t* output_ = nullptr;
  // Used by the primary's thread alone:
  bool is_gone_ = false;
  apr_bucket_brigade* held_ = nullptr;  // null until there is something

  pthread_mutex_t mutex_;
  pthread_cond_t has_changed_;
  // Guarded by the mutex:
  Http2Trace* trace_ = nullptr;  // null before the first byte of HTTP/2
  PendingDeparture* pending_ = nullptr;
  std::size_t waiting_ = 0;  // requests in wait_until_alone()
  std::size_t relayed_ = 0;  // requests whose answers are relayed
};
static_assert(std::is_trivially_destructible_v<Http2Client> && std::is_trivially_destructible_v<Http2Trace>);

namespace {

// Written by the thread that reads the configuration.
bool are_http2_clients_expected;
ap_filter_rec_t* input_record;
ap_filter_rec_t* output_record;

Http2Client* http2_client_of(const request_rec* r) {
  const conn_rec* primary = r->connection->master;
  const ClientConnection* client = primary ? find_client_connection(primary) : nullptr;
  return client ? client->http2 : nullptr;
}

// mod_http2's number of the request's stream; 0 if it names none.
std::uint32_t stream_of(const request_rec* r) {
  const char* text = apr_table_get(r->subprocess_env, "H2_STREAM_ID");
  return static_cast<std::uint32_t>(text ? Count<1, 0x7fffffff>::parse(text).value_or(0) : 0);
}

// Whether the connection may carry requests of several clients, because a proxy made it.
bool is_shared_by_proxy(const request_rec* r, const Settings& settings) {
  for (const char* name : {"Forwarded", "Via", "X-Forwarded-For"}) {
    if (apr_table_get(r->headers_in, name)) return true;
  }
  // mod_remoteip has found the client's address behind the connection's.
  if (std::string_view(r->useragent_ip) != r->connection->client_ip) return true;
  const Networks::Value proxies = settings.http2_proxies();
  if (proxies.span().empty()) return false;
  const std::optional<Network> peer = Network::parse(r->connection->client_ip);
  return !peer || std::any_of(proxies.span().begin(), proxies.span().end(),
                              [&peer](const Network& proxy) { return proxy.contains(*peer); });
}

}  // namespace

Http2Client::Http2Client(conn_rec* c) : c_(c) {
  pthread_mutex_init(&mutex_, nullptr);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&has_changed_, &attributes);
  pthread_condattr_destroy(&attributes);
}

void Http2Client::Lock::wait(std::chrono::microseconds time_allowed) {
  timespec end;
  ::clock_gettime(CLOCK_MONOTONIC, &end);
  const long long nanoseconds = end.tv_nsec + time_allowed.count() * 1000;
  end.tv_sec += nanoseconds / 1'000'000'000;
  end.tv_nsec = nanoseconds % 1'000'000'000;
  pthread_cond_timedwait(&client_.has_changed_, &client_.mutex_, &end);
}

Http2Trace& Http2Client::trace() {
  if (!trace_) trace_ = new (apr_palloc(c_->pool, sizeof(Http2Trace))) Http2Trace;
  return *trace_;
}

void Http2Client::stop_watching() {
  stop_watching_cut_records(c_);
  ap_remove_input_filter(input_);
  ap_remove_output_filter(output_);
  find_client_connection(c_)->http2 = nullptr;
}

bool Http2Client::hold_decrypted_bytes() {
  if (!held_) held_ = apr_brigade_create(c_->pool, c_->bucket_alloc);
  return take_decrypted_bytes(input_->next, held_, handoff_protocol::kMaxUnusedBytes);
}

apr_status_t Http2Client::give_held_bytes(apr_bucket_brigade* brigade, ap_input_mode_t mode, apr_off_t most) {
  if (mode != AP_MODE_READBYTES) return APR_ENOTIMPL;  // mod_http2 reads in no other way
  apr_bucket* rest;
  apr_brigade_partition(held_, most, &rest);
  apr_bucket_brigade* others = apr_brigade_split(held_, rest);
  APR_BRIGADE_CONCAT(brigade, held_);
  APR_BRIGADE_CONCAT(held_, others);
  apr_brigade_destroy(others);
  return APR_SUCCESS;
}

void Http2Client::lose_certainty(const char* reason) {
  const Lock lock(*this);
  trace().lose_certainty(reason);
}

void Http2Client::take(Http2Trace::Sender sender, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) bytes = bytes.subspan(trace_->take(sender, bytes));
}

void Http2Client::observe_input(const apr_bucket_brigade* brigade) {
  const Lock lock(*this);
  for (apr_bucket* bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
       bucket = APR_BUCKET_NEXT(bucket)) {
    if (APR_BUCKET_IS_METADATA(bucket)) continue;
    const std::optional bytes = bytes_in_memory(bucket);
    if (!bytes) return trace().lose_certainty("what its client has sent is not in memory");
    trace();
    take(Http2Trace::Sender::kClient, *bytes);
  }
  if (waiting_ > 0) pthread_cond_broadcast(&has_changed_);
}

bool Http2Client::is_interim_response(const FrameHead& frame) const {
  return pending_ && pending_->state == PendingDeparture::State::kAwaited && frame.type == FrameType::kHeaders &&
         frame.stream == pending_->stream && frame.has(handoff_protocol::kEndHeaders) &&
         !frame.has(handoff_protocol::kEndStream);
}

// False if the bucket cannot be looked at. `passed` is how many bytes of the brigade were before it.
bool Http2Client::observe_bucket(apr_bucket* bucket, apr_off_t& passed, std::optional<InterimResponse>& interim) {
  if (bucket->length == static_cast<apr_size_t>(-1)) return false;
  if (interim && bucket->length > 0) interim->is_last = false;
  if (bucket->length <= trace_->unread_bytes()) {
    trace_->skip(bucket->length);
    passed += static_cast<apr_off_t>(bucket->length);
    return true;
  }
  const std::optional data = bytes_in_memory(bucket);
  if (!data) return false;
  for (std::span bytes = *data; !bytes.empty();) {
    if (interim) interim->is_last = false;
    const std::size_t taken = trace_->take(Http2Trace::Sender::kServer, bytes);
    bytes = bytes.subspan(taken);
    passed += static_cast<apr_off_t>(taken);
    const std::optional<FrameHead> frame = trace_->ended_frame(Http2Trace::Sender::kServer);
    if (!interim && frame && is_interim_response(*frame)) {
      interim = {passed - static_cast<apr_off_t>(handoff_protocol::kFrameHeadBytes + frame->length), true};
    }
  }
  return true;
}

std::optional<Http2Client::InterimResponse> Http2Client::observe_output(const apr_bucket_brigade* brigade) {
  const Lock lock(*this);
  trace();
  apr_off_t passed = 0;
  std::optional<InterimResponse> interim;
  for (apr_bucket* bucket = APR_BRIGADE_FIRST(brigade); bucket != APR_BRIGADE_SENTINEL(brigade);
       bucket = APR_BUCKET_NEXT(bucket)) {
    if (APR_BUCKET_IS_METADATA(bucket) || observe_bucket(bucket, passed, interim)) continue;
    trace_->lose_certainty("what Apache writes to its connection is not in memory");
    return std::nullopt;
  }
  if (waiting_ > 0) pthread_cond_broadcast(&has_changed_);
  // One that began in an earlier brigade is written in part.
  return interim && interim->start >= 0 ? interim : std::nullopt;
}

Http2Client::PendingDeparture* Http2Client::begin_decision() {
  const Lock lock(*this);
  if (pending_) pending_->state = PendingDeparture::State::kIsBeingDecided;
  return pending_;
}

void Http2Client::decide(PendingDeparture& pending, bool is_last) {
  const Departure departure = hand_over(pending, is_last);
  const Lock lock(*this);
  pending.departure = departure;
  pending.state = PendingDeparture::State::kDecided;
  pending_ = nullptr;
  pthread_cond_broadcast(&has_changed_);
}

// Everything that Apache has written is on its way to the client. The connection borrows the bytes, in which is what
// Apache has read of the client and mod_http2 has not used.
Verdict Http2Client::examine(std::uint32_t stream, handoff_protocol::ConnectionState& connection, UnusedBytes& frames,
                             UnusedBytes& records) {
  if (c_->input_filters != input_ || c_->output_filters != output_) {
    return Verdict::no("a filter of another module stands between mod_http2 and its connection");
  }
  if (const Verdict verdict = collect_frames(stream, connection.http2.emplace(), frames); !verdict.is_yes()) return verdict;
  if (is_tls(c_)) {
    const Verdict verdict = read_tls_state(c_, connection.tls.emplace(), records);
    if (!verdict.is_yes()) return verdict;
  }
  if (!frames.is_complete() || !records.is_complete()) return Verdict::no("Apache has read too much of its client");
  connection.frames = frames.bytes();
  connection.records = records.bytes();
  return Verdict::yes();
}

// The frames that mod_http2 has not used: a cut one that it has seen, and behind that what others have read.
Verdict Http2Client::collect_frames(std::uint32_t stream, handoff_protocol::Http2State& http2, UnusedBytes& frames) {
  {
    const Lock lock(*this);
    if (const Verdict verdict = trace_->read(stream, http2); !verdict.is_yes()) return verdict;
    frames.append(trace_->cut_frame());
  }
  if (!is_tls(c_)) {
    return are_passive_until_network(input_->next) && copy_received_bytes(*find_client_connection(c_), frames)
               ? Verdict::yes()
               : Verdict::no("not all is known that Apache has read of its connection");
  }
  if (!hold_decrypted_bytes()) return Verdict::no("not all is known that Apache has decrypted of its connection");
  for (apr_bucket* bucket = APR_BRIGADE_FIRST(held_); bucket != APR_BRIGADE_SENTINEL(held_);
       bucket = APR_BUCKET_NEXT(bucket)) {
    if (APR_BUCKET_IS_METADATA(bucket)) continue;
    const std::optional bytes = bytes_in_memory(bucket);
    if (!bytes) return Verdict::no("what Apache has decrypted of its connection is not in memory");
    frames.append(*bytes);
  }
  return Verdict::yes();
}

Departure Http2Client::hand_over(PendingDeparture& pending, bool is_last) {
  if (c_->aborted) return {.end = Departure::End::kClientHasLeft};
  if (!is_last) return {.reason = "Apache writes more to its connection"};
  if (!child_process().dead_socket) return {.reason = "this child of Apache began without free descriptors"};
  handoff_protocol::ConnectionState connection;
  UnusedBytes frames;
  UnusedBytes records;
  if (const Verdict verdict = examine(pending.stream, connection, frames, records); !verdict.is_yes()) {
    return {.reason = verdict.reason()};
  }
  apr_os_sock_t client = -1;
  apr_os_sock_get(&client, ap_get_conn_socket(c_));
  // When Apache is stopped hard, a child closes its clients under the threads that serve them.
  const UniqueDescriptor ours(::fcntl(client, F_DUPFD_CLOEXEC, 0));
  if (!ours) return {.reason = "Apache has no free descriptor"};

  WrittenConnectionPart part;
  part.write(connection);
  const Delivery delivery = pending.reservation.hand_over(ours.get(), part.text());
  if (delivery.end == Delivery::End::kNotTaken) return {.end = Departure::End::kNotTaken};
  is_gone_ = true;
  release_client(c_, client);
  if (connection.tls) release_tls(c_);
  if (!connection.frames.empty() || !connection.records.empty()) {
    ap_log_cerror(APLOG_MARK, APLOG_DEBUG, 0, c_,
                  SHLOGNO(011) "%" APR_SIZE_T_FMT " bytes of frames and %" APR_SIZE_T_FMT " of TLS records that Apache has read "
                  "of the client go along", connection.frames.size(), connection.records.size());
  }
  return {.end = Departure::End::kGone, .delivery = delivery};
}

Verdict Http2Client::certainty() {
  const Lock lock(*this);
  return trace_ ? trace_->certainty() : Verdict::no("nothing of its connection was seen");
}

bool Http2Client::is_alone(std::uint32_t stream) {
  const Lock lock(*this);
  return trace_->is_alone(stream);
}

bool Http2Client::wait_until_alone(const request_rec* r, std::uint32_t stream, std::chrono::milliseconds time_allowed) {
  const Deadline deadline(time_allowed);
  Lock lock(*this);
  ++waiting_;
  pthread_cond_broadcast(&has_changed_);
  while (!trace_->is_alone(stream) && trace_->open_streams() > waiting_ + relayed_ && !deadline.has_passed() &&
         !r->connection->aborted) {
    lock.wait(std::min<std::chrono::microseconds>(deadline.remaining(), kLookForCancelling));
  }
  --waiting_;
  return trace_->is_alone(stream);
}

void Http2Client::count_relayed_streams(int change) {
  const Lock lock(*this);
  relayed_ += static_cast<std::size_t>(change);
  pthread_cond_broadcast(&has_changed_);
}

Departure Http2Client::depart(request_rec* r, std::uint32_t stream, Reservation& reservation) {
  PendingDeparture pending{.stream = stream, .reservation = reservation};
  {
    const Lock lock(*this);
    if (pending_) return {.reason = "another stream of its connection is being handed over"};
    pending_ = &pending;
  }
  const int status = r->status;
  const char* status_line = r->status_line;
  r->status = HTTP_PROCESSING;
  r->status_line = nullptr;
  ap_send_interim_response(r, 0);
  r->status = status;
  r->status_line = status_line;

  const Deadline deadline(kMaxWaitForPrimary);
  Lock lock(*this);
  while (pending.state == PendingDeparture::State::kIsBeingDecided ||
         (pending.state == PendingDeparture::State::kAwaited && !deadline.has_passed() && !r->connection->aborted)) {
    lock.wait(kLookForCancelling);
  }
  if (pending.state == PendingDeparture::State::kDecided) return pending.departure;
  pending_ = nullptr;
  if (r->connection->aborted) return {.end = Departure::End::kClientHasLeft};
  return {.reason = "the thread of its connection is busy"};
}

namespace {

apr_status_t watch_input(ap_filter_t* filter, apr_bucket_brigade* brigade, ap_input_mode_t mode, apr_read_type_e block,
                         apr_off_t bytes) {
  auto& client = *static_cast<Http2Client*>(filter->ctx);
  if (client.is_gone()) return APR_ECONNABORTED;
  if (mode == AP_MODE_INIT) watch_cut_records(filter->c);
  const apr_status_t status = client.holds_bytes() ? client.give_held_bytes(brigade, mode, bytes)
                                                   : ap_get_brigade(filter->next, brigade, mode, block, bytes);
  if (status != APR_SUCCESS || mode == AP_MODE_INIT || mode == AP_MODE_SPECULATIVE) return status;
  if (mode == AP_MODE_READBYTES) {
    if (!APR_BRIGADE_EMPTY(brigade)) client.observe_input(brigade);
  } else {
    client.lose_certainty("its connection was read otherwise than mod_http2 does");
  }
  return status;
}

// Writes what comes before the interim response, and decides whether the connection goes.
apr_status_t meet_interim_response(ap_filter_t* filter, apr_bucket_brigade* brigade, const Http2Client::InterimResponse& interim) {
  auto& client = *static_cast<Http2Client*>(filter->ctx);
  conn_rec* c = client.connection();
  apr_bucket* first;
  apr_status_t status = apr_brigade_partition(brigade, interim.start, &first);
  if (status != APR_SUCCESS) return ap_pass_brigade(filter->next, brigade);
  apr_bucket_brigade* rest = apr_brigade_split(brigade, first);
  APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_flush_create(c->bucket_alloc));
  status = ap_pass_brigade(filter->next, brigade);
  apr_brigade_cleanup(brigade);
  if (status == APR_SUCCESS) {
    if (Http2Client::PendingDeparture* pending = client.begin_decision()) client.decide(*pending, interim.is_last);
    if (client.is_gone()) status = APR_ECONNABORTED;
  }
  APR_BRIGADE_CONCAT(brigade, rest);
  apr_brigade_destroy(rest);
  return status == APR_SUCCESS ? ap_pass_brigade(filter->next, brigade) : status;
}

apr_status_t watch_output(ap_filter_t* filter, apr_bucket_brigade* brigade) {
  auto& client = *static_cast<Http2Client*>(filter->ctx);
  if (client.is_gone()) return APR_ECONNABORTED;
  const std::optional<Http2Client::InterimResponse> interim = client.observe_output(brigade);
  return interim ? meet_interim_response(filter, brigade, *interim) : ap_pass_brigade(filter->next, brigade);
}

// For the hook pre_connection. A connection that Apache makes itself, to a backend, has no place in the scoreboard.
int watch_http2_client(conn_rec* c, void*) {
  if (!are_http2_clients_expected || c->master || !c->sbh) return OK;
  auto* client = new (apr_palloc(c->pool, sizeof(Http2Client))) Http2Client(c);
  keep_client_connection(c).http2 = client;
  client->watch_by(ap_add_input_filter_handle(input_record, client, nullptr, c),
                   ap_add_output_filter_handle(output_record, client, nullptr, c));
  return OK;
}

// httpd's hook process_connection, behind mod_http2: the connection is not HTTP/2. Its filters must go before it has a
// request, which would begin its own chain with them.
int leave_to_others(conn_rec* c) {
  const ClientConnection* client = find_client_connection(c);
  if (client && client->http2) client->http2->stop_watching();
  return DECLINED;
}

}  // namespace

void expect_http2_clients() {
  are_http2_clients_expected = true;
}

void register_http2_hooks() {
  are_http2_clients_expected = false;
  ap_hook_pre_connection(watch_http2_client, nullptr, nullptr, APR_HOOK_MIDDLE);
  // Between mod_http2 (APR_HOOK_LAST) and httpd's own HTTP/1.x (APR_HOOK_REALLY_LAST). To name mod_http2 as a predecessor
  // does not order the two of APR_HOOK_LAST.
  ap_hook_process_connection(leave_to_others, nullptr, nullptr, APR_HOOK_LAST + 1);
  input_record = ap_register_input_filter("SOCKET_HANDOFF_HTTP2_IN", watch_input, nullptr, AP_FTYPE_CONNECTION);
  output_record = ap_register_output_filter("SOCKET_HANDOFF_HTTP2_OUT", watch_output, nullptr, AP_FTYPE_CONNECTION);
}

Verdict may_leave_over_http2(const request_rec* r, const Settings& settings) {
  if (!settings.http2()) return Verdict::no("it came over HTTP/2, and SocketHandoffHTTP2 is Off");
  Http2Client* client = http2_client_of(r);
  if (!client) return Verdict::no("its HTTP/2 connection was not watched from its beginning");
  if (stream_of(r) == 0) return Verdict::no("mod_http2 does not name its stream");
  // By SetEnvIf or BrowserMatch, for clients that take GOAWAY for the end of the answer.
  if (apr_table_get(r->subprocess_env, "no-http2-handoff")) {
    return Verdict::no("the environment variable no-http2-handoff is set");
  }
  if (is_shared_by_proxy(r, settings)) return Verdict::no("it came over HTTP/2 through a proxy");
  if (is_tls(client->connection()) && !settings.tls()) {
    return Verdict::no("it came over TLS, and SocketHandoffTLS is Off");
  }
  return client->certainty();
}

Verdict wait_for_other_streams(request_rec* r, std::chrono::milliseconds time_allowed) {
  Http2Client& client = *http2_client_of(r);
  const std::uint32_t stream = stream_of(r);
  if (client.is_alone(stream)) return Verdict::yes();
  count_wait_for_streams();
  if (client.wait_until_alone(r, stream, time_allowed)) return client.certainty();
  count_wait_in_vain();
  return Verdict::no("another stream of its HTTP/2 connection is open");
}

RelayedStream::RelayedStream(const request_rec* r) : client_(http2_client_of(r)) {
  if (client_) client_->count_relayed_streams(1);
}

RelayedStream::~RelayedStream() {
  if (client_) client_->count_relayed_streams(-1);
}

Departure depart(request_rec* r, Reservation& reservation) {
  return http2_client_of(r)->depart(r, stream_of(r), reservation);
}

}  // namespace socket_handoff
