// SPDX-License-Identifier: Apache-2.0
// A directive's word: taken only where it is what its kind describes, and then for what it says.

#include "mod_socket_handoff/settings.h"

#include "fuzz/property.h"

namespace socket_handoff {
namespace {

template <int kMinimum, int kMaximum>
void must_count(const std::string& word) {
  const std::optional<int> value = Count<kMinimum, kMaximum>::parse(word.c_str());
  const std::size_t first = word.find_first_not_of('0');
  const std::string digits = first == std::string::npos ? (word.empty() ? "" : "0") : word.substr(first);
  const bool is_number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos;
  const long long number = is_number && digits.size() <= 10 ? std::atoll(digits.c_str()) : -1;
  MUST(value.has_value() == (is_number && number >= kMinimum && number <= kMaximum));
  if (value) MUST(std::to_string(*value) == digits);
  const auto time = Milliseconds<kMinimum, kMaximum>::parse(word.c_str());
  MUST(time.has_value() == value.has_value() && (!time || time->count() == *value));
}

}  // namespace
}  // namespace socket_handoff

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace socket_handoff;
  const std::string word(fuzz::text(data, size).substr(0, fuzz::text(data, size).find('\0')));
  must_count<0, 20>(word);
  must_count<1, 60'000>(word);
  must_count<0, 2'147'483'647>(word);
  MUST(!Switch::parse(word.c_str()) || word.size() == (*Switch::parse(word.c_str()) ? 2u : 3u));
  const auto prefix = Prefix::parse(word.c_str());
  MUST(prefix.has_value() == (check_written_path(word) == PathProblem::kNone));
  return 0;
}
