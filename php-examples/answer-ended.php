<?php
// SPDX-License-Identifier: Apache-2.0

/**
 * The hook of the chat: the daemon reports here how each answer has ended, and the database gets its text. The daemon's
 * configuration names it:
 *
 *     [answers.hooks.chat]
 *     url = "https://www.example.org/answer-ended.php"
 *     secret_file = "/etc/streaming-daemon/chat_hook.secret"
 *
 * CHAT_HOOK_SECRET_FILE is a file with the same secret, which PHP can read.
 */

declare(strict_types=1);

use SocketHandoff\AnswerReport;

require __DIR__ . '/../php/AnswerReport.php'; // or Composer's vendor/autoload.php
require __DIR__ . '/Conversations.php';

$report = AnswerReport::receive(file_get_contents(getenv('CHAT_HOOK_SECRET_FILE')));
(new Conversations(getenv('CHAT_DATABASE')))->end($report->answerId, $report->text, $report->cause);
