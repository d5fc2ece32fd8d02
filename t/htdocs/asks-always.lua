-- SPDX-License-Identifier: Apache-2.0
-- Asks for a hand-off in err_headers_out, whose headers go along with errors too; with `both`, in headers_out as well.
-- Query: socket, data, both, status.

function handle(r)
  local query = r:parseargs()
  r.err_headers_out['X-Socket-Handoff'] = query.socket
  r.err_headers_out['X-Handoff-Data'] = query.data
  if query.both then
    r.headers_out['X-Socket-Handoff'] = query.socket
    r.headers_out['X-Handoff-Data'] = query.data
  end
  if query.status then return tonumber(query.status) end
  r.content_type = 'text/plain'
  r:puts('answered by Apache\n')
  return apache2.OK
end
