-- SPDX-License-Identifier: Apache-2.0
-- Asks for a hand-off as asks.php does, from within Apache: in headers_out, of any length, and without ever reading the
-- request's body. Query: socket, data, or data_bytes for so many of them.

function handle(r)
  local query = r:parseargs()
  if query.socket then r.headers_out['X-Socket-Handoff'] = query.socket end
  if query.data then r.headers_out['X-Handoff-Data'] = query.data end
  if query.data_bytes then
    local frame = '{"prompt":"%s"}'
    r.headers_out['X-Handoff-Data'] = frame:format(('x'):rep(tonumber(query.data_bytes) - #frame + 2))
  end
  r.content_type = 'text/plain'
  r:puts('answered by Apache\n')
  return apache2.OK
end
