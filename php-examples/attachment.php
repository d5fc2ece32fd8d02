<?php
// SPDX-License-Identifier: Apache-2.0

/**
 * A question about a file: this script stores the visitor's file where the daemon finds it, and hands over its name.
 *
 *     curl -N -F prompt='What is this?' -F file=@photo.png https://example.com/attachment.php
 *
 * The daemon's configuration names the directory. The packages create this one; Apache's group may write to it:
 *
 *     [attachments]
 *     data_dir = "/var/spool/streaming-daemon"
 *     delete_after_use = true
 *
 * The daemon detects whether the file is a text, an image or a PDF. It removes the file when the API has begun to answer.
 * The packages remove files that are older than a day, for example one whose hand-off never came.
 */

declare(strict_types=1);

use SocketHandoff\Handoff;

require __DIR__ . '/../php/Handoff.php'; // or Composer's vendor/autoload.php

/** Must not exceed attachments.max_file_bytes. */
const MAX_FILE_BYTES = 5 * 1024 * 1024;

/** Ends the request with an error. */
function refuse(int $status, string $error): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode(['error' => $error]), "\n";
    exit;
}

/** @return string the name in $directory that the uploaded file was given */
function keep_upload(string $field, string $directory): string
{
    $upload = $_FILES[$field] ?? null;
    $error = $upload['error'] ?? UPLOAD_ERR_NO_FILE;
    if (in_array($error, [UPLOAD_ERR_INI_SIZE, UPLOAD_ERR_FORM_SIZE], true) || ($upload['size'] ?? 0) > MAX_FILE_BYTES) {
        refuse(413, 'The file is too large.');
    }
    if ($error !== UPLOAD_ERR_OK) {
        refuse(400, "Send one file, as \"$field\".");
    }
    // Never the visitor's name for it: it could name another visitor's file, and logs would have it.
    $name = bin2hex(random_bytes(16));
    // The daemon reads the file as another user. No third user can enter the directory.
    if (!move_uploaded_file($upload['tmp_name'], "$directory/$name") || !chmod("$directory/$name", 0644)) {
        refuse(500, 'The file cannot be kept.');
    }
    return $name;
}

$prompt = $_POST['prompt'] ?? null;
if (!is_string($prompt) || trim($prompt) === '') {
    refuse(400, 'Send a text as "prompt".');
}
$name = keep_upload('file', getenv('STREAMING_DAEMON_DATA_DIR') ?: '/var/spool/streaming-daemon');

Handoff::to(getenv('STREAMING_DAEMON_SOCKET') ?: Handoff::DEFAULT_SOCKET)
    ->with(['prompt' => $prompt, 'attachments' => [$name]])
    ->send();
