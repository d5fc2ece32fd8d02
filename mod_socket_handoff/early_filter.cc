#include "mod_socket_handoff/early_filter.h"

#include "mod_socket_handoff/directives.h"
#include "mod_socket_handoff/eligibility.h"
#include "mod_socket_handoff/handoff_headers.h"
#include "mod_socket_handoff/response_body.h"

namespace socket_handoff {
namespace {

ap_filter_rec_t* filter_record;  // written when the module is loaded, before there are threads

apr_status_t early_filter(ap_filter_t* filter, apr_bucket_brigade* brigade) {
  request_rec* r = filter->r;
  ap_filter_t* next = filter->next;
  auto* body = static_cast<ResponseBody*>(filter->ctx);
  if (!body) {
    const bool is_asked_for = asks_for_handoff(r);
    if (is_asked_for) {
      leave_out_of_cache(r);
      next = filter->next;
    }
    if (!is_asked_for || !has_data_in_body(r) || reason_to_answer_here(r, settings_of(r))) {
      ap_remove_output_filter(filter);
      return ap_pass_brigade(next, brigade);
    }
    filter->ctx = body = ResponseBody::create(r, static_cast<std::size_t>(settings_of(r).max_data_size()));
  }
  if (const apr_status_t status = take_data(brigade, body); status != APR_SUCCESS) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, status, r, SHLOGNO(106) "the response with the data for a hand-off broke off");
    return status;
  }
  return APR_BRIGADE_EMPTY(brigade) ? APR_SUCCESS : ap_pass_brigade(next, brigade);
}

}  // namespace

void leave_out_of_cache(request_rec* r) {
  ap_filter_t* next;
  for (ap_filter_t* filter = r->output_filters; filter; filter = next) {
    next = filter->next;
    const std::string_view name = filter->frec->name;
    if (name == "cache" || name == "cache_save" || name == "cache_save_subreq") ap_remove_output_filter(filter);
  }
}

void register_early_filter() {
  filter_record = ap_register_output_filter("SOCKET_HANDOFF_BODY", early_filter, nullptr, AP_FTYPE_RESOURCE);
}

void insert_early_filter(request_rec* r) {
  if (!r->main) ap_add_output_filter_handle(filter_record, nullptr, r, r->connection);
}

}  // namespace socket_handoff
