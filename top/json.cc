// SPDX-License-Identifier: Apache-2.0
#include "top/json.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>

namespace top {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write(Writer& writer, const char* name, double value) {
  writer.Key(name);
  std::isfinite(value) ? writer.Double(value) : writer.Null();
}

void write(Writer& writer, const char* name, const Quantiles& quantiles) {
  writer.Key(name);
  writer.StartObject();
  write(writer, "p50", quantiles.p50);
  write(writer, "p95", quantiles.p95);
  write(writer, "p99", quantiles.p99);
  writer.EndObject();
}

void write(Writer& writer, const char* name, const std::vector<Counted>& all) {
  writer.Key(name);
  writer.StartObject();
  for (const Counted& one : all) {
    writer.Key(one.name.c_str());
    writer.StartObject();
    write(writer, "per_second", one.per_second);
    write(writer, "total", one.total);
    writer.EndObject();
  }
  writer.EndObject();
}

}  // namespace

std::string to_json(const Figures& figures) {
  constexpr const char* kRateNames[kRates] = {"begun_per_second",   "ended_well_per_second", "failed_per_second",
                                              "refused_per_second", "events_per_second",     "bytes_per_second"};
  rapidjson::StringBuffer text;
  Writer writer(text);
  writer.StartObject();
  writer.Key("version");
  writer.String(figures.version.c_str());
  write(writer, "uptime_s", figures.uptime_s);
  write(writer, "open", figures.open);
  write(writer, "peak", figures.peak);
  write(writer, "places", figures.places);
  writer.Key("workers");
  writer.StartArray();
  for (const double streams : figures.workers) writer.Double(streams);
  writer.EndArray();
  for (std::size_t i = 0; i < kRates; ++i) write(writer, kRateNames[i], figures.rates[i]);
  write(writer, "first_event_s", figures.first_event);
  write(writer, "stream_s", figures.duration);
  write(writer, "handoff_s", figures.handoff);
  write(writer, "ended", figures.ended);
  write(writer, "refused", figures.refused);
  write(writer, "backends", figures.backends);
  write(writer, "tokens", figures.tokens);
  write(writer, "running_answers", figures.running_answers);
  write(writer, "ended_answers", figures.ended_answers);
  write(writer, "kept_bytes", figures.kept_bytes);
  write(writer, "followers", figures.followers);
  write(writer, "waiting_reports", figures.waiting_reports);
  write(writer, "undelivered_reports", figures.undelivered_reports);
  write(writer, "store_workers", figures.store_workers);
  write(writer, "store_connected", figures.store_connected);
  write(writer, "resident_bytes", figures.resident_bytes);
  write(writer, "cpu_share", figures.cpu_share);
  write(writer, "open_files", figures.open_files);
  write(writer, "max_files", figures.max_files);
  writer.EndObject();
  return std::string(text.GetString(), text.GetSize()) + "\n";
}

}  // namespace top
