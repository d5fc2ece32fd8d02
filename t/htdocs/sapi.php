<?php
// Which of its server interfaces PHP runs in.
echo PHP_SAPI, "\n";
