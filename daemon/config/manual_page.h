// SPDX-License-Identifier: Apache-2.0
// streaming-daemon(8) in roff, from the option table. Made while the project is built, by streaming-daemon-manual; the
// daemon itself has none of it.

#pragma once

#include <string>

namespace streaming {

std::string manual_page();

}  // namespace streaming
