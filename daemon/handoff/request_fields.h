// SPDX-License-Identifier: Apache-2.0
// The fields of a payload, read by name and type into its HandoffRequest. One pass over the members, whatever their
// number. Pure.

#pragma once

#include "base/result.h"
#include "handoff/handoff_request.h"

namespace streaming {

// `request.json` is an object. A field that is null counts as absent, and one of no known name is left alone. The
// Error's message is for the client and names the field.
Status read_fields(HandoffRequest& request);

}  // namespace streaming
