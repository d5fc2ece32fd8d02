<?php
// SPDX-License-Identifier: Apache-2.0

// What the examples' tests share: a script behind PHP's own web server, and what it answers.

declare(strict_types=1);

/**
 * Serves the script until the test ends.
 *
 * @param string $directory for the server's files; created if it does not exist, and removed with all of them
 * @param array<string, string> $environment
 * @return string the server's address
 */
function serve(string $script, string $directory, array $environment = []): string
{
    is_dir($directory) || mkdir($directory);
    $log = "$directory/log";
    $server = proc_open(
        [PHP_BINARY, '-n', '-d', "session.save_path=$directory", '-d', "upload_tmp_dir=$directory", '-S', '127.0.0.1:0',
            $script],
        [1 => ['file', $log, 'a'], 2 => ['file', $log, 'a']],
        $pipes,
        null,
        $environment + getenv()
    );
    register_shutdown_function(function () use ($server, $directory): void {
        proc_terminate($server);
        array_map('unlink', glob("$directory/*"));
        rmdir($directory);
    });
    // The server prints its port when it is ready.
    for ($deadline = time() + 20; !preg_match('#http://(127\.0\.0\.1:\d+)\) started#', (string) file_get_contents($log), $found);) {
        time() < $deadline || throw new Exception('PHP\'s web server does not start: ' . file_get_contents($log));
        usleep(10_000);
    }
    return $found[1];
}

/** @return array{string, array<string, string>} the status line and the headers, by their names in small letters */
function ask(
    string $address,
    string $body,
    string $cookie = '',
    string $type = 'application/json',
    string $headers = '',
): array
{
    $options = ['method' => 'POST', 'content' => $body,
        'header' => "Content-Type: $type\r\nCookie: $cookie\r\n$headers", 'ignore_errors' => true];
    file_get_contents("http://$address/", false, stream_context_create(['http' => $options]));
    $headers = [];
    foreach (array_slice($http_response_header, 1) as $line) {
        [$name, $value] = explode(': ', $line, 2);
        $headers[strtolower($name)] = $value;
    }
    return [$http_response_header[0], $headers];
}

function expect(bool $holds, string $what): void
{
    $holds || throw new Exception("Expected $what");
}
