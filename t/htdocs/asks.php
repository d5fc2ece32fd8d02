<?php
// SPDX-License-Identifier: Apache-2.0
// Asks for a hand-off with the test's values from the query: socket, data, status, echo (bytes of body), headers (a
// list). With body_as_prompt, the data is a prompt that consists of the request's body. With sleep_ms it takes that long, and
// with waits_for until there is such a file.

if (isset($_GET['body_as_prompt'])) {
    $_GET['data'] = json_encode(['prompt' => file_get_contents('php://input')]);
}
usleep(1000 * (int) ($_GET['sleep_ms'] ?? 0));
while (isset($_GET['waits_for']) && !file_exists($_GET['waits_for'])) {
    clearstatcache();
    usleep(5_000);
}
if (isset($_GET['status'])) {
    http_response_code((int) $_GET['status']);
}
if (isset($_GET['socket'])) {
    header('X-Socket-Handoff: ' . $_GET['socket']);
}
if (isset($_GET['data'])) {
    header('X-Handoff-Data: ' . $_GET['data']);
}
foreach ($_GET['headers'] ?? [] as $header) {
    header($header, false);
}
if (isset($_GET['leaves'])) {
    // What comes after the first bytes must still run: the handler is not cut off.
    register_shutdown_function(fn () => file_put_contents($_GET['leaves'], 'ran to its end'));
}
echo str_repeat('x', (int) ($_GET['echo'] ?? 100));
if (isset($_GET['throws'])) {
    throw new RuntimeException('as the test asked for');
}
if (isset($_GET['dies'])) {
    flush();
    exec('kill -9 ' . getmypid());
}
