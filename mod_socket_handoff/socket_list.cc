#include "mod_socket_handoff/socket_list.h"

#include <cstring>

namespace socket_handoff {
namespace {

bool is_blank(char character) {
  return character == ' ' || character == '\t';
}

char* trim(char* text) {
  while (is_blank(*text)) ++text;
  char* end = text + std::strlen(text);
  while (end > text && is_blank(end[-1])) --end;
  *end = '\0';
  return text;
}

}  // namespace

SocketList::SocketList(char* text) {
  char* whole = text;
  while (char* comma = std::strchr(text, ',')) {
    *comma = '\0';
    add(trim(text));
    text = comma + 1;
  }
  add(trim(text));
  if (size_ == 0) paths_[size_++] = trim(whole);
}

void SocketList::add(const char* path) {
  if (*path == '\0') return;
  if (size_ == kMaxSockets) {
    is_too_long_ = true;
  } else {
    paths_[size_++] = path;
  }
}

}  // namespace socket_handoff
