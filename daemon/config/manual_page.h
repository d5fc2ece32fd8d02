// SPDX-License-Identifier: Apache-2.0
// streaming-daemon(8) in roff, made from the option table. The build's program streaming-daemon-manual uses it; the
// daemon does not contain it.

#pragma once

#include <string>

namespace streaming {

std::string manual_page();

}  // namespace streaming
