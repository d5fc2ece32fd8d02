<?php
// Hands over by the class that comes with the module: socket, bytes (how many the prompt has).

require __DIR__ . '/SocketHandoff.php';

SocketHandoff::to($_GET['socket'])->with(['prompt' => str_repeat('x', (int) $_GET['bytes'])])->send();
