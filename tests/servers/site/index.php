<?php
// SPDX-License-Identifier: Apache-2.0

// Hands every client over: with the payload that a test gives, or with what a vendor's library asks for.

declare(strict_types=1);

use SocketHandoff\Handoff;

require __DIR__ . '/../php/Handoff.php';

// Objects stay objects, so that an empty one does not become a list.
$request = json_decode($_GET['payload'] ?? file_get_contents('php://input'), flags: JSON_THROW_ON_ERROR);
$data = match (strtok($_SERVER['REQUEST_URI'], '?')) {
    '/' => (array) $request,
    '/v1/messages' => ['backend' => 'anthropic', 'format' => 'raw', 'request' => $request],
    default => ['backend' => 'openai', 'format' => 'raw', 'request' => $request],
};
Handoff::to(getenv('STREAMING_DAEMON_SOCKET'))->with($data)->send();
