<?php
// As ../sends.php, where PHP compresses what it prints (.user.ini).

require __DIR__ . '/../sends.php';
