<?php
// SPDX-License-Identifier: Apache-2.0

// Hands every client over but those of /page: with the payload that a test gives, or with what a vendor's library asks for.

declare(strict_types=1);

use SocketHandoff\AnswerReport;
use SocketHandoff\Handoff;

require __DIR__ . '/../php/AnswerReport.php';
require __DIR__ . '/../php/Handoff.php';

$path = strtok($_SERVER['REQUEST_URI'], '?');
if ($record = getenv('SITE_RECORD')) {
    file_put_contents("$record/asked", "$path\n", FILE_APPEND | LOCK_EX);
}
if ($path === '/favicon.ico') { // which browsers ask for by themselves
    http_response_code(404);
    exit;
}
if (str_starts_with($path, '/page/')) {
    exit("page $path");
}
if ($path === '/hook') {
    AnswerReport::receive(getenv('HOOK_SECRET'));
    http_response_code(204);
    exit;
}

// Objects stay objects, so that an empty one does not become a list.
$request = json_decode($_GET['payload'] ?? file_get_contents('php://input'), flags: JSON_THROW_ON_ERROR);
$data = match ($path) {
    '/v1/messages' => ['backend' => 'anthropic', 'format' => 'raw', 'request' => $request],
    '/v1/chat/completions', '/v1/responses' => ['backend' => 'openai', 'format' => 'raw', 'request' => $request],
    default => (array) $request,
};
Handoff::to(getenv('STREAMING_DAEMON_SOCKET'))->with($data)->send();
