<?php
// SPDX-License-Identifier: Apache-2.0
// Asks for a hand-off with other headers beside it: socket, data, headers (a line each).

header('X-Socket-Handoff: ' . $_GET['socket']);
if (isset($_GET['data'])) {
    header('X-Handoff-Data: ' . $_GET['data']);
}
foreach (explode("\n", $_GET['headers'] ?? '') as $header) {
    if ($header !== '') {
        header($header, false);
    }
}
