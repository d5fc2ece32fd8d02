#include "base/utf8.h"

#include <cstddef>
#include <cstdint>

namespace streaming {
namespace {

// The bytes of the character that begins with `lead`, and the range of its second byte, which rules out what
// the table of the Unicode standard (3-7) leaves out.
struct Form {
  std::size_t bytes;
  unsigned char least, most;
};

Form form_of(unsigned char lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  return lead == 0xF4 ? Form{4, 0x80, 0x8F} : Form{0, 0, 0};
}

}  // namespace

bool is_utf8(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  for (std::size_t at = 0; at < text.size();) {
    const Form form = form_of(byte(at));
    if (form.bytes == 0 || form.bytes > text.size() - at) return false;
    if (form.bytes > 1 && (byte(at + 1) < form.least || byte(at + 1) > form.most)) return false;
    for (std::size_t next = 2; next < form.bytes; ++next) {
      if ((byte(at + next) & 0xC0) != 0x80) return false;
    }
    at += form.bytes;
  }
  return true;
}

}  // namespace streaming
