<?php
// SPDX-License-Identifier: Apache-2.0
// Hands the client over. A page of a real site first finds out who asks.
require '/usr/share/socket-handoff/php/Handoff.php';

SocketHandoff\Handoff::to(getenv('STREAMING_DAEMON_SOCKET'))
    ->with(['prompt' => $_POST['prompt'] ?? 'Hello', 'user_id' => 'example'])
    ->send();
