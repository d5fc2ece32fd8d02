<?php
// SPDX-License-Identifier: Apache-2.0
// Asks for a hand-off whose data is the body: socket, bytes (how many the data has), pieces, source, encoding (as a
// header says it), compressed (by PHP itself).

if (isset($_GET['compressed'])) {
    ini_set('zlib.output_compression', '1');
}
header('X-Socket-Handoff: ' . $_GET['socket']);
if (($_GET['source'] ?? 'body') !== '') {
    header('X-Handoff-Data-Source: ' . ($_GET['source'] ?? 'body'));
}
header('Content-Type: application/json');
if (isset($_GET['encoding'])) {
    header('Content-Encoding: ' . $_GET['encoding']);
}
$data = '{"prompt":"' . str_repeat('x', (int) $_GET['bytes'] - 13) . '"}';
foreach (isset($_GET['pieces']) ? str_split($data, 1000) : [$data] as $piece) {
    echo $piece;
    if (isset($_GET['pieces'])) {
        flush();
    }
}
