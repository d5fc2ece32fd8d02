// SPDX-License-Identifier: Apache-2.0
// The module's two output filters of a main request.
//
// The body filter (AP_FTYPE_RESOURCE, next to the handler) removes mod_cache's filters from a response that asks for a
// hand-off. If the response's body is the data, it also takes the body before other filters can compress or rewrite it.
//
// The hand-off filter (AP_FTYPE_CONTENT_SET, the last of its type, and inserted for error responses too) removes the
// hand-off's headers from every response. If a response asks for a hand-off, it drops the response's body and hands the
// client over at its EOS bucket. Not at the first byte, because the handler still runs until then: it would go on
// writing to a client that Apache no longer has, and a script would be killed in the middle.
//
// Both keep their state in the request's pool. A response that asks for nothing costs each of them a look-up in its two
// header tables, after which the filter removes itself.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

namespace socket_handoff {

void register_output_filters();

// For the hook insert_filter.
void insert_body_filter(request_rec* r);

// For the hooks insert_filter and insert_error_filter.
void insert_handoff_filter(request_rec* r);

// Removes mod_cache's filters: it must store neither the response with the hand-off's headers nor one without them.
void remove_cache_filters(request_rec* r);

}  // namespace socket_handoff
