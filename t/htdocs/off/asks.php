<?php
require __DIR__ . '/../asks.php';
