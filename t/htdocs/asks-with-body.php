<?php
// SPDX-License-Identifier: Apache-2.0
// Asks for a hand-off whose data is the body that the test gives: socket, body (in hexadecimal digits).

header('X-Socket-Handoff: ' . $_GET['socket']);
header('X-Handoff-Data-Source: body');
echo hex2bin($_GET['body']);
