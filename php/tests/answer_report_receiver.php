<?php
// SPDX-License-Identifier: Apache-2.0

// What a hook's script does with a report: answers with all that it has read. For answer-report.mjs.

declare(strict_types=1);

use SocketHandoff\AnswerReport;

require __DIR__ . '/../AnswerReport.php';

// As a framework has the headers, or by receive().
$report = $_SERVER['REQUEST_URI'] === '/framework'
    ? AnswerReport::verified(file_get_contents('php://input'), array_map(fn ($value) => [$value], getallheaders()), getenv('HOOK_SECRET'))
    : AnswerReport::receive(getenv('HOOK_SECRET'));
if ($report->data === 'fail') {
    throw new Exception('The database is gone.');
}
echo json_encode(get_object_vars($report));
