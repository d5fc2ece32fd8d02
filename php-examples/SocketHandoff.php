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
 * It only sets two response headers, by which Apache's mod_socket_handoff does the work; neither reaches the client.
 * What the script prints, and its other headers, are thrown away. A framework sets headers itself: give it headers().
 *
 * From PHP-FPM and CGI, Apache takes header lines of 8,189 bytes, which is 8,173 bytes of data, and answers with a 500
 * beyond. fits() tells whether the data is small enough; mod_php has no such limit.
 */
final class SocketHandoff
{
    public const DEFAULT_SOCKET = '/run/streaming-daemon.sock';

    private const SOCKET_HEADER = 'X-Socket-Handoff';
    private const DATA_HEADER = 'X-Handoff-Data';

    /** The longest line, name and colon included, that Apache takes from PHP-FPM and CGI: see ap_scan_script_header. */
    private const MAX_LINE_BYTES = 8189;

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

    /** Whether Apache will take the data from PHP. */
    public function fits(): bool
    {
        return strlen($this->json()) <= self::maxDataBytes();
    }

    /**
     * The response headers that make Apache hand the client over.
     *
     * @return array<string, string>
     * @throws JsonException   if the data holds what JSON cannot, such as text that is not UTF-8
     * @throws LengthException if the data is too long for Apache to take it from PHP
     */
    public function headers(): array
    {
        if (!$this->fits()) {
            throw new LengthException(sprintf(
                'The hand-off has %s bytes of data, and Apache takes no more than %s from PHP as %s: send less, '
                    . 'such as fewer of the older messages, or use mod_php, which has no such limit.',
                number_format(strlen($this->json())),
                number_format(self::maxDataBytes()),
                PHP_SAPI,
            ));
        }
        return [self::SOCKET_HEADER => $this->socket, self::DATA_HEADER => $this->json()];
    }

    /**
     * Sets the headers; end the script after it.
     *
     * @throws LogicException if output has begun, for then headers are too late
     */
    public function send(): void
    {
        if (headers_sent($file, $line)) {
            throw new LogicException("Too late for a hand-off: output has begun at $file:$line, and headers go first.");
        }
        foreach ($this->headers() as $name => $value) {
            header("$name: $value");
        }
    }

    /** ASCII on one line, so a header whatever the data: JSON escapes line breaks, and all characters beyond ASCII. */
    private function json(): string
    {
        return json_encode((object) $this->data, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES);
    }

    private static function maxDataBytes(): int
    {
        return PHP_SAPI === 'apache2handler' ? PHP_INT_MAX : self::MAX_LINE_BYTES - strlen(self::DATA_HEADER . ': ');
    }
}
