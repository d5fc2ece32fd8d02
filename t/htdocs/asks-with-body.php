<?php
// SPDX-License-Identifier: Apache-2.0
// Asks for a hand-off whose data is the body that the test gives: socket, body (in hexadecimal
// digits), status.

header('X-Socket-Handoff: ' . $_GET['socket']);
header('X-Handoff-Data-Source: body');
http_response_code((int) ($_GET['status'] ?? 200));
echo hex2bin($_GET['body']);
