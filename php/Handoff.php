<?php
// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace SocketHandoff;

use InvalidArgumentException;
use JsonException;
use LogicException;

/**
 * Hands the client of this request over to streaming-daemon, which streams the answer while this PHP process is free again.
 *
 *     Handoff::to('/run/streaming-daemon.sock')
 *         ->with(['prompt' => $prompt, 'user_id' => $user])
 *         ->send();
 *     exit;
 *
 * The class sets the response that Apache's mod_socket_handoff understands: one header names the daemon's socket, another
 * has the data. Apache accepts header lines of up to 8,189 bytes from PHP-FPM and CGI; longer data goes in the response's
 * body, up to SocketHandoffMaxDataSize (1 MiB). The client never sees these headers, and where SocketHandoffEnabled is On
 * nothing that the script prints. The script's other headers are dropped, except those that SocketHandoffForwardHeaders
 * names (a session's Set-Cookie, for example).
 *
 * A framework sends headers and body itself: give it headers() and body(), or a 204 if hasEnded(). If PHP compresses its
 * output (zlib.output_compression), turn that off first, as send() does.
 */
final class Handoff
{
    public const DEFAULT_SOCKET = '/run/streaming-daemon.sock';

    private const SOCKET_HEADER = 'X-Socket-Handoff';
    private const DATA_HEADER = 'X-Handoff-Data';
    private const SOURCE_HEADER = 'X-Handoff-Data-Source';

    /** The longest line, including name and colon, that Apache accepts from PHP-FPM and CGI: see ap_scan_script_header. */
    private const MAX_LINE_BYTES = 8189;

    /** mod_php has no such limit, but Apache copies headers from table to table: longer data is cheaper in the body. */
    private const MAX_LINE_BYTES_OF_MOD_PHP = 64 * 1024;

    /** @param array<string, mixed> $data */
    private function __construct(private readonly string $socket, private readonly array $data)
    {
    }

    /** @param string $socket the daemon's socket; SocketHandoffAllowedPrefix must name it or a directory above it */
    public static function to(string $socket = self::DEFAULT_SOCKET): self
    {
        if (preg_match('~^/[\x21-\x7e]+$~D', $socket) !== 1) {
            throw new InvalidArgumentException("The daemon's socket must be an absolute path; '$socket' is not one.");
        }
        return new self($socket, []);
    }

    /**
     * Returns a hand-off that has this data in addition; a field that is already set is replaced.
     *
     * An empty array becomes [], which the daemon takes for an empty object in each field that is one (request,
     * response_headers, ...). It passes on unchanged what is inside them: there, write new stdClass for {}.
     *
     * @param array<string, mixed> $data prompt or messages, and the other fields of docs/PROTOCOL.md: model, user_id, ...
     */
    public function with(array $data): self
    {
        return new self($this->socket, array_merge($this->data, $data));
    }

    /**
     * Keeps the answer under this name: it goes on when its client leaves, and others can follow or stop it. Asked for again
     * under the same name, it is followed, and the model is not asked twice. So give each answer a name of its own.
     *
     * @param ?string $onEnd the hook, by its name in the daemon's configuration, that gets the whole answer at its end:
     *                       AnswerReport::receive() reads it there
     * @param mixed $data what the hook gets with it, such as the conversation's id
     */
    public function keep(string $answerId, ?string $onEnd = null, mixed $data = null): self
    {
        return $this->named($answerId, ['on_end' => $onEnd, 'on_end_data' => $data]);
    }

    /**
     * Reads a kept answer from its beginning, or from behind the event that the client has seen last; then whatever comes.
     * The client gets 204 if there is no such answer. Check before that the answer is the user's.
     *
     * @param int|string|null $after that event's id. An EventSource sends it itself
     */
    public function follow(string $answerId, int|string|null $after = null): self
    {
        return $this->named($answerId, ['action' => 'follow', 'after' => $after]);
    }

    /** Ends a kept answer for all who read it. The client gets 204, or 404 if it does not run. */
    public function stop(string $answerId): self
    {
        return $this->named($answerId, ['action' => 'stop']);
    }

    /** @param array<string, mixed> $data of which null means absent */
    private function named(string $answerId, array $data): self
    {
        if (preg_match('/^[A-Za-z0-9._:-]{1,128}$/D', $answerId) !== 1) {
            throw new InvalidArgumentException("An answer's name has 1 to 128 letters, digits and ._:- ; '$answerId' is none.");
        }
        return $this->with(['answer_id' => $answerId, ...array_filter($data, fn (mixed $value) => $value !== null)]);
    }

    /**
     * The response headers that make Apache hand the client over.
     *
     * @return array<string, string>
     * @throws JsonException if JSON cannot represent the data, for example text that is not UTF-8
     */
    public function headers(): array
    {
        $data = $this->fitsHeader() ? [self::DATA_HEADER => $this->json()] : [self::SOURCE_HEADER => 'body'];
        return [self::SOCKET_HEADER => $this->socket, ...$data];
    }

    /**
     * The response body that belongs to headers(): the data if it is too long for a header, otherwise empty.
     *
     * @throws JsonException under the same condition as headers()
     */
    public function body(): string
    {
        return $this->fitsHeader() ? '' : $this->json();
    }

    /**
     * Whether an EventSource repeats a request whose answer is complete or has failed. The daemon's last event has the id
     * "done" (if done_event is set) or "error", which EventSource then sends back. Answer 204, and it stops; a hand-off
     * would ask the model again.
     */
    public static function hasEnded(): bool
    {
        return in_array($_SERVER['HTTP_LAST_EVENT_ID'] ?? null, ['done', 'error'], true);
    }

    /**
     * Answers with headers() and body(), or with 204 if hasEnded(). End the script after it, and print nothing else.
     *
     * @throws LogicException if output has begun: it is too late for headers then
     */
    public function send(): void
    {
        if (headers_sent($file, $line)) {
            throw new LogicException("Too late for a hand-off: output began at $file:$line. Call send() before any output.");
        }
        if (self::hasEnded()) {
            http_response_code(204);
            return;
        }
        foreach ($this->headers() as $name => $value) {
            header("$name: $value");
        }
        // The module passes the body on unchanged, and the daemon does not read gzip.
        ini_set('zlib.output_compression', '0');
        echo $this->body();
    }

    /** One line of ASCII, which is always a valid header: JSON escapes line breaks and all characters beyond ASCII. */
    private function json(): string
    {
        return json_encode((object) $this->data, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES);
    }

    private function fitsHeader(): bool
    {
        return PHP_SAPI === 'apache2handler'
            ? strlen($this->json()) <= self::MAX_LINE_BYTES_OF_MOD_PHP
            : strlen(self::DATA_HEADER . ': ' . $this->json()) <= self::MAX_LINE_BYTES;
    }
}
