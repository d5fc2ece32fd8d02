<?php

declare(strict_types=1);

/**
 * Hands the client of this request over to streaming-daemon, which streams the answer while this worker is free again.
 *
 *     SocketHandoff::to('/run/streaming-daemon.sock')
 *         ->with(['prompt' => $prompt, 'user_id' => $user])
 *         ->send();
 *     exit;
 *
 * It only answers in a way that Apache's mod_socket_handoff understands: the daemon's socket in one header, the data in
 * another. Apache takes header lines of 8,189 bytes from PHP-FPM and CGI; longer data goes in the response's body, up to
 * SocketHandoffMaxDataSize (1 MiB). None of it reaches the client, nor does what else the script prints. Its other
 * headers are lost, but for those that SocketHandoffForwardHeaders names, such as a session's Set-Cookie.
 *
 * A framework sends headers and body itself: give it headers() and body(), or 204 where hasEnded() says so. Where PHP
 * compresses (zlib.output_compression), turn that off before, as send() does.
 */
final class SocketHandoff
{
    public const DEFAULT_SOCKET = '/run/streaming-daemon.sock';

    private const SOCKET_HEADER = 'X-Socket-Handoff';
    private const DATA_HEADER = 'X-Handoff-Data';
    private const SOURCE_HEADER = 'X-Handoff-Data-Source';

    /** The longest line, name and colon included, that Apache takes from PHP-FPM and CGI: see ap_scan_script_header. */
    private const MAX_LINE_BYTES = 8189;

    /** mod_php has no such limit; but what is long is better not copied from table to table. */
    private const MAX_LINE_BYTES_OF_MOD_PHP = 64 * 1024;

    /** @param array<string, mixed> $data */
    private function __construct(private readonly string $socket, private readonly array $data)
    {
    }

    /** @param string $socket the daemon's socket, at or below what SocketHandoffAllowedPrefix names */
    public static function to(string $socket = self::DEFAULT_SOCKET): self
    {
        if (preg_match('~^/[\x21-\x7e]+$~D', $socket) !== 1) {
            throw new InvalidArgumentException("The daemon's socket must be an absolute path, and '$socket' is none.");
        }
        return new self($socket, []);
    }

    /**
     * A hand-off with this data besides what it has; a field that it has is replaced.
     *
     * @param array<string, mixed> $data prompt or messages, and what else docs/PROTOCOL.md lists: model, user_id, ...
     */
    public function with(array $data): self
    {
        return new self($this->socket, array_merge($this->data, $data));
    }

    /**
     * The response headers that make Apache hand the client over.
     *
     * @return array<string, string>
     * @throws JsonException if the data holds what JSON cannot, such as text that is not UTF-8
     */
    public function headers(): array
    {
        $data = $this->fitsHeader() ? [self::DATA_HEADER => $this->json()] : [self::SOURCE_HEADER => 'body'];
        return [self::SOCKET_HEADER => $this->socket, ...$data];
    }

    /**
     * The response's body that belongs to headers(): the data where no header holds it, else empty.
     *
     * @throws JsonException as headers() does
     */
    public function body(): string
    {
        return $this->fitsHeader() ? '' : $this->json();
    }

    /**
     * Whether an EventSource repeats a request whose answer has come to its end: the daemon's event "done" (done_event)
     * has the identity "done". An answer of 204 stops it; a hand-off would ask the model again.
     */
    public static function hasEnded(): bool
    {
        return ($_SERVER['HTTP_LAST_EVENT_ID'] ?? null) === 'done';
    }

    /**
     * Answers with headers() and body(), or with 204 where the answer hasEnded(); end the script after it, and print
     * nothing else.
     *
     * @throws LogicException if output has begun, for then headers are too late
     */
    public function send(): void
    {
        if (headers_sent($file, $line)) {
            throw new LogicException("Too late for a hand-off: output has begun at $file:$line, and headers go first.");
        }
        if (self::hasEnded()) {
            http_response_code(204);
            return;
        }
        foreach ($this->headers() as $name => $value) {
            header("$name: $value");
        }
        // The daemon gets the body as PHP writes it, and reads no gzip.
        ini_set('zlib.output_compression', '0');
        echo $this->body();
    }

    /** ASCII on one line, so a header whatever the data: JSON escapes line breaks, and all characters beyond ASCII. */
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
