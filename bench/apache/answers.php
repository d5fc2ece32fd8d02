<?php
// SPDX-License-Identifier: Apache-2.0
// An ordinary answer without content, or a hand-off instead of it: everything else is the same.
if (isset($_GET['socket'])) {
    header('X-Socket-Handoff: ' . $_GET['socket']);
    header('X-Handoff-Data: {"prompt":"How much does this cost?","user_id":7}');
}
http_response_code(204);
